use assetd::asset::{Foreign, Format};
use assetd::media::Sniffed::{self, Allowed, Foreign as Other};
use assetd::media::video::sniff;

use super::{atom, fixture};

#[test]
fn the_major_brand_tells_films_sounds_and_pictures_apart() {
    let rows: &[(&[u8; 4], Option<Sniffed>)] = &[
        (b"isom", Some(Allowed(Format::Mp4))),
        (b"mp42", Some(Allowed(Format::Mp4))),
        (b"M4V ", Some(Allowed(Format::Mp4))),
        (b"3gp5", Some(Allowed(Format::Mp4))),
        (b"dash", Some(Allowed(Format::Mp4))),
        (b"XAVC", Some(Allowed(Format::Mp4))),
        (b"F4V ", Some(Allowed(Format::Mp4))),
        (b"qt  ", Some(Allowed(Format::Mov))),
        (b"M4A ", Some(Other(Foreign::M4a))),
        (b"M4A\0", Some(Other(Foreign::M4a))),
        (b"M4B ", Some(Other(Foreign::M4a))),
        (b"F4A ", Some(Other(Foreign::M4a))),
        (b"heic", None),
        (b"mif1", None),
        (b"avif", None),
        (b"crx ", None),
    ];
    for (brand, expected) in rows {
        let head = atom(b"ftyp", &[brand.as_slice(), b"\0\0\0\0qt  "].concat());
        assert_eq!(sniff(&head), *expected, "{}", brand.escape_ascii());
    }
}

#[test]
fn a_film_without_a_brand_is_quicktime_where_its_boxes_are_plausible() {
    let moov = atom(b"moov", &atom(b"mvhd", &[0; 100]));
    let mdat = atom(b"mdat", &[0; 100]);
    let wide = atom(b"wide", &[]);
    let mov = Some(Allowed(Format::Mov));
    assert_eq!(sniff(&moov), mov);
    assert_eq!(sniff(&mdat), mov);
    assert_eq!(sniff(&[wide.clone(), mdat.clone()].concat()), mov);
    assert_eq!(sniff(&atom(b"free", &[0; 9000])[..4096]), mov);
    // Of an old camera's film the size of the media alone is in the head.
    assert_eq!(sniff(b"\x01\x23\x45\x67mdat\xff\xd8"), mov);
    // A size of 64 bits, and one that means: to the end of the file.
    assert_eq!(sniff(b"\0\0\0\x01mdat\0\0\0\0\x80\0\0\0"), mov);
    assert_eq!(sniff(b"\0\0\0\0mdat\0\0\0\0\x80\0\0\0"), mov);
    // The brand may come second.
    assert_eq!(sniff(&[wide.clone(), atom(b"ftyp", b"mp42\0\0\0\0")].concat()), Some(Allowed(Format::Mp4)));
    // The brand behind a size of 64 bits.
    let long = [b"\0\0\0\x01ftyp\0\0\0\0\0\0\0\x18qt  \0\0\0\0".as_slice(), &wide].concat();
    assert_eq!(sniff(&long), mov);
    // A segment of a fragmented film, which `probe` then refuses.
    for kind in [b"moof", b"styp", b"sidx", b"prft", b"emsg"] {
        assert_eq!(sniff(&atom(kind, &[0; 50])), Some(Allowed(Format::Mp4)), "{}", kind.escape_ascii());
    }
}

#[test]
fn the_name_of_a_box_in_its_place_alone_makes_no_film() {
    let moov_of_nothing = atom(b"moov", b"\0\0\0\x20abcdefgh");
    let child_too_long = atom(b"moov", b"\0\0\x20\0mvhdefgh");
    let then_garbage = [atom(b"wide", &[]), b"no box at all".to_vec()].concat();
    let three_zeros_before = [&[0, 0, 0], fixture("film.mp4").as_slice()].concat();
    let rows: &[&[u8]] = &[
        &moov_of_nothing,
        &child_too_long,
        &then_garbage,
        &three_zeros_before,
        b"get free beer at the moov",
        b"\0\0\0\x04mdat\0\0\0\0",
        b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x05",
        b"",
        b"\0\0\0\x08",
    ];
    for head in rows {
        let shown = &head[..head.len().min(20)];
        assert_eq!(sniff(head), None, "{}", shown.escape_ascii());
    }
}

#[test]
fn films_of_other_kinds_are_named() {
    let ebml =
        |doc_type: &[u8]| [b"\x1a\x45\xdf\xa3\xa3\x42\x86\x81\x01", doc_type, b"\x42\x87\x81\x02"].concat();
    let packets = |size: usize, first: usize| {
        let mut bytes = vec![0; 4096];
        bytes.iter_mut().skip(first).step_by(size).for_each(|byte| *byte = 0x47);
        bytes
    };
    let rows: Vec<(Vec<u8>, Foreign)> = vec![
        (ebml(b"\x42\x82\x88matroska"), Foreign::Matroska),
        (ebml(b"\x42\x82\x84webm"), Foreign::Webm),
        (ebml(b"\x42\x82\x40\x04webm"), Foreign::Webm),
        (ebml(b""), Foreign::Matroska),
        (b"RIFF\0\0\0\0AVI LIST".to_vec(), Foreign::Avi),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c".to_vec(), Foreign::Wmv),
        (b"FLV\x01\x05\0\0\0\x09".to_vec(), Foreign::Flv),
        (b"\0\0\x01\xba\x21\0\x01".to_vec(), Foreign::MpegPs),
        (
            b"OggS\0\x02\0\0\0\0\0\0\0\0\x11\0\0\0\0\0\0\0\x92\xc0\x57\x4e\x01\x2a\x80theora\x03\x02"
                .to_vec(),
            Foreign::OggVideo,
        ),
        (packets(188, 0), Foreign::MpegTs),
        (packets(192, 4), Foreign::MpegTs),
        (b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02\x04\0".to_vec(), Foreign::Mxf),
    ];
    for (head, foreign) in rows {
        assert_eq!(sniff(&head), Some(Other(foreign)), "{foreign:?}");
    }
    assert_eq!(sniff(b"RIFF\0\0\0\0WAVEfmt "), None);
    assert_eq!(sniff(&packets(188, 0)[..400]), None, "three sync bytes are chance");
}

#[test]
fn fixtures_are_what_their_names_say() {
    for (name, format) in [
        ("film.mp4", Format::Mp4),
        ("moov-last.mp4", Format::Mp4),
        ("fragmented.mp4", Format::Mp4),
        ("film.mov", Format::Mov),
        ("mjpeg.mov", Format::Mov),
    ] {
        assert_eq!(sniff(&fixture(name)), Some(Allowed(format)), "{name}");
    }
}
