//! The rows that follow from records. One function says which rows a record has; whatever puts, takes or changes a
//! record goes through it.
//!
//! Rows are collected and written a table at a time, sorted: a batch opens each table once and touches each of its pages
//! once, and a record that changes costs only the rows that differ.

use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;

use redb::{Key, ReadableTable, TableDefinition, WriteTransaction};

use super::Error;
use super::groups::Totals;
use super::tables::{BY_CAMPAIGN, BY_CLIENT, BY_CLIENT_CAMPAIGN, BY_DIGEST, BY_TAG, BY_TYPE, TOTALS};
use crate::asset::{Asset, AssetId, Digest, GroupId};

/// A row of an index, by its key.
#[derive(PartialEq, Eq, Hash)]
pub(super) enum Row<'a> {
    Type((u64, u8, &'a [u8; 16])),
    Client((u64, &'a str, u8, &'a [u8; 16])),
    Campaign((u64, &'a str, u8, &'a [u8; 16])),
    ClientCampaign((u64, &'a str, &'a str, u8, &'a [u8; 16])),
    Tag((u64, &'a str, u8, &'a [u8; 16])),
    Digest((u64, &'a Digest, &'a [u8; 16])),
}

impl Row<'_> {
    /// The asset it stands for.
    pub fn id(&self) -> AssetId {
        AssetId::from_bytes(match *self {
            Row::Type((.., id)) | Row::ClientCampaign((.., id)) | Row::Digest((.., id)) => *id,
            Row::Client((.., id)) | Row::Campaign((.., id)) | Row::Tag((.., id)) => *id,
        })
    }
}

/// The rows that an asset has in the indexes.
pub(super) fn rows_of(asset: &Asset) -> impl Iterator<Item = Row<'_>> {
    let (owner, kind, id) = (asset.owner.number(), asset.kind() as u8, asset.id.as_bytes());
    let client = asset.client.as_ref().map(GroupId::as_str);
    let campaign = asset.campaign.as_ref().map(GroupId::as_str);
    let tags = asset.tags.as_slice().iter();
    [
        Some(Row::Type((owner, kind, id))),
        client.map(|client| Row::Client((owner, client, kind, id))),
        campaign.map(|campaign| Row::Campaign((owner, campaign, kind, id))),
        client
            .zip(campaign)
            .map(|(client, campaign)| Row::ClientCampaign((owner, client, campaign, kind, id))),
        Some(Row::Digest((owner, &asset.sha256, id))),
    ]
    .into_iter()
    .flatten()
    .chain(tags.map(move |tag| Row::Tag((owner, tag, kind, id))))
}

/// The rows in `totals` that it counts in: of its client or any, of its campaign or any.
pub(super) fn totals_of(asset: &Asset) -> impl Iterator<Item = (u64, &str, &str, u8)> {
    let (owner, kind) = (asset.owner.number(), asset.kind() as u8);
    let clients = [Some(""), asset.client.as_ref().map(GroupId::as_str)];
    let campaigns = [Some(""), asset.campaign.as_ref().map(GroupId::as_str)];
    clients.into_iter().flatten().flat_map(move |client| {
        campaigns.into_iter().flatten().map(move |campaign| (owner, client, campaign, kind))
    })
}

type OwnTypeKey = (u64, u8, [u8; 16]);
type OwnWordKey = (u64, Rc<str>, u8, [u8; 16]);
type OwnPairKey = (u64, Rc<str>, Rc<str>, u8, [u8; 16]);
type OwnDigestKey = (u64, Digest, [u8; 16]);
type OwnTotalKey = (u64, Rc<str>, Rc<str>, u8);

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
    /// The words that rows hold, each once.
    words: HashSet<Rc<str>>,
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
        self.assets += 1;
        for row in rows_of(asset) {
            match row {
                Row::Type((owner, kind, id)) => self.by_type.push(((owner, kind, *id), put)),
                Row::Client((owner, client, kind, id)) => {
                    let client = self.word(client);
                    self.by_client.push(((owner, client, kind, *id), put));
                }
                Row::Campaign((owner, campaign, kind, id)) => {
                    let campaign = self.word(campaign);
                    self.by_campaign.push(((owner, campaign, kind, *id), put));
                }
                Row::ClientCampaign((owner, client, campaign, kind, id)) => {
                    let (client, campaign) = (self.word(client), self.word(campaign));
                    self.by_client_campaign.push(((owner, client, campaign, kind, *id), put));
                }
                Row::Tag((owner, tag, kind, id)) => {
                    let tag = self.word(tag);
                    self.by_tag.push(((owner, tag, kind, *id), put));
                }
                Row::Digest((owner, digest, id)) => self.by_digest.push(((owner, *digest, *id), put)),
            }
        }
        let sign = if put { 1 } else { -1 };
        let bytes = sign * i64::try_from(asset.size).unwrap_or(i64::MAX);
        for (owner, client, campaign, kind) in totals_of(asset) {
            let key = (owner, self.word(client), self.word(campaign), kind);
            let total = self.totals.entry(key).or_default();
            total.0 += sign;
            total.1 = total.1.saturating_add(bytes);
        }
    }

    fn word(&mut self, text: &str) -> Rc<str> {
        if let Some(word) = self.words.get(text) {
            return Rc::clone(word);
        }
        let word: Rc<str> = text.into();
        self.words.insert(Rc::clone(&word));
        word
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
        let key = (owner, &*client, &*campaign, kind);
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
