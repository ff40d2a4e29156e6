//! The tables: each with its key, its order and its reason. Nothing else opens one.
//!
//! Owners come first in every index, so that no scan ever leaves a user's own rows. With the kind before the id, any
//! combination of client, campaign and kind is one range; all kinds are four ranges merged by id.

use redb::{Key, TableDefinition};

use crate::asset::AssetId;

/// An id as a key: 16 bytes, big end first, so that keys sort as ids do.
pub type IdBytes = &'static [u8; 16];

/// id → record: version byte, then bincode ([`super::codec`]). The truth; all other rows follow from it.
pub const ASSETS: TableDefinition<IdBytes, &[u8]> = TableDefinition::new("assets");

/// (owner, kind, id) → (). Ids sort by acceptance, so "newest first" is a reverse scan.
pub const BY_TYPE: TableDefinition<TypeKey, ()> = TableDefinition::new("by_type");

/// (owner, client, kind, id) → (). A client's assets, in lists and in its cascade.
pub const BY_CLIENT: TableDefinition<WordKey, ()> = TableDefinition::new("by_client");

/// (owner, campaign, kind, id) → (). A campaign's assets, in lists and in its cascade.
pub const BY_CAMPAIGN: TableDefinition<WordKey, ()> = TableDefinition::new("by_campaign");

/// (owner, client, campaign, kind, id) → (). Both filters at once, without looking at a record.
pub const BY_CLIENT_CAMPAIGN: TableDefinition<PairKey, ()> = TableDefinition::new("by_client_campaign");

/// (owner, tag, kind, id) → (). One row a tag.
pub const BY_TAG: TableDefinition<WordKey, ()> = TableDefinition::new("by_tag");

/// (owner, sha256, id) → (). "Is it here already?"
pub const BY_DIGEST: TableDefinition<DigestKey, ()> = TableDefinition::new("by_digest");

/// (owner, client or "", campaign or "", kind) → (count, bytes). "" stands for any, so a record counts in up to four
/// rows: for `X-Total-Count`, quotas, the lists of clients and campaigns. A cascade over all owners finds them by
/// skipping through it. A row of count 0 does not stand: a group vanishes with its last asset.
pub const TOTALS: TableDefinition<TotalKey, (u64, u64)> = TableDefinition::new("totals");

/// id → format. Files still to unlink: written with the removal, finished at the next start if need be.
pub const DOOMED: TableDefinition<IdBytes, u8> = TableDefinition::new("doomed");

/// name → value: those of [`meta`].
pub const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");

/// The names in [`META`].
pub mod meta {
    /// The format of all the tables: 4 bytes, little end first.
    pub const FORMAT: &str = "format";
    /// What tells this catalog from any other: 16 random bytes, made with it.
    pub const STORE_ID: &str = "store_id";
    /// The last id ever given: 16 bytes, written with each batch that gives one.
    pub const LAST_ID: &str = "last_id";
    /// Where the journal ends: three u64, little end first, as `journal::Position::to_words` has them; written with
    /// each batch.
    pub const JOURNAL: &str = "journal";
}

pub type TypeKey = (u64, u8, IdBytes);
pub type WordKey = (u64, &'static str, u8, IdBytes);
pub type PairKey = (u64, &'static str, &'static str, u8, IdBytes);
pub type DigestKey = (u64, &'static [u8; 32], IdBytes);
pub type TotalKey = (u64, &'static str, &'static str, u8);

/// The key of a row that stands for one asset.
pub trait RowKey: Key {
    fn id(key: Self::SelfType<'_>) -> AssetId;
}

impl RowKey for TypeKey {
    fn id(key: Self::SelfType<'_>) -> AssetId {
        AssetId::from_bytes(*key.2)
    }
}

impl RowKey for WordKey {
    fn id(key: Self::SelfType<'_>) -> AssetId {
        AssetId::from_bytes(*key.3)
    }
}

impl RowKey for PairKey {
    fn id(key: Self::SelfType<'_>) -> AssetId {
        AssetId::from_bytes(*key.4)
    }
}

impl RowKey for DigestKey {
    fn id(key: Self::SelfType<'_>) -> AssetId {
        AssetId::from_bytes(*key.2)
    }
}
