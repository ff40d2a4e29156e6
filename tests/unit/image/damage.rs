//! Files cut anywhere and changed anywhere: never a panic, and what is said of them holds.

use assetd::asset::Facts;

use super::*;

/// What must hold of any bytes whatever.
#[track_caller]
fn assert_sane(name: &str, bytes: &[u8], is_drawn: bool) {
    let format = format_of(name);
    let Ok(found) = facts(format, bytes) else {
        return;
    };
    let Facts::Image { width, height } = found else {
        panic!("{name}: {found:?}");
    };
    assert!(width > 0 && height > 0 && u64::from(width) * u64::from(height) <= LIMITS.max_pixels);
    if is_drawn && let Some(picture) = thumbnail(format, bytes) {
        let (across, down) = picture.dimensions();
        assert_eq!((across, down), assetd::media::picture::fit(width, height), "{name}");
    }
}

#[test]
fn every_fixture_may_be_cut_at_every_length() {
    for (name, bytes) in FIXTURES {
        for length in 0..bytes.len() {
            // Drawing costs a thousand times what reading the facts does.
            assert_sane(name, &bytes[..length], length % 199 == 0 || length + 4 >= bytes.len());
        }
    }
}

#[test]
fn every_byte_of_the_headers_may_be_changed() {
    for (name, bytes) in FIXTURES {
        for at in 0..bytes.len().min(700) {
            for (index, change) in [0x01, 0x80, 0xff].into_iter().enumerate() {
                let mut changed = bytes.to_vec();
                changed[at] ^= change;
                assert_sane(name, &changed, (at + index) % 29 == 0);
            }
        }
    }
}

#[test]
fn a_cut_file_is_drawn_as_far_as_it_goes() {
    let mut plain_png = Vec::new();
    let mut encoder = png::Encoder::new(&mut plain_png, 640, 400);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::NoCompression);
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(&scene(640, 400)).expect("a PNG");
    writer.finish().expect("a PNG");
    let files = [
        (Format::Jpg, fixture("photo.jpg")),
        (Format::Jpg, fixture("restart.jpg")),
        (Format::Png, plain_png),
        (Format::Gif, fixture("still.gif")),
    ];
    for (format, bytes) in files {
        let picture = thumbnail(format, &bytes[..bytes.len() * 4 / 5]).expect("a thumbnail");
        let [left, right, ..] = quarters(&picture);
        for (found, expected) in [(left, RED), (right, GREEN)] {
            let is_near = found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 14);
            assert!(is_near, "{format:?}: {found:?}");
        }
    }
}

#[test]
fn a_cut_progressive_file_is_drawn_whole_and_coarser() {
    let bytes = fixture("progressive.jpg");
    let picture = thumbnail(Format::Jpg, &bytes[..bytes.len() * 4 / 5]).expect("a thumbnail");
    assert_quarters(&picture, SCENE, "cut");
}

#[test]
fn a_lost_restart_interval_costs_no_more_than_itself() {
    let bytes = fixture("restart.jpg");
    // The second marker of the scan to the fourth: two intervals of the upper half.
    let marks: Vec<usize> = bytes
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| pair[0] == 0xff && (0xd0..=0xd7).contains(&pair[1]))
        .map(|(at, _)| at)
        .collect();
    let cut = [&bytes[..marks[1]], &bytes[marks[3]..]].concat();
    let picture = thumbnail(Format::Jpg, &cut).expect("a thumbnail");
    let [.., below_left, below_right] = quarters(&picture);
    // The seam between the halves stays where it was.
    let (above, below) = (picture.get_pixel(60, 143).0, picture.get_pixel(60, 157).0);
    for (found, expected) in [(above, RED), (below, BLUE), (below_left, BLUE), (below_right, YELLOW)] {
        let is_near = found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 30);
        assert!(is_near, "{found:?} is not {expected:?}");
    }
}

#[test]
fn one_bit_of_a_jpegs_data_does_not_lose_the_rest() {
    let bytes = fixture("photo.jpg");
    let start = bytes.windows(2).position(|window| window == [0xff, 0xda]).expect("a scan") + 14;
    for at in (start..bytes.len() - 2).step_by(bytes.len() / 40) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        assert!(thumbnail(Format::Jpg, &changed).is_some(), "byte {at}");
    }
}

#[test]
fn a_marker_that_means_nothing_costs_no_more_than_its_restart_interval() {
    let bytes = fixture("restart.jpg");
    let at = bytes.windows(2).position(|pair| pair == [0xff, 0xd1]).expect("a restart") + 40;
    let mut changed = bytes.clone();
    changed[at..at + 2].copy_from_slice(&[0xff, 0x9f]);
    let picture = thumbnail(Format::Jpg, &changed).expect("a thumbnail");
    assert_quarters(&picture, SCENE, "around the damage");
}
