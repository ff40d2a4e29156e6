//! `assetd token`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::Value;

use crate::support::{Server, Setup, now, text};

/// The claims of the one line that was printed.
#[track_caller]
fn claims(printed: &str, secret: &str) -> Value {
    let token = printed.strip_suffix('\n').expect("a line");
    assert!(!token.contains(char::is_whitespace), "{token:?}");
    let key = DecodingKey::from_secret(secret.as_bytes());
    let data = decode::<Value>(token, &key, &Validation::new(Algorithm::HS256));
    data.expect("a token that verifies").claims
}

#[test]
fn it_prints_a_token_that_the_running_server_takes() {
    let server = Server::start();
    let setup = Server::setup_of(&server);
    for user in ["0", "7", "9007199254740991"] {
        let exit = setup.run(&["token", "--data", text(&server.data()), "--user", user]);
        assert_eq!(exit.code, Some(0), "{}", exit.stderr);

        let asset = server.bearer(exit.stdout.trim_end()).upload("a.png");
        assert_eq!(asset["userId"].to_string(), user);
    }
}

#[test]
fn it_lasts_as_long_as_it_is_told_and_12_hours_otherwise() {
    let setup = Setup::new();
    let data = setup.data();
    for (ttl, seconds) in [
        (None, 12 * 3600),
        (Some("90s"), 90),
        (Some("5m"), 300),
        (Some("2h"), 7200),
        (Some("7d"), 7 * 86_400),
    ] {
        let mut args = vec!["token", "--data", text(&data), "--user", "7"];
        if let Some(ttl) = ttl {
            args.extend(["--ttl", ttl]);
        }
        let before = now();
        let exit = setup.run(&args);
        assert_eq!(exit.code, Some(0), "{}", exit.stderr);
        let secret = fs::read_to_string(data.join("jwt.secret")).expect("the secret");
        let claims = claims(&exit.stdout, secret.trim_end());
        let expires = claims["exp"].as_u64().expect("a time");
        assert!((before + seconds..=now() + seconds).contains(&expires), "{ttl:?}");
        assert!(claims["role"].is_null());
    }
}

#[test]
fn it_makes_the_secret_where_there_is_none_and_serve_takes_it() {
    let setup = Setup::new();
    let data = setup.data();
    let exit = setup.run(&["token", "--data", text(&data), "--user", "7"]);
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let mode = fs::metadata(data.join("jwt.secret")).expect("the secret").permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);

    let server = setup.start();
    server.bearer(exit.stdout.trim_end()).get("/api/v2/assets").expect(200);
}

#[test]
fn it_uses_the_secret_file_of_serve() {
    let setup = Setup::new();
    let file = setup.folder().join("secret");
    let secret = "a secret that is forty-two bytes in length";
    fs::write(&file, secret).expect("a secret");
    let by_option = setup.run(&["token", "--jwt-secret-file", text(&file), "--user", "7"]);
    assert!(claims(&by_option.stdout, secret)["exp"].is_u64());
    let by_variable = setup.env("ASSETD_JWT_SECRET_FILE", text(&file)).run(&["token", "--user", "7"]);
    claims(&by_variable.stdout, secret);
}

#[test]
fn admin_makes_a_token_with_the_role() {
    let server = Server::start();
    server.user(7).upload_with(&[("clientId", "acme")]);
    let data = server.data();
    let exit = Server::setup_of(&server).run(&["token", "--data", text(&data), "--user", "1", "--admin"]);
    assert_eq!(claims(&exit.stdout, &server.secret())["role"], "admin");

    server.bearer(exit.stdout.trim_end()).delete("/api/v2/clients/acme").expect(200);
}

#[test]
fn it_uses_the_claim_of_the_user_that_serve_reads() {
    let setup = Setup::new();
    let data = setup.data();
    let setup = setup.env("ASSETD_USER_CLAIM", "uid");
    let exit = setup.run(&["token", "--data", text(&data), "--user", "7"]);
    let server = setup.start();
    let asset = server.bearer(exit.stdout.trim_end()).upload("a.png");
    assert_eq!(asset["userId"], 7);
}

#[test]
fn a_user_or_a_time_that_is_none_is_refused() {
    let setup = Setup::new();
    for args in [
        &["token"][..],
        &["token", "--user", "-1"],
        &["token", "--user", "x"],
        &["token", "--user", "9007199254740992"],
        &["token", "--user", "7", "--ttl", "0"],
        &["token", "--user", "7", "--ttl", "soon"],
    ] {
        let exit = setup.run(args);
        assert!(matches!(exit.code, Some(1 | 2)), "{args:?}: {:?}", exit.code);
        assert!(exit.stdout.is_empty(), "{args:?}: {}", exit.stdout);
        assert!(!exit.stderr.is_empty(), "{args:?}");
    }
}
