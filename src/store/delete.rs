//! Deleting: the record first, then the files. A crash between the two leaves files without a record, which `doomed`
//! names and the next start removes.

use std::sync::Arc;

use tracing::error;

use super::step::Step;
use super::{Store, off_thread};
use crate::asset::{AssetId, Format, GroupId, Grouping};
use crate::auth::Caller;
use crate::error::{Error, Verb};

impl Store {
    /// Deletes an asset of the caller's with all its files.
    pub async fn delete(&self, caller: Caller, id: AssetId) -> Result<(), Error> {
        self.asset(caller, id, Verb::Delete)?;
        let store = self.clone();
        // A task of its own: a client that goes away must not leave the files behind.
        let deleting = tokio::spawn(async move {
            let removed = store.0.writer.remove(caller, id).await?;
            store.unlink(removed).await
        });
        deleting.await.map_err(Error::fault)?
    }

    /// Deletes the caller's assets that name the group, or every user's where the caller is an admin, as one. The number of
    /// assets that were deleted.
    pub async fn delete_group(
        &self,
        caller: Caller,
        grouping: Grouping,
        group: GroupId,
    ) -> Result<usize, Error> {
        let store = self.clone();
        let deleting = tokio::spawn(async move {
            let removed = store.0.writer.remove_group(caller, grouping, group).await?;
            let count = removed.len();
            if count == 0 {
                return Err(Error::NoGroup(grouping));
            }
            store.unlink(removed).await?;
            Ok(count)
        });
        deleting.await.map_err(Error::fault)?
    }

    /// Removes the files of assets that are no more. What can't be removed now stays doomed until the next start.
    async fn unlink(&self, doomed: Vec<(AssetId, Format)>) -> Result<(), Error> {
        let blobs = Arc::clone(&self.0.blobs);
        let unlinked = off_thread(move || {
            let mut unlinked = Vec::with_capacity(doomed.len());
            for (id, format) in doomed {
                match blobs.remove_all(id, format) {
                    Ok(()) => unlinked.push(id),
                    Err(cause) => error!(%id, %cause, "a deleted asset's file cannot be removed"),
                }
            }
            unlinked
        })
        .await?;
        Step::Unlinked.passed();
        self.0.writer.unlinked(unlinked).await;
        Ok(())
    }
}
