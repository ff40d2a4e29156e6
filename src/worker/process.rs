//! One worker, seen from the server.

use std::fmt;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
    recv, sendmsg, socketpair,
};
use rustix::process::{Pid, Resource, Rlimit};

use super::wire::{FRAME_BYTES, Frame, Look, Report, Request};
use super::{Fault, Options, memory};
use crate::asset::{Facts, Flaw, Kind};
use crate::media::{Peaks, Refusal};

/// Ready takes a few milliseconds; more than this much of them and something stands in the way.
const START_DEADLINE: Duration = Duration::from_secs(10);

/// A worker is replaced after so many jobs, so that memory which some decoder leaks or scatters never adds up to a
/// limit that an innocent file then exceeds. At 3 ms for a new one that is 12 µs a job.
const JOBS_A_LIFE: u32 = 256;

/// So often is it asked whether a job is to give way to others.
const GIVE_WAY_EVERY: Duration = Duration::from_millis(100);

/// What a worker was able to say.
#[derive(Debug)]
pub enum Answer {
    Alive,
    Facts(Facts),
    Refused(Refusal),
    Picture(Option<Vec<u8>>),
    Peaks(Peaks),
    /// No picture and no peaks, for want of time.
    NotNow,
}

/// Why there was no answer. The worker is of no more use.
#[derive(Debug)]
pub enum Loss {
    /// It had gone before the request could be sent.
    Unsent,
    /// The file's doing, if it was the first.
    Flaw(Flaw),
    /// The clock's.
    Late,
    /// It was stopped for the sake of others.
    GaveWay,
}

/// A child that is locked down and waits for work. Dropped, it is killed and reaped.
pub struct Process {
    child: Child,
    socket: OwnedFd,
    /// Of the last request.
    sequence: u64,
    jobs_left: u32,
    /// Whether this kernel locked it into Landlock.
    pub landlock: bool,
}

impl Process {
    /// Starts a child and waits until it has locked itself down. It lives no longer than the calling thread.
    pub fn start(options: &Options) -> Result<Process, Fault> {
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
            .map_err(|error| Fault::Start(error.into()))?;
        let mut command = Command::new(&options.program);
        command.arg0("assetd").arg("worker");
        if options.drill {
            command.arg("--drill");
        }
        // A process group of its own: Ctrl-C is the server's alone.
        command.env_clear().process_group(0);
        command.stdin(theirs).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().map_err(Fault::Start)?;
        // The command holds the other end of the socket; while it is open a dead child does not show.
        drop(command);

        let mut process =
            Process { child, socket: ours, sequence: 0, jobs_left: JOBS_A_LIFE, landlock: false };
        let setup = Request::Setup { memory_bytes: options.memory_bytes };
        if process.send(setup, None).is_err() {
            return Err(process.ended());
        }
        match process.report(&Patience { until: Instant::now() + START_DEADLINE, gives_way: &|| false }) {
            Ok(Report::Ready { landlock }) => process.landlock = landlock,
            Ok(Report::NotReady { step, errno }) => {
                let error = io::Error::from_raw_os_error(errno.cast_signed());
                return Err(Fault::Lockdown { step, error });
            }
            Err(Silence::Late) => return Err(Fault::Unready),
            Ok(_) | Err(Silence::Gone | Silence::Nonsense | Silence::GaveWay) => return Err(process.ended()),
        }
        Ok(process)
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it can be given a job: it lives, has said nothing unasked, and has not served its time.
    pub fn is_fit(&self) -> bool {
        let mut sockets = [PollFd::new(&self.socket, PollFlags::IN)];
        self.jobs_left > 0 && matches!(poll(&mut sockets, Some(&Timespec::default())), Ok(0))
    }

    /// Whether it has looked into nothing yet, so that what it does is the doing of the file it is given.
    pub fn is_fresh(&self) -> bool {
        self.jobs_left == JOBS_A_LIFE
    }

    /// Has a request answered by `until` and with so much CPU, or until `gives_way` says so. After a loss it is not fit any
    /// more.
    pub fn run(
        &mut self,
        request: Request,
        file: Option<BorrowedFd<'_>>,
        until: Instant,
        cpu: Duration,
        gives_way: &dyn Fn() -> bool,
    ) -> Result<Answer, Loss> {
        self.jobs_left = self.jobs_left.saturating_sub(1);
        self.limit_cpu(cpu);
        let answer = match self.send(request, file) {
            Ok(()) => self.answer(request, &Patience { until, gives_way }).map_err(|silence| {
                let loss = self.loss(&silence);
                tracing::info!(pid = self.id(), ?request, %silence, ?loss, "worker process lost");
                loss
            }),
            Err(_) => Err(Loss::Unsent),
        };
        if answer.is_err() {
            self.jobs_left = 0;
        }
        answer
    }

    fn answer(&self, request: Request, patience: &Patience) -> Result<Answer, Silence> {
        let (look, format) = match request {
            Request::Look { look, format, .. } => (Some(look), Some(format)),
            Request::Setup { .. } | Request::Check => (None, None),
        };
        match (look, self.report(patience)?) {
            (None, Report::Alive) => Ok(Answer::Alive),
            (Some(Look::Facts), Report::Facts(facts))
                if format.map(|format| format.kind()) == Some(facts.kind()) =>
            {
                Ok(Answer::Facts(facts))
            }
            (Some(Look::Facts), Report::Refused(refusal)) => Ok(Answer::Refused(refusal)),
            (Some(Look::Preview), Report::NoPreview) => Ok(Answer::Picture(None)),
            (Some(Look::Preview), Report::Picture { bytes })
                if format.map(|format| format.kind()) != Some(Kind::Audio) =>
            {
                let mut picture = vec![0; bytes as usize];
                self.receive(&mut picture, patience)?;
                // ISO/IEC 10918-1, B.1.1.3: start of image, and the marker that follows it. Nothing else is stored as
                // a thumbnail, whatever has got hold of the worker.
                if picture.starts_with(&[0xff, 0xd8, 0xff]) {
                    Ok(Answer::Picture(Some(picture)))
                } else {
                    Err(Silence::Nonsense)
                }
            }
            (Some(Look::Preview), Report::Peaks { rate, samples_per_point, points })
                if format.map(|format| format.kind()) == Some(Kind::Audio) =>
            {
                let mut bytes = vec![0; 2 * usize::from(points)];
                self.receive(&mut bytes, patience)?;
                let (pairs, _) = bytes.as_chunks();
                let points = pairs.iter().map(|[low, high]| [low.cast_signed(), high.cast_signed()]);
                let peaks = Peaks::new(rate, samples_per_point, points.collect());
                peaks.map(Answer::Peaks).ok_or(Silence::Nonsense)
            }
            _ => Err(Silence::Nonsense),
        }
    }

    /// The report on the last request.
    fn report(&self, patience: &Patience) -> Result<Report, Silence> {
        let mut frame: Frame = [0; FRAME_BYTES];
        self.receive(&mut frame, patience)?;
        match Report::from_frame(&frame) {
            Some((sequence, report)) if sequence == self.sequence => Ok(report),
            _ => Err(Silence::Nonsense),
        }
    }

    fn send(&mut self, request: Request, file: Option<BorrowedFd<'_>>) -> io::Result<()> {
        self.sequence += 1;
        let frame = request.to_frame(self.sequence);
        let files = file.as_slice();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !files.is_empty() && !control.push(SendAncillaryMessage::ScmRights(files)) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        // A frame always fits into the buffer of a socket that holds nothing else.
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        let sent = rustix::io::retry_on_intr(|| {
            sendmsg(&self.socket, &[IoSlice::new(&frame)], &mut control, flags)
        })?;
        if sent == FRAME_BYTES { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
    }

    /// Fills the buffer. What has arrived is read also when the deadline has passed, as it may have while this process
    /// was stopped.
    fn receive(&self, mut buffer: &mut [u8], patience: &Patience) -> Result<(), Silence> {
        while !buffer.is_empty() {
            match recv(&self.socket, &mut *buffer, RecvFlags::DONTWAIT) {
                Ok((_, 0)) => return Err(Silence::Gone),
                Ok((_, count)) => buffer = buffer.get_mut(count..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => self.wait(patience)?,
                Err(_) => return Err(Silence::Gone),
            }
        }
        Ok(())
    }

    /// Waits until there is something to read.
    fn wait(&self, patience: &Patience) -> Result<(), Silence> {
        let left = patience.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Silence::Late);
        }
        let timeout = Timespec::try_from(left.min(GIVE_WAY_EVERY)).map_err(|_| Silence::Late)?;
        match poll(&mut [PollFd::new(&self.socket, PollFlags::IN)], Some(&timeout)) {
            Ok(0) if (patience.gives_way)() => Err(Silence::GaveWay),
            // The next turn sees what has come, or that the time is over.
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(_) => Err(Silence::Gone),
        }
    }

    /// Lets the child use `allowance` of CPU from now on. `RLIMIT_CPU` counts whole seconds of the process' life. Where
    /// something around us forbids to set it the clock is enough.
    fn limit_cpu(&self, allowance: Duration) {
        let Some((pid, used)) = self.pid().and_then(|pid| Some((pid, cpu_time(pid)?))) else {
            return;
        };
        let seconds = (used + allowance).as_secs().saturating_add(1);
        let limit = Rlimit { current: Some(seconds), maximum: None };
        if let Err(error) = rustix::process::prlimit(Some(pid), Resource::Cpu, limit) {
            tracing::debug!(%error, "cannot limit the CPU of a worker process");
        }
    }

    fn pid(&self) -> Option<Pid> {
        Pid::from_raw(self.id().cast_signed())
    }

    /// Kills it, and tells by the way it had ended what the file did to it.
    fn loss(&mut self, silence: &Silence) -> Loss {
        let flaw = match silence {
            Silence::Late | Silence::GaveWay => {
                // Reaped when it is dropped, after the answer.
                let _ = self.child.kill();
                return if matches!(silence, Silence::Late) { Loss::Late } else { Loss::GaveWay };
            }
            Silence::Nonsense => Flaw::Crashed,
            Silence::Gone => match self.end() {
                Ok(status) if status.signal() == Some(libc::SIGXCPU) => Flaw::TooSlow,
                Ok(status) if status.code() == Some(memory::EXIT_STATUS.into()) => Flaw::TooMuchMemory,
                // Not by us: it was gone before. By the kernel, then, for want of memory.
                Ok(status) if status.signal() == Some(libc::SIGKILL) => Flaw::TooMuchMemory,
                Ok(_) | Err(_) => Flaw::Crashed,
            },
        };
        Loss::Flaw(flaw)
    }

    fn ended(&mut self) -> Fault {
        match self.end() {
            Ok(status) => Fault::Ended(status),
            Err(error) => Fault::Start(error),
        }
    }

    /// Kills it if it still lives, and reaps it. A child whose socket has closed has its status already.
    fn end(&mut self) -> io::Result<ExitStatus> {
        self.child.kill()?;
        self.child.wait()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            tracing::error!(pid = self.id(), %error, "cannot end a worker process");
        }
    }
}

/// How long an answer is waited for.
struct Patience<'a> {
    until: Instant,
    gives_way: &'a dyn Fn() -> bool,
}

/// Why no report came.
#[derive(Debug)]
enum Silence {
    Late,
    GaveWay,
    Gone,
    /// Something came that is none, or none that answers the request.
    Nonsense,
}

impl fmt::Display for Silence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Silence::Late => "over its time",
            Silence::GaveWay => "stopped",
            Silence::Gone => "ended",
            Silence::Nonsense => "answered nonsense",
        })
    }
}

/// The CPU that a process has used.
fn cpu_time(pid: Pid) -> Option<Duration> {
    let mut clock = 0;
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: both calls write to the one value they are given, which lives for the call.
    let read = unsafe {
        libc::clock_getcpuclockid(pid.as_raw_nonzero().get(), &mut clock) == 0
            && libc::clock_gettime(clock, &mut time) == 0
    };
    let (seconds, nanoseconds) = (u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?);
    read.then(|| Duration::new(seconds, nanoseconds))
}
