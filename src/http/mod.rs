//! The REST API on warp: one filter takes a request, one table of routes decides. Knows no table, no file path and no
//! rule about assets.

pub mod conditional;
mod contents;
pub mod disposition;
mod error;
pub mod form;
pub mod json;
pub mod query;
pub mod range;
mod reply;
mod request;
mod routes;
pub mod server;
mod view;

use std::sync::{Arc, PoisonError, RwLock};

use bytes::Buf;
use futures_util::Stream;
use warp::Filter;
use warp::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, Version, header};

use self::error::{answer, refuse};
use self::reply::{Response, empty_reply};
use self::request::{Body, Call};
use self::routes::{Handler, Route};
use crate::auth::{self, Keys};
use crate::store::Store;

/// What every request may use.
pub struct App {
    pub store: Store,
    keys: RwLock<Arc<Keys>>,
    /// Scheme and host of URLs in answers, without a slash at the end; `None`: those of the request.
    public_url: Option<String>,
}

impl App {
    pub fn new(store: Store, keys: Keys, public_url: Option<String>) -> App {
        App { store, keys: RwLock::new(Arc::new(keys)), public_url }
    }

    /// Verifies by these from the next request on.
    pub fn set_keys(&self, keys: Keys) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What a request was sent to.
#[derive(Clone)]
pub struct Target {
    pub uri: Uri,
    pub version: Version,
    /// Our end of the connection, as a host.
    pub local: Arc<str>,
}

/// A longer target is a 414. RFC 9110, 4.1 asks for 8,000 at least.
const MAX_TARGET_BYTES: usize = 16 * 1024;
/// Larger headers, names and values together, are a 431. Below what the HTTP library refuses without a body.
const MAX_HEADER_BYTES: usize = 32 * 1024;

/// The whole API as one filter. It never rejects: every error has its answer here.
pub fn filter(app: Arc<App>) -> impl Filter<Extract = (Response,), Error = warp::Rejection> + Clone {
    warp::any()
        .map(move || Arc::clone(&app))
        .and(warp::method())
        .and(warp::ext::get::<Target>())
        .and(warp::header::headers_cloned())
        .and(warp::body::stream())
        .then(serve)
}

/// An answer that comes before the whole body did is the last of its connection, and says so (RFC 9112, 9.3 and 9.6).
async fn serve<B: Buf>(
    app: Arc<App>,
    method: Method,
    target: Target,
    headers: HeaderMap,
    chunks: impl Stream<Item = Result<B, warp::Error>> + Send + 'static,
) -> Response {
    let body = Body::new(&headers, chunks);
    let goes_on = body.goes_on();
    let mut response = respond(app, method, target, headers, body).await;
    if !goes_on.is_true() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The order of checks: what concerns any request, route, method, token, and then the handler's.
async fn respond(app: Arc<App>, method: Method, target: Target, headers: HeaderMap, body: Body) -> Response {
    let uri = &target.uri;
    if uri.path().len() + uri.query().map_or(0, str::len) > MAX_TARGET_BYTES {
        return refuse(StatusCode::URI_TOO_LONG, "URL is too long");
    }
    let header_bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if header_bytes > MAX_HEADER_BYTES {
        return refuse(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "Request headers are too large");
    }
    let (route, params) = match routes::find(uri.path()) {
        Ok(Some(found)) => found,
        Ok(None) => return refuse(StatusCode::NOT_FOUND, "Not found"),
        Err(bad) => return refuse(StatusCode::BAD_REQUEST, &bad.to_string()),
    };
    let mut response = match request::host(&target, &headers) {
        None => refuse(StatusCode::BAD_REQUEST, "Host must be a host, or a host and a port"),
        Some(host) => {
            let base_url = app.public_url.clone().unwrap_or_else(|| format!("http://{host}"));
            let raw_query = uri.query().map(str::to_owned);
            handle(route, Call { app, method, headers, body, params, raw_query, base_url }).await
        }
    };
    if let Some(deprecation) = route.deprecation {
        deprecation.mark(response.headers_mut());
    }
    response
}

async fn handle(route: &Route, call: Call) -> Response {
    if call.method == Method::OPTIONS {
        return allow(empty_reply(StatusCode::NO_CONTENT), route);
    }
    let Some(handler) = route.handler(&call.method) else {
        return allow(refuse(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed"), route);
    };
    let answered = match handler {
        Handler::Open(handler) => match call.query() {
            Ok(_) => handler(call).await,
            Err(error) => Err(error),
        },
        Handler::Token(handler) => {
            let authorizations = call.headers.get_all(header::AUTHORIZATION);
            let caller =
                auth::authenticate(&call.app.keys(), authorizations.iter().map(HeaderValue::as_bytes));
            // A query that can't be read is refused also where none is used.
            match caller.and_then(|caller| call.query().map(|_| caller)) {
                Ok(caller) => handler(caller, call).await,
                Err(error) => Err(error),
            }
        }
    };
    answered.unwrap_or_else(|error| answer(&error))
}

fn allow(mut response: Response, route: &Route) -> Response {
    if let Ok(allow) = HeaderValue::from_str(&route.allow()) {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}
