//! Who is served next.
//!
//! Checks go before facts, facts before previews, so that a refusal comes fast. Within facts and within previews the
//! users take turns, each with its oldest job. And since a worker that is taken from a job has worked in vain, users
//! who have shown to send slow files get all workers but one, together: the others still find one free. Where they show it
//! only when they have them all, one job gives way to somebody else's, and begins anew when its turn comes. (With a single
//! worker there is none to keep back; then a user waits for one job of another's at most.)
//!
//! Each job has a weight, the bytes of memory it is estimated to take, and jobs run side by side only as long as their
//! weights together keep within a budget: many big files don't add up. Facts and previews have one each, so that no facts
//! wait for previews. One that is heavier than what is left waits, and is passed over by lighter ones, but only so often.
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
    Preview,
}

const CLASSES: [Class; 3] = [Class::Check, Class::Facts, Class::Preview];

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

/// So often may a job be passed over by others that are lighter; then its class waits until there is room for it.
const MAX_OVERTAKEN: u32 = 16;

/// Jobs that wait, and whose jobs run.
pub struct Queue<J> {
    lanes: [Lane<J>; 3],
    /// By worker: what it runs.
    running: Vec<Option<Running>>,
    /// What the jobs of one class that run may weigh together; one alone may weigh more.
    budget_bytes: u64,
    /// Until when a user counts as slow. Each entry took a worker for longer than `slow` within [`SLOW_MEMORY`], so
    /// there are few.
    slow_until: HashMap<UserId, Instant>,
    slow: Duration,
    next_number: u64,
}

struct Running {
    class: Class,
    user: Option<UserId>,
    number: u64,
    since: Instant,
    weight_bytes: u64,
    /// Its worker was told to give way.
    gives_way: bool,
}

/// The jobs of one class: each user's in order, and the users in the order of their turns.
struct Lane<J> {
    turns: VecDeque<Option<UserId>>,
    jobs: HashMap<Option<UserId>, VecDeque<Waiting<J>>>,
}

struct Waiting<J> {
    number: u64,
    weight_bytes: u64,
    overtaken: u32,
    job: J,
}

impl<J> Queue<J> {
    /// For `workers` workers, whose jobs of one class may weigh `budget_bytes` together; a job that takes longer than `slow` shows its
    /// user to be slow.
    pub fn new(workers: usize, budget_bytes: u64, slow: Duration) -> Queue<J> {
        Queue {
            lanes: std::array::from_fn(|_| Lane { turns: VecDeque::new(), jobs: HashMap::new() }),
            running: (0..workers).map(|_| None).collect(),
            budget_bytes,
            slow_until: HashMap::new(),
            slow,
            next_number: 0,
        }
    }

    /// `user` is `None` for what is nobody's. `weight_bytes` is the memory that the job is estimated to take.
    pub fn push(&mut self, class: Class, user: Option<UserId>, weight_bytes: u64, job: J) -> Ticket {
        let number = self.next_number;
        self.next_number += 1;
        self.lanes[class as usize].push(user, Waiting { number, weight_bytes, overtaken: 0, job });
        Ticket { class, user, number }
    }

    /// Takes a job back that its caller no longer waits for; nothing where it has been served.
    pub fn remove(&mut self, ticket: Ticket) {
        self.lanes[ticket.class as usize].remove(ticket.user, ticket.number);
    }

    /// The job that `worker` is to run from `now` on, until it is [`done`](Queue::done).
    pub fn take(&mut self, worker: usize, now: Instant) -> Option<J> {
        let Queue { lanes, running, budget_bytes, slow_until, slow, .. } = self;
        let is_slow = |user: &Option<UserId>| is_slow(*user, running, slow_until, *slow, now);
        let slow_jobs = running.iter().flatten().filter(|job| is_slow(&job.user)).count();
        let has_worker_for_slow = slow_jobs < running.len().saturating_sub(1).max(1);
        let may_run = |user: Option<UserId>| has_worker_for_slow || !is_slow(&user);
        let (class, user, Waiting { number, weight_bytes, job, .. }) =
            CLASSES.into_iter().find_map(|class| {
                let same = running.iter().flatten().filter(|job| job.class == class);
                let taken = same.map(|job| job.weight_bytes).fold(0, u64::saturating_add);
                let has_room =
                    |weight_bytes: u64| taken == 0 || weight_bytes <= budget_bytes.saturating_sub(taken);
                let (user, job) = lanes.get_mut(class as usize)?.take(may_run, has_room)?;
                Some((class, user, job))
            })?;
        *running.get_mut(worker)? =
            Some(Running { class, user, number, since: now, weight_bytes, gives_way: false });
        Some(job)
    }

    /// `worker` is free again.
    pub fn done(&mut self, worker: usize, now: Instant) {
        self.release(worker, now);
    }

    /// `worker` is free again, and what it ran waits as if it had never begun.
    pub fn put_back(&mut self, worker: usize, now: Instant, job: J) {
        if let Some(Running { class, user, number, weight_bytes, .. }) = self.release(worker, now) {
            self.lanes[class as usize].put_back(user, Waiting { number, weight_bytes, overtaken: 0, job });
        }
    }

    fn release(&mut self, worker: usize, now: Instant) -> Option<Running> {
        let running = self.running.get_mut(worker).and_then(Option::take)?;
        self.slow_until.retain(|_, until| *until > now);
        if let Some(user) = running.user.filter(|_| now.saturating_duration_since(running.since) > self.slow)
        {
            self.slow_until.insert(user, now + SLOW_MEMORY);
        }
        Some(running)
    }

    /// Whether `worker` is to stop what it does and [put it back](Queue::put_back): the jobs of slow users hold all of
    /// several workers, this one for longer than `slow`, and a user who is not slow waits. Says so of one worker at a time.
    pub fn gives_way(&mut self, worker: usize, now: Instant) -> bool {
        let Queue { lanes, running, slow_until, slow, .. } = self;
        let is_slow = |user: &Option<UserId>| is_slow(*user, running, slow_until, *slow, now);
        let is_long = |job: &Running| now.saturating_duration_since(job.since) > *slow;
        let gives_way = running.len() > 1
            && running.get(worker).is_some_and(|job| job.as_ref().is_some_and(is_long))
            && running.iter().all(|job| job.as_ref().is_some_and(|job| is_slow(&job.user) && !job.gives_way))
            && lanes.iter().flat_map(|lane| &lane.turns).any(|waits| !is_slow(waits));
        if let Some(Some(job)) = running.get_mut(worker) {
            job.gives_way |= gives_way;
        }
        gives_way
    }

    pub fn waiting(&self) -> usize {
        self.lanes.iter().flat_map(|lane| lane.jobs.values()).map(VecDeque::len).sum()
    }

    pub fn running(&self) -> usize {
        self.running.iter().flatten().count()
    }
}

/// Whether a user has shown to send slow files, of late or by what runs. What is nobody's is not slow.
fn is_slow(
    user: Option<UserId>,
    running: &[Option<Running>],
    slow_until: &HashMap<UserId, Instant>,
    slow: Duration,
    now: Instant,
) -> bool {
    let Some(user) = user else { return false };
    let mut mine = running.iter().flatten().filter(|job| job.user == Some(user));
    slow_until.get(&user).is_some_and(|until| *until > now)
        || mine.any(|job| now.saturating_duration_since(job.since) > slow)
}

impl<J> Lane<J> {
    fn push(&mut self, user: Option<UserId>, job: Waiting<J>) {
        let jobs = self.jobs.entry(user).or_default();
        if jobs.is_empty() {
            self.turns.push_back(user);
        }
        jobs.push_back(job);
    }

    /// Before the user's others. It has had its turn.
    fn put_back(&mut self, user: Option<UserId>, job: Waiting<J>) {
        let jobs = self.jobs.entry(user).or_default();
        if jobs.is_empty() {
            self.turns.push_back(user);
        }
        jobs.push_front(job);
    }

    fn remove(&mut self, user: Option<UserId>, number: u64) {
        let Some(jobs) = self.jobs.get_mut(&user) else {
            return;
        };
        jobs.retain(|job| job.number != number);
        if jobs.is_empty() {
            self.jobs.remove(&user);
            self.turns.retain(|other| *other != user);
        }
    }

    /// The oldest job of the first user who may run one for which there is room; who has more goes to the end.
    fn take(
        &mut self,
        may_run: impl Fn(Option<UserId>) -> bool,
        has_room: impl Fn(u64) -> bool,
    ) -> Option<(Option<UserId>, Waiting<J>)> {
        let mut chosen = None;
        let mut passed_over = Vec::new();
        for (turn, user) in self.turns.iter().enumerate().filter(|(_, user)| may_run(**user)) {
            let oldest = self.jobs.get(user)?.front()?;
            if has_room(oldest.weight_bytes) {
                chosen = Some(turn);
                break;
            }
            if oldest.overtaken >= MAX_OVERTAKEN {
                return None;
            }
            passed_over.push(*user);
        }
        let user = self.turns.remove(chosen?)?;
        for user in passed_over {
            if let Some(oldest) = self.jobs.get_mut(&user).and_then(VecDeque::front_mut) {
                oldest.overtaken += 1;
            }
        }
        let jobs = self.jobs.get_mut(&user)?;
        let job = jobs.pop_front()?;
        if jobs.is_empty() {
            self.jobs.remove(&user);
        } else {
            self.turns.push_back(user);
        }
        Some((user, job))
    }
}
