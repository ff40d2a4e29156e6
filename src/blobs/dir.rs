//! An open directory, and what is done to the names in it.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

/// A directory held open: its names are looked up in it, wherever its path leads by now.
#[derive(Clone)]
pub(super) struct Dir(Arc<OwnedFd>);

/// For reading. A pipe that somebody planted must not hold the thread that opens it.
pub(super) const READING: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

impl Dir {
    /// The directory at `path`, made with its parents where it is missing. The operator names it, so links are followed.
    pub(super) fn create_all(path: &Path) -> Result<Dir, Errno> {
        use std::os::unix::fs::DirBuilderExt;
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
        if let Err(error) = made {
            return Err(Errno::from_io_error(&error).unwrap_or(Errno::IO));
        }
        let dir = rustix::fs::open(path, DIRECTORY, Mode::empty())?;
        // The name of a new data folder has to survive a power cut as well.
        if let Ok(parent) = rustix::fs::openat(&dir, "..", DIRECTORY, Mode::empty()) {
            // A parent that may not be synced (a read-only mount, say) held the name before.
            let _ = rustix::fs::fsync(parent);
        }
        Ok(Dir(Arc::new(dir)))
    }

    /// The directory `name` in this one, made where it is missing. A link is an error.
    pub(super) fn create(&self, name: &str) -> Result<Dir, Errno> {
        match rustix::fs::mkdirat(&self.0, name, Mode::from_raw_mode(0o700)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(cause) => return Err(cause),
        }
        Ok(Dir(Arc::new(open_beneath(&self.0, name, DIRECTORY, Mode::empty())?)))
    }

    /// The file `name` in this directory. A link is an error.
    pub(super) fn open_file(&self, name: &str, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
        open_beneath(&self.0, name, flags | OFlags::CLOEXEC, mode)
    }

    /// As [`Dir::open_file`], for reading, if that needs no wait for the disk (`RESOLVE_CACHED`, Linux 5.12).
    pub(super) fn open_cached(&self, name: &str) -> Option<OwnedFd> {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::CACHED;
        rustix::fs::openat2(&self.0, name, READING, Mode::empty(), resolve).ok()
    }

    pub(super) fn rename(&self, from: &str, to: &str) -> Result<(), Errno> {
        rustix::fs::renameat(&self.0, from, &self.0, to)
    }

    pub(super) fn link(&self, name: &str, other: &Dir, other_name: &str) -> Result<(), Errno> {
        rustix::fs::linkat(&self.0, name, &other.0, other_name, AtFlags::empty())
    }

    pub(super) fn unlink(&self, name: &str) -> Result<(), Errno> {
        rustix::fs::unlinkat(&self.0, name, AtFlags::empty())
    }

    pub(super) fn sync(&self) -> Result<(), Errno> {
        rustix::fs::fsync(&self.0)
    }

    /// All names but `.` and `..`, those that are no UTF-8 left out.
    pub(super) fn names(&self) -> Result<Vec<String>, Errno> {
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.0)? {
            if let Ok(name) = entry?.file_name().to_str()
                && !matches!(name, "." | "..")
            {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }
}

/// Opens what `name` is in `dir`, proven to lie there: no link is followed, none leads out.
fn open_beneath(dir: &OwnedFd, name: &str, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
    /// Whether this kernel lacks `openat2` (Linux before 5.6), or a filter forbids it.
    static LACKING: AtomicBool = AtomicBool::new(false);
    debug_assert!(!name.contains('/'), "names below DATA have one component");
    if !LACKING.load(Ordering::Relaxed) {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        match rustix::fs::openat2(dir, name, flags, mode, resolve) {
            Err(Errno::NOSYS | Errno::PERM) => LACKING.store(true, Ordering::Relaxed),
            answer => return answer,
        }
    }
    if name.contains('/') {
        return Err(Errno::XDEV);
    }
    rustix::fs::openat(dir, name, flags | OFlags::NOFOLLOW, mode)
}
