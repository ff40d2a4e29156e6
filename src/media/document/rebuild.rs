//! The cross-reference table put together anew, from the objects that stand in the file: for a table that is lost,
//! broken or wrong.

use std::collections::HashSet;

use hayro::hayro_syntax::object::{Dict, FromBytes, MaybeRef, Name, Object};
use memchr::memmem;

use super::objects::{Entry, MAX_OBJECTS, Objects};
use super::token::{Held, digits, ends_word, is_space};
use super::xref::{Trailer, dictionary_at};

/// What is searched at once.
const CHUNK_BYTES: usize = 1 << 20;

/// The longest `number generation obj`, white space included, and the longest keyword.
const OVERLAP_BYTES: usize = 64;

/// Trailers kept: the last ones are the newest.
const MAX_TRAILERS: usize = 64;

/// Object streams, at most: a document of a million objects has some thousands.
const MAX_CONTAINERS: usize = 1 << 16;

/// What the file turned out to hold.
#[derive(Default)]
struct Found {
    /// Object streams, in the file's order.
    containers: Vec<(u32, u64)>,
    trailers: Vec<Trailer>,
    /// Whether there is one besides that names no catalog. Then the last catalog stands in; a file without any has
    /// lost its end.
    unreadable_trailer: bool,
    catalog: Option<u32>,
    /// Numbers of what calls itself a page.
    pages: HashSet<u32>,
}

/// What a rebuilt document is entered by.
pub struct Rebuilt {
    pub trailer: Trailer,
    /// Whether it opens without a password.
    pub unlocked: bool,
    /// How many objects call themselves pages, for a document whose page tree is lost.
    pub pages: u64,
}

/// Fills `objects` anew; `None` where nothing leads to a catalog.
pub fn rebuild(objects: &mut Objects<'_>) -> Option<Rebuilt> {
    objects.reset();
    let found = scan(objects);
    let encrypted = found.trailers.iter().rev().find(|trailer| trailer.encrypt.is_some());
    let unlocked = encrypted.is_none_or(|trailer| objects.unlock(trailer));
    if unlocked {
        add_members(objects, &found);
    }
    let last = found.trailers.iter().rev().find(|trailer| !unlocked || leads_to_pages(objects, trailer));
    let mut trailer = match last {
        Some(trailer) => trailer.clone(),
        None if found.unreadable_trailer => {
            Trailer { root: Some(Held::Elsewhere(found.catalog?)), ..Trailer::default() }
        }
        None => return None,
    };
    if let Some(encrypted) = encrypted {
        trailer.complete(encrypted.clone());
    }
    Some(Rebuilt { trailer, unlocked, pages: found.pages.len() as u64 })
}

/// The objects in object streams. Of two definitions the one that stands later in the file counts.
fn add_members(objects: &mut Objects<'_>, found: &Found) {
    // From the last stream to the first: what is in one stays.
    for (container, offset) in found.containers.iter().rev() {
        // One that was replaced since holds nothing.
        if !matches!(objects.entries.get(container), Some(Entry::At { offset: last, .. }) if last == offset) {
            continue;
        }
        for (index, number) in objects.member_numbers(*container).into_iter().enumerate() {
            let earlier = match objects.entries.get(&number) {
                Some(Entry::At { offset: plain, .. }) => plain < offset,
                Some(_) => false,
                None => true,
            };
            if earlier {
                objects.put(number, Entry::In { container: *container, index: index as u32 });
            }
        }
    }
}

fn leads_to_pages(objects: &mut Objects<'_>, trailer: &Trailer) -> bool {
    let catalog = trailer.root.as_ref().and_then(|root| objects.resolve(root));
    let dict = catalog.as_deref().and_then(Dict::from_bytes);
    dict.is_some_and(|dict| dict.contains_key(b"Pages"))
}

/// Goes through the file once.
fn scan(objects: &mut Objects<'_>) -> Found {
    let mut found = Found::default();
    let length = objects.file.length();
    let mut at = 0u64;
    // Up to here the bytes are a stream's, which may hold another document.
    let mut resume = 0u64;
    while at < length {
        let before = at.saturating_sub(OVERLAP_BYTES as u64);
        let chunk = objects.file.bytes(before, CHUNK_BYTES);
        let end = before + chunk.len() as u64;
        let last = end >= length || chunk.len() <= 2 * OVERLAP_BYTES;
        let until = if last { end } else { end - OVERLAP_BYTES as u64 };
        let marks = marks(chunk, before);
        for mark in marks {
            match mark {
                Mark::Object(offset, keyword) if keyword >= at && keyword < until && offset >= resume => {
                    if let Some(end) = object(objects, &mut found, offset) {
                        resume = end;
                    }
                }
                Mark::Trailer(offset) if offset >= at && offset < until && offset >= resume => {
                    let body = dictionary_at(objects, offset + b"trailer".len() as u64);
                    if !body.is_some_and(|body| add_trailer(&mut found, &body)) {
                        found.unreadable_trailer = true;
                    }
                }
                _ => {}
            }
        }
        if last || objects.file.exhausted() {
            break;
        }
        at = until.max(resume);
    }
    found
}

enum Mark {
    /// Where an object's header stands, and its keyword.
    Object(u64, u64),
    Trailer(u64),
}

/// The headers of objects and the trailers in `chunk`, which begins at `base`, in its order.
fn marks(chunk: &[u8], base: u64) -> Vec<Mark> {
    let objects = memmem::find_iter(chunk, b"obj").filter_map(|keyword| {
        let start = header_before(chunk.get(..keyword)?)?;
        Some((keyword, Mark::Object(base + start as u64, base + keyword as u64)))
    });
    let trailers = memmem::find_iter(chunk, b"trailer").map(|at| (at, Mark::Trailer(base + at as u64)));
    let mut marks: Vec<(usize, Mark)> = objects.chain(trailers).collect();
    marks.sort_by_key(|mark| mark.0);
    marks.into_iter().map(|mark| mark.1).collect()
}

/// Where the `number generation ` begins that `bytes` end with.
fn header_before(bytes: &[u8]) -> Option<usize> {
    let back = |bytes: &[u8], inside: fn(u8) -> bool| {
        let from = bytes.len().saturating_sub(OVERLAP_BYTES);
        bytes[from..].iter().rev().take_while(|byte| inside(**byte)).count()
    };
    let bytes = &bytes[..bytes.len() - back(bytes, is_space)];
    let generation = back(bytes, |byte| byte.is_ascii_digit());
    let bytes = &bytes[..bytes.len() - generation];
    let space = back(bytes, is_space);
    let bytes = &bytes[..bytes.len() - space];
    let number = back(bytes, |byte| byte.is_ascii_digit());
    let start = bytes.len() - number;
    let alone = start.checked_sub(1).is_none_or(|before| ends_word(bytes[before]));
    (generation > 0 && space > 0 && number > 0 && alone && digits(&bytes[start..]).is_some()).then_some(start)
}

/// Takes in the object at `offset`; where its stream ends, if it has one and says so truly.
fn object(objects: &mut Objects<'_>, found: &mut Found, offset: u64) -> Option<u64> {
    let object = objects.read_at(offset)?;
    // Updates are appended: the last definition counts.
    objects.put(object.number, Entry::At { offset, generation: object.generation });
    let dict = Dict::from_bytes(&object.body)?;
    let kind = dict.get::<Name<'_>>(b"Type".as_slice());
    match kind.as_ref().map(AsRef::as_ref) {
        Some(b"Catalog") => found.catalog = Some(object.number),
        Some(b"Page") if found.pages.len() < MAX_OBJECTS => {
            found.pages.insert(object.number);
        }
        Some(b"ObjStm") if found.containers.len() < MAX_CONTAINERS => {
            found.containers.push((object.number, offset));
        }
        Some(b"XRef") => {
            add_trailer(found, &object.body);
        }
        _ => {}
    }
    let Some(MaybeRef::NotRef(Object::Number(length))) = dict.get_raw::<Object<'_>>(b"Length".as_slice())
    else {
        return None;
    };
    let end = object.stream?.checked_add(u64::try_from(length.as_i64()).ok()?)?;
    let behind = objects.file.bytes(end, OVERLAP_BYTES);
    behind.trim_ascii_start().starts_with(b"endstream").then_some(end)
}

/// Whether the dictionary names a catalog.
fn add_trailer(found: &mut Found, body: &[u8]) -> bool {
    let Some(dict) = Dict::from_bytes(body).filter(|dict| dict.contains_key(b"Root")) else {
        return false;
    };
    if found.trailers.len() == MAX_TRAILERS {
        found.trailers.remove(0);
    }
    found.trailers.push(Trailer::from_dict(&dict));
    true
}
