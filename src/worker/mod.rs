//! Where media runs: child processes that can reach nothing but the one file they are asked about.
//!
//! [`Pool`] keeps `assetd worker` children and hands them files, [`run_child`] is the life of one. What comes back is
//! numbers, enums and picture bytes, never text, and none of it is believed before it was checked.
//!
//! queue: who is served next · pool: threads, each with its child · process: one child, seen from the server ·
//! wire: the bytes between the two · child: one child, seen from within · sandbox: how it locks itself down ·
//! source: its file · memory: what happens when it has no more · drill: what the tests make it do.

mod child;
#[doc(hidden)]
pub mod drill;
mod memory;
mod pool;
mod process;
#[doc(hidden)]
pub mod queue;
#[doc(hidden)]
pub mod sandbox;
#[doc(hidden)]
pub mod source;
#[doc(hidden)]
pub mod wire;

use std::io;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

/// What media says, for those who only know workers; `sniff` looks at a head that is in memory anyway.
pub use crate::media::peaks::Peaks;
pub use crate::media::{HEAD_BYTES, Limits, Refusal, Sniffed, sniff};
pub use child::run_child;
pub use pool::{Load, Pool};
pub use sandbox::Step;

/// How a pool works.
#[derive(Clone, Debug)]
pub struct Options {
    /// Children, and so jobs at once.
    pub workers: NonZeroUsize,
    pub limits: Limits,
    /// For the facts of one file.
    pub probe: Allowance,
    /// For its picture or peaks.
    pub derive: Allowance,
    /// Address space of a child beyond what the executable itself maps.
    pub memory_bytes: u64,
    /// Memory that the readings of facts which run side by side are estimated to take together, at most, and again the
    /// drawings of pictures; one alone may take more.
    pub budget_bytes: u64,
    /// A job longer than this shows its user to send slow files: see [`queue`].
    pub slow: Duration,
    /// What to start. Not looked up in `PATH`.
    pub program: PathBuf,
    /// Children do what the files tell them ([`drill`]). For tests alone.
    #[doc(hidden)]
    pub drill: bool,
}

/// The time that one job may take. Waiting in the queue does not count.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    /// By the clock: on a machine that is busy with other things a job waits for it, too.
    pub wall: Duration,
    /// Rounded up to whole seconds, as the kernel counts them.
    pub cpu: Duration,
}

/// Facts come from headers and walks: those that take this long are built to. Shorter than for a picture, since a
/// client waits for the refusal.
const PROBE: Allowance = Allowance { wall: Duration::from_secs(10), cpu: Duration::from_secs(5) };
/// The clock's by API.md, 3. The CPU's is twice what the costliest film within the budgets of `media` takes; the upload
/// waits for it.
const DERIVE: Allowance = Allowance { wall: Duration::from_secs(20), cpu: Duration::from_secs(8) };
/// API.md, 3.
const MEMORY_BYTES: u64 = 512 << 20;
/// Ten times what a large photograph or the page of a heavy document takes.
const SLOW: Duration = Duration::from_secs(2);
/// The running executable itself, also when its file has been replaced since: the kernel holds on to what runs.
const PROGRAM: &str = "/proc/self/exe";

impl Options {
    /// A child a core, the limits of API.md, the running executable.
    pub fn new(limits: Limits) -> Options {
        Options {
            workers: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            limits,
            probe: PROBE,
            derive: DERIVE,
            memory_bytes: MEMORY_BYTES,
            budget_bytes: budget_bytes(),
            slow: SLOW,
            program: PROGRAM.into(),
            drill: false,
        }
    }
}

/// A quarter of the machine's memory, and at least what one worker may take: on a machine of many cores as many workers
/// with 512 MiB each would be too much, and on a small one even a few.
fn budget_bytes() -> u64 {
    let system = rustix::system::sysinfo();
    let total = system.totalram.saturating_mul(system.mem_unit.into());
    (total / 4).max(MEMORY_BYTES)
}

/// What became of a preview.
#[derive(Debug)]
pub enum Drawn<T> {
    Made(T),
    /// The file has none, or drawing it takes too much.
    Impossible,
    /// The clock ran out before the CPU that a job may use had been given to it: another time, then.
    NotNow,
}

/// What failed on our side, for the log. A file's fault is never one of these.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("cannot start a worker process: {0}")]
    Start(io::Error),
    #[error("a worker process ended before it was ready: {0}")]
    Ended(ExitStatus),
    #[error("a worker process was not ready in time")]
    Unready,
    /// EPERM from Landlock or seccomp: something around assetd (a systemd unit, a container) forbids the calls.
    #[error("a worker process cannot lock itself down ({step}): {error}")]
    Lockdown { step: Step, error: io::Error },
    #[error("worker processes end before they can be given a job")]
    Unfit,
    #[error("cannot hand a file to a worker process: {0}")]
    File(io::Error),
    #[error("the pool of worker processes has stopped")]
    Stopped,
}
