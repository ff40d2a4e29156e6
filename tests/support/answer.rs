//! What the server answered, and what is asserted of every answer.

use serde_json::Value;

pub struct Answer {
    /// The method of the request.
    pub method: String,
    pub status: u16,
    /// Names in lower case, in the order they came.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// One page of the list.
pub struct Page {
    pub ids: Vec<String>,
    pub assets: Vec<Value>,
    pub total: Option<u64>,
    /// The path and query of the next page.
    pub next: Option<String>,
}

impl Answer {
    #[track_caller]
    pub fn expect(self, status: u16) -> Answer {
        assert_eq!(self.status, status, "{} answered {}", self.method, String::from_utf8_lossy(&self.body));
        self
    }

    /// Fails unless this is an error with just this sentence.
    #[track_caller]
    pub fn detail(self, sentence: &str) -> Answer {
        assert_eq!(self.error(), sentence);
        self
    }

    /// Fails unless this is an error whose sentence holds `part`.
    #[track_caller]
    pub fn names(self, part: &str) -> Answer {
        assert!(self.error().contains(part), "{part:?} is not in {:?}", self.error());
        self
    }

    /// The sentence of an error.
    #[track_caller]
    pub fn error(&self) -> String {
        assert!(self.status >= 400, "no error but {}", self.status);
        self.json()["detail"].as_str().expect("a detail that is text").to_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), "application/json");
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("{error} in {:?}", String::from_utf8_lossy(&self.body)),
        }
    }

    /// The value of a header that must be there once.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let mut values = self.values(name);
        match (values.next(), values.next()) {
            (Some(value), None) => value,
            (None, _) => panic!("no {name} in {:?}", self.headers),
            (Some(_), Some(_)) => panic!("{name} twice in {:?}", self.headers),
        }
    }

    /// The first value of a header.
    pub fn try_header(&self, name: &str) -> Option<&str> {
        self.values(name).next()
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers
            .iter()
            .filter(move |(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// A page of the list.
    #[track_caller]
    pub fn page(self) -> Page {
        let answer = self.expect(200);
        let assets = answer.json().as_array().expect("an array").clone();
        let ids = assets.iter().map(|asset| asset["id"].as_str().expect("an id").to_owned()).collect();
        let total =
            answer.try_header("x-total-count").map(|total| total.parse().expect("a number of assets"));
        let next = answer.try_header("link").map(|link| {
            let url = link
                .strip_prefix('<')
                .and_then(|link| link.strip_suffix(">; rel=\"next\""))
                .unwrap_or_else(|| panic!("not a next link: {link}"));
            let path = url.find("/api/v2/assets?").expect("a link to the list");
            url[path..].to_owned()
        });
        Page { ids, assets, total, next }
    }

    /// What holds of every answer, whatever the test is about: API.md, 1.
    #[track_caller]
    pub fn check_conventions(&self) {
        if self.method == "HEAD" || self.status == 204 || self.status == 304 {
            assert!(self.body.is_empty());
        }
        if self.status >= 400 {
            assert_eq!(self.header("content-type"), "application/json");
            if self.method != "HEAD" {
                self.check_error();
            }
        }
        match self.status {
            401 => assert_eq!(self.header("www-authenticate"), "Bearer"),
            405 => assert!(!self.header("allow").is_empty()),
            416 => assert!(self.header("content-range").starts_with("bytes */")),
            429 | 503 => assert!(self.try_header("retry-after").is_some()),
            _ => {}
        }
    }

    #[track_caller]
    fn check_error(&self) {
        let body = self.json();
        let keys: Vec<&String> = body.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["detail"]);
        let detail = self.error();
        assert!(!detail.trim().is_empty(), "an empty detail");
        // Paths of the server and internal types: nothing of ours is worded like these.
        for inside in [env!("CARGO_TARGET_TMPDIR"), "src/", "::", "os error", "Err(", "panicked"] {
            assert!(!detail.contains(inside), "{detail:?} tells of the server");
        }
    }
}

/// RFC 4648, 4.
pub fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let at = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for digit in 0..4 {
            if digit <= group.len() {
                text.push(char::from(ALPHABET[(bits >> (18 - 6 * digit) & 63) as usize]));
            } else {
                text.push('=');
            }
        }
    }
    text
}
