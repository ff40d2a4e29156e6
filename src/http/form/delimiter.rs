//! The lines between the parts of a form.

use memchr::{memmem, memrchr};

use super::parameters::Parameters;

/// A boundary's length, at most (RFC 2046, 5.1.1).
const MAX_BOUNDARY: usize = 70;
/// Spaces and tabs that gateways may have put behind a boundary (RFC 2046, 5.1.1: transport padding). The standard
/// has no bound; a line with more is data.
const MAX_PADDING: usize = 128;

/// CRLF, two hyphens and the boundary of one form.
pub(super) struct Delimiter {
    mark: Vec<u8>,
    finder: memmem::Finder<'static>,
}

/// What the bytes at a place are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// The delimiter's line, of so many bytes, CRLF before and behind included.
    Boundary(usize),
    /// The closing delimiter's line. Its end belongs to the epilogue.
    Close,
    /// A delimiter's line but for its end, which is a bare LF.
    LineFeed,
    /// No delimiter, but perhaps one that only looks alike.
    Data,
    /// More bytes have to come.
    Undecided,
}

impl Delimiter {
    /// That of a request with this `Content-Type`; `None` where it is not that of a form.
    pub fn from_content_type(content_type: &[u8]) -> Option<Delimiter> {
        let parameters = Parameters::parse(content_type).ok()?;
        if !parameters.value().eq_ignore_ascii_case(b"multipart/form-data") {
            return None;
        }
        let boundary = parameters.get("boundary")?;
        let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(byte);
        let fits = (1..=MAX_BOUNDARY).contains(&boundary.len());
        if !fits || !boundary.iter().all(allowed) || boundary.ends_with(b" ") {
            return None;
        }
        let mark = [b"\r\n--", boundary].concat();
        let finder = memmem::Finder::new(&mark).into_owned();
        Some(Delimiter { mark, finder })
    }

    /// The index of the next mark in `bytes` from `from` on.
    pub fn find(&self, bytes: &[u8], from: usize) -> Option<usize> {
        let at = self.finder.find(bytes.get(from..)?)?;
        Some(from + at)
    }

    /// The index behind a mark at `at`.
    pub fn behind(&self, at: usize) -> usize {
        at.saturating_add(self.mark.len())
    }

    /// The index at which `bytes` ends in the beginning of a mark; its length where it does not.
    pub fn begins_at(&self, bytes: &[u8]) -> usize {
        // A mark has its only CR in front, so the last CR is the only candidate.
        let from = bytes.len().saturating_sub(self.mark.len() - 1);
        let last = memrchr(b'\r', bytes.get(from..).unwrap_or_default());
        match last.map(|at| from + at) {
            Some(at) if self.mark.starts_with(bytes.get(at..).unwrap_or_default()) => at,
            _ => bytes.len(),
        }
    }

    /// What `bytes` begins with. Undecided only below [`longest_line`](Delimiter::longest_line) bytes.
    ///
    /// Where this turns from undecided to `Data`, no delimiter begins in the bytes that were undecided: their only CR
    /// is the first byte, or also the last one, and then the next byte is no LF.
    pub fn judge(&self, bytes: &[u8]) -> Verdict {
        let Some(tail) = bytes.strip_prefix(self.mark.as_slice()) else {
            return if self.mark.starts_with(bytes) { Verdict::Undecided } else { Verdict::Data };
        };
        let (close, tail) = match tail {
            [b'-'] => return Verdict::Undecided,
            [b'-', b'-', tail @ ..] => (true, tail),
            tail => (false, tail),
        };
        let spaces = padding(tail);
        match tail.get(spaces..).unwrap_or_default() {
            _ if spaces > MAX_PADDING => Verdict::Data,
            [] => Verdict::Undecided,
            [b'\r' | b'\n', ..] if close => Verdict::Close,
            [b'\n', ..] => Verdict::LineFeed,
            [b'\r'] => Verdict::Undecided,
            [b'\r', b'\n', behind @ ..] => Verdict::Boundary(bytes.len() - behind.len()),
            _ => Verdict::Data,
        }
    }

    /// Whether `bytes` is a closing delimiter, the body ending behind it.
    pub fn closes(&self, bytes: &[u8]) -> bool {
        let tail = bytes.strip_prefix(self.mark.as_slice());
        let tail = tail.and_then(|tail| tail.strip_prefix(b"--"));
        tail.is_some_and(|tail| padding(tail) == tail.len())
    }

    /// The longest line that can be a delimiter's, in bytes.
    pub fn longest_line(&self) -> usize {
        self.mark.len() + "--".len() + MAX_PADDING + "\r\n".len()
    }
}

/// How many spaces and tabs `bytes` begins with; of more than [`MAX_PADDING`], one more than that.
fn padding(bytes: &[u8]) -> usize {
    let most = bytes.iter().take(MAX_PADDING + 1);
    most.take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}
