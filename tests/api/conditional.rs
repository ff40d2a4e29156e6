//! API.md, 5 and RFC 9110, 13: preconditions.

use std::time::Duration;

use crate::support::{Answer, Asset, Server};

struct Served {
    server: Server,
    asset: Asset,
    etag: String,
    modified: String,
    earlier: String,
    later: String,
}

fn served() -> Served {
    let server = Server::start();
    let asset = server.user(7).upload("a.png");
    let whole = server.user(7).get(&asset.path()).expect(200);
    let etag = whole.header("etag").to_owned();
    let modified = whole.header("last-modified").to_owned();
    let time = httpdate::parse_http_date(&modified).expect("a date");
    let day = Duration::from_secs(86_400);
    Served {
        earlier: httpdate::fmt_http_date(time - day),
        later: httpdate::fmt_http_date(time + day),
        server,
        asset,
        etag,
        modified,
    }
}

impl Served {
    #[track_caller]
    fn ask(&self, method: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.server.user(7).request(method, &self.asset.path());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request.send()
    }
}

#[test]
fn each_precondition_decides_as_rfc_9110_says() {
    let served = served();
    let etag = served.etag.as_str();
    let weak = format!("W/{etag}");
    let listed = format!("\"a\", {etag} , \"b\"");
    let weakly_listed = format!("\"a\",W/{etag}");
    let (modified, earlier, later) =
        (served.modified.as_str(), served.earlier.as_str(), served.later.as_str());
    let rows: &[(&[(&str, &str)], u16)] = &[
        (&[("If-None-Match", etag)], 304),
        (&[("If-None-Match", &weak)], 304),
        (&[("If-None-Match", "*")], 304),
        (&[("If-None-Match", &listed)], 304),
        (&[("If-None-Match", &weakly_listed)], 304),
        (&[("If-None-Match", "\"other\"")], 200),
        (&[("If-Match", etag)], 200),
        (&[("If-Match", "*")], 200),
        (&[("If-Match", &listed)], 200),
        (&[("If-Match", &weak)], 412),
        (&[("If-Match", "\"other\"")], 412),
        (&[("If-Modified-Since", modified)], 304),
        (&[("If-Modified-Since", later)], 304),
        (&[("If-Modified-Since", earlier)], 200),
        (&[("If-Modified-Since", "yesterday")], 200),
        (&[("If-Unmodified-Since", modified)], 200),
        (&[("If-Unmodified-Since", later)], 200),
        (&[("If-Unmodified-Since", earlier)], 412),
        (&[("If-Unmodified-Since", "yesterday")], 200),
        // 13.2.2: an entity tag stands before a date, and If-Match before If-None-Match.
        (&[("If-None-Match", "\"other\""), ("If-Modified-Since", later)], 200),
        (&[("If-None-Match", etag), ("If-Modified-Since", earlier)], 304),
        (&[("If-Match", etag), ("If-Unmodified-Since", earlier)], 200),
        (&[("If-Match", "\"other\""), ("If-None-Match", etag)], 412),
        (&[("If-Match", etag), ("If-None-Match", etag)], 304),
        // A range comes last.
        (&[("If-None-Match", etag), ("Range", "bytes=0-1")], 304),
        (&[("If-Match", "\"other\""), ("Range", "bytes=0-1")], 412),
        (&[("If-Match", etag), ("Range", "bytes=0-1")], 206),
        (&[("If-None-Match", "\"other\""), ("Range", "bytes=0-1")], 206),
    ];
    for (headers, status) in rows {
        let answer = served.ask("GET", headers);
        assert_eq!(answer.status, *status, "{headers:?}");
    }
}

#[test]
fn preconditions_hold_for_head_too() {
    let served = served();
    served.ask("HEAD", &[("If-None-Match", &served.etag)]).expect(304);
    served.ask("HEAD", &[("If-Match", "\"other\"")]).expect(412);
}

#[test]
fn a_304_carries_what_a_200_would_tell_a_cache() {
    let served = served();
    let whole = served.ask("GET", &[]).expect(200);
    let answer = served.ask("GET", &[("If-None-Match", &served.etag)]).expect(304);
    for name in ["etag", "cache-control", "last-modified"] {
        assert_eq!(answer.header(name), whole.header(name), "{name}");
    }
    assert!(
        answer.try_header("content-length").is_none_or(|length| length == whole.header("content-length"))
    );
}

#[test]
fn a_304_leaves_the_connection_fit_for_the_next_request() {
    let served = served();
    let mut connection = served.server.connect();
    let user = served.server.user(7);
    let unchanged = user.request("GET", &served.asset.path()).header("If-None-Match", &served.etag);
    for _ in 0..2 {
        unchanged.send_on(&mut connection).expect(304);
    }
    user.request("GET", &served.asset.path()).send_on(&mut connection).expect(200);
}

#[test]
fn ownership_comes_before_preconditions() {
    let served = served();
    for (name, value) in [("If-None-Match", served.etag.as_str()), ("If-Match", "\"other\"")] {
        served.server.user(8).request("GET", &served.asset.path()).header(name, value).send().expect(403);
    }
}
