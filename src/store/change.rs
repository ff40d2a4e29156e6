//! Changing what an owner may change of an asset.

use super::{Changes, Store};
use crate::asset::{Asset, AssetId};
use crate::auth::Caller;
use crate::error::{Error, Verb};

impl Store {
    /// The asset as changed.
    pub async fn change(&self, caller: Caller, id: AssetId, changes: Changes) -> Result<Asset, Error> {
        self.asset(caller, id, Verb::Change)?;
        self.0.writer.change(caller, id, changes).await
    }
}

/// `asset` with `changes`.
pub(super) fn apply(asset: &Asset, changes: &Changes) -> Asset {
    let mut changed = asset.clone();
    if let Some(name) = &changes.name {
        changed.name = name.clone();
    }
    if let Some(tags) = &changes.tags {
        changed.tags = tags.clone();
    }
    if let Some(client) = &changes.client {
        changed.client = client.clone();
    }
    if let Some(campaign) = &changes.campaign {
        changed.campaign = campaign.clone();
    }
    changed
}
