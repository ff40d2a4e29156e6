//! `value; name=token; name="quoted"`: the shape of `Content-Type` and `Content-Disposition`.

use std::borrow::Cow;

/// Parameters of one header, at most. Real ones have three.
const MAX_PARAMETERS: usize = 16;

/// A header's value and its parameters (RFC 9110, 5.6.6; RFC 2183, 2).
pub(super) struct Parameters<'a> {
    value: &'a [u8],
    list: Vec<(&'a [u8], Cow<'a, [u8]>)>,
}

/// Why a header is not believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum BadParameters {
    /// It has not that shape.
    Shape,
    /// It has a parameter twice: readers differ in which of two they believe.
    Twice,
}

impl<'a> Parameters<'a> {
    pub fn parse(header: &'a [u8]) -> Result<Parameters<'a>, BadParameters> {
        let (value, mut rest) = split_where(header, |byte| byte == b';');
        let mut parameters = Parameters { value: value.trim_ascii(), list: Vec::new() };
        while let [b';', after @ ..] = rest {
            rest = after.trim_ascii_start();
            // An empty parameter is allowed.
            if !rest.is_empty() && !rest.starts_with(b";") {
                rest = parameters.take(rest)?;
            }
        }
        if rest.is_empty() { Ok(parameters) } else { Err(BadParameters::Shape) }
    }

    /// Reads the parameter that `text` begins with; the text behind it.
    fn take(&mut self, text: &'a [u8]) -> Result<&'a [u8], BadParameters> {
        let (name, rest) = split_where(text, |byte| !is_token(byte));
        let [b'=', rest @ ..] = rest.trim_ascii_start() else {
            return Err(BadParameters::Shape);
        };
        let (value, rest) = match rest.trim_ascii_start() {
            [b'"', rest @ ..] => quoted(rest)?,
            rest => bare(rest)?,
        };
        if name.is_empty() || self.list.len() == MAX_PARAMETERS {
            return Err(BadParameters::Shape);
        }
        if self.find(name).is_some() {
            return Err(BadParameters::Twice);
        }
        self.list.push((name, value));
        Ok(rest.trim_ascii_start())
    }

    pub fn value(&self) -> &'a [u8] {
        self.value
    }

    /// The value of a parameter, whose name has no case.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.find(name.as_bytes())
    }

    fn find(&self, name: &[u8]) -> Option<&[u8]> {
        let mut named = self.list.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        named.next().map(|(_, value)| value.as_ref())
    }
}

/// A quoted string, its opening quote gone, and what stands behind it.
///
/// `\"` and `\\` are escapes. A backslash before anything else stands for itself: browsers send the backslashes of a
/// file's name as they are.
fn quoted(text: &[u8]) -> Result<(Cow<'_, [u8]>, &[u8]), BadParameters> {
    let mut value = Vec::new();
    let mut rest = text;
    loop {
        rest = match rest {
            [] => return Err(BadParameters::Shape),
            // A file's name that ends in a backslash, as browsers send it: else the string would have no end.
            [b'\\', b'"'] => {
                value.push(b'\\');
                return Ok((Cow::Owned(value), &[]));
            }
            [b'"', rest @ ..] => return Ok((Cow::Owned(value), rest)),
            [b'\\', byte @ (b'"' | b'\\'), rest @ ..] | [byte, rest @ ..] => {
                value.push(*byte);
                rest
            }
        };
    }
}

/// A value without quotes, and what stands behind it. Wider than a token: boundaries and file names are sent bare
/// with characters that ought to be quoted, and these can't be mistaken.
fn bare(text: &[u8]) -> Result<(Cow<'_, [u8]>, &[u8]), BadParameters> {
    let ends = |byte: u8| byte.is_ascii_whitespace() || byte.is_ascii_control() || b";\"\\".contains(&byte);
    let (value, rest) = split_where(text, ends);
    if value.is_empty() { Err(BadParameters::Shape) } else { Ok((Cow::Borrowed(value), rest)) }
}

/// RFC 9110, 5.6.2.
pub(super) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Splits before the first byte of which `ends` holds.
fn split_where(text: &[u8], ends: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let at = text.iter().position(|byte| ends(*byte)).unwrap_or(text.len());
    text.split_at_checked(at).unwrap_or((text, &[]))
}
