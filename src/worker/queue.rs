//! Who is served next.
//!
//! Checks go before facts, facts before pictures, so that a refusal comes fast. Within facts and within pictures the
//! users take turns, each with its oldest job. And since a worker can't be taken from a job before its deadline, a user
//! who has shown to send slow files gets all workers but one: the others still find one free. (With a single worker
//! there is none to keep back; then a user waits for one job of another's at most.)
//!
//! Pure: the time is an argument. What waits is bounded by who waits, since a caller that goes away takes its job along.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::asset::UserId;

/// What a job is, in the order of service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// Does a worker live? Nobody's, and over at once.
    Check,
    Facts,
    Picture,
}

/// Names a job that waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ticket {
    class: Class,
    user: Option<UserId>,
    number: u64,
}

/// For so long after a slow job its user counts as slow: longer than any job may take, so that a row of them leaves no
/// gap.
const SLOW_MEMORY: Duration = Duration::from_secs(60);

/// Jobs that wait, and whose jobs run.
pub struct Queue<J> {
    lanes: [Lane<J>; 3],
    /// By worker: since when it has run whose job.
    running: Vec<Option<(Option<UserId>, Instant)>>,
    /// Until when a user counts as slow. Each entry took a worker for longer than `slow` within [`SLOW_MEMORY`], so
    /// there are few.
    slow_until: HashMap<UserId, Instant>,
    slow: Duration,
    next_number: u64,
}

/// The jobs of one class: each user's in order, and the users in the order of their turns.
struct Lane<J> {
    turns: VecDeque<Option<UserId>>,
    jobs: HashMap<Option<UserId>, VecDeque<(u64, J)>>,
}

impl<J> Queue<J> {
    /// For `workers` workers; a job that takes longer than `slow` shows its user to be slow.
    pub fn new(workers: usize, slow: Duration) -> Queue<J> {
        Queue {
            lanes: std::array::from_fn(|_| Lane { turns: VecDeque::new(), jobs: HashMap::new() }),
            running: vec![None; workers],
            slow_until: HashMap::new(),
            slow,
            next_number: 0,
        }
    }

    /// `user` is `None` for what is nobody's.
    pub fn push(&mut self, class: Class, user: Option<UserId>, job: J) -> Ticket {
        let number = self.next_number;
        self.next_number += 1;
        self.lanes[class as usize].push(user, number, job);
        Ticket { class, user, number }
    }

    /// Takes a job back that its caller no longer waits for; nothing where it has been served.
    pub fn remove(&mut self, ticket: Ticket) {
        self.lanes[ticket.class as usize].remove(ticket.user, ticket.number);
    }

    /// The job that `worker` is to run from `now` on, until it is [`done`](Queue::done).
    pub fn take(&mut self, worker: usize, now: Instant) -> Option<J> {
        let Queue { lanes, running, slow_until, slow, .. } = self;
        // A bound on the bytes that all jobs together are estimated to take belongs here: another reason to pass over
        // a job that is too large for what is left.
        let may_run = |user: Option<UserId>| {
            let Some(user) = user else { return true };
            let mine = running.iter().flatten().filter(|(whose, _)| *whose == Some(user));
            let is_slow = slow_until.get(&user).is_some_and(|until| *until > now)
                || mine.clone().any(|(_, since)| now.saturating_duration_since(*since) > *slow);
            let most = if is_slow { running.len().saturating_sub(1).max(1) } else { running.len() };
            mine.count() < most
        };
        let (user, job) = lanes.iter_mut().find_map(|lane| lane.take(may_run))?;
        *running.get_mut(worker)? = Some((user, now));
        Some(job)
    }

    /// `worker` is free again.
    pub fn done(&mut self, worker: usize, now: Instant) {
        let Some((Some(user), since)) = self.running.get_mut(worker).and_then(Option::take) else {
            return;
        };
        self.slow_until.retain(|_, until| *until > now);
        if now.saturating_duration_since(since) > self.slow {
            self.slow_until.insert(user, now + SLOW_MEMORY);
        }
    }

    pub fn waiting(&self) -> usize {
        self.lanes.iter().flat_map(|lane| lane.jobs.values()).map(VecDeque::len).sum()
    }

    pub fn running(&self) -> usize {
        self.running.iter().flatten().count()
    }
}

impl<J> Lane<J> {
    fn push(&mut self, user: Option<UserId>, number: u64, job: J) {
        let jobs = self.jobs.entry(user).or_default();
        if jobs.is_empty() {
            self.turns.push_back(user);
        }
        jobs.push_back((number, job));
    }

    fn remove(&mut self, user: Option<UserId>, number: u64) {
        let Some(jobs) = self.jobs.get_mut(&user) else {
            return;
        };
        jobs.retain(|(other, _)| *other != number);
        if jobs.is_empty() {
            self.jobs.remove(&user);
            self.turns.retain(|other| *other != user);
        }
    }

    /// The oldest job of the first user who may run one; who has more goes to the end.
    fn take(&mut self, may_run: impl Fn(Option<UserId>) -> bool) -> Option<(Option<UserId>, J)> {
        let turn = self.turns.iter().position(|user| may_run(*user))?;
        let user = self.turns.remove(turn)?;
        let jobs = self.jobs.get_mut(&user)?;
        let (_, job) = jobs.pop_front()?;
        if jobs.is_empty() {
            self.jobs.remove(&user);
        } else {
            self.turns.push_back(user);
        }
        Some((user, job))
    }
}
