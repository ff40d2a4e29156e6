//! Waveforms of the fixtures, sounds that are not kept, and sounds made to do harm, through the front door.

use crate::support::{Form, Server, sample};

/// A WAV file with these parts.
fn wav(fmt: &[u8; 16], before: &[u8], data: &[u8]) -> Vec<u8> {
    let size = |bytes: &[u8]| (bytes.len() as u32).to_le_bytes();
    let body = [b"WAVE", before, b"fmt \x10\0\0\0", fmt, b"data", &size(data), data].concat();
    [b"RIFF", &size(&body)[..], &body].concat()
}

/// What a `fmt ` chunk holds: the coding, channels, samples a second, bytes of a block, bits of a sample.
fn fmt(coding: u16, channels: u16, rate: u32, block: u16, bits: u16) -> [u8; 16] {
    let mut fmt = [0; 16];
    fmt[..2].copy_from_slice(&coding.to_le_bytes());
    fmt[2..4].copy_from_slice(&channels.to_le_bytes());
    fmt[4..8].copy_from_slice(&rate.to_le_bytes());
    fmt[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    fmt[12..14].copy_from_slice(&block.to_le_bytes());
    fmt[14..].copy_from_slice(&bits.to_le_bytes());
    fmt
}

/// The fixtures hold tones: an eighth as loud as can be, on both channels, or half as loud on one, whose mean is a quarter.
#[test]
fn waveforms_of_tones_are_as_loud_and_as_long_as_they_were_made() {
    let server = Server::start();
    // The rate, the samples, the loudest of 8 bits.
    let rows = [
        ("tone.wav", 8_000, 12_000, 15),
        ("wav24.wav", 8_000, 11_920, 15),
        ("float.wav", 8_000, 6_000, 15),
        ("alaw.wav", 8_000, 20_000, 15),
        ("adpcm.wav", 8_000, 28_280, 15),
        ("rf64.wav", 8_000, 10_000, 15),
        ("right.wav", 8_000, 8_000, 32),
        ("mp3.wav", 22_050, 12_672, 30),
        ("tone.mp3", 44_100, 105_840, 15),
        ("mpeg25.mp3", 8_000, 29_600, 15),
        ("left.mp3", 44_100, 22_050, 30),
        ("free.mp3", 44_100, 22_050, 30),
    ];
    for (name, rate, samples, loudest) in rows {
        let asset = server.user(7).upload_bytes(name, &sample::fixture(&format!("audio/{name}")));
        assert!(asset["waveformUrl"].is_string(), "{name}");
        let told = server.user(7).get(&asset.sub("waveform.json")).expect(200).json();
        let numbers = ["sample_rate", "samples_per_pixel"].map(|key| told[key].as_u64());
        assert_eq!(numbers, [Some(rate), Some(256)], "{name}");
        let data: Vec<i64> = told["data"]
            .as_array()
            .expect("data")
            .iter()
            .map(|number| number.as_i64().expect("a number"))
            .collect();
        let points = data.as_chunks::<2>().0;
        assert_eq!(told["length"], points.len(), "{name}");
        // Blocks may be filled up at the end.
        assert!(points.len().abs_diff(samples / 256 + 1) <= 3, "{name}: {} points", points.len());
        // Away from the ends, where a coder rings.
        for [low, high] in &points[6..points.len() - 10] {
            let near = |sample: i64| (sample.abs() - loudest).abs() <= 1;
            // A point of 44.1 kHz holds two and a half periods of the tone.
            assert!(*low < 0 && *high > 0 && near(*low) && near(*high), "{name}: {low} {high}");
        }
    }
}

#[test]
fn a_waveform_of_variable_bit_rate_grows_with_its_sound() {
    // Noise that gets louder.
    let server = Server::start();
    let asset = server.user(7).upload_bytes("vbr.mp3", &sample::fixture("audio/vbr.mp3"));
    let told = server.user(7).get(&asset.sub("waveform.json")).expect(200).json();
    let data = told["data"].as_array().expect("data");
    let loudest = |part: &[serde_json::Value]| part.iter().filter_map(|number| number.as_i64()).max();
    let parts: Vec<_> = data.chunks(data.len() / 4).take(4).map(loudest).collect();
    assert!(parts.is_sorted() && parts[0] < parts[3], "{parts:?}");
}

#[test]
fn sounds_of_other_types_are_named_with_what_to_do() {
    let server = Server::start();
    // The header object of ASF, then the GUIDs of the media types of its streams.
    const ASF: &[u8] = b"\x30\x26\xB2\x75\x8E\x66\xCF\x11\xA6\xD9\x00\xAA\x00\x62\xCE\x6C";
    const AUDIO: &[u8] = b"\x40\x9E\x69\xF8\x4D\x5B\xCF\x11\xA8\xFD\x00\x80\x5F\x5C\x44\x2B";
    const VIDEO: &[u8] = b"\xC0\xEF\x19\xBC\x4D\x5B\xCF\x11\xA8\xFD\x00\x80\x5F\x5C\x44\x2B";
    let tagged_wav = [b"ID3\x03\0\0\0\0\0\x04abcd", &sample::fixture("audio/tone.wav")[..]].concat();
    let rows = [
        ("a.wma", [ASF, AUDIO].concat(), "audio/x-ms-wma. Export it as MP3 or WAV."),
        ("a.wmv", [ASF, AUDIO, VIDEO].concat(), "video/x-ms-asf. Export it as MP4."),
        ("a.amr", b"#!AMR\n\x3C\0\0\0".to_vec(), "audio/amr. Export it as MP3 or WAV."),
        ("a.wav", b"RIFX\0\0\0\x24WAVEfmt ".to_vec(), "audio/x-rifx. Export it as WAV, which"),
        ("a.tta", b"TTA1\x01\0\x02\0".to_vec(), "audio/x-tta. Export it as WAV."),
        ("a.wav", tagged_wav, "audio/wav. Remove the ID3 tag before its header."),
    ];
    for (name, bytes, found) in rows {
        let answer = server.user(7).post(&Form::of(name, &bytes)).expect(400);
        let sentence = answer.error();
        assert!(sentence.starts_with(&format!("Invalid file type: {found}")), "{name}: {sentence}");
        assert!(sentence.contains(" Allowed: images"), "{sentence}");
    }
    assert!(server.files().is_empty());
}

#[test]
fn sounds_made_to_do_harm_are_answered_and_harm_nobody() {
    let server = Server::start();
    let plain = sample::mp3(sample::fresh(), 40);
    let id3 = |size: [u8; 4], rest: &[u8]| [b"ID3\x03\0\0", &size[..], rest].concat();
    let none = [0; 4];
    let half = vec![0x55; 40_000];
    let lists = b"LIST\xFF\xFF\xFF\x7FINFO".repeat(50_000);
    // What each comes to: a duration, or why it is refused.
    let no_frames = Err("it has no sound frames");
    let no_format = Err("its sample format cannot be read");
    let rows = [
        ("a tag of 256 MB", id3([0x7F; 4], &plain), Ok(1)),
        ("false frames", id3(none, &b"\xFF\xFB\x90\x00".repeat(1 << 20)), no_frames),
        ("all ones", id3(none, &vec![0xFF; 4 << 20]), no_frames),
        ("tags without end", id3(none, &id3(none, b"").repeat(400_000)), no_frames),
        ("65,535 channels", wav(&fmt(1, u16::MAX, 8_000, u16::MAX, 8), b"", &[0; 65_535 * 2]), Ok(1)),
        ("65,535 channels of 16 bits", wav(&fmt(1, u16::MAX, 8_000, 0, 16), b"", &half), no_format),
        ("4 GHz", wav(&fmt(1, 1, u32::MAX, 1, 8), b"", &half), Ok(1)),
        ("no rate", wav(&fmt(1, 1, 0, 1, 8), b"", &half), no_format),
        ("no channels", wav(&fmt(1, 0, 8_000, 1, 8), b"", &half), no_format),
        ("blocks of 0", wav(&fmt(1, 2, 8_000, 0, 16), b"", &half), Ok(1)),
        ("ADPCM in blocks of 0", wav(&fmt(17, 1, 8_000, 0, 4), b"", &half), no_format),
        ("ADPCM of 16,383 channels", wav(&fmt(17, 16_383, 8_000, 65_532, 4), b"", &[0; 65_532]), Ok(1)),
        ("ADPCM of headers alone", wav(&fmt(17, 1, 8_000, 4, 4), b"", &vec![0xFF; 4 << 20]), Ok(131)),
        ("nested lists", wav(&fmt(1, 1, 8_000, 1, 8), &lists, &half), Err("its header cannot be read")),
        (
            "chunks without end",
            wav(&fmt(1, 1, 8_000, 1, 8), &b"junk\0\0\0\0".repeat(500_000), &half),
            Err("it has more parts than any sound file of its kind"),
        ),
    ];
    for (name, bytes, expected) in rows {
        let answer = server.user(7).post(&Form::of("a", &bytes));
        match expected {
            Ok(seconds) => assert_eq!(answer.expect(201).json()["duration"], seconds, "{name}"),
            Err(why) => drop(answer.expect(400).detail(&format!("Invalid audio file: {why}"))),
        }
        // Another user finds the server as it was.
        let innocent = server.user(8).upload("b.wav");
        server.user(8).get(&innocent.sub("waveform")).expect(200);
    }
}
