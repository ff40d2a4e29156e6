//! The name an asset is shown by. Only ever display text: no path is made of it.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

use super::{AssetId, Format};

/// A display name: 1 to 255 bytes of UTF-8 in NFC, without control or bidirectional formatting characters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Name(String);

/// The given name is over [`Name::MAX_BYTES`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("name must be at most 255 bytes")]
pub struct NameTooLong;

impl Name {
    pub const MAX_BYTES: usize = 255;

    /// A name the caller chose. `/` stays; `None` where nothing is left.
    pub fn given(text: &str) -> Result<Option<Name>, NameTooLong> {
        let clean = clean(text);
        if clean.len() > Name::MAX_BYTES {
            return Err(NameTooLong);
        }
        Ok((!clean.is_empty()).then_some(Name(clean)))
    }

    /// The name of a file as a client sent it: what stands before the last `/` or `\` is dropped, and what is too long
    /// is cut at a character, its extension kept. `None` where nothing is left.
    pub fn of_file(text: &str) -> Option<Name> {
        let last = text.rsplit(['/', '\\']).next().unwrap_or(text);
        let clean = cut(clean(last));
        (!clean.is_empty()).then_some(Name(clean))
    }

    /// The name of an asset that came without one.
    pub fn fallback(id: AssetId, format: Format) -> Name {
        Name(format!("{id}.{}", format.extension()))
    }

    /// A name out of a record, which only ever held valid ones.
    pub fn from_record(text: String) -> Name {
        Name(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// Without control and bidirectional formatting characters, in NFC (Unicode Standard Annex 15).
fn clean(text: &str) -> String {
    let bidirectional = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().filter(|c| !c.is_control() && !bidirectional(*c)).nfc().collect()
}

/// At most [`Name::MAX_BYTES`], cut before the extension where there is one of a sensible length.
fn cut(name: String) -> String {
    /// Longer tails are part of the name, not an extension.
    const MAX_EXTENSION_BYTES: usize = 32;
    if name.len() <= Name::MAX_BYTES {
        return name;
    }
    let extension = match name.rfind('.') {
        Some(dot) if dot > 0 && name.len() - dot <= MAX_EXTENSION_BYTES => &name[dot..],
        _ => "",
    };
    let mut end = Name::MAX_BYTES - extension.len();
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{extension}", &name[..end])
}
