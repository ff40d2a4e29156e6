//! What can go wrong with the catalog. These sentences are for the log; callers see `store`'s.

use std::io;

use crate::asset::AssetId;

/// Why the catalog could not answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A newer assetd wrote the file. Nothing has been changed in it.
    #[error(
        "the catalog has format {found}, and this assetd knows none newer than {known}: use a newer assetd"
    )]
    NewerFormat { found: u32, known: u32 },
    /// An older assetd wrote the file, and it was opened for reading alone.
    #[error("the catalog has format {found}, older than {known}: start `assetd serve` once to migrate it")]
    OlderFormat { found: u32, known: u32 },
    /// The disk is full. The transaction is lost as a whole, the catalog goes on: removals have room kept for them.
    #[error("no room is left for the catalog")]
    Full,
    /// A write or a sync has failed for another reason than room, now or earlier. What the disk holds of the last
    /// transaction is unknown until the catalog is opened anew; until then it only reads.
    #[error("the catalog takes no more changes, because a write to it failed: {0}")]
    Stopped(String),
    /// A record or a row is not what this module writes. Only this asset is concerned.
    #[error("the record of asset {id} is damaged: {flaw}")]
    Damaged { id: AssetId, flaw: &'static str },
    /// Anything else: the file is no catalog, a read failed, a caller broke a rule.
    #[error("{0}")]
    Other(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// A fault told in a fixed sentence.
    pub(super) fn because(sentence: &'static str) -> Error {
        Error::Other(sentence.into())
    }
}

/// Whether an operation failed for want of room: the disk's, or the user's share of it.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

impl From<redb::Error> for Error {
    fn from(error: redb::Error) -> Error {
        match error {
            redb::Error::Io(error) if is_full(&error) => Error::Full,
            error => Error::Other(error.into()),
        }
    }
}

/// redb has an error type an operation; all of them fold into its `Error`.
macro_rules! by_way_of_redb {
    ($($name:ident),*) => {$(
        impl From<redb::$name> for Error {
            fn from(error: redb::$name) -> Error {
                redb::Error::from(error).into()
            }
        }
    )*};
}

by_way_of_redb!(StorageError, TableError, TransactionError, CommitError, DatabaseError, SetDurabilityError);

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        if is_full(&error) { Error::Full } else { Error::Other(error.into()) }
    }
}
