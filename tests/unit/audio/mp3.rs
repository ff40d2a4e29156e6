//! How long MP3 files last.

use std::time::{Duration, Instant};

use super::*;
use assetd::asset::{Flaw, Foreign};

const NO_SOUND: Result<Length, Refusal> = Err(Refusal::Broken(Flaw::NoSoundFrames));

/// Frames with this header, silent, `length` bytes each.
fn frames(header: [u8; 4], length: usize, count: usize) -> Vec<u8> {
    let mut frame = header.to_vec();
    frame.resize(length, 0);
    frame.repeat(count)
}

/// At 128 kbit/s and 44.1 kHz, 1152 samples each.
fn plain(count: usize) -> Vec<u8> {
    frames([0xFF, 0xFB, 0x90, 0x00], 417, count)
}

fn syncsafe(size: usize) -> [u8; 4] {
    [size >> 21, size >> 14, size >> 7, size].map(|bits| bits as u8 & 0x7F)
}

fn id3(version: u8, flags: u8, body: &[u8]) -> Vec<u8> {
    [b"ID3", &[version, 0, flags][..], &syncsafe(body.len()), body].concat()
}

fn id3_footer(body: &[u8]) -> Vec<u8> {
    [&id3(4, 0x10, body)[..], b"3DI\x04\0\x10", &syncsafe(body.len())].concat()
}

fn id3v1() -> Vec<u8> {
    [&b"TAG"[..], &[b'x'; 125]].concat()
}

/// The header, or footer, of an APE tag of so many bytes without its header.
fn ape_end(version: u32, size: usize, flags: u32) -> Vec<u8> {
    let words = [version, size as u32, 1, flags].map(u32::to_le_bytes);
    [b"APETAGEX", &words.concat()[..], &[0; 8]].concat()
}

fn ape(value: &[u8]) -> Vec<u8> {
    let item = [&(value.len() as u32).to_le_bytes()[..], &[0; 4], b"Cover\0", value].concat();
    let size = item.len() + 32;
    [ape_end(2000, size, 0xA000_0000), item, ape_end(2000, size, 0x8000_0000)].concat()
}

fn ape_version_1() -> Vec<u8> {
    let item = b"\x05\0\0\0\0\0\0\0Title\0hello";
    [item.to_vec(), ape_end(1000, item.len() + 32, 0)].concat()
}

fn lyrics3(version_2: bool) -> Vec<u8> {
    let body = b"LYRICSBEGININD0000200";
    match version_2 {
        true => [&body[..], format!("{:06}LYRICS200", body.len()).as_bytes()].concat(),
        false => b"LYRICSBEGIN la la la LYRICSEND".to_vec(),
    }
}

#[test]
fn fixtures_last_as_long_as_the_sound_they_were_made_of() {
    // Without the silence that the encoder put around it, to the sample.
    for (name, samples, rate, seconds) in
        [("tone.mp3", 105_840, 44_100, 2), ("vbr.mp3", 70_560, 44_100, 2), ("mpeg25.mp3", 29_600, 8_000, 4)]
    {
        let bytes = fixture(name);
        lasts(length(Format::Mp3, &bytes), samples, rate);
        assert_eq!(duration(&bytes), seconds, "{name}");
    }
}

#[test]
fn frames_are_counted_as_mp3_metadata_lists_them() {
    let bytes = fixture("mpeg25.mp3");
    let listed = mp3_metadata::read_from_slice(&bytes).expect("MP3").frames.len() as u64;
    // The first is the encoder's own; 1105 samples before the sound and the rest of the last frame are silence.
    let silence = (listed - 1) * 576 - 29_600;
    assert!((1105..1105 + 2 * 576).contains(&silence));
    lasts(length(Format::Mp3, &bytes), (listed - 1) * 576 - silence, 8_000);
    lasts(length(Format::Mp3, &plain(1000)), 1000 * 1152, 44_100);
}

#[test]
fn a_header_that_lies_about_the_number_of_frames_is_not_believed() {
    let whole = fixture("vbr.mp3");
    let tag = memchr::memmem::find(&whole, b"Xing").expect("an encoder's frame");
    let frames = u32::from_be_bytes(whole[tag + 8..tag + 12].try_into().expect("four bytes"));
    for lie in [frames * 10, frames / 10, 0, u32::MAX] {
        let mut bytes = whole.clone();
        bytes[tag + 8..tag + 12].copy_from_slice(&lie.to_be_bytes());
        assert_eq!(duration(&bytes), 2, "{lie} frames");
    }
}

#[test]
fn a_file_that_was_cut_lasts_as_long_as_what_is_left() {
    let whole = fixture("tone.mp3");
    // A tag of 636 bytes, the encoder's own frame, 31 of sound.
    let frame = |number: usize| 636 + 144 * 64_000 * number / 44_100;
    lasts(length(Format::Mp3, &whole[..frame(32)]), 31 * 1152 - 1105, 44_100);
    // A frame that is cut within itself counts.
    lasts(length(Format::Mp3, &whole[..frame(32) - 50]), 31 * 1152 - 1105, 44_100);
}

#[test]
fn the_frame_of_vbri_is_no_sound() {
    let mut bytes = plain(10);
    bytes[36..40].copy_from_slice(b"VBRI");
    bytes[50..54].copy_from_slice(&9_u32.to_be_bytes());
    lasts(length(Format::Mp3, &bytes), 9 * 1152, 44_100);
}

#[test]
fn tags_are_no_sound_wherever_they_stand() {
    let art = noise(7, 60_000);
    for (name, before, behind) in [
        ("none", vec![], vec![]),
        ("ID3v2.2", id3(2, 0, &[0; 500]), vec![]),
        ("ID3v2.3", id3(3, 0, &[0; 500]), vec![]),
        ("ID3v2.3, unsynchronised", id3(3, 0x80, b"\xFF\x00\xFF\x00"), vec![]),
        ("ID3v2.4 with a footer", id3_footer(&[0; 500]), vec![]),
        ("large art", id3(3, 0, &art), vec![]),
        ("several", [id3(3, 0, b"a"), id3_footer(b"b"), id3(4, 0, &art)].concat(), vec![]),
        ("padding behind the tag", [id3(3, 0, b"a"), vec![0; 3000]].concat(), vec![]),
        ("a tag longer than it says", [id3(3, 0, b"a"), art.clone()].concat(), vec![]),
        ("APEv2 before", ape(b"x"), vec![]),
        ("APEv2", vec![], ape(&art)),
        ("APEv1", vec![], ape_version_1()),
        ("ID3v1", vec![], id3v1()),
        ("ID3v1 enhanced", vec![], [b"TAG+", &[b'y'; 223][..], &id3v1()].concat()),
        ("ID3v2 behind", vec![], id3_footer(b"abc")),
        ("Lyrics3 version 1", vec![], [lyrics3(false), id3v1()].concat()),
        ("Lyrics3 version 2", vec![], [lyrics3(true), id3v1()].concat()),
        ("all", [id3(3, 0, b"a"), ape(b"b")].concat(), [ape(&art), lyrics3(true), id3v1()].concat()),
        ("an APE length that lies", vec![], ape_end(2000, 20 * 417, 0x8000_0000)),
        ("a Lyrics3 length that lies", vec![], b"006000LYRICS200".to_vec()),
        ("zeros behind", vec![], vec![0; 5000]),
        ("a program behind", vec![], b"<?php system($_GET[0]); ?>".to_vec()),
        ("noise behind", vec![], art.clone()),
    ] {
        let bytes = [before, plain(20), behind].concat();
        lasts(length(Format::Mp3, &bytes), 20 * 1152, 44_100);
        assert_eq!(duration(&bytes), 1, "{name}");
    }
}

#[test]
fn a_tag_that_claims_more_than_the_file_does_not_hide_the_sound() {
    let mut tag = id3(3, 0, &[0; 100]);
    tag[6..10].copy_from_slice(&[0x7F; 4]);
    lasts(length(Format::Mp3, &[tag, plain(20)].concat()), 20 * 1152, 44_100);
}

#[test]
fn a_tag_longer_than_the_head_may_stand_before_another_type() {
    let tag = id3(3, 0, &noise(3, 9000));
    let adts = [0xFF, 0xF1, 0x50, 0x80, 0x04, 0x1F, 0xFC];
    let aac = [&adts[..], &[0; 25]].concat().repeat(9);
    for (behind, foreign) in [
        (&b"fLaC\0\0\0\x22"[..], Foreign::Flac),
        (&aac, Foreign::Aac),
        (b"OggS\0\x02", Foreign::Ogg),
        (b"\x0B\x77\xCC\x04\x40\x40\x2F", Foreign::Ac3),
        (b"MPCKSH", Foreign::Musepack),
        (&frames([0xFF, 0xFD, 0x80, 0x00], 417, 3), Foreign::Mp2),
    ] {
        let bytes = [&tag[..], behind].concat();
        assert_eq!(sniffed(&bytes), Some(Sniffed::Allowed(Format::Mp3)));
        assert_eq!(length(Format::Mp3, &bytes), Err(Refusal::Foreign(foreign)));
    }
}

#[test]
fn a_wav_file_behind_a_tag_is_told_as_such() {
    let tagged = |tag: &[u8]| [&id3(3, 0, tag), &fixture("tone.wav")[..]].concat();
    for tag in [&b"short"[..], &[7; 9_000]] {
        let answer = length(Format::Mp3, &tagged(tag));
        assert_eq!(answer, Err(Refusal::Foreign(Foreign::TaggedWav)));
    }
    // With MP3 in it, it is what players take it for.
    let inside = [&id3(3, 0, b"x"), &b"RIFF\0\0\0\0WAVEdata\0\0\0\0"[..], &plain(10)].concat();
    lasts(length(Format::Mp3, &inside), 11_520, 44_100);
}

#[test]
fn every_kind_of_frame_is_counted() {
    for (name, bytes, samples, rate) in [
        ("checksum", frames([0xFF, 0xFA, 0x90, 0x00], 417, 50), 50 * 1152, 44_100),
        ("MPEG-2", frames([0xFF, 0xF3, 0x14, 0xC0], 24, 50), 50 * 576, 24_000),
        ("MPEG-2.5", frames([0xFF, 0xE3, 0x18, 0xC0], 72, 50), 50 * 576, 8_000),
        ("free bit rate", frames([0xFF, 0xFB, 0x00, 0x00], 333, 50), 50 * 1152, 44_100),
        ("free bit rate, 640 kbit/s", frames([0xFF, 0xFB, 0x08, 0x00], 2880, 50), 50 * 1152, 32_000),
        ("one", plain(1), 1152, 44_100),
        ("two", plain(2), 2 * 1152, 44_100),
    ] {
        lasts(length(Format::Mp3, &bytes), samples, rate);
        assert_eq!(sniffed(&bytes), Some(Sniffed::Allowed(Format::Mp3)), "{name}");
    }
}

#[test]
fn free_bit_rates_may_pad() {
    let padded = frames([0xFF, 0xFB, 0x02, 0x00], 334, 1);
    let bytes = [padded, frames([0xFF, 0xFB, 0x00, 0x00], 333, 2)].concat().repeat(20);
    lasts(length(Format::Mp3, &bytes), 60 * 1152, 44_100);
}

#[test]
fn damage_in_the_midst_costs_what_it_hits() {
    for count in [1, 3, 100, 3000] {
        let junk = noise(count as u64, count);
        lasts(length(Format::Mp3, &[plain(20), junk, plain(20)].concat()), 40 * 1152, 44_100);
        // What is lost makes one frame run into the next.
        let lost = [&plain(20)[..], &plain(20)[count..]].concat();
        let hit = count.div_ceil(417) as u64;
        lasts(length(Format::Mp3, &lost), (40 - hit) * 1152, 44_100);
    }
}

#[test]
fn joined_files_add_up_exactly_whatever_their_rates() {
    let low = frames([0xFF, 0xE3, 0x10, 0xC0], 52, 7);
    let joined = [plain(11), id3v1(), id3(3, 0, b"next"), low, plain(3)].concat();
    // 14 × 1152 at 44,100 and 7 × 576 at 11,025, which is 7 × 2304 at 44,100.
    lasts(length(Format::Mp3, &joined), 14 * 1152 + 7 * 2304, 44_100);
    // mp3-metadata takes no two ID3v1 tags.
    let thrice = [plain(11), id3v1()].concat().repeat(3);
    lasts(length(Format::Mp3, &thrice), 33 * 1152, 44_100);
}

#[test]
fn a_file_without_a_whole_frame_of_sound_is_refused() {
    let mut silent = plain(1);
    silent[36..40].copy_from_slice(b"Info");
    for (name, bytes) in [
        ("nothing", vec![]),
        ("a header", plain(1)[..4].to_vec()),
        ("less than a frame", plain(1)[..416].to_vec()),
        ("a tag", id3(3, 0, b"abc")),
        ("half a tag", id3(3, 0, &[0; 500])[..100].to_vec()),
        ("a tag and less than a frame", [&id3(3, 0, b"abc")[..], &plain(1)[..100]].concat()),
        ("a tag and noise", [id3(3, 0, b"abc"), noise(4, 200_000)].concat()),
        ("only the encoder's frame", silent.clone()),
        ("that and less than a frame", [&silent[..], &plain(1)[..300]].concat()),
        ("a tag and a picture", [&id3(3, 0, b"abc")[..], b"\x89PNG\r\n\x1A\n", &[0; 900]].concat()),
    ] {
        assert_eq!(length(Format::Mp3, &bytes), NO_SOUND, "{name}");
    }
}

#[test]
fn hurt_files_have_an_answer_and_grow_no_longer() {
    for name in ["tone.mp3", "vbr.mp3", "mpeg25.mp3"] {
        let whole = fixture(name);
        hurt(&whole, |bytes| {
            sniffed(bytes);
            let answer = media::probe(Format::Mp3, &mut Cursor::new(bytes), &LIMITS);
            if let Ok(Facts::Audio { duration }) = answer {
                assert!((1..=4).contains(&duration), "{name}: {duration} s");
            }
        });
    }
}

#[test]
fn bytes_that_offer_a_frame_everywhere_are_answered_in_time() {
    // A look at one offer must not cost all that is behind it. The bound is some fifty times what it takes.
    const MOST: Duration = Duration::from_secs(5);
    let tag = id3(3, 0, b"abc");
    let size = 4 << 20;
    let run = [frames([0xFF, 0xF3, 0x14, 0xC0], 24, 3), vec![1]].concat();
    for unit in [
        &b"\xFF\xFB\x90\x00"[..],
        b"\xFF\xFB\x00\x00\x00",
        b"\xFF",
        b"ID3\x03\0\0\0\0\0\0",
        b"APETAGEX\0\0\0\0",
        b"TAG",
        &run,
        &[&run[..], &id3v1()].concat(),
    ] {
        let bytes = [&tag[..], &unit.repeat(size / unit.len())].concat();
        let start = Instant::now();
        let answer = length(Format::Mp3, &bytes);
        assert!(start.elapsed() < MOST, "{:?} for {unit:x?}: {answer:?}", start.elapsed());
    }
}
