//! Removing all that names a client or a campaign, in one transaction.

use redb::{ReadableTable, WriteTransaction};

use super::Error;
use super::batch::{MAX_WAITING, remove_record};
use super::groups;
use super::rows::Rows;
use super::tables::{BY_CAMPAIGN, BY_CLIENT, DOOMED, TOTALS};
use crate::asset::{AssetId, Format, GroupId, Grouping, UserId};

/// See [`super::Batch::remove_group`].
pub(super) fn remove_group(
    txn: &WriteTransaction,
    rows: &mut Rows,
    owner: Option<UserId>,
    grouping: Grouping,
    id: &GroupId,
) -> Result<Vec<(AssetId, Format)>, Error> {
    // What this batch has changed before must be in the index that is read here.
    rows.apply(txn)?;
    let owners = match owner {
        Some(owner) => vec![owner],
        None => groups::owners(&txn.open_table(TOTALS)?, grouping, id)?,
    };
    let mut removed = Vec::new();
    for owner in owners {
        // Some at a time, so that memory does not grow with the group; each turn removes the rows it has found.
        loop {
            let mut ids = first_ids(txn, owner, grouping, id)?;
            if ids.is_empty() {
                break;
            }
            // In the order of the records, so that each of their pages is touched once.
            ids.sort_unstable();
            let from = removed.len();
            for asset_id in ids {
                let damaged = |flaw| Error::Damaged { id: asset_id, flaw };
                let asset = remove_record(txn, asset_id)?;
                let asset = asset.ok_or_else(|| damaged("a row names it, and it is not there"))?;
                let named = match grouping {
                    Grouping::Client => &asset.client,
                    Grouping::Campaign => &asset.campaign,
                };
                if (asset.owner, named.as_ref()) != (owner, Some(id)) {
                    return Err(damaged("a row of another group or owner names it"));
                }
                rows.take(&asset);
                removed.push((asset_id, asset.format));
            }
            let mut doomed = txn.open_table(DOOMED)?;
            for (id, format) in removed.iter().skip(from) {
                doomed.insert(id.as_bytes(), *format as u8)?;
            }
            rows.apply(txn)?;
        }
    }
    Ok(removed)
}

/// The first ids of the group's rows, as many as may wait.
fn first_ids(
    txn: &WriteTransaction,
    owner: UserId,
    grouping: Grouping,
    id: &GroupId,
) -> Result<Vec<AssetId>, Error> {
    let table = match grouping {
        Grouping::Client => txn.open_table(BY_CLIENT)?,
        Grouping::Campaign => txn.open_table(BY_CAMPAIGN)?,
    };
    let (owner, word) = (owner.number(), id.as_str());
    let first = (owner, word, 0, AssetId::MIN.as_bytes());
    let last = (owner, word, u8::MAX, AssetId::MAX.as_bytes());
    let mut ids = Vec::new();
    for row in table.range(first..=last)?.take(MAX_WAITING) {
        ids.push(AssetId::from_bytes(*row?.0.value().3));
    }
    Ok(ids)
}
