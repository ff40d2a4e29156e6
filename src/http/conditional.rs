//! Preconditions of a `GET` or `HEAD` (RFC 9110, 13).

use std::time::{Duration, UNIX_EPOCH};

use warp::http::HeaderMap;
use warp::http::header::{
    HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE,
};

use crate::asset::Time;

/// What tells one state of a file from another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Validators<'a> {
    /// The strong entity tag, with its quotes.
    pub etag: &'a str,
    /// Strong too: what is at an address of ours never changes within a second (RFC 9110, 8.8.2.2).
    pub last_modified: Time,
}

/// What the preconditions of a request come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Answer. `ranged` is whether a `Range` header counts: `If-Range` may have said that it does not.
    Proceed { ranged: bool },
    /// 304.
    NotModified,
    /// 412.
    PreconditionFailed,
}

/// Weighs a request's preconditions in the order of RFC 9110, 13.2.2. The method must be `GET` or `HEAD`.
///
/// A date that cannot be read, or a header of one value that comes twice, counts as absent; a tag that cannot be read
/// matches nothing.
pub fn weigh(headers: &HeaderMap, now: &Validators<'_>) -> Outcome {
    // 1 and 2
    if headers.contains_key(IF_MATCH) {
        if !any_tag(headers, IF_MATCH, |tag| tag.is_strongly(now.etag)) {
            return Outcome::PreconditionFailed;
        }
    } else if date(headers, IF_UNMODIFIED_SINCE).is_some_and(|date| now.last_modified > date) {
        return Outcome::PreconditionFailed;
    }
    // 3 and 4
    if headers.contains_key(IF_NONE_MATCH) {
        if any_tag(headers, IF_NONE_MATCH, |tag| tag.is_weakly(now.etag)) {
            return Outcome::NotModified;
        }
    } else if date(headers, IF_MODIFIED_SINCE).is_some_and(|date| now.last_modified <= date) {
        return Outcome::NotModified;
    }
    // 5
    Outcome::Proceed { ranged: if_range(headers, now) }
}

/// Whether `If-Range` (RFC 9110, 13.1.5) lets the range count. Without the header it does.
fn if_range(headers: &HeaderMap, now: &Validators<'_>) -> bool {
    if !headers.contains_key(IF_RANGE) {
        return true;
    }
    let Some(value) = only(headers, IF_RANGE) else {
        return false;
    };
    match Tag::take(value) {
        Some((tag, [])) => tag.is_strongly(now.etag),
        Some(_) => false,
        // Exactly that date, not a later one.
        None => date(headers, IF_RANGE) == Some(now.last_modified),
    }
}

/// The trimmed value of a header that comes once.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&[u8]> {
    let mut lines = headers.get_all(name).iter();
    match (lines.next(), lines.next()) {
        (Some(line), None) => Some(line.as_bytes().trim_ascii()),
        _ => None,
    }
}

/// The time in a header, where it can be read. `httpdate` reads the three forms of RFC 9110, 5.6.7, from 1970 on.
fn date(headers: &HeaderMap, name: HeaderName) -> Option<Time> {
    let text = std::str::from_utf8(only(headers, name)?).ok()?;
    let time = httpdate::parse_http_date(text).ok()?;
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Some(Time::from_unix(since.as_secs()))
}

/// Whether `matches` holds of one of the tags in a header, which is a list over all of its lines; of `*` it does.
fn any_tag(headers: &HeaderMap, name: HeaderName, matches: impl Fn(Tag<'_>) -> bool) -> bool {
    headers.get_all(name).iter().any(|line| {
        let mut rest = line.as_bytes().trim_ascii();
        if rest == b"*" {
            return true;
        }
        while !rest.is_empty() {
            match Tag::take(rest) {
                // A comma may stand inside a tag, but a tag ends the element it stands in.
                Some((tag, behind)) => {
                    let behind = behind.trim_ascii_start();
                    if matches!(behind, [] | [b',', ..]) && matches(tag) {
                        return true;
                    }
                    rest = behind_comma(behind);
                }
                None => rest = behind_comma(rest),
            }
        }
        false
    })
}

/// What stands behind the next comma.
fn behind_comma(text: &[u8]) -> &[u8] {
    let mut parts = text.splitn(2, |byte| *byte == b',');
    parts.nth(1).unwrap_or_default().trim_ascii_start()
}

/// An entity tag (RFC 9110, 8.8.3).
#[derive(Clone, Copy)]
struct Tag<'a> {
    weak: bool,
    /// Without its quotes.
    opaque: &'a [u8],
}

impl<'a> Tag<'a> {
    /// The tag that `text` begins with, and what stands behind it.
    fn take(text: &'a [u8]) -> Option<(Tag<'a>, &'a [u8])> {
        let (weak, quoted) = match text.strip_prefix(b"W/") {
            Some(quoted) => (true, quoted),
            None => (false, text),
        };
        let inside = quoted.strip_prefix(b"\"")?;
        let end = inside.iter().position(|byte| *byte == b'"')?;
        let (opaque, behind) = inside.split_at_checked(end)?;
        Some((Tag { weak, opaque }, behind.strip_prefix(b"\"")?))
    }

    /// The strong comparison with a strong tag (RFC 9110, 8.8.3.2).
    fn is_strongly(self, etag: &str) -> bool {
        !self.weak && self.is_weakly(etag)
    }

    /// The weak comparison.
    fn is_weakly(self, etag: &str) -> bool {
        let inside = etag.as_bytes().strip_prefix(b"\"");
        inside.and_then(|inside| inside.strip_suffix(b"\"")) == Some(self.opaque)
    }
}
