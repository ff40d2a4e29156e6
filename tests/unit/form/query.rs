//! Queries and path segments.

use assetd::http::query::{BadQuery, MAX_PAIRS, Query, decode_segment, encode};

use super::support::Random;

fn pairs(query: &str) -> Result<Vec<(String, String)>, String> {
    let query = Query::parse(Some(query)).map_err(|bad| bad.to_string())?;
    Ok(query.pairs().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

#[test]
fn a_query_is_decoded_as_forms_encode_it() {
    let rows: &[(&str, &[(&str, &str)])] = &[
        ("", &[]),
        ("&&", &[]),
        ("a=1&b=2", &[("a", "1"), ("b", "2")]),
        ("a", &[("a", "")]),
        ("=1", &[("", "1")]),
        ("a=b=c", &[("a", "b=c")]),
        ("q=x+y%2Bz%20%26", &[("q", "x y+z &")]),
        ("q=%C3%A9é%e8%aa%9e", &[("q", "éé語")]),
        ("%61=1;b", &[("a", "1;b")]),
        ("q=%00", &[("q", "\0")]),
    ];
    for (query, expected) in rows {
        let expected = expected.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        assert_eq!(pairs(query), Ok(expected), "{query}");
    }
    assert_eq!(Query::parse(None), Ok(Query::default()));
}

#[test]
fn a_query_that_cannot_be_read_is_refused_by_name() {
    let rows = [
        ("limit=%", "Malformed percent-escape in query parameter limit"),
        ("limit=%2", "Malformed percent-escape in query parameter limit"),
        ("limit=%zz", "Malformed percent-escape in query parameter limit"),
        ("limit=%+1", "Malformed percent-escape in query parameter limit"),
        ("q=%ff", "Not UTF-8 in query parameter q"),
        ("q=%c3", "Not UTF-8 in query parameter q"),
        ("q=%ed%a0%80", "Not UTF-8 in query parameter q"),
        ("%=1", "Malformed percent-escape in a query parameter's name"),
        ("%ff=1", "Not UTF-8 in a query parameter's name"),
        ("a=1&b=%", "Malformed percent-escape in query parameter b"),
    ];
    for (query, error) in rows {
        assert_eq!(pairs(query), Err(error.to_owned()), "{query}");
    }
}

#[test]
fn a_query_has_at_most_256_parameters() {
    let many = |count: usize| vec!["a=1"; count].join("&");
    assert_eq!(pairs(&many(MAX_PAIRS)).map(|pairs| pairs.len()), Ok(MAX_PAIRS));
    assert_eq!(Query::parse(Some(&many(MAX_PAIRS + 1))), Err(BadQuery::TooMany));
}

#[test]
fn one_is_given_once_and_empty_is_absent() {
    let query = Query::parse(Some("limit=5&limit=5&offset=&tag=a&tag=&tag=b&sort=&sort=x")).expect("a query");
    assert_eq!(query.one("q"), Ok(None));
    assert_eq!(query.one("offset"), Ok(None));
    assert_eq!(
        query.one("limit").map_err(|twice| twice.to_string()),
        Err("Duplicate query parameter: limit".to_owned())
    );
    assert!(query.one("sort").is_err());
    assert_eq!(query.all("tag").collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(query.all("offset").count(), 0);
    assert_eq!(query.one("Limit"), Ok(None));
}

#[test]
fn what_is_encoded_is_decoded_to_the_same() {
    assert_eq!(encode([("a b", "é&=+"), ("x", "")]), "a+b=%C3%A9%26%3D%2B&x=");
    const CHARS: &[char] =
        &['a', '0', ' ', '+', '%', '&', '=', '*', '-', '.', '_', '~', '/', '\n', 'é', '😀'];
    for seed in 0..2_000 {
        let random = &mut Random(seed);
        let mut word = || (0..random.below(6)).map(|_| *random.pick(CHARS)).collect::<String>();
        let words: Vec<_> = (0..5).map(|_| (word(), word())).collect();

        let query = encode(words.iter().map(|(name, value)| (name.as_str(), value.as_str())));

        assert_eq!(pairs(&query), Ok(words), "seed {seed}: {query}");
        assert!(
            query.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"*-._+%&=".contains(&byte)),
            "{query}"
        );
    }
}

#[test]
fn a_segment_of_a_path_is_decoded_strictly() {
    let segment =
        |text: &str| decode_segment(text).map(|text| text.into_owned()).map_err(|bad| bad.to_string());
    assert_eq!(segment("a+b"), Ok("a+b".to_owned()));
    assert_eq!(segment("a%20b%2F%2e%2e"), Ok("a b/..".to_owned()));
    assert_eq!(segment("%e8%aa%9e"), Ok("語".to_owned()));
    assert_eq!(segment("%"), Err("Malformed percent-escape in the path".to_owned()));
    assert_eq!(segment("a%2"), Err("Malformed percent-escape in the path".to_owned()));
    assert_eq!(segment("%ff"), Err("Not UTF-8 in the path".to_owned()));
}
