//! One request, taken apart.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use futures_util::{Stream, StreamExt};
use warp::http::uri::Authority;
use warp::http::{HeaderMap, Method, Version, header};

use super::query::Query;
use super::{App, Target};
use crate::asset::{AssetId, GroupId, Grouping};
use crate::error::Error;

/// What a handler gets.
pub struct Call {
    pub app: Arc<App>,
    pub method: Method,
    pub headers: HeaderMap,
    pub body: Body,
    /// What the route's `{…}` matched, percent-decoded, in order.
    pub params: Vec<String>,
    /// As sent, without the `?`.
    pub raw_query: Option<String>,
    /// Scheme and host that URLs in answers begin with, without a slash at the end.
    pub base_url: String,
}

impl Call {
    /// The asset that the path names.
    pub fn id(&self) -> Result<AssetId, Error> {
        Ok(self.params.first().map_or("", String::as_str).parse()?)
    }

    /// The client or campaign that the path names.
    pub fn group(&self, grouping: Grouping) -> Result<GroupId, Error> {
        let text = self.params.first().map_or("", String::as_str);
        text.parse().map_err(|why| Error::bad_group(grouping, why))
    }

    /// The query's parameters.
    pub fn query(&self) -> Result<Query, Error> {
        Query::parse(self.raw_query.as_deref()).map_err(|bad| Error::Bad(bad.to_string()))
    }

    /// The body's length as the client declares it.
    pub fn content_length(&self) -> Option<u64> {
        content_length(&self.headers)
    }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

type Chunks = Pin<Box<dyn Stream<Item = Result<Bytes, warp::Error>> + Send>>;

/// The body of a request.
///
/// A client that is refused early is mostly still sending. If the rest went unread, the closing connection would reset and
/// the client lose the answer. So what is left when this is dropped is read on, within bounds, while the answer goes out.
pub struct Body {
    chunks: Option<Chunks>,
    /// The client waits to be told to send (`Expect: 100-continue`), which the first look at the body does. If nobody
    /// looks, nothing comes.
    asked_for: bool,
    goes_on: GoesOn,
}

/// Whether a connection can go on behind the answer: the body was read to its end, or what is left of it is short.
#[derive(Clone, Default)]
pub struct GoesOn(Arc<AtomicBool>);

impl GoesOn {
    pub fn is_true(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The rest of a body of this length is read faster than a new connection is made.
const SHORT_BYTES: u64 = 64 * 1024;
/// After an early answer no more is read than this (API.md, 3).
const MAX_DRAINED_BYTES: usize = 8 * 1024 * 1024;
/// Nor for longer than this (API.md, 3).
const MAX_DRAINING: Duration = Duration::from_secs(5);

impl Body {
    /// The body of a request with these headers.
    pub fn new<B: Buf>(
        headers: &HeaderMap,
        chunks: impl Stream<Item = Result<B, warp::Error>> + Send + 'static,
    ) -> Body {
        let empty = !headers.contains_key(header::TRANSFER_ENCODING)
            && content_length(headers).is_none_or(|length| length == 0);
        let chunks = chunks.map(|chunk| chunk.map(|mut buf| buf.copy_to_bytes(buf.remaining())));
        let asked_for = !headers.contains_key(header::EXPECT);
        let is_short = content_length(headers).is_some_and(|length| length <= SHORT_BYTES);
        let goes_on = GoesOn::default();
        if empty || (is_short && asked_for) {
            goes_on.set();
        }
        Body { chunks: (!empty).then(|| Box::pin(chunks) as Chunks), asked_for, goes_on }
    }

    /// Tells, also when this is gone, whether the connection can go on.
    pub fn goes_on(&self) -> GoesOn {
        self.goes_on.clone()
    }

    /// The whole body, if it has at most `max_bytes`.
    pub async fn whole(&mut self, max_bytes: usize) -> Result<Bytes, Error> {
        let mut whole = Vec::new();
        while let Some(chunk) = self.next().await {
            let chunk = chunk.map_err(|_| Error::Bad("The request body could not be read".into()))?;
            if whole.len() + chunk.len() > max_bytes {
                return Err(Error::Bad(format!("The request body is larger than {} KiB", max_bytes / 1024)));
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.into())
    }
}

impl Stream for Body {
    type Item = Result<Bytes, warp::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.asked_for = true;
        let Some(chunks) = &mut self.chunks else {
            return Poll::Ready(None);
        };
        let next = chunks.as_mut().poll_next(context);
        if let Poll::Ready(None | Some(Err(_))) = next {
            self.chunks = None;
        }
        if let Poll::Ready(None) = next {
            self.goes_on.set();
        }
        next
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        let Some(mut chunks) = self.chunks.take().filter(|_| self.asked_for) else {
            return;
        };
        tokio::spawn(async move {
            let mut left = MAX_DRAINED_BYTES;
            let drain = async {
                while let Some(Ok(chunk)) = chunks.next().await {
                    match left.checked_sub(chunk.len()) {
                        Some(less) => left = less,
                        None => return,
                    }
                }
            };
            let _ = tokio::time::timeout(MAX_DRAINING, drain).await;
        });
    }
}

/// The host that a request was sent to: its target's (RFC 9112, 3.2.2), else its one `Host`; HTTP/1.0 may name none. `None`
/// where there is none, or what there is can't be a host with or without a port.
pub fn host(target: &Target, headers: &HeaderMap) -> Option<Authority> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let named = hosts.next();
    if hosts.next().is_some() {
        return None;
    }
    let text = match (target.uri.authority(), named) {
        (Some(authority), _) => authority.as_str(),
        (None, Some(host)) => host.to_str().ok()?,
        (None, None) if target.version == Version::HTTP_10 => &target.local,
        (None, None) => return None,
    };
    let authority: Authority = text.parse().ok()?;
    let host = authority.host();
    // `Authority` takes user names, and a port that is no number.
    let port_is_number = match authority.as_str().strip_prefix(host)?.strip_prefix(':') {
        Some(port) => port.parse::<u16>().is_ok(),
        None => authority.as_str().len() == host.len(),
    };
    let name = |c: char| c.is_ascii_alphanumeric() || "-._~%".contains(c);
    let address = |inner: &str| inner.parse::<std::net::Ipv6Addr>().is_ok();
    let well_formed = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inner) => address(inner),
        None => !host.is_empty() && host.chars().all(name),
    };
    (port_is_number && well_formed).then_some(authority)
}
