//! Whether rows and totals are what the records say, and making them so.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use redb::{ReadOnlyTable, ReadTransaction, ReadableTable, WriteTransaction};

use super::batch::MAX_WAITING;
use super::groups::Totals;
use super::rows::{Row, Rows, rows_of, totals_of};
use super::tables::{
    ASSETS, BY_CAMPAIGN, BY_CLIENT, BY_CLIENT_CAMPAIGN, BY_DIGEST, BY_TAG, BY_TYPE, DOOMED, IdBytes, META,
    TOTALS, meta,
};
use super::{Error, codec, migrate};
use crate::asset::{Asset, AssetId, Format};

/// Sentences given at most. A catalog with more faults has one cause and is rebuilt as a whole.
const MAX_FAULTS: usize = 1_000;

struct Faults(Vec<String>);

impl Faults {
    fn add(&mut self, sentence: String) {
        if self.0.len() < MAX_FAULTS {
            self.0.push(sentence);
        }
    }
}

/// How many rows there are, and the sum of their hashes: the same for the same rows in any order.
#[derive(PartialEq, Eq, Default)]
struct Sum {
    rows: u64,
    hashes: u64,
}

impl Sum {
    fn add(&mut self, row: &Row<'_>) {
        let mut hasher = DefaultHasher::new();
        row.hash(&mut hasher);
        self.rows += 1;
        self.hashes = self.hashes.wrapping_add(hasher.finish());
    }
}

type Records = ReadOnlyTable<IdBytes, &'static [u8]>;

/// See [`super::Catalog::verify`]. Reads each table once, in its order; only where the rows are not in all what the
/// records give are they compared one by one.
pub(super) fn verify(txn: &ReadTransaction) -> Result<Vec<String>, Error> {
    let mut faults = Faults(Vec::new());
    let records = txn.open_table(ASSETS)?;
    let (mut expected, mut found) = (Sum::default(), Sum::default());
    let mut totals: HashMap<(u64, String, String, u8), Totals> = HashMap::new();
    let mut last = AssetId::MIN;
    for row in records.iter()? {
        let (id, bytes) = row?;
        last = AssetId::from_bytes(*id.value());
        let asset = match codec::decode(last, bytes.value()) {
            Ok(asset) => asset,
            Err(error) => {
                faults.add(error.to_string());
                continue;
            }
        };
        rows_of(&asset).for_each(|row| expected.add(&row));
        for (owner, client, campaign, kind) in totals_of(&asset) {
            let total = totals.entry((owner, client.to_owned(), campaign.to_owned(), kind)).or_default();
            total.count += 1;
            total.bytes = total.bytes.saturating_add(asset.size);
        }
    }
    each_row(txn, &mut |row| {
        found.add(row);
        Ok(())
    })?;
    if found != expected {
        find_missing(txn, &records, &mut faults)?;
        find_stray(txn, &records, &mut faults)?;
    }
    check_totals(txn, totals, &mut faults)?;
    check_rest(txn, &records, last, &mut faults)?;
    Ok(faults.0)
}

/// Calls `look` with each row that stands.
fn each_row(txn: &ReadTransaction, look: &mut dyn FnMut(&Row<'_>) -> Result<(), Error>) -> Result<(), Error> {
    // The tables' keys are of several types, so this is a loop a table.
    macro_rules! rows {
        ($($table:ident, $row:ident;)*) => {$(
            for entry in txn.open_table($table)?.iter()? {
                let key = entry?.0;
                look(&Row::$row(key.value()))?;
            }
        )*};
    }
    rows! {
        BY_TYPE, Type;
        BY_CLIENT, Client;
        BY_CAMPAIGN, Campaign;
        BY_CLIENT_CAMPAIGN, ClientCampaign;
        BY_TAG, Tag;
        BY_DIGEST, Digest;
    }
    Ok(())
}

/// Names the rows that a record has and that do not stand.
fn find_missing(txn: &ReadTransaction, records: &Records, faults: &mut Faults) -> Result<(), Error> {
    let by_type = txn.open_table(BY_TYPE)?;
    let by_client = txn.open_table(BY_CLIENT)?;
    let by_campaign = txn.open_table(BY_CAMPAIGN)?;
    let by_pair = txn.open_table(BY_CLIENT_CAMPAIGN)?;
    let by_tag = txn.open_table(BY_TAG)?;
    let by_digest = txn.open_table(BY_DIGEST)?;
    for entry in records.iter()? {
        let (id, bytes) = entry?;
        let id = AssetId::from_bytes(*id.value());
        // One that does not decode is named already.
        let Ok(asset) = codec::decode(id, bytes.value()) else {
            continue;
        };
        for row in rows_of(&asset) {
            let (table, stands) = match row {
                Row::Type(key) => ("by_type", by_type.get(key)?.is_some()),
                Row::Client(key) => ("by_client", by_client.get(key)?.is_some()),
                Row::Campaign(key) => ("by_campaign", by_campaign.get(key)?.is_some()),
                Row::ClientCampaign(key) => ("by_client_campaign", by_pair.get(key)?.is_some()),
                Row::Tag(key) => ("by_tag", by_tag.get(key)?.is_some()),
                Row::Digest(key) => ("by_digest", by_digest.get(key)?.is_some()),
            };
            if !stands {
                faults.add(format!("asset {id} has no row in {table}"));
            }
        }
    }
    Ok(())
}

/// Names the rows that stand and that no record has.
fn find_stray(txn: &ReadTransaction, records: &Records, faults: &mut Faults) -> Result<(), Error> {
    each_row(txn, &mut |row| {
        let id = row.id();
        let asset: Option<Asset> = match records.get(id.as_bytes())? {
            Some(bytes) => codec::decode(id, bytes.value()).ok(),
            None => None,
        };
        if asset.is_some_and(|asset| rows_of(&asset).any(|its| its == *row)) {
            return Ok(());
        }
        let table = match row {
            Row::Type(_) => "by_type",
            Row::Client(_) => "by_client",
            Row::Campaign(_) => "by_campaign",
            Row::ClientCampaign(_) => "by_client_campaign",
            Row::Tag(_) => "by_tag",
            Row::Digest(_) => "by_digest",
        };
        faults.add(format!("a row in {table} names asset {id}, whose record does not have it"));
        Ok(())
    })
}

fn check_totals(
    txn: &ReadTransaction,
    mut expected: HashMap<(u64, String, String, u8), Totals>,
    faults: &mut Faults,
) -> Result<(), Error> {
    for row in txn.open_table(TOTALS)?.iter()? {
        let (key, value) = row?;
        let (owner, client, campaign, kind) = key.value();
        let found = Totals::from_row(Some(value.value()));
        let wanted =
            expected.remove(&(owner, client.to_owned(), campaign.to_owned(), kind)).unwrap_or_default();
        if found != wanted {
            faults.add(format!(
                "the total of user {owner}, client {client:?}, campaign {campaign:?}, kind {kind} is {found:?} \
                 and should be {wanted:?}"
            ));
        }
    }
    for (owner, client, campaign, kind) in expected.into_keys() {
        faults.add(format!(
            "user {owner}, client {client:?}, campaign {campaign:?}, kind {kind} have no total"
        ));
    }
    Ok(())
}

/// What is doomed has no record, and no id is beyond the last given.
fn check_rest(
    txn: &ReadTransaction,
    records: &Records,
    last: AssetId,
    faults: &mut Faults,
) -> Result<(), Error> {
    for row in txn.open_table(DOOMED)?.iter()? {
        let (id, format) = row?;
        let id = AssetId::from_bytes(*id.value());
        if records.get(id.as_bytes())?.is_some() {
            faults.add(format!("asset {id} has a record, and its files are to be unlinked"));
        }
        if Format::from_number(format.value()).is_none() {
            faults.add(format!("the files of {id} are to be unlinked, and their format is unknown"));
        }
    }
    let given = txn.open_table(META)?.get(meta::LAST_ID)?.map(|value| value.value().to_vec());
    if given.is_some_and(|given| given.as_slice() < last.as_bytes().as_slice()) {
        faults.add(format!("asset {last} is newer than the last id given"));
    }
    Ok(())
}

/// See [`super::Batch::rebuild`].
pub(super) fn rebuild(txn: &WriteTransaction, rows: &mut Rows) -> Result<Vec<AssetId>, Error> {
    rows.apply(txn)?;
    migrate::delete_rows(txn)?;
    migrate::create_rows(txn)?;
    let mut unreadable = Vec::new();
    let records = txn.open_table(ASSETS)?;
    for row in records.iter()? {
        let (id, bytes) = row?;
        let id = AssetId::from_bytes(*id.value());
        match codec::decode(id, bytes.value()) {
            Ok(asset) => rows.put(&asset),
            Err(_) => unreadable.push(id),
        }
        if rows.assets() >= MAX_WAITING {
            rows.apply(txn)?;
        }
    }
    rows.apply(txn)?;
    Ok(unreadable)
}
