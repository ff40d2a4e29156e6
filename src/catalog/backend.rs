//! The file as redb sees it: redb's own backend, but that growth allocates ([`super::room`]) and that every failure is
//! noted, because redb refuses all further work after one until the database is opened anew.

use std::fs::File;
use std::io;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};

use super::error::is_full;
use super::room::{self, Room};

/// redb's header: its first page begins with it, and it is written whole (redb, `docs/design.md`, "Database header").
const HEADER_BYTES: usize = 320;

/// What is known of the file across openings. Shared by the catalog and the backend it has given to redb.
#[derive(Debug, Default)]
pub(super) struct Health {
    /// An operation has failed, so redb takes no more: open anew.
    tripped: AtomicBool,
    /// That failure was want of room.
    full: AtomicBool,
    /// A write or a sync has failed for another reason, which is this.
    stopped: OnceLock<String>,
    /// redb takes the file for shorter than it is.
    short: AtomicBool,
    /// The catalog is being closed, and what redb would tidy up is left undone.
    closing: AtomicBool,
    /// A [`Room`].
    room: AtomicU8,
    /// redb had to walk the whole file when it opened it.
    walked: AtomicBool,
    header: Mutex<Header>,
}

/// The header last written, and the last one a sync has put on disk.
#[derive(Debug, Default)]
struct Header {
    written: Option<Vec<u8>>,
    synced: Vec<u8>,
}

impl Health {
    pub fn is_tripped(&self) -> bool {
        self.tripped.load(Ordering::Acquire)
    }

    pub fn is_full(&self) -> bool {
        self.full.load(Ordering::Acquire)
    }

    /// The database has to be opened anew before it is of use.
    pub fn trip(&self) {
        self.tripped.store(true, Ordering::Release);
    }

    /// The database is about to be opened anew. Whether it is for want of room.
    pub fn reset(&self) -> bool {
        self.tripped.store(false, Ordering::Release);
        self.short.store(false, Ordering::Release);
        self.full.swap(false, Ordering::AcqRel)
    }

    /// Why no more is written, once that is so.
    pub fn stopped(&self) -> Option<&str> {
        self.stopped.get().map(String::as_str)
    }

    pub fn room(&self) -> Room {
        if self.room.load(Ordering::Acquire) == Room::Held as u8 { Room::Held } else { Room::Spent }
    }

    /// Whether redb is to be opened anew: because it takes no more, or to see the file's true length.
    pub fn wants_reopening(&self) -> bool {
        self.is_tripped() || self.short.load(Ordering::Acquire)
    }

    /// While `closing` nothing is written: the file stays as the last commit has left it.
    pub fn set_closing(&self, closing: bool) {
        self.closing.store(closing, Ordering::Release);
    }

    fn check_open(&self) -> io::Result<()> {
        if self.closing.load(Ordering::Acquire) {
            return Err(io::Error::other("the catalog is being closed"));
        }
        Ok(())
    }

    pub fn set_room(&self, room: Room) {
        self.room.store(room as u8, Ordering::Release);
    }

    pub fn walked(&self) -> &AtomicBool {
        &self.walked
    }

    /// The header of the last commit that is on disk for certain.
    pub fn synced_header(&self) -> Vec<u8> {
        self.lock_header().synced.clone()
    }

    fn lock_header(&self) -> std::sync::MutexGuard<'_, Header> {
        self.header.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Want of room is no fault of the file: what is on disk is the last commit, whole.
    fn note_write(&self, operation: &str, result: &io::Result<()>) {
        let Err(error) = result else { return };
        if is_full(error) {
            self.full.store(true, Ordering::Release);
        } else {
            self.stopped.get_or_init(|| format!("{operation}: {error}"));
        }
        self.trip();
    }

    /// Whatever the error says: after a failed sync nobody knows what is on disk.
    fn note_sync(&self, result: &io::Result<()>) {
        if let Err(error) = result {
            self.stopped.get_or_init(|| format!("sync: {error}"));
            self.trip();
        }
    }
}

/// One opening of the file.
#[derive(Debug)]
pub(super) struct Backend {
    redb: FileBackend,
    file: File,
    /// The length redb has given the file, which may be more: see `set_len`. None where another process gives it.
    len: Option<AtomicU64>,
    health: Arc<Health>,
}

impl Backend {
    /// Takes `file` for reading and writing, and sees to its reserve.
    pub fn new(file: File, health: Arc<Health>) -> io::Result<Backend> {
        let mut backend = Backend::for_reading(file, health)?;
        let len = backend.file.metadata()?.len();
        backend.len = Some(AtomicU64::new(len));
        if len > 0 {
            backend.health.set_room(room::hold(&backend.file, len)?);
        }
        let mut header = vec![0; HEADER_BYTES];
        if len >= HEADER_BYTES as u64 {
            backend.redb.read(0, &mut header)?;
            backend.health.lock_header().synced = header;
        }
        Ok(backend)
    }

    /// Takes `file` for reading beside a process that writes it.
    pub fn for_reading(file: File, health: Arc<Health>) -> io::Result<Backend> {
        let redb = FileBackend::new(file.try_clone()?).map_err(io::Error::other)?;
        Ok(Backend { redb, file, len: None, health })
    }
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        match &self.len {
            Some(len) => Ok(len.load(Ordering::Acquire)),
            None => self.redb.len(),
        }
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let result = self.redb.read(offset, out);
        if result.is_err() {
            self.health.trip();
        }
        result
    }

    /// Without a reserve the file is not shortened: what redb gives up, removals will need again. redb would now double
    /// the length it knows of when it next wants more; opened anew, it takes the file as long as it is. (Pages are
    /// written whole before they are read, so that what they held is of no matter.)
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.health.check_open()?;
        let result = self.redb.len().and_then(|from| match self.health.room() {
            room if len > from => room::grow(&self.file, from, len, room),
            Room::Held => room::shrink(&self.file, len),
            Room::Spent => {
                self.health.short.store(true, Ordering::Release);
                Ok(Room::Spent)
            }
        });
        let result = result.map(|room| {
            self.health.set_room(room);
            if let Some(known) = &self.len {
                known.store(len, Ordering::Release);
            }
        });
        self.health.note_write("resize", &result);
        result
    }

    fn sync_data(&self) -> io::Result<()> {
        // Only what was written before the sync began is on disk after it.
        let written = self.health.lock_header().written.take();
        let result = self.redb.sync_data();
        self.health.note_sync(&result);
        if let (Ok(()), Some(written)) = (&result, written) {
            self.health.lock_header().synced = written;
        }
        result
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.health.check_open()?;
        let result = self.redb.write(offset, data);
        if offset == 0 && result.is_ok() {
            self.health.lock_header().written = Some(data.to_vec());
        }
        self.health.note_write("write", &result);
        result
    }

    fn close(&self) -> io::Result<()> {
        self.redb.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.redb.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.redb.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.redb.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.redb.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.redb.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.redb.query_lock_range(start, end)
    }
}
