//! Query strings and path segments, decoded strictly: a bad escape is the client's mistake, not a `%`.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Parameters of one query, at most. `tag` may repeat, and 32 tags are the most an asset has.
pub const MAX_PAIRS: usize = 256;

/// A `%` without two hexadecimal digits behind it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("Malformed percent-escape")]
pub struct BadEscape;

/// Why a query or a path cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadQuery {
    /// What it is in: `query parameter limit`, `path`.
    #[error("Malformed percent-escape in {0}")]
    Escape(String),
    #[error("Not UTF-8 in {0}")]
    NotUtf8(String),
    #[error("The query has more than 256 parameters")]
    TooMany,
}

/// A parameter that may be given once was given twice.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("Duplicate query parameter: {0}")]
pub struct Twice(pub String);

/// The parameters of a request's query, in order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Reads `application/x-www-form-urlencoded` (WHATWG URL, 5.1), but refuses bad escapes and what is not UTF-8.
    pub fn parse(query: Option<&str>) -> Result<Query, BadQuery> {
        let mut pairs = Vec::new();
        for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            if pairs.len() == MAX_PAIRS {
                return Err(BadQuery::TooMany);
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = form_decode(name, || "a query parameter's name".to_owned())?;
            let value = form_decode(value, || format!("query parameter {name}"))?;
            pairs.push((name, value));
        }
        Ok(Query { pairs })
    }

    /// The value of a parameter that may be given once; `None` where it is absent or empty.
    pub fn one(&self, name: &str) -> Result<Option<&str>, Twice> {
        let mut values = self.pairs().filter(|(other, _)| *other == name);
        let value = values.next().map(|(_, value)| value);
        match values.next() {
            Some(_) => Err(Twice(name.to_owned())),
            None => Ok(value.filter(|value| !value.is_empty())),
        }
    }

    /// The values of a parameter that may be repeated, in order, without empty ones.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named =
            move |(other, value): (&'a str, &'a str)| (other == name && !value.is_empty()).then_some(value);
        self.pairs().filter_map(named)
    }

    /// All parameters, in order: names and values.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// A query of these names and values, as [`Query::parse`] reads it; without the `?`.
pub fn encode<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    // The application/x-www-form-urlencoded percent-encode set; a space becomes `+`.
    const SET: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_');
    let mut query = String::new();
    for (name, value) in pairs {
        if !query.is_empty() {
            query.push('&');
        }
        query.extend(utf8_percent_encode(name, SET));
        query.push('=');
        query.extend(utf8_percent_encode(value, SET));
    }
    // A `%` is `%25` by now, so each `%20` was a space.
    query.replace("%20", "+")
}

/// One segment of a path, decoded. `%2F` gives a `/` that divides nothing; `+` is itself.
pub fn decode_segment(segment: &str) -> Result<Cow<'_, str>, BadQuery> {
    if !segment.contains('%') {
        return Ok(Cow::Borrowed(segment));
    }
    decode(segment.as_bytes(), || "the path".to_owned()).map(Cow::Owned)
}

fn form_decode(text: &str, place: impl Fn() -> String) -> Result<String, BadQuery> {
    decode(text.replace('+', " ").as_bytes(), place)
}

fn decode(text: &[u8], place: impl Fn() -> String) -> Result<String, BadQuery> {
    let bytes = percent_decode(text).map_err(|_| BadQuery::Escape(place()))?;
    String::from_utf8(bytes).map_err(|_| BadQuery::NotUtf8(place()))
}

/// Each `%` and the two hexadecimal digits behind it made a byte (RFC 3986, 2.1).
pub fn percent_decode(text: &[u8]) -> Result<Vec<u8>, BadEscape> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [byte, behind @ ..] = rest {
        rest = match (byte, behind) {
            (b'%', [high, low, behind @ ..]) => {
                bytes.push(hex(*high)? << 4 | hex(*low)?);
                behind
            }
            (b'%', _) => return Err(BadEscape),
            _ => {
                bytes.push(*byte);
                behind
            }
        };
    }
    Ok(bytes)
}

/// The value of a hexadecimal digit, in either case.
fn hex(digit: u8) -> Result<u8, BadEscape> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(BadEscape),
    }
}
