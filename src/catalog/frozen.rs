//! The last commit known to be on disk, for reading after a write has failed.
//!
//! redb does not even read after a failed write, and opening the file anew may find a header whose sync failed. This
//! backend shows redb the header of the last sync that succeeded and the file's pages below it, which that sync has
//! put on disk and which no later transaction has written over (redb writes changed pages to free places). What redb
//! itself writes while it opens goes to memory and no further.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use redb::StorageBackend;

/// Blocks are kept by redb's page size, so that most writes are whole ones.
const BLOCK: usize = 4096;

/// A file that is read and never written.
#[derive(Debug)]
pub(super) struct Frozen {
    file: File,
    changed: Mutex<Changed>,
}

#[derive(Debug)]
struct Changed {
    len: u64,
    /// By number of the block. Bounded by what redb writes when it opens and closes: its header and the pages of one
    /// empty commit.
    blocks: BTreeMap<u64, Box<[u8; BLOCK]>>,
}

impl Frozen {
    pub fn new(file: File, header: &[u8]) -> io::Result<Frozen> {
        let len = file.metadata()?.len();
        let changed = Mutex::new(Changed { len, blocks: BTreeMap::new() });
        let frozen = Frozen { file, changed };
        frozen.write(0, header)?;
        Ok(frozen)
    }

    fn lock(&self) -> MutexGuard<'_, Changed> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The block's bytes in the file, zeros behind its end.
    fn block(&self, number: u64) -> io::Result<Box<[u8; BLOCK]>> {
        let mut block = Box::new([0; BLOCK]);
        let mut filled = 0;
        while let Some(rest) = block.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, number * BLOCK as u64 + filled as u64)? {
                0 => break,
                read => filled += read,
            }
        }
        Ok(block)
    }
}

/// The blocks that `len` bytes at `offset` lie in: number, place of the first byte in it, bytes.
fn blocks(offset: u64, len: usize) -> impl Iterator<Item = (u64, usize, usize)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let at = offset + done as u64;
        let start = (at % BLOCK as u64) as usize;
        let bytes = (len - done).min(BLOCK - start);
        done += bytes;
        (bytes > 0).then_some((at / BLOCK as u64, start, bytes))
    })
}

impl StorageBackend for Frozen {
    fn len(&self) -> io::Result<u64> {
        Ok(self.lock().len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let changed = self.lock();
        if offset.saturating_add(out.len() as u64) > changed.len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut rest = out;
        for (number, start, bytes) in blocks(offset, rest.len()) {
            let (part, behind) = rest.split_at_mut(bytes);
            match changed.blocks.get(&number) {
                Some(block) => part.copy_from_slice(&block[start..start + bytes]),
                None => part.copy_from_slice(&self.block(number)?[start..start + bytes]),
            }
            rest = behind;
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.lock().len = len;
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut changed = self.lock();
        let mut rest = data;
        for (number, start, bytes) in blocks(offset, data.len()) {
            let (part, behind) = rest.split_at(bytes);
            let block = match changed.blocks.entry(number) {
                std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
                std::collections::btree_map::Entry::Vacant(entry) => entry.insert(self.block(number)?),
            };
            block[start..start + bytes].copy_from_slice(part);
            rest = behind;
        }
        Ok(())
    }
}
