//! How long WAV files last.

use super::*;
use assetd::asset::Flaw;

/// A WAV file, its parts to be varied.
#[derive(Clone)]
struct Wav {
    word: &'static [u8],
    tag: u16,
    channels: u16,
    rate: u32,
    byte_rate: u32,
    block: u16,
    bits: u16,
    /// Behind the sixteen bytes of every `fmt `.
    more: Vec<u8>,
    before: Vec<u8>,
    data: Vec<u8>,
    /// Where the chunk states another length than it has.
    stated: Option<u32>,
    behind: Vec<u8>,
}

/// Sixteen bits, two channels, 8 kHz, 12,000 samples of each.
fn wav() -> Wav {
    Wav {
        word: b"RIFF",
        tag: 1,
        channels: 2,
        rate: 8_000,
        byte_rate: 32_000,
        block: 4,
        bits: 16,
        more: vec![],
        before: vec![],
        data: vec![0x11; 48_000],
        stated: None,
        behind: vec![],
    }
}

impl Wav {
    fn bytes(&self) -> Vec<u8> {
        let fmt = [
            &self.tag.to_le_bytes()[..],
            &self.channels.to_le_bytes(),
            &self.rate.to_le_bytes(),
            &self.byte_rate.to_le_bytes(),
            &self.block.to_le_bytes(),
            &self.bits.to_le_bytes(),
            &self.more,
        ];
        let stated = self.stated.unwrap_or(self.data.len() as u32);
        let body = [
            &b"WAVE"[..],
            &self.before,
            &chunk(b"fmt ", &fmt.concat()),
            b"data",
            &stated.to_le_bytes(),
            &self.data,
            &self.behind,
        ]
        .concat();
        [self.word, &(body.len() as u32).to_le_bytes(), &body].concat()
    }

    fn length(&self) -> Result<Length, Refusal> {
        length(Format::Wav, &self.bytes())
    }
}

/// A chunk, padded.
fn chunk(id: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut chunk = [&id[..], &(body.len() as u32).to_le_bytes(), body].concat();
    chunk.resize(chunk.len().next_multiple_of(2), 0);
    chunk
}

fn extensible(valid_bits: u16, tag: u16, guid: &[u8]) -> Vec<u8> {
    [&[22, 0][..], &valid_bits.to_le_bytes(), &[3, 0, 0, 0], &tag.to_le_bytes(), guid].concat()
}

const MEDIA_SUBTYPE: &[u8] = b"\0\0\0\0\x10\0\x80\0\0\xAA\0\x38\x9B\x71";
const AMBISONIC: &[u8] = b"\0\0\x21\x07\xD3\x11\x86\x44\xC8\xC1\xCA\0\0\0";

fn ds64(data: u64, samples: u64) -> Vec<u8> {
    let words = [data + 100, data, samples].map(u64::to_le_bytes);
    chunk(b"ds64", &[&words.concat()[..], &[0; 4]].concat())
}

#[test]
fn fixtures_last_as_long_as_the_sound_they_were_made_of() {
    for (name, samples, seconds) in [
        ("tone.wav", 12_000, 2),
        ("wav24.wav", 11_920, 1),
        ("float.wav", 6_000, 1),
        ("alaw.wav", 20_000, 3),
        // Blocks of 505, the last one filled up.
        ("adpcm.wav", 28_280, 4),
        ("rf64.wav", 10_000, 1),
    ] {
        let bytes = fixture(name);
        lasts(length(Format::Wav, &bytes), samples, 8_000);
        assert_eq!(duration(&bytes), seconds, "{name}");
    }
}

#[test]
fn plain_samples_are_those_that_hound_reads() {
    for (name, float) in [("tone.wav", false), ("wav24.wav", false), ("float.wav", true)] {
        let bytes = fixture(name);
        let mut reader = hound::WavReader::new(&bytes[..]).expect("plain");
        let rate = reader.spec().sample_rate.into();
        let samples = match float {
            true => reader.samples::<f32>().filter(|sample| sample.is_ok()).count(),
            false => reader.samples::<i32>().filter(|sample| sample.is_ok()).count(),
        };
        lasts(length(Format::Wav, &bytes), samples as u64, rate);
    }
}

/// Two channels of 48,000 bytes together, so coded.
fn coded(tag: u16, bits: u16, block: u16) -> Wav {
    Wav { tag, bits, block, ..wav() }
}

fn with(more: Vec<u8>, file: Wav) -> Wav {
    Wav { more, ..file }
}

fn sized(data: usize, channels: u16, file: Wav) -> Wav {
    Wav { channels, data: vec![0; data], ..file }
}

#[test]
fn every_coding_is_counted() {
    for (name, file, samples) in [
        ("8 bits", coded(1, 8, 2), 24_000),
        ("12 in 16 bits", coded(1, 12, 4), 12_000),
        ("24 bits", coded(1, 24, 6), 8_000),
        ("20 in 24 bits", coded(1, 20, 6), 8_000),
        ("24 in 32 bits", coded(1, 24, 8), 6_000),
        ("32 bits", coded(1, 32, 8), 6_000),
        ("64 bits", coded(1, 64, 16), 3_000),
        ("float", coded(3, 32, 8), 6_000),
        ("double", coded(3, 64, 16), 3_000),
        ("A-law", with(vec![0, 0], coded(6, 8, 2)), 24_000),
        ("µ-law", coded(7, 8, 2), 24_000),
        ("extensible", with(extensible(16, 1, MEDIA_SUBTYPE), coded(0xFFFE, 16, 4)), 12_000),
        ("extensible float", with(extensible(32, 3, MEDIA_SUBTYPE), coded(0xFFFE, 32, 8)), 6_000),
        ("ambisonic", with(extensible(16, 1, AMBISONIC), coded(0xFFFE, 16, 4)), 12_000),
        ("a chunk longer than its kind", with(vec![9; 33], coded(1, 16, 4)), 12_000),
        // Blocks: 2 × 7 bytes of header with two samples, then two a byte.
        ("MS ADPCM", sized(10 * 1024, 2, coded(2, 4, 1024)), 10 * 1012),
        // 2 × 4 bytes of header with one sample, then two a byte; the last block is half one.
        ("IMA ADPCM", sized(10 * 1024 + 508, 2, coded(0x11, 4, 1024)), 10 * 1017 + 501),
        ("IMA ADPCM of 3 bits", sized(2 * 1016, 1, coded(0x11, 3, 1016)), 2 * (1 + 1012 * 8 / 3)),
        ("GSM", with(vec![2, 0, 0x40, 1], sized(6500, 1, coded(0x31, 0, 65))), 32_000),
        ("a block of 0", coded(1, 16, 0), 12_000),
        ("a block too small for its bits", coded(1, 16, 1), 12_000),
    ] {
        lasts(file.length(), samples, 8_000);
        assert_eq!(sniffed(&file.bytes()), Some(Sniffed::Allowed(Format::Wav)), "{name}");
    }
}

#[test]
fn blocks_that_are_filled_up_end_where_the_fact_chunk_says() {
    let blocks = |fact: u32| Wav {
        before: chunk(b"fact", &fact.to_le_bytes()),
        ..sized(10 * 1024, 2, coded(0x11, 4, 1024))
    };
    lasts(blocks(9 * 1017 + 5).length(), 9 * 1017 + 5, 8_000);
    // One that can't be true.
    for lie in [0, 9 * 1017, 10 * 1017 + 1, u32::MAX] {
        lasts(blocks(lie).length(), 10 * 1017, 8_000);
    }
}

#[test]
fn codings_without_blocks_last_as_stated() {
    let stated = |byte_rate: u32, fact: u32| {
        let before = chunk(b"fact", &fact.to_le_bytes());
        Wav { byte_rate, before, ..coded(0x50, 0, 1) }
    };
    lasts(stated(16_000, 24_321).length(), 24_321, 8_000);
    lasts(stated(16_000, 0).length(), 3, 1);
    lasts(stated(0, 24_321).length(), 24_321, 8_000);
    // A sample of more than eight bytes, and 16 samples a bit.
    lasts(stated(16_000, 1).length(), 3, 1);
    lasts(stated(16_000, u32::MAX).length(), 3, 1);
    assert_eq!(stated(0, 0).length(), Err(Flaw::BadSampleFormat.into()));
}

#[test]
fn aac_in_wav_is_counted_by_its_frames() {
    // ADTS, low complexity, 44.1 kHz, stereo, 32 bytes a frame; the byte rate says three seconds.
    let frame = [&[0xFF, 0xF1, 0x50, 0x80, 0x04, 0x1F, 0xFC][..], &[0; 25]].concat();
    for tag in [0x00FF, 0x1600, 0xA106] {
        let data = frame.repeat(100);
        let file = Wav { tag, rate: 44_100, byte_rate: data.len() as u32 / 3, data, ..wav() };
        lasts(file.length(), 102_400, 44_100);
    }
    // Without frames in it, the byte rate is what there is.
    let data = vec![0; 4_800];
    lasts(Wav { tag: 0x00FF, byte_rate: 1_600, data, ..wav() }.length(), 3, 1);
}

#[test]
fn mp3_in_wav_is_counted_by_its_frames() {
    let frame = [&[0xFF, 0xFB, 0x90, 0][..], &[0; 413]].concat();
    let file = Wav { rate: 44_100, data: frame.repeat(100), behind: frame.repeat(3), ..coded(0x55, 0, 1) };
    lasts(file.length(), 100 * 1152, 44_100);
}

#[test]
fn samples_last_as_far_as_they_are_there() {
    let (samples, list) = (12_000, chunk(b"LIST", b"INFOISFT\x04\0\0\0Lavf"));
    let unpadded = |id: &[u8; 4]| [&id[..], &[5, 0, 0, 0], b"12345"].concat();
    let plain = wav();
    for (name, file, samples) in [
        (
            "chunks before",
            Wav { before: [chunk(b"bext", &[0; 602]), list.clone()].concat(), ..wav() },
            samples,
        ),
        (
            "chunks behind",
            Wav { behind: [list.clone(), chunk(b"id3 ", &[1; 99])].concat(), ..wav() },
            samples,
        ),
        ("an odd chunk before", Wav { before: chunk(b"LIST", b"odd"), ..wav() }, samples),
        ("one without its padding", Wav { before: unpadded(b"LIST"), ..wav() }, samples),
        ("odd samples", Wav { data: vec![0; 48_003], behind: list.clone(), ..wav() }, samples),
        ("a length of 0", Wav { stated: Some(0), ..wav() }, samples),
        ("a length of all ones", Wav { stated: Some(u32::MAX), ..wav() }, samples),
        ("a length beyond the end", Wav { stated: Some(50_000), ..wav() }, samples),
        ("a length before the end", Wav { stated: Some(24_000), ..wav() }, 6_000),
        ("an empty chunk, then samples", Wav { before: chunk(b"data", b""), ..wav() }, samples),
        ("RF64", Wav { word: b"RF64", before: ds64(24_000, 6_000), stated: Some(u32::MAX), ..wav() }, 6_000),
        ("BW64", Wav { word: b"BW64", before: ds64(24_000, 6_000), stated: Some(u32::MAX), ..wav() }, 6_000),
        (
            "RF64 that was streamed",
            Wav { word: b"RF64", before: ds64(0, 0), stated: Some(u32::MAX), ..wav() },
            samples,
        ),
        (
            "RF64 beyond the end",
            Wav { word: b"RF64", before: ds64(1 << 40, 0), stated: Some(u32::MAX), ..wav() },
            samples,
        ),
        ("RF64 without its chunk", Wav { word: b"RF64", stated: Some(u32::MAX), ..wav() }, samples),
        ("one sample", Wav { data: vec![0; 4], ..wav() }, 1),
    ] {
        lasts(file.length(), samples, 8_000);
        assert_eq!(sniffed(&file.bytes()), Some(Sniffed::Allowed(Format::Wav)), "{name}");
    }
    // The chunks in another order.
    let fmt = &plain.bytes()[12..36];
    let samples_first = [&b"RIFF\0\0\0\0WAVE"[..], &chunk(b"data", &plain.data), fmt].concat();
    lasts(length(Format::Wav, &samples_first), 12_000, 8_000);
}

#[test]
fn a_file_whose_samples_cannot_be_counted_is_refused() {
    let list = chunk(b"LIST", b"INFO");
    for (name, bytes, flaw) in [
        ("no channels", Wav { channels: 0, ..wav() }.bytes(), Flaw::BadSampleFormat),
        ("no rate", Wav { rate: 0, ..wav() }.bytes(), Flaw::BadSampleFormat),
        ("no bits", coded(1, 0, 4).bytes(), Flaw::BadSampleFormat),
        ("neither block nor bits", coded(1, 0, 0).bytes(), Flaw::BadSampleFormat),
        ("a number of 24 bits in floating point", coded(3, 24, 6).bytes(), Flaw::BadSampleFormat),
        ("ADPCM in blocks of 0", coded(2, 4, 0).bytes(), Flaw::BadSampleFormat),
        ("ADPCM in blocks shorter than their header", coded(2, 4, 13).bytes(), Flaw::BadSampleFormat),
        ("a coding nobody knows", coded(0x4600, 16, 4).bytes(), Flaw::BadSampleFormat),
        (
            "an extensible one of another family",
            with(extensible(16, 1, &[7; 14]), coded(0xFFFE, 16, 4)).bytes(),
            Flaw::BadSampleFormat,
        ),
        ("an extensible one without its extension", coded(0xFFFE, 16, 4).bytes(), Flaw::BadSampleFormat),
        ("no samples", Wav { data: vec![], ..wav() }.bytes(), Flaw::NoSampleData),
        (
            "no samples, a chunk behind",
            Wav { data: vec![], behind: list, ..wav() }.bytes(),
            Flaw::NoSampleData,
        ),
        ("less than a sample", Wav { data: vec![0; 3], ..wav() }.bytes(), Flaw::NoSampleData),
        ("no chunk of samples", wav().bytes()[..36].to_vec(), Flaw::NoSampleData),
        ("no format", wav().bytes()[..12].to_vec(), Flaw::BadHeader),
        ("half a format", wav().bytes()[..30].to_vec(), Flaw::BadHeader),
        ("a chunk beyond the end", b"RIFF\0\0\0\0WAVELIST\xFF\xFF\xFF\x7F".to_vec(), Flaw::BadHeader),
        (
            "nothing but chunks",
            [b"RIFF\0\0\0\0WAVE", &b"JUNK\0\0\0\0".repeat(20_000)[..]].concat(),
            Flaw::TooComplex,
        ),
        ("MP3 without a frame", coded(0x55, 0, 1).bytes(), Flaw::NoSoundFrames),
    ] {
        assert_eq!(length(Format::Wav, &bytes), Err(flaw.into()), "{name}");
    }
}

#[test]
fn hurt_files_have_an_answer_of_at_least_a_second() {
    for name in ["tone.wav", "wav24.wav", "float.wav", "alaw.wav", "adpcm.wav", "rf64.wav"] {
        hurt(&fixture(name), |bytes| {
            sniffed(bytes);
            let answer = media::probe(Format::Wav, &mut Cursor::new(bytes), &LIMITS);
            assert!(!matches!(answer, Ok(Facts::Audio { duration: 0 })), "{name}");
        });
    }
}
