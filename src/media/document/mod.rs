//! Documents: PDF (ISO 32000-2).

mod alone;
mod borders;
mod container;
mod convert;
mod draw;
mod file;
mod first;
mod objects;
mod pages;
mod rebuild;
mod sniff;
mod token;
mod tree;
mod xref;

use super::*;

/// What the first bytes say, of documents and of the types that none of the kinds has.
pub fn sniff(head: &[u8]) -> Option<Sniffed> {
    sniff::sniff(head)
}

/// The number of pages, the structure proven as far as they need it.
pub fn probe(_format: Format, source: &mut dyn Source, _limits: &Limits) -> Result<Facts, Refusal> {
    Ok(Facts::Document { page_count: pages::count(source)? })
}

/// The first page as a thumbnail; `None` where it can't be drawn, as in a file that takes a password.
pub fn derive(_format: Format, source: &mut dyn Source, _limits: &Limits) -> Option<Vec<u8>> {
    draw::first_page(source)?.to_jpeg()
}
