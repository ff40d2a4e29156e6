//! The table of routes, and what each does: parse, one call, answer.

mod assets;
mod groups;
mod service;
mod upload;

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;

use warp::http::{HeaderMap, HeaderValue, Method, header};

use super::query::{self, BadQuery};
use super::reply::Response;
use super::request::Call;
use crate::auth::Caller;
use crate::error::Error;

type Answer = Pin<Box<dyn Future<Output = Result<Response, Error>> + Send>>;

/// Who may call.
#[derive(Clone, Copy)]
pub enum Handler {
    /// Anybody.
    Open(fn(Call) -> Answer),
    /// Whoever has a token that verifies.
    Token(fn(Caller, Call) -> Answer),
}

/// One path and what its methods do. A `{…}` in the path matches one segment.
pub struct Route {
    path: &'static str,
    methods: &'static [(Method, Handler)],
    pub deprecation: Option<Deprecation>,
}

/// A route that has a successor (RFC 9745, RFC 8594).
#[derive(Clone, Copy)]
pub struct Deprecation {
    /// Since when: the header's value.
    since: &'static str,
    successor: &'static str,
}

impl Deprecation {
    pub fn mark(self, headers: &mut HeaderMap) {
        headers.insert("deprecation", HeaderValue::from_static(self.since));
        headers.append(header::LINK, HeaderValue::from_static(self.successor));
    }
}

macro_rules! open {
    ($handler:path) => {
        Handler::Open(|call| Box::pin($handler(call)))
    };
}

macro_rules! token {
    ($handler:path) => {
        Handler::Token(|caller, call| Box::pin($handler(caller, call)))
    };
}

const DEPRECATED: Option<Deprecation> = Some(Deprecation {
    since: "@1763251200",
    successor: "</api/v2/upload-asset>; rel=\"successor-version\"",
});

/// Every route (API.md, 3 to 10).
static ROUTES: &[Route] = &[
    Route {
        path: "/api/v2/upload-asset",
        methods: &[(Method::POST, token!(upload::upload))],
        deprecation: None,
    },
    Route { path: "/api/v2/assets", methods: &[(Method::GET, token!(assets::list))], deprecation: None },
    Route {
        path: "/api/v2/assets/{id}",
        methods: &[
            (Method::GET, token!(assets::file)),
            (Method::PATCH, token!(assets::change)),
            (Method::DELETE, token!(assets::delete)),
        ],
        deprecation: None,
    },
    Route {
        path: "/api/v2/assets/{id}/thumbnail",
        methods: &[(Method::GET, token!(assets::thumbnail))],
        deprecation: None,
    },
    Route {
        path: "/api/v2/assets/{id}/waveform",
        methods: &[(Method::GET, token!(assets::waveform))],
        deprecation: None,
    },
    Route {
        path: "/api/v2/assets/{id}/waveform.json",
        methods: &[(Method::GET, token!(assets::waveform_json))],
        deprecation: None,
    },
    Route {
        path: "/api/v2/assets/{id}/metadata",
        methods: &[(Method::GET, token!(assets::metadata))],
        deprecation: None,
    },
    Route { path: "/api/v2/clients", methods: &[(Method::GET, token!(groups::clients))], deprecation: None },
    Route {
        path: "/api/v2/campaigns",
        methods: &[(Method::GET, token!(groups::campaigns))],
        deprecation: None,
    },
    Route {
        path: "/api/v2/clients/{clientId}",
        methods: &[(Method::DELETE, token!(groups::delete_client))],
        deprecation: None,
    },
    Route {
        path: "/api/v2/campaigns/{campaignId}",
        methods: &[(Method::DELETE, token!(groups::delete_campaign))],
        deprecation: None,
    },
    Route {
        path: "/api/clients/{clientId}/assets",
        methods: &[(Method::POST, token!(upload::to_client))],
        deprecation: DEPRECATED,
    },
    Route {
        path: "/api/campaigns/{campaignId}/assets",
        methods: &[(Method::POST, token!(upload::to_campaign))],
        deprecation: DEPRECATED,
    },
    Route { path: "/healthz", methods: &[(Method::GET, open!(service::health))], deprecation: None },
    Route { path: "/readyz", methods: &[(Method::GET, open!(service::ready))], deprecation: None },
];

impl Route {
    /// What answers a method; `HEAD` is answered by what answers `GET`, and the server leaves the body out.
    pub fn handler(&self, method: &Method) -> Option<Handler> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        self.methods.iter().find(|(known, _)| known == method).map(|(_, handler)| *handler)
    }

    /// The value of `Allow`.
    pub fn allow(&self) -> String {
        let mut methods: Vec<&str> = Vec::new();
        for (method, _) in self.methods {
            methods.push(method.as_str());
            if method == Method::GET {
                methods.push("HEAD");
            }
        }
        methods.push("OPTIONS");
        methods.join(", ")
    }
}

/// The route of a path, with what its `{…}` matched.
pub fn find(path: &str) -> Result<Option<(&'static Route, Vec<String>)>, BadQuery> {
    let segments: Vec<String> = path
        .split('/')
        .map(|segment| query::decode_segment(segment).map(Cow::into_owned))
        .collect::<Result<_, _>>()?;
    Ok(ROUTES.iter().find_map(|route| Some((route, capture(route.path, &segments)?))))
}

fn capture(pattern: &str, segments: &[String]) -> Option<Vec<String>> {
    let mut params = Vec::new();
    let mut pattern = pattern.split('/');
    for segment in segments {
        let wanted = pattern.next()?;
        if wanted.starts_with('{') {
            if segment.is_empty() {
                return None;
            }
            params.push(segment.clone());
        } else if wanted != segment {
            return None;
        }
    }
    pattern.next().is_none().then_some(params)
}
