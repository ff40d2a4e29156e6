//! Records and their indexes in redb, and nothing else: [`tables`] says what stands where.
//!
//! Reading: every call takes a snapshot of its own, so it never waits for the writer and sees no half of a batch.
//! Writing: one [`Batch`] at a time, which becomes true as a whole when its `commit` returns, or not at all.
//!
//! redb refuses all work after a failed operation until it is opened anew, so [`Catalog`] does that in place: after want
//! of room everything goes on; after any other failed write the last commit known to be on disk is still read, and
//! nothing is written until the process starts again.

mod backend;
mod batch;
mod cascade;
pub mod codec;
mod error;
mod frozen;
mod groups;
pub mod migrate;
mod query;
mod room;
mod rows;
mod tables;
mod verify;
mod walk;

use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use redb::{
    ConcurrencyMode, ReadOnlyDatabase, ReadTransaction, ReadableDatabase, ReadableTable,
    ReadableTableMetadata, WriteTransaction,
};

use crate::asset::{Asset, AssetId, Format, Grouping, UserId};
use backend::{Backend, Health};
use frozen::Frozen;
use room::Allowance;
use tables::{ASSETS, DOOMED};

pub use batch::Batch;
pub use codec::encode;
pub use error::Error;
pub use groups::{GroupTotals, Totals};
pub use query::{Page, Query};

/// redb's cache of pages. Small, because the system's page cache lies below it: what is kept here saves a copy of 4 KiB
/// a page and no reading. Half of it is the most a transaction holds back before it writes.
const CACHE_BYTES: usize = 8 << 20;

/// A record by its id, or what is wrong with it.
pub type Scanned = (AssetId, Result<Asset, Error>);

/// All records of a store. `Send + Sync`; any number of threads read while one writes.
pub struct Catalog {
    file: File,
    health: Arc<Health>,
    /// None only where opening it anew has failed; the next call tries again.
    database: RwLock<Option<Database>>,
    /// Held by a batch and by whoever opens the database anew.
    writer: Mutex<Allowance>,
    store_id: [u8; 16],
}

enum Database {
    Writable(redb::Database),
    /// Beside a process that writes.
    Reading(ReadOnlyDatabase),
}

impl Catalog {
    /// Opens the catalog in `file`, open for reading and writing, or makes a new one where it is empty. One of an older
    /// format is migrated, one of a newer refused. A file that was in use when its process died opens as fast as any.
    pub fn open(file: File) -> Result<Catalog, Error> {
        Catalog::open_with(file, |_| Ok(()))
    }

    /// As [`Catalog::open`], and calls `keep_copy` with the format found before it migrates an older one: nothing is
    /// written to the file while it runs, so that a copy of it can be taken. If it fails, so does this.
    pub fn open_with(file: File, keep_copy: impl FnOnce(u32) -> io::Result<()>) -> Result<Catalog, Error> {
        let health = Arc::new(Health::default());
        // redb trusts a file that bears its mark, and panics where it is damaged.
        let opened = catch_unwind(AssertUnwindSafe(|| {
            let database = open_for_writing(&file, &health)?;
            let store_id = migrate::prepare(&database, migrate::STEPS, keep_copy)?;
            Ok((database, store_id))
        }));
        let (database, store_id) = match opened {
            Ok(result) => result.map_err(|error| verdict(&health, error))?,
            Err(_) => return Err(Error::because("the catalog's file is damaged")),
        };
        Ok(Catalog::new(file, health, Database::Writable(database), store_id))
    }

    /// Opens the catalog in `file` beside the process that has it open for writing, and follows what that commits.
    /// Without such a process only a catalog that was closed in order opens so.
    pub fn open_read_only(file: File) -> Result<Catalog, Error> {
        let health = Arc::new(Health::default());
        let opened = catch_unwind(AssertUnwindSafe(|| {
            let database = open_for_reading(&file, &health)?;
            let store_id = migrate::check(&database.begin_read()?)?;
            Ok::<_, Error>((database, store_id))
        }));
        let (database, store_id) = match opened {
            Ok(result) => result?,
            Err(_) => return Err(Error::because("the catalog's file is damaged")),
        };
        Ok(Catalog::new(file, health, Database::Reading(database), store_id))
    }

    fn new(file: File, health: Arc<Health>, database: Database, store_id: [u8; 16]) -> Catalog {
        Catalog {
            file,
            health,
            database: RwLock::new(Some(database)),
            writer: Mutex::new(Allowance::default()),
            store_id,
        }
    }

    pub fn get(&self, id: AssetId) -> Result<Option<Asset>, Error> {
        self.read(|txn| {
            let record = txn.open_table(ASSETS)?.get(id.as_bytes())?;
            record.map(|bytes| codec::decode(id, bytes.value())).transpose()
        })
    }

    /// A page of `owner`'s assets, newest first (API.md, 4).
    pub fn list(&self, owner: UserId, query: &Query) -> Result<Page, Error> {
        self.read(|txn| query::list(txn, owner, query))
    }

    /// The clients or campaigns that assets of `owner` name, by id ascending.
    pub fn groups(&self, owner: UserId, grouping: Grouping) -> Result<Vec<GroupTotals>, Error> {
        self.read(|txn| groups::groups(&txn.open_table(tables::TOTALS)?, owner, grouping))
    }

    /// What `owner` has in all.
    pub fn usage(&self, owner: UserId) -> Result<Totals, Error> {
        self.read(|txn| groups::total(&txn.open_table(tables::TOTALS)?, owner, None, None, None))
    }

    /// The files still to unlink, by id ascending.
    pub fn doomed(&self) -> Result<Vec<(AssetId, Format)>, Error> {
        self.read(|txn| {
            let mut doomed = Vec::new();
            for row in txn.open_table(DOOMED)?.iter()? {
                let (id, format) = row?;
                let id = AssetId::from_bytes(*id.value());
                let format = Format::from_number(format.value())
                    .ok_or(Error::Damaged { id, flaw: "its format in doomed" })?;
                doomed.push((id, format));
            }
            Ok(doomed)
        })
    }

    /// The last id ever given; [`AssetId::MIN`] in a new catalog.
    pub fn last_id(&self) -> Result<AssetId, Error> {
        self.read(|txn| batch::last_id(&txn.open_table(tables::META)?))
    }

    /// Where the journal ends, as the last batch left it; `None` in a new catalog.
    pub fn journal_position(&self) -> Result<Option<[u64; 3]>, Error> {
        self.read(|txn| batch::journal_position(&txn.open_table(tables::META)?))
    }

    /// Records, of all owners.
    pub fn count(&self) -> Result<u64, Error> {
        self.read(|txn| Ok(txn.open_table(ASSETS)?.len()?))
    }

    /// Up to `limit` records behind `after`, of all owners and by id ascending, for work on the whole store. A record
    /// that does not decode is an error in its own place.
    pub fn scan(&self, after: Option<AssetId>, limit: usize) -> Result<Vec<Scanned>, Error> {
        use std::ops::Bound;
        self.read(|txn| {
            let from = after.as_ref().map_or(Bound::Unbounded, |id| Bound::Excluded(id.as_bytes()));
            let mut records = Vec::new();
            for row in txn.open_table(ASSETS)?.range::<&[u8; 16]>((from, Bound::Unbounded))?.take(limit) {
                let (id, bytes) = row?;
                let id = AssetId::from_bytes(*id.value());
                records.push((id, codec::decode(id, bytes.value())));
            }
            Ok(records)
        })
    }

    /// Compares all rows and totals with the records; a sentence for each that is wrong. Reads everything.
    pub fn verify(&self) -> Result<Vec<String>, Error> {
        self.read(verify::verify)
    }

    /// What tells this catalog from any other: random bytes, made with it.
    pub fn store_id(&self) -> [u8; 16] {
        self.store_id
    }

    /// Why nothing is written any more, once that is so ([`Error::Stopped`]).
    pub fn stopped(&self) -> Option<&str> {
        self.health.stopped()
    }

    /// Whether redb had to walk the whole file when it was opened, as it must where its last process wrote to it with
    /// other settings than this one's.
    pub fn walked(&self) -> bool {
        self.health.walked().load(Ordering::Acquire)
    }

    /// Begins the one write transaction; waits for the one before it.
    pub fn begin(&self) -> Result<Batch<'_>, Error> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reason) = self.health.stopped() {
            return Err(Error::Stopped(reason.to_owned()));
        }
        if self.health.is_tripped() {
            self.reopen(&writer)?;
        }
        Ok(Batch::new(self, self.begin_transaction()?, writer))
    }

    /// A write transaction; the writer's lock is held.
    fn begin_transaction(&self) -> Result<WriteTransaction, Error> {
        match self.database().as_ref() {
            Some(Database::Writable(database)) => migrate::begin(database),
            Some(Database::Reading(_)) => Err(Error::because("the catalog was opened for reading alone")),
            None => Err(Error::because("the catalog is closed")),
        }
    }

    fn database(&self) -> RwLockReadGuard<'_, Option<Database>> {
        self.database.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `look` on a snapshot, and once more on a database opened anew where it failed because redb had latched.
    fn read<T>(&self, look: impl Fn(&ReadTransaction) -> Result<T, Error>) -> Result<T, Error> {
        let attempt = || {
            let database = self.database();
            let txn = match database.as_ref() {
                Some(Database::Writable(database)) => database.begin_read()?,
                Some(Database::Reading(database)) => database.begin_read()?,
                None => return Err(Error::because("the catalog is closed")),
            };
            look(&txn)
        };
        match attempt() {
            Err(_) if self.health.is_tripped() => {
                // A batch that is under way fails as well, and opens the database anew when it ends.
                if let Ok(writer) = self.writer.try_lock() {
                    self.reopen(&writer)?;
                }
                attempt()
            }
            result => result,
        }
    }

    /// Closes the database and opens it again: with more room where it lacked some, for reading alone where a write has
    /// failed otherwise. Waits for reads under way; a batch cannot be.
    fn reopen(&self, _writer: &MutexGuard<'_, Allowance>) -> Result<(), Error> {
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        let reading = matches!(*database, Some(Database::Reading(_)));
        // The locks on the file must be gone before they are taken anew. redb has nothing to tidy up that matters.
        self.health.set_closing(true);
        *database = None;
        self.health.set_closing(false);
        let lacked_room = self.health.reset();
        let opened = if reading {
            open_for_reading(&self.file, &self.health).map(Database::Reading)
        } else if self.health.stopped().is_some() {
            open_frozen(&self.file, &self.health).map(Database::Writable)
        } else {
            let room = if lacked_room { room::make_room(&self.file).map(Some) } else { Ok(None) };
            room.map_err(Error::from).and_then(|room| {
                let database = open_for_writing(&self.file, &self.health)?;
                // The opening has looked for a reserve behind the longer file; without one, nothing is added.
                if room == Some(room::Room::Spent) {
                    self.health.set_room(room::Room::Spent);
                }
                Ok(Database::Writable(database))
            })
        };
        match opened {
            Ok(opened) => {
                *database = Some(opened);
                Ok(())
            }
            Err(error) => {
                self.health.trip();
                Err(error)
            }
        }
    }
}

impl Drop for Catalog {
    /// redb ends with a commit that packs the file together. On a full disk that would give away the room kept for
    /// removals; the file opens as well without.
    fn drop(&mut self) {
        if self.health.room() == room::Room::Spent {
            self.health.set_closing(true);
        }
    }
}

/// One process writes, others may read along: their locks are ranges of the file (redb, `ConcurrencyMode`).
const MODE: ConcurrencyMode = ConcurrencyMode::SingleWriter;

fn open_for_writing(file: &File, health: &Arc<Health>) -> Result<redb::Database, Error> {
    let backend = Backend::new(file.try_clone()?, Arc::clone(health))?;
    let noted = Arc::clone(health);
    let database = redb::Database::builder()
        .set_cache_size(CACHE_BYTES)
        .set_concurrency_mode(MODE)
        .set_repair_callback(move |_| noted.walked().store(true, Ordering::Release))
        .create_with_backend(backend)?;
    Ok(database)
}

fn open_for_reading(file: &File, health: &Arc<Health>) -> Result<ReadOnlyDatabase, Error> {
    let backend = Backend::for_reading(file.try_clone()?, Arc::clone(health))?;
    let database = redb::Database::builder()
        .set_cache_size(CACHE_BYTES)
        .set_concurrency_mode(MODE)
        .open_read_only_with_backend(backend)?;
    Ok(database)
}

/// Nothing of this reaches the file, so it takes no locks on it either.
fn open_frozen(file: &File, health: &Health) -> Result<redb::Database, Error> {
    let frozen = Frozen::new(file.try_clone()?, &health.synced_header())?;
    Ok(redb::Database::builder().set_cache_size(CACHE_BYTES).create_with_backend(frozen)?)
}

/// What `error` means for the writer: once redb has latched it tells no more than that.
fn verdict(health: &Health, error: Error) -> Error {
    match health.stopped() {
        Some(reason) => Error::Stopped(reason.to_owned()),
        None if health.is_full() => Error::Full,
        None => error,
    }
}
