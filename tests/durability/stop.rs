//! The server stops dead at each named step of an upload and of a delete, and starts again.

use super::check_in_step;
use crate::support::{Asset, Form, Server, Setup, sample};

/// The variable that makes the server abort at a step.
const STOP: &str = "ASSETD_TEST_STOP";

/// The steps of an upload in their order, and whether the asset is there after a stop at each.
const UPLOAD_STEPS: [(&str, bool); 10] = [
    ("received", false),
    ("inspected", false),
    ("synced", false),
    ("renamed", false),
    ("tmp-synced", false),
    ("linked", false),
    ("assets-synced", false),
    ("journaled", false),
    ("committed", true),
    ("answered", true),
];

/// The steps of a delete, single or cascade, and whether the assets are still there after a stop at each.
const DELETE_STEPS: [(&str, bool); 4] =
    [("journaled", true), ("committed", false), ("removed", false), ("unlinked", false)];

/// A server that has one asset of user 7 and what `arrange` gives it, started again so as to stop at `step`.
fn stopping_at<T>(step: &str, arrange: impl FnOnce(&Server) -> T) -> (Server, Asset, T) {
    let mut server = Setup::new().start();
    let asset = server.user(7).upload_with(&[("clientId", "kept")]);
    let arranged = arrange(&server);
    server.sigterm();
    server.wait();
    let setup = Server::setup_of(&server).env(STOP, step);
    server.start_again_as(setup);
    (server, asset, arranged)
}

/// Starts the server anew, without a step to stop at.
#[track_caller]
fn recover(server: &mut Server, step: &str) {
    let code = server.wait();
    assert_eq!(code, None, "the server aborts at {step}:\n{}", server.log());
    let setup = Server::setup_of(server);
    server.start_again_as(setup);
}

#[test]
fn an_upload_that_is_stopped_at_any_step_is_whole_or_leaves_nothing() {
    for (step, is_there) in UPLOAD_STEPS {
        for name in ["a.png", "a.pdf", "a.wav"] {
            let (mut server, kept, ()) = stopping_at(step, |_| ());
            let bytes = sample::named(name);
            let form = Form::of(name, &bytes).text("clientId", "acme");
            let request = server.user(7).request("POST", "/api/v2/upload-asset");
            let mut connection = server.connect();
            connection.try_send(&request.form(&form.body()).head());
            connection.try_send(&form.body());
            let answer = connection.try_answer("POST");

            recover(&mut server, step);

            let user = server.user(7);
            let owned = check_in_step(&server, &[7]);
            let new: Vec<String> = user.list_all("clientId=acme");
            assert_eq!(new.len(), usize::from(is_there), "{name} at {step}");
            assert_eq!(owned[&7].len(), 1 + new.len(), "{name} at {step}");
            for id in &new {
                let file = user.get(&format!("/api/v2/assets/{id}")).expect(200);
                assert!(file.body == bytes, "{name} at {step}");
            }
            if let Ok(answer) = answer {
                // Whoever was told of success finds the asset.
                let asset = Asset(answer.expect(201).json());
                assert_eq!(new, [asset.id()], "{name} at {step}");
            }
            user.get(&kept.path()).expect(200);
            // The server goes on as any other, with ids that still ascend.
            let next = user.upload("next.png");
            assert!(owned[&7].keys().all(|id| id.as_str() < next.id()), "{step}");
        }
    }
}

#[test]
fn a_preview_that_is_stopped_while_it_is_kept_is_there_or_made_again() {
    // An image's is made when it is asked for; the first three steps are those of an upload alone.
    for (step, is_kept) in &UPLOAD_STEPS[3..] {
        let (mut server, _, asset) = stopping_at(step, |server| server.user(7).upload("a.png"));
        let mut connection = server.connect();
        connection.try_send(&server.user(7).request("GET", &asset.sub("thumbnail")).head());
        let _ = connection.try_answer("GET");

        recover(&mut server, step);

        check_in_step(&server, &[7]);
        let file = asset.thumbnail_file();
        assert_eq!(server.files().contains(&file), *is_kept, "{step}");
        server.user(7).get(&asset.sub("thumbnail")).expect(200);
        assert!(server.files().contains(&file), "{step}");
    }
}

#[test]
fn a_delete_that_is_stopped_at_any_step_is_done_whole_or_not_at_all() {
    let previews = [("a.pdf", "thumbnail"), ("a.wav", "waveform.json")];
    let rows = DELETE_STEPS.into_iter().flat_map(|row| previews.map(|preview| (row, preview)));
    for ((step, is_there), (name, preview)) in rows {
        let (mut server, kept, asset) = stopping_at(step, |server| {
            let asset = server.user(7).upload(name);
            server.user(7).get(&asset.sub(preview)).expect(200);
            asset
        });
        let mut connection = server.connect();
        connection.try_send(&server.user(7).request("DELETE", &asset.path()).head());
        // Only an end of the connection is to be expected here.
        assert!(connection.try_answer("DELETE").is_err(), "{step}");

        recover(&mut server, step);

        let user = server.user(7);
        let status = if is_there { 200 } else { 404 };
        for path in [asset.path(), asset.sub(preview), asset.sub("metadata")] {
            assert_eq!(user.get(&path).status, status, "{path} at {step}");
        }
        let owned = check_in_step(&server, &[7]);
        assert_eq!(owned[&7].len(), 1 + usize::from(is_there), "{step}");
        user.get(&kept.path()).expect(200);
    }
}

#[test]
fn a_cascade_that_is_stopped_at_any_step_is_done_whole_or_not_at_all() {
    for (step, is_there) in DELETE_STEPS {
        let (mut server, kept, ()) = stopping_at(step, |server| {
            for user in [7, 8] {
                for name in ["a.png", "a.wav", "a.pdf"] {
                    let form = Form::of(name, &sample::named(name)).text("clientId", "acme");
                    server.user(user).upload_form(&form);
                }
            }
        });
        let mut connection = server.connect();
        let cascade = server.admin().request("DELETE", "/api/v2/clients/acme");
        connection.try_send(&cascade.head());
        assert!(connection.try_answer("DELETE").is_err(), "{step}");

        recover(&mut server, step);

        let owned = check_in_step(&server, &[7, 8]);
        let left = if is_there { 3 } else { 0 };
        assert_eq!(owned[&7].len(), 1 + left, "{step}");
        assert_eq!(owned[&8].len(), left, "{step}");
        server.user(7).get(&kept.path()).expect(200);
    }
}

#[test]
fn an_upload_that_was_stopped_can_be_stopped_again_while_it_is_undone() {
    let (mut server, kept, ()) = stopping_at("assets-synced", |_| ());
    let form = Form::of("a.png", &sample::named("png"));
    let mut connection = server.connect();
    let request = server.user(7).request("POST", "/api/v2/upload-asset");
    connection.try_send(&request.form(&form.body()).head());
    connection.try_send(&form.body());
    let _ = connection.try_answer("POST");
    recover(&mut server, "assets-synced");
    // The start that undid it is cut off as well, and so is the next.
    for _ in 0..2 {
        server.kill9();
        server.start_again();
    }
    assert_eq!(server.user(7).list_all(""), [kept.id()]);
    check_in_step(&server, &[7]);
}
