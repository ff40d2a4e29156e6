//! The systemd unit: what it asks for is there, and what it forbids is not needed.

use crate::support::unit::setting;
use crate::support::{Server, Setup};

#[test]
fn the_unit_runs_a_command_that_there_is_on_the_folder_that_it_keeps() {
    assert_eq!(setting("ExecStart"), ["/usr/local/bin/assetd", "serve"]);
    assert_eq!(setting("Type"), ["notify"]);
    let folder = format!("ASSETD_DATA=/var/lib/{}", setting("StateDirectory").concat());
    assert_eq!(setting("Environment"), [folder.as_str()]);
    assert_eq!(setting("DynamicUser"), ["yes"]);
}

/// `sd_notify(3)`: one datagram that says so.
#[test]
fn systemd_is_told_when_the_server_is_ready_and_when_it_stops() {
    let setup = Setup::new();
    let path = setup.folder().join("notify");
    let socket = std::os::unix::net::UnixDatagram::bind(&path).expect("a socket");
    let mut server = setup.env("NOTIFY_SOCKET", crate::support::text(&path)).start();
    let mut buffer = [0; 256];
    let mut told = || {
        let length = socket.recv(&mut buffer).expect("a datagram");
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    assert!(told().contains("READY=1"));
    server.sigterm();
    assert!(told().contains("STOPPING=1"));
    assert_eq!(server.wait(), Some(0));
}

#[cfg(target_arch = "x86_64")]
#[test]
fn server_and_workers_do_all_their_work_under_the_filter_of_the_unit() {
    use std::os::unix::process::CommandExt;

    let program = crate::support::unit::filter();
    let server = Setup::new().start_adjusted(|command| {
        // SAFETY: between fork and exec this makes two system calls and allocates nothing.
        unsafe {
            command.pre_exec(move || {
                seccompiler::apply_filter(&program).map_err(|_| std::io::ErrorKind::Other.into())
            });
        }
    });

    does_its_work(&server);
    assert!(!server.log().contains("WARN"), "{}", server.log());
}

/// A file of each kind goes in, with its preview, and out again.
#[track_caller]
fn does_its_work(server: &Server) {
    server.anyone().get("/readyz").expect(200);
    for name in ["a.png", "a.jpg", "a.mp4", "a.mp3", "a.wav", "a.pdf"] {
        let asset = server.user(7).upload(name);
        if !matches!(name, "a.mp3" | "a.wav") {
            server.user(7).get(&asset.sub("thumbnail")).expect(200);
        }
        server.user(7).get(&asset.path()).expect(200);
        server.user(7).delete(&asset.path()).expect(200);
    }
    assert!(server.files().is_empty());
}
