//! API.md, 5: the picture of an asset.

use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};

use crate::support::{Answer, Asset, Server, sample};

#[track_caller]
fn thumbnail(server: &Server, asset: &Asset) -> (Answer, DynamicImage) {
    let answer = server.user(7).get(&asset.sub("thumbnail")).expect(200);
    assert_eq!(answer.header("content-type"), "image/jpeg");
    let picture = image::load_from_memory_with_format(&answer.body, ImageFormat::Jpeg).expect("a JPEG");
    (answer, picture)
}

#[test]
fn the_longest_side_is_480_pixels_and_nothing_is_enlarged() {
    let server = Server::start();
    let rows = [
        ((1000, 500), (480, 240)),
        ((500, 1000), (240, 480)),
        ((480, 480), (480, 480)),
        ((481, 10), (480, 10)),
        ((100, 50), (100, 50)),
        ((1, 1), (1, 1)),
        ((2000, 1), (480, 1)),
    ];
    for (source, shown) in rows {
        let bytes = sample::png_of(sample::fresh(), source.0, source.1);
        let asset = server.user(7).upload_bytes("a.png", &bytes);
        let (_, picture) = thumbnail(&server, &asset);
        assert_eq!((picture.width(), picture.height()), shown, "{source:?}");
    }
}

#[test]
fn the_page_of_a_document_is_drawn_at_480_pixels() {
    let server = Server::start();
    let asset = server.user(7).upload("a.pdf");
    let (_, picture) = thumbnail(&server, &asset);
    assert_eq!((picture.width(), picture.height()), (480, 240));
    // A grey square from (20, 20) to (80, 80) of 200 by 100 points, on white.
    let picture = picture.to_luma8();
    assert!((110..=145).contains(&picture.get_pixel(120, 120).0[0]));
    assert!(picture.get_pixel(400, 120).0[0] > 250);
}

#[test]
fn what_is_transparent_is_shown_on_white() {
    let server = Server::start();
    let mut picture = RgbaImage::from_pixel(40, 20, Rgba([0, 0, 0, 0]));
    for y in 0..20 {
        for x in 0..20 {
            picture.put_pixel(x, y, Rgba([200, 0, 0, 255]));
        }
    }
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).expect("an encoded picture");
    let asset = server.user(7).upload_bytes("a.png", bytes.get_ref());

    let (_, picture) = thumbnail(&server, &asset);

    let picture = picture.to_rgb8();
    let red = picture.get_pixel(8, 10).0;
    let white = picture.get_pixel(32, 10).0;
    assert!(red[0] > 180 && red[1] < 30 && red[2] < 30, "{red:?}");
    assert!(white.iter().all(|value| *value > 245), "{white:?}");
}

#[test]
fn an_image_has_a_thumbnail_though_its_asset_names_none() {
    let server = Server::start();
    for format in ["jpg", "png", "gif", "webp"] {
        let asset = server.user(7).upload(&format!("a.{format}"));
        assert!(asset.get("thumbnailUrl").is_none());
        let (_, picture) = thumbnail(&server, &asset);
        assert_eq!((picture.width(), picture.height()), (8, 6), "{format}");
    }
}

#[test]
fn a_sound_has_no_thumbnail() {
    let server = Server::start();
    for format in ["mp3", "wav"] {
        let asset = server.user(7).upload(&format!("a.{format}"));
        server.user(7).get(&asset.sub("thumbnail")).expect(404).detail("Thumbnail not available");
    }
}

#[test]
fn a_thumbnail_carries_the_headers_of_a_file_and_validators_of_its_own() {
    let server = Server::start();
    let asset = server.user(7).upload("a.png");
    let file = server.user(7).get(&asset.path()).expect(200);
    let (answer, _) = thumbnail(&server, &asset);

    for name in [
        "accept-ranges",
        "cache-control",
        "x-content-type-options",
        "content-security-policy",
        "cross-origin-resource-policy",
        "referrer-policy",
    ] {
        assert_eq!(answer.header(name), file.header(name), "{name}");
    }
    answer.header("last-modified");
    answer.header("content-disposition");
    let etag = answer.header("etag").to_owned();
    assert_ne!(etag, file.header("etag"));
    assert_ne!(answer.header("repr-digest"), file.header("repr-digest"));

    let again = |name: &str, value: &str| {
        server.user(7).request("GET", &asset.sub("thumbnail")).header(name, value).send()
    };
    again("If-None-Match", &etag).expect(304);
    again("If-None-Match", file.header("etag")).expect(200);
    again("If-Match", file.header("etag")).expect(412);
    let part = again("Range", "bytes=0-1").expect(206);
    assert_eq!(part.body, [0xff, 0xd8]);
}

#[test]
fn a_thumbnail_is_the_same_picture_after_a_restart() {
    let mut server = Server::start();
    let asset = server.user(7).upload("a.pdf");
    let (before, _) = thumbnail(&server, &asset);

    server.restart();

    let (after, _) = thumbnail(&server, &asset);
    assert_eq!(after.header("etag"), before.header("etag"));
    assert!(after.body == before.body);
}
