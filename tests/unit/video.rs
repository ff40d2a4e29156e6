//! Films: what they are by their first bytes, their facts, their thumbnails, and what damage does to them.

mod damage;
mod facts;
mod length;
mod sniff;
mod thumbnail;

use std::io::Cursor;

use assetd::asset::{Facts, Format};
use assetd::media::{Limits, Refusal, video};

use crate::support::boxes::{atom, body_of, patched, whole, with_movie, without};

const LIMITS: Limits = Limits { max_pixels: 256_000_000 };

/// A film of `tests/fixtures/video/`.
#[track_caller]
fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/fixtures/video/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn probe(film: &[u8]) -> Result<Facts, Refusal> {
    video::probe(Format::Mp4, &mut Cursor::new(film), &LIMITS)
}

fn facts(width: u32, height: u32, duration: u64) -> Result<Facts, Refusal> {
    Ok(Facts::Video { width, height, duration })
}
