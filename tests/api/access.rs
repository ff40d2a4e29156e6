//! Every route for every role: API.md, 1, 7 and 11.

use serde_json::json;

use crate::support::{Answer, Asset, Client, Form, Server, sample};

/// Who asks, in the order of the columns below.
fn roles(server: &Server) -> [Client; 4] {
    [server.anyone(), server.user(8), server.user(7), server.admin()]
}

/// What user 7 owns when a call is made.
fn arrange(server: &Server) -> Asset {
    let form = Form::of("a.pdf", &sample::named("pdf")).text("clientId", "acme").text("campaignId", "spring");
    server.user(7).upload_form(&form)
}

type Call = fn(&Client, &Asset) -> Answer;

/// A route and its call, and the statuses for no token, another user, the owner, and an admin who is not the owner.
const TABLE: [(&str, Call, [u16; 4]); 19] = [
    ("POST /api/v2/upload-asset", |c, _| c.post(&png()), [401, 201, 201, 201]),
    ("GET /api/v2/assets", |c, _| c.get("/api/v2/assets"), [401, 200, 200, 200]),
    ("GET /api/v2/assets/{id}", |c, a| c.get(&a.path()), [401, 403, 200, 403]),
    ("HEAD /api/v2/assets/{id}", |c, a| c.head(&a.path()), [401, 403, 200, 403]),
    ("GET /api/v2/assets/{id}/thumbnail", |c, a| c.get(&a.sub("thumbnail")), [401, 403, 200, 403]),
    // Of a document there is none, for whom that is to know.
    ("GET /api/v2/assets/{id}/waveform", |c, a| c.get(&a.sub("waveform")), [401, 403, 404, 403]),
    ("GET /api/v2/assets/{id}/waveform.json", |c, a| c.get(&a.sub("waveform.json")), [401, 403, 404, 403]),
    ("GET /api/v2/assets/{id}/metadata", |c, a| c.get(&a.sub("metadata")), [401, 403, 200, 403]),
    ("PATCH /api/v2/assets/{id}", |c, a| c.patch(&a.path(), &json!({"name": "b"})), [401, 403, 200, 403]),
    ("DELETE /api/v2/assets/{id}", |c, a| c.delete(&a.path()), [401, 403, 200, 403]),
    ("GET /api/v2/clients", |c, _| c.get("/api/v2/clients"), [401, 200, 200, 200]),
    ("GET /api/v2/campaigns", |c, _| c.get("/api/v2/campaigns"), [401, 200, 200, 200]),
    ("DELETE /api/v2/clients/{clientId}", |c, _| c.delete("/api/v2/clients/acme"), [401, 404, 200, 200]),
    (
        "DELETE /api/v2/campaigns/{campaignId}",
        |c, _| c.delete("/api/v2/campaigns/spring"),
        [401, 404, 200, 200],
    ),
    (
        "POST /api/clients/{clientId}/assets",
        |c, _| c.post_to("/api/clients/x/assets", &png()),
        [401, 201, 201, 201],
    ),
    (
        "POST /api/campaigns/{campaignId}/assets",
        |c, _| c.post_to("/api/campaigns/x/assets", &png()),
        [401, 201, 201, 201],
    ),
    ("GET /healthz", |c, _| c.get("/healthz"), [200, 200, 200, 200]),
    ("GET /readyz", |c, _| c.get("/readyz"), [200, 200, 200, 200]),
    ("OPTIONS /api/v2/assets", |c, _| c.request("OPTIONS", "/api/v2/assets").send(), [204, 204, 204, 204]),
];

fn png() -> Form {
    Form::of("a.png", &sample::named("png"))
}

#[test]
fn every_route_answers_every_role_as_the_table_says() {
    let server = Server::start();
    for (route, call, statuses) in TABLE {
        for (column, status) in statuses.into_iter().enumerate() {
            let asset = arrange(&server);
            let answer = call(&roles(&server)[column], &asset);
            assert_eq!(answer.status, status, "{route} in column {column}");
            match answer.status {
                401 if answer.method != "HEAD" => _ = answer.detail("Not authenticated"),
                // What was refused was not done.
                403 | 404 => _ = server.user(7).get(&asset.path()).expect(200),
                _ => {}
            }
        }
    }
}

#[test]
fn one_user_never_sees_what_another_has() {
    let server = Server::start();
    let asset = arrange(&server);
    let other = server.user(8);
    for query in ["", "clientId=acme", "campaignId=spring", "q=a", "asset_type=document"] {
        assert!(other.list_all(query).is_empty(), "{query}");
    }
    assert_eq!(other.get("/api/v2/assets").page().total, Some(0));
    assert_eq!(other.get("/api/v2/clients").expect(200).json(), json!([]));
    assert_eq!(server.user(7).list_all(""), [asset.id()]);
}
