//! The pool of workers, through real processes, and the queue and the wire by themselves.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::future::Future;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::num::NonZeroUsize;
use std::os::unix::fs::FileExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use assetd::asset::{Facts, Flaw, Foreign, Format, UserId};
use assetd::media::{Limits, Refusal};
use assetd::worker::queue::{Class, Queue};
use assetd::worker::source::FileSource;
use assetd::worker::wire::{FRAME_BYTES, Frame, Look, Report, Request};
use assetd::worker::{Fault, Options, Pool, Step, drill, sandbox};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::MemfdFlags;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

/// Far more than anything here takes: what is waited for so long does not come.
const PATIENCE: Duration = Duration::from_secs(30);

const MIB: u64 = 1 << 20;

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
    block_on(pool.derive(order(order_text), Format::Png, user(1))).unwrap()
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
fn a_worker_over_its_time_is_too_slow() {
    let mut options = options(1);
    options.probe_deadline = Duration::from_millis(100);
    options.derive_deadline = Duration::from_millis(100);
    let pool = Pool::start(options).unwrap();
    for order in ["hang", "spin", "half"] {
        assert_eq!(probe(&pool, order), Err(Refusal::Broken(Flaw::TooSlow)), "{order}");
        assert_eq!(derive(&pool, order), None, "{order}");
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
fn workers_end_with_their_server_however_it_dies() {
    // The test plays the server too, in a process of its own that is started for it.
    const ROLE: &str = "ASSETD_TEST_PLAYS_SERVER";
    if std::env::var_os(ROLE).is_some() {
        let pool = pool(2);
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
                tokio::spawn(async move { pool.derive(gate, Format::Png, user(1)).await })
            })
            .collect();
        wait_until("one runs, the rest wait", || {
            let load = pool.load();
            load.running == 1 && load.waiting == 49
        });

        for _ in 0..10 {
            let facts = pool.probe(order("fine"), Format::Png, user(2)).await.unwrap();
            assert_eq!(facts, Ok(FINE));
        }

        assert_eq!(pool.load().waiting, 49);
        gates.iter().for_each(|gate| open(gate));
        for job in jobs {
            assert!(job.await.unwrap().unwrap().is_some());
        }
    });
}

#[test]
fn a_worker_inherits_its_socket_and_nothing_else() {
    let pool = pool(1);

    let inventory = probe(&pool, "inventory");

    // Standard streams, socket, the file of the job; one more than the variables of the environment.
    assert_eq!(inventory, Ok(Facts::Image { width: 0b11111, height: 1 }));
    let child = only_child(&pool);
    let line = fs::read(format!("/proc/{child}/cmdline")).unwrap();
    assert_eq!(line, b"assetd\0worker\0--drill\0");
}

/// Which of the attempts are refused, a bit each.
fn names_of_refused(bits: u32) -> Vec<&'static str> {
    let all = drill::ATTEMPTS.iter().enumerate();
    all.filter(|(index, _)| bits & 1 << index != 0).map(|(_, attempt)| attempt.name).collect()
}

#[test]
fn a_worker_gets_out_on_no_thread() {
    let pool = pool(1);
    let all: Vec<&str> = drill::ATTEMPTS.iter().map(|attempt| attempt.name).collect();
    for order in ["escape", "escape on main"] {
        let Ok(Facts::Image { width: refused, .. }) = probe(&pool, order) else { panic!("no report") };
        assert_eq!(names_of_refused(refused), all, "{order}");
    }
    // What the attempts are worth: an ordinary process is refused none of them.
    for attempt in drill::ATTEMPTS {
        assert!(!attempt.is_refused(), "{}", attempt.name);
    }
}

#[test]
fn landlock_alone_keeps_files_away() {
    let tried = std::thread::spawn(|| {
        let enforced = sandbox::deny_paths_and_network().unwrap();
        (
            enforced,
            File::open("/proc/self/exe").map(drop),
            std::net::TcpStream::connect(("127.0.0.1", 9)).map(drop),
        )
    });

    let (enforced, opened, connected) = tried.join().unwrap();

    if enforced {
        assert_eq!(opened.unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
        assert_eq!(connected.unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
    }
}

#[test]
fn a_worker_is_limited() {
    let mut options = options(1);
    options.memory_bytes = 100 * MIB;
    options.probe_deadline = Duration::from_secs(7);
    let pool = Pool::start(options).unwrap();
    let child = only_child(&pool);
    assert_eq!(probe(&pool, "fine"), Ok(FINE));

    let limits = fs::read_to_string(format!("/proc/{child}/limits")).unwrap();

    let limit = |name: &str| -> Option<u64> {
        let line = limits.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    assert_eq!(limit("Max file size"), Some(0));
    assert_eq!(limit("Max core file size"), Some(0));
    assert_eq!(limit("Max open files"), Some(8));
    assert!((7..=9).contains(&limit("Max cpu time").unwrap()), "{limits}");
    // The executable maps some tens of MiB.
    assert!((100 * MIB..200 * MIB).contains(&limit("Max address space").unwrap()), "{limits}");
}

#[test]
fn previews_step_back_behind_serving_and_facts_do_not() {
    let pool = pool(1);
    let child = only_child(&pool);
    let highest = || -> i64 {
        let threads = fs::read_dir(format!("/proc/{child}/task")).unwrap();
        let niceness = threads.filter_map(|thread| {
            let stat = fs::read_to_string(thread.ok()?.path().join("stat")).ok()?;
            // proc_pid_stat(5): the 19th field, counted on from the 3rd behind the name.
            stat.rsplit(')').next()?.split_whitespace().nth(16)?.parse::<i64>().ok()
        });
        niceness.max().unwrap()
    };
    let own = highest();
    block_on(async {
        let gates = [order(drill::GATE), order(drill::GATE)];
        let drawing = tokio::spawn({
            let (pool, gate) = (pool.clone(), gates[0].clone());
            async move { pool.derive(gate, Format::Png, user(1)).await }
        });
        wait_until("it draws", || highest() == 10.max(own));
        open(&gates[0]);
        assert!(drawing.await.unwrap().unwrap().is_some());

        let probing = tokio::spawn({
            let (pool, gate) = (pool.clone(), gates[1].clone());
            async move { pool.probe(gate, Format::Png, user(1)).await }
        });
        let threads = || fs::read_dir(format!("/proc/{child}/task")).unwrap().count();
        wait_until("it probes", || threads() == 2);
        assert_eq!(highest(), own);
        open(&gates[1]);
        assert_eq!(probing.await.unwrap().unwrap(), Ok(FINE));
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
    let rows: [(&str, fn(&Fault) -> bool); 2] = [
        ("/nonexistent", |fault| matches!(fault, Fault::Start(_))),
        ("/bin/false", |fault| matches!(fault, Fault::Ended(_))),
    ];
    for (program, expected) in rows {
        let mut options = options(1);
        options.program = program.into();
        let pool = Pool::start(options).unwrap();

        let checked = block_on(pool.check()).unwrap_err();
        let probed = block_on(pool.probe(order("fine"), Format::Png, user(1))).unwrap_err();
        let derived = block_on(pool.derive(order("fine"), Format::Png, user(1))).unwrap_err();

        for fault in [checked, probed, derived] {
            assert!(expected(&fault), "{program}: {fault}");
        }
    }
}

/// A pool whose children find that Landlock fails with this error.
fn pool_without_landlock(errno: i32) -> Pool {
    let start = move || {
        let rules = BTreeMap::from([(libc::SYS_landlock_create_ruleset, Vec::new())]);
        let architecture = std::env::consts::ARCH.try_into().unwrap();
        let error = SeccompAction::Errno(errno.cast_unsigned());
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, error, architecture).unwrap();
        let program: BpfProgram = filter.try_into().unwrap();
        // Binds this thread, those of the pool that it starts, and their children.
        seccompiler::apply_filter(&program).unwrap();
        pool(1)
    };
    std::thread::spawn(start).join().unwrap()
}

#[test]
fn an_old_kernel_is_no_fault_and_a_forbidden_landlock_is() {
    for errno in [libc::ENOSYS, libc::EOPNOTSUPP] {
        assert_eq!(probe(&pool_without_landlock(errno), "fine"), Ok(FINE));
    }

    let fault = block_on(pool_without_landlock(libc::EPERM).check()).unwrap_err();

    assert!(matches!(fault, Fault::Lockdown { step: Step::Landlock, .. }), "{fault}");
    assert!(fault.to_string().contains("Landlock"), "{fault}");
}

// The queue

/// Takes what `worker` may run, as the user's number.
fn take(queue: &mut Queue<u64>, worker: usize, now: Instant) -> Option<u64> {
    queue.take(worker, now)
}

#[test]
fn facts_go_before_pictures_and_users_take_turns() {
    let now = Instant::now();
    let mut queue = Queue::new(1, Duration::from_secs(1));
    for job in [10, 11, 12] {
        queue.push(Class::Picture, Some(user(1)), job);
        queue.push(Class::Facts, Some(user(1)), job + 10);
    }
    queue.push(Class::Facts, Some(user(2)), 30);
    queue.push(Class::Check, None, 40);

    let mut order = Vec::new();
    while let Some(job) = take(&mut queue, 0, now) {
        order.push(job);
        queue.done(0, now);
    }

    assert_eq!(order, [40, 20, 30, 21, 22, 10, 11, 12]);
}

#[test]
fn a_slow_user_gets_all_workers_but_one_for_a_minute() {
    let start = Instant::now();
    let slow = Duration::from_secs(1);
    let mut queue = Queue::new(3, slow);
    for job in 0..10 {
        queue.push(Class::Picture, Some(user(1)), job);
    }
    // Nothing is known of user 1 yet.
    assert!((0..3).all(|worker| take(&mut queue, worker, start).is_some()));

    // Three slow jobs end; now two more run, and the third worker is kept for others.
    let later = start + slow * 2;
    (0..3).for_each(|worker| queue.done(worker, later));
    assert!(take(&mut queue, 0, later).is_some());
    assert!(take(&mut queue, 1, later).is_some());
    assert_eq!(take(&mut queue, 2, later), None);
    queue.push(Class::Picture, Some(user(2)), 99);
    assert_eq!(take(&mut queue, 2, later), Some(99));

    // All of these are quick, and after a while user 1 is like anybody else.
    (0..3).for_each(|worker| queue.done(worker, later));
    let much_later = later + Duration::from_secs(61);
    assert!((0..3).all(|worker| take(&mut queue, worker, much_later).is_some()));
}

#[test]
fn a_job_that_runs_for_long_counts_as_slow_before_it_ends() {
    let start = Instant::now();
    let slow = Duration::from_secs(1);
    let mut queue = Queue::new(2, slow);
    queue.push(Class::Facts, Some(user(1)), 1);
    queue.push(Class::Facts, Some(user(1)), 2);

    assert_eq!(take(&mut queue, 0, start), Some(1));
    assert_eq!(take(&mut queue, 1, start + slow * 2), None);
    queue.done(0, start + slow * 2);
    assert_eq!(take(&mut queue, 1, start + slow * 2), Some(2));
}

#[test]
fn the_only_worker_serves_slow_users_too() {
    let start = Instant::now();
    let mut queue = Queue::new(1, Duration::ZERO);
    for job in 0..3 {
        queue.push(Class::Facts, Some(user(1)), job);
        let now = start + Duration::from_secs(job);
        assert_eq!(take(&mut queue, 0, now), Some(job));
        queue.done(0, now + Duration::from_millis(1));
    }
}

#[test]
fn a_job_taken_back_is_not_served_and_the_others_are() {
    let now = Instant::now();
    let mut queue = Queue::new(1, Duration::from_secs(1));
    let tickets: Vec<_> = (0..3).map(|job| queue.push(Class::Facts, Some(user(1)), job)).collect();
    let alone = queue.push(Class::Facts, Some(user(2)), 9);

    queue.remove(tickets[1]);
    queue.remove(alone);
    queue.remove(alone);

    assert_eq!(queue.waiting(), 2);
    assert_eq!(take(&mut queue, 0, now), Some(0));
    queue.done(0, now);
    assert_eq!(take(&mut queue, 0, now), Some(2));
    queue.done(0, now);
    assert_eq!(take(&mut queue, 0, now), None);
}

// The wire

fn every_report() -> Vec<Report> {
    let mut reports = vec![
        Report::Ready { landlock: true },
        Report::Ready { landlock: false },
        Report::NotReady { step: Step::Seccomp, errno: 1 },
        Report::Alive,
        Report::Facts(Facts::Image { width: 1, height: u32::MAX }),
        Report::Facts(Facts::Video { width: 1920, height: 1080, duration: u64::MAX }),
        Report::Facts(Facts::Audio { duration: 1 }),
        Report::Facts(Facts::Document { page_count: Some(7) }),
        Report::Facts(Facts::Document { page_count: None }),
        Report::Refused(Refusal::TooManyPixels { width: 50_000, height: 50_000 }),
        Report::NoPicture,
        Report::Picture { bytes: 1 },
        Report::Picture { bytes: 2 << 20 },
    ];
    reports.extend(Flaw::ALL.iter().map(|flaw| Report::Refused(Refusal::Broken(*flaw))));
    reports.extend(Foreign::ALL.iter().map(|foreign| Report::Refused(Refusal::Foreign(*foreign))));
    reports
}

#[test]
fn messages_are_read_as_written() {
    for (sequence, report) in (u64::MAX - 1000..).zip(every_report()) {
        assert_eq!(Report::from_frame(&report.to_frame(sequence)), Some((sequence, report)));
        assert_eq!(Request::from_frame(&report.to_frame(sequence)), None);
    }
    let mut requests = vec![Request::Setup { memory_bytes: 1 << 40 }, Request::Check];
    for format in Format::ALL {
        for look in [Look::Facts, Look::Picture] {
            requests.push(Request::Look { look, format, size_bytes: 5 << 32, max_pixels: 3 << 33 });
        }
    }
    for request in requests {
        assert_eq!(Request::from_frame(&request.to_frame(5)), Some((5, request)));
        assert_eq!(Report::from_frame(&request.to_frame(5)), None);
    }
}

#[test]
fn bytes_that_no_message_has_are_none() {
    // Each report with each byte set to some values: what is still read is written just so.
    let mut refused = 0;
    for report in every_report() {
        let frame = report.to_frame(9);
        for index in 0..FRAME_BYTES {
            for value in [0, 1, 2, 0x40, 0x7f, 0xff] {
                let mut changed: Frame = frame;
                changed[index] = value;
                match Report::from_frame(&changed) {
                    Some((sequence, other)) => assert_eq!(other.to_frame(sequence), changed),
                    None => refused += 1,
                }
            }
        }
    }
    assert!(refused > 0);
    let impossible = [
        Report::Facts(Facts::Image { width: 0, height: 1 }),
        Report::Facts(Facts::Video { width: 1, height: 1, duration: 0 }),
        Report::Facts(Facts::Audio { duration: 0 }),
        Report::Picture { bytes: 0 },
        Report::Picture { bytes: (2 << 20) + 1 },
    ];
    for report in impossible {
        assert_eq!(Report::from_frame(&report.to_frame(9)), None, "{report:?}");
    }
}

// The file

#[test]
fn a_source_reads_as_the_file_does() {
    let bytes: Vec<u8> = (0..300_000_u32).map(|index| (index * 2_654_435_761_u32 >> 24) as u8).collect();
    let file = order("");
    file.write_all_at(&bytes, 0).unwrap();
    // The last bytes are beyond what the source is told of.
    let told = &bytes[..bytes.len() - 1000];
    let mut source = FileSource::new(file.try_clone().unwrap(), told.len() as u64);
    let mut model = std::io::Cursor::new(told);
    let seed = 0x5eed_u64;
    let mut state = seed;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };

    for step in 0..5_000 {
        let to = match random(4) {
            0 => SeekFrom::Start(random(320_000)),
            1 => SeekFrom::End(-(random(320_000) as i64)),
            2 => SeekFrom::Current(random(2_000) as i64 - 1_000),
            _ => SeekFrom::Current(0),
        };
        assert_eq!(source.seek(to).ok(), model.seek(to).ok(), "step {step}, seed {seed}");
        let length = if random(10) == 0 { random(200_000) } else { random(100) };
        let (mut read, mut expected) = (Vec::new(), Vec::new());
        source.by_ref().take(length).read_to_end(&mut read).unwrap();
        model.by_ref().take(length).read_to_end(&mut expected).unwrap();
        assert!(read == expected, "step {step}, seed {seed}");
    }
}
