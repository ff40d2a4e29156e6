//! The write transaction: what happens in it becomes true as a whole, and is on disk when `commit` returns.

use std::sync::MutexGuard;

use redb::{ReadableTable, ReadableTableMetadata, WriteTransaction};

use super::room::{self, Allowance, Room};
use super::rows::Rows;
use super::tables::{ASSETS, DOOMED, META, meta};
use super::{Catalog, Error, codec, verdict};
use crate::asset::{Asset, AssetId, Format, GroupId, Grouping, UserId};

/// One write transaction. Dropped without `commit` it leaves nothing.
///
/// An error of [`Error::Full`] from `insert` or `replace` before anything else has failed leaves the batch as it was:
/// there is no room for more, and removals may go on. After any other error the batch can only be dropped; `commit` then
/// gives that error again.
pub struct Batch<'c> {
    catalog: &'c Catalog,
    txn: Option<WriteTransaction>,
    rows: Rows,
    /// Something has been written to `txn`.
    changed: bool,
    /// Something has failed half way.
    broken: bool,
    writer: MutexGuard<'c, Allowance>,
}

/// Assets whose rows wait in memory at most before they are written: half a KiB each. The more there are at once, the
/// fewer times a cascade over strewn assets writes the same page.
pub(super) const MAX_WAITING: usize = 32_768;

impl<'c> Batch<'c> {
    pub(super) fn new(
        catalog: &'c Catalog,
        txn: WriteTransaction,
        writer: MutexGuard<'c, Allowance>,
    ) -> Batch<'c> {
        Batch { catalog, txn: Some(txn), rows: Rows::default(), changed: false, broken: false, writer }
    }

    /// The last id ever given; [`AssetId::MIN`] in a new catalog.
    pub fn last_id(&self) -> Result<AssetId, Error> {
        last_id(&self.txn()?.open_table(META)?)
    }

    /// Sets it. It belongs in the batch of the assets that bear the ids.
    pub fn set_last_id(&mut self, id: AssetId) -> Result<(), Error> {
        self.write(|txn, _| {
            txn.open_table(META)?.insert(meta::LAST_ID, id.as_bytes().as_slice())?;
            Ok(())
        })
    }

    /// Sets where the journal ends. It belongs in the batch of what the journal says.
    pub fn set_journal_position(&mut self, words: [u64; 3]) -> Result<(), Error> {
        self.write(|txn, _| {
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            txn.open_table(META)?.insert(meta::JOURNAL, bytes.as_slice())?;
            Ok(())
        })
    }

    /// The asset as this batch has left it.
    pub fn get(&self, id: AssetId) -> Result<Option<Asset>, Error> {
        let table = self.txn()?.open_table(ASSETS)?;
        let record = table.get(id.as_bytes())?;
        record.map(|bytes| codec::decode(id, bytes.value())).transpose()
    }

    /// Adds a record with its rows and totals. Its id must be new.
    pub fn insert(&mut self, asset: &Asset) -> Result<(), Error> {
        self.need_room()?;
        let record = codec::encode(asset)?;
        self.write(|txn, rows| {
            let mut table = txn.open_table(ASSETS)?;
            if table.insert(asset.id.as_bytes(), record.as_slice())?.is_some() {
                return Err(Error::because("an id was given twice"));
            }
            rows.put(asset);
            Ok(())
        })
    }

    /// Puts `new` in the place of `old`, which must be what stands there, and of the same id, owner and kind. Only rows
    /// that differ are touched.
    pub fn replace(&mut self, old: &Asset, new: &Asset) -> Result<(), Error> {
        if (old.id, old.owner, old.kind()) != (new.id, new.owner, new.kind()) {
            return Err(Error::because("a change of an asset's id, owner or kind"));
        }
        self.need_room()?;
        let record = codec::encode(new)?;
        self.write(|txn, rows| {
            let mut table = txn.open_table(ASSETS)?;
            let before = table.insert(new.id.as_bytes(), record.as_slice())?;
            let before = before.map(|bytes| codec::decode(old.id, bytes.value())).transpose()?;
            if before.as_ref() != Some(old) {
                return Err(Error::because("a change of an asset that has changed meanwhile"));
            }
            rows.take(old);
            rows.put(new);
            Ok(())
        })
    }

    /// Removes a record with its rows and totals, and dooms its files. It must be there.
    pub fn remove(&mut self, asset: &Asset) -> Result<(), Error> {
        self.write(|txn, rows| match remove_record(txn, asset.id)? {
            Some(stored) => {
                rows.take(&stored);
                txn.open_table(DOOMED)?.insert(stored.id.as_bytes(), stored.format as u8)?;
                Ok(())
            }
            None => Err(Error::because("a removal of an asset that is not there")),
        })
    }

    /// Removes all assets that name the group, `owner`'s or, with `None`, every user's, and dooms their files. Gives what
    /// was removed, owner by owner.
    pub fn remove_group(
        &mut self,
        owner: Option<UserId>,
        grouping: Grouping,
        id: &GroupId,
    ) -> Result<Vec<(AssetId, Format)>, Error> {
        self.write(|txn, rows| super::cascade::remove_group(txn, rows, owner, grouping, id))
    }

    /// The files of these are gone.
    pub fn clear_doomed(&mut self, ids: &[AssetId]) -> Result<(), Error> {
        self.write(|txn, _| {
            let mut table = txn.open_table(DOOMED)?;
            for id in ids {
                table.remove(id.as_bytes())?;
            }
            Ok(())
        })
    }

    /// Writes all rows and totals anew from the records, for a catalog that [`Catalog::verify`] finds fault with. Gives
    /// the ids of records that do not decode: they have no rows then.
    pub fn rebuild(&mut self) -> Result<Vec<AssetId>, Error> {
        self.write(super::verify::rebuild)
    }

    /// Makes it all true. On [`Error::Full`] none of it is, and the catalog goes on; on [`Error::Stopped`] nobody knows
    /// before the next opening.
    pub fn commit(mut self) -> Result<(), Error> {
        if self.broken {
            return Err(self.verdict(Error::because("a commit of a batch in which something has failed")));
        }
        if !self.changed {
            return Ok(());
        }
        self.finish().map_err(|error| {
            let error = self.verdict(error);
            // Whatever went wrong: redb begins nothing after it.
            self.catalog.health.trip();
            error
        })?;
        if self.catalog.health.room() == Room::Spent {
            self.settle();
        }
        Ok(())
    }

    /// Pages that a transaction has given up are free once the next has ended. With no room to grow, the next
    /// removal needs them: end one that does nothing. If that fails there is no more room than before.
    fn settle(&self) {
        let settled = self.catalog.begin_transaction().and_then(|txn| Ok(txn.commit()?));
        if settled.is_err() {
            self.catalog.health.trip();
        }
    }

    fn finish(&mut self) -> Result<(), Error> {
        let txn = self.txn.take().ok_or_else(closed)?;
        let written = self.rows.apply(&txn);
        if let Err(error) = written {
            self.txn = Some(txn);
            return Err(error);
        }
        Ok(txn.commit()?)
    }

    fn txn(&self) -> Result<&WriteTransaction, Error> {
        self.txn.as_ref().ok_or_else(closed)
    }

    /// Runs one change.
    fn write<T>(
        &mut self,
        change: impl FnOnce(&WriteTransaction, &mut Rows) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let txn = self.txn.as_ref().ok_or_else(closed)?;
        self.changed = true;
        let mut result = change(txn, &mut self.rows);
        if result.is_ok()
            && self.rows.assets() >= MAX_WAITING
            && let Err(error) = self.rows.apply(txn)
        {
            result = Err(error);
        }
        result.map_err(|error| {
            self.broken = true;
            self.verdict(error)
        })
    }

    /// Refuses additions that would take the removals' room.
    fn need_room(&mut self) -> Result<(), Error> {
        let health = &self.catalog.health;
        if health.room() == Room::Held {
            return Ok(());
        }
        let len = self.catalog.file.metadata()?.len();
        if room::hold(&self.catalog.file, len)? == Room::Held {
            health.set_room(Room::Held);
            self.writer.reset();
            return Ok(());
        }
        let txn = self.txn.as_ref().ok_or_else(closed)?;
        let count = txn.open_table(ASSETS)?.len()?;
        let used_pages = || txn.stats().map(|stats| stats.allocated_pages());
        if self.writer.take(count, len, used_pages)? {
            return Ok(());
        }
        Err(Error::Full)
    }

    fn verdict(&self, error: Error) -> Error {
        verdict(&self.catalog.health, error)
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        // Before the database is opened anew: it stays open as long as a transaction does.
        drop(self.txn.take());
        // redb closes nothing in order while its thread panics; the next call opens it anew then.
        if std::thread::panicking() {
            self.catalog.health.trip();
        } else if self.catalog.health.wants_reopening() {
            // If that fails too the next call tries again, and tells.
            self.catalog.reopen(&self.writer).ok();
        }
    }
}

fn closed() -> Error {
    Error::because("the batch is over")
}

/// Takes a record out; its rows are the caller's to take.
pub(super) fn remove_record(txn: &WriteTransaction, id: AssetId) -> Result<Option<Asset>, Error> {
    let mut table = txn.open_table(ASSETS)?;
    let record = table.remove(id.as_bytes())?;
    record.map(|bytes| codec::decode(id, bytes.value())).transpose()
}

pub(super) fn last_id(table: &impl ReadableTable<&'static str, &'static [u8]>) -> Result<AssetId, Error> {
    let value = table.get(meta::LAST_ID)?;
    match value.map(|value| value.value().try_into()) {
        None => Ok(AssetId::MIN),
        Some(Ok(bytes)) => Ok(AssetId::from_bytes(bytes)),
        Some(Err(_)) => Err(Error::because("the last id given is damaged")),
    }
}

pub(super) fn journal_position(
    table: &impl ReadableTable<&'static str, &'static [u8]>,
) -> Result<Option<[u64; 3]>, Error> {
    let Some(value) = table.get(meta::JOURNAL)? else {
        return Ok(None);
    };
    let bytes: [u8; 24] =
        value.value().try_into().map_err(|_| Error::because("the journal's position is damaged"))?;
    let mut words = [0; 3];
    for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
        *word = bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
    }
    Ok(Some(words))
}
