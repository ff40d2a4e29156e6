//! `--listen` beyond a port: a unix socket, and sockets that systemd passes.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::support::{Process, Setup, text};

const REQUEST: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/// The whole answer to a look at the server's health.
#[track_caller]
fn ask(mut stream: impl Read + Write) -> String {
    stream.write_all(REQUEST).expect("a request sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn a_unix_socket_is_served_and_removed_at_the_end() {
    let setup = Setup::new();
    let path = setup.folder().join("socket");
    let listen = format!("unix:{}", text(&path));
    let setup = setup.bare().args(&["--listen", &listen]);
    let mut process = setup.spawn();
    process.wait_for("listening");

    let answer = ask(UnixStream::connect(&path).expect("a connection"));
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");

    process.signal(Signal::TERM);
    assert_eq!(process.wait(), Some(0), "{}", process.log());
    assert!(!path.exists());
}

#[test]
fn a_unix_socket_that_a_killed_server_left_is_no_obstacle() {
    let setup = Setup::new();
    let path = setup.folder().join("socket");
    let listen = format!("unix:{}", text(&path));
    let setup = setup.bare().args(&["--listen", &listen]);
    let mut first = setup.spawn();
    first.wait_for("listening");
    first.kill();
    assert!(path.exists());

    let second = setup.spawn();
    second.wait_for("listening");
    let answer = ask(UnixStream::connect(&path).expect("a connection"));
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[test]
fn what_is_no_abandoned_socket_is_left_alone() {
    let setup = Setup::new();
    let taken = setup.folder().join("taken");
    let _listener = UnixListener::bind(&taken).expect("a socket");
    let file = setup.folder().join("file");
    fs::write(&file, b"kept").expect("a file");
    for path in [&taken, &file] {
        let listen = format!("unix:{}", text(path));
        let exit = Setup::new().bare().args(&["--listen", &listen]).fail();
        assert_eq!(exit.code, Some(1), "{}", exit.stderr);
        assert!(path.exists());
    }
    assert_eq!(fs::read(&file).expect("the file"), b"kept");
}

/// Runs `serve` as systemd would, with this socket as descriptor 3 (sd_listen_fds(3)).
#[track_caller]
fn serve_passed(socket: OwnedFd, setup: &Setup) -> Process {
    let script = "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" serve --data \"$1\" 3<&0 0</dev/null";
    let process = Process::watch(
        Command::new("sh")
            .args(["-c", script, env!("CARGO_BIN_EXE_assetd"), text(&setup.data())])
            .stdin(Stdio::from(socket)),
    );
    process.wait_for("listening");
    process
}

#[test]
fn sockets_that_systemd_passes_are_served_where_no_listen_is_given() {
    let setup = Setup::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    let mut process = serve_passed(listener.into(), &setup);
    let answer = ask(TcpStream::connect(address).expect("a connection"));
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    process.signal(Signal::TERM);
    assert_eq!(process.wait(), Some(0), "{}", process.log());
}

#[test]
fn a_unix_socket_that_systemd_passes_is_served_and_left_to_systemd() {
    let setup = Setup::new();
    let path = setup.folder().join("socket");
    let listener = UnixListener::bind(&path).expect("a socket");
    let mut process = serve_passed(listener.into(), &setup);
    let answer = ask(UnixStream::connect(&path).expect("a connection"));
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    process.signal(Signal::TERM);
    assert_eq!(process.wait(), Some(0), "{}", process.log());
    assert!(path.exists());
}
