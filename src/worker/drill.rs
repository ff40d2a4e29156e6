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
use super::source::FileSource;
use super::wire::{FRAME_BYTES, Look, PICTURE_MAX_BYTES, Report};
use super::{memory, sandbox};
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

/// Does what the file says. `tried` is what the threads before this one found.
pub fn obey(job: &Job, mut source: FileSource, socket: BorrowedFd<'_>, tried: &str) -> (Report, Vec<u8>) {
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
        "other calls" => call_as_32_bit(),
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
        "escape" => picture(Some([b"\xff\xd8\xff", escape(tried).as_bytes()].concat())),
        "inventory" => {
            let variables = u32::try_from(std::env::vars_os().count()).unwrap_or(u32::MAX);
            let facts = Facts::Image { width: open_descriptors(), height: variables.saturating_add(1) };
            (Report::Facts(facts), Vec::new())
        }
        _ => (Report::NoPreview, Vec::new()),
    }
}

/// What a thread finds that tries everything: a line for [`obey`] to hand on, which names what was not refused.
pub fn try_all(thread: &str) -> String {
    let attempts = ATTEMPTS.iter().chain(PRIVILEGED_ATTEMPTS);
    let mut allowed: Vec<String> =
        attempts.filter(|attempt| !attempt.is_refused()).map(|attempt| attempt.name.to_owned()).collect();
    let open = other_calls().filter(|call| !is_call_refused(*call));
    allowed.extend(open.map(|call| format!("call {call}")));
    format!("{thread}: {}\n", if allowed.is_empty() { "nothing".into() } else { allowed.join(", ") })
}

/// The lines of all kinds of threads: those before, this one, and one that a decoder would start.
fn escape(tried: &str) -> String {
    let begun = thread::Builder::new().spawn(|| try_all("begun by a decoder"));
    let begun = begun.ok().and_then(|thread| thread.join().ok());
    [tried, &try_all("drawing"), &begun.unwrap_or_default()].concat()
}

/// The numbers of all system calls that the sandbox does not name, and many that no kernel has yet.
fn other_calls() -> impl Iterator<Item = libc::c_long> {
    /// The highest of Linux 6.18 is 470.
    const NUMBERS: libc::c_long = 1024;
    /// The same again for the x32 variant of x86-64, by whose numbers nothing is named.
    const X32: libc::c_long = 0x4000_0000;
    /// `uretprobe` and `uprobe` of x86-64: Linux lets them past every filter, and answers those who are not its own
    /// trampoline by SIGILL (kernel/seccomp.c).
    const PROBES: [libc::c_long; 2] = [335, 336];
    let named = sandbox::named_calls();
    let other = (0..NUMBERS).filter(move |call| !named.contains(call) && !PROBES.contains(call));
    other.chain(X32..X32 + NUMBERS)
}

fn is_call_refused(call: libc::c_long) -> bool {
    let none = usize::MAX;
    // SAFETY: where it is not refused nothing is promised any more, which is what the test is for.
    let result = unsafe { libc::syscall(call, none, none, none, none, none, none) };
    let errno = std::io::Error::last_os_error().raw_os_error();
    result < 0 && matches!(errno, Some(libc::EPERM | libc::ENOSYS))
}

/// Asks the kernel for its process id by the numbers of 32-bit programs, which the filter does not speak of.
fn call_as_32_bit() -> ! {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the call takes nothing and changes nothing but the register of its result.
    unsafe {
        std::arch::asm!("int 0x80", inlateout("eax") 20_i32 => _);
    }
    #[cfg(not(target_arch = "x86_64"))]
    std::process::abort();
    #[cfg(target_arch = "x86_64")]
    memory::exhausted()
}

/// Peaks of one point.
fn peaks(samples_per_point: u32, point: &[u8; 2]) -> (Report, Vec<u8>) {
    (Report::Peaks { rate: 8_000, samples_per_point, points: 1 }, point.to_vec())
}

/// A right answer.
fn fine(job: &Job) -> (Report, Vec<u8>) {
    if job.look == Look::Preview && job.format.kind() == Kind::Audio {
        return peaks(256, &[0, 1]);
    }
    if job.look == Look::Preview {
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
            (
                libc::SYS_openat
                | libc::SYS_memfd_create
                | libc::SYS_socket
                | libc::SYS_eventfd2
                | libc::SYS_epoll_create1
                | libc::SYS_inotify_init1
                | libc::SYS_pidfd_open
                | libc::SYS_dup,
                Ok(descriptor @ 0..),
            ) => {
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
/// Nobody's key of shared memory: with a size of 0 and no flags none is made.
const NO_KEY: i32 = 0x0a55_e7d0;
/// The descriptor of a worker's socket.
const SOCKET: i32 = 3;

macro_rules! attempts {
    ($(#[$about:meta])* $list:ident: $($name:literal: $call:ident($($argument:expr),*);)*) => {
        $(#[$about])*
        pub const $list: &[Attempt] = &[$(Attempt {
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
    /// Each is allowed to any ordinary process, or fails for another reason than that. None changes what lasts or
    /// writes to memory: pointers are to text, or null.
    ATTEMPTS:
    // Files
    "open a file": SYS_openat(libc::AT_FDCWD, c"/proc/self/exe".as_ptr(), libc::O_RDONLY);
    "open a file to write": SYS_openat(libc::AT_FDCWD, c"/dev/null".as_ptr(), libc::O_WRONLY);
    "create a file": SYS_openat(libc::AT_FDCWD, c"/tmp".as_ptr(), libc::O_TMPFILE | libc::O_WRONLY, 0o600);
    "look into a process": SYS_openat(libc::AT_FDCWD, c"/proc/1/stat".as_ptr(), libc::O_RDONLY);
    "create a file in memory": SYS_memfd_create(c"x".as_ptr());
    "list a directory": SYS_getdents64(NOBODY);
    "ask about a file": SYS_faccessat(libc::AT_FDCWD, c"/".as_ptr(), libc::F_OK);
    "read a link": SYS_readlinkat(libc::AT_FDCWD, c"".as_ptr());
    "remove a file": SYS_unlinkat(libc::AT_FDCWD, c"".as_ptr());
    "rename a file": SYS_renameat2(libc::AT_FDCWD, c"".as_ptr(), libc::AT_FDCWD, c"".as_ptr());
    "link a file": SYS_linkat(libc::AT_FDCWD, c"".as_ptr(), libc::AT_FDCWD, c"".as_ptr());
    "link to a path": SYS_symlinkat(c"".as_ptr(), libc::AT_FDCWD, c"".as_ptr());
    "make a directory": SYS_mkdirat(libc::AT_FDCWD, c"".as_ptr());
    "change a mode": SYS_fchmodat(libc::AT_FDCWD, c"".as_ptr());
    "cut a file": SYS_truncate(c"".as_ptr());
    "cut an open file": SYS_ftruncate(NOBODY);
    "go elsewhere": SYS_chdir(c"".as_ptr());
    "watch files": SYS_inotify_init1(0);
    // Descriptors
    "read": SYS_read(NOBODY);
    "write": SYS_write(NOBODY);
    "write pieces": SYS_writev(NOBODY);
    "write at a position": SYS_pwrite64(NOBODY);
    "copy from one to another": SYS_sendfile(NOBODY, NOBODY);
    "splice": SYS_splice(NOBODY, 0, NOBODY);
    "double a descriptor": SYS_dup(0);
    "change a descriptor": SYS_fcntl(NOBODY, libc::F_SETFL);
    "control a device": SYS_ioctl(NOBODY, libc::TIOCSTI, c"x".as_ptr());
    "make an event": SYS_eventfd2(0);
    "make a poll": SYS_epoll_create1(0);
    "make a pipe": SYS_pipe2(0);
    // The network
    "make a socket": SYS_socket(libc::AF_INET, libc::SOCK_STREAM);
    "make a datagram socket": SYS_socket(libc::AF_INET, libc::SOCK_DGRAM);
    "make a local socket": SYS_socket(libc::AF_UNIX, libc::SOCK_STREAM);
    "make a pair of sockets": SYS_socketpair(libc::AF_UNIX, libc::SOCK_STREAM);
    "connect": SYS_connect(NOBODY);
    "listen": SYS_listen(NOBODY);
    "take a name": SYS_bind(NOBODY);
    "accept": SYS_accept4(NOBODY);
    "send to another socket": SYS_sendto(NOBODY);
    "send out of band": SYS_sendto(NOBODY, 0, 0, libc::MSG_OOB);
    "send a descriptor": SYS_sendmsg(NOBODY);
    "send many": SYS_sendmmsg(NOBODY);
    "receive from another socket": SYS_recvmsg(NOBODY);
    "change a socket": SYS_setsockopt(NOBODY);
    "close a socket's end": SYS_shutdown(NOBODY);
    // Processes
    "start a process": SYS_clone(libc::SIGCHLD);
    "start a process by clone3": SYS_clone3();
    "start a program": SYS_execve(c"".as_ptr());
    "start a program by descriptor": SYS_execveat(NOBODY, c"".as_ptr(), 0, 0, libc::AT_EMPTY_PATH);
    "trace": SYS_ptrace(libc::PTRACE_ATTACH, NOBODY);
    "read another's memory": SYS_process_vm_readv(NOBODY);
    "write another's memory": SYS_process_vm_writev(NOBODY);
    "take hold of a process": SYS_pidfd_open(std::process::id());
    "signal by descriptor": SYS_pidfd_send_signal(NOBODY);
    "signal a process": SYS_kill(std::process::id());
    "signal its parent": SYS_kill(std::os::unix::process::parent_id());
    "signal a thread of another": SYS_tgkill(NOBODY, NOBODY);
    "queue a signal": SYS_rt_sigqueueinfo(NOBODY);
    "handle another signal": SYS_rt_sigaction(libc::SIGXCPU, 0, 0, 8);
    "wait for a process": SYS_waitid(NOBODY, NOBODY, 0, libc::WEXITED);
    "ask who its parent is": SYS_getppid();
    "set a timer": SYS_timer_create(NOBODY);
    // Itself
    "ask what holds it": SYS_prctl(libc::PR_GET_NO_NEW_PRIVS);
    "ask whether it can be traced": SYS_prctl(libc::PR_GET_DUMPABLE);
    "change its user": SYS_setresuid(usize::MAX, usize::MAX, usize::MAX);
    "change limits": SYS_prlimit64(0, libc::RLIMIT_NOFILE);
    "raise priority": SYS_setpriority(NOBODY);
    "change its schedule": SYS_sched_setscheduler(0, NOBODY);
    "change its architecture": SYS_personality(u32::MAX);
    // Memory
    "map memory to be run": SYS_mmap(0, 4096, libc::PROT_EXEC, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, usize::MAX);
    "make memory run": SYS_mprotect(0, 0, libc::PROT_EXEC);
    "map a file": SYS_mmap(0, 4096, libc::PROT_READ, libc::MAP_SHARED, NOBODY);
    "share memory": SYS_mmap(0, 4096, libc::PROT_READ, libc::MAP_SHARED | libc::MAP_ANONYMOUS, usize::MAX);
    "share memory by key": SYS_shmget(NO_KEY, 0, 0);
    "share semaphores by key": SYS_semget(NO_KEY, 0, 0);
    "share messages by key": SYS_msgget(NO_KEY, 0);
    "open a message queue": SYS_mq_open();
}

attempts! {
    /// What an ordinary process may be refused too, or can't try without harm.
    PRIVILEGED_ATTEMPTS:
    "send out of band to the server": SYS_sendto(SOCKET, c"".as_ptr(), 0, libc::MSG_OOB);
    "send to an address": SYS_sendto(SOCKET, c"".as_ptr(), 0, libc::MSG_NOSIGNAL, c"".as_ptr(), 1);
    "peek": SYS_recvmsg(SOCKET, 0, libc::MSG_PEEK);
    "connect its socket": SYS_connect(SOCKET);
    "start a process in its memory": SYS_clone(libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD);
    "start a thread of another namespace": SYS_clone(
        libc::CLONE_VM | libc::CLONE_FS | libc::CLONE_FILES | libc::CLONE_SIGHAND | libc::CLONE_THREAD
            | libc::CLONE_NEWUSER
    );
    "leave its namespaces": SYS_unshare(libc::CLONE_NEWUSER);
    "enter a namespace": SYS_setns(NOBODY);
    "mount": SYS_mount();
    "unmount": SYS_umount2(c"".as_ptr());
    "change its root": SYS_chroot(c"".as_ptr());
    "make a ring": SYS_io_uring_setup();
    "load a program into the kernel": SYS_bpf(NOBODY);
    "handle faults of pages": SYS_userfaultfd(NOBODY);
    "count events": SYS_perf_event_open();
    "keep a key": SYS_add_key();
    "use a key": SYS_keyctl(NOBODY);
    "take a descriptor of another": SYS_pidfd_getfd(NOBODY);
    "advise another": SYS_process_madvise(NOBODY);
    "open by handle": SYS_open_by_handle_at(NOBODY);
    "watch all files": SYS_fanotify_init(NOBODY);
    "load a module": SYS_finit_module(NOBODY);
    "load a kernel": SYS_kexec_load(NOBODY);
    "stop the host": SYS_reboot();
    "read the kernel's log": SYS_syslog(NOBODY);
    "set the clock": SYS_clock_settime(NOBODY);
    "name the host": SYS_sethostname(0, usize::MAX);
    "make memory run by key": SYS_pkey_mprotect(0, 0, libc::PROT_EXEC, usize::MAX);
    "allow more calls": SYS_seccomp(NOBODY);
    "allow more paths": SYS_landlock_add_rule(NOBODY);
}
