//! Thumbnails: drawn by a worker, kept beside the file.

use std::collections::HashMap;
use std::fs::File;
use std::sync::{Arc, Mutex, PoisonError};

use super::writer::NewPreview;
use super::{Contents, Store, io_error, off_thread};
use crate::asset::{Asset, AssetId, Facts, Format, Preview, UserId};
use crate::auth::Caller;
use crate::blobs::Part;
use crate::error::{Error, Verb};

/// A preview, opened, with what its record says of it.
pub struct Picture {
    pub asset: Asset,
    pub contents: Contents,
}

/// The assets whose preview is being drawn: one drawing an asset, however many ask.
#[derive(Default)]
pub(super) struct Drawing(Mutex<HashMap<AssetId, Arc<tokio::sync::Mutex<()>>>>);

impl Drawing {
    fn turn(&self, id: AssetId) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that nobody waits for any more.
        turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        Arc::clone(turns.entry(id).or_default())
    }
}

impl Store {
    /// The thumbnail of an asset of the caller's; it is drawn now if it never was.
    pub async fn thumbnail(&self, caller: Caller, id: AssetId) -> Result<Picture, Error> {
        let mut asset = self.asset(caller, id, Verb::Access)?;
        if asset.thumbnail == Preview::Pending {
            let turn = self.0.drawing.turn(id);
            let _turn = turn.lock().await;
            // Whoever had the turn before may have drawn it.
            asset = self.asset(caller, id, Verb::Access)?;
            if asset.thumbnail == Preview::Pending {
                let original = self.contents(&asset, Part::Original(asset.format)).await?;
                let preview = self.draw(original.file, asset.format, asset.facts, asset.owner).await?;
                asset = self.0.writer.set_thumbnail(id, preview).await?;
            }
        }
        match asset.thumbnail {
            Preview::Made { .. } => {
                let contents = self.contents(&asset, Part::Thumbnail).await?;
                Ok(Picture { asset, contents })
            }
            Preview::Pending | Preview::Impossible => Err(Error::NoThumbnail),
        }
    }

    /// Draws a thumbnail, written and synced in `tmp/`.
    pub(super) async fn draw(
        &self,
        file: Arc<File>,
        format: Format,
        facts: Facts,
        user: UserId,
    ) -> Result<NewPreview, Error> {
        let drawn = self.0.workers.derive(file, format, facts, user).await.map_err(Error::fault)?;
        let Some(jpeg) = drawn else {
            return Ok(NewPreview::Impossible);
        };
        let blobs = Arc::clone(&self.0.blobs);
        let written = off_thread(move || Ok(blobs.incoming()?.append(&jpeg)?.finish()));
        let received = written.await?.map_err(io_error)?;
        let synced = off_thread(move || received.sync().map(|()| received));
        Ok(NewPreview::Made(synced.await?.map_err(|cause| self.sync_error(cause))?))
    }
}
