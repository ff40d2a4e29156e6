//! The body of a `PATCH`.

use assetd::asset::{Changes, GroupId, Name, Tags};
use assetd::http::json::{MAX_BODY_BYTES, read_changes};

fn read(body: impl AsRef<[u8]>) -> Result<Changes, String> {
    read_changes(body.as_ref()).map_err(|bad| bad.to_string())
}

#[test]
fn each_field_is_set_cleared_or_left() {
    let id: GroupId = "acme".parse().expect("an id");
    let name = Name::given("x/y").expect("a name");
    let tags = Tags::new(["a", "b"]).expect("tags");
    let none = Changes::default;
    let rows = [
        ("{}", none()),
        (" { } \n", none()),
        (r#"{"name": "x/y"}"#, Changes { name, ..none() }),
        (r#"{"tags": ["a", " b ", "a"]}"#, Changes { tags: Some(tags), ..none() }),
        (r#"{"tags": []}"#, Changes { tags: Some(Tags::default()), ..none() }),
        (r#"{"tags": null}"#, Changes { tags: Some(Tags::default()), ..none() }),
        (r#"{"clientId": "acme"}"#, Changes { client: Some(Some(id.clone())), ..none() }),
        (r#"{"clientId": null}"#, Changes { client: Some(None), ..none() }),
        (r#"{"clientId": ""}"#, Changes { client: Some(None), ..none() }),
        (r#"{"campaignId": "\u0061cme"}"#, Changes { campaign: Some(Some(id)), ..none() }),
        (
            r#"{"campaignId": null, "clientId": null}"#,
            Changes { campaign: Some(None), client: Some(None), ..none() },
        ),
    ];
    for (body, expected) in rows {
        assert_eq!(read(body), Ok(expected), "{body}");
    }
}

#[test]
fn what_is_not_understood_is_refused_in_a_sentence() {
    let group = "must be 1 to 128 characters of A-Z a-z 0-9 . _ : -, and not . or ..";
    let rows = [
        (r#"{"name": null}"#, "name must be a string".to_owned()),
        (r#"{"name": 3}"#, "name must be a string".to_owned()),
        (r#"{"name": ""}"#, "name must not be empty".to_owned()),
        (r#"{"name": "\u202e\u0000"}"#, "name must not be empty".to_owned()),
        (r#"{"tags": "a"}"#, "tags must be an array of strings, or null".to_owned()),
        (r#"{"tags": ["a", 1]}"#, "tags must be an array of strings, or null".to_owned()),
        (r#"{"tags": ["a", null]}"#, "tags must be an array of strings, or null".to_owned()),
        (r#"{"tags": {}}"#, "tags must be an array of strings, or null".to_owned()),
        (r#"{"tags": [""]}"#, "tags must be 1 to 64 characters each".to_owned()),
        (r#"{"clientId": 7}"#, "clientId must be a string, or null".to_owned()),
        (r#"{"campaignId": []}"#, "campaignId must be a string, or null".to_owned()),
        (r#"{"clientId": ".."}"#, format!("clientId {group}")),
        (r#"{"campaignId": "a b"}"#, format!("campaignId {group}")),
        (r#"{"colour": 1}"#, "Unknown field: colour. Allowed: name, tags, clientId, campaignId".to_owned()),
        (r#"{"Name": "x"}"#, "Unknown field: Name. Allowed: name, tags, clientId, campaignId".to_owned()),
        (
            r#"{"id": "x", "name": 1}"#,
            "Unknown field: id. Allowed: name, tags, clientId, campaignId".to_owned(),
        ),
        (r#"{"name": "a", "name": "a"}"#, "Duplicate field: name".to_owned()),
        (r#"{"clientId": null, "clientId": null}"#, "Duplicate field: clientId".to_owned()),
        ("[]", "Expected a JSON object of any of name, tags, clientId, campaignId".to_owned()),
        ("null", "Expected a JSON object of any of name, tags, clientId, campaignId".to_owned()),
        ("\"name\"", "Expected a JSON object of any of name, tags, clientId, campaignId".to_owned()),
        ("{}{}", "The body is not JSON: trailing characters at line 1 column 3".to_owned()),
        ("", "The body is not JSON: EOF while parsing a value at line 1 column 0".to_owned()),
        (r#"{"name": "x",}"#, "The body is not JSON: trailing comma at line 1 column 14".to_owned()),
        (r#"{name: "x"}"#, "The body is not JSON: key must be a string at line 1 column 2".to_owned()),
    ];
    for (body, expected) in rows {
        assert_eq!(read(body), Err(expected), "{body}");
    }
    assert_eq!(
        read(format!(r#"{{"name": "{}"}}"#, "x".repeat(256))),
        Err("name must be at most 255 bytes".to_owned())
    );
}

#[test]
fn text_that_is_no_unicode_is_refused() {
    assert_eq!(read(b"{\"name\": \"\xff\"}"), Err("The body is not UTF-8".to_owned()));
    for lone in
        [r#"{"name": "\ud800"}"#, r#"{"name": "\udc00"}"#, r#"{"name": "\ud800\u0061"}"#, r#"{"\ud800": 1}"#]
    {
        let error = read(lone).expect_err(lone);
        assert!(error.starts_with("The body is not JSON: "), "{lone}: {error}");
    }
    let pair = read(r#"{"name": "\ud83d\ude00"}"#).expect("a pair").name;
    assert_eq!(pair.as_ref().map(Name::as_str), Some("😀"));
}

#[test]
fn a_body_is_bounded_in_length_and_depth() {
    let spaced = |length: usize| format!("{{{}}}", " ".repeat(length - 2));
    assert_eq!(read(spaced(MAX_BODY_BYTES)), Ok(Changes::default()));
    assert_eq!(read(spaced(MAX_BODY_BYTES + 1)), Err("The body is larger than 64 KiB".to_owned()));
    let deep = format!("{{\"tags\": {}", "[".repeat(60_000));
    assert!(read(deep).expect_err("deep").starts_with("The body is not JSON: "));
    let long_key = format!("{{\"{}\": 1}}", "k".repeat(60_000));
    assert!(read(long_key).expect_err("unknown").len() < 200);
}
