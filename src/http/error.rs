//! Errors as answers. No `_` arm, so a new variant has to choose its status.

use serde_json::json;
use tracing::error;
use warp::http::{HeaderValue, StatusCode, header};

use super::reply::{Response, json_reply};
use crate::error::Error;

fn status(error: &Error) -> StatusCode {
    match error {
        Error::Bad(_)
        | Error::BadId
        | Error::NoFile
        | Error::DuplicateField(_)
        | Error::EmptyFile
        | Error::WrongType { .. }
        | Error::Disguised { .. }
        | Error::Broken { .. }
        | Error::TooLarge { .. }
        | Error::TooManyPixels { .. }
        | Error::DigestDiffers => StatusCode::BAD_REQUEST,
        Error::NotAuthenticated | Error::InvalidToken | Error::TokenExpired => StatusCode::UNAUTHORIZED,
        Error::NotOwner(_) => StatusCode::FORBIDDEN,
        Error::NoAsset | Error::NoThumbnail | Error::NoWaveform | Error::NoGroup(_) => StatusCode::NOT_FOUND,
        Error::Full => StatusCode::INSUFFICIENT_STORAGE,
        Error::Stopped(_) => StatusCode::SERVICE_UNAVAILABLE,
        Error::Damaged(_) | Error::Fault(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The answer for an error; a fault of ours is logged with its cause, and answered without it.
pub fn answer(error: &Error) -> Response {
    let status = status(error);
    if let Error::Fault(cause) | Error::Damaged(cause) = error {
        error!(%cause, "a request failed");
    }
    let mut response = refuse(status, &error.to_string());
    match status {
        StatusCode::UNAUTHORIZED => {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("10"));
        }
        _ => {}
    }
    response
}

/// An error body.
pub fn refuse(status: StatusCode, detail: &str) -> Response {
    json_reply(status, &json!({ "detail": detail }))
}
