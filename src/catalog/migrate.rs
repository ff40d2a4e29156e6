//! The catalog's format: what a new catalog begins with, and how an older one becomes what this program knows.

use std::io;

use redb::{Database, Durability, ReadTransaction, ReadableDatabase, TableError, WriteTransaction};

use super::Error;
use super::tables::{
    ASSETS, BY_CAMPAIGN, BY_CLIENT, BY_CLIENT_CAMPAIGN, BY_DIGEST, BY_TAG, BY_TYPE, DOOMED, META, TOTALS,
    meta,
};

/// Leads from one format to the next.
pub type Step = fn(&WriteTransaction) -> Result<(), Error>;

/// The step at place n leads from format n + 1 to n + 2. Steps are only ever added, at the end.
pub const STEPS: &[Step] = &[];

/// The format that `steps` end in: the one this program writes.
fn known(steps: &[Step]) -> u32 {
    1 + u32::try_from(steps.len()).unwrap_or(u32::MAX - 1)
}

/// Makes the tables of a new catalog, or takes the steps that an older one lacks, as one transaction; before these
/// `keep_copy` is called with the format found. Gives the store id.
pub fn prepare(
    database: &Database,
    steps: &[Step],
    keep_copy: impl FnOnce(u32) -> io::Result<()>,
) -> Result<[u8; 16], Error> {
    let Some((found, store_id)) = read_meta(&database.begin_read()?)? else {
        return create(database, known(steps));
    };
    if found > known(steps) {
        return Err(Error::NewerFormat { found, known: known(steps) });
    }
    let lacking = found.checked_sub(1).and_then(|taken| steps.get(taken as usize..));
    let lacking = lacking.ok_or_else(|| Error::because("the catalog's format is none that ever was"))?;
    if !lacking.is_empty() {
        keep_copy(found)?;
        let txn = begin(database)?;
        for step in lacking {
            step(&txn)?;
        }
        txn.open_table(META)?.insert(meta::FORMAT, known(steps).to_le_bytes().as_slice())?;
        txn.commit()?;
    }
    Ok(store_id)
}

/// The store id of a catalog that is only to be read: its format has to be the known one.
pub(super) fn check(txn: &ReadTransaction) -> Result<[u8; 16], Error> {
    let known = known(STEPS);
    match read_meta(txn)? {
        None => Err(Error::because("the catalog is empty")),
        Some((found, _)) if found > known => Err(Error::NewerFormat { found, known }),
        Some((found, _)) if found < known => Err(Error::OlderFormat { found, known }),
        Some((_, store_id)) => Ok(store_id),
    }
}

/// A write transaction as all of the catalog's are: on disk when its commit returns, whatever was torn before, and
/// leaving what the next opening needs, so that this walks nothing.
pub(super) fn begin(database: &Database) -> Result<WriteTransaction, Error> {
    let mut txn = database.begin_write()?;
    txn.set_durability(Durability::Immediate)?;
    txn.set_two_phase_commit(true);
    txn.set_quick_repair(true);
    Ok(txn)
}

/// Format and store id; `None` for a database without any table, which is a new one.
fn read_meta(txn: &ReadTransaction) -> Result<Option<(u32, [u8; 16])>, Error> {
    let damaged = || Error::because("the catalog's file holds something else than a catalog");
    let table = match txn.open_table(META) {
        Ok(table) => table,
        Err(TableError::TableDoesNotExist(_)) if txn.list_tables()?.next().is_none() => return Ok(None),
        Err(TableError::Storage(error)) => return Err(error.into()),
        Err(_) => return Err(damaged()),
    };
    let format = table.get(meta::FORMAT)?.and_then(|value| value.value().try_into().ok());
    let store_id = table.get(meta::STORE_ID)?.and_then(|value| value.value().try_into().ok());
    match (format, store_id) {
        (Some(format), Some(store_id)) => Ok(Some((u32::from_le_bytes(format), store_id))),
        _ => Err(damaged()),
    }
}

fn create(database: &Database, format: u32) -> Result<[u8; 16], Error> {
    let mut store_id = [0; 16];
    getrandom::fill(&mut store_id).map_err(|error| Error::Other(error.to_string().into()))?;
    let txn = begin(database)?;
    {
        let mut table = txn.open_table(META)?;
        table.insert(meta::FORMAT, format.to_le_bytes().as_slice())?;
        table.insert(meta::STORE_ID, store_id.as_slice())?;
    }
    txn.open_table(ASSETS)?;
    txn.open_table(DOOMED)?;
    create_rows(&txn)?;
    txn.commit()?;
    Ok(store_id)
}

/// The tables that follow from the records, so that readers find them all.
pub(super) fn create_rows(txn: &WriteTransaction) -> Result<(), Error> {
    txn.open_table(BY_TYPE)?;
    txn.open_table(BY_CLIENT)?;
    txn.open_table(BY_CAMPAIGN)?;
    txn.open_table(BY_CLIENT_CAMPAIGN)?;
    txn.open_table(BY_TAG)?;
    txn.open_table(BY_DIGEST)?;
    txn.open_table(TOTALS)?;
    Ok(())
}

/// Removes the same tables.
pub(super) fn delete_rows(txn: &WriteTransaction) -> Result<(), Error> {
    txn.delete_table(BY_TYPE)?;
    txn.delete_table(BY_CLIENT)?;
    txn.delete_table(BY_CAMPAIGN)?;
    txn.delete_table(BY_CLIENT_CAMPAIGN)?;
    txn.delete_table(BY_TAG)?;
    txn.delete_table(BY_DIGEST)?;
    txn.delete_table(TOTALS)?;
    Ok(())
}
