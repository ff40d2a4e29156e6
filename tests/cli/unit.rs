//! The systemd unit: what it asks for is there, and what it forbids is not needed.

use std::collections::BTreeMap;

use crate::support::{Server, Setup};

const UNIT: &str = include_str!("../../systemd/assetd.service");

/// The values of a setting, those of repeated lines together.
fn setting(name: &str) -> Vec<&'static str> {
    UNIT.lines()
        .filter_map(|line| line.strip_prefix(name)?.strip_prefix('='))
        .flat_map(str::split_whitespace)
        .collect()
}

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

/// The filter of the unit, as the kernel applies it: what it does not name gets EPERM.
#[cfg(target_arch = "x86_64")]
#[test]
fn server_and_workers_do_all_their_work_under_the_filter_of_the_unit() {
    use std::os::unix::process::CommandExt;

    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};

    /// Those of the unit's calls that Debian 12's group lacks, by number on x86-64.
    const MORE: [(&str, i64); 4] = [
        ("seccomp", libc::SYS_seccomp),
        ("landlock_create_ruleset", libc::SYS_landlock_create_ruleset),
        ("landlock_add_rule", libc::SYS_landlock_add_rule),
        ("landlock_restrict_self", libc::SYS_landlock_restrict_self),
    ];
    let words = setting("SystemCallFilter");
    let (group, more) = words.split_first().expect("a filter");
    assert_eq!(*group, "@system-service");
    assert_eq!(setting("SystemCallErrorNumber"), ["EPERM"]);
    let mut allowed: BTreeMap<i64, Vec<_>> = include_str!("../fixtures/system-service-252-x86_64.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            (line.split(' ').next().and_then(|number| number.parse().ok()).expect("a number"), vec![])
        })
        .collect();
    for word in more {
        let (_, number) = MORE.iter().find(|(name, _)| name == word).expect("a call that is known here");
        allowed.insert(*number, vec![]);
    }
    let forbid = SeccompAction::Errno(libc::EPERM as u32);
    let filter =
        SeccompFilter::new(allowed, forbid, SeccompAction::Allow, TargetArch::x86_64).expect("a filter");
    let program: BpfProgram = filter.try_into().expect("a program");

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
