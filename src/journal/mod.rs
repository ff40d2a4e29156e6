//! `DATA/journal/`: all committed changes, in order, each with its checksum. Append-only, in files of bounded size.
//!
//! Each round of the writer appends its entries and syncs them before it commits; the catalog keeps, in the same
//! transaction, the [`Position`] behind them. What stands behind that position was never committed: it is cut off at the next
//! start, or by the next append.
//!
//! A file begins with [`MAGIC`]. An entry is, little end first: length of the payload (u32), CRC-32 of the payload (u32,
//! ISO-HDLC as in zlib), payload. The payload: number of the entry (u64), Unix time in ms (u64), user (u64, all ones where
//! nobody asked), what (u8, [`What`]), id (16 bytes), and for what is put the record as the catalog holds it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::asset::{AssetId, UserId};
use crate::blobs::JournalFiles;

/// Says what the file is, and in which form.
pub const MAGIC: &[u8; 8] = b"assetdj1";
/// A file that is longer gets a successor.
const MAX_FILE_BYTES: u64 = 64 << 20;
/// Room that is kept allocated behind the last entry, so that deletes can be written on a full disk.
const ROOM_BYTES: u64 = 256 << 10;
/// Stands for no user.
const NOBODY: u64 = u64::MAX;

/// Where the next entry goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Position {
    /// The file, by the number of its first entry.
    pub file: u64,
    /// Bytes from its beginning; 0 before it is made.
    pub offset: u64,
    /// Of the next entry; they count from 0.
    pub number: u64,
}

impl Position {
    /// As the catalog keeps it.
    pub fn to_words(self) -> [u64; 3] {
        [self.file, self.offset, self.number]
    }

    /// As the catalog kept it.
    pub fn from_words([file, offset, number]: [u64; 3]) -> Position {
        Position { file, offset, number }
    }
}

/// What was done. The numbers stand on disk and are never given anew.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum What {
    Uploaded = 1,
    Changed = 2,
    Drawn = 3,
    Deleted = 4,
}

/// One change.
pub struct Entry {
    pub unix_ms: u64,
    /// `None`: the server's own doing.
    pub user: Option<UserId>,
    pub what: What,
    pub id: AssetId,
    /// As the catalog holds it; empty for what was deleted.
    pub record: Vec<u8>,
}

/// The end of the journal, held open for appending.
pub struct Journal {
    files: JournalFiles,
    file: Option<File>,
    position: Position,
    /// Bytes of the file that are allocated.
    allocated: u64,
}

impl Journal {
    /// Opens the journal where the catalog says that it ends.
    pub fn open(files: JournalFiles, position: Position) -> io::Result<Journal> {
        let mut journal = Journal { files, file: None, position, allocated: 0 };
        if position.offset == 0 {
            return Ok(journal);
        }
        match journal.files.open(position.file) {
            Ok(file) if file.metadata()?.len() >= position.offset => {
                // What stands behind was never committed.
                file.set_len(position.offset)?;
                journal.file = Some(file);
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(_) | Err(_) => {
                // Lost by whatever lost it. What follows goes to a file of its own, so that it can be read.
                tracing::error!("the end of the journal is missing; it goes on in a new file");
                journal.position = Position { file: position.number, offset: 0, ..position };
            }
        }
        Ok(journal)
    }

    /// Appends and syncs. The position behind the entries, which the catalog has to keep before [`Journal::settle`].
    pub fn append(&mut self, entries: &[Entry]) -> io::Result<Position> {
        let mut next = self.position;
        if self.file.is_none() || next.offset >= MAX_FILE_BYTES {
            next = Position { file: next.number, offset: 0, ..next };
            self.file = Some(self.files.create(next.file)?);
            self.files.sync()?;
            self.allocated = 0;
            self.position = next;
        }
        let mut bytes = Vec::new();
        if next.offset == 0 {
            bytes.extend_from_slice(MAGIC);
        }
        for entry in entries {
            frame(entry, next.number, &mut bytes);
            next.number += 1;
        }
        next.offset += bytes.len() as u64;
        let file = self.file.as_ref().ok_or(io::ErrorKind::NotFound)?;
        if self.allocated < next.offset + ROOM_BYTES {
            let keep = rustix::fs::FallocateFlags::KEEP_SIZE;
            let room = 4 * ROOM_BYTES;
            // Where the file system can't, or the disk is full, the write itself tells.
            if rustix::fs::fallocate(file, keep, next.offset, room).is_ok() {
                self.allocated = next.offset + room;
            }
        }
        file.write_all_at(&bytes, self.position.offset)?;
        file.sync_data()?;
        Ok(next)
    }

    /// The catalog has kept this position.
    pub fn settle(&mut self, position: Position) {
        self.position = position;
    }

    /// The round was not committed: what [`Journal::append`] wrote is cut off again.
    pub fn take_back(&self) -> io::Result<()> {
        self.file.as_ref().map_or(Ok(()), |file| file.set_len(self.position.offset))
    }
}

fn frame(entry: &Entry, number: u64, bytes: &mut Vec<u8>) {
    let mut payload = Vec::with_capacity(41 + entry.record.len());
    payload.extend_from_slice(&number.to_le_bytes());
    payload.extend_from_slice(&entry.unix_ms.to_le_bytes());
    payload.extend_from_slice(&entry.user.map_or(NOBODY, UserId::number).to_le_bytes());
    payload.push(entry.what as u8);
    payload.extend_from_slice(entry.id.as_bytes());
    payload.extend_from_slice(&entry.record);
    bytes.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&crc32fast::hash(&payload).to_le_bytes());
    bytes.extend_from_slice(&payload);
}
