//! The peaks of sounds in every coding. What the fixtures come to, tests/media asks through the front door.

use super::*;
use assetd::media::peaks::{MAX_POINTS, Meter, Peaks};

fn peaks(format: Format, bytes: &[u8]) -> Option<Peaks> {
    media::peaks(format, &mut Cursor::new(bytes))
}

/// A WAV file of one block after the other.
fn wav(tag: u16, bits: u16, channels: u16, block: u16, data: &[u8]) -> Vec<u8> {
    let fmt = [
        &tag.to_le_bytes()[..],
        &channels.to_le_bytes(),
        &8_000_u32.to_le_bytes(),
        &(8_000 * u32::from(block)).to_le_bytes(),
        &block.to_le_bytes(),
        &bits.to_le_bytes(),
    ]
    .concat();
    let size = |bytes: &[u8]| (bytes.len() as u32).to_le_bytes();
    let body = [b"WAVEfmt ", &size(&fmt)[..], &fmt, b"data", &size(data), data].concat();
    [b"RIFF", &size(&body)[..], &body].concat()
}

#[test]
fn samples_of_every_size_are_as_loud_as_they_say() {
    // Half as loud as can be, up and down; then silence.
    let rows: [(&str, u16, u16, [&[u8]; 3]); 12] = [
        ("8 bits", 1, 8, [&[0xC0], &[0x40], &[0x80]]),
        ("16 bits", 1, 16, [&[0, 0x40], &[0, 0xC0], &[0, 0]]),
        ("20 bits", 1, 20, [&[0, 0, 0x40], &[0, 0, 0xC0], &[0, 0, 0]]),
        ("24 bits", 1, 24, [&[0, 0, 0x40], &[0, 0, 0xC0], &[0, 0, 0]]),
        ("32 bits", 1, 32, [&[0, 0, 0, 0x40], &[0, 0, 0, 0xC0], &[0; 4]]),
        ("40 bits", 1, 40, [&[9, 0, 0, 0, 0x40], &[9, 0, 0, 0, 0xC0], &[0; 5]]),
        ("64 bits", 1, 64, [&[9, 9, 9, 9, 0, 0, 0, 0x40], &[9, 9, 9, 9, 0, 0, 0, 0xC0], &[0; 8]]),
        ("float", 3, 32, [&0.5_f32.to_le_bytes(), &(-0.5_f32).to_le_bytes(), &[0; 4]]),
        ("double", 3, 64, [&0.5_f64.to_le_bytes(), &(-0.5_f64).to_le_bytes(), &[0; 8]]),
        // ITU-T G.711: the quietest of the seventh segment is 16,384 + 512 in 16 bits for A-law; 16,764 for µ-law.
        ("A-law", 6, 8, [&[0xA5], &[0x25], &[0xD5]]),
        ("µ-law", 7, 8, [&[0x8F], &[0x0F], &[0xFF]]),
        (
            "louder than loudest",
            3,
            32,
            [&9e9_f32.to_le_bytes(), &(-9e9_f32).to_le_bytes(), &f32::NAN.to_le_bytes()],
        ),
    ];
    for (name, tag, bits, [up, down, silent]) in rows {
        let data = [up, down].concat().repeat(128);
        let data = [data, silent.repeat(256)].concat();
        let found = peaks(Format::Wav, &wav(tag, bits, 1, up.len() as u16, &data)).expect(name);
        let loud = match name {
            "A-law" => [-66, 66],
            "µ-law" => [-65, 65],
            "louder than loudest" => [-128, 127],
            _ => [-64, 64],
        };
        assert_eq!(found.points(), [loud, [0, 0]], "{name}");
    }
}

#[test]
fn many_channels_are_mixed() {
    // One of five is as loud as can be.
    let block: Vec<u8> = [0_i16, 0, i16::MAX, 0, 0].iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let found = peaks(Format::Wav, &wav(1, 16, 5, 10, &block.repeat(300))).expect("peaks");
    assert_eq!(found.points(), [[25, 25], [25, 25]]);
}

#[test]
fn a_waveform_is_as_long_as_the_duration_says() {
    for name in ["tone.mp3", "vbr.mp3", "mpeg25.mp3", "left.mp3"] {
        let bytes = fixture(name);
        let length = length(Format::Mp3, &bytes).expect(name);
        let found = peaks(Format::Mp3, &bytes).expect(name);
        let samples = length.ticks * u128::from(found.rate()) / u128::from(length.per_second);
        assert_eq!(found.points().len() as u128, samples.div_ceil(256), "{name}");
    }
}

#[test]
fn a_sound_of_two_rates_is_shown_at_its_first() {
    // Two seconds at 44.1 kHz, then four at 8 kHz, then two again.
    let (first, second) = (fixture("vbr.mp3"), fixture("mpeg25.mp3"));
    let bytes = [&first[..], &second, &first].concat();
    let length = length(Format::Mp3, &bytes).expect("a length");
    let found = peaks(Format::Mp3, &bytes).expect("peaks");
    assert_eq!(found.rate(), 44_100);
    let samples = length.ticks * 44_100 / u128::from(length.per_second);
    assert_eq!(found.points().len() as u128, samples.div_ceil(found.samples_per_point().into()));
    // In the middle the tone, as loud as it is alone.
    let middle = found.points().len() * 3 / 7;
    assert_eq!(found.points()[middle..middle + 20], [[-15, 15]; 20]);
}

#[test]
fn junk_and_tags_around_frames_change_nothing() {
    let bytes = fixture("left.mp3");
    let id3 = [b"ID3\x04\0\0\0\0\x01\0", &[0xFF; 128][..]].concat();
    let found = peaks(Format::Mp3, &bytes).expect("peaks");
    for (before, behind) in [(&id3[..], &b""[..]), (&[0; 999], b"TAG"), (b"", &[0; 5_000])] {
        let around = [before, &bytes, behind].concat();
        assert_eq!(peaks(Format::Mp3, &around), Some(found.clone()));
    }
}

#[test]
fn what_cannot_be_decoded_has_none() {
    let silence = [0; 4096];
    for (name, tag, block) in [("AC-3", 0x2000, 4), ("GSM 6.10", 0x31, 65), ("AAC", 0xFF, 4)] {
        assert_eq!(peaks(Format::Wav, &wav(tag, 16, 1, block, &silence)), None, "{name}");
    }
    assert_eq!(peaks(Format::Wav, b"RIFF"), None);
    assert_eq!(peaks(Format::Mp3, &silence), None);
    assert_eq!(peaks(Format::Png, &silence), None);
}

#[test]
fn a_sound_of_many_hours_has_as_many_points_as_any_and_is_read_in_part() {
    // Two channels of 8 bits; 20 hours at 44.1 kHz, loud throughout. Nobody reads all of it.
    struct Loud {
        head: Vec<u8>,
        size: u64,
        at: u64,
        read: u64,
    }
    impl std::io::Read for Loud {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let left = self.size.saturating_sub(self.at).min(buffer.len() as u64) as usize;
            for (offset, byte) in buffer[..left].iter_mut().enumerate() {
                *byte = self.head.get(self.at as usize + offset).copied().unwrap_or(0xC0);
            }
            self.at += left as u64;
            self.read += left as u64;
            Ok(left)
        }
    }
    impl std::io::Seek for Loud {
        fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
            self.at = match to {
                std::io::SeekFrom::Start(at) => at,
                std::io::SeekFrom::End(by) => self.size.saturating_add_signed(by),
                std::io::SeekFrom::Current(by) => self.at.saturating_add_signed(by),
            };
            Ok(self.at)
        }
    }
    let mut head = wav(1, 8, 2, 2, &[]);
    let sizes = head.len();
    head[sizes - 4..].fill(0xFF);
    let mut source = Loud { head, size: 6_400_000_000, at: 0, read: 0 };
    let found = media::peaks(Format::Wav, &mut source).expect("peaks");
    assert!((MAX_POINTS / 2..=MAX_POINTS).contains(&found.points().len()));
    assert!(found.points().iter().all(|point| *point == [64, 64]));
    assert!(source.read < 3_000_000_000, "{} bytes read", source.read);
}

#[test]
fn peaks_that_cannot_be_are_none() {
    let one = vec![[0, 0]];
    assert!(Peaks::new(1, 256, one.clone()).is_some());
    assert!(Peaks::new(u32::MAX, 1 << 31, vec![[-128, 127]; MAX_POINTS]).is_some());
    assert_eq!(Peaks::new(0, 256, one.clone()), None);
    for samples in [0, 1, 128, 255, 257, 768] {
        assert_eq!(Peaks::new(1, samples, one.clone()), None, "{samples}");
    }
    assert_eq!(Peaks::new(1, 256, vec![]), None);
    assert_eq!(Peaks::new(1, 256, vec![[0, 0]; MAX_POINTS + 1]), None);
    assert_eq!(Peaks::new(1, 256, vec![[1, 0]]), None);
}

#[test]
fn a_meter_takes_samples_in_any_portions() {
    // Pieces of all lengths come to what one piece comes to.
    let samples: Vec<f32> = noise(3, 10_000).iter().map(|byte| f32::from(*byte) / 128.0 - 1.0).collect();
    let mut whole = Meter::new(8_000, 9_000, 500).expect("a meter");
    whole.take(&samples);
    let whole = whole.finish().expect("peaks");
    for length in [1, 2, 7, 255, 256, 257, 4_000] {
        let mut meter = Meter::new(8_000, 9_000, 500).expect("a meter");
        samples.chunks(length).for_each(|piece| meter.take(piece));
        assert_eq!(meter.finish().as_ref(), Some(&whole), "{length}");
    }
    assert_eq!(whole.points().len(), 9_000_usize.div_ceil(256));
    let first = samples[500..756].iter().copied().fold(f32::INFINITY, f32::min);
    assert_eq!(whole.points()[0][0], (first * 128.0) as i8);
}

#[test]
fn a_damaged_sound_has_an_answer() {
    for name in ["right.wav", "mp3.wav", "left.mp3", "free.mp3"] {
        let bytes = fixture(name);
        let bytes = &bytes[..bytes.len().min(3_000)];
        let format = if name.ends_with(".wav") { Format::Wav } else { Format::Mp3 };
        // What it says does not matter, nor whether there is anything.
        hurt(bytes, |hurt| drop(peaks(format, hurt)));
    }
}
