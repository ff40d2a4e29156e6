//! Whether rows and totals are what the records say, and making them so.

use std::collections::HashMap;

use redb::{
    Key, ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata, TableDefinition,
    WriteTransaction,
};

use super::batch::MAX_WAITING;
use super::groups::Totals;
use super::rows::{OwnTotalKey, Rows, total_keys};
use super::tables::{
    ASSETS, BY_CAMPAIGN, BY_CLIENT, BY_CLIENT_CAMPAIGN, BY_DIGEST, BY_TAG, BY_TYPE, DOOMED, IdBytes, META,
    RowKey, TOTALS, meta,
};
use super::{Error, codec, migrate};
use crate::asset::{Asset, AssetId, Format, GroupId};

/// Sentences given at most. A catalog with more faults has one cause and is rebuilt as a whole.
const MAX_FAULTS: usize = 1_000;

struct Faults(Vec<String>);

impl Faults {
    fn add(&mut self, sentence: String) {
        if self.0.len() < MAX_FAULTS {
            self.0.push(sentence);
        }
    }

    fn lacks(&mut self, id: AssetId, table: &str) {
        self.add(format!("asset {id} has no row in {table}"));
    }
}

/// One index and how many rows the records give it.
struct Checked<K: Key + 'static> {
    name: &'static str,
    table: ReadOnlyTable<K, ()>,
    expected: u64,
}

impl<K: Key + 'static> Checked<K> {
    fn open(
        txn: &ReadTransaction,
        name: &'static str,
        table: TableDefinition<K, ()>,
    ) -> Result<Checked<K>, Error> {
        Ok(Checked { name, table: txn.open_table(table)?, expected: 0 })
    }

    /// A record has this row.
    fn expect(&mut self, id: AssetId, key: K::SelfType<'_>, faults: &mut Faults) -> Result<(), Error> {
        self.expected += 1;
        if self.table.get(key)?.is_none() {
            faults.lacks(id, self.name);
        }
        Ok(())
    }
}

impl<K: RowKey + 'static> Checked<K> {
    /// Looks for rows that no record has. Where their number is right and none is missing there are none.
    fn find_strays(
        &self,
        records: &ReadOnlyTable<IdBytes, &'static [u8]>,
        has_row: impl for<'a> Fn(&Asset, K::SelfType<'a>) -> bool,
        faults: &mut Faults,
    ) -> Result<(), Error> {
        if self.table.len()? == self.expected && faults.0.is_empty() {
            return Ok(());
        }
        for row in self.table.range::<K::SelfType<'_>>(..)? {
            let key = row?.0;
            let id = K::id(key.value());
            let asset = match records.get(id.as_bytes())? {
                Some(bytes) => codec::decode(id, bytes.value()).ok(),
                None => None,
            };
            if !asset.is_some_and(|asset| has_row(&asset, key.value())) {
                faults.add(format!("a row in {} names asset {id}, whose record does not have it", self.name));
            }
        }
        Ok(())
    }
}

/// See [`super::Catalog::verify`].
pub(super) fn verify(txn: &ReadTransaction) -> Result<Vec<String>, Error> {
    let mut faults = Faults(Vec::new());
    let records = txn.open_table(ASSETS)?;
    let mut by_type = Checked::open(txn, "by_type", BY_TYPE)?;
    let mut by_client = Checked::open(txn, "by_client", BY_CLIENT)?;
    let mut by_campaign = Checked::open(txn, "by_campaign", BY_CAMPAIGN)?;
    let mut by_pair = Checked::open(txn, "by_client_campaign", BY_CLIENT_CAMPAIGN)?;
    let mut by_tag = Checked::open(txn, "by_tag", BY_TAG)?;
    let mut by_digest = Checked::open(txn, "by_digest", BY_DIGEST)?;
    let mut totals: HashMap<OwnTotalKey, Totals> = HashMap::new();
    let mut last = AssetId::MIN;

    for row in records.iter()? {
        let (id, bytes) = row?;
        let id = AssetId::from_bytes(*id.value());
        last = id;
        let asset = match codec::decode(id, bytes.value()) {
            Ok(asset) => asset,
            Err(error) => {
                faults.add(error.to_string());
                continue;
            }
        };
        let (owner, kind, key) = (asset.owner.number(), asset.kind() as u8, id.as_bytes());
        let client = asset.client.as_ref().map(GroupId::as_str);
        let campaign = asset.campaign.as_ref().map(GroupId::as_str);
        by_type.expect(id, (owner, kind, key), &mut faults)?;
        by_digest.expect(id, (owner, &asset.sha256, key), &mut faults)?;
        for tag in asset.tags.as_slice() {
            by_tag.expect(id, (owner, tag, kind, key), &mut faults)?;
        }
        if let Some(client) = client {
            by_client.expect(id, (owner, client, kind, key), &mut faults)?;
        }
        if let Some(campaign) = campaign {
            by_campaign.expect(id, (owner, campaign, kind, key), &mut faults)?;
        }
        if let (Some(client), Some(campaign)) = (client, campaign) {
            by_pair.expect(id, (owner, client, campaign, kind, key), &mut faults)?;
        }
        for key in total_keys(owner, client.map(str::to_owned), campaign.map(str::to_owned), kind) {
            let total = totals.entry(key).or_default();
            total.count += 1;
            total.bytes = total.bytes.saturating_add(asset.size);
        }
    }

    let names =
        |group: &Option<GroupId>, text: &str| group.as_ref().is_some_and(|group| group.as_str() == text);
    let is =
        |asset: &Asset, owner: u64, kind: u8| (asset.owner.number(), asset.kind() as u8) == (owner, kind);
    by_type.find_strays(&records, |asset, key| is(asset, key.0, key.1), &mut faults)?;
    by_digest.find_strays(
        &records,
        |asset, key| (asset.owner.number(), &asset.sha256) == (key.0, key.1),
        &mut faults,
    )?;
    by_tag.find_strays(
        &records,
        |asset, key| is(asset, key.0, key.2) && asset.tags.as_slice().iter().any(|tag| tag == key.1),
        &mut faults,
    )?;
    by_client.find_strays(
        &records,
        |asset, key| is(asset, key.0, key.2) && names(&asset.client, key.1),
        &mut faults,
    )?;
    by_campaign.find_strays(
        &records,
        |asset, key| is(asset, key.0, key.2) && names(&asset.campaign, key.1),
        &mut faults,
    )?;
    by_pair.find_strays(
        &records,
        |asset, key| is(asset, key.0, key.3) && names(&asset.client, key.1) && names(&asset.campaign, key.2),
        &mut faults,
    )?;
    check_totals(txn, totals, &mut faults)?;
    check_rest(txn, &records, last, &mut faults)?;
    Ok(faults.0)
}

fn check_totals(
    txn: &ReadTransaction,
    mut expected: HashMap<OwnTotalKey, Totals>,
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
    records: &ReadOnlyTable<IdBytes, &'static [u8]>,
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
