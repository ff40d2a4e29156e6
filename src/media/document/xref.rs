//! The cross-reference table as it is written: tables, streams and both at once, from the newest section back to the
//! oldest (ISO 32000-2, 7.5.4 to 7.5.8).

use std::collections::HashSet;

use hayro::hayro_syntax::object::{Array, Dict, FromBytes, String};
use memchr::memmem;

use super::objects::{Entry, MAX_OBJECTS, Objects};
use super::token::{Held, digits, held, skip_space};

/// How far before the end of the file `startxref` is looked for: some programs append more than the 1,024 bytes that
/// readers allow for. Beyond, the table is rebuilt.
const START_WITHIN_BYTES: usize = 64 * 1024;

/// Sections of a table, at most: each time a document is saved with changes adds one.
const MAX_SECTIONS: usize = 4096;

/// The part of a trailer that leads to the pages.
#[derive(Clone, Default)]
pub struct Trailer {
    /// The catalog: its number, by the rules; a few writers put it here.
    pub root: Option<Held>,
    /// The encryption dictionary: the object or its number.
    pub encrypt: Option<Held>,
    /// The first half of the file's identifier, part of the key.
    pub id: Vec<u8>,
}

impl Trailer {
    /// Takes from an older section what the newer ones don't have.
    pub fn complete(&mut self, older: Trailer) {
        if self.root.is_none() {
            self.root = older.root;
        }
        if self.encrypt.is_none() {
            self.encrypt = older.encrypt;
        }
        if self.id.is_empty() {
            self.id = older.id;
        }
    }

    pub fn from_dict(dict: &Dict<'_>) -> Trailer {
        let id = dict
            .get::<Array<'_>>(b"ID".as_slice())
            .and_then(|id| id.iter::<String<'_>>().next())
            .map(|id| id.as_bytes().to_vec());
        Trailer { root: held(dict, b"Root"), encrypt: held(dict, b"Encrypt"), id: id.unwrap_or_default() }
    }
}

/// Reads the whole table into `objects`. `None` where a part of it can't be read.
pub fn read(objects: &mut Objects<'_>) -> Option<Trailer> {
    let mut trailer = Trailer::default();
    let mut seen = HashSet::new();
    let mut next = Some(start(objects)?);
    while let Some(position) = next {
        if seen.len() >= MAX_SECTIONS || !seen.insert(position) {
            return None;
        }
        let section = section(objects, position)?;
        trailer.complete(section.trailer);
        next = section.previous;
    }
    Some(trailer)
}

/// Where the newest section stands.
fn start(objects: &mut Objects<'_>) -> Option<u64> {
    let length = objects.file.length();
    let tail = objects.file.bytes(length.saturating_sub(START_WITHIN_BYTES as u64), START_WITHIN_BYTES);
    let at = memmem::rfind(tail, b"startxref")?;
    let (position, _) = digits(skip_space(&tail[at + b"startxref".len()..]))?;
    Some(position)
}

struct Section {
    trailer: Trailer,
    previous: Option<u64>,
}

fn section(objects: &mut Objects<'_>, position: u64) -> Option<Section> {
    let head = objects.file.bytes(position, 64);
    let at = skip_space(head);
    match at.strip_prefix(b"xref") {
        Some(rest) => {
            let begin = position + (head.len() - rest.len()) as u64;
            table(objects, begin)
        }
        None => stream(objects, position),
    }
}

/// A section in plain text, from behind `xref` on.
fn table(objects: &mut Objects<'_>, begin: u64) -> Option<Section> {
    /// Longer than any line of a table with its white space.
    const LINE_BYTES: usize = 128;
    let mut at = begin;
    let mut free = Vec::new();
    let mut next_number = 0u32;
    loop {
        let bytes = objects.file.bytes(at, LINE_BYTES);
        let rest = skip_space(bytes);
        if let Some(rest) = rest.strip_prefix(b"trailer") {
            at += (bytes.len() - rest.len()) as u64;
            break;
        }
        // Either `first count` or `offset generation n`: the third word tells.
        let (one, rest) = digits(rest)?;
        let (two, rest) = digits(skip_space(rest))?;
        let rest = skip_space(rest);
        let used = match rest.first() {
            Some(b'n') => Some(true),
            Some(b'f') => Some(false),
            _ => None,
        };
        let rest = if used.is_some() { &rest[1..] } else { rest };
        let length = (bytes.len() - rest.len()) as u64;
        match used {
            // An offset of 0 is where the header stands: some writers mean a free one.
            Some(true) if one > 0 => {
                let generation = u16::try_from(two).unwrap_or(u16::MAX);
                objects.add(next_number, Entry::At { offset: one, generation });
            }
            Some(_) if free.len() < MAX_OBJECTS => free.push(next_number),
            Some(_) => {}
            None => next_number = u32::try_from(one).ok()?,
        }
        if used.is_some() {
            next_number = next_number.saturating_add(1);
        }
        objects.file.spend(length)?;
        at += length;
    }
    let body = dictionary_at(objects, at)?;
    let dict = Dict::from_bytes(&body)?;
    // A hybrid table calls free what its stream then places (ISO 32000-2, 7.5.8.4): the stream first.
    if let Some(position) = dict.get::<usize>(b"XRefStm".as_slice()) {
        stream(objects, position as u64)?;
    }
    for number in free {
        objects.add(number, Entry::Free);
    }
    Some(finish(&dict))
}

fn finish(dict: &Dict<'_>) -> Section {
    Section {
        trailer: Trailer::from_dict(dict),
        previous: dict.get::<usize>(b"Prev".as_slice()).map(|previous| previous as u64),
    }
}

/// The trailer's dictionary at `at`.
pub fn dictionary_at(objects: &mut Objects<'_>, at: u64) -> Option<Vec<u8>> {
    /// A trailer is short; its white space and comments may not be.
    const TRAILER_BYTES: usize = 64 * 1024;
    let bytes = objects.file.bytes(at, TRAILER_BYTES);
    let dict = Dict::from_bytes(skip_space(bytes))?;
    Some(dict.data().to_vec())
}

/// A section as a stream.
fn stream(objects: &mut Objects<'_>, position: u64) -> Option<Section> {
    let object = objects.read_at(position)?;
    let bytes = objects.unpack(&object, false)?;
    let dict = Dict::from_bytes(&object.body)?;
    let widths = widths(&dict)?;
    let ranges = match dict.get::<Array<'_>>(b"Index".as_slice()) {
        Some(index) => {
            let numbers: Vec<u32> = index.iter::<u32>().collect();
            numbers.as_chunks::<2>().0.iter().map(|pair| (pair[0], pair[1])).collect()
        }
        None => vec![(0, dict.get::<u32>(b"Size".as_slice())?)],
    };
    let mut rows = bytes.chunks_exact(widths.iter().sum());
    for (first, count) in ranges {
        for (number, row) in (first..first.saturating_add(count)).zip(&mut rows) {
            if let Some(entry) = entry(row, widths) {
                objects.add(number, entry);
            }
        }
    }
    Some(finish(&dict))
}

/// The bytes of each field of an entry (ISO 32000-2, table 17).
fn widths(dict: &Dict<'_>) -> Option<[usize; 3]> {
    let mut widths = dict.get::<Array<'_>>(b"W".as_slice())?.iter::<u8>().map(usize::from);
    let widths = [widths.next()?, widths.next()?, widths.next()?];
    (widths.iter().all(|width| *width <= 8) && widths[1] > 0).then_some(widths)
}

/// One entry of a cross-reference stream (ISO 32000-2, table 18). `None` for a kind of a later version: null.
fn entry(row: &[u8], widths: [usize; 3]) -> Option<Entry> {
    let (kind, rest) = row.split_at_checked(widths[0])?;
    let (second, third) = rest.split_at_checked(widths[1])?;
    let number = |bytes: &[u8]| bytes.iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
    // Without a first field, all are of kind 1.
    let kind = if kind.is_empty() { 1 } else { number(kind) };
    match kind {
        0 => Some(Entry::Free),
        1 => Some(Entry::At {
            offset: number(second),
            generation: u16::try_from(number(third)).unwrap_or(u16::MAX),
        }),
        2 => Some(Entry::In {
            container: u32::try_from(number(second)).ok()?,
            index: u32::try_from(number(third)).ok()?,
        }),
        _ => None,
    }
}
