//! `Range` (RFC 9110, 14).

use assetd::http::range::{Ranged, parse};

fn part(first: u64, last: u64) -> Ranged {
    Ranged::Part { first, last }
}

#[test]
fn one_range_of_bytes_is_read_as_in_rfc_9110() {
    let huge = "99999999999999999999999999999999999999999";
    let rows = [
        ("bytes=0-0", part(0, 0)),
        ("bytes=0-499", part(0, 499)),
        ("bytes=500-999", part(500, 999)),
        ("bytes=9500-", part(9500, 9999)),
        ("bytes=0-", part(0, 9999)),
        ("bytes=9999-9999", part(9999, 9999)),
        ("bytes=9999-20000", part(9999, 9999)),
        ("bytes=-500", part(9500, 9999)),
        ("bytes=-1", part(9999, 9999)),
        ("bytes=-10000", part(0, 9999)),
        ("bytes=-10001", part(0, 9999)),
        ("Bytes=000-0099", part(0, 99)),
        ("bytes= 0-1 ", part(0, 1)),
        ("bytes=,, 0-1 ,", part(0, 1)),
        (&format!("bytes=0-{huge}"), part(0, 9999)),
        (&format!("bytes=-{huge}"), part(0, 9999)),
        ("bytes=0-18446744073709551616", part(0, 9999)),
        ("bytes=10000-", Ranged::Unsatisfiable),
        ("bytes=10000-10001", Ranged::Unsatisfiable),
        ("bytes=-0", Ranged::Unsatisfiable),
        ("bytes=-000", Ranged::Unsatisfiable),
        (&format!("bytes={huge}-"), Ranged::Unsatisfiable),
        (&format!("bytes={huge}-{huge}"), Ranged::Unsatisfiable),
        ("bytes=18446744073709551615-", Ranged::Unsatisfiable),
        // Invalid, so ignored: the last byte before the first, also beyond any integer.
        ("bytes=5-4", Ranged::Whole),
        (&format!("bytes={huge}9-{huge}8"), Ranged::Whole),
        (&format!("bytes={huge}-10"), Ranged::Whole),
        // Several
        ("bytes=0-0,-1", Ranged::Whole),
        ("bytes=10000-,20000-", Ranged::Whole),
        // Not ranges of bytes
        ("seconds=0-1", Ranged::Whole),
        ("bytes", Ranged::Whole),
        ("bytes=", Ranged::Whole),
        ("bytes=-", Ranged::Whole),
        ("bytes=--1", Ranged::Whole),
        ("bytes=0--1", Ranged::Whole),
        ("bytes=1", Ranged::Whole),
        ("bytes=+1-2", Ranged::Whole),
        ("bytes=0x1-2", Ranged::Whole),
        ("bytes=0 - 1", Ranged::Whole),
        ("bytes =0-1", Ranged::Whole),
        ("bytes=٣-٤", Ranged::Whole),
        ("0-1", Ranged::Whole),
        ("", Ranged::Whole),
    ];
    for (header, expected) in rows {
        assert_eq!(parse(Some(header), 10_000), expected, "{header}");
    }
    assert_eq!(parse(None, 10_000), Ranged::Whole);
}

#[test]
fn an_empty_file_has_no_range() {
    assert_eq!(parse(Some("bytes=0-"), 0), Ranged::Unsatisfiable);
    assert_eq!(parse(Some("bytes=0-0"), 0), Ranged::Unsatisfiable);
    assert_eq!(parse(Some("bytes=-0"), 0), Ranged::Unsatisfiable);
    assert_eq!(parse(Some("bytes=-5"), 0), Ranged::Whole);
    assert_eq!(parse(None, 0), Ranged::Whole);
}

#[test]
fn the_largest_file_has_its_last_byte() {
    let last = u64::MAX - 1;
    assert_eq!(parse(Some("bytes=-1"), u64::MAX), part(last, last));
    assert_eq!(parse(Some("bytes=18446744073709551614-"), u64::MAX), part(last, last));
    assert_eq!(parse(Some("bytes=18446744073709551615-"), u64::MAX), Ranged::Unsatisfiable);
}
