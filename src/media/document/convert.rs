//! From the objects that `hayro-syntax` reads to those that `lopdf` undoes filters and encryption of.

use hayro::hayro_syntax::object::{Array, Dict, FromBytes, MaybeRef, Name, Object};
use lopdf::{Dictionary, Document, EncryptionState, ObjectId, Stream};

/// How deep the values of filters and of encryption dictionaries nest, at most: a crypt filter lies at 2.
const MAX_DEPTH: usize = 4;

/// Values of one filter or encryption dictionary, at most: a handful, some dozens for many filters.
const MAX_VALUES: usize = 1024;

/// Filters of one stream, at most: object streams have one, or two where the file is plain text.
const MAX_FILTERS: usize = 4;

/// The keys of a stream's dictionary that say how its bytes are coded.
const CODING: [&[u8]; 3] = [b"Type", b"Filter", b"DecodeParms"];

/// Turns values into `lopdf`'s, following references by `resolve`.
struct Converter<F> {
    resolve: F,
    values_left: usize,
}

impl<F: FnMut(u32) -> Option<Vec<u8>>> Converter<F> {
    fn new(resolve: F) -> Converter<F> {
        Converter { resolve, values_left: MAX_VALUES }
    }

    fn value(&mut self, value: MaybeRef<Object<'_>>, depth: usize) -> Option<lopdf::Object> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.values_left = self.values_left.checked_sub(1)?;
        Some(match value {
            MaybeRef::Ref(reference) => {
                let body = (self.resolve)(reference.obj_number)?;
                let object = Object::from_bytes(&body)?;
                return self.value(MaybeRef::NotRef(object), depth + 1);
            }
            MaybeRef::NotRef(Object::Boolean(value)) => lopdf::Object::Boolean(value),
            MaybeRef::NotRef(Object::Number(value)) => lopdf::Object::Integer(value.as_i64()),
            MaybeRef::NotRef(Object::Name(name)) => lopdf::Object::Name(name.as_ref().to_vec()),
            MaybeRef::NotRef(Object::String(text)) => lopdf::Object::string_literal(text.as_bytes()),
            MaybeRef::NotRef(Object::Array(array)) => lopdf::Object::Array(self.array(&array, depth + 1)),
            MaybeRef::NotRef(Object::Dict(dict)) => {
                lopdf::Object::Dictionary(self.dictionary(&dict, depth + 1))
            }
            MaybeRef::NotRef(Object::Null(_) | Object::Stream(_)) => lopdf::Object::Null,
        })
    }

    /// What can't be converted is null, so that the others keep their places.
    fn array(&mut self, array: &Array<'_>, depth: usize) -> Vec<lopdf::Object> {
        array
            .raw_iter()
            .take(MAX_VALUES)
            .map(|value| self.value(value, depth).unwrap_or(lopdf::Object::Null))
            .collect()
    }

    fn dictionary(&mut self, dict: &Dict<'_>, depth: usize) -> Dictionary {
        let mut dictionary = Dictionary::new();
        for (key, value) in dict.entries().take(MAX_VALUES) {
            if let Some(value) = self.value(value, depth) {
                dictionary.set(key.as_ref(), value);
            }
        }
        dictionary
    }
}

/// A stream that `lopdf` can unpack: its bytes, and of its dictionary what says how they are coded.
pub fn stream(
    dict: &Dict<'_>,
    packed: Vec<u8>,
    resolve: impl FnMut(u32) -> Option<Vec<u8>>,
) -> Option<Stream> {
    let mut converter = Converter::new(resolve);
    let mut coding = Dictionary::new();
    for key in CODING {
        if let Some(value) = dict.get_raw::<Object<'_>>(key) {
            coding.set(key, converter.value(value, 0)?);
        }
    }
    if let Ok(filters) = coding.get_mut(b"Filter") {
        match filters {
            lopdf::Object::Array(filters) if filters.len() > MAX_FILTERS => return None,
            lopdf::Object::Array(filters) => filters.iter_mut().for_each(spell_out),
            filter => spell_out(filter),
        }
    }
    Some(Stream::new(coding, packed))
}

/// Abbreviated filters are for pictures inside a page (ISO 32000-2, table 92); some writers take them anywhere.
fn spell_out(filter: &mut lopdf::Object) {
    let lopdf::Object::Name(name) = filter else {
        return;
    };
    let full: &[u8] = match name.as_slice() {
        b"Fl" => b"FlateDecode",
        b"LZW" => b"LZWDecode",
        b"A85" => b"ASCII85Decode",
        b"AHx" => b"ASCIIHexDecode",
        b"RL" => b"RunLengthDecode",
        _ => return,
    };
    *name = full.to_vec();
}

/// The stream of that object, decrypted.
pub fn decrypt(key: &EncryptionState, id: ObjectId, stream: Stream) -> Option<Stream> {
    let mut object = lopdf::Object::Stream(stream);
    lopdf::encryption::decrypt_object(key, id, &mut object).ok()?;
    match object {
        lopdf::Object::Stream(stream) => Some(stream),
        _ => None,
    }
}

/// Whether an encryption dictionary leaves streams as they are: by crypt filters, of which none is named for them
/// (ISO 32000-2, 7.6.6 and table 20).
pub fn leaves_streams(encrypt: &Dict<'_>) -> bool {
    /// The version that has crypt filters.
    const CRYPT_FILTERS: i64 = 4;
    let version = encrypt.get::<i64>(b"V".as_slice()).unwrap_or(0);
    let filter = encrypt.get::<Name<'_>>(b"StmF".as_slice());
    let standard =
        encrypt.get::<Name<'_>>(b"Filter".as_slice()).is_some_and(|name| name.as_ref() == b"Standard");
    standard && version >= CRYPT_FILTERS && filter.is_none_or(|filter| filter.as_ref() == b"Identity")
}

/// The key of a document that opens with the empty password (ISO 32000-2, 7.6.4); `None` where it takes another one,
/// or a certificate. `encrypt` is its encryption dictionary, `id` the first half of its identifier.
pub fn empty_password_key(encrypt: &Dict<'_>, id: &[u8]) -> Option<EncryptionState> {
    /// Where the dictionary stands in the document that is put together for `lopdf`, which wants it by reference.
    const PLACE: ObjectId = (1, 0);
    let encrypt = Converter::new(|_| None).dictionary(encrypt, 0);
    let mut document = Document::new();
    document.objects.insert(PLACE, lopdf::Object::Dictionary(encrypt));
    document.trailer.set("Encrypt", lopdf::Object::Reference(PLACE));
    document.trailer.set("ID", lopdf::Object::Array(vec![lopdf::Object::string_literal(id)]));
    document.authenticate_password("").ok()?;
    EncryptionState::decode(&document, "").ok()
}
