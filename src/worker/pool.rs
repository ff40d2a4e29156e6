//! A few workers, each owned by a thread of its own, and the queue before them.
//!
//! The life of such a thread: 1. start a child; 2. take the next job; 3. replace the child if it has gone since, or has
//! drawn a picture for another user; 4. have the job done, again by a fresh child if this one is lost, and answer;
//! 5. replace the child if it was lost or has served its time, and on with 2.
//! The kernel kills a child when the thread that started it ends, so the threads live as long as the pool.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use tokio::sync::oneshot;

use super::process::{Answer, Loss, Process};
use super::queue::{Class, Queue, Ticket};
use super::wire::{Look, Request};
use super::{Allowance, Drawn, Fault, Options};
use crate::asset::{Facts, Flaw, Format, UserId};
use crate::media::{self, Peaks, Refusal};

/// Children that end before they are ready, one after the other, before that is a fault: a signal or a shortage of
/// memory may strike one, hardly three.
const START_ATTEMPTS: usize = 3;

/// The threads wait and pass on; they look into nothing.
const STACK_BYTES: usize = 256 << 10;

/// A check is answered by a child that has nothing else to do.
const CHECK: Allowance = Allowance { wall: Duration::from_secs(5), cpu: Duration::from_secs(5) };

/// The pool of workers. Cheap to clone; it ends with its last clone, the children too.
#[derive(Clone)]
pub struct Pool {
    closer: Arc<Closer>,
}

/// How much is going on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Load {
    pub running: usize,
    pub waiting: usize,
}

/// Ends the threads when the last `Pool` goes.
struct Closer {
    shared: Arc<Shared>,
}

struct Shared {
    options: Options,
    state: Mutex<State>,
    pushed: Condvar,
}

struct State {
    queue: Queue<Job>,
    /// By slot: the process id of a child that was ready when it was last looked at.
    children: Vec<Option<u32>>,
    closed: bool,
}

struct Job {
    user: Option<UserId>,
    request: Request,
    file: Option<Arc<File>>,
    allowance: Allowance,
    answer: oneshot::Sender<Result<Answer, Fault>>,
}

impl Pool {
    /// Starts `options.workers` threads, each of which starts its child at once. Does not wait for those: a child that
    /// can't be started or locked down shows in [`check`](Pool::check), in every job, and in the log.
    pub fn start(options: Options) -> Result<Pool, Fault> {
        let workers = options.workers.get();
        let queue = Queue::new(workers, options.budget_bytes, options.slow);
        let state = State { queue, children: vec![None; workers], closed: false };
        let shared = Arc::new(Shared { options, state: Mutex::new(state), pushed: Condvar::new() });
        let pool = Pool { closer: Arc::new(Closer { shared: shared.clone() }) };
        for index in 0..workers {
            let slot = Slot { index, shared: shared.clone(), process: None, drawn_for: None };
            thread::Builder::new()
                .name(format!("worker-{index}"))
                .stack_size(STACK_BYTES)
                .spawn(move || slot.live())
                .map_err(Fault::Start)?;
        }
        Ok(pool)
    }

    /// The facts of a file, or why it is refused. Its position and mode don't matter: it is read through a descriptor
    /// of its own, and only read. Dropping the future takes the job out of the queue.
    pub async fn probe(
        &self,
        file: Arc<File>,
        format: Format,
        user: UserId,
    ) -> Result<Result<Facts, Refusal>, Fault> {
        let allowance = self.shared().options.probe;
        let weight = |size_bytes| media::probe_weight(format, size_bytes);
        match self.look(Look::Facts, file, format, user, weight, allowance).await? {
            Answer::Facts(facts) => Ok(Ok(facts)),
            Answer::Refused(refusal) => Ok(Err(refusal)),
            Answer::Alive | Answer::Picture(_) | Answer::Peaks(_) | Answer::NotNow => {
                Ok(Err(Flaw::Crashed.into()))
            }
        }
    }

    /// The thumbnail of a file whose facts are known, a JPEG.
    pub async fn derive(
        &self,
        file: Arc<File>,
        format: Format,
        facts: Facts,
        user: UserId,
    ) -> Result<Drawn<Vec<u8>>, Fault> {
        let allowance = self.shared().options.derive;
        let weight = |size_bytes| media::derive_weight(format, facts, size_bytes);
        Ok(match self.look(Look::Preview, file, format, user, weight, allowance).await? {
            Answer::Picture(Some(picture)) => Drawn::Made(picture),
            Answer::NotNow => Drawn::NotNow,
            Answer::Alive
            | Answer::Facts(_)
            | Answer::Refused(_)
            | Answer::Picture(None)
            | Answer::Peaks(_) => Drawn::Impossible,
        })
    }

    /// The peaks of a sound.
    pub async fn peaks(&self, file: Arc<File>, format: Format, user: UserId) -> Result<Drawn<Peaks>, Fault> {
        let allowance = self.shared().options.derive;
        let weight = |_| media::BASE_WEIGHT_BYTES;
        Ok(match self.look(Look::Preview, file, format, user, weight, allowance).await? {
            Answer::Peaks(peaks) => Drawn::Made(peaks),
            Answer::NotNow => Drawn::NotNow,
            Answer::Alive | Answer::Facts(_) | Answer::Refused(_) | Answer::Picture(_) => Drawn::Impossible,
        })
    }

    /// Whether files can be looked into: a child that is looking into one, or one that answers now.
    pub async fn check(&self) -> Result<(), Fault> {
        let busy = {
            let state = self.shared().state();
            state.queue.running() > 0 && state.children.iter().any(Option::is_some)
        };
        if busy {
            return Ok(());
        }
        self.ask(Class::Check, None, 0, Request::Check, None, CHECK).await.map(|_| ())
    }

    pub fn load(&self) -> Load {
        let queue = &self.shared().state().queue;
        Load { running: queue.running(), waiting: queue.waiting() }
    }

    /// The process ids of the children that are up.
    pub fn children(&self) -> Vec<u32> {
        self.shared().state().children.iter().flatten().copied().collect()
    }

    async fn look(
        &self,
        look: Look,
        file: Arc<File>,
        format: Format,
        user: UserId,
        weight: impl Fn(u64) -> u64,
        allowance: Allowance,
    ) -> Result<Answer, Fault> {
        let size_bytes = file.metadata().map_err(Fault::File)?.len();
        let max_pixels = self.shared().options.limits.max_pixels;
        let class = match look {
            Look::Facts => Class::Facts,
            Look::Preview => Class::Preview,
        };
        let request = Request::Look { look, format, size_bytes, max_pixels };
        // No job takes more than a worker has.
        let weight_bytes = weight(size_bytes).min(self.shared().options.memory_bytes);
        self.ask(class, Some(user), weight_bytes, request, Some(file), allowance).await
    }

    async fn ask(
        &self,
        class: Class,
        user: Option<UserId>,
        weight_bytes: u64,
        request: Request,
        file: Option<Arc<File>>,
        allowance: Allowance,
    ) -> Result<Answer, Fault> {
        let (answer, answered) = oneshot::channel();
        let job = Job { user, request, file, allowance, answer };
        let shared = self.shared();
        let ticket = shared.state().queue.push(class, user, weight_bytes, job);
        let _waiting = Waiting { shared, ticket };
        shared.pushed.notify_one();
        answered.await.unwrap_or(Err(Fault::Stopped))
    }

    fn shared(&self) -> &Shared {
        &self.closer.shared
    }
}

/// A caller that waits; when it goes, its job goes too.
struct Waiting<'a> {
    shared: &'a Shared,
    ticket: Ticket,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.shared.state().queue.remove(self.ticket);
    }
}

impl Drop for Closer {
    fn drop(&mut self) {
        self.shared.state().closed = true;
        self.shared.pushed.notify_all();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // No code that holds it can leave it half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the next job; `None` when the pool ends.
    fn next_job(&self, slot: usize) -> Option<Job> {
        let mut state = self.state();
        loop {
            if state.closed {
                return None;
            }
            if let Some(job) = state.queue.take(slot, Instant::now()) {
                // The one who was woken may not have been the only one who can go on: a user may run one job more
                // since another's ended.
                if state.queue.waiting() > 0 {
                    self.pushed.notify_one();
                }
                return Some(job);
            }
            state = self.pushed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// One thread and its child.
struct Slot {
    index: usize,
    shared: Arc<Shared>,
    process: Option<Process>,
    /// Whose picture the child has drawn. Decoders are where a file could get hold of it: what one user's file has done to
    /// a child, no other user's meets.
    drawn_for: Option<UserId>,
}

impl Slot {
    fn live(mut self) {
        self.replace();
        while let Some(job) = self.shared.next_job(self.index) {
            match self.answer(&job) {
                Some(answer) => {
                    self.shared.state().queue.done(self.index, Instant::now());
                    // Nobody waits any more: no harm.
                    let _ = job.answer.send(answer);
                }
                None => self.shared.state().queue.put_back(self.index, Instant::now(), job),
            }
            self.replace();
        }
        self.keep(None);
    }

    /// Has a fit child, if one can be had. A fault is logged here; the next job tries again.
    fn replace(&mut self) {
        if let Err(fault) = self.fit() {
            tracing::error!(%fault, "no worker process");
        }
    }

    /// A child that can be given a job of this user's, a new one if need be.
    fn fit_for(&mut self, user: Option<UserId>) -> Result<&mut Process, Fault> {
        if self.drawn_for.is_some_and(|other| Some(other) != user) {
            self.keep(None);
        }
        self.fit()
    }

    /// A child that can be given a job, a new one if need be.
    fn fit(&mut self) -> Result<&mut Process, Fault> {
        if !self.process.as_ref().is_some_and(Process::is_fit) {
            self.keep(None);
            let process = start(&self.shared.options)?;
            self.keep(Some(process));
        }
        self.process.as_mut().ok_or(Fault::Unfit)
    }

    fn keep(&mut self, process: Option<Process>) {
        if let Some(child) = self.shared.state().children.get_mut(self.index) {
            *child = process.as_ref().map(Process::id);
        }
        self.drawn_for = None;
        self.process = process;
    }

    /// A child lost over a file that was not its first may be the doing of one before, so the file is given to a fresh
    /// one: what is said of a file never depends on others. All within the one time by the clock. `None` where the job gave way to
    /// those of others.
    fn answer(&mut self, job: &Job) -> Option<Result<Answer, Fault>> {
        let file = match job.file.as_deref().map(read_only).transpose() {
            Ok(file) => file,
            Err(fault) => return Some(Err(fault)),
        };
        let until = Instant::now() + job.allowance.wall;
        let (index, shared) = (self.index, self.shared.clone());
        let gives_way = || shared.state().queue.gives_way(index, Instant::now());
        for _ in 0..START_ATTEMPTS {
            let process = match self.fit_for(job.user) {
                Ok(process) => process,
                Err(fault) => return Some(Err(fault)),
            };
            let fresh = process.is_fresh();
            let answer = process.run(
                job.request,
                file.as_ref().map(AsFd::as_fd),
                until,
                job.allowance.cpu,
                &gives_way,
            );
            if matches!(job.request, Request::Look { look: Look::Preview, .. }) {
                self.drawn_for = job.user;
            }
            match answer {
                Ok(answer) => return Some(Ok(answer)),
                Err(Loss::Flaw(flaw)) if fresh || flaw == Flaw::TooSlow => {
                    return Some(lost(job.request, flaw));
                }
                Err(Loss::Late) => {
                    return Some(match job.request {
                        Request::Look { look: Look::Preview, .. } => Ok(Answer::NotNow),
                        request => lost(request, Flaw::TooSlow),
                    });
                }
                Err(Loss::GaveWay) => return None,
                Err(Loss::Flaw(_) | Loss::Unsent) => {}
            }
        }
        Some(Err(Fault::Unfit))
    }
}

/// What a child that was lost over a request says about the file.
fn lost(request: Request, flaw: Flaw) -> Result<Answer, Fault> {
    match request {
        Request::Look { look: Look::Facts, .. } => Ok(Answer::Refused(flaw.into())),
        Request::Look { look: Look::Preview, .. } => Ok(Answer::Picture(None)),
        Request::Check | Request::Setup { .. } => Err(Fault::Unfit),
    }
}

fn start(options: &Options) -> Result<Process, Fault> {
    let mut result = Process::start(options);
    for _ in 1..START_ATTEMPTS {
        match result {
            Err(Fault::Ended(status)) => {
                tracing::warn!(%status, "a worker process ended before it was ready");
                result = Process::start(options);
            }
            other => return other.inspect(say_if_old_kernel),
        }
    }
    result.inspect(say_if_old_kernel)
}

/// Once.
fn say_if_old_kernel(process: &Process) {
    static SAID: Once = Once::new();
    if !process.landlock {
        SAID.call_once(|| {
            tracing::warn!("this kernel has no Landlock: worker processes are held by seccomp alone");
        });
    }
}

/// The same file through a descriptor that can only read, with a position of its own.
fn read_only(file: &File) -> Result<OwnedFd, Fault> {
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|error| Fault::File(error.into()))
}
