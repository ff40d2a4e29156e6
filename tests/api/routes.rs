//! API.md, 1: which routes and methods there are, and what is checked before what.

use std::collections::BTreeSet;

use serde_json::json;

use crate::support::{Asset, Client, Form, Server, sample, token};

/// Every route of API.md, 3 to 10 with its methods; `{…}` stands for an id.
const ROUTES: [(&str, &[&str]); 15] = [
    ("/api/v2/upload-asset", &["POST"]),
    ("/api/v2/assets", &["GET"]),
    ("/api/v2/assets/{id}", &["GET", "PATCH", "DELETE"]),
    ("/api/v2/assets/{id}/thumbnail", &["GET"]),
    ("/api/v2/assets/{id}/waveform", &["GET"]),
    ("/api/v2/assets/{id}/waveform.json", &["GET"]),
    ("/api/v2/assets/{id}/metadata", &["GET"]),
    ("/api/v2/clients", &["GET"]),
    ("/api/v2/clients/{group}", &["DELETE"]),
    ("/api/v2/campaigns", &["GET"]),
    ("/api/v2/campaigns/{group}", &["DELETE"]),
    ("/api/clients/{group}/assets", &["POST"]),
    ("/api/campaigns/{group}/assets", &["POST"]),
    ("/healthz", &["GET"]),
    ("/readyz", &["GET"]),
];

const NO_SUCH_ID: &str = "01900000-0000-7000-8000-000000000000";

fn at(route: &str, id: &str) -> String {
    route.replace("{id}", id).replace("{group}", "acme")
}

/// The methods of an `Allow`, without OPTIONS, which every route has.
fn allowed(allow: &str) -> BTreeSet<&str> {
    allow.split(',').map(str::trim).filter(|method| *method != "OPTIONS").collect()
}

/// The methods of a route, HEAD with GET.
fn methods_of(route: &[&'static str]) -> BTreeSet<&'static str> {
    let mut methods: BTreeSet<&str> = route.iter().copied().collect();
    if methods.contains("GET") {
        methods.insert("HEAD");
    }
    methods
}

#[test]
fn a_method_that_a_route_does_not_have_is_refused_with_those_it_has() {
    let server = Server::start();
    for (route, methods) in ROUTES {
        let methods = methods_of(methods);
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"] {
            if methods.contains(method) {
                continue;
            }
            // The method is checked before the token and before the id.
            for (client, id) in
                [(server.user(7), NO_SUCH_ID), (server.anyone(), NO_SUCH_ID), (server.anyone(), "no-id")]
            {
                let answer = client.request(method, &at(route, id)).send().expect(405);
                assert_eq!(allowed(answer.header("allow")), methods, "{method} {route}");
                if method != "HEAD" {
                    answer.detail("Method not allowed");
                }
            }
        }
    }
}

#[test]
fn options_answers_with_the_methods_of_a_route_and_needs_no_token() {
    let server = Server::start();
    for (route, methods) in ROUTES {
        let answer = server.anyone().request("OPTIONS", &at(route, NO_SUCH_ID)).send().expect(204);
        assert_eq!(allowed(answer.header("allow")), methods_of(methods), "{route}");
        assert!(answer.try_header("access-control-allow-origin").is_none());
    }
}

#[test]
fn a_route_that_is_not_there_is_not_found_whatever_the_method_and_the_token() {
    let server = Server::start();
    let asset = server.user(7).upload("a.png");
    let targets = [
        "/nowhere".to_owned(),
        "/api".to_owned(),
        "/api/v2".to_owned(),
        "/api/v2/asset".to_owned(),
        "/api/v1/assets".to_owned(),
        "/API/v2/assets".to_owned(),
        "//api/v2/assets".to_owned(),
        "/api//v2/assets".to_owned(),
        "/api/v2/./assets".to_owned(),
        "/api/v2/x/../assets".to_owned(),
        "/api/v2/assets/".to_owned(),
        "/api/v2/upload-asset/".to_owned(),
        "/api/v2/clients/".to_owned(),
        "/api/v2/clients/acme/".to_owned(),
        "/api/v2/clients/acme/assets".to_owned(),
        "/api/clients/acme".to_owned(),
        "/api/clients/acme/assets/".to_owned(),
        "/healthz/".to_owned(),
        "/healthz/x".to_owned(),
        format!("{}/", asset.path()),
        format!("{}/thumbnail/", asset.path()),
        format!("{}/nothing", asset.path()),
        format!("{}/thumbnail/x", asset.path()),
        format!("{}/waveform/", asset.path()),
        format!("{}/waveform.png", asset.path()),
    ];
    for target in targets {
        for client in [server.user(7), server.anyone()] {
            for method in ["GET", "POST", "DELETE", "BREW"] {
                client.request(method, &target).send().expect(404).detail("Not found");
            }
            client.head(&target).expect(404);
        }
    }
}

#[test]
fn a_bad_percent_escape_in_a_path_is_refused() {
    let server = Server::start();
    for id in ["%zz", "%", "%4", "a%2", "%%30", "%FF"] {
        let user = server.user(7);
        user.get(&format!("/api/v2/assets/{id}")).expect(400);
        user.delete(&format!("/api/v2/clients/{id}")).expect(400);
    }
}

#[test]
fn a_malformed_id_is_refused_on_every_route_that_takes_one() {
    let server = Server::start();
    let asset = server.user(7).upload("a.png");
    let bare = asset.id().replace('-', "");
    let braced = format!("%7B{}%7D", asset.id());
    let urn = format!("urn:uuid:{}", asset.id());
    let padded = format!("%20{}", asset.id());
    let long = format!("{}0", asset.id());
    let extension = format!("{}.png", asset.id());
    let bad = [
        "x",
        "1",
        "..%2f..%2fetc%2fpasswd",
        "%00",
        &bare,
        &braced,
        &urn,
        &padded,
        &long,
        &asset.id()[..35],
        &extension,
        "g1900000-0000-7000-8000-000000000000",
    ];
    for id in bad {
        let user = server.user(7);
        let path = format!("/api/v2/assets/{id}");
        let answers = [
            user.get(&path),
            user.get(&format!("{path}/thumbnail")),
            user.get(&format!("{path}/waveform")),
            user.get(&format!("{path}/waveform.json")),
            user.get(&format!("{path}/metadata")),
            user.delete(&path),
            user.patch(&path, &json!({"name": "b"})),
            user.patch(&path, &json!({"unknown": "b"})),
        ];
        for answer in answers {
            answer.expect(400).detail("Invalid asset ID format");
        }
    }
}

/// What one client can make the server do with an asset: each call that names an id.
fn calls(client: &Client, asset: &str) -> Vec<crate::support::Answer> {
    let path = format!("/api/v2/assets/{asset}");
    vec![
        client.get(&path),
        client.head(&path),
        client.get(&format!("{path}/thumbnail")),
        client.get(&format!("{path}/waveform")),
        client.get(&format!("{path}/waveform.json")),
        client.get(&format!("{path}/metadata")),
        client.patch(&path, &json!({"name": "b"})),
        client.patch(&path, &json!({"unknown": "b"})),
        client.delete(&path),
    ]
}

#[test]
fn without_a_valid_token_nothing_can_be_learned_about_ids() {
    let server = Server::start();
    let asset = server.user(7).upload("a.pdf");
    let expired = server.token(&json!({"sub": 7, "exp": 1_000_000_000}));
    for client in [server.anyone(), server.bearer("x.y.z"), server.bearer(&expired)] {
        let existing = calls(&client, asset.id());
        for other in [NO_SUCH_ID, "no-id"] {
            for (one, two) in existing.iter().zip(calls(&client, other)) {
                assert_eq!(one.status, 401);
                assert_eq!(two.status, 401);
                assert_eq!(one.body, two.body);
                let headers = |answer: &crate::support::Answer| {
                    let mut headers = answer.headers.clone();
                    headers.retain(|(name, _)| name != "date");
                    headers
                };
                assert_eq!(headers(one), headers(&two));
            }
        }
    }
    server.user(7).get(&asset.path()).expect(200);
}

#[test]
fn each_check_stands_before_those_that_follow_it() {
    let server = Server::start();
    let asset = server.user(7).upload("a.png");
    let other = server.user(8);
    let owner = server.user(7);
    let bad_body = json!({"unknown": 1});
    // Token before id form.
    server.anyone().get("/api/v2/assets/no-id").expect(401);
    // Id form before existence, and before the body.
    owner.patch("/api/v2/assets/no-id", &bad_body).expect(400).detail("Invalid asset ID format");
    // Existence before the rest.
    owner.patch(&format!("/api/v2/assets/{NO_SUCH_ID}"), &bad_body).expect(404).detail("Asset not found");
    // Ownership before the rest.
    other.patch(&asset.path(), &bad_body).expect(403);
    other.request("GET", &asset.path()).header("Range", "bytes=999999-").send().expect(403);
    // Token before the query and the form.
    server.anyone().get("/api/v2/assets?limit=0").expect(401);
    server.anyone().post(&Form::new()).expect(401);
}

#[test]
fn a_host_that_is_no_host_is_refused() {
    let server = Server::start();
    for host in [
        "",
        "a b",
        "a/b",
        "a:b",
        "a:",
        "a:99999",
        "user@example.com",
        "<script>",
        "a?b",
        "a#b",
        "[::1",
        "a,b",
        "a\"b",
        "http://example.com",
        "a\\b",
        "::1",
    ] {
        let answer = server.user(7).request("GET", "/api/v2/assets").header("Host", host).send();
        assert_eq!(answer.status, 400, "{host:?}");
    }
    for host in
        ["example.com", "EXAMPLE.com", "localhost:1", "127.0.0.1", "[::1]", "[::1]:8080", "a-b.c_d:65535"]
    {
        let answer = server.user(7).request("GET", "/api/v2/assets").header("Host", host).send();
        assert_eq!(answer.status, 200, "{host:?}");
    }
}

#[test]
fn a_missing_host_or_two_of_them_are_refused() {
    let server = Server::start();
    let list = || server.user(7).request("GET", "/api/v2/assets");
    list().without("Host").send().expect(400);
    list().also("Host", "other.example").send().expect(400);
}

#[test]
fn an_absolute_target_is_that_of_its_path() {
    let server = Server::start();
    let asset = server.user(7).upload("a.png");
    let target = format!("{}{}", server.base(), asset.sub("metadata"));
    let answer = server.user(7).get(&target).expect(200);
    assert_eq!(answer.json(), asset.0);
}

#[test]
fn a_head_that_is_too_large_is_refused() {
    let server = Server::start();
    let user = server.user(7);
    // Below HTTP the answers are bare: only the status is promised.
    let ask = |request: crate::support::Request| {
        let mut connection = server.connect();
        request.send_on(&mut connection).status
    };
    let list = || user.request("GET", "/api/v2/assets");
    let padding = "x".repeat(70 * 1024);
    assert_eq!(ask(list().header("X-Padding", &padding)), 431);
    let mut many = list();
    for number in 0..101 {
        many = many.also(&format!("X-{number}"), "x");
    }
    assert_eq!(ask(many), 431);
    let long = format!("/api/v2/assets?unknown={padding}");
    assert!(matches!(ask(user.request("GET", &long)), 414 | 431));
    assert_eq!(ask(list()), 200);
}

#[test]
fn a_long_url_and_large_headers_within_a_head_of_64_kib_are_refused_in_words() {
    let server = Server::start();
    let user = server.user(7);
    let padding = "x".repeat(60 * 1024);
    user.get(&format!("/api/v2/assets?unknown={padding}")).expect(414);
    user.request("GET", "/api/v2/assets").header("X-Padding", &padding).send().expect(431);
    // RFC 9110, 4.1: a URL of 8,000 bytes is to be read.
    user.get(&format!("/api/v2/assets?unknown={}", &padding[..8_000])).expect(200);
    user.request("GET", "/api/v2/assets").header("X-Padding", &padding[..8_000]).send().expect(200);
}

#[test]
fn bytes_that_are_no_request_harm_nobody() {
    let server = Server::start();
    let rows: [&[u8]; 9] = [
        b"\r\n\r\n\r\n\r\n",
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03 a TLS client hello",
        b"GET\r\n\r\n",
        b"GET /healthz\r\n\r\n",
        b"GET /healthz HTTP/9.9\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/v2/upload-asset HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ];
    for bytes in rows {
        let mut connection = server.connect();
        connection.try_send(bytes);
        connection.finish_sending();
        let answer = connection.rest();
        assert!(
            !answer.starts_with(b"HTTP/1.1 2"),
            "{} is answered {}",
            String::from_utf8_lossy(bytes),
            String::from_utf8_lossy(&answer)
        );
    }
    server.user(7).get("/api/v2/assets").expect(200);
}

#[test]
fn a_body_of_two_lengths_smuggles_no_request() {
    let server = Server::start();
    let asset = server.user(7).upload("a.png");
    let smuggled = server.user(7).request("DELETE", &asset.path()).head();
    let chunked = [b"0\r\n\r\n", &smuggled[..]].concat();
    // RFC 9112, 6.3: where two lengths are told apart, what follows is no request.
    let rows = [
        (format!("Content-Length: 0\r\nContent-Length: {}", smuggled.len()), &smuggled),
        (format!("Content-Length: {}\r\nContent-Length: 0", smuggled.len()), &smuggled),
        (format!("Content-Length: 0, {}", smuggled.len()), &smuggled),
        ("Content-Length: +0".to_owned(), &smuggled),
        (format!("Transfer-Encoding: chunked\r\nContent-Length: {}", chunked.len()), &chunked),
        (format!("Content-Length: {}\r\nTransfer-Encoding: chunked", chunked.len()), &chunked),
        ("Transfer-Encoding: xchunked".to_owned(), &chunked),
        ("Transfer-Encoding: chunked, identity".to_owned(), &chunked),
    ];
    let token = token::sign(&server.secret(), &token::claims(8));
    for (lengths, body) in rows {
        let mut connection = server.connect();
        let head = format!(
            "PATCH {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{lengths}\r\n\r\n",
            asset.path()
        );
        connection.try_send(head.as_bytes());
        connection.try_send(body);
        connection.finish_sending();
        let rest = connection.rest();
        assert!(!rest.starts_with(b"HTTP/1.1 2"), "{lengths}");
        let there = server.user(7).get(&asset.path());
        assert_eq!(there.status, 200, "after {lengths}");
    }
}

#[test]
fn an_error_ends_no_kept_connection_that_was_read_to_its_end() {
    let server = Server::start();
    let asset: Asset = server.user(7).upload("a.png");
    let user = server.user(7);
    let mut connection = server.connect();
    let errors = [
        (server.anyone().request("GET", &asset.path()), 401),
        (server.user(8).request("GET", &asset.path()), 403),
        (user.request("GET", "/nowhere"), 404),
        (user.request("GET", "/api/v2/assets/no-id"), 400),
        (user.request("PUT", &asset.path()), 405),
        (user.request("PATCH", &asset.path()).body(b"[]"), 400),
        (user.request("POST", "/api/v2/upload-asset").body(b"x"), 400),
    ];
    for (request, status) in errors {
        request.send_on(&mut connection).expect(status);
    }
    user.request("GET", &asset.path()).send_on(&mut connection).expect(200);
}

#[test]
fn sample_forms_of_every_route_are_answered_in_json() {
    let server = Server::start();
    let asset = server.user(7).upload_with(&[("clientId", "acme"), ("campaignId", "acme")]);
    let form = Form::of("a.png", &sample::named("png"));
    for (route, methods) in ROUTES {
        for method in methods {
            let target = at(route, asset.id());
            let file = target == asset.path() || target.ends_with("/thumbnail");
            // The asset is a picture.
            if file || target.contains("/waveform") || *method == "DELETE" {
                continue;
            }
            let request = server.user(7).request(method, &target);
            let request = if *method == "POST" { request.form(&form.body()) } else { request };
            request.send().json();
        }
    }
}
