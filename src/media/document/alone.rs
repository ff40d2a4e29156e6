//! A document whose only page is its first: the file as it is, and behind it a catalog, a page tree and a
//! cross-reference stream of our own (ISO 32000-2, 7.5.6).
//!
//! What draws the page so meets the table and the tree that were read here, whatever state the file's own are in, and
//! one page however many there are.

use super::first::First;
use super::objects::{Entry, MAX_NUMBER, Objects};
use super::token::Held;

/// `None` where the file can't be read, or has more than `max_bytes`.
pub fn document(objects: &mut Objects<'_>, first: &First, max_bytes: u64) -> Option<Vec<u8>> {
    let mut entries: Vec<(u32, Entry)> =
        objects.entries.iter().map(|(number, entry)| (*number, *entry)).collect();
    entries.sort_by_key(|entry| entry.0);
    let last = entries.last().map_or(0, |entry| entry.0).min(MAX_NUMBER);
    let [catalog, node, page, frame, form, table] = [1, 2, 3, 4, 5, 6].map(|next| last + next);

    let mut bytes = objects.file.whole(max_bytes)?;
    let mut add = |number: u32, body: &[u8]| {
        let offset = bytes.len() as u64 + 1;
        bytes.extend_from_slice(format!("\n{number} 0 obj\n").as_bytes());
        bytes.extend_from_slice(body);
        bytes.extend_from_slice(b"\nendobj\n");
        (number, Entry::At { offset, generation: 0 })
    };
    let open = first.catalog.strip_suffix(b">>")?;
    let root = [open, format!(" /Type /Catalog /Pages {node} 0 R >>").as_bytes()].concat();
    let kids = format!("<< /Type /Pages /Kids [{page} 0 R] /Count 1 >>");
    entries.push(add(catalog, &root));
    entries.push(add(node, kids.as_bytes()));
    let mut body = first.page.clone();
    // What is added is not encrypted, and would be decrypted.
    let annotations = first.annotations.as_ref().filter(|_| !objects.decrypts());
    if let Some(annotations) = annotations {
        body.truncate(body.strip_suffix(b">>")?.len());
        body =
            [&body[..], b" /Annots [", &annotations.array, format!(" {frame} 0 R] >>").as_bytes()].concat();
        let (shown, borders) = (first.shown, &annotations.borders);
        let drawn = format!(
            "<< /Type /XObject /Subtype /Form /BBox {shown} /Resources << >> /Length {} >>\nstream\n{borders}\nendstream",
            borders.len()
        );
        entries.push(add(form, drawn.as_bytes()));
        let annotation = format!("<< /Type /Annot /Subtype /Square /Rect {shown} /AP << /N {form} 0 R >> >>");
        entries.push(add(frame, annotation.as_bytes()));
    }
    entries.push(add(page, &body));
    entries.sort_by_key(|entry| entry.0);

    let rows: Vec<(u32, [u8; ROW_BYTES])> =
        entries.iter().filter_map(|(number, entry)| Some((*number, row(entry)?))).collect();
    let index = rows.chunk_by(|one, other| one.0 + 1 == other.0);
    let index: String = index.filter_map(|run| Some(format!("{} {} ", run.first()?.0, run.len()))).collect();
    let size = table + 1;
    let length = rows.len() * ROW_BYTES;
    let keys = keys(objects, first);
    let start = bytes.len();
    bytes.extend_from_slice(
        format!(
            "{table} 0 obj\n<< /Type /XRef /Size {size} /W [1 4 4] /Index [{index}] /Length {length} \
             /Root {catalog} 0 R "
        )
        .as_bytes(),
    );
    bytes.extend_from_slice(&keys);
    bytes.extend_from_slice(b">>\nstream\n");
    rows.iter().for_each(|row| bytes.extend_from_slice(&row.1));
    bytes.extend_from_slice(format!("\nendstream\nendobj\nstartxref\n{start}\n%%EOF\n").as_bytes());
    Some(bytes)
}

const ROW_BYTES: usize = 9;

/// An entry of a cross-reference stream whose fields have 1, 4 and 4 bytes (ISO 32000-2, table 18); `None` for what is
/// not there.
fn row(entry: &Entry) -> Option<[u8; ROW_BYTES]> {
    let (kind, second, third) = match *entry {
        Entry::Free => return None,
        Entry::At { offset, generation } => (1, u32::try_from(offset).ok()?, u32::from(generation)),
        Entry::In { container, index } => (2, container, index),
    };
    let [a, b, c, d] = second.to_be_bytes();
    let [e, f, g, h] = third.to_be_bytes();
    Some([kind, a, b, c, d, e, f, g, h])
}

/// What the trailer says of the key that opens the document.
fn keys(objects: &Objects<'_>, first: &First) -> Vec<u8> {
    let encrypt = match first.trailer.encrypt.as_ref().filter(|_| objects.decrypts()) {
        None => return Vec::new(),
        Some(Held::Here(body)) => body.clone(),
        Some(Held::Elsewhere(number)) => {
            let generation = match objects.entries.get(number) {
                Some(Entry::At { generation, .. }) => *generation,
                _ => 0,
            };
            format!("{number} {generation} R").into_bytes()
        }
    };
    let id: String = first.trailer.id.iter().map(|byte| format!("{byte:02x}")).collect();
    [b"/Encrypt ", encrypt.as_slice(), format!(" /ID [<{id}> <{id}>] ").as_bytes()].concat()
}
