//! Headers of MPEG frames, and what makes a chain of them.

use assetd::media::audio::{Chain, Header, Layer, Place, Version};

/// The kind byte: sync, version, layer, no checksum.
const KINDS: [(Version, Layer, u8); 9] = [
    (Version::Mpeg1, Layer::I, 0xFF),
    (Version::Mpeg1, Layer::II, 0xFD),
    (Version::Mpeg1, Layer::III, 0xFB),
    (Version::Mpeg2, Layer::I, 0xF7),
    (Version::Mpeg2, Layer::II, 0xF5),
    (Version::Mpeg2, Layer::III, 0xF3),
    (Version::Mpeg25, Layer::I, 0xE7),
    (Version::Mpeg25, Layer::II, 0xE5),
    (Version::Mpeg25, Layer::III, 0xE3),
];

#[test]
fn lengths_of_layer_iii_frames_are_those_of_mp3_metadata_for_every_rate() {
    let mut compared = 0;
    for (_, _, kind) in KINDS.into_iter().filter(|(_, layer, _)| *layer == Layer::III) {
        for coding in 0..=255_u8 {
            let bytes = [0xFF, kind, coding, 0xC0];
            // It lists no frame at 0 that nothing stands before.
            let listed = mp3_metadata::read_from_slice(&[0, bytes[0], bytes[1], bytes[2], bytes[3]]);
            let frame = listed.ok().and_then(|meta| meta.frames.into_iter().next());
            let length = Header::parse(&bytes).and_then(|header| header.length());
            assert_eq!(length, frame.as_ref().map(|frame| frame.size as usize), "{bytes:x?}");
            if let (Some(frame), Some(header)) = (frame, Header::parse(&bytes)) {
                assert_eq!(header.rate, u32::from(frame.sampling_freq));
                assert_eq!(header.bitrate, u32::from(frame.bitrate));
                compared += 1;
            }
        }
    }
    // 3 versions, 14 bit rates, 3 sampling rates, padded or not, private bit or not.
    assert_eq!(compared, 3 * 14 * 3 * 2 * 2);
}

#[test]
fn lengths_of_frames_are_those_of_the_standard() {
    for (bytes, length) in [
        ([0xFF, 0xFB, 0x90, 0x00], Some(417)),
        ([0xFF, 0xFB, 0x92, 0x00], Some(418)),
        ([0xFF, 0xFA, 0x90, 0x00], Some(417)),
        ([0xFF, 0xFB, 0xE8, 0x00], Some(1440)),
        ([0xFF, 0xF3, 0x14, 0xC0], Some(24)),
        ([0xFF, 0xE3, 0x18, 0xC4], Some(72)),
        ([0xFF, 0xFD, 0x80, 0x00], Some(417)),
        ([0xFF, 0xFF, 0x10, 0x00], Some(32)),
        ([0xFF, 0xFF, 0x12, 0x00], Some(36)),
        // A free bit rate.
        ([0xFF, 0xFB, 0x00, 0x00], None),
    ] {
        let header = Header::parse(&bytes).expect("a header");
        assert_eq!(header.length(), length, "{bytes:x?}");
    }
}

#[test]
fn reserved_values_make_no_header() {
    for bytes in [
        // No sync.
        [0xFF, 0xDB, 0x90, 0x00],
        [0xFE, 0xFB, 0x90, 0x00],
        // Version, layer, bit rate, sampling rate.
        [0xFF, 0xEB, 0x90, 0x00],
        [0xFF, 0xF9, 0x90, 0x00],
        [0xFF, 0xFB, 0xF0, 0x00],
        [0xFF, 0xFB, 0x9C, 0x00],
    ] {
        assert_eq!(Header::parse(&bytes), None, "{bytes:x?}");
    }
    assert_eq!(Header::parse(&[0xFF, 0xFB, 0x90]), None);
}

#[test]
fn every_version_and_layer_is_told() {
    for (version, layer, kind) in KINDS {
        let header = Header::parse(&[0xFF, kind, 0x10, 0x00]).expect("a header");
        assert_eq!((header.version, header.layer), (version, layer));
    }
}

#[test]
fn a_chain_convinces_by_its_length_and_its_place() {
    let frame = |count: usize| {
        let one = [&[0xFF, 0xFB, 0x90, 0x00][..], &[0; 413]].concat();
        one.repeat(count)
    };
    let within = Place::Within(Header::parse(&frame(1)).expect("a header"));
    for (bytes, ends, expected, known, anywhere) in [
        // Whole frames to the end of the file, and not.
        (frame(1), true, true, false, false),
        (frame(1), false, false, false, false),
        (frame(2), true, true, true, true),
        (frame(2), false, true, true, false),
        (frame(3), false, true, true, true),
        // The last one cut.
        (frame(1)[..416].to_vec(), true, false, false, false),
        (frame(2)[..500].to_vec(), true, true, true, false),
        (frame(3)[..900].to_vec(), true, true, true, true),
        // Something behind.
        ([frame(1), vec![0; 100]].concat(), true, false, false, false),
        ([frame(2), vec![0; 100]].concat(), true, true, true, false),
    ] {
        let chain = Chain::read(&bytes).expect("a chain");
        let convinced = [Place::Expected, within, Place::Anywhere].map(|place| chain.convinces(place, ends));
        assert_eq!(convinced, [expected, known, anywhere], "{} bytes, {ends}", bytes.len());
    }
}
