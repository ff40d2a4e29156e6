//! Facts and pictures of the files in tests/fixtures, through the front door. What each is, its `make.sh` says.

pub mod bytes;
mod codings;
mod document;
mod films;
mod picture_bombs;
mod pictures;
mod sounds;

use serde_json::{Value, json};

use crate::support::{Server, sample};

/// Width and height of an image; and of its thumbnail, upright.
#[test]
fn images_are_told_as_they_are_displayed() {
    let server = Server::start();
    let rows = [
        ("photo.jpg", "jpg", (640, 400), (480, 300)),
        ("progressive.jpg", "jpg", (640, 400), (480, 300)),
        ("photo-orientation-6.jpg", "jpg", (400, 640), (300, 480)),
        ("cmyk.jpg", "jpg", (96, 60), (96, 60)),
        ("wide.jpg", "jpg", (3840, 48), (480, 6)),
        ("exif.png", "png", (60, 96), (60, 96)),
        ("grey16.png", "png", (96, 60), (96, 60)),
        ("interlaced.png", "png", (96, 60), (96, 60)),
        ("animated.gif", "gif", (96, 60), (96, 60)),
        ("lossy.webp", "webp", (640, 400), (480, 300)),
        ("animated.webp", "webp", (96, 60), (96, 60)),
        ("exif.webp", "webp", (60, 96), (60, 96)),
    ];
    for (name, format, (width, height), thumbnail) in rows {
        let user = server.user(7);
        let asset = user.upload_bytes(name, &sample::fixture(&format!("image/{name}")));
        let told = json!([asset.0["type"], asset.0["format"], asset.0["width"], asset.0["height"]]);
        assert_eq!(told, json!(["image", format, width, height]), "{name}");
        let picture = decoded(&user.get(&asset.sub("thumbnail")).expect(200).body);
        assert_eq!(picture.dimensions(), thumbnail, "{name}");
        if name != "grey16.png" {
            quarters(&picture, name, width < height);
        }
    }
}

/// Red and green above, blue and yellow below; with `turned`, a quarter turn clockwise of that.
#[track_caller]
fn quarters(picture: &image::RgbImage, name: &str, turned: bool) {
    let (red, green, blue, yellow) = ([208, 32, 32], [32, 160, 64], [32, 64, 208], [224, 208, 32]);
    let expected = if turned { [blue, red, yellow, green] } else { [red, green, blue, yellow] };
    let (width, height) = picture.dimensions();
    let places = [(1, 1), (3, 1), (1, 3), (3, 3)].map(|(x, y)| (width * x / 4, height * y / 4));
    for ((x, y), colour) in places.into_iter().zip(expected) {
        let found = picture.get_pixel(x, y).0;
        // JPEG, twice, and CMYK without a profile.
        let near = found.iter().zip(colour).all(|(found, wanted)| found.abs_diff(wanted) <= 60);
        assert!(near, "{name} at {x}, {y}: {found:?}, not {colour:?}");
    }
}

#[test]
fn films_are_told_as_they_are_displayed_and_show_the_frame_at_one_second() {
    let server = Server::start();
    let rows = [
        ("film.mp4", "mp4", (96, 64), 3),
        ("moov-last.mp4", "mp4", (96, 64), 3),
        ("film.mov", "mov", (96, 64), 3),
        ("rotated.mp4", "mp4", (64, 96), 3),
        ("anamorphic.mp4", "mp4", (128, 64), 2),
        ("fragmented.mp4", "mp4", (96, 64), 3),
        ("bframes.mp4", "mp4", (96, 64), 3),
        ("leading.mp4", "mp4", (96, 64), 3),
        ("interlaced.mp4", "mp4", (96, 64), 2),
        ("high422-10.mp4", "mp4", (96, 64), 2),
        ("mjpeg.mov", "mov", (96, 64), 2),
        ("hevc.mp4", "mp4", (96, 64), 2),
        ("hevc-leading.mp4", "mp4", (96, 64), 2),
        ("hevc444-12.mp4", "mp4", (96, 64), 2),
        ("av1.mp4", "mp4", (90, 50), 2),
        ("av1-10.mp4", "mp4", (96, 64), 2),
        ("vp9.mp4", "mp4", (91, 51), 2),
        ("vp9-444-10.mp4", "mp4", (96, 64), 2),
        ("prores.mov", "mov", (96, 64), 1),
        ("mpeg4.mp4", "mp4", (96, 64), 2),
        ("mpeg4-advanced.mp4", "mp4", (96, 64), 2),
        ("h263.mov", "mov", (176, 144), 2),
        ("hevc422-10.mp4", "mp4", (96, 64), 2),
        ("mpeg1.mp4", "mp4", (96, 64), 2),
        ("mpeg2.mov", "mov", (96, 64), 2),
    ];
    for (name, format, (width, height), duration) in rows {
        let user = server.user(7);
        let asset = user.upload_bytes(name, &sample::fixture(&format!("video/{name}"))).0;
        let told = ["type", "format", "width", "height", "duration"].map(|key| asset[key].clone());
        assert_eq!(json!(told), json!(["video", format, width, height, duration]), "{name}");
        let picture = thumbnail(&server, &asset);
        let (shown_width, shown_height) = picture.dimensions();
        assert_eq!((shown_width, shown_height), (width, height), "{name}");
        // The half that is red before and blue after is green now; turned, it lies below.
        let (x, y) = if width < height { (width / 2, height * 3 / 4) } else { (width * 3 / 4, height / 2) };
        let [red, green, blue] = picture.get_pixel(x, y).0;
        assert!(green > 180 && red < 90 && blue < 90, "{name}: {red} {green} {blue}");
    }
}

#[test]
fn a_film_that_begins_black_shows_a_later_frame() {
    let server = Server::start();
    let asset = server.user(7).upload_bytes("fade-in.mp4", &sample::fixture("video/fade-in.mp4")).0;
    let picture = thumbnail(&server, &asset);
    assert!(picture.get_pixel(30, 48).0.iter().all(|level| *level > 200));
}

#[test]
fn a_codec_that_cannot_be_drawn_is_no_reason_to_refuse_a_film() {
    let server = Server::start();
    let asset = server.user(7).upload_bytes("jpeg2000.mov", &sample::fixture("video/jpeg2000.mov"));
    assert_eq!(asset.0["thumbnailUrl"], Value::Null);
    server.user(7).get(&asset.sub("thumbnail")).expect(404).detail("Thumbnail not available");
}

#[test]
fn sounds_are_told_by_what_is_in_them() {
    let server = Server::start();
    let rows = [
        ("tone.mp3", "mp3", 2),
        ("vbr.mp3", "mp3", 2),
        ("mpeg25.mp3", "mp3", 4),
        // Half a second is rounded up.
        ("tone.wav", "wav", 2),
        ("wav24.wav", "wav", 1),
        ("float.wav", "wav", 1),
        ("alaw.wav", "wav", 3),
        ("adpcm.wav", "wav", 4),
        ("rf64.wav", "wav", 1),
    ];
    for (name, format, duration) in rows {
        let asset = server.user(7).upload_bytes(name, &sample::fixture(&format!("audio/{name}"))).0;
        let told = ["type", "format", "duration"].map(|key| asset[key].clone());
        assert_eq!(json!(told), json!(["audio", format, duration]), "{name}");
    }
}

#[test]
fn documents_are_told_by_their_page_tree_and_show_their_first_page() {
    let server = Server::start();
    let rows = [
        ("report.pdf", json!(3), Some((340, 480))),
        ("linearised.pdf", json!(3), Some((340, 480))),
        ("objstm.pdf", json!(3), Some((340, 480))),
        ("incremental.pdf", json!(4), Some((340, 480))),
        ("broken-xref.pdf", json!(3), Some((340, 480))),
        ("encrypted-empty.pdf", json!(3), Some((340, 480))),
        ("encrypted-password.pdf", Value::Null, None),
        ("rotated-cropped.pdf", json!(1), Some((240, 480))),
    ];
    for (name, pages, size) in rows {
        let asset = server.user(7).upload_bytes(name, &sample::fixture(&format!("document/{name}"))).0;
        let told = ["type", "format", "pageCount"].map(|key| asset[key].clone());
        assert_eq!(json!(told), json!(["document", "pdf", pages]), "{name}");
        let Some(size) = size else {
            assert_eq!(asset["thumbnailUrl"], Value::Null, "{name}");
            continue;
        };
        let picture = thumbnail(&server, &asset);
        assert_eq!(picture.dimensions(), size, "{name}");
        if size == (340, 480) {
            // The bar along the upper edge of the first page, and the paper below.
            let [red, green, blue] = picture.get_pixel(170, 20).0;
            assert!(red > 200 && green < 60 && blue < 60, "{name}: {red} {green} {blue}");
            assert!(picture.get_pixel(330, 470).0.iter().all(|level| *level > 240), "{name}");
        }
    }
}

/// The picture behind an asset's `thumbnailUrl`.
#[track_caller]
fn thumbnail(server: &Server, asset: &Value) -> image::RgbImage {
    let url = asset["thumbnailUrl"].as_str().expect("a thumbnailUrl");
    let path = url.strip_prefix(&server.base()).expect("a URL of this server");
    let answer = server.user(7).get(path).expect(200);
    assert_eq!(answer.header("content-type"), "image/jpeg");
    decoded(&answer.body)
}

#[track_caller]
fn decoded(jpeg: &[u8]) -> image::RgbImage {
    image::load_from_memory_with_format(jpeg, image::ImageFormat::Jpeg).expect("a JPEG").into_rgb8()
}
