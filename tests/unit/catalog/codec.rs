//! Records as bytes.

use assetd::asset::{Asset, Facts, Format, Name, Preview, Tags, Time};
use assetd::catalog::Error;
use assetd::catalog::codec::{decode, encode};

use super::{Random, group, id, image, user};

fn full() -> Asset {
    Asset {
        owner: user((1 << 53) - 1),
        client: Some(group("acme")),
        campaign: Some(group("spring")),
        name: Name::given("Été.mp4").unwrap().unwrap(),
        tags: Tags::new(["red", "été"]).unwrap(),
        size: 52_428_800,
        sha256: std::array::from_fn(|place| place as u8),
        uploaded_at: Time::from_unix(1_763_322_180),
        format: Format::Mp4,
        facts: Facts::Video { width: 1920, height: 1080, duration: 300 },
        thumbnail: Preview::Made { size: 251, sha256: [0xab; 32] },
        waveform: Preview::Impossible,
        ..image(id(5))
    }
}

/// Version 1, byte for byte. A record once written is read for good: this never changes.
#[test]
fn a_record_of_version_1_is_these_bytes() {
    let mut golden = vec![1];
    golden.extend([253, 255, 255, 255, 255, 255, 255, 31, 0]); // owner, eight bytes wide
    golden.extend([1, 4]); // a client, of 4 bytes
    golden.extend(b"acme");
    golden.extend([1, 6]);
    golden.extend(b"spring");
    golden.push(9);
    golden.extend("Été.mp4".as_bytes());
    golden.push(2); // two tags
    golden.push(3);
    golden.extend(b"red");
    golden.push(5);
    golden.extend("été".as_bytes());
    golden.extend([252, 0, 0, 32, 3]); // size, four bytes wide
    golden.extend(0..32); // sha256
    golden.extend([252, 68, 41, 26, 105]); // uploaded at
    golden.push(4); // mp4
    golden.push(1); // facts of a video
    golden.extend([251, 128, 7, 251, 56, 4, 251, 44, 1]);
    golden.push(2); // a thumbnail is made
    golden.extend([251, 251, 0]);
    golden.extend([0xab; 32]);
    golden.push(1); // a waveform is impossible

    assert_eq!(encode(&full()).unwrap(), golden);
    assert_eq!(decode(id(5), &golden).unwrap(), full());
}

#[test]
fn every_kind_of_asset_comes_back_as_it_went() {
    let facts = [
        (Format::Jpg, Facts::Image { width: 1, height: u32::MAX }),
        (Format::Mov, Facts::Video { width: 250, height: 251, duration: 65_536 }),
        (Format::Wav, Facts::Audio { duration: u64::MAX }),
        (Format::Pdf, Facts::Document { page_count: None }),
        (Format::Pdf, Facts::Document { page_count: Some(0) }),
    ];
    for (format, facts) in facts {
        let previews = [Preview::Pending, Preview::Impossible, Preview::Made { size: 0, sha256: [1; 32] }];
        for (thumbnail, waveform) in previews.into_iter().flat_map(|a| previews.map(|b| (a, b))) {
            let asset = Asset { format, facts, thumbnail, waveform, size: u64::MAX, ..image(id(9)) };
            assert_eq!(decode(id(9), &encode(&asset).unwrap()).unwrap(), asset);
        }
    }
    // The longest there is.
    let word = |n: u32| char::from_u32(0x1f600 + n).unwrap().to_string().repeat(Tags::MAX_CHARS);
    let asset = Asset {
        client: Some(group(&"c".repeat(128))),
        campaign: Some(group(&"d".repeat(128))),
        name: Name::given(&"n".repeat(255)).unwrap().unwrap(),
        tags: Tags::new((0..32).map(word)).unwrap(),
        ..full()
    };
    assert_eq!(decode(asset.id, &encode(&asset).unwrap()).unwrap(), asset);
}

#[test]
fn values_out_of_bounds_are_neither_written_nor_read() {
    let cases = [
        Asset { facts: Facts::Video { width: 0, height: 1, duration: 1 }, ..full() },
        Asset { facts: Facts::Video { width: 1, height: 1, duration: 0 }, ..full() },
        Asset { facts: Facts::Audio { duration: 1 }, ..full() },
        Asset { uploaded_at: Time::from_unix(u64::MAX), ..full() },
        Asset { name: Name::from_record(String::new()), ..full() },
        Asset { tags: Tags::from_record(vec![String::new()]), ..full() },
        Asset { tags: Tags::from_record(vec!["x".into(); 33]), ..full() },
    ];
    for asset in cases {
        assert!(matches!(encode(&asset), Err(Error::Damaged { .. })), "{asset:?}");
    }
    let good = encode(&full()).unwrap();
    let with = |place: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[place] = value;
        bytes
    };
    // Behind it stand the facts (10 bytes), the thumbnail (36) and the waveform (1).
    let kind = good.len() - 48;
    let cases = [
        ("version 0", with(0, 0)),
        ("version 2", with(0, 2)),
        ("an owner over 2^53 - 1", with(8, 32)),
        ("a client with a space", with(12, b' ')),
        ("a name that is no UTF-8", with(24, 0xff)),
        ("an unknown format", with(kind, 9)),
        ("a format of another kind", with(kind, 8)),
        ("facts of a fifth kind", with(kind + 1, 4)),
        ("a preview of a fourth sort", with(good.len() - 1, 3)),
        ("a byte more", [good.as_slice(), &[0]].concat()),
        ("nothing", Vec::new()),
    ];
    assert_eq!(good[kind], Format::Mp4 as u8);
    for (name, bytes) in cases {
        let result = decode(id(5), &bytes);
        assert!(matches!(result, Err(Error::Damaged { id: of, .. }) if of == id(5)), "{name}: {result:?}");
    }
}

#[test]
fn damaged_bytes_are_an_error_or_another_record_and_never_a_panic() {
    let good = encode(&full()).unwrap();
    let mut random = Random::new(1);
    let check = |bytes: &[u8]| {
        // Whatever is read can be written, and is then read the same.
        if let Ok(asset) = decode(id(5), bytes) {
            assert_eq!(decode(id(5), &encode(&asset).unwrap()).unwrap(), asset);
        }
    };
    for end in 0..good.len() {
        assert!(decode(id(5), &good[..end]).is_err());
    }
    for place in 0..good.len() {
        for value in 0..=255 {
            let mut bytes = good.clone();
            bytes[place] = value;
            check(&bytes);
        }
    }
    for _ in 0..20_000 {
        let mut bytes: Vec<u8> = (0..random.below(200)).map(|_| random.next() as u8).collect();
        if let Some(first) = bytes.first_mut() {
            *first = 1;
        }
        check(&bytes);
    }
}
