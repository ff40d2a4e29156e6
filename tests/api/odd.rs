//! Requests that few clients send, and that have to be right all the same.

use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::json;

use crate::support::{Form, Server, now, sample};

#[test]
fn a_change_or_a_delete_whose_precondition_does_not_hold_is_not_done() {
    let server = Server::start();
    let user = server.user(7);
    let asset = user.upload("a.png");
    let etag = user.get(&asset.path()).expect(200).header("etag").to_owned();
    let conditions = [
        ("If-Match", "\"x\""),
        ("If-None-Match", etag.as_str()),
        ("If-Unmodified-Since", "Mon, 01 Jan 2001 00:00:00 GMT"),
    ];
    for (name, value) in conditions {
        let change = user.request("PATCH", &asset.path()).header(name, value).body(br#"{"name":"other"}"#);
        change.send().expect(412).detail("Precondition failed");
        user.request("DELETE", &asset.path()).header(name, value).send().expect(412);
    }
    assert_eq!(user.get(&asset.sub("metadata")).expect(200).json()["name"], "a.png");
    // A date of reading means nothing here, and a condition that holds lets it pass.
    let since =
        user.request("PATCH", &asset.path()).header("If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT");
    since.body(br#"{"name":"other"}"#).send().expect(200);
    user.request("DELETE", &asset.path()).header("If-Match", &etag).send().expect(200);
}

#[test]
fn unknown_parts_may_hold_anything() {
    let server = Server::start();
    let form = Form::of("a.png", &sample::named("a.png"))
        .field("other", &[0xff, 0xfe])
        .part("Content-Disposition: form-data; name=\"other\"; filename=\"x\"", &vec![0xff; 200_000]);
    server.user(7).post(&form).expect(201);
    let form = Form::new()
        .part("Content-Disposition: form-data; name=\"File\"; filename=\"a.png\"", &sample::named("a.png"));
    server.user(7).post(&form).expect(400).detail("Missing form field: file");
}

#[test]
fn a_query_that_cannot_be_read_is_refused_everywhere() {
    let server = Server::start();
    let user = server.user(7);
    let asset = user.upload("a.png");
    for path in [asset.path(), asset.sub("metadata"), "/api/v2/clients".into(), "/healthz".into()] {
        user.get(&format!("{path}?x=%zz")).expect(400);
        user.get(&format!("{path}?x=%ff")).expect(400);
    }
    user.post_to("/api/v2/upload-asset?x=%zz", &Form::of("a.png", &sample::named("a.png"))).expect(400);
    // The token comes first.
    server.anyone().get("/api/v2/clients?x=%zz").expect(401);
}

#[test]
fn a_tag_that_no_asset_can_have_is_refused_by_name() {
    let server = Server::start();
    for tag in ["x".repeat(65).as_str(), "%07x"] {
        server.user(7).get(&format!("/api/v2/assets?tag={tag}")).expect(400).names("tag");
    }
}

#[test]
fn two_range_headers_give_the_whole_file() {
    let server = Server::start();
    let asset = server.user(7).upload("a.png");
    let request = server.user(7).request("GET", &asset.path());
    request.header("Range", "bytes=0-1").also("Range", "bytes=3-4").send().expect(200);
}

#[test]
fn a_token_with_extensions_that_must_be_understood_is_refused() {
    let server = Server::start();
    let header = Header { crit: Some(vec!["x".into()]), ..Header::default() };
    let key = EncodingKey::from_secret(server.secret().as_bytes());
    let token = encode(&header, &json!({"sub": "7", "exp": now() + 60}), &key).expect("a token");
    server.bearer(&token).get("/api/v2/assets").expect(401).detail("Invalid token");
}

#[test]
fn a_deprecated_route_says_so_also_to_a_host_that_is_none() {
    let server = Server::start();
    let request = server.user(7).request("POST", "/api/clients/acme/assets").without("Host");
    let answer = request.header("Host", "a b").send().expect(400);
    assert_eq!(answer.header("deprecation"), "@1763251200");
}
