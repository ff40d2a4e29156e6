//! The objects of a document by number: found through the cross-reference table, out of the file or out of an
//! object stream, decrypted with the empty password (ISO 32000-2, 7.3.10, 7.5.7, 7.6).
//!
//! `hayro-syntax` reads tokens, `lopdf` undoes filters and encryption; which bytes they get to see, and how many, is
//! decided here.

use std::collections::HashMap;
use std::rc::Rc;

use hayro::hayro_syntax::object::{Dict, FromBytes, MaybeRef, Object};
use lopdf::EncryptionState;
use memchr::memmem;

use super::container::{Container, Kept};
use super::convert;
use super::file::File;
use super::token::{Held, STREAM_KEYWORD_WITHIN, extent, header, stream_start};
use super::xref::Trailer;

/// The longest object read, without its stream: a page tree's root with a million kids.
const MAX_OBJECT_BYTES: usize = 16 << 20;

/// How much of an object is looked at first, then, then: most are short.
const OBJECT_WINDOWS: [usize; 3] = [4 << 10, 128 << 10, MAX_OBJECT_BYTES];

/// The longest stream read, as it stands in the file: object streams and cross-reference streams, not pictures.
const MAX_PACKED_BYTES: usize = 16 << 20;

/// What a stream may unpack to: object streams of sound files hold some hundred KiB, rarely a few MiB, and the
/// cross-reference stream of a million objects 8 MB.
const MAX_UNPACKED_BYTES: usize = 32 << 20;

/// Objects known by number, at most, about 50 MB. A file of 50 MB with as many has 50 bytes for each.
pub const MAX_OBJECTS: usize = 1 << 20;

/// The largest object number (ISO 32000-1, annex C).
pub const MAX_NUMBER: u32 = 8_388_607;

/// Where an object is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry {
    /// Deleted.
    Free,
    /// In the file, counted from the header.
    At { offset: u64, generation: u16 },
    /// In the object stream of that number, in that place.
    In { container: u32, index: u32 },
}

/// An object as it stands in the file.
pub struct Indirect {
    pub number: u32,
    pub generation: u16,
    /// From its first byte; a dictionary or an array to its last.
    pub body: Vec<u8>,
    /// Where the bytes of its stream begin.
    pub stream: Option<u64>,
}

/// A document as its numbered objects.
pub struct Objects<'s> {
    pub file: File<'s>,
    pub entries: HashMap<u32, Entry>,
    /// Set once the key is known.
    key: Option<EncryptionState>,
    containers: Kept,
}

impl<'s> Objects<'s> {
    pub fn new(file: File<'s>) -> Objects<'s> {
        Objects { file, entries: HashMap::new(), key: None, containers: Kept::default() }
    }

    /// Adds an entry unless there is one already, or too many.
    pub fn add(&mut self, number: u32, entry: Entry) {
        if !self.entries.contains_key(&number) {
            self.put(number, entry);
        }
    }

    /// Adds an entry or replaces the one that is there, unless there are too many.
    pub fn put(&mut self, number: u32, entry: Entry) {
        if number <= MAX_NUMBER && (self.entries.len() < MAX_OBJECTS || self.entries.contains_key(&number)) {
            self.entries.insert(number, entry);
        }
    }

    /// Whether streams are decrypted.
    pub fn decrypts(&self) -> bool {
        self.key.is_some()
    }

    /// Forgets what was found through another table.
    pub fn reset(&mut self) {
        self.entries = HashMap::new();
        self.key = None;
        self.containers = Kept::default();
    }

    /// Opens an encrypted document with the empty password. `false` where it takes another one.
    pub fn unlock(&mut self, trailer: &Trailer) -> bool {
        let Some(encrypt) = &trailer.encrypt else {
            return true;
        };
        let body = self.resolve(encrypt);
        // What is no dictionary encrypts nothing.
        let Some(dict) = body.as_deref().and_then(Dict::from_bytes) else {
            return true;
        };
        // Only what is attached is encrypted, or strings: nothing on the way to the pages.
        if convert::leaves_streams(&dict) {
            return true;
        }
        self.key = convert::empty_password_key(&dict, &trailer.id);
        self.containers = Kept::default();
        self.key.is_some()
    }

    /// The object's bytes from its first; `None` where there is none, it can't be read, or it is a stream's.
    pub fn object(&mut self, number: u32) -> Option<Vec<u8>> {
        if self.file.exhausted() {
            return None;
        }
        match *self.entries.get(&number)? {
            Entry::Free => None,
            Entry::At { offset, .. } => {
                let found = self.read_at(offset)?;
                (found.number == number).then_some(found.body)
            }
            Entry::In { container, index } => {
                let container = self.container(container)?;
                let rest = match container.at(index, number) {
                    Some(rest) => rest,
                    // Some writers count wrong.
                    None => {
                        self.file.spend(container.size_bytes() as u64)?;
                        container.find(number)?
                    }
                };
                let body = extent(rest);
                self.file.spend(body.map_or(rest.len(), <[u8]>::len) as u64)?;
                body.map(<[u8]>::to_vec)
            }
        }
    }

    /// The bytes of what is here or elsewhere.
    pub fn resolve(&mut self, held: &Held) -> Option<Vec<u8>> {
        match held {
            Held::Here(body) => Some(body.clone()),
            Held::Elsewhere(number) => self.object(*number),
        }
    }

    /// The object that stands at `offset`, whatever the table says.
    pub fn read_at(&mut self, offset: u64) -> Option<Indirect> {
        /// What looking for an object costs where there is none.
        const LOOK_BYTES: u64 = 256;
        self.file.spend(LOOK_BYTES)?;
        for want in OBJECT_WINDOWS {
            let bytes = self.file.bytes(offset, want);
            let length = bytes.len();
            let whole = length < want;
            let (number, generation, start) = header(bytes)?;
            let rest = &bytes[start..];
            let Some(body) = extent(rest) else {
                // Broken, where it ends and still can't be read.
                let end = memmem::find(rest, b"endobj");
                let mended = end.and_then(|end| without_value(&rest[..end]));
                self.file.spend(length as u64)?;
                if end.is_some() || whole {
                    return mended.map(|body| Indirect { number, generation, body, stream: None });
                }
                continue;
            };
            let end = start + body.len();
            let behind = &bytes[end..];
            // The keyword of a stream may be cut off by the window.
            if whole || behind.len() >= STREAM_KEYWORD_WITHIN {
                let stream = stream_start(behind).map(|start| offset.saturating_add((end + start) as u64));
                let body = body.to_vec();
                self.file.spend(body.len() as u64)?;
                return Some(Indirect { number, generation, body, stream });
            }
        }
        None
    }

    /// A stream's bytes, its filters undone; decrypted before, where `encrypted` says that it may be and there is a key.
    pub fn unpack(&mut self, object: &Indirect, encrypted: bool) -> Option<Vec<u8>> {
        let start = object.stream?;
        let length = self.stream_length(&object.body, start)?;
        let packed = self.file.bytes(start, length).to_vec();
        self.file.spend(packed.len() as u64)?;
        let dict = Dict::from_bytes(&object.body)?;
        let mut stream = convert::stream(&dict, packed, |number| self.object_plain(number))?;
        if encrypted && let Some(key) = &self.key {
            stream = convert::decrypt(key, (object.number, object.generation), stream)?;
        }
        let filters = stream.filters().map_or(1, |filters| filters.len());
        let unpacked = stream.get_plain_content_with_limit(MAX_UNPACKED_BYTES);
        // Each filter may have put out as much as the last, or all that it may.
        let each = unpacked.as_ref().map_or(MAX_UNPACKED_BYTES, Vec::len);
        self.file.spend((each as u64).saturating_mul(filters as u64))?;
        unpacked.ok()
    }

    /// An object that stands in the file itself. Lengths and filters are looked up by this alone: one that stands in
    /// an object stream would need that stream's own length first.
    fn object_plain(&mut self, number: u32) -> Option<Vec<u8>> {
        match *self.entries.get(&number)? {
            Entry::At { offset, .. } => {
                self.read_at(offset).filter(|found| found.number == number).map(|found| found.body)
            }
            Entry::In { .. } | Entry::Free => None,
        }
    }

    /// The length of the stream at `start`: what the dictionary says where `endstream` follows, else up to there.
    fn stream_length(&mut self, body: &[u8], start: u64) -> Option<usize> {
        let stated = match Dict::from_bytes(body)?.get_raw::<Object<'_>>(b"Length".as_slice()) {
            Some(MaybeRef::NotRef(Object::Number(length))) => usize::try_from(length.as_i64()).ok(),
            Some(MaybeRef::Ref(reference)) => {
                let body = self.object_plain(reference.obj_number);
                body.and_then(|body| usize::from_bytes(&body))
            }
            _ => None,
        };
        if let Some(length) = stated.filter(|length| *length <= MAX_PACKED_BYTES) {
            let behind = self.file.bytes(start.checked_add(length as u64)?, 64);
            if behind.trim_ascii_start().starts_with(b"endstream") {
                return Some(length);
            }
        }
        let mut want = OBJECT_WINDOWS[1];
        loop {
            let bytes = self.file.bytes(start, want);
            if let Some(end) = memmem::find(bytes, b"endstream") {
                return Some(bytes[..end].trim_ascii_end().len());
            }
            let whole = bytes.len() < want;
            let length = bytes.len();
            self.file.spend(length as u64)?;
            if whole {
                // The file ends first: what is there may still unpack.
                return Some(length.min(MAX_PACKED_BYTES));
            }
            if want >= MAX_PACKED_BYTES {
                return None;
            }
            want = (want * 8).min(MAX_PACKED_BYTES);
        }
    }

    fn container(&mut self, number: u32) -> Option<Rc<Container>> {
        if let Some(known) = self.containers.get(number) {
            return known;
        }
        let container = self.open_container(number).map(Rc::new);
        self.containers.keep(number, container.clone());
        container
    }

    fn open_container(&mut self, number: u32) -> Option<Container> {
        // An object stream stands in the file itself (ISO 32000-2, 7.5.7).
        let Some(Entry::At { offset, .. }) = self.entries.get(&number).copied() else {
            return None;
        };
        let object = self.read_at(offset).filter(|found| found.number == number)?;
        let bytes = self.unpack(&object, true)?;
        let dict = Dict::from_bytes(&object.body)?;
        let first = self.whole_number(&dict, b"First")?;
        let count = self.whole_number(&dict, b"N")?;
        Some(Container::new(bytes, first, count))
    }

    /// A number that may stand elsewhere in the file.
    fn whole_number(&mut self, dict: &Dict<'_>, key: &[u8]) -> Option<usize> {
        match dict.get_raw::<Object<'_>>(key)? {
            MaybeRef::NotRef(Object::Number(number)) => usize::try_from(number.as_i64()).ok(),
            MaybeRef::NotRef(_) => None,
            MaybeRef::Ref(reference) => usize::from_bytes(&self.object_plain(reference.obj_number)?),
        }
    }

    /// The numbers of the objects in an object stream, by place.
    pub fn member_numbers(&mut self, container: u32) -> Vec<u32> {
        let container = self.container(container);
        container.map_or_else(Vec::new, |container| container.numbers().collect())
    }
}

/// A dictionary whose last key has no value, with null for it: other readers go on as if that stood there.
fn without_value(bytes: &[u8]) -> Option<Vec<u8>> {
    let open = bytes.trim_ascii_end().strip_suffix(b">>")?;
    let mended = [open, b" null>>"].concat();
    Dict::from_bytes(&mended).map(|dict| dict.data().to_vec())
}
