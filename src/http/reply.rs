//! Answers.

use bytes::Bytes;
use serde::Serialize;
use warp::Reply;
use warp::http::{HeaderValue, StatusCode, header};

/// An answer on its way out.
pub type Response = warp::reply::Response;

/// A JSON body.
pub fn json_reply(status: StatusCode, body: &impl Serialize) -> Response {
    let bytes = serde_json::to_vec(body).unwrap_or_else(|error| {
        // Every body here is made of strings, numbers and lists: only a bug comes here.
        tracing::error!(%error, "an answer cannot be written as JSON");
        br#"{"detail":"Internal server error"}"#.to_vec()
    });
    let mut response = bytes_reply(bytes.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A body that is at hand, with its length.
pub fn bytes_reply(bytes: Bytes) -> Response {
    let length = bytes.len();
    let mut response = Response::new(bytes.into());
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    response
}

/// No body.
pub fn empty_reply(status: StatusCode) -> Response {
    let mut response = warp::reply().into_response();
    *response.status_mut() = status;
    response
}
