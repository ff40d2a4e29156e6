//! What a worker may do and what it may take.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::time::Duration;

use assetd::asset::{Facts, Format};
use assetd::worker::{Fault, Pool, Step, drill, sandbox};
use rustix::fs::MemfdFlags;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

use super::{FINE, block_on, derive, only_child, open, options, order, pool, probe, user, wait_until};

const MIB: u64 = 1 << 20;

#[test]
fn a_worker_inherits_its_socket_and_nothing_else() {
    // Open across exec, as a socket is that a service manager has passed.
    let _passed = rustix::fs::memfd_create("passed", MemfdFlags::empty()).unwrap();
    let pool = pool(1);

    let inventory = probe(&pool, "inventory");

    // Standard streams, socket, the file of the job; one more than the variables of the environment.
    assert_eq!(inventory, Ok(Facts::Image { width: 0b11111, height: 1 }));
    let child = only_child(&pool);
    let line = fs::read(format!("/proc/{child}/cmdline")).unwrap();
    assert_eq!(line, b"assetd\0worker\0--drill\0");
}

/// Nothing that a worker tries is left to it, on any of its threads.
#[track_caller]
fn assert_shut_in(pool: &Pool) {
    let report = derive(pool, "escape").expect("a report");
    let found = report.strip_prefix(b"\xff\xd8\xff").map(String::from_utf8_lossy);
    assert_eq!(
        found.as_deref(),
        Some("main: nothing\nserving: nothing\ndrawing: nothing\nbegun by a decoder: nothing\n")
    );
}

#[test]
fn a_worker_gets_out_on_no_thread() {
    assert_shut_in(&pool(1));
    // What the attempts are worth: an ordinary process is refused none of them.
    for attempt in drill::ATTEMPTS {
        assert!(!attempt.is_refused(), "{}", attempt.name);
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn a_worker_gets_out_on_no_thread_under_the_filter_of_the_unit_either() {
    let start = || {
        // Binds this thread, those of the pool that it starts, and their children.
        seccompiler::apply_filter(&crate::support::unit::filter()).unwrap();
        pool(1)
    };
    let pool = std::thread::spawn(start).join().unwrap();

    assert_shut_in(&pool);
    assert_eq!(probe(&pool, "fine"), Ok(FINE));
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
    options.probe.cpu = Duration::from_secs(7);
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
    let threads = || fs::read_dir(format!("/proc/{child}/task")).unwrap().count();
    wait_until("it is ready", || threads() == 2);
    let own = highest();
    block_on(async {
        let gate = order(drill::GATE);
        let drawing = tokio::spawn({
            let (pool, gate) = (pool.clone(), gate.clone());
            async move { pool.derive(gate, Format::Png, FINE, user(1)).await }
        });
        wait_until("it draws", || highest() == 10.max(own));
        open(&gate);
        assert!(super::made(drawing.await.unwrap().unwrap()).is_some());

        // The thread that drew is gone; the one that reads facts stays.
        wait_until("it rests", || threads() == 2);
        assert_eq!(highest(), own);
    });
}

#[test]
fn what_a_job_took_is_given_back() {
    let pool = pool(1);
    let child = only_child(&pool);
    // proc_pid_statm(5): the second field, in pages.
    let resident = || {
        let statm = fs::read_to_string(format!("/proc/{child}/statm")).unwrap();
        let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
        pages * rustix::param::page_size() as u64
    };
    assert_eq!(probe(&pool, "fine"), Ok(FINE));
    let before = resident();

    // It takes 50 MiB. The job after it waits until it has cleared the table.
    assert_eq!(probe(&pool, "feast"), Ok(FINE));
    assert_eq!(probe(&pool, "fine"), Ok(FINE));

    assert!(resident() < before + 5 * MIB, "{} before, {} after", before, resident());
    assert_eq!(only_child(&pool), child);
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
