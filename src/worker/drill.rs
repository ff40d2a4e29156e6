//! What the tests make a worker do: crash, hang, lie, try to escape.
//!
//! A child that was started with `--drill`, which only [`Options::drill`](super::Options) does and `assetd serve` never,
//! takes the files it is given for orders. The first words of the file are the order.

use std::fs::File;
use std::hint::black_box;
use std::io::{Read, Seek};
use std::os::fd::BorrowedFd;
use std::os::unix::fs::FileExt;
use std::thread;
use std::time::Duration;

use super::child::{Job, picture, send_all};
use super::memory;
use super::source::FileSource;
use super::wire::{FRAME_BYTES, Look, PICTURE_MAX_BYTES, Report};
use crate::asset::{Facts, Kind};

/// Orders are short.
const ORDER_BYTES: u64 = 32;

/// The order to wait until the file holds [`GATE_OPEN`].
pub const GATE: &str = "gate";
pub const GATE_OPEN: &str = "gate open";

fn order(source: &mut FileSource) -> String {
    let mut order = String::new();
    // What can't be read is an order that nobody knows.
    let _ = source.by_ref().take(ORDER_BYTES).read_to_string(&mut order);
    let _ = source.rewind();
    order
}

/// Does what the file says.
pub fn obey(
    job: &Job,
    mut source: FileSource,
    socket: BorrowedFd<'_>,
    refused_on_main: u32,
) -> (Report, Vec<u8>) {
    let order = order(&mut source);
    match order.as_str() {
        "fine" => fine(job),
        GATE => {
            pass_gate(&source.into_file());
            fine(job)
        }
        GATE_OPEN => fine(job),
        "feast" => {
            feast();
            fine(job)
        }
        // Ends of the process
        "abort" => std::process::abort(),
        "panic" => std::panic::panic_any(()),
        "overflow" => (Report::Facts(Facts::Audio { duration: overflow(0) }), Vec::new()),
        "exit" => std::process::exit(0),
        "killed" => die_by(libc::SIGKILL),
        "out of cpu" => die_by(libc::SIGXCPU),
        "exhaust" => exhaust(),
        "too large" => {
            black_box(vec![0_u8; 1 << 40]);
            fine(job)
        }
        // Silence
        "hang" => loop {
            thread::sleep(Duration::from_secs(1));
        },
        "spin" => loop {
            black_box(&order);
        },
        "half" => {
            let frame = Report::Alive.to_frame(job.sequence);
            let _ = send_all(socket, &frame[..FRAME_BYTES / 2]);
            loop {
                thread::sleep(Duration::from_secs(1));
            }
        }
        // Lies
        "garbage" => {
            let _ = send_all(socket, &[0xa5; FRAME_BYTES]);
            fine(job)
        }
        "stale" => {
            let _ = send_all(socket, &fine(job).0.to_frame(job.sequence.wrapping_sub(1)));
            fine(job)
        }
        "twice" => {
            let (report, picture) = fine(job);
            let _ =
                send_all(socket, &report.to_frame(job.sequence)).and_then(|()| send_all(socket, &picture));
            fine(job)
        }
        "other kind" => {
            let facts = match job.format.kind() {
                Kind::Audio => Facts::Document { page_count: None },
                Kind::Image | Kind::Video | Kind::Document => Facts::Audio { duration: 1 },
            };
            (Report::Facts(facts), Vec::new())
        }
        "other answer" => (Report::Alive, Vec::new()),
        "long picture" => {
            let bytes = PICTURE_MAX_BYTES + 1;
            (Report::Picture { bytes }, vec![0xff; bytes as usize])
        }
        "upside down" => peaks(256, &[1, 0]),
        "odd scale" => peaks(300, &[0, 0]),
        "peaks" => peaks(256, &[0, 1]),
        "no jpeg" => picture(Some(b"<html>".to_vec())),
        // Reports on itself
        "escape" => refused(refused_attempts()),
        "escape on main" => refused(refused_on_main),
        "inventory" => {
            let variables = u32::try_from(std::env::vars_os().count()).unwrap_or(u32::MAX);
            let facts = Facts::Image { width: open_descriptors(), height: variables.saturating_add(1) };
            (Report::Facts(facts), Vec::new())
        }
        _ => (Report::NoPicture, Vec::new()),
    }
}

/// Which of the [`ATTEMPTS`] are refused to this thread, a bit each.
pub fn refused_attempts() -> u32 {
    let attempts = ATTEMPTS.iter().enumerate();
    attempts.filter(|(_, attempt)| attempt.is_refused()).fold(0, |bits, (index, _)| bits | 1 << index)
}

fn refused(attempts: u32) -> (Report, Vec<u8>) {
    (Report::Facts(Facts::Image { width: attempts, height: 1 }), Vec::new())
}

/// Peaks of one point.
fn peaks(samples_per_point: u32, point: &[u8; 2]) -> (Report, Vec<u8>) {
    (Report::Peaks { rate: 8_000, samples_per_point, points: 1 }, point.to_vec())
}

/// A right answer.
fn fine(job: &Job) -> (Report, Vec<u8>) {
    if job.look == Look::Picture && job.format.kind() == Kind::Audio {
        return peaks(256, &[0, 1]);
    }
    if job.look == Look::Picture {
        return picture(Some(vec![0xff, 0xd8, 0xff, 0xd9]));
    }
    let facts = match job.format.kind() {
        Kind::Image => Facts::Image { width: 3, height: 2 },
        Kind::Video => Facts::Video { width: 3, height: 2, duration: 1 },
        Kind::Audio => Facts::Audio { duration: 1 },
        Kind::Document => Facts::Document { page_count: None },
    };
    (Report::Facts(facts), Vec::new())
}

fn pass_gate(file: &File) {
    let mut text = [0; GATE_OPEN.len()];
    while !(file.read_exact_at(&mut text, 0).is_ok() && text == GATE_OPEN.as_bytes()) {
        thread::sleep(Duration::from_millis(1));
    }
}

/// Calls itself until the stack is full.
fn overflow(depth: u64) -> u64 {
    let frame = black_box([depth; 1 << 10]);
    if depth == u64::MAX {
        return 0;
    }
    overflow(depth.wrapping_add(1)).wrapping_add(frame[0])
}

/// Takes a lot of memory in small pieces, and lets go of it but for the last, which the allocator then can't cut off.
fn feast() {
    const PIECE_BYTES: usize = 4 << 10;
    const PIECES: usize = 50 << 8;
    let mut pieces: Vec<Vec<u8>> = (0..PIECES).map(|_| vec![1; PIECE_BYTES]).collect();
    std::mem::forget(black_box(&mut pieces).pop());
}

/// Takes memory in pieces until there is no more.
fn exhaust() -> ! {
    const PIECE_BYTES: usize = 1 << 20;
    let mut pieces = Vec::new();
    loop {
        pieces.push(vec![1_u8; PIECE_BYTES]);
        black_box(&pieces);
    }
}

fn die_by(signal: i32) -> ! {
    // SAFETY: numbers only.
    unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), libc::gettid(), signal) };
    memory::exhausted()
}

/// A bit each for standard streams that read as empty, the socket (3) and the file of the job (4); the highest for
/// any other descriptor.
fn open_descriptors() -> u32 {
    const SEARCHED: i32 = 4096;
    let mut bits = 0;
    for descriptor in 0..SEARCHED {
        let mut byte = [0_u8];
        // SAFETY: reads at most the one byte there is room for.
        let read = unsafe { libc::pread(descriptor, byte.as_mut_ptr().cast(), 1, 0) };
        let errno = std::io::Error::last_os_error().raw_os_error();
        // Standard output and error may be open for writing alone.
        match (descriptor, read, errno) {
            (_, -1, Some(libc::EBADF)) if descriptor > 2 => {}
            (0, 0, _) | (4, 1, _) | (3, -1, Some(libc::ESPIPE)) => bits |= 1 << descriptor,
            (1 | 2, 0, _) | (1 | 2, -1, Some(libc::EBADF)) => bits |= 1 << descriptor,
            _ => bits |= 1 << 31,
        }
    }
    bits
}

/// A way out of the sandbox: a call, and what it is given.
pub struct Attempt {
    pub name: &'static str,
    call: libc::c_long,
    arguments: fn() -> [usize; 6],
}

impl Attempt {
    /// Whether the call fails because it is not allowed, or not there.
    pub fn is_refused(&self) -> bool {
        let [a, b, c, d, e, f] = (self.arguments)();
        // SAFETY: see `ATTEMPTS`.
        let result = unsafe { libc::syscall(self.call, a, b, c, d, e, f) };
        let errno = std::io::Error::last_os_error().raw_os_error();
        match (self.call, i32::try_from(result)) {
            // In the process that this has started: a call that touches no memory.
            // SAFETY: it does not return.
            (libc::SYS_clone, Ok(0)) => unsafe { libc::_exit(0) },
            // SAFETY: null is no status to write.
            (libc::SYS_clone, Ok(child @ 1..)) => unsafe {
                libc::waitpid(child, std::ptr::null_mut(), 0);
            },
            (libc::SYS_openat | libc::SYS_memfd_create | libc::SYS_socket, Ok(descriptor @ 0..)) => {
                // SAFETY: it was opened just now, and nobody else has it.
                unsafe { libc::close(descriptor) };
            }
            _ => {}
        }
        result < 0 && matches!(errno, Some(libc::EPERM | libc::ENOSYS | libc::EACCES))
    }
}

/// A process, a descriptor and a kind of target that there is not.
const NOBODY: i32 = i32::MAX;

macro_rules! attempts {
    ($($name:literal: $call:ident($($argument:expr),*);)*) => {
        /// Each is allowed to any ordinary process, or fails for another reason than that. None changes what lasts or
        /// writes to memory: pointers are to text, or null.
        pub const ATTEMPTS: &[Attempt] = &[$(Attempt {
            name: $name,
            call: libc::$call,
            arguments: || {
                let given: &[usize] = &[$($argument as usize),*];
                std::array::from_fn(|index| given.get(index).copied().unwrap_or(0))
            },
        }),*];
    };
}

attempts! {
    "open a file": SYS_openat(libc::AT_FDCWD, c"/proc/self/exe".as_ptr(), libc::O_RDONLY);
    "create a file": SYS_openat(libc::AT_FDCWD, c"/tmp".as_ptr(), libc::O_TMPFILE | libc::O_WRONLY, 0o600);
    "create a file in memory": SYS_memfd_create(c"x".as_ptr());
    "list a directory": SYS_getdents64(NOBODY);
    "ask about a file": SYS_faccessat(libc::AT_FDCWD, c"/".as_ptr(), libc::F_OK);
    "remove a file": SYS_unlinkat(libc::AT_FDCWD, c"".as_ptr());
    "write": SYS_write(NOBODY);
    "write at a position": SYS_pwrite64(NOBODY);
    "send to another socket": SYS_sendto(NOBODY);
    "make a socket": SYS_socket(libc::AF_INET, libc::SOCK_STREAM);
    "make a local socket": SYS_socket(libc::AF_UNIX, libc::SOCK_STREAM);
    "connect": SYS_connect(NOBODY);
    "start a process": SYS_clone(libc::SIGCHLD);
    "start a process by clone3": SYS_clone3();
    "start a program": SYS_execve(c"".as_ptr());
    "start a program by descriptor": SYS_execveat(NOBODY, c"".as_ptr(), 0, 0, libc::AT_EMPTY_PATH);
    "trace": SYS_ptrace(libc::PTRACE_ATTACH, NOBODY);
    "read another's memory": SYS_process_vm_readv(NOBODY);
    "signal a process": SYS_kill(std::process::id());
    "signal a thread of another": SYS_tgkill(NOBODY, NOBODY);
    "map memory to be run": SYS_mmap(0, 4096, libc::PROT_EXEC, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, usize::MAX);
    "make memory run": SYS_mprotect(0, 0, libc::PROT_EXEC);
    "map a file": SYS_mmap(0, 4096, libc::PROT_READ, libc::MAP_SHARED, NOBODY);
    "control a device": SYS_ioctl(NOBODY);
    "change limits": SYS_prlimit64(0, libc::RLIMIT_NOFILE);
    "raise priority": SYS_setpriority(NOBODY);
    "handle another signal": SYS_rt_sigaction(libc::SIGXCPU, 0, 0, 8);
}
