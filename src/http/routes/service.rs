//! Routes for those who run the server (API.md, 10).

use serde_json::json;
use warp::http::{HeaderValue, StatusCode, header};

use crate::error::Error;
use crate::http::error::refuse;
use crate::http::reply::{Response, json_reply};
use crate::http::request::Call;

/// `GET /healthz`: the process lives.
pub async fn health(_: Call) -> Result<Response, Error> {
    Ok(json_reply(StatusCode::OK, &json!({ "status": "ok" })))
}

/// `GET /readyz`: the store can be read and written, and files can be inspected; a 503 that says why otherwise.
pub async fn ready(call: Call) -> Result<Response, Error> {
    match call.app.store.ready().await {
        Ok(()) => Ok(json_reply(StatusCode::OK, &json!({ "status": "ok" }))),
        Err(why) => {
            let mut response = refuse(StatusCode::SERVICE_UNAVAILABLE, &why);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("10"));
            Ok(response)
        }
    }
}
