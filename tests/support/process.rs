//! The real program as a child: its exit and its log.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use super::{DEADLINE, wait_until};

/// What a process that ended left.
#[derive(Debug)]
pub struct Exit {
    /// `None` where a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// The program, running, ended with the value. Its standard error is read all the time, so that it never waits for a reader.
pub struct Process {
    child: Child,
    log: Arc<Log>,
    reader: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Log {
    lines: Mutex<Lines>,
    grown: Condvar,
}

#[derive(Default)]
struct Lines {
    lines: Vec<String>,
    ended: bool,
}

impl Log {
    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().expect("the log")
    }
}

/// The program with these arguments and variables, and no other variable of ours.
pub(super) fn command(args: &[String], env: &[(String, String)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assetd"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ASSETD_") {
            command.env_remove(name);
        }
    }
    command.args(args).envs(env.iter().map(|(name, value)| (name, value))).stdin(Stdio::null());
    command
}

/// Runs the program to its end, from a folder that is not writable for it to litter.
#[track_caller]
pub fn run(args: &[String], env: &[(String, String)], folder: &Path) -> Exit {
    let mut child = command(args, env)
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // What such a command prints fits a pipe, so that waiting first can't block it.
    wait_until("the command ends", || matches!(child.try_wait(), Ok(Some(_))));
    let output = child.wait_with_output().expect("its output");
    Exit {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Process {
    #[track_caller]
    pub fn spawn(args: &[String], env: &[(String, String)], folder: &Path) -> Process {
        Process::watch(command(args, env).current_dir(folder))
    }

    /// Runs a command that is, or becomes, the program.
    #[track_caller]
    pub fn watch(command: &mut Command) -> Process {
        let mut child =
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let stderr = child.stderr.take().expect("its standard error");
        let log = Arc::new(Log::default());
        let shared = Arc::clone(&log);
        let reader = std::thread::spawn(move || {
            let mut stderr = BufReader::new(stderr);
            let mut line = Vec::new();
            while matches!(stderr.read_until(b'\n', &mut line), Ok(count) if count > 0) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                shared.lock().lines.push(text);
                shared.grown.notify_all();
                line.clear();
            }
            shared.lock().ended = true;
            shared.grown.notify_all();
        });
        Process { child, log, reader: Some(reader) }
    }

    /// The first answer that `find` gives for a line of the log, those that were there already included. `None` where
    /// the log ends without one.
    #[track_caller]
    pub fn wait_for_line<T>(&self, find: impl Fn(&str) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + DEADLINE;
        let mut log = self.log.lock();
        let mut seen = 0;
        loop {
            while let Some(line) = log.lines.get(seen) {
                if let Some(found) = find(line) {
                    return Some(found);
                }
                seen += 1;
            }
            if log.ended {
                return None;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let lines = log.lines.join("\n");
                // A panic with the lock held would keep the log from whoever shows it next.
                drop(log);
                panic!("no such line in the log:\n{lines}");
            }
            log = self.log.grown.wait_timeout(log, left).expect("the log").0;
        }
    }

    pub fn log(&self) -> String {
        self.log.lock().lines.join("\n")
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("a signal sent");
    }

    /// The exit code, once it has one; `None` where a signal ended it.
    #[track_caller]
    pub fn wait(&mut self) -> Option<i32> {
        let mut status = None;
        wait_until("the program ends", || {
            status = self.child.try_wait().expect("its status");
            status.is_some()
        });
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        status.and_then(|status| status.code())
    }

    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for a line of the log that holds `part`.
    #[track_caller]
    pub fn wait_for(&self, part: &str) {
        let found = self.wait_for_line(|line| line.contains(part).then_some(()));
        assert!(found.is_some(), "no {part:?} in the log:\n{}", self.log());
    }

    /// Ends it at once, if it has not ended.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
