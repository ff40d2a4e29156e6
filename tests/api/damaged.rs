//! API.md, 1 and 13: a stored file that is not what was stored is told as such, and never followed elsewhere.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::support::{Asset, Server, sample, text};

const DAMAGED: &str = "Stored file is damaged";

type Damage = Box<dyn Fn(&Path)>;

/// What someone may have done to a file in DATA/assets. The file is gone already.
fn damages(original: &[u8], outside: &Path) -> Vec<(&'static str, Damage)> {
    let twin = outside.join("twin");
    fs::write(&twin, original).expect("a file outside DATA");
    let secret = outside.join("secret");
    fs::write(&secret, b"not for anyone").expect("a file outside DATA");
    let shorter = original[..original.len() - 1].to_vec();
    let longer = [original, b"x"].concat();
    vec![
        ("missing", Box::new(|_: &Path| {})),
        ("shortened", Box::new(move |path| fs::write(path, &shorter).expect("written"))),
        ("lengthened", Box::new(move |path| fs::write(path, &longer).expect("written"))),
        ("empty", Box::new(|path| fs::write(path, b"").expect("written"))),
        ("a link elsewhere", Box::new(move |path| symlink(&secret, path).expect("a link"))),
        ("a link to its twin", Box::new(move |path| symlink(&twin, path).expect("a link"))),
        ("a dangling link", Box::new(|path| symlink("nowhere", path).expect("a link"))),
        ("a link to itself", Box::new(|path| symlink(path, path).expect("a link"))),
        ("a folder", Box::new(|path| fs::create_dir(path).expect("a folder"))),
        (
            "a pipe",
            Box::new(|path| {
                let mode = rustix::fs::Mode::from_raw_mode(0o600);
                rustix::fs::mkfifoat(rustix::fs::CWD, path, mode).expect("a pipe");
            }),
        ),
    ]
}

fn remove(path: &Path) {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir(path).expect("removed"),
        Ok(_) => fs::remove_file(path).expect("removed"),
        Err(_) => {}
    }
}

/// Every way to read `path` of an asset tells that it is damaged, whatever was done to `file`.
#[track_caller]
fn is_told(server: &Server, asset: &Asset, path: &str, file: &str) {
    let stored = server.path(file);
    let original = fs::read(&stored).expect("the stored file");
    let outside = server.data().with_file_name("outside");
    let _ = fs::create_dir(&outside);
    for (damage, apply) in damages(&original, &outside) {
        remove(&stored);
        apply(&stored);
        let user = server.user(7);
        let answer = user.get(path);
        assert_eq!(answer.status, 500, "{damage}");
        answer.detail(DAMAGED);
        user.head(path).expect(500);
        let range = user.request("GET", path).header("Range", "bytes=0-3").send();
        range.expect(500).detail(DAMAGED);
        // The record is whole, and says what it said.
        let metadata = user.get(&asset.sub("metadata")).expect(200).json();
        assert_eq!(metadata, asset.0, "{damage}");
    }
    remove(&stored);
    fs::write(&stored, original).expect("put back");
    server.user(7).get(path).expect(200);
}

#[test]
fn a_file_that_was_tampered_with_is_told_as_damaged_and_never_followed() {
    let server = Server::start();
    let asset = server.user(7).upload("a.png");
    is_told(&server, &asset, &asset.path(), &asset.file());
}

#[test]
fn a_large_file_that_was_tampered_with_is_told_as_damaged_and_never_followed() {
    let server = Server::start();
    let bytes = sample::wav(sample::fresh(), 2_000_000);
    let asset = server.user(7).upload_bytes("a.wav", &bytes);
    is_told(&server, &asset, &asset.path(), &asset.file());
}

#[test]
fn a_thumbnail_that_was_tampered_with_is_told_as_damaged_and_never_followed() {
    let server = Server::start();
    let asset = server.user(7).upload("a.pdf");
    // It may be made when it is first asked for.
    server.user(7).get(&asset.sub("thumbnail")).expect(200);
    is_told(&server, &asset, &asset.sub("thumbnail"), &asset.thumbnail_file());
}

#[test]
fn a_waveform_that_was_tampered_with_is_told_as_damaged_and_never_followed() {
    let server = Server::start();
    let asset = server.user(7).upload("a.wav");
    is_told(&server, &asset, &asset.sub("waveform.json"), &asset.waveform_file());
    is_told(&server, &asset, &asset.sub("waveform"), &asset.waveform_file());

    // Of the right length, and no waveform.
    let stored = server.path(&asset.waveform_file());
    let length = fs::read(&stored).expect("the waveform").len();
    fs::write(&stored, "x".repeat(length)).expect("written");
    server.user(7).get(&asset.sub("waveform")).expect(500).detail(DAMAGED);
}

#[test]
fn a_damaged_asset_is_logged_and_can_be_deleted() {
    let server = Server::start();
    let asset = server.user(7).upload("a.png");
    let kept = server.data().with_file_name("kept");
    fs::write(&kept, b"kept").expect("a file outside DATA");
    remove(&server.path(&asset.file()));
    symlink(&kept, server.path(&asset.file())).expect("a link");

    server.user(7).get(&asset.path()).expect(500);
    server.wait_for_log(asset.id());
    server.user(7).delete(&asset.path()).expect(200);

    server.user(7).get(&asset.path()).expect(404);
    assert!(server.files().is_empty());
    assert_eq!(fs::read(&kept).expect("the target"), b"kept");
}

#[test]
fn an_asset_whose_file_is_missing_can_be_deleted() {
    let server = Server::start();
    let asset = server.user(7).upload("a.png");
    remove(&server.path(&asset.file()));

    server.user(7).delete(&asset.path()).expect(200);
    assert!(server.user(7).list_all("").is_empty());
}

#[test]
fn a_link_in_place_of_the_folder_of_files_is_never_followed() {
    let server = Server::start();
    let asset = server.user(7).upload("a.png");
    let assets = server.path("assets");
    let moved = server.data().with_file_name("moved");
    fs::rename(&assets, &moved).expect("moved");
    symlink(text(&moved), &assets).expect("a link");

    // The folder that was there at start may still be held open: then the file is the true one, and no link was followed.
    let answer = server.user(7).get(&asset.path());
    assert!(matches!(answer.status, 200 | 500), "{}", answer.status);
    fs::remove_file(&assets).expect("removed");
    fs::rename(&moved, &assets).expect("moved back");
    server.user(7).get(&asset.path()).expect(200);
}
