//! API.md, 7: clients and campaigns.

use serde_json::{Value, json};

use crate::support::{Asset, Client, Server, sample};

/// Route, word of the sentences and field of each of the two groupings.
const GROUPINGS: [(&str, &str, &str); 2] =
    [("/api/v2/clients", "Client", "clientId"), ("/api/v2/campaigns", "Campaign", "campaignId")];

fn size(assets: &[&Asset]) -> u64 {
    assets.iter().map(|asset| asset["size"].as_u64().expect("a size")).sum()
}

#[track_caller]
fn groups(user: &Client, route: &str) -> Value {
    user.get(route).expect(200).json()
}

#[test]
fn groups_are_the_callers_own_by_id_with_counts_and_sizes() {
    let server = Server::start();
    for (route, _, field) in GROUPINGS {
        let user = server.user(7);
        assert_eq!(groups(&user, route), json!([]));
        let b1 = user.upload_with(&[(field, "b")]);
        let a = user.upload_with(&[(field, "a")]);
        let b2 = user.upload_with(&[(field, "b")]);
        let upper = user.upload_with(&[(field, "Z")]);
        let digit = user.upload_with(&[(field, "10")]);
        let one = |id: &str, assets: &[&Asset]| json!({"id": id, "assetCount": assets.len(), "totalSize": size(assets)});
        server.user(8).upload_with(&[(field, "b")]);
        server.user(8).upload_with(&[(field, "c")]);

        let expected =
            json!([one("10", &[&digit]), one("Z", &[&upper]), one("a", &[&a]), one("b", &[&b1, &b2])]);
        assert_eq!(groups(&user, route), expected, "{route}");
    }
}

#[test]
fn a_group_vanishes_with_its_last_asset() {
    let server = Server::start();
    let user = server.user(7);
    for (route, _, field) in GROUPINGS {
        let first = user.upload_with(&[(field, "acme")]);
        let second = user.upload_with(&[(field, "acme")]);
        user.delete(&first.path()).expect(200);
        assert_eq!(
            groups(&user, route),
            json!([{"id": "acme", "assetCount": 1, "totalSize": size(&[&second])}])
        );
        user.delete(&second.path()).expect(200);
        assert_eq!(groups(&user, route), json!([]));
    }
}

#[test]
fn a_cascade_deletes_all_of_the_callers_assets_that_name_the_group_and_nothing_else() {
    let server = Server::start();
    for (route, word, field) in GROUPINGS {
        let user = server.user(7);
        for name in ["a.png", "b.wav", "c.pdf"] {
            let form = crate::support::Form::of(name, &sample::named(name)).text(field, "acme");
            user.upload_form(&form);
        }
        let near = [
            user.upload_with(&[(field, "acm")]),
            user.upload_with(&[(field, "acme2")]),
            user.upload_with(&[(field, "ACME")]),
            user.upload("none.png"),
        ];
        let foreign = server.user(8).upload_with(&[(field, "acme")]);

        let answer = user.delete(&format!("{route}/acme")).expect(200);

        let message = format!("{word} acme deleted successfully");
        assert_eq!(answer.json(), json!({"success": true, "message": message, "deletedAssets": 3}));
        let mut left: Vec<&str> = near.iter().map(Asset::id).collect();
        left.reverse();
        assert_eq!(user.list_all(""), left, "{route}");
        assert_eq!(server.user(8).list_all(""), [foreign.id()]);
        let originals = server.files().iter().filter(|file| !file.contains('_')).count();
        assert_eq!(originals, near.len() + 1, "{:?}", server.files());
        for asset in near {
            user.get(&asset.path()).expect(200);
            user.delete(&asset.path()).expect(200);
        }
        server.user(8).delete(&foreign.path()).expect(200);
        assert!(server.files().is_empty());
    }
}

#[test]
fn a_group_without_assets_is_not_found() {
    let server = Server::start();
    for (route, word, field) in GROUPINGS {
        server.user(8).upload_with(&[(field, "theirs")]);
        for id in ["nobody", "theirs", "Theirs"] {
            server.user(7).delete(&format!("{route}/{id}")).expect(404).detail(&format!("{word} not found"));
        }
        assert_eq!(server.user(8).list_all(&format!("{field}=theirs")).len(), 1);
    }
}

#[test]
fn a_cascade_by_an_admin_deletes_every_users() {
    let server = Server::start();
    for (route, word, field) in GROUPINGS {
        for user in [0, 1, 7, 8, (1 << 53) - 1] {
            server.user(user).upload_with(&[(field, "acme")]);
            server.user(user).upload_with(&[(field, "acme")]);
            server.user(user).upload_with(&[(field, "other")]);
        }

        let answer = server.admin().delete(&format!("{route}/acme")).expect(200).json();

        assert_eq!(answer["deletedAssets"], 10);
        assert_eq!(answer["message"], format!("{word} acme deleted successfully"));
        for user in [0, 1, 7, 8, (1 << 53) - 1] {
            assert!(server.user(user).list_all(&format!("{field}=acme")).is_empty());
            assert_eq!(server.user(user).list_all(&format!("{field}=other")).len(), 1);
        }
        server.admin().delete(&format!("{route}/acme")).expect(404).detail(&format!("{word} not found"));
        server.admin().delete(&format!("{route}/other")).expect(200);
        assert!(server.files().is_empty());
    }
}

#[test]
fn the_admin_role_does_nothing_else() {
    let server = Server::start();
    let asset = server.user(7).upload_with(&[("clientId", "acme")]);
    let admin = server.admin();

    admin.get(&asset.path()).expect(403).detail("You don't have permission to access this asset");
    admin.get(&asset.sub("thumbnail")).expect(403);
    admin.get(&asset.sub("metadata")).expect(403);
    admin
        .patch(&asset.path(), &json!({"name": "b"}))
        .expect(403)
        .detail("You don't have permission to change this asset");
    admin.delete(&asset.path()).expect(403).detail("You don't have permission to delete this asset");
    assert!(admin.list_all("").is_empty());
    assert_eq!(groups(&admin, "/api/v2/clients"), json!([]));
}

#[test]
fn only_the_word_admin_makes_an_admin() {
    let server = Server::start();
    server.user(7).upload_with(&[("clientId", "acme")]);
    for role in [json!("Admin"), json!("administrator"), json!(""), json!(true), json!(null), json!(["user"])]
    {
        let mut claims = crate::support::token::claims(1);
        claims["role"] = role.clone();
        let answer = server.bearer(&server.token(&claims)).delete("/api/v2/clients/acme");
        assert_ne!(answer.status, 200, "{role}");
    }
    assert_eq!(server.user(7).list_all("").len(), 1);
}

#[test]
fn a_malformed_id_in_a_path_is_refused_by_name() {
    let server = Server::start();
    let long = "c".repeat(129);
    for (route, _, field) in GROUPINGS {
        for id in ["%2e", "%2E%2e", "a%20b", "a%2Fb", "a%5Cb", "%C3%A9", "a%00", "a,b", "a@b", "~", &long] {
            server.user(7).delete(&format!("{route}/{id}")).expect(400).names(field);
        }
        server.user(7).delete(&format!("{route}/a%zz")).expect(400);
    }
}

#[test]
fn an_id_in_a_path_is_percent_decoded() {
    let server = Server::start();
    for (route, word, field) in GROUPINGS {
        server.user(7).upload_with(&[(field, "a:b")]);
        let answer = server.user(7).delete(&format!("{route}/%61%3Ab")).expect(200);
        assert_eq!(answer.json()["message"], format!("{word} a:b deleted successfully"));
    }
}

#[test]
fn a_cascade_of_many_is_seen_whole_or_not_at_all() {
    let server = Server::start();
    const MANY: usize = 60;
    let user = server.user(7);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..MANY / 4 {
                    user.upload_with(&[("clientId", "acme")]);
                }
            });
        }
    });
    let (done, is_done) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let watcher = server.user(7);
        let watching = scope.spawn(move || {
            let mut seen = std::collections::BTreeSet::new();
            loop {
                let page = watcher.get("/api/v2/assets?clientId=acme&limit=100").page();
                assert_eq!(page.total, Some(page.ids.len() as u64));
                seen.insert(page.ids.len());
                if is_done.try_recv().is_ok() {
                    return seen;
                }
            }
        });
        let answer = user.delete("/api/v2/clients/acme").expect(200).json();
        assert_eq!(answer["deletedAssets"], MANY);
        done.send(()).expect("a watcher");
        let seen = watching.join().expect("what was seen");
        assert!(seen.iter().all(|count| *count == 0 || *count == MANY), "{seen:?}");
    });
    assert!(server.files().is_empty());
}
