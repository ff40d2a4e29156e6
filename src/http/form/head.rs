//! The headers of one part.

use memchr::memmem;

use super::parameters::{BadParameters, Parameters, is_token};
use crate::http::query::percent_decode;

/// What a part says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartHead {
    /// The field's name.
    pub name: String,
    /// As the client sent it: with its folders, with control characters. Empty where a browser's file field had no
    /// file chosen.
    pub file_name: Option<String>,
    /// The declared media type with its parameters, as sent; never empty.
    pub content_type: Option<String>,
}

/// Why a part's headers are refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadHead {
    #[error("A part's headers cannot be read")]
    Malformed,
    #[error("A part has no Content-Disposition: form-data with a name")]
    NoName,
    #[error("A part has a header or a parameter twice")]
    Twice,
    /// Which header or parameter.
    #[error("The {0} of a part is not UTF-8")]
    NotUtf8(&'static str),
    #[error(
        "The filename* of a part cannot be read: it takes UTF-8''... or ISO-8859-1''... with percent-escapes"
    )]
    FileNameStar,
    /// RFC 7578, 4.7 forbids it in HTTP; decoding it is nothing that a client needs, and not decoding it would keep
    /// base64 in place of the file.
    #[error("The Content-Transfer-Encoding of a part must be binary")]
    TransferEncoding,
}

impl From<BadParameters> for BadHead {
    fn from(bad: BadParameters) -> BadHead {
        match bad {
            BadParameters::Shape => BadHead::Malformed,
            BadParameters::Twice => BadHead::Twice,
        }
    }
}

impl PartHead {
    /// `lines` are the header lines of a part, with CRLF between them.
    pub(super) fn parse(lines: &[u8]) -> Result<PartHead, BadHead> {
        let (mut disposition, mut content_type, mut encoding) = (None, None, None);
        for line in unfolded(lines)? {
            let colon = line.iter().position(|byte| *byte == b':');
            let (name, value) = colon.and_then(|at| line.split_at_checked(at)).ok_or(BadHead::Malformed)?;
            if name.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
                return Err(BadHead::Malformed);
            }
            let header = match name.to_ascii_lowercase().as_slice() {
                b"content-disposition" => &mut disposition,
                b"content-type" => &mut content_type,
                b"content-transfer-encoding" => &mut encoding,
                _ => continue,
            };
            let value = value.strip_prefix(b":").unwrap_or_default().trim_ascii().to_vec();
            if header.replace(value).is_some() {
                return Err(BadHead::Twice);
            }
        }
        let identity = |value: &Vec<u8>| {
            [&b"binary"[..], b"8bit", b"7bit"].iter().any(|name| value.eq_ignore_ascii_case(name))
        };
        if !encoding.as_ref().is_none_or(identity) {
            return Err(BadHead::TransferEncoding);
        }
        let disposition = disposition.ok_or(BadHead::NoName)?;
        let disposition = Parameters::parse(&disposition)?;
        let name = disposition.get("name").ok_or(BadHead::NoName)?;
        if !disposition.value().eq_ignore_ascii_case(b"form-data") {
            return Err(BadHead::NoName);
        }
        Ok(PartHead {
            name: form_text(name, "name")?,
            file_name: file_name(&disposition)?,
            content_type: match content_type {
                Some(value) if !value.is_empty() => Some(utf8(value, "Content-Type")?),
                _ => None,
            },
        })
    }
}

/// The header lines, each with the lines that continue it (RFC 5322, 2.2.3: mail libraries write forms too).
fn unfolded(lines: &[u8]) -> Result<Vec<Vec<u8>>, BadHead> {
    let mut whole: Vec<Vec<u8>> = Vec::new();
    let mut rest = lines;
    while !rest.is_empty() {
        let end = memmem::find(rest, b"\r\n").unwrap_or(rest.len());
        let (line, behind) = rest.split_at_checked(end).unwrap_or((rest, &[]));
        rest = behind.strip_prefix(b"\r\n").unwrap_or_default();
        // A CR or LF of its own is a line end to some readers.
        if line.iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
            return Err(BadHead::Malformed);
        }
        match (line.first(), whole.last_mut()) {
            (Some(b' ' | b'\t'), Some(last)) => last.extend_from_slice(line),
            _ => whole.push(line.to_vec()),
        }
    }
    Ok(whole)
}

/// `filename*` where there is one, else `filename` (RFC 6266, 4.3).
fn file_name(disposition: &Parameters<'_>) -> Result<Option<String>, BadHead> {
    match (disposition.get("filename*"), disposition.get("filename")) {
        (Some(extended), _) => extended_text(extended).map(Some),
        (None, Some(plain)) => form_text(plain, "filename").map(Some),
        (None, None) => Ok(None),
    }
}

/// Text as forms send it: UTF-8, with `%22`, `%0D` and `%0A` alone for what can't stand in a quoted string (WHATWG HTML,
/// "multipart/form-data encoding algorithm"). Any other `%` is itself.
fn form_text(bytes: &[u8], what: &'static str) -> Result<String, BadHead> {
    let mut text = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [byte, behind @ ..] = rest {
        let (decoded, behind) = match rest {
            [b'%', b'2', b'2', behind @ ..] => (b'"', behind),
            [b'%', b'0', b'D' | b'd', behind @ ..] => (b'\r', behind),
            [b'%', b'0', b'A' | b'a', behind @ ..] => (b'\n', behind),
            _ => (*byte, behind),
        };
        text.push(decoded);
        rest = behind;
    }
    utf8(text, what)
}

/// `charset'language'percent-encoded` (RFC 8187, 3.2; ISO-8859-1 as in RFC 5987, which it replaces).
fn extended_text(bytes: &[u8]) -> Result<String, BadHead> {
    let mut fields = bytes.splitn(3, |byte| *byte == b'\'');
    let (Some(charset), Some(_language), Some(text)) = (fields.next(), fields.next(), fields.next()) else {
        return Err(BadHead::FileNameStar);
    };
    if !text.is_ascii() {
        return Err(BadHead::FileNameStar);
    }
    let text = percent_decode(text).map_err(|_| BadHead::FileNameStar)?;
    if charset.eq_ignore_ascii_case(b"utf-8") {
        utf8(text, "filename*")
    } else if charset.eq_ignore_ascii_case(b"iso-8859-1") {
        // The first 256 characters of Unicode are those of ISO-8859-1.
        Ok(text.into_iter().map(char::from).collect())
    } else {
        Err(BadHead::FileNameStar)
    }
}

fn utf8(bytes: Vec<u8>, what: &'static str) -> Result<String, BadHead> {
    String::from_utf8(bytes).map_err(|_| BadHead::NotUtf8(what))
}
