//! Every option of `serve`, as an option and as a variable.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Form, Server, Setup, now, sample, text, token};

const SECRET: &str = "a secret that is forty-two bytes in length";

/// Starts a server with this option: once given as an option, once as its variable.
fn both_ways(option: &str, value: &str, check: impl Fn(&Server)) {
    check(&Server::with(&[option, value]));
    check(&Server::setup().env(&variable(option), value).start());
}

/// `--max-upload` is `ASSETD_MAX_UPLOAD`.
fn variable(option: &str) -> String {
    format!("ASSETD_{}", option.trim_start_matches('-').to_uppercase().replace('-', "_"))
}

fn png() -> Form {
    Form::of("a.png", &sample::named("png"))
}

#[test]
fn listen_and_data_are_options_or_variables() {
    let setup = Setup::new();
    let data = setup.data();
    let by_env = setup.bare().env("ASSETD_LISTEN", "127.0.0.1:0").env("ASSETD_DATA", text(&data)).start();
    by_env.user(7).upload("a.png");
    assert!(data.join("catalog.redb").is_file());
    assert!(by_env.address.ip().is_loopback());
}

#[test]
fn data_is_the_folder_data_of_the_working_directory_unless_told() {
    // The harness runs the program in the folder that holds DATA.
    let server = Setup::new().bare().args(&["--listen", "127.0.0.1:0"]).start();
    server.user(7).upload("a.png");
    assert!(server.data().join("catalog.redb").is_file());
}

#[test]
fn max_upload_bounds_a_file() {
    both_ways("--max-upload", "100KiB", |server| {
        let bytes = sample::png_of_size(1, 100 * 1024 + 1);
        server
            .user(7)
            .post(&Form::of("a.png", &bytes))
            .expect(400)
            .detail("File too large. Maximum size is 0.1MB");
    });
}

#[test]
fn max_pixels_bounds_a_picture() {
    both_ways("--max-pixels", "2MP", |server| {
        server
            .user(7)
            .post(&Form::of("a.png", &sample::png_claiming(2000, 1001)))
            .expect(400)
            .detail("Image has too many pixels: 2000 x 1001. Maximum is 2 megapixels");
    });
}

#[test]
fn public_url_stands_before_every_path() {
    both_ways("--public-url", "https://files.example", |server| {
        let asset = server.user(7).upload("a.png");
        assert_eq!(asset["url"], format!("https://files.example{}", asset.path()));
    });
}

#[test]
fn user_claim_names_the_claim_of_the_user() {
    both_ways("--user-claim", "uid", |server| {
        let token = server.token(&json!({"uid": 9, "exp": now() + 60}));
        assert_eq!(server.bearer(&token).upload("a.png")["userId"], 9);
    });
}

#[test]
fn jwt_secret_file_holds_the_secret_less_one_line_end() {
    for (written, secret) in [
        (SECRET.to_owned(), SECRET.to_owned()),
        (format!("{SECRET}\n"), SECRET.to_owned()),
        (format!("{SECRET}\r\n"), SECRET.to_owned()),
        (format!("{SECRET}\n\n"), format!("{SECRET}\n")),
        (format!(" {SECRET} "), format!(" {SECRET} ")),
    ] {
        for by_variable in [false, true] {
            let setup = Setup::new();
            let file = setup.folder().join("secret");
            fs::write(&file, &written).expect("a secret");
            let setup = match by_variable {
                true => setup.env("ASSETD_JWT_SECRET_FILE", text(&file)),
                false => setup.args(&["--jwt-secret-file", text(&file)]),
            };
            let server = setup.start();
            let token = token::sign(&secret, &token::claims(7));
            server.bearer(&token).get("/api/v2/assets").expect(200);
            // DATA/jwt.secret is for servers without a key.
            assert!(!server.path("jwt.secret").exists());
        }
    }
}

#[test]
fn a_secret_under_32_bytes_is_refused_at_start() {
    for secret in ["", "short", &"s".repeat(31), &format!("{}\n", "s".repeat(31))] {
        let setup = Setup::new();
        let file = setup.folder().join("secret");
        fs::write(&file, secret).expect("a secret");
        let exit = setup.args(&["--jwt-secret-file", text(&file)]).fail();
        assert_eq!(exit.code, Some(1), "{secret:?}: {}", exit.stderr);
        assert!(exit.stderr.contains("32"), "{}", exit.stderr);
    }
    let setup = Setup::new();
    let file = setup.folder().join("secret");
    fs::write(&file, "s".repeat(32)).expect("a secret");
    setup.args(&["--jwt-secret-file", text(&file)]).start();
}

#[test]
fn a_secret_file_that_is_not_there_is_refused_at_start_by_name() {
    let exit = Setup::new().args(&["--jwt-secret-file", "nowhere.secret"]).fail();
    assert_eq!(exit.code, Some(1));
    assert!(exit.stderr.contains("nowhere.secret"), "{}", exit.stderr);
}

#[test]
fn log_json_writes_one_object_a_line() {
    both_ways("--log", "json", |server| {
        server.user(7).upload("a.png");
        let log = server.log();
        assert!(!log.is_empty());
        for line in log.lines() {
            let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            assert!(value.is_object(), "{line}");
        }
    });
    let server = Server::with(&["--log", "text"]);
    assert!(!server.log().starts_with('{'));
}

#[test]
fn an_option_wins_over_its_variable() {
    let server = Server::setup()
        .env("ASSETD_PUBLIC_URL", "https://variable.example")
        .args(&["--public-url", "https://option.example"])
        .start();
    let asset = server.user(7).upload_form(&png());
    assert!(asset["url"].as_str().expect("a url").starts_with("https://option.example/"));
}

#[test]
fn a_value_that_can_not_be_read_is_refused_at_start_by_its_option() {
    for (option, value) in [
        ("--listen", "nonsense"),
        ("--listen", "127.0.0.1"),
        ("--listen", "127.0.0.1:99999"),
        ("--max-upload", "0"),
        ("--max-upload", "50XB"),
        ("--max-upload", "-1"),
        ("--max-pixels", "none"),
        ("--max-pixels", "256MiB"),
        ("--public-url", "files.example"),
        ("--public-url", "ftp://files.example"),
        ("--public-url", "https://files.example/?a=b"),
        ("--log", "xml"),
    ] {
        let joined = format!("{option}={value}");
        let exit = Setup::new().bare().args(&[&joined, "--data", "DATA"]).fail();
        assert!(matches!(exit.code, Some(1 | 2)), "{joined}: {:?} {}", exit.code, exit.stderr);
        let told = exit.stderr.contains(option) || exit.stderr.contains(value);
        assert!(told, "{joined}: {}", exit.stderr);
        assert!(exit.stdout.is_empty(), "{}", exit.stdout);
    }
}

#[test]
fn an_unknown_option_or_command_is_refused() {
    let setup = Setup::new();
    for args in [&["serve", "--nonsense"][..], &["nonsense"], &[]] {
        let exit = setup.run(args);
        assert_eq!(exit.code, Some(2), "{args:?}");
    }
}

#[test]
fn help_names_every_option_and_its_variable() {
    let setup = Setup::new();
    let exit = setup.run(&["serve", "--help"]);
    assert_eq!(exit.code, Some(0));
    for option in [
        "--listen",
        "--data",
        "--public-url",
        "--max-upload",
        "--max-pixels",
        "--jwt-secret-file",
        "--user-claim",
        "--log",
    ] {
        assert!(exit.stdout.contains(option), "{option}");
        assert!(exit.stdout.contains(&variable(option)), "{option}");
    }
    assert_eq!(setup.run(&["--help"]).code, Some(0));
    assert_eq!(setup.run(&["--version"]).code, Some(0));
}
