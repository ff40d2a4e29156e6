//! Seeds, made of the tests' fixtures and by hand.

use std::fs;
use std::path::PathBuf;

use assetd::asset::{Asset, AssetId, Facts, Format, Name, Preview, Tags, Time, UserId};
use assetd::catalog::codec;

fn fixtures(kind: &str) -> Vec<Vec<u8>> {
    /// The fuzzer works best on small files.
    const MAX_BYTES: usize = 64 * 1024;
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures")).join(kind);
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).expect("fixtures").flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension != "sh" && extension != "py"));
    paths.sort();
    let files = paths.iter().filter_map(|path| fs::read(path).ok());
    files.filter(|bytes| bytes.len() <= MAX_BYTES).collect()
}

pub fn images() -> Vec<Vec<u8>> {
    fixtures("image")
}

pub fn videos() -> Vec<Vec<u8>> {
    fixtures("video")
}

pub fn sounds() -> Vec<Vec<u8>> {
    fixtures("audio")
}

pub fn documents() -> Vec<Vec<u8>> {
    fixtures("document")
}

pub fn files() -> Vec<Vec<u8>> {
    [images(), videos(), sounds(), documents()].concat()
}

/// A form a file, under names that are honest, wrong and hostile.
pub fn forms() -> Vec<Vec<u8>> {
    let names =
        ["photo.jpg", "../../etc/passwd", "C:\\x\\y.png", "%22.mp4", "a\u{202e}gpj.exe", "x.pdf\0.png", ""];
    let types = ["image/jpeg", "application/octet-stream", "video/mp4", "text/html; charset=utf-8", ""];
    let fields =
        [("clientId", "acme"), ("tags", "[\"a\",\"b\"]"), ("name", "A name"), ("sha256", ""), ("other", "x")];
    let mut forms = vec![form("x.png", "image/png", b"", &[])];
    for (number, bytes) in files().iter().enumerate() {
        let fields = &fields[..number % (fields.len() + 1)];
        forms.push(form(names[number % names.len()], types[number % types.len()], bytes, fields));
    }
    forms
}

fn form(name: &str, media_type: &str, bytes: &[u8], fields: &[(&str, &str)]) -> Vec<u8> {
    let mut form = Vec::new();
    for (field, value) in fields {
        let part =
            format!("--b0undary\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n");
        form.extend_from_slice(part.as_bytes());
    }
    let head = format!(
        "--b0undary\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: {media_type}\r\n\r\n"
    );
    form.extend_from_slice(head.as_bytes());
    form.extend_from_slice(bytes);
    form.extend_from_slice(b"\r\n--b0undary--\r\n");
    form
}

pub fn names() -> Vec<Vec<u8>> {
    let texts =
        ["photo.jpg", "../../etc/passwd", "e\u{301}.png", "a\u{202e}b\u{7}.pdf", "\\\\host\\share\\x"];
    let mut names: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    names.push(format!("{}.jpeg", "ä".repeat(200)).into_bytes());
    names
}

pub fn ranges() -> Vec<Vec<u8>> {
    let headers =
        ["bytes=0-99", "bytes=-5", "bytes=7-", "bytes=0-1,3-4", "items=1-2", "bytes=99999999999999999999-"];
    headers.iter().map(|header| [&100u64.to_le_bytes()[..], header.as_bytes()].concat()).collect()
}

pub fn queries() -> Vec<Vec<u8>> {
    let queries = ["clientId=a&tag=x&tag=y&limit=5", "q=%C3%A9+b&offset=0", "a=%zz", "=&&a", "before=%00"];
    queries.iter().map(|query| query.as_bytes().to_vec()).collect()
}

pub fn changes() -> Vec<Vec<u8>> {
    let bodies = [
        r#"{"name":"x","tags":["a"],"clientId":null,"campaignId":""}"#,
        r#"{"name":"\ud800"}"#,
        r#"{"name":"a","name":"b"}"#,
        "[]",
        "{}",
    ];
    bodies.iter().map(|body| body.as_bytes().to_vec()).collect()
}

pub fn records() -> Vec<Vec<u8>> {
    let facts = [
        (Format::Jpg, Facts::Image { width: 3, height: 4 }),
        (Format::Mp4, Facts::Video { width: 3, height: 4, duration: 5 }),
        (Format::Mp3, Facts::Audio { duration: 5 }),
        (Format::Pdf, Facts::Document { page_count: None }),
    ];
    let record = |(format, facts): (Format, Facts)| Asset {
        id: AssetId::MIN,
        owner: UserId::new(7).expect("a user"),
        client: "acme".parse().ok(),
        campaign: None,
        name: Name::given("x").ok().flatten().expect("a name"),
        tags: Tags::new(["a", "b"]).expect("tags"),
        size: 1,
        sha256: [1; 32],
        uploaded_at: Time::from_unix(1),
        format,
        facts,
        thumbnail: Preview::Made { size: 9, sha256: [2; 32] },
        waveform: Preview::Pending,
    };
    facts.into_iter().map(|facts| codec::encode(&record(facts)).expect("a record")).collect()
}
