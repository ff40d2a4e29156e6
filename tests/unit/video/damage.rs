use std::io::Cursor;

use assetd::asset::Format;
use assetd::media::video;

use super::{LIMITS, body_of, fixture, probe};

const FILMS: [&str; 4] = ["film.mp4", "moov-last.mp4", "fragmented.mp4", "mjpeg.mov"];

fn inspect(film: &[u8]) {
    let _ = video::sniff(&film[..film.len().min(4096)]);
    if probe(film).is_ok() {
        let _ = video::derive(Format::Mp4, &mut Cursor::new(film), &LIMITS);
    }
}

#[test]
fn a_film_cut_off_anywhere_is_refused_or_has_its_own_size() {
    for name in FILMS {
        let film = fixture(name);
        let whole = probe(&film).expect("the film is sound");
        for length in 0..film.len() {
            inspect(&film[..length]);
            if name != "fragmented.mp4"
                && let Ok(facts) = probe(&film[..length])
            {
                assert_eq!(facts, whole, "{name} cut to {length}");
            }
        }
    }
}

#[test]
fn no_byte_of_the_headers_makes_the_reader_panic() {
    for name in FILMS {
        let film = fixture(name);
        let start = body_of(&film, b"moov");
        let end = (start + 1300).min(film.len());
        for at in start..end {
            let mut film = film.clone();
            let value = film[at];
            for damaged in [0, 1, 0x7F, 0x80, 0xFF] {
                film[at] = damaged;
                let _ = probe(&film);
            }
            film[at] = value ^ 1;
            inspect(&film);
        }
    }
}

#[test]
fn random_damage_makes_nothing_panic() {
    const ROUNDS: u32 = 6000;
    const SEED: u64 = 0x5EED_0F11;
    let mut state = SEED;
    let mut random = |below: usize| {
        // xorshift64 (Marsaglia 2003).
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below.max(1) as u64) as usize
    };
    let films = FILMS.map(fixture);
    for _ in 0..ROUNDS {
        let mut film = films[random(films.len())].clone();
        for _ in 0..=random(6) {
            let at = random(film.len());
            match random(3) {
                0 => film[at] = random(256) as u8,
                1 => film[at] ^= 1 << random(8),
                _ => {
                    let word = [0_u32, 1, 8, 0x7FFF_FFFF, u32::MAX][random(5)].to_be_bytes();
                    film.iter_mut().skip(at).zip(word).for_each(|(byte, value)| *byte = value);
                }
            }
        }
        inspect(&film);
    }
}
