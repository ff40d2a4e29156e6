//! Multipart forms, well made or not.

/// A `multipart/form-data` body in the making (RFC 7578): parts stand in the order they are added.
#[derive(Clone)]
pub struct Form {
    parts: Vec<u8>,
}

/// Occurs in no sample file.
const BOUNDARY: &str = "----assetd-test-7Jq2ZrVnX0";

impl Form {
    pub fn new() -> Form {
        Form { parts: Vec::new() }
    }

    /// The form most tests send: one file and nothing else, its type declared as browsers do.
    pub fn of(name: &str, bytes: &[u8]) -> Form {
        Form::new().file(name, Some(declared_type(name)), bytes)
    }

    /// A `file` part as a browser writes it.
    pub fn file(self, name: &str, declared: Option<&str>, bytes: &[u8]) -> Form {
        let disposition = format!("Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"");
        match declared {
            Some(declared) => self.part(&format!("{disposition}\r\nContent-Type: {declared}"), bytes),
            None => self.part(&disposition, bytes),
        }
    }

    /// A `file` part whose disposition ends in `parameters` as they stand: `; filename*=…`, say.
    pub fn file_as(self, parameters: &str, bytes: &[u8]) -> Form {
        self.part(&format!("Content-Disposition: form-data; name=\"file\"{parameters}"), bytes)
    }

    pub fn text(self, field: &str, value: &str) -> Form {
        self.field(field, value.as_bytes())
    }

    /// A text field that may hold no text.
    pub fn field(self, field: &str, value: &[u8]) -> Form {
        self.part(&format!("Content-Disposition: form-data; name=\"{field}\""), value)
    }

    /// A part with just this head, whose lines have no end after the last.
    pub fn part(self, head: &str, body: &[u8]) -> Form {
        self.raw_part(head.as_bytes(), body)
    }

    pub fn raw_part(mut self, head: &[u8], body: &[u8]) -> Form {
        self.parts.extend_from_slice(format!("--{BOUNDARY}\r\n").as_bytes());
        self.parts.extend_from_slice(head);
        self.parts.extend_from_slice(b"\r\n\r\n");
        self.parts.extend_from_slice(body);
        self.parts.extend_from_slice(b"\r\n");
        self
    }

    /// The whole body.
    pub fn body(&self) -> Vec<u8> {
        let mut body = self.parts.clone();
        body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        body
    }

    /// The body without its last boundary.
    pub fn unfinished(&self) -> Vec<u8> {
        self.parts.clone()
    }

    /// The body up to and with a head of a `file` part, for a test to go on from.
    pub fn begun(name: &str, declared: &str) -> Vec<u8> {
        let form = Form::new().file(name, Some(declared), b"");
        form.parts[..form.parts.len() - 2].to_vec()
    }

    pub fn content_type() -> String {
        format!("multipart/form-data; boundary={BOUNDARY}")
    }
}

/// What a browser declares a file of this name to be.
pub fn declared_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or("") {
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "mp4" => "video/mp4",
        "mov" => "video/quicktime",
        "mp3" => "audio/mpeg",
        "wav" => "audio/wav",
        "pdf" => "application/pdf",
        _ => "application/octet-stream",
    }
}
