//! What a caller is told when something can't be done: sentences, no HTTP. `http/error.rs` turns each into a status.

use crate::asset::{BadId, Flaw, Grouping, Kind, group::BadGroupId, name::NameTooLong, tags::BadTags};
use crate::units::mib;

/// What the caller wanted to do with an asset, as `You don't have permission to … this asset` says it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verb {
    Access,
    Change,
    Delete,
}

impl std::fmt::Display for Verb {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Verb::Access => "access",
            Verb::Change => "change",
            Verb::Delete => "delete",
        })
    }
}

/// Why a call is not answered with what it asked for. `Display` is the sentence the caller reads.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    // What was sent
    #[error("{0}")]
    Bad(String),
    #[error("Invalid asset ID format")]
    BadId,
    #[error("Missing form field: file")]
    NoFile,
    #[error("Duplicate form field: {0}")]
    DuplicateField(&'static str),
    #[error("File is empty")]
    EmptyFile,
    /// `remedy` is a sentence, or empty.
    #[error(
        "Invalid file type: {found}. {remedy}{}Allowed: images (jpg, png, gif, webp), videos (mp4, mov), audio (mp3, wav), documents (pdf)",
        if remedy.is_empty() { "" } else { " " }
    )]
    WrongType { found: String, remedy: &'static str },
    #[error("File content ({found}) does not match its declared type ({declared})")]
    Disguised { found: &'static str, declared: String },
    /// The file's fault, also when the worker dies of it.
    #[error("Invalid {kind} file: {flaw}")]
    Broken { kind: Kind, flaw: Flaw },
    #[error("File too large. Maximum size is {}", mib(*max_bytes))]
    TooLarge { max_bytes: u64 },
    #[error(
        "{} has too many pixels: {width} x {height}. Maximum is {} megapixels",
        match kind { Kind::Video => "Video", _ => "Image" },
        *max_pixels as f64 / 1e6
    )]
    TooManyPixels { kind: Kind, width: u32, height: u32, max_pixels: u64 },
    #[error("File does not match its sha256")]
    DigestDiffers,

    // Who sent it
    #[error("Not authenticated")]
    NotAuthenticated,
    #[error("Invalid token")]
    InvalidToken,
    #[error("Token expired")]
    TokenExpired,
    #[error("You don't have permission to {0} this asset")]
    NotOwner(Verb),

    // What is not there
    #[error("Asset not found")]
    NoAsset,
    #[error("Thumbnail not available")]
    NoThumbnail,
    #[error("Waveform not available")]
    NoWaveform,
    #[error("{0} not found")]
    NoGroup(Grouping),

    // Ours
    #[error("Insufficient storage")]
    Full,
    /// Writing has stopped for good after a failed sync; reading goes on.
    #[error("Writing is stopped until the server is restarted: {0}")]
    Stopped(&'static str),
    #[error("Stored file is damaged")]
    Damaged(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The source is for the log.
    #[error("Internal server error")]
    Fault(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// A fault of ours, with its cause for the log.
    pub fn fault(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error::Fault(cause.into())
    }

    /// A field or parameter that names a client or a campaign, and does not.
    pub fn bad_group(grouping: Grouping, why: BadGroupId) -> Error {
        Error::Bad(format!("{} {why}", grouping.field()))
    }
}

impl From<BadId> for Error {
    fn from(_: BadId) -> Error {
        Error::BadId
    }
}

impl From<BadTags> for Error {
    fn from(bad: BadTags) -> Error {
        Error::Bad(bad.to_string())
    }
}

impl From<NameTooLong> for Error {
    fn from(bad: NameTooLong) -> Error {
        Error::Bad(bad.to_string())
    }
}
