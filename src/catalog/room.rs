//! Disk space for the catalog's file, taken before it is needed.
//!
//! redb grows its file by a sparse `set_len`, so that a full disk would only show in the middle of a commit, and it
//! writes a changed page to a new place, so that a removal needs room too. Hence two rules. Growth allocates what it
//! adds, so that a write within the file never lacks room. And behind the file's end a reserve stands allocated
//! ([`reserve`]), for removals on a full disk: what is left of the file is never given to a growth that cannot keep it.
//! When growth fails, the reserve joins the file ([`make_room`]; redb takes up a longer file when it is opened), and
//! nothing is added until a new one can be held.
//!
//! On a file system that writes in place (ext4, xfs) this holds; one that copies on write (btrfs) may still lack room
//! for a write it has promised, and the error then comes with the commit, which loses no more than itself.

use std::fs::File;
use std::io;

use rustix::fs::{FallocateFlags, fallocate};

/// redb's page. The file's length is a multiple of it.
const PAGE: u64 = 4096;

/// The least reserve: every catalog of some thousand assets fits in it whole, so that any cascade over it does.
const MIN_RESERVE: u64 = 4 << 20;

/// The most: what a cascade over hundreds of thousands of scattered assets rewrites.
const MAX_RESERVE: u64 = 1 << 30;

/// What the last attempt to hold a reserve came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum Room {
    /// A reserve stands allocated behind the file's end, or the file system has no such thing.
    Held = 0,
    /// There is none: the disk is full. Only removals are done.
    Spent = 1,
}

/// Bytes kept behind the end of a file of `len` bytes: half of it, within bounds. A cascade rewrites at most the pages
/// that its assets share with others; half the file is what one scattered over all of a large catalog was seen to take.
pub(super) fn reserve(len: u64) -> u64 {
    (len / 2).clamp(MIN_RESERVE, MAX_RESERVE).next_multiple_of(PAGE)
}

/// Allocates the reserve behind a file of `len` bytes, and what may be unallocated in it (a copy may have holes).
pub(super) fn hold(file: &File, len: u64) -> io::Result<Room> {
    let from = if is_sparse(file, len)? { 0 } else { len };
    match allocate(file, from, len + reserve(len) - from) {
        Ok(()) => Ok(Room::Held),
        Err(error) if super::error::is_full(&error) => Ok(Room::Spent),
        Err(error) => Err(error),
    }
}

/// Lengthens the file to `to`, all of it allocated and a reserve behind it. A failure leaves it as it was.
pub(super) fn grow(file: &File, from: u64, to: u64) -> io::Result<()> {
    let allocated = allocate(file, from, to - from + reserve(to));
    if let Err(error) = allocated {
        // What was allocated of it goes back; a cut to the present length frees all behind it, the reserve too.
        file.set_len(from)?;
        allocate(file, from, reserve(from)).ok();
        return Err(error);
    }
    file.set_len(to)
}

/// Shortens the file to `to`. The room this frees is the first that a new reserve is made of.
pub(super) fn shrink(file: &File, to: u64) -> io::Result<Room> {
    file.set_len(to)?;
    hold(file, to)
}

/// After growth has failed: lengthens the file by as much as the disk has while a reserve can be kept, or else by the
/// reserve itself.
pub(super) fn make_room(file: &File) -> io::Result<Room> {
    /// A smaller step is not worth an opening.
    const MIN_STEP: u64 = 1 << 20;
    let len = file.metadata()?.len();
    for step in [len / 2, len / 8, MIN_STEP] {
        let step = step.next_multiple_of(PAGE);
        if step >= MIN_STEP && grow(file, len, len + step).is_ok() {
            return Ok(Room::Held);
        }
    }
    // Succeeds on a full disk where the reserve is there; where it is not, it would leave a hole.
    if allocate(file, len, reserve(len)).is_ok() {
        file.set_len(len + reserve(len))?;
    }
    Ok(Room::Spent)
}

/// Whether the file has fewer blocks than its length takes.
fn is_sparse(file: &File, len: u64) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    /// The unit of `st_blocks` (stat(3type)).
    const BLOCK: u64 = 512;
    Ok(file.metadata()?.blocks().saturating_mul(BLOCK) < len)
}

/// Allocates without changing the file's length. Where the file system cannot, nothing is done and all is well: the
/// file stays sparse there, and want of room shows later.
fn allocate(file: &File, from: u64, len: u64) -> io::Result<()> {
    use rustix::io::Errno;
    match rustix::io::retry_on_intr(|| fallocate(file, FallocateFlags::KEEP_SIZE, from, len)) {
        Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL | Errno::PERM) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
