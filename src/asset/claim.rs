//! What a file's name and declared media type claim it to be.

use super::Kind;

/// The kind that a file name's extension speaks of; `None` where it speaks of none of the four.
pub fn kind_of_extension(_file_name: &str) -> Option<Kind> {
    None
}

/// The kind that a media type speaks of; `None` where it speaks of none of the four.
pub fn kind_of_media_type(_media_type: &str) -> Option<Kind> {
    None
}
