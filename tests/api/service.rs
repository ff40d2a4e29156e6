//! API.md, 10: the routes for who runs it.

use serde_json::json;

use crate::support::{Server, wait_until};

#[test]
fn healthz_and_readyz_say_ok_without_a_token() {
    let server = Server::start();
    for path in ["/healthz", "/readyz"] {
        let answer = server.anyone().get(path).expect(200);
        assert_eq!(answer.json(), json!({"status": "ok"}));
        server.anyone().head(path).expect(200);
        // A token that does not verify is not looked at.
        server.bearer("x").get(path).expect(200);
    }
}

#[test]
fn a_probe_that_speaks_http_1_0_and_names_no_host_is_answered() {
    let server = Server::start();
    for path in ["/healthz", "/readyz"] {
        let mut connection = server.connect();
        connection.send(format!("GET {path} HTTP/1.0\r\n\r\n"));
        let answer = connection.answer("GET").expect(200);
        assert_eq!(answer.json(), json!({"status": "ok"}));
        connection.expect_closed();
    }
}

#[test]
fn readyz_leaves_nothing_behind() {
    let server = Server::start();
    for _ in 0..5 {
        server.anyone().get("/readyz").expect(200);
    }
    assert!(server.files().is_empty());
}

#[test]
fn workers_are_gone_when_the_server_is_killed() {
    let mut server = Server::start();
    server.user(7).upload("a.png");
    let workers = server.children();
    assert!(!workers.is_empty(), "files are inspected in a process of their own");

    server.kill9();

    wait_until("the workers are gone", || workers.iter().all(|pid| !crate::support::is_alive(*pid)));
}

#[test]
fn a_worker_that_is_killed_is_replaced() {
    let server = Server::start();
    server.user(7).upload("a.png");
    for worker in server.children() {
        let pid = rustix::process::Pid::from_raw(worker as i32).expect("a process");
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("killed");
    }
    // What was under way when it died would be the file's fault; these come after.
    wait_until("uploads are accepted again", || {
        let form = crate::support::Form::of("b.png", &crate::support::sample::named("png"));
        server.user(7).post(&form).status == 201
    });
    server.anyone().get("/readyz").expect(200);
}

#[test]
fn a_worker_can_reach_neither_files_nor_the_network() {
    let server = Server::start();
    server.user(7).upload("a.png");
    for worker in server.children() {
        let status = std::fs::read_to_string(format!("/proc/{worker}/status")).expect("a worker");
        let field = |name: &str| {
            status
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .unwrap_or_else(|| panic!("no {name}"))
                .trim()
                .to_owned()
        };
        assert_eq!(field("NoNewPrivs:"), "1");
        assert_eq!(field("Seccomp:"), "2", "a filter");
        let environment = std::fs::read(format!("/proc/{worker}/environ")).expect("its environment");
        let environment = String::from_utf8_lossy(&environment);
        assert!(!environment.contains("ASSETD_"), "{environment}");
    }
}
