//! The server is killed at random moments, again and again, while clients upload and delete.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::check_in_step;
use crate::support::{Client, Connection, Form, Random, Server, base64, sample, wait_until};

const ROUNDS: usize = 100;
const USERS: [u64; 3] = [1, 2, 3];
/// The longest that a round goes on past the calls it waits for.
const MOMENT_US: usize = 6_000;

/// What the clients know to be true: an answer was read.
#[derive(Default)]
struct Known {
    /// The bytes of every asset whose upload was acknowledged.
    kept: BTreeMap<String, (u64, Vec<u8>)>,
    /// Assets whose delete was acknowledged.
    gone: BTreeSet<String>,
    /// Assets whose delete was sent, so that they may be there or not.
    doubtful: BTreeSet<String>,
}

/// Uploads, and at times deletes, until the server does not answer.
fn work(user: u64, client: &Client, seed: u64, known: &Mutex<Known>, calls: &AtomicUsize, over: &AtomicBool) {
    let mut random = Random::new(seed);
    let mut own = Vec::new();
    while !over.load(Ordering::Relaxed) {
        if random.one_in(4) && !own.is_empty() {
            let id: String = own.swap_remove(random.below(own.len()));
            known.lock().expect("what is known").doubtful.insert(id.clone());
            let request = client.request("DELETE", &format!("/api/v2/assets/{id}"));
            let Some(answer) = call(client, &request.head()) else {
                return;
            };
            assert_eq!(answer.status, 200);
            let mut known = known.lock().expect("what is known");
            known.kept.remove(&id);
            known.gone.insert(id);
        } else {
            let name = random.pick(&["a.png", "a.wav", "a.gif"]);
            let bytes = match name {
                "a.wav" => sample::wav(sample::fresh(), random.below(4_000) as u32 + 1),
                other => sample::named(other),
            };
            let form = Form::of(name, &bytes);
            let request = client.request("POST", "/api/v2/upload-asset").form(&form.body());
            let Some(answer) = call(client, &[request.head(), form.body()].concat()) else {
                return;
            };
            assert_eq!(answer.status, 201);
            let id = answer.json()["id"].as_str().expect("an id").to_owned();
            own.push(id.clone());
            known.lock().expect("what is known").kept.insert(id, (user, bytes));
        }
        calls.fetch_add(1, Ordering::Relaxed);
    }
}

/// The answer to a request, or `None` where the server is gone before it.
fn call(client: &Client, bytes: &[u8]) -> Option<crate::support::Answer> {
    let mut connection = Connection::try_open(client.address)?;
    connection.try_send(bytes);
    let method = if bytes.starts_with(b"POST") { "POST" } else { "DELETE" };
    connection.try_answer(method).ok()
}

#[test]
fn what_was_acknowledged_survives_a_kill_at_any_moment_and_nothing_else_is_left() {
    let seed = Random::seed("what_was_acknowledged_survives_a_kill_at_any_moment_and_nothing_else_is_left");
    let mut random = Random::new(seed);
    let mut server = Server::start();
    for round in 0..ROUNDS {
        let known = Mutex::new(Known::default());
        let calls = AtomicUsize::new(0);
        let over = AtomicBool::new(false);
        let wanted = random.below(6);
        let moment = Duration::from_micros(random.below(MOMENT_US) as u64);
        std::thread::scope(|scope| {
            let mut workers = Vec::new();
            for user in USERS {
                let client = server.user(user);
                let seed = random.next();
                let (known, calls, over) = (&known, &calls, &over);
                workers.push(scope.spawn(move || work(user, &client, seed, known, calls, over)));
            }
            wait_until("some calls are answered", || {
                calls.load(Ordering::Relaxed) >= wanted || workers.iter().any(|worker| worker.is_finished())
            });
            // A moment that is not the end of a call.
            let end = Instant::now() + moment;
            while Instant::now() < end {
                std::thread::yield_now();
            }
            server.kill9();
            over.store(true, Ordering::Relaxed);
        });
        server.start_again();
        check_round(&server, &known.into_inner().expect("what is known"), round);
    }
}

/// The state after a restart agrees with what the clients know. Empties the server for the next round.
#[track_caller]
fn check_round(server: &Server, known: &Known, round: usize) {
    let owned = check_in_step(server, &USERS);
    for (id, (user, bytes)) in &known.kept {
        let is_there = owned[user].contains(id);
        assert!(
            is_there || known.doubtful.contains(id),
            "{id} was acknowledged and is gone after round {round}"
        );
        if is_there {
            let path = format!("/api/v2/assets/{id}");
            let file = server.user(*user).get(&path).expect(200);
            assert!(file.body == *bytes, "{id} has other bytes after round {round}");
        }
    }
    for ids in owned.values() {
        for id in ids {
            assert!(!known.gone.contains(id), "{id} was deleted and is back after round {round}");
        }
    }
    for (user, ids) in owned {
        for id in ids {
            let path = format!("/api/v2/assets/{id}");
            if !known.kept.contains_key(&id) {
                // Not acknowledged, but whole.
                let file = server.user(user).get(&path).expect(200);
                let digest = base64(&Sha256::digest(&file.body));
                assert_eq!(file.header("repr-digest"), format!("sha-256=:{digest}:"));
            }
            if round % 2 == 1 {
                server.user(user).delete(&path).expect(200);
            }
        }
    }
}
