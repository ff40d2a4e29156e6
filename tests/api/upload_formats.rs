//! API.md, 2 and the acceptances of 3: what each format becomes.

use serde_json::{Value, json};

use crate::support::{Form, Server, now, sample};

const COMMON: [&str; 11] =
    ["id", "userId", "clientId", "campaignId", "name", "url", "size", "uploadedAt", "tags", "type", "format"];

/// The kind of each format and the keys that its asset has beside the common ones.
const FORMATS: [(&str, &str, &[&str]); 9] = [
    ("jpg", "image", &["width", "height"]),
    ("png", "image", &["width", "height"]),
    ("gif", "image", &["width", "height"]),
    ("webp", "image", &["width", "height"]),
    ("mp4", "video", &["width", "height", "duration", "thumbnailUrl"]),
    ("mov", "video", &["width", "height", "duration", "thumbnailUrl"]),
    ("mp3", "audio", &["duration", "waveformUrl"]),
    ("wav", "audio", &["duration", "waveformUrl"]),
    ("pdf", "document", &["pageCount", "thumbnailUrl"]),
];

fn keys(asset: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = asset.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn each_format_becomes_an_asset_with_just_the_keys_of_its_kind() {
    let server = Server::start();
    for (format, kind, more) in FORMATS {
        let asset = server.user(7).upload(&format!("file.{format}"));

        let mut expected = [&COMMON[..], more].concat();
        expected.sort_unstable();
        assert_eq!(keys(&asset), expected, "{format}");
        assert_eq!(asset["type"], kind, "{format}");
        assert_eq!(asset["format"], format);
    }
}

#[test]
fn the_common_keys_say_what_was_uploaded_and_by_whom() {
    let server = Server::start();
    for (format, _, _) in FORMATS {
        let bytes = sample::named(format);
        let before = now();
        let asset = server.user(7).upload_bytes(&format!("file.{format}"), &bytes);
        let after = now();

        assert_eq!(asset["userId"], 7);
        assert_eq!(asset["clientId"], Value::Null);
        assert_eq!(asset["campaignId"], Value::Null);
        assert_eq!(asset["tags"], Value::Null);
        assert_eq!(asset["name"], format!("file.{format}"));
        assert_eq!(asset["size"], bytes.len());
        assert_eq!(asset["url"], format!("{}{}", server.base(), asset.path()));
        let time = asset["uploadedAt"].as_str().expect("a time");
        let unix = unix_time(time);
        assert!((before..=after).contains(&unix), "{time}");
    }
}

/// Seconds since 1970 of a time in the API's form, checked to be in it: `2025-11-16T19:43:00Z`.
#[track_caller]
fn unix_time(time: &str) -> u64 {
    let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(shape, "0000-00-00T00:00:00Z", "{time}");
    let number = |at: std::ops::Range<usize>| time[at].parse::<u64>().expect("digits");
    let (year, month, day) = (number(0..4), number(5..7), number(8..10));
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut days: u64 = (1970..year).map(|year| if leap(year) { 366 } else { 365 }).sum();
    let february = if leap(year) { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    days += months[..month as usize - 1].iter().sum::<u64>() + day - 1;
    days * 86_400 + number(11..13) * 3_600 + number(14..16) * 60 + number(17..19)
}

#[test]
fn the_facts_of_a_file_are_told_from_its_bytes() {
    let server = Server::start();
    let user = server.user(7);
    let seed = sample::fresh;
    // The name, the bytes, and the facts they hold.
    let rows = [
        ("a.png", sample::png_of(seed(), 31, 17), json!({"width": 31, "height": 17})),
        ("a.jpg", sample::jpg(seed()), json!({"width": 8, "height": 6})),
        ("a.gif", sample::gif(seed()), json!({"width": 8, "height": 6})),
        ("a.webp", sample::webp(seed()), json!({"width": 8, "height": 6})),
        ("a.wav", sample::wav(seed(), 8_000), json!({"duration": 1})),
        ("b.wav", sample::wav(seed(), 80), json!({"duration": 1})),
        ("c.wav", sample::wav(seed(), 19_999), json!({"duration": 2})),
        ("d.wav", sample::wav(seed(), 20_000), json!({"duration": 3})),
        // 100 frames of 1152 samples at 44.1 kHz: 2.61 s.
        ("a.mp3", sample::mp3(seed(), 100), json!({"duration": 3})),
        ("a.pdf", sample::pdf(seed(), 1), json!({"pageCount": 1})),
        ("b.pdf", sample::pdf(seed(), 12), json!({"pageCount": 12})),
    ];
    for (name, bytes, facts) in rows {
        let asset = user.upload_bytes(name, &bytes);
        for (key, value) in facts.as_object().expect("facts") {
            assert_eq!(&asset[key], value, "{key} of {name}");
        }
    }
}

#[test]
fn videos_and_documents_come_with_the_url_of_a_thumbnail_that_is_there() {
    let server = Server::start();
    for name in ["film.mp4", "film.mov", "paper.pdf"] {
        let asset = server.user(7).upload(name);

        let url = format!("{}{}", server.base(), asset.sub("thumbnail"));
        assert_eq!(asset["thumbnailUrl"], url, "{name}");
        server.user(7).get(&asset.sub("thumbnail")).expect(200);
    }
}

#[test]
fn an_upload_answers_with_the_location_of_the_file() {
    let server = Server::start();
    let answer = server.user(7).post(&Form::of("a.png", &sample::named("png"))).expect(201);

    let url = answer.json()["url"].as_str().expect("a url").to_owned();
    assert_eq!(answer.header("location"), url);
}

#[test]
fn a_stored_file_has_just_the_bytes_that_were_sent_and_a_name_of_id_and_format() {
    let server = Server::start();
    for format in sample::FORMATS {
        let bytes = sample::named(format);
        let asset = server.user(7).upload_bytes(&format!("../../{format}.{format}"), &bytes);

        assert!(server.files().contains(&asset.file()), "{format}");
        let stored = std::fs::read(server.path(&asset.file())).expect("the stored file");
        assert_eq!(stored, bytes, "{format}");
    }
    let strange: Vec<String> = server
        .files()
        .into_iter()
        .filter(|file| !file.starts_with("assets/") || !is_asset_file(&file["assets/".len()..]))
        .collect();
    assert!(strange.is_empty(), "{strange:?}");
}

/// `{id}.{format}`, `{id}_thumb.jpg` or `{id}_waveform.json`.
fn is_asset_file(name: &str) -> bool {
    let Some((id, rest)) = name.split_at_checked(36) else {
        return false;
    };
    id.parse::<uuid::Uuid>().is_ok()
        && (rest == "_thumb.jpg"
            || rest == "_waveform.json"
            || rest.strip_prefix('.').is_some_and(|format| sample::FORMATS.contains(&format)))
}

#[test]
fn the_format_is_what_the_bytes_are_and_the_name_stays_as_sent() {
    let server = Server::start();
    // A name that is wrong within its kind is no fault, nor one that claims nothing.
    let rows = [
        ("photo.jpg", "png", "png"),
        ("photo.JPEG", "jpg", "jpg"),
        ("photo.png", "webp", "webp"),
        ("photo.heic", "gif", "gif"),
        ("film.mp4", "mov", "mov"),
        ("tone.wav", "mp3", "mp3"),
        ("tone.flac", "wav", "wav"),
        ("paper.docx", "pdf", "pdf"),
        ("no-extension", "png", "png"),
        ("archive.v2", "png", "png"),
        ("file.bin", "wav", "wav"),
    ];
    for (name, bytes, format) in rows {
        let form = Form::new().file(name, None, &sample::named(bytes));
        let asset = server.user(7).upload_form(&form);
        assert_eq!(asset["format"], format, "{name}");
        assert_eq!(asset["name"], name);
    }
}

#[test]
fn a_declared_type_of_the_same_kind_or_of_none_is_no_fault() {
    let server = Server::start();
    let rows = [
        ("png", Some("image/jpeg")),
        ("png", Some("image/heic")),
        ("png", Some("IMAGE/PNG")),
        ("png", Some("image/png; charset=binary")),
        ("png", Some("application/octet-stream")),
        ("png", Some("binary/octet-stream")),
        ("png", None),
        ("wav", Some("audio/x-wav")),
        ("mov", Some("video/mp4")),
        ("pdf", Some("application/x-pdf")),
    ];
    for (format, declared) in rows {
        let form = Form::new().file("file", declared, &sample::named(format));
        let asset = server.user(7).upload_form(&form);
        assert_eq!(asset["format"], format, "{declared:?}");
    }
}

#[test]
fn a_pdf_may_begin_within_the_first_1024_bytes() {
    let server = Server::start();
    let mut bytes = vec![b'\n'; 900];
    bytes.extend_from_slice(&sample::named("pdf"));

    let asset = server.user(7).upload_bytes("a.pdf", &bytes);

    assert_eq!(asset["format"], "pdf");
    assert_eq!(asset["pageCount"], 1);
}

#[test]
fn the_same_bytes_twice_are_two_assets() {
    let server = Server::start();
    let bytes = sample::named("png");
    let first = server.user(7).upload_bytes("a.png", &bytes);
    let second = server.user(7).upload_bytes("a.png", &bytes);

    assert_ne!(first.id(), second.id());
    server.user(7).delete(&first.path()).expect(200);
    assert_eq!(server.user(7).get(&second.path()).expect(200).body, bytes);
}

#[test]
fn ids_are_version_7_in_lower_case_and_ascend_in_the_order_of_acceptance() {
    let mut server = Server::start();
    let mut ids = Vec::new();
    for round in 0..3 {
        if round > 0 {
            server.restart();
        }
        for user in [7, 8, 7] {
            ids.push(server.user(user).upload("a.png").id().to_owned());
        }
    }
    for id in &ids {
        let uuid: uuid::Uuid = id.parse().expect("a UUID");
        assert_eq!(uuid.get_version_num(), 7, "{id}");
        assert_eq!(&uuid.hyphenated().to_string(), id);
    }
    assert!(ids.is_sorted(), "{ids:?}");
}

#[test]
fn the_largest_and_the_least_user_own_assets_like_any_other() {
    let server = Server::start();
    for user in [0, (1 << 53) - 1] {
        let asset = server.user(user).upload("a.png");
        assert_eq!(asset["userId"], user);
        assert_eq!(server.user(user).list_all(""), [asset.id()]);
    }
}

#[test]
fn urls_are_those_of_the_request_or_of_the_public_url() {
    let mut server = Server::start();
    let asset = server.user(7).upload("a.pdf");
    let urls = |server: &Server, host: &str| {
        let answer = server.user(7).request("GET", &asset.sub("metadata")).header("Host", host).send();
        let json = answer.expect(200).json();
        (json["url"].clone(), json["thumbnailUrl"].clone())
    };
    let expected = |base: &str| {
        (json!(format!("{base}{}", asset.path())), json!(format!("{base}{}", asset.sub("thumbnail"))))
    };

    for host in ["files.example", "files.example:8443", "[::1]:80"] {
        assert_eq!(urls(&server, host), expected(&format!("http://{host}")));
    }
    // They are not stored: the same asset, asked of a server with a public URL.
    for public in ["https://files.example", "https://example.com/media", "https://example.com/media/"] {
        server.sigterm();
        server.wait();
        let setup = Server::setup_of(&server).args(&["--public-url", public]);
        server.start_again_as(setup);
        let base = public.trim_end_matches('/');
        assert_eq!(urls(&server, "other.example"), expected(base), "{public}");
    }
}

#[test]
fn forwarded_headers_are_not_read() {
    let server = Server::start();
    let asset = server.user(7).upload("a.png");
    let answer = server
        .user(7)
        .request("GET", &asset.sub("metadata"))
        .header("X-Forwarded-Host", "evil.example")
        .header("X-Forwarded-Proto", "https")
        .header("Forwarded", "host=evil.example;proto=https")
        .send();

    assert_eq!(answer.expect(200).json()["url"], asset["url"]);
}
