//! What `hayro-syntax` leaves open about tokens: where objects begin and end in bytes that may be cut anywhere
//! (ISO 32000-2, 7.2 and 7.3).

use hayro::hayro_syntax::object::{Array, Dict, FromBytes, MaybeRef, Object};

/// A value that may stand elsewhere.
#[derive(Clone, Debug)]
pub enum Held {
    Elsewhere(u32),
    Here(Vec<u8>),
}

/// A dictionary's or an array's value, here or elsewhere; `None` for any other.
pub fn held(dict: &Dict<'_>, key: &[u8]) -> Option<Held> {
    match dict.get_raw::<Object<'_>>(key)? {
        MaybeRef::Ref(reference) => Some(Held::Elsewhere(reference.obj_number)),
        MaybeRef::NotRef(Object::Dict(dict)) => Some(Held::Here(dict.data().to_vec())),
        MaybeRef::NotRef(Object::Array(array)) => Some(Held::Here([b"[", array.data(), b"]"].concat())),
        MaybeRef::NotRef(_) => None,
    }
}

/// The white space of ISO 32000-2, 7.2.3, table 1.
pub fn is_space(byte: u8) -> bool {
    matches!(byte, 0 | 9 | 10 | 12 | 13 | 32)
}

/// What begins behind white space and comments.
pub fn skip_space(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    loop {
        match rest {
            [byte, tail @ ..] if is_space(*byte) => rest = tail,
            [b'%', ..] => {
                let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
                rest = end.map_or(&[], |end| &rest[end..]);
            }
            _ => return rest,
        }
    }
}

/// Digits at the head of `bytes`, and what follows; `None` where there are none, or more than fit.
pub fn digits(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let length = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = bytes.split_at(length);
    Some((std::str::from_utf8(digits).ok()?.parse().ok()?, rest))
}

/// `number generation obj` at the head of `bytes`, and where what follows it begins.
pub fn header(bytes: &[u8]) -> Option<(u32, u16, usize)> {
    let (number, rest) = digits(skip_space(bytes))?;
    let (generation, rest) = digits(skip_space(rest))?;
    let rest = skip_space(rest).strip_prefix(b"obj")?;
    let body = skip_space(rest);
    Some((u32::try_from(number).ok()?, u16::try_from(generation).ok()?, bytes.len() - body.len()))
}

/// The object at the head of `bytes`; `None` where it has no end there.
pub fn extent(bytes: &[u8]) -> Option<&[u8]> {
    /// Numbers and names are not longer; a long string is no part of what leads to the pages.
    const MAX_SCALAR_BYTES: usize = 256;
    let bytes = skip_space(bytes);
    match bytes {
        [b'<', b'<', ..] => Dict::from_bytes(bytes).map(|dict| dict.data()),
        [b'[', ..] => {
            let length = Array::from_bytes(bytes)?.data().len();
            bytes.get(..length.checked_add(2)?)
        }
        [] => None,
        _ => Some(&bytes[..bytes.len().min(MAX_SCALAR_BYTES)]),
    }
}

/// Behind a dictionary, `stream` comes within so many bytes, or it has none.
pub const STREAM_KEYWORD_WITHIN: usize = 64;

/// Where the bytes of a stream begin, behind its dictionary.
pub fn stream_start(bytes: &[u8]) -> Option<usize> {
    let near = &bytes[..bytes.len().min(STREAM_KEYWORD_WITHIN)];
    let rest = skip_space(near).strip_prefix(b"stream")?;
    let rest = match rest {
        [b'\r', b'\n', tail @ ..] | [b'\n' | b'\r', tail @ ..] => tail,
        _ => rest,
    };
    Some(near.len() - rest.len())
}

/// Whether `byte` may stand before the first digit of an object's header.
pub fn ends_word(byte: u8) -> bool {
    is_space(byte) || b"()<>[]{}/%".contains(&byte)
}
