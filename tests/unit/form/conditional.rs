//! Preconditions (RFC 9110, 13).

use assetd::asset::Time;
use assetd::http::conditional::Outcome::{self, NotModified, PreconditionFailed, Proceed};
use assetd::http::conditional::{Validators, weigh};
use warp::http::header::{HeaderMap, HeaderName, HeaderValue};

const FULL: Outcome = Proceed { ranged: true };
const UNRANGED: Outcome = Proceed { ranged: false };

/// When the file was last modified, a second before, and a second after.
const AT: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
const AFTER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

/// The outcome for a file of the tag `"a,b"`.
#[track_caller]
fn outcome(lines: &[(&str, &str)]) -> Outcome {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let name: HeaderName = name.parse().expect("a header's name");
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).expect("a header's value"));
    }
    weigh(&headers, &Validators { etag: "\"a,b\"", last_modified: Time::from_unix(784_111_777) })
}

#[test]
fn each_precondition_alone_decides_as_in_rfc_9110() {
    let rows: &[(&str, &str, Outcome)] = &[
        ("if-match", "\"a,b\"", FULL),
        ("if-match", "*", FULL),
        ("if-match", "\"x\", \"a,b\"", FULL),
        ("if-match", ",\"x\" ,, \"a,b\" ,", FULL),
        ("if-match", "nonsense, \"a,b\"", FULL),
        ("if-match", "W/\"a,b\"", PreconditionFailed),
        ("if-match", "\"x\"", PreconditionFailed),
        ("if-match", "\"a\", \"b\"", PreconditionFailed),
        ("if-match", "\"A,B\"", PreconditionFailed),
        ("if-match", "a,b", PreconditionFailed),
        ("if-match", "\"x,\"a,b\"", PreconditionFailed),
        ("if-match", "\"a,b", PreconditionFailed),
        ("if-match", "\"a,b\"x", PreconditionFailed),
        ("if-match", "", PreconditionFailed),
        ("if-match", "\u{e9}", PreconditionFailed),
        ("if-none-match", "\"a,b\"", NotModified),
        ("if-none-match", "W/\"a,b\"", NotModified),
        ("if-none-match", "*", NotModified),
        ("if-none-match", "W/\"x\", W/\"a,b\"", NotModified),
        ("if-none-match", "\"a\", \"b\"", FULL),
        ("if-none-match", "w/\"a,b\"", FULL),
        ("if-none-match", "a,b", FULL),
        ("if-none-match", "", FULL),
        ("if-modified-since", AT, NotModified),
        ("if-modified-since", AFTER, NotModified),
        ("if-modified-since", BEFORE, FULL),
        ("if-modified-since", "Sunday, 06-Nov-94 08:49:37 GMT", NotModified),
        ("if-modified-since", "Sun Nov  6 08:49:37 1994", NotModified),
        ("if-modified-since", "yesterday", FULL),
        ("if-modified-since", "1994-11-06T08:49:37Z", FULL),
        ("if-modified-since", "", FULL),
        ("if-unmodified-since", AT, FULL),
        ("if-unmodified-since", AFTER, FULL),
        ("if-unmodified-since", BEFORE, PreconditionFailed),
        ("if-unmodified-since", "yesterday", FULL),
        ("if-range", "\"a,b\"", FULL),
        ("if-range", AT, FULL),
        ("if-range", AFTER, UNRANGED),
        ("if-range", BEFORE, UNRANGED),
        ("if-range", "W/\"a,b\"", UNRANGED),
        ("if-range", "\"x\"", UNRANGED),
        ("if-range", "\"a,b\", \"x\"", UNRANGED),
        ("if-range", "*", UNRANGED),
        ("if-range", "", UNRANGED),
    ];
    for (name, value, expected) in rows {
        assert_eq!(outcome(&[(name, value)]), *expected, "{name}: {value}");
    }
    assert_eq!(outcome(&[]), FULL);
}

#[test]
fn preconditions_are_weighed_in_the_order_of_rfc_9110() {
    let rows: &[(&[(&str, &str)], Outcome)] = &[
        // If-Match hides If-Unmodified-Since, If-None-Match hides If-Modified-Since.
        (&[("if-match", "\"a,b\""), ("if-unmodified-since", BEFORE)], FULL),
        (&[("if-match", "\"x\""), ("if-unmodified-since", AFTER)], PreconditionFailed),
        (&[("if-none-match", "\"x\""), ("if-modified-since", AT)], FULL),
        (&[("if-none-match", "nonsense"), ("if-modified-since", AT)], FULL),
        (&[("if-none-match", "\"a,b\""), ("if-modified-since", BEFORE)], NotModified),
        // A failed precondition stands before an unmodified file.
        (&[("if-match", "\"x\""), ("if-none-match", "\"a,b\"")], PreconditionFailed),
        (&[("if-unmodified-since", BEFORE), ("if-none-match", "\"a,b\"")], PreconditionFailed),
        (&[("if-match", "\"a,b\""), ("if-none-match", "\"a,b\"")], NotModified),
        (&[("if-unmodified-since", AT), ("if-modified-since", AT)], NotModified),
        (&[("if-none-match", "\"a,b\""), ("if-range", "\"x\"")], NotModified),
        (&[("if-none-match", "\"x\""), ("if-range", "\"x\"")], UNRANGED),
    ];
    for (lines, expected) in rows {
        assert_eq!(outcome(lines), *expected, "{lines:?}");
    }
}

#[test]
fn lines_of_a_list_are_one_list_and_a_doubled_date_is_none() {
    assert_eq!(outcome(&[("if-none-match", "\"x\""), ("if-none-match", "\"a,b\"")]), NotModified);
    assert_eq!(outcome(&[("if-match", "\"x\""), ("if-match", "\"a,b\"")]), FULL);
    assert_eq!(outcome(&[("if-modified-since", AT), ("if-modified-since", AT)]), FULL);
    assert_eq!(outcome(&[("if-range", "\"a,b\""), ("if-range", "\"a,b\"")]), UNRANGED);
}
