//! Seeds, made of the tests' fixtures and by hand.

use std::fs;
use std::path::PathBuf;

use assetd::asset::{Asset, AssetId, Facts, Format, Name, Preview, Tags, Time, UserId};
use assetd::auth;
use assetd::catalog::codec;
use assetd::worker::wire::{Look, Report, Request};

/// The files of a folder of the fixtures that have one of these extensions.
pub fn fixtures(kind: &str, extensions: &[&str]) -> Vec<Vec<u8>> {
    /// The fuzzer works best on small files.
    const MAX_BYTES: usize = 64 * 1024;
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures")).join(kind);
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).expect("fixtures").flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| {
        extensions.iter().any(|wanted| path.extension().is_some_and(|found| found == *wanted))
    });
    paths.sort();
    let files = paths.iter().filter_map(|path| fs::read(path).ok());
    files.filter(|bytes| bytes.len() <= MAX_BYTES).collect()
}

pub fn films() -> Vec<Vec<u8>> {
    fixtures("video", &["mp4", "mov"])
}

pub fn files() -> Vec<Vec<u8>> {
    let images = fixtures("image", &["jpg", "png", "gif", "webp"]);
    [images, films(), fixtures("audio", &["mp3", "wav"]), fixtures("document", &["pdf"])].concat()
}

/// Width, height, orientation and colours.
pub fn pictures() -> Vec<Vec<u8>> {
    let sides: [(u16, u16); 5] = [(1, 1), (481, 3), (3, 2000), (640, 480), (1000, 1000)];
    let pictures = sides.into_iter().zip([1, 6, 3, 8, 5]);
    pictures
        .map(|((w, h), turn)| [&w.to_be_bytes()[..], &h.to_be_bytes(), &[turn, 9, 200, 90, 3]].concat())
        .collect()
}

/// Contents of a page.
pub fn pages() -> Vec<Vec<u8>> {
    let contents = [
        "q 1 0 0 rg 20 20 60 60 re f Q",
        "BT /F1 24 Tf 10 10 Td (Hello) Tj [(a) -100 (b)] TJ ET",
        "q /G1 gs 0.5 0 0 0.5 10 10 cm 0 0 m 10 20 30 40 50 60 c h W n /S1 sh Q",
        "BI /W 2 /H 2 /CS /G /BPC 8 ID abcd EI",
        "[3 1] 0 d 2 J 1 j 5 w 0 0.5 1 RG 0 0 m 200 100 l S /P <</MCID 0>> BDC EMC",
        "0.1 0.2 0.3 0.4 k 1 1 1 1 K /DeviceCMYK cs 1 0 0 0 sc 10 10 m 20 20 30 10 v b*",
    ];
    contents.iter().map(|content| content.as_bytes().to_vec()).collect()
}

pub fn frames_of_the_wire() -> Vec<Vec<u8>> {
    let looks = [Look::Facts, Look::Preview].map(|look| {
        let request = Request::Look { look, format: Format::Png, size_bytes: 1 << 33, max_pixels: 1 << 28 };
        request.to_frame(7).to_vec()
    });
    let reports = [
        Report::Ready { landlock: true },
        Report::Alive,
        Report::Facts(Facts::Image { width: 3, height: 4 }),
        Report::Facts(Facts::Video { width: 3, height: 4, duration: 5 }),
        Report::Facts(Facts::Document { page_count: Some(6) }),
        Report::NoPreview,
        Report::Picture { bytes: 1000 },
    ];
    looks.into_iter().chain(reports.map(|report| report.to_frame(7).to_vec())).collect()
}

/// Of the one user that [`tokens`] are for.
pub const USER: u64 = 7;
pub const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

/// A token that holds, and some that don't: of no algorithm (RFC 7519, 6.1), twice, without a scheme.
pub fn tokens() -> Vec<Vec<u8>> {
    let user = UserId::new(USER).expect("a user");
    let year = std::time::Duration::from_secs(3600 * 24 * 365);
    let token = auth::issue(SECRET, "sub", user, false, year).expect("a token");
    let none = "eyJhbGciOiJub25lIn0.eyJzdWIiOiI3IiwiZXhwIjo0MTAyNDQ0ODAwfQ.";
    let headers =
        [format!("Bearer {token}"), format!("Bearer {none}"), format!("Bearer {token}\nBearer x"), token];
    headers.map(String::into_bytes).to_vec()
}

pub fn headers() -> Vec<Vec<u8>> {
    let lines = [
        "\0\"a\", W/\"b\"",
        "\x01*",
        "\x02Sun, 16 Nov 2025 19:43:00 GMT\n\x03Sunday, 16-Nov-25 19:43:00 GMT",
        "\x04\"a\"\n\x05bytes=0-1",
        "e\u{301}\"\\/.PNG",
    ];
    lines.iter().map(|line| line.as_bytes().to_vec()).collect()
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
