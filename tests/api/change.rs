//! API.md, 6: PATCH.

use serde_json::{Value, json};

use crate::support::{Form, Server, sample};

#[test]
fn a_change_gives_the_asset_with_just_the_given_keys_changed() {
    let server = Server::start();
    let user = server.user(7);
    let many: Vec<String> = (0..32).map(|n| format!("t{n}")).collect();
    let longest = "n".repeat(255);
    let rows = [
        (json!({}), json!({})),
        (json!({"name": "b"}), json!({"name": "b"})),
        (json!({"name": "16/9.png"}), json!({"name": "16/9.png"})),
        (json!({"name": "e\u{301}\u{202e}\u{7}"}), json!({"name": "é"})),
        (json!({"name": longest}), json!({"name": longest})),
        (json!({"tags": ["x", " y ", "x"]}), json!({"tags": ["x", "y"]})),
        (json!({"tags": many}), json!({"tags": many})),
        (json!({"tags": []}), json!({"tags": null})),
        (json!({"tags": null}), json!({"tags": null})),
        (json!({"clientId": "zenith"}), json!({"clientId": "zenith"})),
        (json!({"clientId": null}), json!({"clientId": null})),
        (json!({"clientId": ""}), json!({"clientId": null})),
        (json!({"campaignId": "autumn"}), json!({"campaignId": "autumn"})),
        (json!({"campaignId": null}), json!({"campaignId": null})),
        (json!({"campaignId": ""}), json!({"campaignId": null})),
        (
            json!({"name": "n", "tags": null, "clientId": null, "campaignId": "c"}),
            json!({"name": "n", "tags": null, "clientId": null, "campaignId": "c"}),
        ),
    ];
    for (body, changes) in rows {
        let asset = user.upload_with(&[
            ("clientId", "acme"),
            ("campaignId", "spring"),
            ("name", "a.png"),
            ("tags", "red"),
        ]);
        let mut expected = asset.0.clone();
        for (key, value) in changes.as_object().expect("changes") {
            expected[key] = value.clone();
        }
        assert_eq!(user.patch(&asset.path(), &body).expect(200).json(), expected, "{body}");
        let metadata = user.get(&asset.sub("metadata")).expect(200).json();
        assert_eq!(metadata, expected, "{body}");
    }
}

#[test]
fn a_body_that_breaks_a_rule_is_refused_and_changes_nothing() {
    let server = Server::start();
    let user = server.user(7);
    let asset = user.upload_with(&[("clientId", "acme"), ("tags", "red")]);
    let many: Vec<String> = (0..33).map(|n| format!("t{n}")).collect();
    // The body, and what the refusal names.
    let rows = [
        (json!({"name": null}), "name"),
        (json!({"name": ""}), "name"),
        (json!({"name": "\u{202e}\u{0}"}), "name"),
        (json!({"name": "n".repeat(256)}), "name"),
        (json!({"name": 5}), "name"),
        (json!({"name": ["a"]}), "name"),
        (json!({"tags": "red"}), "tags"),
        (json!({"tags": [1]}), "tags"),
        (json!({"tags": [null]}), "tags"),
        (json!({"tags": [""]}), "tags"),
        (json!({"tags": ["a\nb"]}), "tags"),
        (json!({"tags": ["é".repeat(65)]}), "tags"),
        (json!({"tags": many}), "tags"),
        (json!({"tags": {"a": 1}}), "tags"),
        (json!({"clientId": "a b"}), "clientId"),
        (json!({"clientId": ".."}), "clientId"),
        (json!({"clientId": 5}), "clientId"),
        (json!({"campaignId": "c".repeat(129)}), "campaignId"),
        (json!({"campaignId": ["c"]}), "campaignId"),
        (json!({"unknown": 1}), "unknown"),
        (json!({"client_id": "acme"}), "client_id"),
        (json!({"id": "x"}), "id"),
        (json!({"userId": 8}), "userId"),
        (json!({"size": 1}), "size"),
        // A good key beside a bad one is not applied.
        (json!({"name": "b", "size": 1}), "size"),
        (json!({"name": "b", "clientId": "a b"}), "clientId"),
        (json!({"clientId": "b", "name": ""}), "name"),
    ];
    for (body, named) in rows {
        user.patch(&asset.path(), &body).expect(400).names(named);
    }
    let raw: &[&[u8]] = &[
        b"",
        b"{",
        b"{}x",
        b"[]",
        b"null",
        b"\"name\"",
        b"5",
        b"name=b",
        b"{\"name\": \"\xff\"}",
        b"{\"name\": \"\\ud800\"}",
        b"{\"tags\": [\"\\udc00\"]}",
        b"{'name': 'b'}",
        b"{\"name\": \"b\",}",
    ];
    for body in raw {
        let answer = user.patch_raw(&asset.path(), body);
        assert_eq!(answer.status, 400, "{}", String::from_utf8_lossy(body));
    }
    let metadata = user.get(&asset.sub("metadata")).expect(200).json();
    assert_eq!(metadata, asset.0);
}

#[test]
fn a_body_is_64_kib_at_most() {
    let server = Server::start();
    let user = server.user(7);
    let asset = user.upload("a.png");
    let body = |size: usize| {
        let mut body = b"{\"name\": \"b\"}".to_vec();
        body.resize(size, b' ');
        body
    };
    user.patch_raw(&asset.path(), &body(64 * 1024)).expect(200);
    user.patch_raw(&asset.path(), &body(64 * 1024 + 1)).expect(400);
    user.request("PATCH", &asset.path())
        .header("Content-Type", "application/json")
        .body(&body(64 * 1024 + 1))
        .send_chunked(1000)
        .expect(400);
    user.patch_raw(&asset.path(), &body(9 * 1024 * 1024)).expect(400);
}

#[test]
fn a_body_deep_beyond_reason_is_refused() {
    let server = Server::start();
    let user = server.user(7);
    let asset = user.upload("a.png");
    let body = format!("{{\"name\": {}", "[".repeat(60_000));
    user.patch_raw(&asset.path(), body.as_bytes()).expect(400);
    user.get(&asset.path()).expect(200);
}

#[test]
fn a_change_moves_an_asset_between_filters_and_groups() {
    let server = Server::start();
    let user = server.user(7);
    let asset = user.upload_with(&[("clientId", "acme"), ("campaignId", "spring"), ("tags", "red")]);

    user.patch(
        &asset.path(),
        &json!({"clientId": "zenith", "campaignId": null, "tags": ["blue"], "name": "new name"}),
    )
    .expect(200);

    let rows = [
        ("clientId=acme", false),
        ("clientId=zenith", true),
        ("campaignId=spring", false),
        ("tag=red", false),
        ("tag=blue", true),
        ("q=new", true),
        ("q=picture", false),
    ];
    for (query, found) in rows {
        assert_eq!(!user.list_all(query).is_empty(), found, "{query}");
    }
    let size = asset["size"].clone();
    assert_eq!(
        user.get("/api/v2/clients").expect(200).json(),
        json!([{"id": "zenith", "assetCount": 1, "totalSize": size}])
    );
    assert_eq!(user.get("/api/v2/campaigns").expect(200).json(), json!([]));
}

#[test]
fn a_change_survives_a_restart() {
    let mut server = Server::start();
    let asset = server.user(7).upload("a.png");
    server.user(7).patch(&asset.path(), &json!({"name": "b", "tags": ["t"], "clientId": "c"})).expect(200);

    server.restart();

    let found = server.user(7).get(&asset.sub("metadata")).expect(200).json();
    assert_eq!(found["name"], "b");
    assert_eq!(found["tags"], json!(["t"]));
    assert_eq!(found["clientId"], "c");
    assert_eq!(found["campaignId"], Value::Null);
    assert_eq!(found["uploadedAt"], asset["uploadedAt"]);
}

#[test]
fn another_user_may_not_change_an_asset_whatever_the_body() {
    let server = Server::start();
    let asset = server.user(7).upload("a.png");
    for body in [json!({"name": "b"}), json!({"unknown": 1}), json!([])] {
        server
            .user(8)
            .patch(&asset.path(), &body)
            .expect(403)
            .detail("You don't have permission to change this asset");
    }
    let found = server.user(7).get(&asset.sub("metadata")).expect(200).json();
    assert_eq!(found, asset.0);
}

#[test]
fn an_asset_that_is_not_there_can_not_be_changed() {
    let server = Server::start();
    let nowhere = "/api/v2/assets/01900000-0000-7000-8000-000000000000";
    for body in [json!({"name": "b"}), json!({"unknown": 1})] {
        server.user(7).patch(nowhere, &body).expect(404).detail("Asset not found");
    }
}

#[test]
fn changes_at_once_leave_one_of_them_whole() {
    let server = Server::start();
    let asset = server.user(7).upload_form(&Form::of("a.png", &sample::named("png")));
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let user = server.user(7);
            let path = asset.path();
            scope.spawn(move || {
                for round in 0..10 {
                    let word = format!("w{writer}r{round}");
                    user.patch(&path, &json!({"name": word, "clientId": word, "tags": [word]})).expect(200);
                }
            });
        }
    });
    let found = server.user(7).get(&asset.sub("metadata")).expect(200).json();
    assert_eq!(found["clientId"], found["name"]);
    assert_eq!(found["tags"], json!([found["name"]]));
    let name = found["name"].as_str().expect("a name");
    let clients = server.user(7).get("/api/v2/clients").expect(200).json();
    assert_eq!(clients.as_array().map(Vec::len), Some(1));
    assert_eq!(clients[0]["id"], name);
}
