//! API.md, 5 and RFC 9110, 14: parts of a file.

use crate::support::{Answer, Asset, Server, sample};

/// A server with one file, and its bytes.
fn served() -> (Server, Asset, Vec<u8>) {
    let server = Server::start();
    let bytes = sample::wav(sample::fresh(), 956);
    assert_eq!(bytes.len(), 1000);
    let asset = server.user(7).upload_bytes("a.wav", &bytes);
    (server, asset, bytes)
}

#[track_caller]
fn ranged(server: &Server, asset: &Asset, method: &str, range: &str) -> Answer {
    server.user(7).request(method, &asset.path()).header("Range", range).send()
}

#[test]
fn one_range_gives_just_these_bytes() {
    let (server, asset, bytes) = served();
    let rows = [
        ("bytes=0-0", 0..1),
        ("bytes=0-99", 0..100),
        ("bytes=10-19", 10..20),
        ("bytes=990-", 990..1000),
        ("bytes=0-", 0..1000),
        ("bytes=-1", 999..1000),
        ("bytes=-100", 900..1000),
        ("bytes=-1000", 0..1000),
        ("bytes=-5000", 0..1000),
        ("bytes=999-999", 999..1000),
        ("bytes=999-5000", 999..1000),
        ("bytes=0-4294967296", 0..1000),
        ("bytes=007-008", 7..9),
    ];
    for (range, part) in rows {
        let answer = ranged(&server, &asset, "GET", range).expect(206);
        assert_eq!(answer.body, bytes[part.clone()], "{range}");
        assert_eq!(answer.header("content-range"), format!("bytes {}-{}/1000", part.start, part.end - 1));
        assert_eq!(answer.header("content-length"), part.len().to_string());
        assert_eq!(answer.header("content-type"), "audio/wav");
        answer.header("etag");
        answer.header("last-modified");
        answer.header("cache-control");
    }
}

#[test]
fn a_range_outside_the_file_is_refused_with_its_length() {
    let (server, asset, _) = served();
    for range in ["bytes=1000-", "bytes=1000-1000", "bytes=5000-6000", "bytes=-0"] {
        let answer = ranged(&server, &asset, "GET", range).expect(416);
        assert_eq!(answer.header("content-range"), "bytes */1000", "{range}");
        answer.error();
    }
}

#[test]
fn several_ranges_or_unreadable_ones_give_the_whole_file() {
    let (server, asset, bytes) = served();
    for range in [
        "bytes=0-1,5-6",
        "bytes=0-1, -1",
        "bytes=5-2",
        "bytes=a-b",
        "bytes=-",
        "bytes=",
        "bytes",
        "bytes=--1",
        "bytes=+1-2",
        "bytes=1 - 2",
        "bytes=0x0-0x1",
        "items=0-1",
        "0-1",
        "",
    ] {
        let answer = ranged(&server, &asset, "GET", range).expect(200);
        assert!(answer.body == bytes, "{range}");
        assert!(answer.try_header("content-range").is_none(), "{range}");
    }
}

#[test]
fn a_number_past_every_integer_is_no_fault() {
    let (server, asset, bytes) = served();
    let huge = "9".repeat(40);
    let to = ranged(&server, &asset, "GET", &format!("bytes=0-{huge}"));
    assert!(matches!(to.status, 200 | 206));
    assert!(to.body == bytes);
    let suffix = ranged(&server, &asset, "GET", &format!("bytes=-{huge}"));
    assert!(matches!(suffix.status, 200 | 206));
    assert!(suffix.body == bytes);
    let from = ranged(&server, &asset, "GET", &format!("bytes={huge}-"));
    assert!(matches!(from.status, 200 | 416));
}

#[test]
fn a_range_counts_for_get_alone() {
    let (server, asset, _) = served();
    let answer = ranged(&server, &asset, "HEAD", "bytes=0-1").expect(200);
    assert_eq!(answer.header("content-length"), "1000");
}

#[test]
fn a_range_of_metadata_or_of_the_list_gives_it_whole() {
    let (server, asset, _) = served();
    for path in [asset.sub("metadata"), "/api/v2/assets".to_owned()] {
        server.user(7).request("GET", &path).header("Range", "bytes=0-1").send().expect(200).json();
    }
}

#[test]
fn if_range_gives_the_part_only_where_its_validator_holds() {
    let (server, asset, bytes) = served();
    let whole = server.user(7).get(&asset.path()).expect(200);
    let etag = whole.header("etag");
    let modified = whole.header("last-modified");
    let weak = format!("W/{etag}");
    let rows = [
        (etag, 206),
        (modified, 206),
        (&weak, 200),
        ("\"other\"", 200),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 200),
        ("nonsense", 200),
    ];
    for (validator, status) in rows {
        let answer = server
            .user(7)
            .request("GET", &asset.path())
            .header("Range", "bytes=10-19")
            .header("If-Range", validator)
            .send()
            .expect(status);
        let expected = if status == 206 { &bytes[10..20] } else { &bytes[..] };
        assert!(answer.body == expected, "{validator}");
    }
    // Where it does not hold there is no range that could lie outside.
    server
        .user(7)
        .request("GET", &asset.path())
        .header("Range", "bytes=5000-")
        .header("If-Range", "\"other\"")
        .send()
        .expect(200);
}
