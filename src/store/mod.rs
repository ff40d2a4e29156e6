//! What may be done with assets. The only place that knows: it checks who owns what, and brings catalog, blobs and
//! worker together.

mod change;
mod delete;
mod groups;
mod list;
mod preview;
mod read;
mod ready;
mod recover;
mod step;
mod upload;
mod waveform;
mod writer;

use std::path::Path;
use std::sync::Arc;

use crate::asset::{Asset, AssetId, Kind};
use crate::auth::Caller;
use crate::blobs::{Blobs, OpenError};
use crate::catalog::{self, Catalog};
use crate::error::{Error, Verb};
use crate::worker::{Pool, Refusal};

pub use crate::asset::Changes;
pub use crate::blobs::secret;
pub use crate::catalog::{GroupTotals, Page, Query};
pub use preview::OpenPreview;
pub use read::Contents;
pub use upload::{Arrived, Claims, Fields, Receiver};

/// What the operator allows.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a file, at most.
    pub max_upload_bytes: u64,
    /// Width × height of a picture or of a film's frame, at most.
    pub max_pixels: u64,
}

/// Why a store can't be opened. `Display` is for the operator.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Data(#[from] OpenError),
    #[error("the catalog cannot be opened: {0}")]
    Catalog(#[from] catalog::Error),
    #[error("what an earlier run left cannot be settled: {0}")]
    Recovery(std::io::Error),
    #[error("the journal cannot be opened: {0}")]
    Journal(std::io::Error),
    #[error("the writer cannot be started: {0}")]
    Writer(std::io::Error),
}

/// An opened store. Cheap to clone; the last clone does not close it, [`Store::close`] does.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    blobs: Arc<Blobs>,
    catalog: Arc<Catalog>,
    workers: Pool,
    writer: writer::Writer,
    limits: Limits,
    drawing: preview::Drawing,
    readiness: ready::Readiness,
}

impl Store {
    /// Opens the data folder at `path`, settles what an earlier run left, and starts the writer.
    pub fn open(path: &Path, limits: Limits, workers: Pool) -> Result<Store, StartError> {
        let blobs = Arc::new(Blobs::open(path)?);
        let file = blobs.catalog_file().map_err(StartError::Recovery)?;
        let catalog = Arc::new(Catalog::open(file)?);
        recover::recover(&blobs, &catalog)?;
        let writer = writer::Writer::start(Arc::clone(&blobs), Arc::clone(&catalog))?;
        Ok(Store(Arc::new(Inner {
            blobs,
            catalog,
            workers,
            writer,
            limits,
            drawing: preview::Drawing::default(),
            readiness: ready::Readiness::default(),
        })))
    }

    /// Lets the writer finish what it was given, and stops it.
    pub async fn close(&self) {
        self.0.writer.close().await;
    }

    /// The asset `id`, for its owner alone.
    pub fn asset(&self, caller: Caller, id: AssetId, verb: Verb) -> Result<Asset, Error> {
        let asset = self.0.catalog.get(id)?.ok_or(Error::NoAsset)?;
        owned(&asset, caller, verb)?;
        Ok(asset)
    }
}

/// Whether `caller` may do `verb` with `asset`: the owner may, and nobody else, not even an admin.
fn owned(asset: &Asset, caller: Caller, verb: Verb) -> Result<(), Error> {
    if asset.owner == caller.user() { Ok(()) } else { Err(Error::NotOwner(verb)) }
}

/// The sentence for a file that the worker did not take.
fn refusal(refusal: Refusal, kind: Kind, limits: &Limits) -> Error {
    match refusal {
        Refusal::Broken(flaw) => Error::Broken { kind, flaw },
        Refusal::Foreign(foreign) => {
            Error::WrongType { found: foreign.media_type().to_owned(), remedy: foreign.remedy() }
        }
        Refusal::TooManyPixels { width, height } => {
            Error::TooManyPixels { kind, width, height, max_pixels: limits.max_pixels }
        }
    }
}

impl From<catalog::Error> for Error {
    fn from(error: catalog::Error) -> Error {
        match error {
            catalog::Error::Full => Error::Full,
            other => Error::fault(other),
        }
    }
}

/// An I/O error met while writing: a full disk is told to the caller, all else is a fault of ours.
fn io_error(error: std::io::Error) -> Error {
    if is_full(&error) { Error::Full } else { Error::fault(error) }
}

/// Whether the disk, or the operator's quota on it, is full.
fn is_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}

/// Runs blocking file work off the threads that serve.
async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(Error::fault)
}
