//! Small pictures that ask for much, and pictures whose numbers lie.

use super::bytes::{find, gif, header, lzw, png, segment, unfolding, with_inserted, zlib};
use crate::support::{Form, Server, sample};

/// What an upload is answered with.
enum Verdict {
    /// Accepted with these sides, and whether there is a thumbnail.
    Taken(u32, u32, bool),
    Refused(&'static str),
}
use Verdict::{Refused, Taken};

/// Each is answered by what the file says of itself, no worker dies of it or is stopped, and the next file is none the
/// worse for it.
#[track_caller]
fn assert_harmless(bombs: Vec<(&str, Vec<u8>, Verdict)>) {
    let server = Server::start();
    for (name, bytes, verdict) in bombs {
        let user = server.user(7);
        let form = Form::of(name, &bytes);
        match verdict {
            Taken(width, height, has_thumbnail) => {
                let asset = user.upload_bytes(name, &bytes);
                let sides = (asset.0["width"].as_u64(), asset.0["height"].as_u64());
                assert_eq!(sides, (Some(width.into()), Some(height.into())), "{name}");
                user.get(&asset.sub("thumbnail")).expect(if has_thumbnail { 200 } else { 404 });
            }
            Refused(detail) => {
                user.post(&form).expect(400).detail(detail);
            }
        }
        let innocent = server.user(8).upload_bytes("photo.jpg", &sample::fixture("image/photo.jpg"));
        server.user(8).get(&innocent.sub("thumbnail")).expect(200);
    }
    assert!(!server.log().contains("worker process lost"), "{}", server.log());
}

fn small_png(chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let data = zlib(&[&[0][..], &[200; 64]].concat().repeat(40));
    png(&[&[(b"IHDR", header(64, 40, 8, 0, false))], chunks, &[(b"IDAT", data)]].concat())
}

#[test]
fn pngs_that_unfold_to_gigabytes() {
    const GIGABYTE: u64 = 1 << 30;
    let of = |width, height, depth, colour, interlaced, unfolded| {
        png(&[(b"IHDR", header(width, height, depth, colour, interlaced)), (b"IDAT", unfolding(unfolded))])
    };
    assert_harmless(vec![
        (
            "50000.png",
            of(50_000, 50_000, 8, 2, false, 1 << 20),
            Refused("Image has too many pixels: 50000 x 50000. Maximum is 256 megapixels"),
        ),
        ("gigabyte.png", of(16_000, 8_000, 16, 6, false, GIGABYTE), Taken(16_000, 8_000, true)),
        ("gigabyte-interlaced.png", of(16_000, 8_000, 16, 6, true, GIGABYTE), Taken(16_000, 8_000, true)),
        ("40-kilobytes.png", of(64, 40, 8, 0, false, 40 << 20), Taken(64, 40, true)),
        ("more-than-it-says.png", of(64, 40, 8, 0, false, GIGABYTE), Taken(64, 40, true)),
        ("one-column.png", of(1, 250_000_000, 1, 0, false, 1 << 20), Taken(1, 250_000_000, false)),
        ("one-line.png", of(250_000_000, 1, 16, 6, false, 1 << 20), Taken(250_000_000, 1, false)),
    ]);
}

#[test]
fn pngs_whose_metadata_unfold_to_gigabytes_or_never_end() {
    let bomb = unfolding(1 << 30);
    let with = |kind: &'static [u8; 4], before: &[u8]| small_png(&[(kind, [before, &bomb].concat())]);
    let small = unfolding(40 << 20);
    let many: Vec<(&[u8; 4], Vec<u8>)> = vec![(b"zTXt", [&b"a\0\0"[..], &small].concat()); 200];
    let flood = (0..500_000).flat_map(|_| super::bytes::chunk(b"tEXt", b"")).collect::<Vec<_>>();
    assert_harmless(vec![
        ("zTXt.png", with(b"zTXt", b"a\0\0"), Taken(64, 40, true)),
        ("iTXt.png", with(b"iTXt", b"a\0\x01\0\0\0"), Taken(64, 40, true)),
        ("iCCP.png", with(b"iCCP", b"a\0\0"), Taken(64, 40, true)),
        ("many.png", small_png(&many), Taken(64, 40, true)),
        ("flood.png", with_inserted(&small_png(&[]), 33, &flood), Taken(64, 40, true)),
        ("flood-behind.png", [small_png(&[]), flood].concat(), Taken(64, 40, true)),
    ]);
}

#[test]
fn gifs_of_many_frames_and_of_data_that_unfolds() {
    const SIDES: (u16, u16) = (16_000, 8_000);
    let one = gif(1, 1, 0, &[0x44, 1]);
    let frame = one[find(&one, b",\0\0\0\0")..one.len() - 1].to_vec();
    let at = one.len() - 1;
    let data = lzw(u64::from(SIDES.0) * u64::from(SIDES.1));
    assert!(data.len() < 64 << 10);
    let empty = b",\0\0\0\0\0\0\0\0\0\x02\0".repeat(500_000);
    assert_harmless(vec![
        ("frames.gif", with_inserted(&one, at, &frame.repeat(100_000)), Taken(1, 1, true)),
        (
            "empty-frames.gif",
            [&one[..19], &empty, b";"].concat(),
            Refused("Invalid image file: it holds no picture data"),
        ),
        ("extensions.gif", with_inserted(&one, 19, &b"!\xfe\0".repeat(1_000_000)), Taken(1, 1, true)),
        ("unfolding.gif", gif(SIDES.0, SIDES.1, 0, &data), Taken(16_000, 8_000, true)),
        ("unfolding-interlaced.gif", gif(SIDES.0, SIDES.1, 0x40, &data), Taken(16_000, 8_000, true)),
        (
            "screen.gif",
            gif(65_535, 65_535, 0, &[0x44, 1]),
            Refused("Image has too many pixels: 65535 x 65535. Maximum is 256 megapixels"),
        ),
    ]);
}

#[test]
fn jpegs_of_a_hundred_thousand_scans_and_of_endless_segments() {
    let progressive = sample::fixture("image/progressive.jpg");
    let baseline = sample::fixture("image/photo.jpg");
    let sized = |file: &[u8], code: u8| {
        let mut file = file.to_vec();
        let frame = find(&file, &[0xff, code]);
        file[frame + 5..frame + 9].copy_from_slice(&[0x3e, 0x80, 0x3e, 0x80]);
        file
    };
    let head = sized(&progressive[..find(&progressive, &[0xff, 0xda])], 0xc2);
    let begin = [segment(0xda, &[1, 1, 0, 1, 63, 0]), vec![0]].concat();
    let refine = [segment(0xda, &[1, 1, 0, 1, 63, 0x10]), vec![0]].concat();
    let tables = baseline[find(&baseline, &[0xff, 0xc4])..find(&baseline, &[0xff, 0xda])].to_vec();
    let restarts: Vec<u8> =
        (0..1_000_000u32).flat_map(|number| [0, 0xff, 0xd0 + (number % 8) as u8]).collect();
    let scan = find(&baseline, &[0xff, 0xda]);
    let big = sized(&baseline, 0xc0);
    assert_harmless(vec![
        ("scans.jpg", [&head[..], &begin.repeat(100_000)].concat(), Taken(16_000, 16_000, true)),
        ("refining.jpg", [&head[..], &begin, &refine.repeat(100_000)].concat(), Taken(16_000, 16_000, true)),
        ("small-and-says-large.jpg", big.clone(), Taken(16_000, 16_000, true)),
        (
            "restarts.jpg",
            [&big[..scan], &segment(0xdd, &[0, 1]), &big[scan..scan + 14], &restarts].concat(),
            Taken(16_000, 16_000, true),
        ),
        ("tables.jpg", with_inserted(&baseline, scan, &tables.repeat(5_000)), Taken(640, 400, true)),
        (
            "segments.jpg",
            with_inserted(&baseline, 2, &segment(0xfe, b"").repeat(1_000_000)),
            Refused("Invalid image file: it has no width or height"),
        ),
        ("fill.jpg", with_inserted(&baseline, 2, &[0xff; 4 << 20]), Taken(640, 400, true)),
    ]);
}

#[test]
fn exif_and_profiles_that_count_to_four_thousand_million() {
    let jpg = sample::fixture("image/photo.jpg");
    let entry = [0x69, 0x87, 4, 0, 1, 0, 0, 0, 8, 0, 0, 0];
    // A directory of 65,535 entries, each of which leads back to it.
    let looped = [&b"Exif\0\0II*\0\x08\0\0\0\xff\xff"[..], &entry.repeat(5_000), &[8, 0, 0, 0]].concat();
    let profile = |tags: &[u8]| {
        let mut head = [0; 128];
        head[8] = 4;
        head[12..16].copy_from_slice(b"mntr");
        head[16..24].copy_from_slice(b"RGB XYZ ");
        head[36..40].copy_from_slice(b"acsp");
        let payload = [&b"ICC_PROFILE\0\x01\x01"[..], &head, tags].concat();
        with_inserted(&jpg, 2, &segment(0xe2, &payload))
    };
    let tag =
        |name: &[u8; 4], at: u32, length: u32| [&name[..], &at.to_be_bytes(), &length.to_be_bytes()].concat();
    let curve = [b"curv\0\0\0\0\xff\xff\xff\xff".to_vec(), vec![1; 30_000]].concat();
    // Three inputs, three outputs, 255 points a side: 50 million numbers.
    let table = [b"mft1\0\0\0\0\x03\x03\xff\0".to_vec(), vec![0; 36], vec![7; 30_000]].concat();
    let with_tag = |name: &[u8; 4], body: &[u8]| {
        profile(&[&1_u32.to_be_bytes()[..], &tag(name, 144, body.len() as u32), body].concat())
    };
    assert_harmless(vec![
        ("loop.jpg", with_inserted(&jpg, 2, &segment(0xe1, &looped)), Taken(640, 400, true)),
        (
            "tags.jpg",
            profile(&[&u32::MAX.to_be_bytes()[..], &tag(b"rTRC", 144, 16).repeat(3_000)].concat()),
            Taken(640, 400, true),
        ),
        ("curve.jpg", with_tag(b"rTRC", &curve), Taken(640, 400, true)),
        ("table.jpg", with_tag(b"A2B0", &table), Taken(640, 400, true)),
    ]);
}

#[test]
fn webps_that_claim_more_than_they_hold() {
    let lossy = sample::fixture("image/lossy.webp");
    let lossless = sample::fixture("image/lossless-alpha.webp");
    let mut large = lossy.clone();
    let at = find(&large, b"VP8 ");
    large[at + 14..at + 18].copy_from_slice(&[0x80, 0x3e, 0x80, 0x3e]);
    let mut large_lossless = lossless.clone();
    let at = find(&large_lossless, b"VP8L");
    // Fourteen bits each.
    large_lossless[at + 9..at + 13].copy_from_slice(&(15_999_u32 | 15_999 << 14 | 1 << 28).to_le_bytes());
    let canvas = b"RIFF\xff\xff\xff\xffWEBPVP8X\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    let chunks = b"ABCD\0\0\0\0".repeat(500_000);
    assert_harmless(vec![
        ("large.webp", large, Taken(16_000, 16_000, false)),
        ("large-lossless.webp", large_lossless, Taken(16_000, 16_000, false)),
        (
            "chunks.webp",
            [&canvas[..], &chunks, &lossy[12..]].concat(),
            Refused("Invalid image file: it holds no picture data"),
        ),
    ]);
}
