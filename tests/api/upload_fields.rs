//! API.md, 3: the fields beside the file, and the bounds of a form.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{Form, Server, sample};

fn png_form() -> Form {
    Form::of("a.png", &sample::named("png"))
}

#[test]
fn client_and_campaign_are_kept_as_sent_and_an_empty_one_is_absent() {
    let server = Server::start();
    let longest = "c".repeat(128);
    let rows = [
        ("acme", json!("acme")),
        ("A", json!("A")),
        ("a.b_c:d-9", json!("a.b_c:d-9")),
        ("...", json!("...")),
        (".a", json!(".a")),
        (&longest, json!(longest)),
        ("", Value::Null),
    ];
    for (sent, kept) in rows {
        for field in ["clientId", "campaignId"] {
            let asset = server.user(7).upload_with(&[(field, sent)]);
            assert_eq!(asset[field], kept, "{field} {sent:?}");
        }
    }
}

#[test]
fn a_malformed_client_or_campaign_is_refused_by_name() {
    let server = Server::start();
    let long = "c".repeat(129);
    let bad = [".", "..", "a b", " a", "a/b", r"a\b", "é", "a\u{0}", "a\n", "a,b", "a%20b", "<b>", &long];
    for value in bad {
        for field in ["clientId", "campaignId"] {
            let answer = server.user(7).post(&png_form().text(field, value));
            answer.expect(400).names(field);
        }
    }
    assert!(server.files().is_empty());
}

#[test]
fn tags_come_as_a_json_array_or_one_a_part() {
    let server = Server::start();
    let array: Vec<String> = (0..32).map(|n| format!("t{n}")).collect();
    let array_text = json!(array).to_string();
    // 33 of which two are one.
    let folded = json!([&array[..], &["t0".to_owned()]].concat()).to_string();
    let long = "é".repeat(64);
    let rows: &[(&[&str], Value)] = &[
        (&[], Value::Null),
        (&[""], Value::Null),
        (&["[]"], Value::Null),
        (&["spring"], json!(["spring"])),
        (&["spring", "sale"], json!(["spring", "sale"])),
        (&[r#"["spring","sale"]"#], json!(["spring", "sale"])),
        (&[r#"["b","a","b"]"#], json!(["b", "a"])),
        (&["b", "a", "b"], json!(["b", "a"])),
        (&["  padded  "], json!(["padded"])),
        (&[r#"[" padded ","padded"]"#], json!(["padded"])),
        (&["e\u{301}"], json!(["é"])),
        (&[r#"["e\u0301","\u00e9"]"#], json!(["é"])),
        (&["Case", "case"], json!(["Case", "case"])),
        (&["two words, one tag"], json!(["two words, one tag"])),
        (&[&array_text], json!(array)),
        (&[&folded], json!(array)),
        (&[&long], json!([long])),
    ];
    for (parts, kept) in rows {
        let fields: Vec<(&str, &str)> = parts.iter().map(|part| ("tags", *part)).collect();
        let asset = server.user(7).upload_with(&fields);
        assert_eq!(&asset["tags"], kept, "{parts:?}");
    }
}

#[test]
fn tags_that_break_a_rule_are_refused_by_name() {
    let server = Server::start();
    let many = json!((0..33).map(|n| format!("t{n}")).collect::<Vec<_>>()).to_string();
    let long = "é".repeat(65);
    let long_in_array = json!([long]).to_string();
    let bad = [
        "[",
        "[1]",
        "[null]",
        r#"["a""#,
        r#"["a"] b"#,
        r#"[["a"]]"#,
        r#"[""]"#,
        r#"["  "]"#,
        r#"["a\u0000b"]"#,
        r#"["a\nb"]"#,
        r#"["\ud800"]"#,
        "a\u{7}b",
        &many,
        &long,
        &long_in_array,
    ];
    for value in bad {
        let answer = server.user(7).post(&png_form().text("tags", value));
        answer.expect(400).names("tags");
    }
    let mut parts = png_form();
    for number in 0..33 {
        parts = parts.text("tags", &format!("t{number}"));
    }
    server.user(7).post(&parts).expect(400).names("tags");
    assert!(server.files().is_empty());
}

#[test]
fn a_field_that_is_not_utf_8_is_refused_by_name() {
    let server = Server::start();
    for field in ["clientId", "campaignId", "name", "tags", "sha256"] {
        let form = png_form().field(field, b"caf\xe9");
        server.user(7).post(&form).expect(400).names(field);
    }
    assert!(server.files().is_empty());
}

#[test]
fn an_upload_is_held_to_its_sha256() {
    let server = Server::start();
    let bytes = sample::named("png");
    let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let form = |sha256: &str| Form::new().text("sha256", sha256).file("a.png", None, &bytes);
    let after = Form::of("a.png", &bytes).text("sha256", &"0".repeat(64));

    for other in [form(&"0".repeat(64)), after] {
        server.user(7).post(&other).expect(400).detail("File does not match its sha256");
    }
    for malformed in ["abc", &digest[..63], &format!("{digest}0"), &"g".repeat(64)] {
        server.user(7).post(&form(malformed)).expect(400).names("sha256");
    }
    assert!(server.files().is_empty());
    server.user(7).upload_form(&form(&digest));
    server.user(7).upload_form(&form(&digest.to_uppercase()));
}

#[test]
fn any_field_but_tags_may_come_once() {
    let server = Server::start();
    let digest = "0".repeat(64);
    for (field, value) in
        [("clientId", "acme"), ("campaignId", "spring"), ("name", "n"), ("sha256", &digest), ("clientId", "")]
    {
        let form = png_form().text(field, value).text(field, value);
        server.user(7).post(&form).expect(400).detail(&format!("Duplicate form field: {field}"));
    }
    let png = sample::named("png");
    server
        .user(7)
        .post(&Form::of("a.png", &png).file("a.png", None, &png))
        .expect(400)
        .detail("Duplicate form field: file");
    assert!(server.files().is_empty());
}

#[test]
fn the_parts_may_come_in_any_order() {
    let server = Server::start();
    let file = |form: Form| form.file("a.png", Some("image/png"), &sample::named("png"));
    let client = |form: Form| form.text("clientId", "acme");
    let campaign = |form: Form| form.text("campaignId", "spring");
    let rest = |form: Form| form.text("name", "n").text("tags", "t").text("ignored", "x");
    let orders = [
        rest(campaign(client(file(Form::new())))),
        file(rest(campaign(client(Form::new())))),
        campaign(rest(file(client(Form::new())))),
    ];
    for form in orders {
        let asset = server.user(7).upload_form(&form);
        assert_eq!(asset["clientId"], "acme");
        assert_eq!(asset["campaignId"], "spring");
        assert_eq!(asset["name"], "n");
        assert_eq!(asset["tags"], json!(["t"]));
    }
}

#[test]
fn unknown_parts_are_ignored_and_may_repeat() {
    let server = Server::start();
    let mut form = Form::new();
    for number in 0..20 {
        form = form.text("unknown", &number.to_string());
    }
    let asset = server.user(7).upload_form(&form.file("a.png", None, &sample::named("png")));
    assert_eq!(asset["name"], "a.png");
}

#[test]
fn a_form_has_64_parts_at_most() {
    let server = Server::start();
    let form = |others: usize| {
        let mut form = png_form();
        for number in 0..others {
            form = form.text(&format!("unknown{number}"), "");
        }
        form
    };
    server.user(7).post(&form(63)).expect(201);
    server.user(7).post(&form(64)).expect(400);
    assert_eq!(server.user(7).list_all("").len(), 1);
}

#[test]
fn the_text_of_a_form_is_64_kib_at_most() {
    let server = Server::start();
    let half = "x".repeat(32 * 1024);
    let form =
        |rest: &str| png_form().text("one", &half).text("two", &half[..32 * 1024 - 1]).text("three", rest);
    server.user(7).post(&form("x")).expect(201);
    server.user(7).post(&form("xx")).expect(400);
    assert_eq!(server.user(7).list_all("").len(), 1);
}

#[test]
fn the_head_of_a_part_is_8_kib_at_most() {
    let server = Server::start();
    let form = |padding: usize| {
        let head = format!(
            "Content-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\nX-Padding: {}",
            "x".repeat(padding)
        );
        Form::new().part(&head, &sample::named("png"))
    };
    server.user(7).post(&form(7 * 1024)).expect(201);
    server.user(7).post(&form(8 * 1024)).expect(400);
    assert_eq!(server.user(7).list_all("").len(), 1);
}

#[test]
fn a_part_without_a_usable_disposition_is_refused() {
    let server = Server::start();
    for head in ["Content-Type: image/png", "Content-Disposition: form-data", "Content-Disposition"] {
        let form = Form::new().part(head, &sample::named("png"));
        server.user(7).post(&form).expect(400);
    }
    assert!(server.files().is_empty());
}
