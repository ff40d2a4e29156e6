//! One server on a port and a folder of its own.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use super::process::{self, Process};
use super::{Client, Connection, DEADLINE, Exit, Folder, text, token};

/// How a server is to be started.
#[derive(Clone)]
pub struct Setup {
    folder: Arc<Folder>,
    args: Vec<String>,
    env: Vec<(String, String)>,
    /// Whether `--data` and `--listen` are given as options.
    plain: bool,
}

impl Setup {
    pub fn new() -> Setup {
        Setup::in_folder(Arc::new(Folder::new()))
    }

    fn in_folder(folder: Arc<Folder>) -> Setup {
        Setup { folder, args: Vec::new(), env: Vec::new(), plain: true }
    }

    pub fn args(mut self, args: &[&str]) -> Setup {
        self.args.extend(args.iter().map(|arg| (*arg).to_owned()));
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Setup {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Leaves `--data` and `--listen` to the test.
    pub fn bare(mut self) -> Setup {
        self.plain = false;
        self
    }

    /// A place for files of the test outside DATA, gone with the last server of this setup.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    pub fn data(&self) -> PathBuf {
        self.folder.join("DATA")
    }

    #[track_caller]
    pub fn start(self) -> Server {
        let process = Process::spawn(&self.command_line(), &self.env, self.folder.path());
        let address = Server::wait_for_address(&process);
        Server { setup: self, process, address }
    }

    /// As [`Setup::start`], with the command made ready by `adjust`.
    #[track_caller]
    pub fn start_adjusted(self, adjust: impl FnOnce(&mut Command)) -> Server {
        let mut command = process::command(&self.command_line(), &self.env);
        adjust(command.current_dir(self.folder.path()));
        let process = Process::watch(&mut command);
        let address = Server::wait_for_address(&process);
        Server { setup: self, process, address }
    }

    /// Runs `serve` where it is not to come up.
    #[track_caller]
    pub fn fail(&self) -> Exit {
        process::run(&self.command_line(), &self.env, self.folder.path())
    }

    /// Starts `serve` where it is not to listen on a port.
    #[track_caller]
    pub fn spawn(&self) -> Process {
        Process::spawn(&self.command_line(), &self.env, self.folder.path())
    }

    /// Runs another command of the program to its end; the arguments are all that is given.
    #[track_caller]
    pub fn run(&self, args: &[&str]) -> Exit {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        process::run(&args, &self.env, self.folder.path())
    }

    fn command_line(&self) -> Vec<String> {
        let mut args = vec!["serve".to_owned()];
        if self.plain {
            let data = self.data();
            args.extend(["--listen", "127.0.0.1:0", "--data", text(&data)].map(str::to_owned));
        }
        args.extend_from_slice(&self.args);
        args
    }
}

pub struct Server {
    setup: Setup,
    process: Process,
    pub address: SocketAddr,
}

impl Server {
    #[track_caller]
    pub fn start() -> Server {
        Setup::new().start()
    }

    #[track_caller]
    pub fn with(args: &[&str]) -> Server {
        Setup::new().args(args).start()
    }

    pub fn setup() -> Setup {
        Setup::new()
    }

    /// The first `http://HOST:PORT` in the log.
    #[track_caller]
    fn wait_for_address(process: &Process) -> SocketAddr {
        let address = process.wait_for_line(|line| {
            let rest = &line[line.find("http://")? + "http://".len()..];
            let end =
                rest.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ':')).unwrap_or(rest.len());
            rest[..end].parse().ok()
        });
        address.unwrap_or_else(|| panic!("the server did not come up:\n{}", process.log()))
    }

    pub fn user(&self, user: u64) -> Client {
        self.bearer(&self.token(&token::claims(user)))
    }

    /// User 1 with the `admin` role.
    pub fn admin(&self) -> Client {
        let mut claims = token::claims(1);
        claims["role"] = json!("admin");
        self.bearer(&self.token(&claims))
    }

    /// No token at all.
    pub fn anyone(&self) -> Client {
        Client { address: self.address, token: None }
    }

    /// Just this text as the token.
    pub fn bearer(&self, token: &str) -> Client {
        Client { address: self.address, token: Some(token.to_owned()) }
    }

    /// A token with these claims, as the server's own secret signs it.
    pub fn token(&self, claims: &serde_json::Value) -> String {
        token::sign(&self.secret(), claims)
    }

    pub fn secret(&self) -> String {
        let path = self.data().join("jwt.secret");
        let secret = fs::read_to_string(path).expect("the secret");
        secret.trim_end_matches(['\r', '\n']).to_owned()
    }

    #[track_caller]
    pub fn connect(&self) -> Connection {
        Connection::open(self.address)
    }

    /// `http://HOST:PORT`, as it stands before every path in an answer.
    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn data(&self) -> PathBuf {
        self.setup.data()
    }

    /// Setup of the same folder and nothing else, for a server after this one.
    pub fn setup_of(server: &Server) -> Setup {
        Setup::in_folder(Arc::clone(&server.setup.folder))
    }

    /// The path of a file of DATA by the name that [`Server::files`] gives it.
    pub fn path(&self, file: &str) -> PathBuf {
        self.data().join(file)
    }

    /// Everything in DATA/assets and DATA/tmp, in order, once nothing is under way: an upload is answered before its
    /// note in DATA/tmp goes.
    pub fn files(&self) -> Vec<String> {
        let deadline = Instant::now() + DEADLINE / 6;
        loop {
            let files = self.files_now();
            let under_way = files.iter().any(|file| file.starts_with("tmp/"));
            if !under_way || Instant::now() > deadline {
                return files;
            }
            std::thread::park_timeout(Duration::from_millis(1));
        }
    }

    /// Everything in DATA/assets and DATA/tmp at this moment, in order.
    pub fn files_now(&self) -> Vec<String> {
        let mut files = Vec::new();
        for folder in ["assets", "tmp"] {
            for entry in fs::read_dir(self.data().join(folder)).expect("a folder of DATA") {
                let name = entry.expect("a file of DATA").file_name();
                files.push(format!("{folder}/{}", name.to_string_lossy()));
            }
        }
        files.sort();
        files
    }

    pub fn log(&self) -> String {
        self.process.log()
    }

    #[track_caller]
    pub fn wait_for_log(&self, part: &str) {
        let found = self.process.wait_for_line(|line| line.contains(part).then_some(()));
        assert!(found.is_some(), "no {part:?} in the log:\n{}", self.log());
    }

    /// Processes that the server has started and that live: its workers.
    pub fn children(&self) -> Vec<u32> {
        children_of(self.process.id())
    }

    /// The most memory that the server has ever had in use at once, its workers not counted: `VmHWM` of
    /// proc_pid_status(5), in bytes.
    pub fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("a status");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = peak.and_then(|peak| peak.trim().strip_suffix(" kB"));
        kib.expect("a peak").parse::<u64>().expect("a number") * 1024
    }

    pub fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    pub fn sigterm(&self) {
        self.process.signal(Signal::TERM);
    }

    pub fn sighup(&self) {
        self.process.signal(Signal::HUP);
    }

    pub fn sigint(&self) {
        self.process.signal(Signal::INT);
    }

    /// The exit code once the server has ended; `None` where a signal ended it.
    #[track_caller]
    pub fn wait(&mut self) -> Option<i32> {
        self.process.wait()
    }

    /// Ends the server as a power switch would.
    pub fn kill9(&mut self) {
        self.process.kill();
    }

    /// Stops the server as an operator would, and starts it on the same DATA.
    #[track_caller]
    pub fn restart(&mut self) {
        self.sigterm();
        assert_eq!(self.wait(), Some(0), "the server's exit:\n{}", self.log());
        self.start_again();
    }

    /// Starts a server that has ended on the same DATA.
    #[track_caller]
    pub fn start_again(&mut self) {
        self.start_again_as(self.setup.clone());
    }

    /// As [`Server::start_again`], with another setup of the same folder.
    #[track_caller]
    pub fn start_again_as(&mut self, setup: Setup) {
        self.check_log();
        self.process = Process::spawn(&setup.command_line(), &setup.env, setup.folder.path());
        self.address = Server::wait_for_address(&self.process);
        self.setup = setup;
    }

    #[track_caller]
    fn check_log(&self) {
        let log = self.log();
        assert!(!log.contains("panicked"), "the server panicked:\n{log}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill();
        if std::thread::panicking() {
            // Captured with the failing test's output.
            println!("--- log of the server\n{}\n---", self.log());
        } else {
            self.check_log();
        }
    }
}

/// The living children of a process, by /proc.
pub fn children_of(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").expect("/proc");
    processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| stat(*pid).is_some_and(|(state, ppid)| ppid == parent && state != 'Z'))
        .collect()
}

/// Whether a process lives: neither gone nor waiting to be reaped.
pub fn is_alive(pid: u32) -> bool {
    stat(pid).is_some_and(|(state, _)| state != 'Z')
}

/// State and parent of a process: proc_pid_stat(5).
fn stat(pid: u32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program stands in parentheses and may hold anything.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}
