//! API.md, 4: filters, pages and the refusals of each parameter.

use sha2::{Digest, Sha256};

use crate::support::{Client, Form, Server, sample};

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Uploads a file of this format with these fields, and gives its id.
#[track_caller]
fn upload(user: &Client, name: &str, fields: &[(&str, &str)]) -> String {
    let mut form = Form::of(name, &sample::named(name));
    for (field, value) in fields {
        form = form.text(field, value);
    }
    user.upload_form(&form).id().to_owned()
}

/// Six assets that differ in all that the list can filter by, oldest first.
#[track_caller]
fn six(user: &Client) -> Vec<String> {
    vec![
        upload(user, "alpha.png", &[("clientId", "acme"), ("tags", "red")]),
        upload(user, "beta.wav", &[("clientId", "acme"), ("campaignId", "spring")]),
        upload(user, "gamma.pdf", &[("campaignId", "spring"), ("tags", r#"["red","blue"]"#)]),
        upload(user, "delta.mp3", &[("clientId", "zenith"), ("campaignId", "spring"), ("tags", "blue")]),
        upload(user, "epsilon.gif", &[("clientId", "acme"), ("campaignId", "autumn"), ("tags", "Red")]),
        upload(user, "Élan vital.png", &[]),
    ]
}

#[test]
fn the_list_is_an_array_of_assets_newest_first() {
    let server = Server::start();
    let user = server.user(7);
    let mut assets: Vec<_> = (0..4).map(|_| user.upload("a.png").0).collect();
    assets.reverse();

    let page = user.get("/api/v2/assets").page();

    assert_eq!(page.assets, assets);
    assert_eq!(page.total, Some(4));
    assert_eq!(page.next, None);
}

#[test]
fn a_user_without_assets_has_an_empty_list() {
    let server = Server::start();
    server.user(8).upload("a.png");

    let page = server.user(7).get("/api/v2/assets").page();

    assert!(page.ids.is_empty());
    assert_eq!(page.total, Some(0));
    assert_eq!(page.next, None);
}

#[test]
fn all_filters_that_are_given_must_hold() {
    let server = Server::start();
    let user = server.user(7);
    let ids = six(&user);
    six(&server.user(8));
    // The query, and the numbers of the assets it finds, newest first.
    let rows: &[(&str, &[usize])] = &[
        ("", &[5, 4, 3, 2, 1, 0]),
        ("clientId=acme", &[4, 1, 0]),
        ("campaignId=spring", &[3, 2, 1]),
        ("clientId=acme&campaignId=spring", &[1]),
        ("clientId=zenith&campaignId=autumn", &[]),
        ("clientId=nobody", &[]),
        ("clientId=ACME", &[]),
        ("asset_type=image", &[5, 4, 0]),
        ("asset_type=audio", &[3, 1]),
        ("asset_type=document", &[2]),
        ("asset_type=video", &[]),
        ("asset_type=image&clientId=acme", &[4, 0]),
        ("asset_type=audio&campaignId=spring", &[3, 1]),
        ("asset_type=audio&clientId=acme&campaignId=spring", &[1]),
        ("asset_type=image&clientId=zenith", &[]),
        ("tag=red", &[2, 0]),
        ("tag=Red", &[4]),
        ("tag=red&tag=blue", &[2]),
        ("tag=red&tag=red", &[2, 0]),
        ("tag=green", &[]),
        ("tag=blue&asset_type=audio", &[3]),
        ("tag=red&clientId=acme", &[0]),
        ("tag=blue&campaignId=spring&clientId=zenith", &[3]),
        ("q=a", &[5, 3, 2, 1, 0]),
        ("q=TA.", &[3, 1]),
        ("q=%C3%A9lan", &[5]),
        ("q=%C3%89LAN", &[5]),
        ("q=e%CC%81lan", &[5]),
        ("q=vital", &[5]),
        ("q=n+v", &[5]),
        ("q=n%20v", &[5]),
        ("q=a&asset_type=audio&tag=blue", &[3]),
        ("q=%25", &[]),
        ("q=.*", &[]),
        // Empty values count as absent, unknown parameters are ignored.
        ("clientId=", &[5, 4, 3, 2, 1, 0]),
        ("clientId&campaignId=&asset_type=&tag=&q=&sha256=&limit=&offset=&before=", &[5, 4, 3, 2, 1, 0]),
        ("unknown=1&unknown=2&clientid=zenith", &[5, 4, 3, 2, 1, 0]),
        // Names and values are percent-decoded.
        ("client%49d=%61cme", &[4, 1, 0]),
    ];
    for (query, found) in rows {
        let found: Vec<&str> = found.iter().map(|index| ids[*index].as_str()).collect();
        assert_eq!(user.list_all(query), found, "{query}");
        let page = user.get(&format!("/api/v2/assets?{query}")).page();
        let counted = page.total.is_some();
        let by_words = page_has_words(query);
        assert_eq!(counted, !by_words, "X-Total-Count with {query}");
        if counted {
            assert_eq!(page.total, Some(found.len() as u64), "{query}");
        }
    }
}

/// Whether a query has a `q` or `tag` that counts.
fn page_has_words(query: &str) -> bool {
    query.split('&').any(|pair| {
        pair.split_once('=').is_some_and(|(name, value)| (name == "q" || name == "tag") && !value.is_empty())
    })
}

#[test]
fn sha256_finds_the_assets_with_just_these_bytes() {
    let server = Server::start();
    let user = server.user(7);
    let bytes = sample::named("png");
    let first = user.upload_bytes("a.png", &bytes);
    user.upload("b.png");
    let second = user.upload_form(&Form::of("c.png", &bytes).text("clientId", "acme"));
    server.user(8).upload_bytes("d.png", &bytes);
    let digest = hex(&bytes);

    let found = |query: &str| user.list_all(query);
    assert_eq!(found(&format!("sha256={digest}")), [second.id(), first.id()]);
    assert_eq!(found(&format!("sha256={}", digest.to_uppercase())).len(), 2);
    assert_eq!(found(&format!("sha256={digest}&clientId=acme")), [second.id()]);
    assert_eq!(found(&format!("sha256={digest}&limit=1")), [second.id(), first.id()]);
    assert!(found(&format!("sha256={}", "0".repeat(64))).is_empty());
    user.delete(&first.path()).expect(200);
    assert_eq!(found(&format!("sha256={digest}")), [second.id()]);
}

#[test]
fn a_page_has_limit_assets_from_offset_on() {
    let server = Server::start();
    let user = server.user(7);
    let mut ids: Vec<String> = (0..7).map(|_| upload(&user, "a.wav", &[])).collect();
    ids.reverse();
    let rows = [
        ("limit=3", 0..3),
        ("limit=3&offset=0", 0..3),
        ("limit=3&offset=3", 3..6),
        ("limit=3&offset=6", 6..7),
        ("limit=3&offset=7", 7..7),
        ("offset=5", 5..7),
        ("offset=1000000", 7..7),
        ("limit=100", 0..7),
        ("limit=1&offset=6", 6..7),
        ("limit=3&asset_type=audio&offset=2", 2..5),
    ];
    for (query, range) in rows {
        let page = user.get(&format!("/api/v2/assets?{query}")).page();
        assert_eq!(page.ids, ids[range.clone()], "{query}");
        assert_eq!(page.total, Some(7), "{query}");
        let more = range.end < 7;
        assert_eq!(page.next.is_some(), more, "{query}");
    }
}

#[test]
fn a_page_has_50_assets_unless_told() {
    let server = Server::start();
    let user = server.user(7);
    let mut ids: Vec<String> = (0..52).map(|_| upload(&user, "a.png", &[])).collect();
    ids.reverse();

    let page = user.get("/api/v2/assets").page();

    assert_eq!(page.ids, ids[..50]);
    assert_eq!(page.total, Some(52));
    assert_eq!(user.list_all(""), ids);
    assert_eq!(user.get("/api/v2/assets?limit=100").page().ids, ids);
}

#[test]
fn before_gives_what_comes_after_an_id_also_one_that_is_gone() {
    let server = Server::start();
    let user = server.user(7);
    let mut ids: Vec<String> = (0..5).map(|_| upload(&user, "a.png", &[])).collect();
    ids.reverse();
    let foreign = upload(&server.user(8), "a.png", &[]);
    let before = |id: &str| user.get(&format!("/api/v2/assets?before={id}")).page();

    assert_eq!(before(&ids[1]).ids, ids[2..]);
    assert_eq!(before(&ids[1].to_uppercase()).ids, ids[2..]);
    assert_eq!(before(&ids[1]).total, Some(5), "the total does not depend on it");
    assert!(before(&ids[4]).ids.is_empty());
    assert_eq!(before(&foreign).ids, ids);
    assert_eq!(before("ffffffff-ffff-ffff-ffff-ffffffffffff").ids, ids);
    assert!(before("00000000-0000-0000-0000-000000000000").ids.is_empty());

    user.delete(&format!("/api/v2/assets/{}", ids[1])).expect(200);
    assert_eq!(before(&ids[1]).ids, ids[2..]);
}

#[test]
fn links_lead_through_the_whole_list_and_keep_every_parameter_but_offset() {
    let server = Server::start();
    let user = server.user(7);
    let fields = [("clientId", "acme"), ("campaignId", "spring"), ("tags", "a b&c")];
    let mut ids: Vec<String> = (0..7).map(|_| upload(&user, "näme.png", &fields)).collect();
    upload(&user, "other.wav", &fields);
    ids.reverse();
    let queries = [
        "asset_type=image&limit=2",
        "asset_type=image&clientId=acme&limit=3",
        "asset_type=image&clientId=acme&campaignId=spring&limit=1",
        "tag=a+b%26c&asset_type=image&limit=2",
        "q=n%C3%A4&limit=2",
        "q=N%C3%84ME&tag=a%20b%26c&limit=3&unknown=%26",
    ];
    for query in queries {
        assert_eq!(user.list_all(query), ids, "{query}");
        let next = user.get(&format!("/api/v2/assets?{query}")).page().next;
        let next = next.unwrap_or_else(|| panic!("no next page: {query}"));
        let limit = query.split('&').find(|pair| pair.starts_with("limit="));
        assert!(next.contains(limit.expect("a limit")), "{next}");
    }
    // An offset goes into the place that `before` names, and is not applied twice.
    let offset = user.get("/api/v2/assets?asset_type=image&limit=2&offset=1").page();
    assert_eq!(offset.ids, ids[1..3]);
    let next = offset.next.expect("a next page");
    assert!(!next.contains("offset"), "{next}");
    assert_eq!(user.get(&next).page().ids, ids[3..5]);
}

#[test]
fn pages_by_before_miss_and_repeat_nothing_while_assets_come_and_go() {
    let server = Server::start();
    let user = server.user(7);
    let mut ids: Vec<String> = (0..6).map(|_| upload(&user, "a.png", &[])).collect();
    ids.reverse();

    let first = user.get("/api/v2/assets?limit=2").page();
    upload(&user, "new.png", &[]);
    user.delete(&format!("/api/v2/assets/{}", ids[1])).expect(200);
    let second = user.get(&first.next.expect("a next page")).page();

    assert_eq!(second.ids, ids[2..4]);
}

#[test]
fn a_value_outside_its_form_or_range_is_refused_by_name() {
    let server = Server::start();
    let short = "0".repeat(63);
    let long_id = "c".repeat(129);
    let rows: &[(&str, &[&str])] = &[
        ("limit", &["0", "101", "-1", "abc", "1.5", "1e1", "99999999999999999999999", "%20"]),
        ("offset", &["-1", "abc", "1.5", "99999999999999999999999"]),
        (
            "before",
            &["abc", "0", "{00000000-0000-0000-0000-000000000000}", "00000000000000000000000000000000"],
        ),
        ("asset_type", &["images", "Image", "picture", "pdf"]),
        ("sha256", &["abc", &short, "zz"]),
        ("clientId", &["a%20b", "%2e", "..", "a%2Fb", "%C3%A9", &long_id]),
        ("campaignId", &["a%20b", "%2e", "..", "a%2Fb", "%C3%A9", &long_id]),
    ];
    for (parameter, values) in rows {
        for value in *values {
            let target = format!("/api/v2/assets?{parameter}={value}");
            server.user(7).get(&target).expect(400).names(parameter);
        }
    }
}

#[test]
fn a_parameter_given_twice_is_refused_by_name_unless_it_is_tag() {
    let server = Server::start();
    let id = "00000000-0000-0000-0000-000000000000";
    let digest = "0".repeat(64);
    for (parameter, value) in [
        ("limit", "5"),
        ("offset", "1"),
        ("before", id),
        ("asset_type", "image"),
        ("sha256", &digest),
        ("clientId", "acme"),
        ("campaignId", "spring"),
        ("q", "a"),
    ] {
        let target = format!("/api/v2/assets?{parameter}={value}&{parameter}={value}");
        server.user(7).get(&target).expect(400).names(parameter);
    }
    server.user(7).get("/api/v2/assets?tag=a&tag=a").expect(200);
}

#[test]
fn a_query_that_is_not_utf_8_or_badly_escaped_is_refused() {
    let server = Server::start();
    for query in ["q=%FF", "tag=caf%E9", "q=%zz", "q=%4", "q=%", "%zz=1"] {
        server.user(7).get(&format!("/api/v2/assets?{query}")).expect(400);
    }
}

#[test]
fn the_list_survives_a_restart() {
    let mut server = Server::start();
    let ids = six(&server.user(7));
    let before = server.user(7).get("/api/v2/assets?limit=100").page();
    assert_eq!(before.ids.len(), ids.len());

    server.restart();

    let after = server.user(7).get("/api/v2/assets?limit=100").page();
    assert_eq!(after.ids, before.ids);
    assert_eq!(server.user(7).list_all("clientId=acme&asset_type=image").len(), 2);
    assert_eq!(server.user(7).list_all("tag=blue").len(), 2);
}
