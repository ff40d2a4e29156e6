//! API.md, 9: the routes of before.

use crate::support::{Answer, Form, Server, sample};

/// The route, and the field that its path gives.
const ROUTES: [(&str, &str, &str); 2] =
    [("clients", "clientId", "campaignId"), ("campaigns", "campaignId", "clientId")];

#[track_caller]
fn is_deprecated(answer: Answer) -> Answer {
    assert_eq!(answer.header("deprecation"), "@1763251200");
    assert_eq!(answer.header("link"), "</api/v2/upload-asset>; rel=\"successor-version\"");
    answer
}

#[test]
fn the_path_gives_the_association_and_wins_over_the_form() {
    let server = Server::start();
    for (route, field, other) in ROUTES {
        let form = Form::of("a.png", &sample::named("png"))
            .text(field, "in-the-form")
            .text(other, "beside")
            .text("tags", "t");
        let target = format!("/api/{route}/in-the-path/assets");

        let answer = is_deprecated(server.user(7).post_to(&target, &form)).expect(201);

        let asset = answer.json();
        assert_eq!(asset[field], "in-the-path");
        assert_eq!(asset[other], "beside");
        assert_eq!(asset["name"], "a.png");
        assert_eq!(answer.header("location"), asset["url"]);
        assert_eq!(server.user(7).list_all(&format!("{field}=in-the-path")).len(), 1);
    }
}

#[test]
fn errors_are_those_of_the_upload_and_say_that_the_route_is_deprecated() {
    let server = Server::start();
    let form = Form::of("a.png", &sample::named("png"));
    for (route, field, _) in ROUTES {
        let target = format!("/api/{route}/acme/assets");
        let user = server.user(7);
        is_deprecated(server.anyone().post_to(&target, &form)).expect(401).detail("Not authenticated");
        is_deprecated(user.post_to(&target, &Form::new())).expect(400).detail("Missing form field: file");
        is_deprecated(user.post_to(&target, &Form::of("a.png", b""))).expect(400).detail("File is empty");
        is_deprecated(user.request("POST", &target).body(b"{}").send())
            .expect(400)
            .detail("Expected a multipart/form-data body");
        is_deprecated(user.post_to(&format!("/api/{route}/a%20b/assets"), &form)).expect(400).names(field);
        is_deprecated(user.get(&target)).expect(405).detail("Method not allowed");
    }
    assert!(server.files().is_empty());
}

#[test]
fn the_route_that_succeeds_them_is_not_deprecated() {
    let server = Server::start();
    let answer = server.user(7).post(&Form::of("a.png", &sample::named("png"))).expect(201);
    assert!(answer.try_header("deprecation").is_none());
    assert!(answer.try_header("link").is_none());
}
