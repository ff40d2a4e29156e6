//! How a worker locks itself down, before it reads a byte of any file.
//!
//! 1. Privileges: none to be gained, none kept. 2. Limits: address space, no file written, few descriptors, no core.
//! 3. Not dumpable: no other process of the user looks in. 4. Landlock: no path, no network, no signal to others.
//! 5. seccomp: the calls of `allowed` and no others.
//!
//! Landlock and seccomp bind the calling thread and those it starts, so this runs while there is only one.
//!
//! What seccomp does not allow fails with EPERM; it does not kill. A decoder that asks how many cores there are, or a
//! newer C library that tries a call first, would otherwise make a good file look like one that crashes its reader,
//! and to hostile code the refused call is as far away either way.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use landlock::{ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetStatus, Scope};
use rustix::process::{DumpableBehavior, Resource, Rlimit};
use rustix::thread::{CapabilitySet, CapabilitySets};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};

use super::child::PREVIEW_NICENESS;

/// The steps of the list above; the numbers stand on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Step {
    Privileges = 1,
    Limits = 2,
    Dumpable = 3,
    Landlock = 4,
    Seccomp = 5,
}

impl Step {
    const ALL: [Step; 5] = [Step::Privileges, Step::Limits, Step::Dumpable, Step::Landlock, Step::Seccomp];

    pub fn from_number(number: u8) -> Option<Step> {
        Step::ALL.into_iter().find(|step| *step as u8 == number)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Step::Privileges => "giving up privileges",
            Step::Limits => "setting resource limits",
            Step::Dumpable => "closing itself to tracing",
            Step::Landlock => "Landlock",
            Step::Seccomp => "seccomp",
        })
    }
}

/// A step that did not work.
#[derive(Debug)]
pub struct Failure {
    pub step: Step,
    pub error: io::Error,
}

/// Standard streams, the socket, the file of a job, and one while Landlock or a newer C library needs it.
const DESCRIPTORS: u64 = 8;

/// Locks down the calling thread, which has to be the only one. `memory_bytes` is what may be mapped beyond what is
/// mapped now; `socket` is what may be written to. `Ok(false)` where this kernel has no Landlock.
pub fn lock(memory_bytes: u64, socket: BorrowedFd<'_>) -> Result<bool, Failure> {
    let at = |step| move |error: io::Error| Failure { step, error };
    give_up_privileges().map_err(at(Step::Privileges))?;
    limit(memory_bytes).map_err(at(Step::Limits))?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|error| at(Step::Dumpable)(error.into()))?;
    let landlock = deny_paths_and_network().map_err(at(Step::Landlock))?;
    deny_calls(socket).map_err(at(Step::Seccomp))?;
    Ok(landlock)
}

fn give_up_privileges() -> io::Result<()> {
    rustix::thread::set_no_new_privs(true)?;
    let held = rustix::thread::capabilities(None)?;
    if !held.permitted.is_empty() {
        let none = CapabilitySet::empty();
        rustix::thread::set_capabilities(
            None,
            CapabilitySets { effective: none, permitted: none, inheritable: none },
        )?;
    }
    Ok(())
}

fn limit(memory_bytes: u64) -> io::Result<()> {
    let address_space = mapped_bytes()?.saturating_add(memory_bytes);
    let limits = [
        (Resource::As, address_space),
        (Resource::Fsize, 0),
        (Resource::Nofile, DESCRIPTORS),
        (Resource::Core, 0),
    ];
    for (resource, most) in limits {
        rustix::process::setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    Ok(())
}

/// The address space in use. The first number of `statm` is in pages: proc(5).
fn mapped_bytes() -> io::Result<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages = statm.split(' ').next().and_then(|pages| pages.parse::<u64>().ok());
    pages
        .and_then(|pages| pages.checked_mul(rustix::param::page_size() as u64))
        .ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// A Landlock ruleset without a rule. `Ok(false)` where the kernel has none (older than 5.13, or not switched on).
pub fn deny_paths_and_network() -> io::Result<bool> {
    if !has_landlock()? {
        return Ok(false);
    }
    // The newest version tried; what an older kernel lacks of it the crate leaves out.
    const VERSION: ABI = ABI::V7;
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(VERSION))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(VERSION)))
        .and_then(|rules| rules.scope(Scope::from_all(VERSION)))
        .and_then(|rules| rules.create())
        .and_then(|rules| rules.restrict_self())
        .map_err(|error| io::Error::from_raw_os_error(*landlock::Errno::from(error)))?;
    match status.ruleset {
        RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => Ok(true),
        RulesetStatus::NotEnforced => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// Asked here since the crate takes any error for a kernel without Landlock, also EPERM from a filter around us.
fn has_landlock() -> io::Result<bool> {
    const CREATE_RULESET_VERSION: libc::c_uint = 1;
    let no_attributes = std::ptr::null::<libc::c_void>();
    // SAFETY: with this flag the call reads no memory; null and 0 are what it asks for.
    let version = unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, no_attributes, 0_usize, CREATE_RULESET_VERSION)
    };
    if version >= 0 {
        return Ok(true);
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        Some(libc::ENOSYS | libc::EOPNOTSUPP) => Ok(false),
        _ => Err(error),
    }
}

/// The filter of [`allowed`], and below it one under which `clone3` is not there: its flags stand in memory, where a
/// filter can't read them, and without it the C library starts threads by `clone`.
pub fn deny_calls(socket: BorrowedFd<'_>) -> io::Result<()> {
    let allowed = allowed(socket).map_err(io::Error::other)?;
    let refuse = |errno: i32| SeccompAction::Errno(errno.unsigned_abs());
    let no_clone3 = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    let filters = [
        (no_clone3, SeccompAction::Allow, refuse(libc::ENOSYS)),
        (allowed, refuse(libc::EPERM), SeccompAction::Allow),
    ];
    for (rules, otherwise, matched) in filters {
        let architecture = std::env::consts::ARCH.try_into().map_err(io::Error::other)?;
        let program: BpfProgram = SeccompFilter::new(rules, otherwise, matched, architecture)
            .and_then(SeccompFilter::try_into)
            .map_err(io::Error::other)?;
        seccompiler::apply_filter(&program).map_err(|error| match error {
            seccompiler::Error::Prctl(error) | seccompiler::Error::Seccomp(error) => error,
            other => io::Error::other(other),
        })?;
    }
    Ok(())
}

/// How the worker receives, and in no other way.
const RECEIVE_FLAGS: i32 = libc::MSG_CMSG_CLOEXEC | libc::MSG_WAITALL;

/// The numbers of the calls that [`allowed`] names, with whatever arguments.
pub fn named_calls() -> BTreeSet<libc::c_long> {
    let named = allowed(io::stdin().as_fd()).map(|rules| rules.into_keys().collect());
    named.unwrap_or_default()
}

/// Every call a worker may make. A call without rules is allowed whatever its arguments.
fn allowed(socket: BorrowedFd<'_>) -> Result<BTreeMap<i64, Vec<SeccompRule>>, BackendError> {
    // Flags that all fit into the low half of a register.
    let masked = |index: u8, mask: i32, value: i32| {
        let (mask, value) = (u64::from(mask.cast_unsigned()), u64::from(value.cast_unsigned()));
        SeccompCondition::new(index, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(mask), value)
    };
    let is = |index: u8, value: i32| masked(index, -1, value);
    let all = SeccompRule::new;

    let any: &[libc::c_long] = &[
        // The file, by position; the one that was handed over, and nothing opens another.
        libc::SYS_pread64,
        libc::SYS_close,
        // Memory
        libc::SYS_brk,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_madvise,
        // Threads
        libc::SYS_futex,
        libc::SYS_rseq,
        libc::SYS_set_robust_list,
        libc::SYS_sigaltstack,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sched_yield,
        libc::SYS_sched_getaffinity,
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_restart_syscall,
        libc::SYS_exit,
        libc::SYS_exit_group,
        // Time and chance
        libc::SYS_clock_gettime,
        libc::SYS_clock_getres,
        libc::SYS_clock_nanosleep,
        libc::SYS_getrandom,
        // Refused by the other filter, with the error that makes the C library try `clone`
        libc::SYS_clone3,
    ];
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = any.iter().map(|call| (*call, Vec::new())).collect();

    // Only the socket is written to, without descriptors (which `sendmsg` would take), addresses or anything out of band:
    // that has been the way out of a filter like this one (CVE-2025-38236).
    let socket = socket.as_raw_fd();
    let no_address = SeccompCondition::new(4, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0)?;
    rules.insert(libc::SYS_recvmsg, vec![all(vec![is(0, socket)?, is(2, RECEIVE_FLAGS)?])?]);
    rules.insert(libc::SYS_sendto, vec![all(vec![is(0, socket)?, is(3, libc::MSG_NOSIGNAL)?, no_address])?]);

    // Memory of one's own, never a file's, never to be run.
    let own = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    let not_run = |index| masked(index, libc::PROT_EXEC, 0);
    rules.insert(libc::SYS_mmap, vec![all(vec![not_run(2)?, masked(3, own | libc::MAP_SHARED, own)?])?]);
    rules.insert(libc::SYS_mprotect, vec![all(vec![not_run(2)?])?]);

    // Threads, not processes, and no namespaces.
    let thread =
        libc::CLONE_VM | libc::CLONE_FS | libc::CLONE_FILES | libc::CLONE_SIGHAND | libc::CLONE_THREAD;
    let namespaces = libc::CLONE_NEWNS
        | libc::CLONE_NEWCGROUP
        | libc::CLONE_NEWUTS
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWUSER
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWNET;
    rules.insert(libc::SYS_clone, vec![all(vec![masked(0, thread | namespaces, thread)?])?]);

    // A thread may step back behind others.
    let of_thread = i32::try_from(libc::PRIO_PROCESS).unwrap_or(-1);
    let step_back = vec![is(0, of_thread)?, is(1, 0)?, is(2, PREVIEW_NICENESS)?];
    rules.insert(libc::SYS_setpriority, vec![all(step_back)?]);

    // Abort, and the handler that tells an overflown stack from other faults and hands those back.
    let itself = std::process::id().cast_signed();
    rules.insert(libc::SYS_tgkill, vec![all(vec![is(0, itself)?])?]);
    let faults = [libc::SIGSEGV, libc::SIGBUS, libc::SIGABRT];
    let handlers = faults.into_iter().map(|signal| all(vec![is(0, signal)?]));
    rules.insert(libc::SYS_rt_sigaction, handlers.collect::<Result<_, _>>()?);
    Ok(rules)
}
