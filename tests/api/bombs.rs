//! Files that are built to harm, beside innocent ones: each is answered, and nobody else notices.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::support::{Client, Form, Server, bomb, is_alive, sample, wait_until};

/// Connections that a hostile user sends by, more than there are workers.
const HOSTILE: usize = 4;

/// A bomb is accepted or refused, and never a fault of ours. The sender waits for as long as it takes: bombs wait for each
/// other.
#[track_caller]
fn throw(server: &Server, bomb: &bomb::Bomb) {
    let body = Form::of(bomb.name, &bomb.bytes).body();
    let request = server.user(1).request("POST", "/api/v2/upload-asset").form(&body);
    let mut connection = server.connect();
    connection.try_send(&request.head());
    connection.try_send(&body);
    let answer = loop {
        match connection.try_answer("POST") {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            answer => break answer.expect("an answer"),
        }
    };
    let told = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(matches!(answer.status, 201 | 400), "{}: {} {told}", bomb.name, answer.status);
}

/// What an innocent user does: uploads, lists, reads, draws.
#[track_caller]
fn go_about(client: &Client, round: usize) {
    let name = ["a.png", "a.jpg", "a.mp4", "a.mp3", "a.pdf", "a.wav", "a.gif", "a.webp"][round % 8];
    let asset = client.upload(name);
    client.get("/api/v2/assets?limit=20").expect(200);
    client.get(&asset.path()).expect(200);
    client.get(&asset.sub("metadata")).expect(200);
    if !matches!(name, "a.mp3" | "a.wav") {
        client.get(&asset.sub("thumbnail")).expect(200);
    }
}

#[test]
fn bombs_of_one_user_are_not_noticed_by_another() {
    const ROUNDS: usize = 24;
    let server = Server::start();
    let bombs = bomb::all();
    let innocent = server.user(2);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    wait_until("all workers are up", || server.children().len() == workers);
    let timed = |what: &str| {
        let mut rounds: Vec<_> = (0..ROUNDS)
            .map(|round| {
                let start = Instant::now();
                go_about(&innocent, round);
                start.elapsed()
            })
            .collect();
        rounds.sort();
        println!("{what}: a round took {:?} (median), {:?} at most", rounds[ROUNDS / 2], rounds[ROUNDS - 1]);
    };
    timed("quiet");

    let enough = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for number in 0..HOSTILE {
            let (bombs, server, enough) = (&bombs, &server, &enough);
            scope.spawn(move || {
                // Each connection begins elsewhere, goes on as long as the innocent user does, and throws each bomb once
                // at least.
                let order = bombs.iter().cycle().skip(number * 2);
                for (thrown, bomb) in order.enumerate() {
                    if thrown >= bombs.len() && enough.load(Ordering::Relaxed) {
                        return;
                    }
                    throw(server, bomb);
                }
            });
        }
        timed("beside bombs");
        enough.store(true, Ordering::Relaxed);
    });

    wait_until("all workers are up again", || server.children().len() == workers);
    server.anyone().get("/readyz").expect(200);
}

#[test]
fn a_hundred_innocent_files_after_a_hundred_bombs_are_all_accepted() {
    const FILES: usize = 100;
    let server = Server::start();
    let bombs = bomb::all();
    let in_parallel = |job: &(dyn Fn(usize) + Sync)| {
        std::thread::scope(|scope| {
            for number in 0..HOSTILE {
                scope.spawn(move || (number..FILES).step_by(HOSTILE).for_each(job));
            }
        });
    };

    in_parallel(&|index| throw(&server, &bombs[index % bombs.len()]));
    in_parallel(&|index| {
        server.user(2).upload(sample::FORMATS[index % sample::FORMATS.len()]);
    });

    assert_eq!(server.user(2).list_all("").len(), FILES);
}

#[test]
fn no_worker_outlives_a_server_that_is_killed_over_bombs() {
    let mut server = Server::start();
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    wait_until("all workers are up", || server.children().len() == workers);
    let bombs = bomb::all();
    // Answers are not waited for.
    let sent: Vec<_> = bombs
        .iter()
        .map(|bomb| {
            let mut connection = server.connect();
            let request = server.user(1).request("POST", "/api/v2/upload-asset");
            let request = request.form(&Form::of(bomb.name, &bomb.bytes).body());
            connection.try_send(&request.head());
            connection.try_send(&Form::of(bomb.name, &bomb.bytes).body());
            connection
        })
        .collect();
    let children = server.children();
    assert!(!children.is_empty());

    server.kill9();

    wait_until("all workers are gone", || !children.iter().copied().any(is_alive));
    drop(sent);
}
