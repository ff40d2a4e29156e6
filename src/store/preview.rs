//! Previews: thumbnails and waveforms, drawn by a worker, kept beside the file.

use std::collections::HashMap;
use std::fs::File;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::writer::NewPreview;
use super::{Contents, Store, io_error, off_thread, waveform};
use crate::asset::{Asset, AssetId, Facts, Format, Kind, Preview, UserId};
use crate::auth::Caller;
use crate::blobs::{Part, Received};
use crate::error::{Error, Verb};
use crate::worker::Drawn;

/// A preview, opened, with what its record says of it.
pub struct OpenPreview {
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
    pub async fn thumbnail(&self, caller: Caller, id: AssetId) -> Result<OpenPreview, Error> {
        self.preview(caller, id, Part::Thumbnail).await
    }

    /// The waveform of a sound of the caller's, as JSON; it is drawn now if it never was.
    pub async fn waveform(&self, caller: Caller, id: AssetId) -> Result<OpenPreview, Error> {
        self.preview(caller, id, Part::Waveform).await
    }

    /// The waveform of a sound of the caller's as a picture, a PNG.
    pub async fn waveform_picture(&self, caller: Caller, id: AssetId) -> Result<OpenPreview, Error> {
        let OpenPreview { asset, contents } = self.waveform(caller, id).await?;
        // No more than was written: the record says how much it is.
        let json = contents.read(0, usize::try_from(contents.size).map_err(Error::fault)?).await?;
        let png = off_thread(move || waveform::picture(&json)).await?;
        let png = png.ok_or_else(|| Error::Damaged(format!("asset {id}: its waveform is none").into()))?;
        Ok(OpenPreview { asset, contents: Contents::in_memory(png) })
    }

    async fn preview(&self, caller: Caller, id: AssetId, part: Part) -> Result<OpenPreview, Error> {
        let mut asset = self.asset(caller, id, Verb::Access)?;
        if Part::preview(asset.kind()) == part && asset.preview() == Preview::Pending {
            let turn = self.0.drawing.turn(id);
            let _turn = turn.lock().await;
            // Whoever had the turn before may have drawn it.
            asset = self.asset(caller, id, Verb::Access)?;
            if asset.preview() == Preview::Pending {
                let file = self.opened(&asset, Part::Original(asset.format)).await?;
                let kept = match self.drawn(file, asset.format, asset.facts, asset.owner).await? {
                    Drawn::Made(bytes) => {
                        let bytes = Bytes::from(bytes);
                        match self.kept(id, bytes.clone()).await {
                            // Reading goes on when the disk is full: it is drawn again the next time.
                            Err(Error::Full) => {
                                return Ok(OpenPreview {
                                    asset,
                                    contents: Contents::in_memory(bytes.into()),
                                });
                            }
                            kept => Some(kept?),
                        }
                    }
                    Drawn::Impossible => match self.0.writer.set_preview(id, NewPreview::Impossible).await {
                        Err(Error::Full) => None,
                        kept => Some(kept?),
                    },
                    Drawn::NotNow => None,
                };
                asset = kept.unwrap_or(asset);
            }
        }
        // One that was never made, or can't be, says so.
        let contents = self.contents(&asset, part).await?;
        Ok(OpenPreview { asset, contents })
    }

    async fn kept(&self, id: AssetId, bytes: Bytes) -> Result<Asset, Error> {
        let received = self.written(bytes).await?;
        self.0.writer.set_preview(id, NewPreview::Made(received)).await
    }

    /// Draws a preview, written and synced in `tmp/`. Still pending where the machine had no time for it.
    pub(super) async fn draw(
        &self,
        file: Arc<File>,
        format: Format,
        facts: Facts,
        user: UserId,
    ) -> Result<NewPreview, Error> {
        Ok(match self.drawn(file, format, facts, user).await? {
            Drawn::Made(bytes) => NewPreview::Made(self.written(bytes.into()).await?),
            Drawn::Impossible => NewPreview::Impossible,
            Drawn::NotNow => NewPreview::Pending,
        })
    }

    /// A preview as it is stored: a JPEG, or the JSON of a waveform.
    async fn drawn(
        &self,
        file: Arc<File>,
        format: Format,
        facts: Facts,
        user: UserId,
    ) -> Result<Drawn<Vec<u8>>, Error> {
        let workers = &self.0.workers;
        if format.kind() != Kind::Audio {
            return workers.derive(file, format, facts, user).await.map_err(Error::fault);
        }
        Ok(match workers.peaks(file, format, user).await.map_err(Error::fault)? {
            Drawn::Made(peaks) => Drawn::Made(waveform::json(&peaks)),
            Drawn::Impossible => Drawn::Impossible,
            Drawn::NotNow => Drawn::NotNow,
        })
    }

    /// On the disk in `tmp/`.
    async fn written(&self, bytes: Bytes) -> Result<Received, Error> {
        let blobs = Arc::clone(&self.0.blobs);
        let written = off_thread(move || Ok(blobs.incoming()?.append(&bytes)?.finish()));
        let received = written.await?.map_err(io_error)?;
        let synced = off_thread(move || received.sync().map(|()| received));
        synced.await?.map_err(|cause| self.sync_error(cause))
    }
}
