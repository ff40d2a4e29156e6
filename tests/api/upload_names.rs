//! API.md, 3: file names are display text, and what is left of hostile ones.

use crate::support::{Form, Server, sample};

/// Uploads a PNG whose disposition ends in `parameters`, and gives the name it got.
#[track_caller]
fn name_of(server: &Server, parameters: &str) -> String {
    let form = Form::new().file_as(parameters, &sample::named("png"));
    let asset = server.user(7).upload_form(&form);
    asset["name"].as_str().expect("a name").to_owned()
}

#[test]
fn a_file_name_loses_paths_and_unseen_characters_and_keeps_the_rest() {
    let server = Server::start();
    let rows = [
        ("plain.png", "plain.png"),
        ("two words.png", "two words.png"),
        ("../../etc/passwd", "passwd"),
        ("/etc/shadow.png", "shadow.png"),
        (r"C:\x\y.png", "y.png"),
        (r"..\..\windows\z.png", "z.png"),
        (r"a/b\c.png", "c.png"),
        (r"a\b/c.png", "c.png"),
        ("tab\there.png", "tabhere.png"),
        ("delete\u{7f}d.png", "deleted.png"),
        ("next\u{85}line.png", "nextline.png"),
        ("photo\u{202e}gnp.png", "photognp.png"),
        ("\u{2066}a\u{2069}\u{202a}b\u{202c}.png", "ab.png"),
        ("e\u{301}te\u{301}.png", "été.png"),
        ("\u{212b}ngstro\u{308}m.png", "Ångström.png"),
        ("日本語.png", "日本語.png"),
        ("emoji 🎨.png", "emoji 🎨.png"),
        ("100%.png", "100%.png"),
        ("a%22b.png", "a\"b.png"),
        (".hidden.png", ".hidden.png"),
        ("<script>alert(1)</script>.png", "script>.png"),
    ];
    for (sent, kept) in rows {
        let name = name_of(&server, &format!("; filename=\"{sent}\""));
        assert_eq!(name, kept, "{sent:?}");
    }
}

#[test]
fn the_parameters_of_a_disposition_are_read_as_their_syntax_says() {
    let server = Server::start();
    let rows = [
        // RFC 5987: the extended value wins wherever it stands.
        ("; filename=\"x.png\"; filename*=UTF-8''%C3%A9t%C3%A9.png", "été.png"),
        ("; filename*=UTF-8''%E2%82%AC.png; filename=\"x.png\"", "€.png"),
        ("; filename*=utf-8'en'plain.png", "plain.png"),
        ("; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd", "passwd"),
        ("; filename*=UTF-8''..%5Cwin.png", "win.png"),
        ("; filename*=UTF-8''a%0D%0Ab.png", "ab.png"),
        ("; filename*=UTF-8''a%E2%80%AEb.png", "ab.png"),
        ("; filename*=UTF-8''a%00b.png", "ab.png"),
        // A decoy inside the quotes of another parameter.
        ("; note=\"; filename=decoy.exe\"; filename=\"true.png\"", "true.png"),
        ("; filename=token.png", "token.png"),
        ("; FileName=\"case.png\"", "case.png"),
        (";filename=\"tight.png\"", "tight.png"),
        ("; filename=\"semi;colon.png\"", "semi;colon.png"),
    ];
    for (parameters, kept) in rows {
        assert_eq!(name_of(&server, parameters), kept, "{parameters}");
    }
}

#[test]
fn where_nothing_is_left_of_a_name_it_is_id_and_format() {
    let server = Server::start();
    let rows = [
        "",
        "; filename=\"\"",
        "; filename=\"/\"",
        "; filename=\"folder/\"",
        "; filename=\"\u{202e}\u{2066}\"",
        "; filename*=UTF-8''%00%01%7F",
    ];
    for parameters in rows {
        let form = Form::new().file_as(parameters, &sample::named("gif"));
        let asset = server.user(7).upload_form(&form);
        assert_eq!(asset["name"], format!("{}.gif", asset.id()), "{parameters}");
    }
}

#[test]
fn a_long_file_name_is_cut_to_255_bytes_at_a_character_with_its_extension_kept() {
    let server = Server::start();
    let rows = [
        (format!("{}.png", "a".repeat(251)), format!("{}.png", "a".repeat(251))),
        (format!("{}.png", "a".repeat(252)), format!("{}.png", "a".repeat(251))),
        (format!("{}.png", "é".repeat(200)), format!("{}.png", "é".repeat(125))),
        (format!("{}.png", "日".repeat(300)), format!("{}.png", "日".repeat(83))),
        ("a".repeat(300), "a".repeat(255)),
        // 3 bytes each decomposed, 2 in NFC: what counts is what is kept.
        (format!("{}.png", "e\u{301}".repeat(125)), format!("{}.png", "é".repeat(125))),
    ];
    for (sent, kept) in rows {
        let name = name_of(&server, &format!("; filename=\"{sent}\""));
        assert_eq!(name, kept, "{} bytes", sent.len());
    }
}

#[test]
fn a_file_name_that_is_not_utf_8_is_refused() {
    let server = Server::start();
    let head = b"Content-Disposition: form-data; name=\"file\"; filename=\"caf\xe9.png\"";
    let form = Form::new().raw_part(head, &sample::named("png"));

    server.user(7).post(&form).expect(400);
    assert!(server.files().is_empty());
}

#[test]
fn the_name_field_wins_over_the_file_name_and_keeps_its_slashes() {
    let server = Server::start();
    let longest = "n".repeat(255);
    let rows = [
        ("Spring campaign", "Spring campaign"),
        ("key visual 16/9", "key visual 16/9"),
        (r"a\b", r"a\b"),
        ("no\u{7}bell\u{202e}", "nobell"),
        ("cafe\u{301}", "café"),
        (&longest, &longest),
        ("", "file.png"),
        ("\u{0}\u{202e}", "file.png"),
    ];
    for (sent, kept) in rows {
        let form = Form::of("file.png", &sample::named("png")).text("name", sent);
        assert_eq!(server.user(7).upload_form(&form)["name"], kept, "{sent:?}");
    }
}

#[test]
fn a_name_field_over_255_bytes_is_refused_by_name() {
    let server = Server::start();
    for name in ["n".repeat(256), "é".repeat(128)] {
        let form = Form::of("a.png", &sample::named("png")).text("name", &name);
        server.user(7).post(&form).expect(400).names("name");
    }
    assert!(server.files().is_empty());
}
