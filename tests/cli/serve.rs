//! `assetd serve`: what it makes, and how it starts and stops.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::support::{Connection, Form, Request, Server, Setup, sample, wait_until};

#[test]
fn the_secret_is_made_once_for_its_owner_alone() {
    let mut server = Server::start();
    let path = server.path("jwt.secret");
    let secret = fs::read_to_string(&path).expect("the secret");

    assert_eq!(secret.trim_end().len(), 64);
    assert!(secret.trim_end().bytes().all(|byte| byte.is_ascii_hexdigit()));
    let mode = fs::metadata(&path).expect("its mode").permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);

    let user = server.user(7);
    server.restart();
    assert_eq!(fs::read_to_string(&path).expect("the secret"), secret);
    let token = user.token.expect("a token");
    server.bearer(&token).get("/api/v2/assets").expect(200);

    assert_ne!(Server::start().secret(), server.secret());
}

#[test]
fn the_files_are_readable_by_their_owner_alone_or_at_least_written_by_it_alone() {
    let server = Server::start();
    let asset = server.user(7).upload("a.pdf");
    for file in ["", "assets", "tmp", "catalog.redb", &asset.file()] {
        let mode = fs::metadata(server.path(file)).expect("its mode").permissions().mode();
        assert_eq!(mode & 0o022, 0, "{file} has mode {mode:o}");
    }
}

#[test]
fn a_second_server_on_the_same_data_says_so_and_exits_1() {
    let server = Server::start();
    let asset = server.user(7).upload("a.png");

    let exit = Server::setup_of(&server).fail();

    assert_eq!(exit.code, Some(1), "{}", exit.stderr);
    assert!(exit.stderr.contains("another assetd"), "{}", exit.stderr);
    server.user(7).get(&asset.path()).expect(200);
    server.user(7).upload("b.png");
}

#[test]
fn an_address_in_use_is_told_and_exits_1() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();

    let exit = Setup::new().bare().args(&["--data", "DATA", "--listen", &address]).fail();

    assert_eq!(exit.code, Some(1), "{}", exit.stderr);
    assert!(exit.stderr.contains(&address), "{}", exit.stderr);
}

#[test]
fn a_data_that_can_not_be_made_is_told_and_exits_1() {
    let setup = Setup::new();
    fs::write(setup.data(), b"a file").expect("a file in the way");
    let exit = setup.fail();
    assert_eq!(exit.code, Some(1), "{}", exit.stderr);
    assert!(!exit.stderr.contains("panicked"), "{}", exit.stderr);
}

#[test]
fn a_catalog_that_is_none_is_told_and_left_as_it_is() {
    let setup = Setup::new();
    fs::create_dir(setup.data()).expect("DATA");
    let catalog = setup.data().join("catalog.redb");
    let nonsense = b"this is no catalog".repeat(1000);
    fs::write(&catalog, &nonsense).expect("no catalog");
    let exit = setup.fail();
    assert_eq!(exit.code, Some(1), "{}", exit.stderr);
    assert!(!exit.stderr.contains("panicked"), "{}", exit.stderr);
    assert!(fs::read(&catalog).expect("the file") == nonsense);
}

#[test]
fn a_link_in_place_of_a_folder_of_data_is_refused_at_start_and_never_followed() {
    for name in ["tmp", "assets"] {
        let mut server = Server::start();
        server.sigterm();
        server.wait();
        let outside = server.data().with_file_name("outside");
        fs::create_dir(&outside).expect("a folder outside DATA");
        // What it would empty if it took the folder for its own.
        let precious = outside.join("01900000-0000-7000-8000-000000000000.png");
        fs::write(&precious, b"precious").expect("a file outside DATA");
        fs::remove_dir(server.path(name)).expect("removed");
        symlink(&outside, server.path(name)).expect("a link");

        let exit = Server::setup_of(&server).fail();

        assert_eq!(exit.code, Some(1), "{name}: {}", exit.stderr);
        assert_eq!(fs::read(&precious).expect("the file outside"), b"precious", "{name}");
    }
}

#[test]
fn data_itself_may_be_reached_by_a_link() {
    let setup = Setup::new();
    let elsewhere = setup.folder().join("elsewhere");
    fs::create_dir(&elsewhere).expect("a folder");
    symlink(&elsewhere, setup.data()).expect("a link");
    let server = setup.start();
    let asset = server.user(7).upload("a.png");
    server.user(7).get(&asset.path()).expect(200);
    assert!(elsewhere.join(asset.file()).is_file());
}

#[test]
fn a_secret_in_data_that_is_too_short_is_refused_at_start() {
    let setup = Setup::new();
    fs::create_dir(setup.data()).expect("DATA");
    fs::write(setup.data().join("jwt.secret"), b"short\n").expect("a secret");
    let exit = setup.fail();
    assert_eq!(exit.code, Some(1), "{}", exit.stderr);
    assert!(exit.stderr.contains("32"), "{}", exit.stderr);
}

#[test]
fn data_holds_just_the_files_that_the_interface_names() {
    let server = Server::start();
    server.user(7).upload("a.png");
    let known = ["assets", "catalog.redb", "tmp", "journal", "jwt.secret", "lock"];
    for entry in fs::read_dir(server.data()).expect("DATA") {
        let name = entry.expect("a file").file_name();
        assert!(known.iter().any(|known| name == *known), "{name:?}");
    }
}

#[test]
fn tmp_is_emptied_at_start_and_assets_is_left_alone() {
    let mut server = Server::start();
    let asset = server.user(7).upload("a.png");
    server.sigterm();
    server.wait();
    fs::write(server.path("tmp/left-over"), b"half a file").expect("a stray");
    fs::write(server.path("tmp/01900000-0000-7000-8000-000000000000.png"), b"x").expect("a stray");
    fs::write(server.path("assets/notes.txt"), b"not ours").expect("a stray");

    server.start_again();

    let mut expected = vec![asset.file(), "assets/notes.txt".to_owned()];
    let thumbnail = asset.thumbnail_file();
    if server.files_now().contains(&thumbnail) {
        expected.push(thumbnail);
    }
    expected.sort();
    assert_eq!(server.files_now(), expected);
    server.user(7).get(&asset.path()).expect(200);
}

/// An upload that the server is reading, half of it sent.
fn half_sent(server: &Server) -> (Connection, Vec<u8>) {
    let body = Form::of("a.png", &sample::named("png")).body();
    let request: Request = server.user(7).request("POST", "/api/v2/upload-asset");
    let request = request.form(&body).header("Expect", "100-continue");
    let mut connection = server.connect();
    connection.send(request.head());
    // The server asks for the body once it is about to read it.
    assert_eq!(connection.answer("POST").status, 100);
    let (first, rest) = body.split_at(body.len() / 2);
    connection.send(first);
    (connection, rest.to_vec())
}

#[test]
fn a_signal_lets_a_running_upload_finish_and_exits_0() {
    for signal in [Server::sigterm, Server::sigint] {
        let mut server = Server::start();
        let (mut running, rest) = half_sent(&server);

        signal(&server);

        wait_until("no new connections are taken", || TcpStream::connect(server.address).is_err());
        assert!(server.is_running(), "a request is running");
        running.send(rest);
        let asset = running.answer("POST").expect(201).json();
        assert_eq!(server.wait(), Some(0), "{}", server.log());

        server.start_again();
        assert_eq!(server.user(7).list_all(""), [asset["id"].as_str().expect("an id")]);
    }
}

#[test]
fn a_signal_closes_idle_connections() {
    for signal in [Server::sigterm, Server::sigint] {
        let mut server = Server::start();
        let mut fresh = server.connect();
        let mut used = server.connect();
        server.user(7).request("GET", "/healthz").send_on(&mut used).expect(200);

        signal(&server);

        used.expect_closed();
        fresh.expect_closed();
        assert_eq!(server.wait(), Some(0), "{}", server.log());
    }
}

#[test]
fn a_stopped_server_leaves_no_workers() {
    let mut server = Server::start();
    server.user(7).upload("a.png");
    let workers = server.children();
    server.sigterm();
    assert_eq!(server.wait(), Some(0));
    wait_until("the workers are gone", || workers.iter().all(|pid| !crate::support::is_alive(*pid)));
}

#[test]
fn sighup_does_not_end_the_server() {
    let server = Server::start();
    let asset = server.user(7).upload("a.png");
    server.sighup();
    server.user(7).get(&asset.path()).expect(200);
    // A second one is taken once the first was: still there.
    server.sighup();
    server.user(7).upload("b.png");
}
