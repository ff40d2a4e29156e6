//! The rows that follow from records. One function says which rows a record has; whatever puts, takes or changes a
//! record goes through it.
//!
//! Rows are collected and written a table at a time, sorted: a batch opens each table once and touches each of its pages
//! once, and a record that changes costs only the rows that differ.

use std::collections::BTreeMap;

use redb::{Key, ReadableTable, TableDefinition, WriteTransaction};

use super::Error;
use super::groups::Totals;
use super::tables::{BY_CAMPAIGN, BY_CLIENT, BY_CLIENT_CAMPAIGN, BY_DIGEST, BY_TAG, BY_TYPE, TOTALS};
use crate::asset::{Asset, Digest, GroupId};

type OwnTypeKey = (u64, u8, [u8; 16]);
type OwnWordKey = (u64, String, u8, [u8; 16]);
type OwnPairKey = (u64, String, String, u8, [u8; 16]);
type OwnDigestKey = (u64, Digest, [u8; 16]);
pub(super) type OwnTotalKey = (u64, String, String, u8);

/// Rows to be written (`true`) and removed (`false`), in the order in which that was asked for.
#[derive(Default)]
pub(super) struct Rows {
    by_type: Vec<(OwnTypeKey, bool)>,
    by_client: Vec<(OwnWordKey, bool)>,
    by_campaign: Vec<(OwnWordKey, bool)>,
    by_client_campaign: Vec<(OwnPairKey, bool)>,
    by_tag: Vec<(OwnWordKey, bool)>,
    by_digest: Vec<(OwnDigestKey, bool)>,
    /// By how many assets and bytes a total changes.
    totals: BTreeMap<OwnTotalKey, (i64, i64)>,
    assets: usize,
}

impl Rows {
    /// Assets whose rows wait.
    pub fn assets(&self) -> usize {
        self.assets
    }

    pub fn put(&mut self, asset: &Asset) {
        self.add(asset, true);
    }

    pub fn take(&mut self, asset: &Asset) {
        self.add(asset, false);
    }

    fn add(&mut self, asset: &Asset, put: bool) {
        let (owner, kind, id) = (asset.owner.number(), asset.kind() as u8, *asset.id.as_bytes());
        let text = |group: &Option<GroupId>| group.as_ref().map(|group| group.as_str().to_owned());
        let (client, campaign) = (text(&asset.client), text(&asset.campaign));
        self.assets += 1;
        self.by_type.push(((owner, kind, id), put));
        self.by_digest.push(((owner, asset.sha256, id), put));
        for tag in asset.tags.as_slice() {
            self.by_tag.push(((owner, tag.clone(), kind, id), put));
        }
        if let Some(client) = &client {
            self.by_client.push(((owner, client.clone(), kind, id), put));
        }
        if let Some(campaign) = &campaign {
            self.by_campaign.push(((owner, campaign.clone(), kind, id), put));
        }
        if let (Some(client), Some(campaign)) = (&client, &campaign) {
            let key = (owner, client.clone(), campaign.clone(), kind, id);
            self.by_client_campaign.push((key, put));
        }
        let sign = if put { 1 } else { -1 };
        let bytes = sign * i64::try_from(asset.size).unwrap_or(i64::MAX);
        for key in total_keys(owner, client, campaign, kind) {
            let total = self.totals.entry(key).or_default();
            total.0 += sign;
            total.1 = total.1.saturating_add(bytes);
        }
    }

    /// Writes all that waits.
    pub fn apply(&mut self, txn: &WriteTransaction) -> Result<(), Error> {
        let rows = std::mem::take(self);
        write(txn, BY_TYPE, rows.by_type, type_key)?;
        write(txn, BY_CLIENT, rows.by_client, word_key)?;
        write(txn, BY_CAMPAIGN, rows.by_campaign, word_key)?;
        write(txn, BY_CLIENT_CAMPAIGN, rows.by_client_campaign, pair_key)?;
        write(txn, BY_TAG, rows.by_tag, word_key)?;
        write(txn, BY_DIGEST, rows.by_digest, digest_key)?;
        write_totals(txn, rows.totals)
    }
}

/// The rows in `totals` that an asset counts in: of its client or any, of its campaign or any.
pub(super) fn total_keys(
    owner: u64,
    client: Option<String>,
    campaign: Option<String>,
    kind: u8,
) -> impl Iterator<Item = OwnTotalKey> {
    let clients = [Some(String::new()), client];
    let campaigns = [Some(String::new()), campaign];
    clients.into_iter().flatten().flat_map(move |client| {
        let campaigns = campaigns.clone();
        campaigns.into_iter().flatten().map(move |campaign| (owner, client.clone(), campaign, kind))
    })
}

fn type_key(key: &OwnTypeKey) -> (u64, u8, &[u8; 16]) {
    (key.0, key.1, &key.2)
}

fn word_key(key: &OwnWordKey) -> (u64, &str, u8, &[u8; 16]) {
    (key.0, &key.1, key.2, &key.3)
}

fn pair_key(key: &OwnPairKey) -> (u64, &str, &str, u8, &[u8; 16]) {
    (key.0, &key.1, &key.2, key.3, &key.4)
}

fn digest_key(key: &OwnDigestKey) -> (u64, &Digest, &[u8; 16]) {
    (key.0, &key.1, &key.2)
}

/// Brings one table to where `rows` lead. A row is only touched where it is not already as it shall be: one that is
/// put and taken, or taken and put, stays as it was. A row that should be there to be removed and is not is passed
/// over: a wrong index must not keep an asset from being deleted, and [`super::verify`] finds it.
fn write<K, O>(
    txn: &WriteTransaction,
    table: TableDefinition<K, ()>,
    mut rows: Vec<(O, bool)>,
    key: impl for<'a> Fn(&'a O) -> K::SelfType<'a>,
) -> Result<(), Error>
where
    K: Key + 'static,
    O: Ord,
{
    if rows.is_empty() {
        return Ok(());
    }
    // Stable, so that what was asked for one row stays in its order.
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    let mut table = txn.open_table(table)?;
    for changes in rows.chunk_by(|a, b| a.0 == b.0) {
        let (Some((row, first)), Some((_, last))) = (changes.first(), changes.last()) else {
            continue;
        };
        // The first tells what was: what is put was not there, what is taken was.
        match (first, last) {
            (true, true) => drop(table.insert(key(row), ())?),
            (false, false) => drop(table.remove(key(row))?),
            _ => {}
        }
    }
    Ok(())
}

/// A total that would fall below zero, which a damaged table alone brings about, counts as zero.
fn write_totals(txn: &WriteTransaction, changes: BTreeMap<OwnTotalKey, (i64, i64)>) -> Result<(), Error> {
    if changes.is_empty() {
        return Ok(());
    }
    let mut table = txn.open_table(TOTALS)?;
    for ((owner, client, campaign, kind), (count, bytes)) in changes {
        if (count, bytes) == (0, 0) {
            continue;
        }
        let key = (owner, client.as_str(), campaign.as_str(), kind);
        let before = Totals::from_row(table.get(key)?.map(|row| row.value()));
        let after = Totals {
            count: before.count.saturating_add_signed(count),
            bytes: before.bytes.saturating_add_signed(bytes),
        };
        if after.count == 0 {
            table.remove(key)?;
        } else {
            table.insert(key, (after.count, after.bytes))?;
        }
    }
    Ok(())
}
