//! The headers of a part.

use assetd::http::form::{FormError, PartHead};

use super::support::{Broken, read_whole};

fn head(lines: impl AsRef<[u8]>) -> Result<PartHead, FormError<Broken>> {
    let (mut parts, outcome) = read_whole([b"--b\r\n", lines.as_ref(), b"\r\n\r\nx\r\n--b--"].concat());
    outcome?;
    assert_eq!(parts.len(), 1);
    Ok(parts.remove(0).0)
}

/// The file name of a part with these parameters behind `name="file"`.
fn file_name(parameters: impl AsRef<[u8]>) -> Result<Option<String>, String> {
    let line = [b"Content-Disposition: form-data; name=\"file\"", parameters.as_ref()].concat();
    let head = head(line).map_err(|error| error.to_string())?;
    assert_eq!(head.name, "file");
    Ok(head.file_name)
}

#[test]
fn file_names_are_read_as_browsers_and_libraries_send_them() {
    let rows: &[(&str, &str)] = &[
        (r#"; filename="x.png""#, "x.png"),
        (r#"; filename="""#, ""),
        (r#"; filename=x.png"#, "x.png"),
        (r#";filename=x.png;"#, "x.png"),
        (r#" ;  FileName = "x.png"  ; ; size=3"#, "x.png"),
        (r#"; filename="a;b=c, d.png""#, "a;b=c, d.png"),
        // Browsers (WHATWG HTML)
        (r#"; filename="say %22hi%22.png""#, "say \"hi\".png"),
        (r#"; filename="two%0D%0Alines%0d%0a.png""#, "two\r\nlines\r\n.png"),
        (r#"; filename="100%.png""#, "100%.png"),
        (r#"; filename="100%25%2e.png""#, "100%25%2e.png"),
        ("; filename=\"tab\tbell\u{7}.png\"", "tab\tbell\u{7}.png"),
        ("; filename=\"日本語 é.png\"", "日本語 é.png"),
        ("; filename=é.png", "é.png"),
        (r#"; filename="C:\Users\me\new.mp4""#, r"C:\Users\me\new.mp4"),
        (r#"; filename="ends in \""#, r"ends in \"),
        // Older curl and others
        (r#"; filename="say \"hi\".png""#, "say \"hi\".png"),
        (r#"; filename="back\\slash.png""#, r"back\slash.png"),
        (r#"; filename="\"; name=evil; x=\".png""#, "\"; name=evil; x=\".png"),
        // RFC 5987
        (r#"; filename*=UTF-8''%e2%82%ac%20rates.png"#, "€ rates.png"),
        (r#"; filename*=utf-8'en'%E2%82%AC.png; filename="euro.png""#, "€.png"),
        (r#"; filename="euro.png"; filename*="UTF-8''%E2%82%AC.png""#, "€.png"),
        (r#"; filename*=iso-8859-1'de'%A3%20%e4.png"#, "£ ä.png"),
        (r#"; filename*=UTF-8''it's%2525.png"#, "it's%25.png"),
    ];
    for (parameters, expected) in rows {
        assert_eq!(file_name(parameters), Ok(Some(expected.to_string())), "{parameters}");
    }
}

#[test]
fn a_file_name_inside_another_value_is_not_believed() {
    let rows = [
        (r#"Content-Disposition: form-data; name="file; filename=evil.png""#, "file; filename=evil.png"),
        (
            r#"Content-Disposition: form-data; name="file\"; filename=\"evil.png""#,
            "file\"; filename=\"evil.png",
        ),
        (r#"Content-Disposition: form-data; x="; filename=evil.png"; name=file"#, "file"),
        (r#"Content-Disposition: form-data; name="%22; filename=%22evil.png""#, "\"; filename=\"evil.png"),
        (r#"Content-Disposition: form-data; xfilename=evil.png; name=file; name*=UTF-8''evil"#, "file"),
    ];
    for (line, name) in rows {
        let head = head(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!((head.name.as_str(), head.file_name), (name, None), "{line}");
    }
}

#[test]
fn headers_that_readers_could_take_two_ways_are_refused() {
    let rows: &[(&[u8], &str)] = &[
        (b"; filename=a.png; filename=b.png", "A part has a header or a parameter twice"),
        (b"; filename=a.png; FILENAME=\"a.png\"", "A part has a header or a parameter twice"),
        (b"; filename*=UTF-8''a; filename*=UTF-8''b", "A part has a header or a parameter twice"),
        (b"; name=file", "A part has a header or a parameter twice"),
        (b"; x=1; x=1", "A part has a header or a parameter twice"),
        (b"\r\nContent-Disposition: form-data; name=file", "A part has a header or a parameter twice"),
        (
            b"\r\nContent-Type: image/png\r\ncontent-type: image/png",
            "A part has a header or a parameter twice",
        ),
        (b"; filename=\"a.png", "A part's headers cannot be read"),
        (b"; filename=\"a.png\" b.png", "A part's headers cannot be read"),
        (b"; filename=my photo.png", "A part's headers cannot be read"),
        (b"; filename=a\"b.png", "A part's headers cannot be read"),
        (b"; filename=", "A part's headers cannot be read"),
        (b"; filename", "A part's headers cannot be read"),
        (b"; =a.png", "A part's headers cannot be read"),
        (b"; filename=a\rb.png", "A part's headers cannot be read"),
        (b"\r\nno colon", "A part's headers cannot be read"),
        (b"\r\n: no name", "A part's headers cannot be read"),
        (b"\r\nContent-Type : image/png", "A part's headers cannot be read"),
        (b"; filename=\"\xff.png\"", "The filename of a part is not UTF-8"),
        (b"; filename*=UTF-8''%ff", "The filename* of a part is not UTF-8"),
        (b"\r\nContent-Type: \xff", "The Content-Type of a part is not UTF-8"),
        (b"\r\nContent-Transfer-Encoding: base64", "The Content-Transfer-Encoding of a part must be binary"),
    ];
    for (parameters, error) in rows {
        let shown = String::from_utf8_lossy(parameters);
        assert_eq!(file_name(parameters), Err(error.to_string()), "{shown}");
    }
    for value in ["UTF-8''%zz", "UTF-8''%e", "UTF-8''%", "koi8-r''%e2", "plain.png", "UTF-8'x", "UTF-8''é"] {
        let error = file_name(format!("; filename*={value}")).expect_err(value);
        assert!(error.starts_with("The filename* of a part cannot be read"), "{value}: {error}");
    }
}

#[test]
fn a_part_has_to_have_a_name() {
    let error = "A part has no Content-Disposition: form-data with a name";
    for lines in [
        "Content-Type: image/png",
        "Content-Disposition: form-data",
        "Content-Disposition: form-data; filename=x.png",
        "Content-Disposition: attachment; name=file",
        "Content-Disposition: form-data; name*=UTF-8''file",
    ] {
        assert_eq!(head(lines).map_err(|error| error.to_string()), Err(error.to_owned()), "{lines}");
    }
    let (_, outcome) = read_whole("--b\r\n\r\nx\r\n--b--");
    assert_eq!(outcome.map_err(|error| error.to_string()), Err(error.to_owned()));
    let name = head(b"Content-Disposition: form-data; name=\"\xff\"").map_err(|error| error.to_string());
    assert_eq!(name, Err("The name of a part is not UTF-8".to_owned()));
}

#[test]
fn other_headers_and_folded_lines_are_read_past() {
    let lines = "X-Other: 1\r\nContent-Disposition: form-data;\r\n\tname=\"file\";\r\n filename=\"x.png\"\r\n\
                 Content-Transfer-Encoding: BINARY\r\nX-Other: 2\r\nContent-Type:";
    let head = head(lines).expect("a head");
    assert_eq!((head.name.as_str(), head.file_name.as_deref()), ("file", Some("x.png")));
    assert_eq!(head.content_type, None);
}
