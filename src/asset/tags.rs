//! Words an owner puts on an asset.

use unicode_normalization::UnicodeNormalization;

/// Up to [`Tags::MAX`] different tags in the order they were given; none at all is `null` to clients.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tags(Vec<String>);

/// The tags break a rule. The sentence names the field.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadTags {
    #[error("tags must be a JSON array of strings, or one tag a part")]
    NotAnArray,
    #[error("tags must be at most 32")]
    TooMany,
    #[error("tags must be 1 to 64 characters each")]
    Length,
    #[error("tags must not hold control characters")]
    Control,
}

/// A tag as it is kept and compared: trimmed, in NFC.
pub fn normalise(word: &str) -> String {
    word.trim().nfc().collect()
}

impl Tags {
    pub const MAX: usize = 32;
    pub const MAX_CHARS: usize = 64;

    /// Trimmed, in NFC, duplicates folded onto the first.
    pub fn new<S: AsRef<str>>(words: impl IntoIterator<Item = S>) -> Result<Tags, BadTags> {
        let mut tags: Vec<String> = Vec::new();
        for word in words {
            let tag = normalise(word.as_ref());
            if tag.chars().any(char::is_control) {
                return Err(BadTags::Control);
            }
            if !(1..=Tags::MAX_CHARS).contains(&tag.chars().count()) {
                return Err(BadTags::Length);
            }
            if !tags.contains(&tag) {
                if tags.len() == Tags::MAX {
                    return Err(BadTags::TooMany);
                }
                tags.push(tag);
            }
        }
        Ok(Tags(tags))
    }

    /// The values of the form's `tags` parts: each a JSON array of strings, or one tag, or nothing.
    pub fn from_form<S: AsRef<str>>(parts: impl IntoIterator<Item = S>) -> Result<Tags, BadTags> {
        let mut words: Vec<String> = Vec::new();
        for part in parts {
            let part = part.as_ref().trim();
            if part.starts_with('[') {
                words.extend(serde_json::from_str::<Vec<String>>(part).map_err(|_| BadTags::NotAnArray)?);
            } else if !part.is_empty() {
                words.push(part.to_owned());
            }
        }
        Tags::new(words)
    }

    /// Tags out of a record, which only ever held valid ones.
    pub fn from_record(tags: Vec<String>) -> Tags {
        Tags(tags)
    }

    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
