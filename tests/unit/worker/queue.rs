//! Who is served next, by a clock of the test's own.

use std::time::{Duration, Instant};

use assetd::asset::UserId;
use assetd::worker::queue::{Class, Queue};

/// Memory that jobs may take together, where a test is not about it.
const BUDGET: u64 = 100;

fn user(number: u64) -> UserId {
    UserId::new(number).unwrap()
}

/// Takes what `worker` may run, as the user's number.
fn take(queue: &mut Queue<u64>, worker: usize, now: Instant) -> Option<u64> {
    queue.take(worker, now)
}

#[test]
fn facts_go_before_pictures_and_users_take_turns() {
    let now = Instant::now();
    let mut queue = Queue::new(1, BUDGET, Duration::from_secs(1));
    for job in [10, 11, 12] {
        queue.push(Class::Preview, Some(user(1)), 1, job);
        queue.push(Class::Facts, Some(user(1)), 1, job + 10);
    }
    queue.push(Class::Facts, Some(user(2)), 1, 30);
    queue.push(Class::Check, None, 1, 40);

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
    let mut queue = Queue::new(3, BUDGET, slow);
    for job in 0..10 {
        queue.push(Class::Preview, Some(user(1)), 1, job);
    }
    // Nothing is known of user 1 yet.
    assert!((0..3).all(|worker| take(&mut queue, worker, start).is_some()));

    // Three slow jobs end; now two more run, and the third worker is kept for others.
    let later = start + slow * 2;
    (0..3).for_each(|worker| queue.done(worker, later));
    assert!(take(&mut queue, 0, later).is_some());
    assert!(take(&mut queue, 1, later).is_some());
    assert_eq!(take(&mut queue, 2, later), None);
    queue.push(Class::Preview, Some(user(2)), 1, 99);
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
    let mut queue = Queue::new(2, BUDGET, slow);
    queue.push(Class::Facts, Some(user(1)), 1, 1);
    queue.push(Class::Facts, Some(user(1)), 1, 2);

    assert_eq!(take(&mut queue, 0, start), Some(1));
    assert_eq!(take(&mut queue, 1, start + slow * 2), None);
    queue.done(0, start + slow * 2);
    assert_eq!(take(&mut queue, 1, start + slow * 2), Some(2));
}

#[test]
fn the_only_worker_serves_slow_users_too() {
    let start = Instant::now();
    let mut queue = Queue::new(1, BUDGET, Duration::ZERO);
    for job in 0..3 {
        queue.push(Class::Facts, Some(user(1)), 1, job);
        let now = start + Duration::from_secs(job);
        assert_eq!(take(&mut queue, 0, now), Some(job));
        queue.done(0, now + Duration::from_millis(1));
    }
}

#[test]
fn a_job_taken_back_is_not_served_and_the_others_are() {
    let now = Instant::now();
    let mut queue = Queue::new(1, BUDGET, Duration::from_secs(1));
    let tickets: Vec<_> = (0..3).map(|job| queue.push(Class::Facts, Some(user(1)), 1, job)).collect();
    let alone = queue.push(Class::Facts, Some(user(2)), 1, 9);

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

#[test]
fn heavy_jobs_run_one_after_the_other_and_light_ones_beside_them() {
    let now = Instant::now();
    let mut queue = Queue::new(4, BUDGET, Duration::from_secs(1));
    queue.push(Class::Preview, Some(user(1)), 70, 10);
    queue.push(Class::Preview, Some(user(1)), 70, 11);
    queue.push(Class::Preview, Some(user(2)), 30, 20);
    queue.push(Class::Preview, Some(user(3)), 1, 30);

    // The second heavy one waits, and so does the light one once all is given out.
    assert_eq!(take(&mut queue, 0, now), Some(10));
    assert_eq!(take(&mut queue, 1, now), Some(20));
    assert_eq!(take(&mut queue, 2, now), None);
    queue.done(1, now);
    assert_eq!(take(&mut queue, 1, now), Some(30));
    assert_eq!(take(&mut queue, 2, now), None);
    queue.done(0, now);
    assert_eq!(take(&mut queue, 0, now), Some(11));
}

#[test]
fn a_job_heavier_than_the_budget_runs_alone() {
    let now = Instant::now();
    let mut queue = Queue::new(2, BUDGET, Duration::from_secs(1));
    queue.push(Class::Preview, Some(user(1)), u64::MAX, 1);
    queue.push(Class::Preview, Some(user(2)), u64::MAX, 2);

    assert_eq!(take(&mut queue, 0, now), Some(1));
    assert_eq!(take(&mut queue, 1, now), None);
    queue.done(0, now);
    assert_eq!(take(&mut queue, 1, now), Some(2));
}

#[test]
fn light_jobs_do_not_pass_over_a_heavy_one_for_ever() {
    let now = Instant::now();
    let mut queue = Queue::new(2, BUDGET, Duration::from_secs(1));
    queue.push(Class::Preview, Some(user(1)), 60, 1);
    assert_eq!(take(&mut queue, 0, now), Some(1));
    queue.push(Class::Preview, Some(user(1)), 60, 2);
    // While one heavy job runs, another user's light ones come without end.
    let mut light = 0;
    loop {
        queue.push(Class::Preview, Some(user(2)), 1, 100);
        match take(&mut queue, 1, now) {
            Some(100) => light += 1,
            other => {
                assert_eq!(other, None);
                break;
            }
        }
        queue.done(1, now);
        assert!(light < 1000, "the heavy job is passed over for ever");
    }
    assert!(light > 0, "a light job fits beside the heavy one that runs");

    // Facts are not held up by it.
    queue.push(Class::Facts, Some(user(2)), 1, 200);
    assert_eq!(take(&mut queue, 1, now), Some(200));
    queue.done(1, now);
    queue.done(0, now);
    assert_eq!(take(&mut queue, 0, now), Some(2));
    assert_eq!(take(&mut queue, 1, now), Some(100));
}

#[test]
fn a_user_who_holds_all_workers_for_long_gives_one_back_to_others() {
    let start = Instant::now();
    let slow = Duration::from_secs(1);
    let later = start + slow * 2;
    let mut queue = Queue::new(2, BUDGET, slow);
    for job in [10, 11, 12] {
        queue.push(Class::Preview, Some(user(1)), 1, job);
    }
    assert_eq!(take(&mut queue, 0, start), Some(10));
    assert_eq!(take(&mut queue, 1, start), Some(11));
    // Nobody else waits.
    assert!(!queue.gives_way(0, later) && !queue.gives_way(1, later));

    queue.push(Class::Facts, Some(user(2)), 1, 20);
    // Not yet long.
    assert!(!queue.gives_way(0, start) && !queue.gives_way(1, start));
    assert!(queue.gives_way(1, later));
    assert!(!queue.gives_way(0, later), "one is enough");
    queue.put_back(1, later, 11);

    // The other user's job, and then no second one of the slow user's, whose jobs keep their order.
    assert_eq!(take(&mut queue, 1, later), Some(20));
    queue.done(1, later);
    assert_eq!(take(&mut queue, 1, later), None);
    queue.done(0, later);
    assert_eq!(take(&mut queue, 0, later), Some(11));
    queue.done(0, later);
    assert_eq!(take(&mut queue, 0, later), Some(12));
}

#[test]
fn slow_users_share_all_workers_but_one() {
    let start = Instant::now();
    let slow = Duration::from_secs(1);
    let later = start + slow * 2;
    let mut queue = Queue::new(2, BUDGET, slow);
    for job in [10, 11] {
        queue.push(Class::Preview, Some(user(1)), 1, job);
        queue.push(Class::Preview, Some(user(3)), 1, job + 20);
    }
    assert_eq!(take(&mut queue, 0, start), Some(10));
    assert_eq!(take(&mut queue, 1, start), Some(30));
    queue.push(Class::Facts, Some(user(2)), 1, 20);

    // Both are slow by now, and one of them gives way; both is not needed.
    assert!(queue.gives_way(0, later));
    assert!(!queue.gives_way(1, later));
    queue.put_back(0, later, 10);

    assert_eq!(take(&mut queue, 0, later), Some(20));
    queue.done(0, later);
    // The slow ones wait, whoever they are, and anybody else does not.
    assert_eq!(take(&mut queue, 0, later), None);
    queue.push(Class::Preview, Some(user(4)), 1, 40);
    assert_eq!(take(&mut queue, 0, later), Some(40));
    queue.done(1, later);
    assert!(take(&mut queue, 1, later).is_some());
}
