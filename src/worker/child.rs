//! One worker, seen from within: the life of `assetd worker`.
//!
//! 1. Bind its life to the server's. 2. Keep the socket and nothing else. 3. Lock down.
//! 4. Look into files, until the server hangs up.

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::mem::{ManuallyDrop, MaybeUninit};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::panic::resume_unwind;
use std::process::ExitCode;
use std::thread;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendFlags, recvmsg, send, sockopt,
};
use rustix::process::Signal;

use super::source::FileSource;
use super::wire::{FRAME_BYTES, Frame, Look, PICTURE_MAX_BYTES, Report, Request};
use super::{drill, memory, sandbox};
use crate::asset::{Format, Kind};
use crate::media::{self, Peaks};

/// For decoders that recurse. Only what is touched of it is memory.
const STACK_BYTES: usize = 64 << 20;

/// How far a preview stands back behind what is being served: half of the way down.
pub const PREVIEW_NICENESS: i32 = 10;

/// Started by hand: the usage status of sysexits.h.
const EXIT_USAGE: u8 = 64;
/// The server said something that is no request, or a reader panicked: sysexits.h, EX_SOFTWARE.
const EXIT_SOFTWARE: u8 = 70;

/// The life of `assetd worker`: called by main, with nothing done before, when the first argument is `worker`.
pub fn run_child() -> ExitCode {
    let drill = std::env::args_os().nth(2).is_some_and(|argument| argument == "--drill");
    match live(drill) {
        Ok(code) => code,
        // The server is gone, or going.
        Err(_) => ExitCode::SUCCESS,
    }
}

fn live(drill: bool) -> io::Result<ExitCode> {
    // For ps and top, which would say "exe".
    rustix::thread::set_name(c"assetd-worker")?;
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    if !started_by_parent() {
        eprintln!("assetd worker is started by assetd itself");
        return Ok(ExitCode::from(EXIT_USAGE));
    }
    let socket = keep_only_the_socket()?;
    ignore_signals();
    settle_memory();
    // A message of a panic could carry a file's text.
    std::panic::set_hook(Box::new(|_| {}));

    let mut worker = Worker { socket: ManuallyDrop::new(socket), drill, tried: String::new() };
    let Some((sequence, Request::Setup { memory_bytes }, None)) = worker.receive()? else {
        return Ok(ExitCode::from(EXIT_SOFTWARE));
    };
    // The stack is there before any file is.
    let memory_bytes = memory_bytes.saturating_add(STACK_BYTES as u64);
    let ready = match sandbox::lock(memory_bytes, worker.socket.as_fd()) {
        Ok(landlock) => Report::Ready { landlock },
        Err(failure) => Report::NotReady {
            step: failure.step,
            errno: failure.error.raw_os_error().unwrap_or(0).unsigned_abs(),
        },
    };
    worker.report(sequence, ready, &[])?;
    if !matches!(ready, Report::Ready { .. }) {
        return Ok(ExitCode::from(EXIT_SOFTWARE));
    }
    if drill {
        worker.tried = drill::try_all("main");
    }
    let serving = thread::Builder::new().stack_size(STACK_BYTES).spawn(move || worker.serve());
    match serving {
        // What does not return has panicked.
        Ok(serving) => serving.join().unwrap_or(Ok(ExitCode::from(EXIT_SOFTWARE))),
        Err(_) => memory::exhausted(),
    }
}

/// Whether standard input is a socket whose other end our parent made, and that parent lives: the signal above is only
/// sent by a parent that dies from now on.
fn started_by_parent() -> bool {
    match sockopt::socket_peercred(io::stdin()) {
        Ok(maker) => rustix::process::getppid() == Some(maker.pid),
        Err(_) => false,
    }
}

/// The socket as descriptor 3; the standard streams on /dev/null; everything else that was handed down closed, as a
/// socket is that systemd passed to the server.
fn keep_only_the_socket() -> io::Result<OwnedFd> {
    const FIRST: u32 = 3;
    // SAFETY: nothing in this process holds a descriptor from 3 on yet.
    if unsafe { libc::syscall(libc::SYS_close_range, FIRST, u32::MAX, 0) } < 0 {
        // Kernels before 5.9.
        let open = std::fs::read_dir("/proc/self/fd")?
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        let open: Vec<i32> = open.filter(|descriptor| *descriptor >= FIRST.cast_signed()).collect();
        for descriptor in open {
            // SAFETY: as above; the one that the list was read by is closed already.
            unsafe { libc::close(descriptor) };
        }
    }
    let socket = rustix::io::fcntl_dupfd_cloexec(io::stdin(), FIRST.cast_signed())?;
    let null = File::options().read(true).open("/dev/null")?;
    // SAFETY: both are open, and standard input is nobody's but ours.
    if unsafe { libc::dup2(null.as_raw_fd(), libc::STDIN_FILENO) } < 0 {
        return Err(io::Error::last_os_error());
    }
    std::env::set_current_dir("/")?;
    Ok(socket)
}

/// A terminal or a service manager that stops the server signals its children too. They are to finish what the server
/// finishes; they end when it hangs up.
fn ignore_signals() {
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGQUIT] {
        // SAFETY: to ignore a signal runs no code.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

/// One arena, since one thread at a time allocates; and where memory runs out on the host, we go before the server
/// does.
fn settle_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: sets a number.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
    memory::end_when_exhausted();
    const OOM_SCORE: &str = "800";
    // Where that is not allowed nothing is lost but the order.
    let _ = std::fs::write("/proc/self/oom_score_adj", OOM_SCORE);
}

/// Gives back what a job took. Small change is kept: to give it back and fetch it again costs four times the job that
/// finds the size of a picture (42 µs).
fn trim_memory() {
    #[cfg(target_env = "gnu")]
    {
        const KEPT_BYTES: usize = 1 << 20;
        // SAFETY: both touch only what the allocator keeps. The count is an `int`, which the address space can't
        // overflow.
        unsafe {
            if usize::try_from(libc::mallinfo().fordblks).unwrap_or(usize::MAX) > KEPT_BYTES {
                libc::malloc_trim(0);
            }
        }
    }
}

struct Worker {
    /// Closed by the end of the process and not before: to the server that is one event, and it then asks for the
    /// status.
    socket: ManuallyDrop<OwnedFd>,
    drill: bool,
    /// For [`drill`]: what the threads found that draw nothing.
    tried: String,
}

impl Worker {
    /// The media thread.
    fn serve(mut self) -> io::Result<ExitCode> {
        if self.drill {
            self.tried += &drill::try_all("serving");
        }
        while let Some((sequence, request, file)) = self.receive()? {
            let (report, picture) = match (request, file) {
                (Request::Check, None) => (Report::Alive, Vec::new()),
                (Request::Look { look, format, size_bytes, max_pixels }, Some(file)) => {
                    let source = FileSource::new(file.into(), size_bytes);
                    let job = Job { sequence, look, format, max_pixels };
                    self.run(&job, source)
                }
                _ => return Ok(ExitCode::from(EXIT_SOFTWARE)),
            };
            self.report(sequence, report, &picture)?;
            drop(picture);
            trim_memory();
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Has a job done. A preview is drawn on a thread of its own, since an unprivileged one could not raise its
    /// priority again.
    fn run(&self, job: &Job, source: FileSource) -> (Report, Vec<u8>) {
        let look = || match self.drill {
            true => drill::obey(job, source, self.socket.as_fd(), &self.tried),
            false => job.look(source),
        };
        match job.look {
            Look::Facts => look(),
            Look::Preview => thread::scope(|scope| {
                let drawing = thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, || {
                    // Where that fails the preview competes with serving, no more.
                    let _ = rustix::process::setpriority_process(None, PREVIEW_NICENESS);
                    look()
                });
                match drawing {
                    Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
                    Err(_) => memory::exhausted(),
                }
            }),
        }
    }

    /// The next request, its sequence before it and the file that came along behind it; `None` when the server has
    /// hung up.
    fn receive(&self) -> io::Result<Option<(u64, Request, Option<OwnedFd>)>> {
        let mut frame: Frame = [0; FRAME_BYTES];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let parts = &mut [IoSliceMut::new(&mut frame)];
        let received = rustix::io::retry_on_intr(|| {
            recvmsg(&*self.socket, parts, &mut control, RecvFlags::CMSG_CLOEXEC | RecvFlags::WAITALL)
        })?;
        let mut file = None;
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(files) = message {
                file = files.last();
            }
        }
        if received.bytes == 0 {
            return Ok(None);
        }
        if received.bytes < FRAME_BYTES || received.flags.contains(ReturnFlags::CTRUNC) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let (sequence, request) = Request::from_frame(&frame).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Some((sequence, request, file)))
    }

    fn report(&self, sequence: u64, report: Report, picture: &[u8]) -> io::Result<()> {
        send_all(self.socket.as_fd(), &report.to_frame(sequence))?;
        send_all(self.socket.as_fd(), picture)
    }
}

/// What is wanted of one file.
pub struct Job {
    pub sequence: u64,
    pub look: Look,
    pub format: Format,
    pub max_pixels: u64,
}

impl Job {
    fn look(&self, mut source: FileSource) -> (Report, Vec<u8>) {
        let limits = media::Limits { max_pixels: self.max_pixels };
        match self.look {
            Look::Facts => {
                let report = match media::probe(self.format, &mut source, &limits) {
                    Ok(facts) => Report::Facts(facts),
                    Err(refusal) => Report::Refused(refusal),
                };
                (report, Vec::new())
            }
            Look::Preview if self.format.kind() == Kind::Audio => {
                peaks(media::peaks(self.format, &mut source))
            }
            Look::Preview => picture(media::derive(self.format, &mut source, &limits)),
        }
    }
}

/// The report of a picture, if it is one the server would take.
pub fn picture(picture: Option<Vec<u8>>) -> (Report, Vec<u8>) {
    let picture = picture.unwrap_or_default();
    match u32::try_from(picture.len()) {
        Ok(bytes @ 1..=PICTURE_MAX_BYTES) => (Report::Picture { bytes }, picture),
        _ => (Report::NoPreview, Vec::new()),
    }
}

/// The report of peaks, and their bytes.
fn peaks(peaks: Option<Peaks>) -> (Report, Vec<u8>) {
    let Some(peaks) = peaks else {
        return (Report::NoPreview, Vec::new());
    };
    let (rate, samples_per_point) = (peaks.rate(), peaks.samples_per_point());
    match u16::try_from(peaks.points().len()) {
        Ok(points) => {
            let bytes = peaks.points().iter().flatten().map(|sample| sample.cast_unsigned()).collect();
            (Report::Peaks { rate, samples_per_point, points }, bytes)
        }
        Err(_) => (Report::NoPreview, Vec::new()),
    }
}

/// Writes it all to the socket.
pub fn send_all(socket: BorrowedFd<'_>, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let sent = rustix::io::retry_on_intr(|| send(socket, bytes, SendFlags::NOSIGNAL))?;
        bytes = bytes.get(sent..).unwrap_or(&[]);
    }
    Ok(())
}
