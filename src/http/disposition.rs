//! The name a file is saved under: `Content-Disposition` of an answer (RFC 6266).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use warp::http::HeaderValue;

/// Whether a browser shows a file or saves it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Disposition {
    Inline,
    Attachment,
}

/// `inline; filename="ascii"; filename*=UTF-8''…` for a display name.
///
/// `extension` is the true one, without its dot. It is appended unless the name ends in it, in any case; `.jpeg` counts for
/// `jpg`. `/` and `\` become `_`.
pub fn content_disposition(disposition: Disposition, name: &str, extension: &str) -> HeaderValue {
    let word = match disposition {
        Disposition::Inline => "inline",
        Disposition::Attachment => "attachment",
    };
    let name = file_name(name, extension);
    let (plain, extended) = (ascii(&name), utf8_percent_encode(&name, NOT_ATTR_CHAR));
    let value = format!("{word}; filename=\"{plain}\"; filename*=UTF-8''{extended}");
    // All of it is printable ASCII, so this never falls back.
    HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static("attachment"))
}

/// All but the attr-char of RFC 8187, 3.2.1.
const NOT_ATTR_CHAR: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// The name with its true extension and no path separators.
fn file_name(name: &str, extension: &str) -> String {
    let mut file_name = name.replace(['/', '\\'], "_");
    let ending = file_name.rsplit_once('.').map(|(_, ending)| ending);
    let ends_in = |extension: &str| ending.is_some_and(|ending| ending.eq_ignore_ascii_case(extension));
    let true_ending = ends_in(extension) || (extension == "jpg" && ends_in("jpeg"));
    if !true_ending {
        file_name.push('.');
        file_name.push_str(extension);
    }
    file_name
}

/// The name for readers that know no `filename*`: what is not printable ASCII, or not safe in a quoted string, is `_`.
///
/// So is a `%` before two hexadecimal digits, which some readers decode (RFC 6266, appendix D).
fn ascii(name: &str) -> String {
    let escape = |at: usize| {
        let digits = name.as_bytes().get(at + 1..at + 3);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    name.char_indices()
        .map(|(at, c)| match c {
            '"' | '\\' => '_',
            '%' if escape(at) => '_',
            ' '..='~' => c,
            _ => '_',
        })
        .collect()
}
