//! The form reader: what it reads, what it refuses, what it holds on to.

use assetd::http::form::{Form, FormError, MAX_HEAD_BYTES, MAX_PARTS, MAX_PREAMBLE_BYTES, MAX_TEXT_BYTES};
use bytes::Bytes;
use futures_util::{FutureExt, Stream};

use super::support::{Act, Broken, body, read, read_whole};
use crate::persist;

const HEAD: &str = "Content-Disposition: form-data; name=\"a\"\r\n\r\n";

/// A form of the boundary `b` with one part of this data.
fn one(data: &str) -> String {
    format!("--b\r\n{HEAD}{data}\r\n--b--\r\n")
}

fn opened(acts: impl IntoIterator<Item = Act>) -> Form<impl Stream<Item = Result<Bytes, Broken>> + Unpin> {
    Form::new(Some(b"multipart/form-data; boundary=b"), body(acts)).expect("a form")
}

#[track_caller]
fn reads_as(form: impl AsRef<[u8]>, data: &[&str]) {
    let (parts, outcome) = read_whole(form);
    let found: Vec<_> = parts.iter().map(|(_, data)| String::from_utf8_lossy(data).into_owned()).collect();
    assert_eq!(
        (found.as_slice(), outcome),
        (data.iter().map(|s| s.to_string()).collect::<Vec<_>>().as_slice(), Ok(()))
    );
}

#[track_caller]
fn fails_as(form: impl AsRef<[u8]>, error: FormError<Broken>) {
    assert_eq!(read_whole(form).1, Err(error));
}

#[test]
fn a_form_gives_its_parts_in_order() {
    let form = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.png\"\r\nContent-Type: image/png\r\n\r\n\
                bytes\r\n--b\r\ncontent-disposition: FORM-DATA; name=tags\r\n\r\n\r\n--b--\r\n";

    let (parts, outcome) = read_whole(form);

    assert_eq!(outcome, Ok(()));
    let [(file, bytes), (tags, empty)] = parts.as_slice() else { panic!("{parts:?}") };
    assert_eq!((file.name.as_str(), bytes.as_slice()), ("file", &b"bytes"[..]));
    assert_eq!(file.file_name.as_deref(), Some("x.png"));
    assert_eq!(file.content_type.as_deref(), Some("image/png"));
    assert_eq!((tags.name.as_str(), empty.as_slice()), ("tags", &b""[..]));
    assert_eq!((&tags.file_name, &tags.content_type), (&None, &None));
}

#[test]
fn a_body_is_a_form_only_by_its_content_type() {
    let long = |length: usize| format!("multipart/form-data; boundary={}", "x".repeat(length));
    let accepted = [
        "multipart/form-data; boundary=b".to_owned(),
        "Multipart/Form-Data;charset=utf-8;  BOUNDARY=\"b\" ;".to_owned(),
        "multipart/form-data; boundary=----=_Part_1:2/3?4".to_owned(),
        "multipart/form-data; boundary=\"a (b),c\"".to_owned(),
        long(70),
    ];
    for content_type in accepted {
        assert!(Form::new(Some(content_type.as_bytes()), body([])).is_ok(), "{content_type}");
    }
    let refused = [
        String::new(),
        "application/json".to_owned(),
        "application/x-www-form-urlencoded; boundary=b".to_owned(),
        "multipart/mixed; boundary=b".to_owned(),
        "multipart/form-data".to_owned(),
        "multipart/form-data; boundary=".to_owned(),
        "multipart/form-data; boundary=\"\"".to_owned(),
        "multipart/form-data; boundary=\"b \"".to_owned(),
        "multipart/form-data; boundary=\"b".to_owned(),
        "multipart/form-data; boundary=a b".to_owned(),
        "multipart/form-data; boundary=b; boundary=c".to_owned(),
        "multipart/form-data; boundary=b*".to_owned(),
        "multipart/form-data; boundary=\u{e9}".to_owned(),
        "multipart/form-data boundary=b".to_owned(),
        long(71),
        format!("multipart/form-data{}; boundary=b", "; a=b".repeat(100_000)),
    ];
    for content_type in refused {
        let form = Form::new(Some(content_type.as_bytes()), body([]));
        assert_eq!(form.err(), Some(FormError::NotForm), "{content_type}");
    }
    assert_eq!(Form::new(None, body([])).err(), Some(FormError::NotForm));
}

#[test]
fn what_only_looks_like_a_delimiter_is_data() {
    let lookalikes = [
        "\r\n--bx",
        "\r\n--b-",
        "\r\n--b-x",
        "\r\n--b--x",
        "\r\n--b\n",
        "\r\n--b \t x",
        "\r\n--b\rx",
        "\r\n--b\r\r\n--b \r",
        "\n--b\r\n",
        "\r--b\r\n",
        "\n--b--\r\r\n-",
        "\r\r\n\n--b",
        "x--b\r\n",
        "\r\n--",
        "\r\n",
        "\r",
    ];
    for data in lookalikes {
        reads_as(one(&format!("x{data}")), &[&format!("x{data}")]);
        reads_as(one(&format!("{data}x")), &[&format!("{data}x")]);
    }
    // More padding than any gateway adds.
    for spaces in [129, 10_000] {
        let padded = format!("\r\n--b{}\r\n", " ".repeat(spaces));
        reads_as(one(&padded), &[&padded]);
    }
}

#[test]
fn a_delimiter_may_be_padded_and_the_last_line_unended() {
    reads_as(format!("--b \t\r\n{HEAD}x\r\n--b\t\r\n{HEAD}y\r\n--b-- \t\r\n"), &["x", "y"]);
    for end in ["", "\r", "\n", "\r\n", " \t", "\r\nepilogue\r\n--b\r\n", "\r\n--b--"] {
        reads_as(format!("--b\r\n{HEAD}x\r\n--b--{end}"), &["x"]);
    }
}

#[test]
fn a_part_may_have_no_body_behind_its_head() {
    // RFC 2046, 5.1.1: a body part is its headers, and perhaps an empty line and a body.
    reads_as(format!("--b\r\n{HEAD}--b\r\n{HEAD}x\r\n--b--"), &["", "x"]);
    reads_as(format!("--b\r\n{HEAD}--b--"), &[""]);
}

#[test]
fn a_preamble_is_skipped_within_a_bound() {
    reads_as(format!("mail says hello\r\n{}", one("x")), &["x"]);
    reads_as(format!("\r\n{}", one("x")), &["x"]);
    // The CRLF before the first boundary is not the preamble's.
    reads_as(format!("{}\r\n{}", "p".repeat(MAX_PREAMBLE_BYTES), one("x")), &["x"]);
    let long = format!("{}\r\n{}", "p".repeat(MAX_PREAMBLE_BYTES + 1), one("x"));
    fails_as(long, FormError::NoBoundary);
}

#[test]
fn a_form_without_parts_is_whole() {
    reads_as("--b--\r\n", &[]);
    reads_as("--b--", &[]);
}

#[test]
fn a_body_that_ends_early_is_incomplete_wherever_it_ends() {
    let form = one("x");
    for length in 0..form.len() - "\r\n".len() {
        fails_as(&form[..length], FormError::Incomplete);
    }
}

#[test]
fn bare_line_feeds_are_refused_where_lines_are_expected() {
    fails_as(one("x").replace("\r\n", "\n"), FormError::LineFeed);
    fails_as(format!("preamble\r\n--b\n{HEAD}x\r\n--b--"), FormError::LineFeed);
    let in_head = format!("--b\r\nX-One: 1\n{HEAD}x\r\n--b--");
    assert_eq!(read_whole(in_head).1.unwrap_err().to_string(), "A part's headers cannot be read");
}

#[test]
fn a_form_has_at_most_64_parts() {
    let parts = |count| format!("{}--b--", format!("--b\r\n{HEAD}x\r\n").repeat(count));
    assert_eq!(read_whole(parts(MAX_PARTS)).1, Ok(()));
    let (read, outcome) = read_whole(parts(MAX_PARTS + 1));
    assert_eq!((read.len(), outcome), (MAX_PARTS, Err(FormError::TooManyParts)));
}

#[test]
fn a_head_has_at_most_8_kib() {
    let padded = |bytes: usize| {
        let rest = "\r\nContent-Disposition: form-data; name=a\r\n";
        let filler = "p".repeat(bytes - rest.len() - "X-P: ".len());
        format!("--b\r\nX-P: {filler}{rest}\r\nx\r\n--b--")
    };
    reads_as(padded(MAX_HEAD_BYTES), &["x"]);
    fails_as(padded(MAX_HEAD_BYTES + 1), FormError::HeadTooLarge);
}

#[test]
fn a_head_that_never_ends_is_refused_after_8_kib_of_it() {
    let chunk = Bytes::from(vec![b'h'; 1000]);
    let start = Act::Bring(Bytes::from_static(b"--b\r\nX-Endless: "));
    // One chunk more than needed would be followed by a break, and give another error.
    let endless = std::iter::repeat_n(Act::Bring(chunk), 9).chain([Act::Break]);
    let (_, outcome) = read("multipart/form-data; boundary=b", [start].into_iter().chain(endless));
    assert_eq!(outcome, Err(FormError::HeadTooLarge));
}

#[test]
fn a_file_passes_through_without_a_copy() {
    // Not split at what looks like a delimiter, either.
    let file = Bytes::from("\r\n--bf".repeat(10_000));
    let acts = [
        Act::Bring(Bytes::from(format!("--b\r\n{HEAD}"))),
        Act::Bring(file.clone()),
        Act::Bring(file.clone()),
        Act::Bring(Bytes::from_static(b"\r\n--b--")),
    ];
    let mut form = opened(acts);
    assert!(persist!(form.next_part()).expect("a part").is_some());

    for _ in 0..2 {
        let chunk = persist!(form.chunk()).expect("data").expect("data");
        assert_eq!((chunk.as_ptr(), chunk.len()), (file.as_ptr(), file.len()));
    }
    assert_eq!(persist!(form.chunk()), Ok(None));
}

#[test]
fn a_part_that_is_not_read_is_skipped() {
    let form = format!("--b\r\n{HEAD}{}\r\n--b\r\n{HEAD}y\r\n--b--", "long\r\n".repeat(1000));
    let acts = [Act::Bring(Bytes::from(form))];
    let mut form = opened(acts);
    assert!(persist!(form.next_part()).expect("a part").is_some());
    assert!(persist!(form.next_part()).expect("a part").is_some());
    assert_eq!(persist!(form.text("a")).as_deref(), Ok("y"));
    assert_eq!(persist!(form.next_part()), Ok(None));
    assert_eq!(persist!(form.next_part()), Ok(None));
    assert_eq!(persist!(form.chunk()), Ok(None));
}

#[test]
fn text_fields_together_have_at_most_64_kib() {
    let read_both = |first: usize, second: usize| {
        let form =
            format!("--b\r\n{HEAD}{}\r\n--b\r\n{HEAD}{}\r\n--b--", "x".repeat(first), "y".repeat(second));
        let acts = [Act::Bring(Bytes::from(form))];
        let mut form = opened(acts);
        let mut read = 0;
        while persist!(form.next_part())?.is_some() {
            read += persist!(form.text("a"))?.len();
        }
        Ok(read)
    };
    assert_eq!(read_both(MAX_TEXT_BYTES - 5, 5), Ok(MAX_TEXT_BYTES));
    assert_eq!(read_both(MAX_TEXT_BYTES - 5, 6), Err(FormError::TextTooLarge));
}

#[test]
fn text_that_is_not_utf_8_is_refused_by_name() {
    let form = [b"--b\r\n", HEAD.as_bytes(), b"\xff\r\n--b--"].concat();
    let acts = [Act::Bring(Bytes::from(form))];
    let mut form = opened(acts);
    let head = persist!(form.next_part()).expect("a part").expect("a part");
    let error = persist!(form.text(&head.name)).expect_err("no text");
    assert_eq!(error.to_string(), "Form field a is not UTF-8");
}

#[test]
fn a_form_that_failed_never_looks_whole() {
    let acts = [Act::Bring(Bytes::from(format!("--b\r\n{HEAD}x"))), Act::Break];
    let mut form = opened(acts);
    assert!(persist!(form.next_part()).expect("a part").is_some());
    assert_eq!(persist!(form.chunk()), Ok(Some(Bytes::from_static(b"x"))));
    assert_eq!(persist!(form.chunk()), Err(FormError::Body(Broken)));
    assert_eq!(persist!(form.chunk()), Err(FormError::Incomplete));
    assert_eq!(persist!(form.next_part()), Err(FormError::Incomplete));

    let bad_head = format!("--b\r\nno colon\r\n\r\n{}", one("x"));
    let mut form = opened([Act::Bring(Bytes::from(bad_head))]);
    assert!(matches!(persist!(form.next_part()), Err(FormError::Head(_))));
    assert_eq!(persist!(form.next_part()), Err(FormError::Incomplete));

    let long_text = one(&"x".repeat(MAX_TEXT_BYTES + 1));
    let mut form = opened([Act::Bring(Bytes::from(long_text))]);
    assert!(persist!(form.next_part()).expect("a part").is_some());
    assert_eq!(persist!(form.text("a")), Err(FormError::TextTooLarge));
    assert_eq!(persist!(form.next_part()), Err(FormError::Incomplete));
}

#[test]
fn the_epilogue_is_read_within_a_bound() {
    let epilogue = |kib: usize, end: Act| {
        let chunk = Act::Bring(Bytes::from(vec![b'e'; 1024]));
        let form = Act::Bring(Bytes::from(one("x")));
        [form].into_iter().chain(std::iter::repeat_n(chunk, kib)).chain([end])
    };
    let form_type = "multipart/form-data; boundary=b";
    assert_eq!(read(form_type, epilogue(10, Act::Wait)).1, Ok(()));
    assert_eq!(read(form_type, epilogue(10, Act::Break)).1, Err(FormError::Body(Broken)));
    // Behind the bound the body is left alone.
    assert_eq!(read(form_type, epilogue(100, Act::Break)).1, Ok(()));
}
