//! The server is killed at random moments, again and again, while clients upload, change and delete.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use sha2::{Digest, Sha256};

use super::{Owned, check_in_step};
use crate::support::{Answer, Client, Connection, Form, Random, Request, Server, base64, sample, wait_until};

const ROUNDS: usize = 100;
const USERS: [u64; 3] = [1, 2, 3];
/// The longest that a round goes on past the calls it waits for.
const MOMENT_US: usize = 6_000;

/// What one client knows to be true, and what it can't know: calls were sent whose answers never came.
#[derive(Default)]
struct Known {
    /// Assets whose upload was acknowledged.
    kept: BTreeMap<String, Kept>,
    /// Assets whose delete was acknowledged.
    gone: BTreeSet<String>,
    /// Assets whose delete was sent, so that they may be there or not.
    doubtful: BTreeSet<String>,
    /// The assets of a client whose cascade was sent: all are there, or none.
    cascade: BTreeSet<String>,
}

struct Kept {
    bytes: Vec<u8>,
    /// The names it may have: one, but for a change that was sent and not answered.
    names: BTreeSet<String>,
}

impl Known {
    /// One call or a few, chosen by `random`; `None` where the server is gone before the answer.
    fn step(&mut self, client: &Client, random: &mut Random) -> Option<()> {
        let own: Vec<String> = self.kept.keys().filter(|id| !self.doubtful.contains(*id)).cloned().collect();
        match random.below(9) {
            0 | 1 if !own.is_empty() => self.delete(client, &own[random.below(own.len())]),
            2 if !own.is_empty() => self.rename(client, &own[random.below(own.len())]),
            3 => self.cascade(client, random),
            _ => self.upload(client, random, "").map(|_| ()),
        }
    }

    fn upload(&mut self, client: &Client, random: &mut Random, group: &str) -> Option<String> {
        let name = random.pick(&["a.png", "a.wav", "a.gif"]);
        let bytes = match name {
            "a.wav" => sample::wav(sample::fresh(), random.below(4_000) as u32 + 1),
            other => sample::named(other),
        };
        let form = Form::of(name, &bytes).text("clientId", group);
        let request = client.request("POST", "/api/v2/upload-asset").form(&form.body());
        let answer = call(client, request, &form.body())?.expect(201);
        let id = answer.json()["id"].as_str().expect("an id").to_owned();
        let names = BTreeSet::from([name.to_owned()]);
        self.kept.insert(id.clone(), Kept { bytes, names });
        Some(id)
    }

    fn rename(&mut self, client: &Client, id: &str) -> Option<()> {
        let name = format!("name {}", sample::fresh());
        let kept = self.kept.get_mut(id).expect("an asset");
        kept.names.insert(name.clone());
        let body = json!({"name": name}).to_string();
        let request = client.request("PATCH", &format!("/api/v2/assets/{id}")).body(body.as_bytes());
        call(client, request, body.as_bytes())?.expect(200);
        kept.names = BTreeSet::from([name]);
        Some(())
    }

    fn delete(&mut self, client: &Client, id: &str) -> Option<()> {
        self.doubtful.insert(id.to_owned());
        call(client, client.request("DELETE", &format!("/api/v2/assets/{id}")), b"")?.expect(200);
        self.kept.remove(id);
        self.gone.insert(id.to_owned());
        Some(())
    }

    fn cascade(&mut self, client: &Client, random: &mut Random) -> Option<()> {
        let group = format!("group-{}", sample::fresh());
        let mut ids = BTreeSet::new();
        for _ in 0..3 {
            ids.insert(self.upload(client, random, &group)?);
        }
        self.doubtful.extend(ids.iter().cloned());
        self.cascade = ids;
        call(client, client.request("DELETE", &format!("/api/v2/clients/{group}")), b"")?.expect(200);
        for id in std::mem::take(&mut self.cascade) {
            self.kept.remove(&id);
            self.gone.insert(id);
        }
        Some(())
    }

    /// Fails unless what is there after the restart agrees with what is known.
    #[track_caller]
    fn check(&self, client: &Client, owned: &Owned, round: usize) {
        for (id, kept) in &self.kept {
            let Some(asset) = owned.get(id) else {
                assert!(self.doubtful.contains(id), "{id} was acknowledged and is gone after round {round}");
                continue;
            };
            let name = asset["name"].as_str().expect("a name");
            assert!(kept.names.contains(name), "{id} is called {name} after round {round}");
            let file = client.get(&format!("/api/v2/assets/{id}")).expect(200);
            assert!(file.body == kept.bytes, "{id} has other bytes after round {round}");
        }
        for id in owned.keys() {
            assert!(!self.gone.contains(id), "{id} was deleted and is back after round {round}");
        }
        let left = self.cascade.iter().filter(|id| owned.contains_key(*id)).count();
        assert!(left == 0 || left == self.cascade.len(), "a cascade is half done after round {round}");
    }
}

/// The answer to a request, or `None` where the server is gone before it.
fn call(client: &Client, request: Request, body: &[u8]) -> Option<Answer> {
    let mut connection = Connection::try_open(client.address)?;
    connection.try_send(&[&request.head(), body].concat());
    connection.try_answer(&request.method).ok()
}

#[test]
fn what_was_acknowledged_survives_a_kill_at_any_moment_and_nothing_else_is_left() {
    let seed = Random::seed("what_was_acknowledged_survives_a_kill_at_any_moment_and_nothing_else_is_left");
    let mut random = Random::new(seed);
    let mut server = Server::start();
    for round in 0..ROUNDS {
        let all_known = until_killed(&mut server, &mut random);
        server.start_again();

        let owned = check_in_step(&server, &USERS);
        for (user, known) in USERS.iter().zip(&all_known) {
            known.check(&server.user(*user), &owned[user], round);
        }
        for (user, assets) in &owned {
            check_unacknowledged(&server.user(*user), assets, &all_known);
            // Every other round begins with an empty server, so that what there is to check does not grow.
            for id in assets.keys().filter(|_| round % 2 == 1) {
                server.user(*user).delete(&format!("/api/v2/assets/{id}")).expect(200);
            }
        }
    }
}

/// Lets a client of each user work until the server is killed, some calls and a moment later.
fn until_killed(server: &mut Server, random: &mut Random) -> Vec<Known> {
    let calls = AtomicUsize::new(0);
    let over = AtomicBool::new(false);
    let wanted = random.below(8);
    let moment = Duration::from_micros(random.below(MOMENT_US) as u64);
    let work = |client: Client, seed: u64| {
        let mut random = Random::new(seed);
        let mut known = Known::default();
        while !over.load(Ordering::Relaxed) && known.step(&client, &mut random).is_some() {
            calls.fetch_add(1, Ordering::Relaxed);
        }
        known
    };
    std::thread::scope(|scope| {
        let mut workers = Vec::new();
        for user in USERS {
            let (client, seed) = (server.user(user), random.next());
            let work = &work;
            workers.push(scope.spawn(move || work(client, seed)));
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
        workers.into_iter().map(|worker| worker.join().expect("what is known")).collect()
    })
}

/// What nobody was told of may be there, and then it is whole.
#[track_caller]
fn check_unacknowledged(client: &Client, assets: &Owned, all_known: &[Known]) {
    for id in assets.keys() {
        if !all_known.iter().any(|known| known.kept.contains_key(id)) {
            let file = client.get(&format!("/api/v2/assets/{id}")).expect(200);
            let digest = base64(&Sha256::digest(&file.body));
            assert_eq!(file.header("repr-digest"), format!("sha-256=:{digest}:"));
        }
    }
}
