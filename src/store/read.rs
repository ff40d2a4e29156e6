//! Reading the bytes of one asset.

use std::fs::File;
use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::{Store, off_thread};
use crate::asset::{Asset, AssetId, Digest, Preview};
use crate::blobs::Part;
use crate::error::Error;

/// An opened file of an asset, of just the length that its record says; or a picture made of one.
pub struct Contents {
    held: Held,
    /// In bytes.
    pub size: u64,
    pub sha256: Digest,
}

enum Held {
    File(Arc<File>),
    Memory(Bytes),
}

impl Store {
    /// The bytes of an asset as uploaded.
    pub async fn original(&self, asset: &Asset) -> Result<Contents, Error> {
        self.contents(asset, Part::Original(asset.format)).await
    }

    /// The bytes of a part that the record says is there.
    pub(super) async fn contents(&self, asset: &Asset, part: Part) -> Result<Contents, Error> {
        let (size, sha256) = stated(asset, part)?;
        Ok(Contents { held: Held::File(self.opened(asset, part).await?), size, sha256 })
    }

    /// Opens a part that the record says is there. One that is missing, a link, or of another length is damage.
    pub(super) async fn opened(&self, asset: &Asset, part: Part) -> Result<Arc<File>, Error> {
        let (size, _) = stated(asset, part)?;
        let id = asset.id;
        let file = match self.0.blobs.open_cached(id, part) {
            Some(file) => Ok(file),
            None => {
                let blobs = Arc::clone(&self.0.blobs);
                off_thread(move || blobs.open_part(id, part)).await?
            }
        };
        let opened = file.and_then(|file| Ok((file.metadata()?, file)));
        let (metadata, file) = opened.map_err(|cause| match cause.raw_os_error() {
            // Out of descriptors is no damage.
            Some(code) if code == rustix::io::Errno::MFILE.raw_os_error() => Error::fault(cause),
            Some(code) if code == rustix::io::Errno::NFILE.raw_os_error() => Error::fault(cause),
            // Deleted since its record was read, or damage.
            _ if matches!(self.0.catalog.get(id), Ok(None)) => Error::NoAsset,
            _ => damaged(id, &cause),
        })?;
        if !metadata.is_file() || metadata.len() != size {
            let found = metadata.len();
            return Err(damaged(id, &format!("{found} bytes where the record says {size}")));
        }
        Ok(Arc::new(file))
    }
}

/// Size and digest of a part as the record has them.
fn stated(asset: &Asset, part: Part) -> Result<(u64, Digest), Error> {
    match (part, asset.thumbnail, asset.waveform) {
        (Part::Original(_), _, _) => Ok((asset.size, asset.sha256)),
        (Part::Thumbnail, Preview::Made { size, sha256 }, _) => Ok((size, sha256)),
        (Part::Waveform, _, Preview::Made { size, sha256 }) => Ok((size, sha256)),
        (Part::Thumbnail, _, _) => Err(Error::NoThumbnail),
        (Part::Waveform, _, _) => Err(Error::NoWaveform),
    }
}

/// What is wrong with an asset's file, for the log.
fn damaged(id: AssetId, what: &dyn std::fmt::Display) -> Error {
    Error::Damaged(format!("asset {id}: {what}").into())
}

impl Contents {
    /// What was made just now.
    pub(super) fn in_memory(bytes: Vec<u8>) -> Contents {
        let (size, sha256) = (bytes.len() as u64, Sha256::digest(&bytes).into());
        Contents { held: Held::Memory(bytes.into()), size, sha256 }
    }

    /// `length` bytes from `first` on, which must lie inside the file. What is in the page cache is read without leaving
    /// the thread that serves.
    pub async fn read(&self, first: u64, length: usize) -> Result<Bytes, Error> {
        let file = match &self.held {
            Held::File(file) => file,
            Held::Memory(bytes) => return Ok(bytes.slice(first as usize..first as usize + length)),
        };
        let mut bytes = vec![0; length];
        let mut done = cached(file, &mut bytes, first);
        if done < length {
            let file = Arc::clone(file);
            bytes = off_thread(move || {
                while done < length {
                    let into = bytes.get_mut(done..).unwrap_or_default();
                    match rustix::io::pread(&*file, into, first + done as u64) {
                        Ok(0) => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                        Ok(more) => done += more,
                        Err(rustix::io::Errno::INTR) => {}
                        Err(cause) => return Err(std::io::Error::from(cause)),
                    }
                }
                Ok(bytes)
            })
            .await?
            .map_err(|cause| Error::Damaged(cause.into()))?;
        }
        Ok(bytes.into())
    }
}

/// Reads as much as is in the page cache, without waiting for the disk. Linux 4.14 and most file systems can tell.
fn cached(file: &File, into: &mut [u8], first: u64) -> usize {
    use rustix::io::{ReadWriteFlags, preadv2};
    let mut into = [std::io::IoSliceMut::new(into)];
    preadv2(file, &mut into, first, ReadWriteFlags::NOWAIT).unwrap_or(0)
}
