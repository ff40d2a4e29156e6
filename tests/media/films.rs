//! Films that are none, or lie about what is in them, through the front door.

use serde_json::json;

use crate::support::boxes::{atom, body_of, patched, whole, with_movie, without};
use crate::support::{Form, Server, sample};

const ALLOWED: &str =
    "Allowed: images (jpg, png, gif, webp), videos (mp4, mov), audio (mp3, wav), documents (pdf)";

#[test]
fn a_sound_in_an_mp4_is_named_whatever_its_brand() {
    let server = Server::start();
    let sound = sample::fixture("video/audio-only.mp4");
    let named_so = patched(&sound, b"ftyp", 0, b"M4A ");
    let film = sample::fixture("video/film.mp4");
    let as_type = format!("Invalid file type: audio/mp4. Export it as MP3 or WAV. {ALLOWED}");
    let as_film = "Invalid video file: it has no video track, only sound: export that as MP3 or WAV";
    let rows: &[(&[u8], &str, &str, &str)] = &[
        (&sound, "a.m4a", "audio/mp4", &as_type),
        (&sound, "a.m4b", "audio/x-m4b", &as_type),
        (&sound, "a.mp3", "audio/mpeg", &as_type),
        (&sound, "a.m4a", "application/octet-stream", &as_type),
        (&sound, "a", "audio/mp4", &as_type),
        (&named_so, "a.m4a", "audio/mp4", &as_type),
        (&named_so, "a.mp4", "video/mp4", &as_type),
        (&sound, "a.mp4", "video/mp4", as_film),
        (&sound, "a.3gp", "video/3gpp", as_film),
        (&sound, "a", "application/octet-stream", as_film),
        (
            &film,
            "a.m4a",
            "audio/mp4",
            "File content (video/mp4) does not match its declared type (audio/mp4)",
        ),
        (
            &without(&film, b"moov"),
            "a.mp3",
            "audio/mpeg",
            "File content (video/mp4) does not match its declared type (audio/mpeg)",
        ),
        (
            &sound,
            "a.png",
            "image/png",
            "File content (video/mp4) does not match its declared type (image/png)",
        ),
    ];
    for (bytes, name, declared, sentence) in rows {
        let form = Form::new().file(name, Some(declared), bytes);
        assert_eq!(server.user(7).post(&form).expect(400).error(), *sentence, "{name} {declared}");
    }
    assert!(server.files().is_empty());
}

#[test]
fn a_film_that_is_not_whole_is_refused_with_a_remedy_or_has_its_facts() {
    let server = Server::start();
    let first = sample::fixture("video/film.mp4");
    let last = sample::fixture("video/moov-last.mp4");
    let fragmented = sample::fixture("video/fragmented.mp4");
    let no_movie = "Invalid video file: it has no movie header, as where its recording or copying was broken off: \
                    export it anew";
    let no_frames =
        "Invalid video file: it has no frames: where it comes in segments, send all of them as one file";
    let segment =
        "Invalid video file: it is one segment of a film: send all of them as one file, the first one first";
    let cut = "Invalid video file: it ends before its data does";
    let refused: &[(&[u8], &str)] = &[
        (&without(&last, b"moov"), no_movie),
        (&fragmented[body_of(&fragmented, b"moof") - 8..], segment),
        (&fragmented[..body_of(&fragmented, b"moof") - 8], no_frames),
        (&last[..body_of(&last, b"mdat") + 100], cut),
        (&last[..last.len() - 50], cut),
        (&first[..body_of(&first, b"mdat")], cut),
    ];
    for (bytes, sentence) in refused {
        assert_eq!(server.user(7).post(&Form::of("a.mp4", bytes)).expect(400).error(), *sentence);
    }
    let mut open = last.clone();
    let movie = body_of(&last, b"moov") - 8;
    open[movie..movie + 4].copy_from_slice(&[0; 4]);
    let accepted: &[&[u8]] = &[
        &first[..body_of(&first, b"mdat") + 700],
        // The movie box goes on to the end of the file, by a size of 0.
        &open,
        &[last.as_slice(), &[0; 100]].concat(),
        &[atom(b"wide", b""), atom(b"free", &[0; 40]), last.clone()].concat(),
    ];
    for bytes in accepted {
        let asset = server.user(7).upload_bytes("a.mp4", bytes).0;
        let told = ["width", "height", "duration"].map(|key| asset[key].clone());
        assert_eq!(json!(told), json!([96, 64, 3]));
    }
}

/// A fragment of one sample of no bytes.
fn fragment() -> Vec<u8> {
    let header = atom(b"tfhd", &[0x00, 0x02, 0, 0, 0, 0, 0, 1]);
    let run = atom(b"trun", &[0, 0, 0, 0, 0, 0, 0, 1]);
    atom(b"moof", &atom(b"traf", &[header, run].concat()))
}

#[test]
fn films_that_lie_are_answered_and_the_next_one_is_accepted() {
    let server = Server::start();
    let film = sample::fixture("video/film.mp4");
    let last = sample::fixture("video/moov-last.mp4");
    let fragmented = sample::fixture("video/fragmented.mp4");
    let movie = whole(&last, b"moov")[8..].to_vec();
    let most = u32::MAX.to_be_bytes();
    let with_size = |kind: &[u8; 4], size: u32| {
        let mut film = film.clone();
        let at = body_of(&film, kind) - 8;
        film[at..at + 4].copy_from_slice(&size.to_be_bytes());
        film
    };
    let nested: Vec<u8> =
        (1..=10_000_u32).rev().flat_map(|level| [(level * 8).to_be_bytes(), *b"trak"].concat()).collect();
    let bomb = {
        let packed = miniz_oxide::deflate::compress_to_vec_zlib(&vec![0; 100 << 20], 6);
        let data = atom(b"cmvd", &[&most, packed.as_slice()].concat());
        atom(b"cmov", &[atom(b"dcom", b"zlib"), data].concat())
    };
    let mut lies: Vec<(String, Vec<u8>)> = vec![
        ("nested boxes".into(), with_movie(&last, &[movie.clone(), nested].concat())),
        ("a million boxes".into(), [last.clone(), atom(b"free", b"").repeat(1_000_000)].concat()),
        (
            "a million tracks".into(),
            with_movie(&last, &[movie, atom(b"trak", b"").repeat(1_000_000)].concat()),
        ),
        ("a packed bomb".into(), with_movie(&last, &bomb)),
        ("100,000 fragments".into(), [fragmented.clone(), fragment().repeat(100_000)].concat()),
        ("a run of 2^32 - 1 samples".into(), patched(&fragmented, b"trun", 4, &most)),
        ("a run without a table".into(), patched(&fragmented, b"trun", 0, &[[0; 4], most].concat())),
        ("samples of one size".into(), patched(&film, b"stsz", 4, &[[0, 0, 0, 1], most].concat())),
        ("samples of no duration".into(), patched(&film, b"stts", 8, &[most, [0; 4]].concat())),
        ("endless samples".into(), patched(&film, b"stts", 8, &[most, most].concat())),
        ("endless chunks".into(), patched(&film, b"stsc", 12, &most)),
    ];
    for kind in [b"stsz", b"stts", b"ctts", b"stss", b"stsc", b"stco", b"elst", b"stsd"] {
        let at = if kind == b"stsz" { 8 } else { 4 };
        lies.push((format!("{}", kind.escape_ascii()), patched(&film, kind, at, &most)));
    }
    for kind in [b"ftyp", b"moov", b"trak", b"mdia", b"stbl", b"stsd", b"mdat"] {
        for size in [0, 1, 7, 8, 9, 0x7FFF_FFFF, u32::MAX] {
            lies.push((format!("{} of {size}", kind.escape_ascii()), with_size(kind, size)));
        }
    }
    for size in [0, 15, 16, u64::MAX - 7, u64::MAX] {
        let mut film = film.clone();
        let at = body_of(&film, b"mdat") - 8;
        film[at..at + 16].copy_from_slice(&[b"\0\0\0\x01mdat".as_slice(), &size.to_be_bytes()].concat());
        lies.push((format!("64 bits of {size}"), film));
    }
    for (what, bytes) in lies {
        let answer = server.user(7).post(&Form::of("a.mp4", &bytes));
        assert!(matches!(answer.status, 201 | 400), "{what}: {}", answer.status);
        if answer.status == 400 {
            assert!(answer.error().starts_with("Invalid "), "{what}: {}", answer.error());
            assert!(!answer.error().contains("safely"), "{what}: {}", answer.error());
        }
        server.user(8).upload_bytes("b.mp4", &sample::film("film.mp4", sample::fresh()));
    }
}
