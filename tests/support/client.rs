//! One user of the server.

use std::net::SocketAddr;
use std::ops::Deref;

use serde_json::Value;

use super::{Answer, Connection, Form, Page, sample};

/// Sends requests with one token, or none. Holds no connection; cheap to copy into a thread.
#[derive(Clone)]
pub struct Client {
    pub address: SocketAddr,
    pub token: Option<String>,
}

/// The asset that an upload answered with.
pub struct Asset(pub Value);

impl Asset {
    #[track_caller]
    pub fn id(&self) -> &str {
        self.0["id"].as_str().expect("an id")
    }

    pub fn path(&self) -> String {
        format!("/api/v2/assets/{}", self.id())
    }

    /// The path of a thing below it: `thumbnail`, `metadata`.
    pub fn sub(&self, name: &str) -> String {
        format!("/api/v2/assets/{}/{name}", self.id())
    }

    /// Its file as [`super::Server::files`] names it.
    pub fn file(&self) -> String {
        let format = self.0["format"].as_str().expect("a format");
        format!("assets/{}.{format}", self.id())
    }

    /// Its waveform as [`super::Server::files`] names it.
    pub fn waveform_file(&self) -> String {
        format!("assets/{}_waveform.json", self.id())
    }

    /// Its thumbnail as [`super::Server::files`] names it.
    pub fn thumbnail_file(&self) -> String {
        format!("assets/{}_thumb.jpg", self.id())
    }
}

impl Deref for Asset {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.0
    }
}

impl Client {
    pub fn request(&self, method: &str, target: &str) -> Request {
        let mut headers = vec![("Host".to_owned(), self.address.to_string())];
        if let Some(token) = &self.token {
            headers.push(("Authorization".to_owned(), format!("Bearer {token}")));
        }
        Request {
            address: self.address,
            method: method.to_owned(),
            target: target.to_owned(),
            headers,
            body: None,
        }
    }

    #[track_caller]
    pub fn get(&self, target: &str) -> Answer {
        self.request("GET", target).send()
    }

    #[track_caller]
    pub fn head(&self, target: &str) -> Answer {
        self.request("HEAD", target).send()
    }

    #[track_caller]
    pub fn delete(&self, target: &str) -> Answer {
        self.request("DELETE", target).send()
    }

    #[track_caller]
    pub fn patch(&self, target: &str, body: &Value) -> Answer {
        self.patch_raw(target, body.to_string().as_bytes())
    }

    #[track_caller]
    pub fn patch_raw(&self, target: &str, body: &[u8]) -> Answer {
        self.request("PATCH", target).header("Content-Type", "application/json").body(body).send()
    }

    /// Sends a form to the upload route.
    #[track_caller]
    pub fn post(&self, form: &Form) -> Answer {
        self.post_to("/api/v2/upload-asset", form)
    }

    #[track_caller]
    pub fn post_to(&self, target: &str, form: &Form) -> Answer {
        self.request("POST", target).form(&form.body()).send()
    }

    /// Uploads a new file of the kind that `name` ends in, no two alike.
    #[track_caller]
    pub fn upload(&self, name: &str) -> Asset {
        self.upload_bytes(name, &sample::named(name))
    }

    #[track_caller]
    pub fn upload_bytes(&self, name: &str, bytes: &[u8]) -> Asset {
        self.upload_form(&Form::of(name, bytes))
    }

    /// Uploads a new PNG with these text fields.
    #[track_caller]
    pub fn upload_with(&self, fields: &[(&str, &str)]) -> Asset {
        let mut form = Form::of("picture.png", &sample::named("picture.png"));
        for (field, value) in fields {
            form = form.text(field, value);
        }
        self.upload_form(&form)
    }

    #[track_caller]
    pub fn upload_form(&self, form: &Form) -> Asset {
        Asset(self.post(form).expect(201).json())
    }

    /// The ids of all the assets that match, newest first, page by page as `Link` leads.
    #[track_caller]
    pub fn list_all(&self, query: &str) -> Vec<String> {
        self.pages(query).into_iter().flat_map(|page| page.ids).collect()
    }

    /// All pages of the list.
    #[track_caller]
    pub fn pages(&self, query: &str) -> Vec<Page> {
        /// More pages than any test has assets.
        const MAX_PAGES: usize = 10_000;
        let mut pages = vec![self.get(&format!("/api/v2/assets?{query}")).page()];
        while let Some(next) = pages.last().and_then(|page| page.next.clone()) {
            assert!(pages.len() < MAX_PAGES, "the list has no end");
            pages.push(self.get(&next).page());
        }
        pages
    }
}

/// One request in the making. `Host` and the token are there from the start; a header given again replaces them.
pub struct Request {
    address: SocketAddr,
    pub method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Request {
    /// Sets a header.
    pub fn header(mut self, name: &str, value: &str) -> Request {
        self.headers.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
        self.also(name, value)
    }

    /// Adds a header, beside one of the same name that is there.
    pub fn also(mut self, name: &str, value: &str) -> Request {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn without(mut self, name: &str) -> Request {
        self.headers.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
        self
    }

    pub fn body(mut self, body: &[u8]) -> Request {
        self.body = Some(body.to_vec());
        self
    }

    /// The body of a form, as [`Form`] makes it.
    pub fn form(self, body: &[u8]) -> Request {
        self.header("Content-Type", &Form::content_type()).body(body)
    }

    /// The head as it goes over the wire, with the length of the body.
    pub fn head(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        let given = |name: &str| self.headers.iter().any(|(key, _)| key.eq_ignore_ascii_case(name));
        if let Some(body) = &self.body
            && !given("Content-Length")
            && !given("Transfer-Encoding")
        {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        head += "\r\n";
        head.into_bytes()
    }

    /// Sends all of it and reads the answer, on a connection of its own.
    #[track_caller]
    pub fn send(self) -> Answer {
        let mut connection = Connection::open(self.address);
        let answer = self.send_on(&mut connection);
        answer.check_conventions();
        answer
    }

    /// Sends all of it and reads the answer.
    #[track_caller]
    pub fn send_on(&self, connection: &mut Connection) -> Answer {
        // A server that refuses early may close before it has read all: the answer tells.
        if connection.try_send(&self.head()) {
            connection.try_send(self.body.as_deref().unwrap_or_default());
        }
        connection.answer(&self.method)
    }

    /// Sends the body in chunks of `size` bytes (RFC 9112, 7.1).
    #[track_caller]
    pub fn send_chunked(self, size: usize) -> Answer {
        let body = self.body.clone().unwrap_or_default();
        let request = self.header("Transfer-Encoding", "chunked");
        let mut connection = Connection::open(request.address);
        connection.send(request.head());
        connection.try_send(&chunks(&body, size));
        let answer = connection.answer(&request.method);
        answer.check_conventions();
        answer
    }
}

/// A chunked body.
pub fn chunks(body: &[u8], size: usize) -> Vec<u8> {
    let mut coded = Vec::new();
    for chunk in body.chunks(size) {
        coded.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        coded.extend_from_slice(chunk);
        coded.extend_from_slice(b"\r\n");
    }
    coded.extend_from_slice(b"0\r\n\r\n");
    coded
}
