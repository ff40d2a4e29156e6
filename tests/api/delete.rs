//! API.md, 6: DELETE.

use serde_json::json;

use crate::support::{Server, sample};

#[test]
fn a_deleted_asset_is_gone_with_its_files() {
    let server = Server::start();
    let user = server.user(7);
    for format in sample::FORMATS {
        let asset = user.upload(&format!("a.{format}"));
        // A preview that is made when it is asked for goes too.
        user.get(&asset.sub("thumbnail"));
        user.get(&asset.sub("waveform"));

        let answer = user.delete(&asset.path()).expect(200);

        let message = format!("Asset {} deleted successfully", asset.id());
        assert_eq!(answer.json(), json!({"success": true, "message": message}));
        for path in [asset.path(), asset.sub("thumbnail"), asset.sub("waveform"), asset.sub("metadata")] {
            user.get(&path).expect(404).detail("Asset not found");
        }
        user.delete(&asset.path()).expect(404).detail("Asset not found");
        user.patch(&asset.path(), &json!({"name": "b"})).expect(404).detail("Asset not found");
        assert!(server.files().is_empty(), "{format}: {:?}", server.files());
    }
    assert!(user.list_all("").is_empty());
}

#[test]
fn another_user_may_not_delete_an_asset() {
    let server = Server::start();
    let asset = server.user(7).upload("a.png");
    server.user(8).delete(&asset.path()).expect(403).detail("You don't have permission to delete this asset");
    server.user(7).get(&asset.path()).expect(200);
}

#[test]
fn a_deleted_asset_stays_deleted_after_a_restart() {
    let mut server = Server::start();
    let gone = server.user(7).upload("a.png");
    let kept = server.user(7).upload("b.png");
    server.user(7).delete(&gone.path()).expect(200);

    server.restart();

    server.user(7).get(&gone.path()).expect(404);
    assert_eq!(server.user(7).list_all(""), [kept.id()]);
    assert!(server.files().contains(&kept.file()));
    assert!(!server.files().contains(&gone.file()));
}

#[test]
fn of_many_who_delete_an_asset_at_once_one_succeeds() {
    let server = Server::start();
    let asset = server.user(7).upload("a.png");
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..6)
            .map(|_| {
                let user = server.user(7);
                let path = asset.path();
                scope.spawn(move || user.delete(&path).status)
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("an answer")).collect()
    });
    let count = |status: u16| statuses.iter().filter(|found| **found == status).count();
    assert_eq!((count(200), count(404)), (1, 5), "{statuses:?}");
}

#[test]
fn a_download_that_runs_goes_on_to_its_end_when_the_asset_is_deleted() {
    let server = Server::start();
    // More than socket buffers hold.
    let bytes = sample::wav(sample::fresh(), 30_000_000);
    let asset = server.user(7).upload_bytes("a.wav", &bytes);
    let mut connection = server.connect();
    connection.send(server.user(7).request("GET", &asset.path()).head());
    connection.wait_for_head();

    server.user(7).delete(&asset.path()).expect(200);

    assert!(connection.answer("GET").expect(200).body == bytes);
    server.user(7).get(&asset.path()).expect(404);
}
