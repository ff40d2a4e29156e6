//! Types of sound by the first bytes.

use super::*;
use assetd::asset::Foreign;

const MP3: Option<Sniffed> = Some(Sniffed::Allowed(Format::Mp3));
const WAV: Option<Sniffed> = Some(Sniffed::Allowed(Format::Wav));

fn foreign(foreign: Foreign) -> Option<Sniffed> {
    Some(Sniffed::Foreign(foreign))
}

/// Frames of layer III at 128 kbit/s and 44.1 kHz, silent.
fn frames(count: usize) -> Vec<u8> {
    [&[0xFF, 0xFB, 0x90, 0x00][..], &[0; 413]].concat().repeat(count)
}

fn id3(version: u8, body: &[u8]) -> Vec<u8> {
    let size = body.len() as u32;
    let size = [size >> 21, size >> 14, size >> 7, size].map(|bits| bits as u8 & 0x7F);
    [b"ID3", &[version, 0, 0][..], &size, body].concat()
}

/// A header, repeated so often that each stands where the one before ends.
fn repeated(header: &[u8], length: usize, count: usize) -> Vec<u8> {
    let mut frame = header.to_vec();
    frame.resize(length, 0);
    frame.repeat(count)
}

#[test]
fn sounds_are_told_by_their_first_bytes() {
    let adts = [0xFF, 0xF1, 0x50, 0x80, 0x04, 0x1F, 0xFC];
    for (name, bytes, expected) in [
        ("MPEG-1", frames(12), MP3),
        ("with checksum", repeated(&[0xFF, 0xFA, 0x90, 0x00], 417, 12), MP3),
        ("MPEG-2", repeated(&[0xFF, 0xF3, 0x14, 0xC0], 24, 9), MP3),
        ("MPEG-2 with checksum", repeated(&[0xFF, 0xF2, 0x14, 0xC0], 24, 9), MP3),
        ("MPEG-2.5", repeated(&[0xFF, 0xE3, 0x18, 0xC4], 72, 9), MP3),
        ("MPEG-2.5 with checksum", repeated(&[0xFF, 0xE2, 0x18, 0xC4], 72, 9), MP3),
        ("free bit rate", repeated(&[0xFF, 0xFB, 0x00, 0x00], 333, 9), MP3),
        ("320 kbit/s", repeated(&[0xFF, 0xFB, 0xE0, 0x00], 1044, 9), MP3),
        ("a file of one frame", frames(1), MP3),
        ("a file within its first frame", frames(1)[..200].to_vec(), MP3),
        ("ID3v2.2", id3(2, &[0; 10]), MP3),
        ("ID3v2.3 longer than the head", id3(3, &[0; 9000]), MP3),
        ("ID3v2.4 and frames", [id3(4, b"TIT2"), frames(3)].concat(), MP3),
        ("padding, frames", [vec![0; 2000], frames(5)].concat(), MP3),
        ("the end of a frame, frames", frames(9)[100..].to_vec(), MP3),
        ("RIFF", b"RIFF\x24\0\0\0WAVEfmt ".to_vec(), WAV),
        ("RF64", b"RF64\xFF\xFF\xFF\xFFWAVEds64".to_vec(), WAV),
        ("BW64", b"BW64\xFF\xFF\xFF\xFFWAVEds64".to_vec(), WAV),
        ("layer I", repeated(&[0xFF, 0xFF, 0x10, 0x00], 32, 9), foreign(Foreign::Mp2)),
        ("layer II", repeated(&[0xFF, 0xFD, 0x80, 0x00], 417, 9), foreign(Foreign::Mp2)),
        ("ADTS", repeated(&adts, 32, 9), foreign(Foreign::Aac)),
        ("ADIF", b"ADIF\0\0\0\0".to_vec(), foreign(Foreign::Aac)),
        ("FLAC", b"fLaC\0\0\0\x22".to_vec(), foreign(Foreign::Flac)),
        ("Ogg", b"OggS\0\x02\0\0\0\0\0\0".to_vec(), foreign(Foreign::Ogg)),
        ("AIFF", b"FORM\0\0\0\x30AIFFCOMM".to_vec(), foreign(Foreign::Aiff)),
        ("AIFC", b"FORM\0\0\0\x30AIFCFVER".to_vec(), foreign(Foreign::Aiff)),
        ("AC-3", b"\x0B\x77\xCC\x04\x40\x40\x2F".to_vec(), foreign(Foreign::Ac3)),
        ("E-AC-3", b"\x0B\x77\x02\xFF\x34\x86\xFF".to_vec(), foreign(Foreign::Ac3)),
        ("AMR", b"#!AMR\n\x3C\0\0\0\0\0\0".to_vec(), foreign(Foreign::Amr)),
        ("AMR-WB", b"#!AMR-WB\n\x04\0\0\0\0".to_vec(), foreign(Foreign::Amr)),
        ("MIDI", b"MThd\0\0\0\x06\0\x01".to_vec(), foreign(Foreign::Midi)),
        ("Monkey's Audio", b"MAC \x96\x0F\0\0".to_vec(), foreign(Foreign::Ape)),
        ("WavPack", b"wvpk\x20\0\0\0".to_vec(), foreign(Foreign::WavPack)),
        ("Musepack 8", b"MPCKSH".to_vec(), foreign(Foreign::Musepack)),
        ("Musepack 7", b"MP+\x07\0\0".to_vec(), foreign(Foreign::Musepack)),
        ("au", b".snd\0\0\0\x18".to_vec(), foreign(Foreign::Au)),
        ("CAF", b"caff\0\x01\0\0".to_vec(), foreign(Foreign::Caf)),
        ("DSF", b"DSD \x1C\0\0\0\0\0".to_vec(), foreign(Foreign::Dsf)),
        ("DTS", b"\x7F\xFE\x80\x01\xFC".to_vec(), foreign(Foreign::Dts)),
        ("RIFX", b"RIFX\0\0\0\x24WAVEfmt ".to_vec(), foreign(Foreign::Rifx)),
        ("TTA", b"TTA1\x01\0\x02\0".to_vec(), foreign(Foreign::Tta)),
        (
            "Wave64",
            b"riff\x2E\x91\xCF\x11\xA5\xD6\x28\xDB\x04\xC1\0\0\xE0\x65\0\0\0\0\0\0".to_vec(),
            foreign(Foreign::W64),
        ),
        ("M4A", b"\0\0\0\x20ftypM4A \0\0".to_vec(), foreign(Foreign::M4a)),
        ("ID3, FLAC", [id3(3, b"x"), b"fLaC".to_vec()].concat(), foreign(Foreign::Flac)),
        ("ID3, ADTS", [id3(4, b"x"), repeated(&adts, 32, 9)].concat(), foreign(Foreign::Aac)),
        (
            "ID3, ID3, AC-3",
            [id3(3, b"x"), id3(4, b""), b"\x0B\x77\xCC\x04\x40\x40".to_vec()].concat(),
            foreign(Foreign::Ac3),
        ),
        (
            "ID3, layer II",
            [id3(3, b"x"), repeated(&[0xFF, 0xFD, 0x80, 0x00], 417, 9)].concat(),
            foreign(Foreign::Mp2),
        ),
    ] {
        assert_eq!(sniffed(&bytes), expected, "{name}");
    }
}

#[test]
fn what_is_no_sound_is_not_taken_for_one() {
    let page = b"<!DOCTYPE html><html><body><script>alert(1)</script></body></html>\n".to_vec();
    for (name, bytes) in [
        ("nothing", Vec::new()),
        ("text", b"ID3 tags are put before the sound of an MP3.".to_vec()),
        ("a page", page.clone()),
        ("a page, frames", [page, frames(9)].concat()),
        ("UTF-16", "\u{FEFF}plain text".encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("all ones", vec![0xFF; 9000]),
        ("zeros", vec![0; 9000]),
        ("a sync without a second", [&frames(1)[..], &[0x55; 4000]].concat()),
        ("a sync in each four bytes", b"\xFF\xFB\x90\x00".repeat(2000)),
        ("more than a frame, frames", [noise(1, 600), frames(7)].concat()),
        ("JPEG", b"\xFF\xD8\xFF\xE0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0".to_vec()),
        (
            "JPEG behind zeros",
            [&[0, 0, 0][..], b"\xFF\xD8\xFF\xE2\x0C\x58ICC_PROFILE\0", &noise(2, 4000)].concat(),
        ),
        ("WAV behind zeros", [&[0, 0, 0][..], &fixture("tone.wav")].concat()),
        ("RIFF without a type", b"RIFF\0\0\0\0".to_vec()),
        ("AVI", b"RIFF\x24\0\0\0AVI LIST".to_vec()),
    ] {
        assert_eq!(sniffed(&bytes), None, "{name}");
    }
}

#[test]
fn noise_is_neither_mp3_nor_wav() {
    for seed in 0..5_000 {
        let sniffed = sniffed(&noise(seed, HEAD_BYTES));
        assert!(!matches!(sniffed, Some(Sniffed::Allowed(_))), "seed {seed}: {sniffed:?}");
    }
}

#[test]
fn fixtures_are_what_they_are_called() {
    for name in ["tone.mp3", "vbr.mp3", "mpeg25.mp3", "left.mp3", "free.mp3"] {
        assert_eq!(sniffed(&fixture(name)), MP3, "{name}");
    }
    for name in
        ["tone.wav", "wav24.wav", "float.wav", "alaw.wav", "adpcm.wav", "rf64.wav", "mp3.wav", "right.wav"]
    {
        assert_eq!(sniffed(&fixture(name)), WAV, "{name}");
    }
}
