//! API.md, 5: what a file is served with.

use std::time::{Duration, UNIX_EPOCH};

use percent_encoding::percent_decode_str;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::support::{Asset, Form, Server, base64, sample};

const MEDIA_TYPES: [(&str, &str); 9] = [
    ("jpg", "image/jpeg"),
    ("png", "image/png"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("mp4", "video/mp4"),
    ("mov", "video/quicktime"),
    ("mp3", "audio/mpeg"),
    ("wav", "audio/wav"),
    ("pdf", "application/pdf"),
];

#[test]
fn a_file_comes_back_byte_for_byte_with_its_type_and_length() {
    let server = Server::start();
    for (format, media_type) in MEDIA_TYPES {
        let bytes = sample::named(format);
        let asset = server.user(7).upload_bytes(&format!("a.{format}"), &bytes);

        let answer = server.user(7).get(&asset.path()).expect(200);

        assert!(answer.body == bytes, "{format}");
        assert_eq!(answer.header("content-type"), media_type);
        assert_eq!(answer.header("content-length"), bytes.len().to_string());
    }
}

#[test]
fn a_file_of_many_buffers_comes_back_byte_for_byte() {
    let server = Server::start();
    let bytes = sample::wav(sample::fresh(), 9_000_001);
    let asset = server.user(7).upload_bytes("a.wav", &bytes);

    assert!(server.user(7).get(&asset.path()).expect(200).body == bytes);
    let part = server
        .user(7)
        .request("GET", &asset.path())
        .header("Range", "bytes=1234567-7654321")
        .send()
        .expect(206);
    assert!(part.body == bytes[1_234_567..=7_654_321]);
}

#[test]
fn a_file_carries_every_header_of_its_page() {
    let server = Server::start();
    let bytes = sample::named("png");
    let asset = server.user(7).upload_bytes("a.png", &bytes);

    let answer = server.user(7).get(&asset.path()).expect(200);

    let etag = answer.header("etag");
    assert!(etag.len() > 2 && etag.starts_with('"') && etag.ends_with('"'), "{etag}");
    assert_eq!(answer.header("accept-ranges"), "bytes");
    assert_eq!(answer.header("repr-digest"), format!("sha-256=:{}:", base64(&Sha256::digest(&bytes))));
    assert_eq!(answer.header("cache-control"), "private, no-cache");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    let modified = httpdate::parse_http_date(answer.header("last-modified")).expect("a date");
    let modified = modified.duration_since(UNIX_EPOCH).expect("after 1970");
    let age = Duration::from_secs(crate::support::now()).saturating_sub(modified);
    assert!(age < Duration::from_secs(60), "{modified:?}");
}

#[test]
fn nothing_in_a_file_can_run_or_load_anything() {
    let server = Server::start();
    for format in sample::FORMATS {
        let asset = server.user(7).upload(&format!("a.{format}"));
        let answer = server.user(7).get(&asset.path()).expect(200);

        let policy = answer.header("content-security-policy");
        let directives: Vec<&str> = policy.split(';').map(str::trim).collect();
        assert!(directives.contains(&"default-src 'none'"), "{policy}");
        // A PDF viewer does not work in a sandbox, a player not in one without an origin. Neither lets scripts run.
        let sandbox = directives.iter().copied().find(|directive| directive.starts_with("sandbox"));
        let expected = match format {
            "pdf" => None,
            "mp4" | "mov" | "mp3" | "wav" => Some("sandbox allow-same-origin"),
            _ => Some("sandbox"),
        };
        assert_eq!(sandbox, expected, "{policy}");
        for directive in directives.iter().filter(|directive| !directive.starts_with("sandbox")) {
            assert!(!directive.starts_with("script-src"), "{policy}");
            // Whatever is let in again comes from here alone.
            let sources = directive.split_whitespace().skip(1);
            for source in sources {
                assert!(["'none'", "'self'", "'unsafe-inline'"].contains(&source), "{source} in {policy}");
            }
            if directive.contains("'unsafe-inline'") {
                assert!(directive.starts_with("style-src "), "{policy}");
            }
        }
    }
}

#[test]
fn head_answers_as_get_does_without_the_body() {
    let server = Server::start();
    let asset = server.user(7).upload("a.pdf");
    let targets = [
        asset.path(),
        format!("{}?download=1", asset.path()),
        asset.sub("thumbnail"),
        asset.sub("metadata"),
        "/api/v2/assets".to_owned(),
        "/api/v2/assets?limit=0".to_owned(),
        "/api/v2/clients".to_owned(),
        "/api/v2/campaigns".to_owned(),
        "/healthz".to_owned(),
        "/readyz".to_owned(),
        "/api/v2/assets/00000000-0000-0000-0000-000000000000".to_owned(),
        "/nowhere".to_owned(),
    ];
    for target in targets {
        let get = server.user(7).get(&target);
        let head = server.user(7).head(&target);
        let headers = |answer: &crate::support::Answer| {
            let mut headers = answer.headers.clone();
            headers.retain(|(name, _)| name != "date");
            headers.sort();
            headers
        };
        assert_eq!(head.status, get.status, "{target}");
        assert_eq!(headers(&head), headers(&get), "{target}");
    }
}

#[test]
fn a_head_leaves_the_connection_fit_for_the_next_request() {
    let server = Server::start();
    let asset = server.user(7).upload("a.png");
    let mut connection = server.connect();
    let head = server.user(7).request("HEAD", &asset.path());
    for _ in 0..2 {
        head.send_on(&mut connection).expect(200);
    }
    let get = server.user(7).request("GET", &asset.path());
    get.send_on(&mut connection).expect(200);
}

/// The name that the extended parameter of a disposition gives (RFC 5987), checked to be well coded.
#[track_caller]
fn extended_name(disposition: &str) -> String {
    let (_, coded) = disposition
        .split_once("; filename*=UTF-8''")
        .unwrap_or_else(|| panic!("no filename*: {disposition}"));
    let mut bytes = coded.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let hex = [bytes.next(), bytes.next()];
            assert!(hex.iter().all(|digit| digit.is_some_and(|digit| digit.is_ascii_hexdigit())), "{coded}");
        } else {
            assert!(byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte), "{coded}");
        }
    }
    percent_decode_str(coded).decode_utf8().expect("a name in UTF-8").into_owned()
}

/// The value of the plain parameter, checked to be safe between quotes.
#[track_caller]
fn plain_name<'a>(disposition: &'a str, kind: &str) -> &'a str {
    let rest = disposition
        .strip_prefix(&format!("{kind}; filename=\""))
        .unwrap_or_else(|| panic!("not {kind}: {disposition}"));
    let (plain, _) = rest.split_once("\"; filename*=").expect("a quoted name");
    assert!(plain.bytes().all(|byte| (0x20..0x7f).contains(&byte) && !b"\"\\/".contains(&byte)), "{plain}");
    plain
}

#[test]
fn a_disposition_names_the_file_and_ends_in_its_true_extension() {
    let server = Server::start();
    let rows = [
        ("jpg", "photo.jpg", "photo.jpg"),
        ("jpg", "photo.JPG", "photo.JPG"),
        ("jpg", "photo.jpeg", "photo.jpeg"),
        ("jpg", "photo.JPEG", "photo.JPEG"),
        ("jpg", "photo", "photo.jpg"),
        ("jpg", "photo.png", "photo.png.jpg"),
        ("png", "photo.jpeg", "photo.jpeg.png"),
        ("png", "photopng", "photopng.png"),
        ("png", "page.html", "page.html.png"),
        ("png", "trailing.png.", "trailing.png..png"),
        ("png", "16/9 key.png", "16_9 key.png"),
        ("png", r"a\b.png", "a_b.png"),
        ("png", "../../x.png", ".._.._x.png"),
        ("png", "\"quoted\"; x=y.png", "\"quoted\"; x=y.png"),
        ("png", "été 100%.png", "été 100%.png"),
        ("wav", "日本語", "日本語.wav"),
        ("wav", "a'b(c)*d.wav", "a'b(c)*d.wav"),
    ];
    for (format, name, served) in rows {
        let form = Form::new().text("name", name).file("f", None, &sample::named(format));
        let asset = server.user(7).upload_form(&form);
        assert_eq!(asset["name"], name, "the name itself stays");

        let answer = server.user(7).get(&asset.path()).expect(200);
        let disposition = answer.header("content-disposition");

        assert_eq!(extended_name(disposition), served);
        let plain = plain_name(disposition, "inline");
        let simple = |c: char| c.is_ascii_alphanumeric() || " ._-".contains(c);
        if served.chars().all(simple) {
            assert_eq!(plain, served);
        }
        assert!(
            plain
                .to_lowercase()
                .rsplit('.')
                .next()
                .is_some_and(|end| { end == format || (end == "jpeg" && format == "jpg") })
        );
    }
}

#[test]
fn download_makes_the_disposition_an_attachment() {
    let server = Server::start();
    let asset = server.user(7).upload("a.png");
    let disposition = |query: &str| {
        let answer = server.user(7).get(&format!("{}{query}", asset.path()));
        answer.expect(200).header("content-disposition").to_owned()
    };
    assert_eq!(disposition("?download=1"), "attachment; filename=\"a.png\"; filename*=UTF-8''a.png");
    assert_eq!(disposition(""), "inline; filename=\"a.png\"; filename*=UTF-8''a.png");
    assert_eq!(disposition("?unknown=1"), "inline; filename=\"a.png\"; filename*=UTF-8''a.png");
}

#[test]
fn a_changed_name_is_served_at_once_and_the_validators_stay() {
    let server = Server::start();
    let asset = server.user(7).upload("a.png");
    let before = server.user(7).get(&asset.path()).expect(200);

    server.user(7).patch(&asset.path(), &json!({"name": "b.png"})).expect(200);

    let after = server.user(7).get(&asset.path()).expect(200);
    assert!(after.header("content-disposition").contains("b.png"));
    for name in ["etag", "last-modified", "repr-digest"] {
        assert_eq!(after.header(name), before.header(name), "{name}");
    }
}

#[test]
fn equal_bytes_have_equal_etags_and_other_bytes_another() {
    let mut server = Server::start();
    let bytes = sample::named("png");
    let first = server.user(7).upload_bytes("a.png", &bytes);
    let second = server.user(8).upload_bytes("b.png", &bytes);
    let other = server.user(7).upload("a.png");
    let etag = |server: &Server, user: u64, asset: &Asset| {
        let answer = server.user(user).get(&asset.path()).expect(200);
        answer.header("etag").to_owned()
    };
    let before = etag(&server, 7, &first);
    assert_eq!(before, etag(&server, 8, &second));
    assert_ne!(before, etag(&server, 7, &other));

    server.restart();
    assert_eq!(before, etag(&server, 7, &first));
}

#[test]
fn metadata_is_the_asset_that_the_upload_answered_with() {
    let server = Server::start();
    for format in sample::FORMATS {
        let asset = server.user(7).upload(&format!("a.{format}"));
        let metadata = server.user(7).get(&asset.sub("metadata")).expect(200).json();
        assert_eq!(metadata, asset.0, "{format}");
    }
}

#[test]
fn an_id_is_read_in_either_case_and_answered_in_lower_case() {
    let server = Server::start();
    let asset = server.user(7).upload("a.png");
    let path = format!("/api/v2/assets/{}", asset.id().to_uppercase());

    server.user(7).get(&path).expect(200);
    let metadata = server.user(7).get(&format!("{path}/metadata")).expect(200).json();
    assert_eq!(metadata, asset.0);
    let message = server.user(7).delete(&path).expect(200).json()["message"].clone();
    assert_eq!(message, format!("Asset {} deleted successfully", asset.id()));
}

#[test]
fn another_user_is_told_that_access_is_not_permitted() {
    let server = Server::start();
    let asset = server.user(7).upload("a.pdf");
    for path in [asset.path(), asset.sub("thumbnail"), asset.sub("metadata")] {
        server.user(8).get(&path).expect(403).detail("You don't have permission to access this asset");
        server.user(8).head(&path).expect(403);
    }
}

#[test]
fn an_asset_that_is_not_there_is_not_found() {
    let server = Server::start();
    let nowhere = "/api/v2/assets/01900000-0000-7000-8000-000000000000";
    for path in [nowhere.to_owned(), format!("{nowhere}/thumbnail"), format!("{nowhere}/metadata")] {
        server.user(7).get(&path).expect(404).detail("Asset not found");
    }
}
