//! The harness: the real program on a port of its own, a small HTTP client that can misbehave, and files to upload.

mod answer;
pub mod bomb;
pub mod boxes;
mod client;
mod form;
pub mod pdf;
mod process;
mod random;
pub mod sample;
mod server;
pub mod token;
pub mod unit;
mod wire;

pub use answer::{Answer, Page, base64};
pub use client::{Asset, Client, Request};
pub use form::{Form, declared_type};
pub use process::{Exit, Process};
pub use random::Random;
pub use server::{Server, Setup, is_alive};
pub use wire::Connection;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// No step of any test takes this long unless something hangs: every wait ends here, with a failure.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Waits until `condition` holds, and fails with `what` where it does not come to hold.
#[track_caller]
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970").as_secs()
}

/// A folder of its own for one test, gone with the value.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{number}", std::process::id()));
        // Left by an earlier process of the same number that was killed.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder for the test");
        Folder(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The path of `name` in it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A path as an argument of the program.
#[track_caller]
pub fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}
