//! The pool of workers, through real processes; queue, wire and source by themselves.

mod liar;
mod queue;
mod sandbox;
mod source;
mod wire;

use std::fs::{self, File};
use std::future::Future;
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::num::NonZeroUsize;
use std::os::unix::fs::FileExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use assetd::asset::{Facts, Flaw, Format, UserId};
use assetd::media::{Limits, Refusal};
use assetd::worker::{Allowance, Drawn, Fault, Load, Options, Pool, drill};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::MemfdFlags;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

/// Far more than anything here takes: what is waited for so long does not come.
const PATIENCE: Duration = Duration::from_secs(30);

fn options(workers: usize) -> Options {
    let mut options = Options::new(Limits { max_pixels: 256_000_000 });
    options.workers = NonZeroUsize::new(workers).unwrap();
    options.program = env!("CARGO_BIN_EXE_assetd").into();
    options.drill = true;
    options
}

fn pool(workers: usize) -> Pool {
    Pool::start(options(workers)).unwrap()
}

fn user(number: u64) -> UserId {
    UserId::new(number).unwrap()
}

/// A file with an order for the worker: see `worker::drill`.
fn order(text: &str) -> Arc<File> {
    let mut file = File::from(rustix::fs::memfd_create("order", MemfdFlags::CLOEXEC).unwrap());
    file.write_all(text.as_bytes()).unwrap();
    Arc::new(file)
}

fn open(gate: &File) {
    gate.write_all_at(drill::GATE_OPEN.as_bytes(), 0).unwrap();
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.unwrap().block_on(async { tokio::time::timeout(PATIENCE, future).await.expect("no answer") })
}

#[track_caller]
fn probe(pool: &Pool, order_text: &str) -> Result<Facts, Refusal> {
    block_on(pool.probe(order(order_text), Format::Png, user(1))).unwrap()
}

#[track_caller]
fn derive(pool: &Pool, order_text: &str) -> Option<Vec<u8>> {
    made(block_on(pool.derive(order(order_text), Format::Png, FINE, user(1))).unwrap())
}

/// What a worker made, if it made anything.
fn made<T>(drawn: Drawn<T>) -> Option<T> {
    match drawn {
        Drawn::Made(preview) => Some(preview),
        Drawn::Impossible | Drawn::NotNow => None,
    }
}

#[track_caller]
fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "never: {what}");
        std::thread::yield_now();
    }
}

#[track_caller]
fn only_child(pool: &Pool) -> u32 {
    wait_until("a child is up", || !pool.children().is_empty());
    pool.children()[0]
}

fn raw(pid: u32) -> Pid {
    Pid::from_raw(pid.cast_signed()).unwrap()
}

/// Waits for the end of a process, whoever's child it is.
struct Watch(rustix::fd::OwnedFd);

impl Watch {
    fn on(pid: u32) -> Watch {
        Watch(pidfd_open(raw(pid), PidfdFlags::empty()).unwrap())
    }

    #[track_caller]
    fn ends(&self) {
        let timeout = Timespec::try_from(PATIENCE).unwrap();
        let ended = poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&timeout)).unwrap();
        assert_eq!(ended, 1, "it lives on");
    }
}

const FINE: Facts = Facts::Image { width: 3, height: 2 };

#[test]
fn facts_and_pictures_come_back() {
    let pool = pool(1);

    assert_eq!(probe(&pool, "fine"), Ok(FINE));
    assert_eq!(derive(&pool, "fine"), Some(vec![0xff, 0xd8, 0xff, 0xd9]));
}

#[test]
fn a_worker_that_ends_or_lies_over_a_file_refuses_it_and_draws_nothing() {
    let pool = pool(1);
    let rows = [
        ("abort", Flaw::Crashed),
        ("panic", Flaw::Crashed),
        ("overflow", Flaw::Crashed),
        ("exit", Flaw::Crashed),
        ("killed", Flaw::TooMuchMemory),
        ("out of cpu", Flaw::TooSlow),
        ("other calls", Flaw::Crashed),
        ("exhaust", Flaw::TooMuchMemory),
        ("too large", Flaw::TooMuchMemory),
        ("garbage", Flaw::Crashed),
        ("stale", Flaw::Crashed),
        ("other kind", Flaw::Crashed),
        ("other answer", Flaw::Crashed),
        ("long picture", Flaw::Crashed),
        ("no jpeg", Flaw::Crashed),
    ];
    for (order, flaw) in rows {
        assert_eq!(probe(&pool, order), Err(Refusal::Broken(flaw)), "{order}");
        assert_eq!(derive(&pool, order), None, "{order}");
        assert_eq!(probe(&pool, "fine"), Ok(FINE), "after {order}");
    }
}

#[test]
fn peaks_come_back_of_sounds_alone_and_are_checked() {
    let pool = pool(1);
    let peaks = |text: &str, format| made(block_on(pool.peaks(order(text), format, user(1))).unwrap());

    let fine = peaks("fine", Format::Wav).expect("peaks");
    assert_eq!((fine.rate(), fine.samples_per_point(), fine.points()), (8_000, 256, &[[0, 1]][..]));
    for lie in ["upside down", "odd scale", "no jpeg", "long picture", "garbage"] {
        assert_eq!(peaks(lie, Format::Wav), None, "{lie}");
        assert!(peaks("fine", Format::Mp3).is_some(), "after {lie}");
    }
    // Not of a picture; and no picture of a sound.
    assert_eq!(derive(&pool, "peaks"), None);
    assert_eq!(made(block_on(pool.derive(order("fine"), Format::Wav, FINE, user(1))).unwrap()), None);
    assert_eq!(probe(&pool, "fine"), Ok(FINE));
}

#[test]
fn a_worker_over_its_time_is_too_slow() {
    let mut options = options(1);
    options.probe.wall = Duration::from_millis(100);
    options.derive.wall = Duration::from_millis(100);
    let pool = Pool::start(options).unwrap();
    for order in ["hang", "spin", "half"] {
        assert_eq!(probe(&pool, order), Err(Refusal::Broken(Flaw::TooSlow)), "{order}");
        let drawn = block_on(pool.derive(self::order(order), Format::Png, FINE, user(1))).unwrap();
        assert!(matches!(drawn, Drawn::NotNow), "{order}");
    }
    assert_eq!(probe(&pool, "fine"), Ok(FINE));
}

#[test]
fn a_hundred_crashes_do_no_harm_to_a_hundred_innocent_files() {
    let pool = pool(2);
    block_on(async {
        let mut jobs = Vec::new();
        for number in 0..200 {
            let text = if number % 2 == 0 { "abort" } else { "fine" };
            let (pool, file) = (pool.clone(), order(text));
            let job = async move { pool.probe(file, Format::Png, user(number % 7)).await };
            jobs.push((text, tokio::spawn(job)));
        }
        for (text, job) in jobs {
            let expected = match text {
                "fine" => Ok(FINE),
                _ => Err(Refusal::Broken(Flaw::Crashed)),
            };
            assert_eq!(job.await.unwrap().unwrap(), expected);
        }
    });
}

#[test]
fn an_answer_too_many_does_not_answer_the_next_file() {
    let pool = pool(1);

    assert_eq!(probe(&pool, "twice"), Ok(FINE));

    let next = block_on(pool.probe(order("fine"), Format::Mp3, user(1))).unwrap();
    assert_eq!(next, Ok(Facts::Audio { duration: 1 }));
}

#[test]
fn a_worker_that_was_killed_while_idle_is_replaced() {
    let pool = pool(1);
    let child = only_child(&pool);
    let watch = Watch::on(child);

    kill_process(raw(child), Signal::KILL).unwrap();
    watch.ends();

    assert_eq!(probe(&pool, "fine"), Ok(FINE));
    assert_ne!(only_child(&pool), child);
    assert!(!fs::exists(format!("/proc/{child}")).unwrap(), "it was not reaped");
}

#[test]
fn a_lost_worker_is_reaped() {
    let pool = pool(1);
    let child = only_child(&pool);

    assert_eq!(probe(&pool, "abort"), Err(Refusal::Broken(Flaw::Crashed)));
    assert_eq!(probe(&pool, "fine"), Ok(FINE));

    assert!(!fs::exists(format!("/proc/{child}")).unwrap());
}

#[test]
fn a_worker_survives_what_stops_a_server() {
    let pool = pool(1);
    let child = only_child(&pool);

    for signal in [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT] {
        kill_process(raw(child), signal).unwrap();
    }

    assert_eq!(probe(&pool, "fine"), Ok(FINE));
    assert_eq!(only_child(&pool), child);
}

#[test]
fn workers_end_with_their_pool() {
    let pool = pool(2);
    wait_until("both children are up", || pool.children().len() == 2);
    let watches: Vec<Watch> = pool.children().into_iter().map(Watch::on).collect();

    drop(pool);

    watches.iter().for_each(Watch::ends);
}

#[test]
fn a_worker_over_its_cpu_is_too_slow_whatever_the_clock_says() {
    let mut options = options(1);
    options.probe = Allowance { wall: PATIENCE * 10, cpu: Duration::ZERO };
    options.derive = options.probe;
    let pool = Pool::start(options).unwrap();

    assert_eq!(probe(&pool, "spin"), Err(Refusal::Broken(Flaw::TooSlow)));
    let drawn = block_on(pool.derive(order("spin"), Format::Png, FINE, user(1))).unwrap();
    assert!(matches!(drawn, Drawn::Impossible));
    assert_eq!(probe(&pool, "fine"), Ok(FINE));
}

#[test]
fn workers_end_with_their_server_however_it_dies() {
    // The test plays the server too, in a process of its own that is started for it.
    const ROLE: &str = "ASSETD_TEST_PLAYS_SERVER";
    if std::env::var_os(ROLE).is_some() {
        let mut options = options(2);
        // So that no limit on CPU ends it.
        options.probe.cpu = PATIENCE * 10;
        options.probe.wall = PATIENCE * 10;
        let pool = Pool::start(options).unwrap();
        let spin = order("spin");
        block_on(async {
            let busy = pool.clone();
            tokio::spawn(async move { busy.probe(spin, Format::Png, user(1)).await });
            wait_until("one works, one is idle", || pool.load().running == 1 && pool.children().len() == 2);
            println!("children {:?}", pool.children());
            std::future::pending::<()>().await;
        });
    }
    let mut server = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "unit::worker::workers_end_with_their_server_however_it_dies", "--nocapture"])
        .env(ROLE, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let line = lines.map(Result::unwrap).find_map(|line| {
        let (_, pids) = line.split_once("children [")?;
        Some(pids.trim_end_matches(']').to_owned())
    });
    let children = line.expect("no server");
    let watches: Vec<Watch> = children.split(", ").map(|pid| Watch::on(pid.parse().unwrap())).collect();
    assert_eq!(watches.len(), 2);

    server.kill().unwrap();
    server.wait().unwrap();

    watches.iter().for_each(Watch::ends);
}

#[test]
fn as_many_files_are_looked_into_at_once_as_there_are_workers() {
    let pool = pool(3);
    let gates: Vec<Arc<File>> = (0..5).map(|_| order(drill::GATE)).collect();
    block_on(async {
        let jobs: Vec<_> = gates
            .iter()
            .map(|gate| {
                let (pool, gate) = (pool.clone(), gate.clone());
                tokio::spawn(async move { pool.probe(gate, Format::Png, user(1)).await })
            })
            .collect();
        wait_until("five are asked for", || {
            let load = pool.load();
            load.running == 3 && load.waiting == 2
        });
        gates.iter().for_each(|gate| open(gate));
        for job in jobs {
            assert_eq!(job.await.unwrap().unwrap(), Ok(FINE));
        }
    });
    assert_eq!(pool.load().running + pool.load().waiting, 0);
}

#[test]
fn a_caller_that_goes_away_takes_its_job_along() {
    let pool = pool(1);
    let gate = order(drill::GATE);
    block_on(async {
        let (busy, held) = (pool.clone(), gate.clone());
        let first = tokio::spawn(async move { busy.probe(held, Format::Png, user(1)).await });
        wait_until("it runs", || pool.load().running == 1);
        let file = order("fine");
        let second = tokio::spawn({
            let (pool, file) = (pool.clone(), file.clone());
            async move { pool.probe(file, Format::Png, user(1)).await }
        });
        wait_until("it waits", || pool.load().waiting == 1);

        second.abort();

        wait_until("it waits no longer", || pool.load().waiting == 0);
        wait_until("its file is let go", || Arc::strong_count(&file) == 1);
        open(&gate);
        assert_eq!(first.await.unwrap().unwrap(), Ok(FINE));
    });
}

#[test]
fn slow_files_of_one_user_do_not_hold_every_worker() {
    let mut options = options(2);
    options.slow = Duration::ZERO;
    let pool = Pool::start(options).unwrap();
    // Any job is longer than nothing: from here on user 1 is slow.
    assert_eq!(probe(&pool, "fine"), Ok(FINE));
    let gates: Vec<Arc<File>> = (0..50).map(|_| order(drill::GATE)).collect();
    block_on(async {
        let jobs: Vec<_> = gates
            .iter()
            .map(|gate| {
                let (pool, gate) = (pool.clone(), gate.clone());
                tokio::spawn(async move { pool.derive(gate, Format::Png, FINE, user(1)).await })
            })
            .collect();
        wait_until("one runs, the rest wait", || {
            let load = pool.load();
            load.running == 1 && load.waiting == 49
        });

        // Each for a user of whom nothing is known yet.
        for number in 2..12 {
            let facts = pool.probe(order("fine"), Format::Png, user(number)).await.unwrap();
            assert_eq!(facts, Ok(FINE));
        }

        assert_eq!(pool.load().waiting, 49);
        gates.iter().for_each(|gate| open(gate));
        for job in jobs {
            assert!(made(job.await.unwrap().unwrap()).is_some());
        }
    });
}

#[test]
fn slow_files_that_hold_every_worker_give_one_back() {
    let pool = pool(2);
    // Nothing is known of user 1 yet, and both workers are taken at once.
    let gates: Vec<Arc<File>> = (0..2).map(|_| order(drill::GATE)).collect();
    block_on(async {
        let draw = |gate: &Arc<File>| {
            let (pool, gate) = (pool.clone(), gate.clone());
            tokio::spawn(async move { pool.derive(gate, Format::Png, FINE, user(1)).await })
        };
        let jobs: Vec<_> = gates.iter().map(draw).collect();
        wait_until("both run", || pool.load() == Load { running: 2, waiting: 0 });

        let facts = pool.probe(order("fine"), Format::Png, user(2)).await.unwrap();

        assert_eq!(facts, Ok(FINE));
        assert_eq!(pool.load(), Load { running: 1, waiting: 1 });
        gates.iter().for_each(|gate| open(gate));
        for job in jobs {
            assert!(made(job.await.unwrap().unwrap()).is_some(), "what gave way is done later");
        }
    });
}

#[test]
fn a_worker_that_drew_for_one_user_sees_no_file_of_another() {
    let pool = pool(1);
    let first = only_child(&pool);
    let look = |number: u64| {
        block_on(pool.derive(order("fine"), Format::Png, FINE, user(number))).unwrap();
        pool.children()
    };
    assert_eq!(look(1), [first]);
    assert_eq!(look(1), [first]);
    assert_eq!(probe(&pool, "fine"), Ok(FINE));

    assert_eq!(block_on(pool.probe(order("fine"), Format::Png, user(2))).unwrap(), Ok(FINE));

    let second = only_child(&pool);
    assert_ne!(first, second);
    // Facts alone leave it to whoever comes.
    assert_eq!(probe(&pool, "fine"), Ok(FINE));
    assert_eq!(only_child(&pool), second);
}

#[test]
fn pictures_that_take_all_memory_are_drawn_one_after_the_other() {
    let mut options = options(3);
    options.budget_bytes = options.memory_bytes;
    let pool = Pool::start(options).unwrap();
    let huge = Facts::Video { width: 7680, height: 4320, duration: 1 };
    let gates: Vec<Arc<File>> = (0..4).map(|_| order(drill::GATE)).collect();
    block_on(async {
        let draw = |(number, gate): (u64, &Arc<File>)| {
            let (pool, gate) = (pool.clone(), gate.clone());
            tokio::spawn(async move { pool.derive(gate, Format::Mp4, huge, user(number)).await })
        };
        let jobs: Vec<_> = (1..).zip(&gates).map(draw).collect();
        wait_until("one is drawn", || pool.load() == Load { running: 1, waiting: 3 });

        // The others' facts are read all the while.
        for _ in 0..10 {
            let facts = pool.probe(order("fine"), Format::Png, user(9)).await.unwrap();
            assert_eq!(facts, Ok(FINE));
        }

        assert_eq!(pool.load(), Load { running: 1, waiting: 3 });
        gates.iter().for_each(|gate| open(gate));
        for job in jobs {
            assert!(made(job.await.unwrap().unwrap()).is_some());
        }
    });
}

#[test]
fn the_position_of_the_callers_file_stays() {
    let pool = pool(1);
    let file = order("fine");
    (&*file).seek(SeekFrom::Start(2)).unwrap();

    assert_eq!(block_on(pool.probe(file.clone(), Format::Png, user(1))).unwrap(), Ok(FINE));

    assert_eq!((&*file).stream_position().unwrap(), 2);
}

#[test]
fn a_worker_without_drill_takes_no_orders() {
    let mut options = options(1);
    options.drill = false;
    let pool = Pool::start(options).unwrap();

    let refusal = block_on(pool.probe(order("exit"), Format::Png, user(1))).unwrap().unwrap_err();

    assert_ne!(refusal, Refusal::Broken(Flaw::Crashed));
}

#[test]
fn a_pool_is_fine_when_a_child_answers() {
    let pool = pool(1);
    block_on(pool.check()).unwrap();
    // Also while the only worker is busy.
    let gate = order(drill::GATE);
    block_on(async {
        let (busy, held) = (pool.clone(), gate.clone());
        let job = tokio::spawn(async move { busy.probe(held, Format::Png, user(1)).await });
        wait_until("it runs", || pool.load().running == 1);
        pool.check().await.unwrap();
        open(&gate);
        job.await.unwrap().unwrap().unwrap();
    });
}

#[test]
fn a_program_that_is_no_worker_is_our_fault_and_not_the_files() {
    type Expected = fn(&Fault) -> bool;
    let rows: [(&str, Expected); 2] = [
        ("/nonexistent", |fault| matches!(fault, Fault::Start(_))),
        ("/bin/false", |fault| matches!(fault, Fault::Ended(_))),
    ];
    for (program, expected) in rows {
        let mut options = options(1);
        options.program = program.into();
        let pool = Pool::start(options).unwrap();

        let checked = block_on(pool.check()).unwrap_err();
        let probed = block_on(pool.probe(order("fine"), Format::Png, user(1))).unwrap_err();
        let derived = block_on(pool.derive(order("fine"), Format::Png, FINE, user(1))).unwrap_err();

        for fault in [checked, probed, derived] {
            assert!(expected(&fault), "{program}: {fault}");
        }
    }
}
