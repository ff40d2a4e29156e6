//! API.md, 11: which tokens verify.

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use crate::support::{Answer, Server, now, token};

#[track_caller]
fn list_with(server: &Server, token: &str) -> Answer {
    server.bearer(token).get("/api/v2/assets")
}

#[test]
fn a_user_is_named_by_a_number_or_in_plain_decimal() {
    let server = Server::start();
    let largest = (1u64 << 53) - 1;
    let rows = [
        (json!(7), 7),
        (json!("7"), 7),
        (json!(0), 0),
        (json!("0"), 0),
        (json!(largest), largest),
        (json!(largest.to_string()), largest),
    ];
    for (sub, user) in rows {
        let token = server.token(&json!({"sub": sub, "exp": now() + 60}));
        let asset = server.bearer(&token).upload("a.png");
        assert_eq!(asset["userId"], user, "{sub}");
    }
}

#[test]
fn a_token_that_names_no_user_is_invalid() {
    let server = Server::start();
    let past = 1u64 << 53;
    for sub in [
        json!("07"),
        json!("00"),
        json!("+7"),
        json!("-1"),
        json!(" 7"),
        json!("7 "),
        json!(""),
        json!("abc"),
        json!("0x7"),
        json!("7.0"),
        json!("1e3"),
        json!("٧"),
        json!(past.to_string()),
        json!("99999999999999999999999"),
        json!(-1),
        json!(7.5),
        json!(past),
        json!(u64::MAX),
        json!(1e300),
        json!(true),
        json!(null),
        json!([7]),
        json!({"id": 7}),
    ] {
        let token = server.token(&json!({"sub": sub, "exp": now() + 60}));
        let answer = list_with(&server, &token);
        assert_eq!(answer.status, 401, "{sub}");
        answer.detail("Invalid token");
    }
    let token = server.token(&json!({"exp": now() + 60}));
    list_with(&server, &token).expect(401).detail("Invalid token");
}

#[test]
fn times_of_a_token_hold_with_a_leeway_of_30_seconds() {
    let server = Server::start();
    let now = now();
    // What stands between is left to the time the test itself takes.
    let rows = [
        (json!({"exp": now + 3600}), 200, ""),
        (json!({"exp": now - 15}), 200, ""),
        (json!({"exp": now - 31}), 401, "Token expired"),
        (json!({"exp": now - 3600}), 401, "Token expired"),
        (json!({"exp": 0}), 401, "Token expired"),
        (json!({"exp": now + 60, "nbf": now - 60}), 200, ""),
        (json!({"exp": now + 60, "nbf": now + 25}), 200, ""),
        (json!({"exp": now + 600, "nbf": now + 120}), 401, "Invalid token"),
        (json!({}), 401, "Invalid token"),
        (json!({"exp": null}), 401, "Invalid token"),
        (json!({"exp": "tomorrow"}), 401, "Invalid token"),
        (json!({"exp": (now + 60).to_string()}), 401, "Invalid token"),
        (json!({"exp": -5}), 401, "Invalid token"),
        (json!({"exp": now + 60, "nbf": "soon"}), 401, "Invalid token"),
    ];
    for (mut claims, status, detail) in rows {
        claims["sub"] = json!(7);
        let answer = list_with(&server, &server.token(&claims));
        assert_eq!(answer.status, status, "{claims}");
        if status == 401 {
            let found = answer.error();
            // Whether a time before 1970 is a time is not fixed.
            let either = claims["exp"] == -5 && found == "Token expired";
            assert!(found == detail || either, "{claims}: {found}");
        }
    }
}

#[test]
fn other_claims_neither_help_nor_hinder() {
    let server = Server::start();
    for more in [
        json!({"aud": "someone else"}),
        json!({"aud": ["a", "b"]}),
        json!({"iss": "anyone"}),
        json!({"iat": now() + 9999, "jti": "1", "name": "Ada"}),
        json!({"role": "user"}),
        json!({"user_id": 8, "uid": 8}),
    ] {
        let mut claims = token::claims(7);
        for (key, value) in more.as_object().expect("claims") {
            claims[key] = value.clone();
        }
        let asset = server.bearer(&server.token(&claims)).upload("a.png");
        assert_eq!(asset["userId"], 7, "{more}");
    }
}

#[test]
fn a_forged_token_is_invalid() {
    let server = Server::start();
    let secret = server.secret();
    let claims = token::claims(7);
    let header = |alg: &str| json!({"alg": alg, "typ": "JWT"});
    let forge = |alg: &str, secret: &str, by: Algorithm| token::forge(&header(alg), &claims, secret, by);
    let good = forge("HS256", &secret, Algorithm::HS256);
    let parts: Vec<&str> = good.split('.').collect();
    let none = token::unsigned(&header("none"), &claims);
    let other_claims = token::unsigned(&header("HS256"), &token::claims(8));
    let bytes: Vec<u8> = (0..secret.len() / 2)
        .map(|at| u8::from_str_radix(&secret[2 * at..2 * at + 2], 16).expect("hex digits"))
        .collect();
    let by_bytes = {
        // The text is the secret, not the bytes that its digits spell.
        let message = token::unsigned(&header("HS256"), &claims);
        let key = jsonwebtoken::EncodingKey::from_secret(&bytes);
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256);
        format!("{message}.{}", signature.expect("a signature"))
    };
    let forged = [
        forge("HS256", "another secret of thirty-two bytes or more", Algorithm::HS256),
        forge("HS256", "", Algorithm::HS256),
        by_bytes,
        // The algorithm follows from the key, never from the token.
        forge("HS384", &secret, Algorithm::HS384),
        forge("HS512", &secret, Algorithm::HS512),
        forge("HS512", &secret, Algorithm::HS256),
        forge("RS256", &secret, Algorithm::HS256),
        forge("ES256", &secret, Algorithm::HS256),
        forge("EdDSA", &secret, Algorithm::HS256),
        forge("none", &secret, Algorithm::HS256),
        forge("hs256", &secret, Algorithm::HS256),
        forge("", &secret, Algorithm::HS256),
        format!("{none}."),
        none.clone(),
        format!("{}.", token::unsigned(&header("None"), &claims)),
        format!("{}.", token::unsigned(&header("HS256"), &claims)),
        token::unsigned(&header("HS256"), &claims),
        format!("{other_claims}.{}", parts[2]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{good}.x"),
        format!(".{}.{}", parts[1], parts[2]),
        good[..good.len() - 4].to_owned(),
        format!("{good}AAAA"),
        good.to_uppercase(),
        token::sign(&secret, &json!([7])),
        token::sign(&secret, &json!("7")),
        "x".to_owned(),
        "..".to_owned(),
        "a.b.c".to_owned(),
        "%".repeat(5_000),
    ];
    list_with(&server, &good).expect(200);
    for token in forged {
        let answer = list_with(&server, &token);
        assert_eq!(answer.status, 401, "{token}");
        answer.detail("Invalid token");
    }
}

#[test]
fn a_forged_token_tells_nothing_of_its_expiry() {
    let server = Server::start();
    let claims = json!({"sub": 7, "exp": 1_000_000_000});
    let forged = token::sign("another secret of thirty-two bytes or more", &claims);
    list_with(&server, &forged).expect(401).detail("Invalid token");
}

#[test]
fn a_header_that_can_not_be_read_is_as_none() {
    let server = Server::start();
    let good = server.token(&token::claims(7));
    let list = || server.anyone().request("GET", "/api/v2/assets");
    for header in [
        "Basic dXNlcjpwYXNz".to_owned(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        good.clone(),
        format!("Token {good}"),
        format!("Bearer{good}"),
        format!("Bearer {good} x"),
        format!("Basic {good}"),
        String::new(),
    ] {
        list().header("Authorization", &header).send().expect(401).detail("Not authenticated");
    }
    list().send().expect(401).detail("Not authenticated");
    // RFC 9110, 11.1: the scheme is read in any case.
    list().header("Authorization", &format!("bearer {good}")).send().expect(200);
}

#[test]
fn two_authorization_headers_are_as_none() {
    let server = Server::start();
    let bearer = |user: u64| format!("Bearer {}", server.token(&token::claims(user)));
    for (one, two) in [
        (bearer(7), bearer(7)),
        (bearer(7), bearer(8)),
        (bearer(7), "Bearer x".to_owned()),
        ("Basic eA==".to_owned(), bearer(7)),
    ] {
        server
            .anyone()
            .request("GET", "/api/v2/assets")
            .also("Authorization", &one)
            .also("Authorization", &two)
            .send()
            .expect(401)
            .detail("Not authenticated");
    }
}

#[test]
fn a_token_counts_in_no_place_but_the_header() {
    let server = Server::start();
    let good = server.token(&token::claims(7));
    for parameter in ["access_token", "token", "authorization"] {
        server.anyone().get(&format!("/api/v2/assets?{parameter}={good}")).expect(401);
    }
    server
        .anyone()
        .request("GET", "/api/v2/assets")
        .header("Cookie", &format!("token={good}"))
        .send()
        .expect(401);
}

#[test]
fn another_claim_names_the_user_where_the_operator_says_so() {
    let server = Server::with(&["--user-claim", "uid"]);
    let sign = |claims: Value| server.token(&claims);
    let rows = [
        (json!({"uid": 9, "exp": now() + 60}), Some(9)),
        (json!({"uid": "9", "sub": "ada@example.com", "exp": now() + 60}), Some(9)),
        (json!({"uid": 9, "sub": 7, "exp": now() + 60}), Some(9)),
        (json!({"sub": 7, "exp": now() + 60}), None),
        (json!({"uid": "x", "sub": 7, "exp": now() + 60}), None),
    ];
    for (claims, user) in rows {
        let client = server.bearer(&sign(claims.clone()));
        match user {
            Some(user) => assert_eq!(client.upload("a.png")["userId"], user, "{claims}"),
            None => _ = client.get("/api/v2/assets").expect(401).detail("Invalid token"),
        }
    }
}

#[test]
fn a_token_is_never_logged() {
    let server = Server::start();
    let good = server.token(&token::claims(7));
    let forged = token::sign("another secret of thirty-two bytes or more", &token::claims(7));
    list_with(&server, &good).expect(200);
    list_with(&server, &forged).expect(401);
    server.bearer(&good).upload("a.png");
    let log = server.log();
    for secret in [&good, &forged, &server.secret()] {
        let telling = secret.rsplit('.').next().expect("a signature");
        assert!(!log.contains(telling), "{log}");
    }
}
