//! Sounds: what is one, what is none, and how long it lasts, exactly.

mod frame;
mod mp3;
mod sniff;
mod wav;
mod waveform;

use std::io::Cursor;

use assetd::asset::{Facts, Format};
use assetd::media::audio::{self, Length};
use assetd::media::{self, HEAD_BYTES, Limits, Refusal, Sniffed};

const LIMITS: Limits = Limits { max_pixels: 256_000_000 };

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/fixtures/audio/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).expect("the fixture is there")
}

fn sniffed(bytes: &[u8]) -> Option<Sniffed> {
    audio::sniff(&bytes[..bytes.len().min(HEAD_BYTES)])
}

fn length(format: Format, bytes: &[u8]) -> Result<Length, Refusal> {
    audio::length(format, &mut Cursor::new(bytes))
}

/// As an upload goes: the head decides the format, the rest the seconds.
#[track_caller]
fn duration(bytes: &[u8]) -> u64 {
    let Some(Sniffed::Allowed(format)) = sniffed(bytes) else {
        panic!("not a sound that is kept: {:?}", sniffed(bytes));
    };
    match media::probe(format, &mut Cursor::new(bytes), &LIMITS) {
        Ok(Facts::Audio { duration }) => duration,
        other => panic!("{other:?}"),
    }
}

/// The length is `samples` at `rate`, whatever units it comes in.
#[track_caller]
fn lasts(length: Result<Length, Refusal>, samples: u64, rate: u64) {
    let Ok(length) = length else {
        panic!("{length:?}, not {samples} samples at {rate}");
    };
    let (found, expected) =
        (length.ticks * u128::from(rate), u128::from(samples) * u128::from(length.per_second));
    let seconds = length.ticks as f64 / length.per_second as f64;
    assert_eq!(found, expected, "{seconds} s, not {samples} samples at {rate}");
}

/// Bytes that look like nothing, the same in every run (xorshift).
fn noise(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..count).map(|_| next()).collect()
}

/// Every beginning of the file, and the file with each of many bytes flipped, has an answer.
fn hurt(bytes: &[u8], mut look: impl FnMut(&[u8])) {
    for end in 0..bytes.len() {
        look(&bytes[..end]);
    }
    let mut flipped = bytes.to_vec();
    for at in (0..bytes.len()).step_by(1 + bytes.len() / 4096) {
        for mask in [0x01, 0x80, 0xFF] {
            flipped[at] ^= mask;
            look(&flipped);
            flipped[at] ^= mask;
        }
    }
}
