//! Disk space for the catalog's file, taken before it is needed.
//!
//! redb grows its file by a sparse `set_len`, so that a full disk would only show in the middle of a commit, and it
//! writes a changed page to a new place, so that a removal needs room too. Hence two rules. Growth allocates what it
//! adds, so that a write within the file never lacks room. And behind the file's end a reserve stands allocated
//! ([`reserve`]), for removals on a full disk: what is left of the file is never given to a growth that cannot keep it.
//! When growth fails, the reserve joins the file ([`make_room`]; redb takes up a longer file when it is opened). From
//! then on only so much is added as leaves the removals their room within the file ([`Allowance`]), until a new reserve
//! can be held.
//!
//! On a file system that writes in place (ext4, xfs) this holds; one that copies on write (btrfs) may still lack room
//! for a write it has promised, and the error then comes with the commit, which loses no more than itself.

use std::fs::File;
use std::io;

use rustix::fs::{FallocateFlags, fallocate};

/// redb's page. The file's length is a multiple of it.
const PAGE: u64 = 4096;

/// What a removal takes beside the pages it changes: redb's own tables of free pages.
const OVERHEAD: u64 = 1 << 20;

/// What the last attempt to hold a reserve came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum Room {
    /// A reserve stands allocated behind the file's end, or the file system has no such thing.
    Held = 0,
    /// There is none: the disk is full. Only removals are done.
    Spent = 1,
}

/// Bytes kept behind the end of a file of `len` bytes: as much again, and some. A cascade over assets strewn over the
/// whole catalog changes every page, so it writes each once more before the old ones are free; nothing takes more.
pub(super) fn reserve(len: u64) -> u64 {
    (len + len / 16 + OVERHEAD).next_multiple_of(PAGE)
}

/// Allocates the reserve behind a file of `len` bytes, and what may be unallocated in it (a copy may have holes).
pub(super) fn hold(file: &File, len: u64) -> io::Result<Room> {
    use std::os::unix::fs::MetadataExt;
    /// The unit of `st_blocks` (stat(3type)).
    const BLOCK: u64 = 512;
    let whole = len + reserve(len);
    if file.metadata()?.blocks().saturating_mul(BLOCK) >= whole {
        return Ok(Room::Held);
    }
    match allocate(file, 0, whole) {
        Ok(()) => Ok(Room::Held),
        Err(error) if super::error::is_full(&error) => Ok(Room::Spent),
        Err(error) => Err(error),
    }
}

/// Lengthens the file to `to`, all of it allocated and a reserve behind it. Where the reserve is spent already only
/// removals are done, and they may have what there is. A failure leaves all as it was.
pub(super) fn grow(file: &File, from: u64, to: u64, room: Room) -> io::Result<Room> {
    let error = match extend(file, from, to, reserve(to)) {
        Ok(()) => return Ok(Room::Held),
        Err(error) => error,
    };
    if room == Room::Spent && super::error::is_full(&error) {
        extend(file, from, to, 0)?;
        return Ok(Room::Spent);
    }
    allocate(file, from, reserve(from)).ok();
    Err(error)
}

fn extend(file: &File, from: u64, to: u64, reserve: u64) -> io::Result<()> {
    let result = allocate(file, from, to - from + reserve).and_then(|()| file.set_len(to));
    if result.is_err() {
        // What was allocated of it goes back: a cut to the present length frees all that lies behind it.
        file.set_len(from)?;
    }
    result
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
        if step >= MIN_STEP && grow(file, len, len + step, Room::Held).is_ok() {
            return Ok(Room::Held);
        }
    }
    // Succeeds on a full disk where the reserve is there; where it is not, it would leave a hole.
    if allocate(file, len, reserve(len)).is_ok() {
        file.set_len(len + reserve(len))?;
    }
    Ok(Room::Spent)
}

/// How many assets may be added while no reserve is held: those that leave as many pages free in the file as it uses.
#[derive(Debug, Default)]
pub(super) struct Allowance {
    left: u64,
    /// Assets when that was last measured, and whether it allowed any.
    measured: Option<(u64, bool)>,
}

impl Allowance {
    /// A reserve is held: what was measured before is of no matter.
    pub fn reset(&mut self) {
        *self = Allowance::default();
    }

    /// Whether one more may be added to `count`. `used_pages` tells how many pages of the file's `len` bytes are in use;
    /// as it reads all of them it is asked only when its last answer has been used up, or when a sixteenth of the
    /// assets it knew of is gone.
    pub fn take<E>(
        &mut self,
        count: u64,
        len: u64,
        used_pages: impl FnOnce() -> Result<u64, E>,
    ) -> Result<bool, E> {
        let due = match self.measured {
            _ if self.left > 0 => false,
            None | Some((_, true)) => true,
            Some((measured, false)) => count < measured - measured / 16,
        };
        if due {
            let used = used_pages()?.max(1);
            let free = (len / PAGE).saturating_sub(used);
            let spare = free.saturating_sub(reserve(used * PAGE) / PAGE);
            // An asset adds its share to what is used and takes it from what is free; half of that, to be sure.
            self.left = spare.saturating_mul(count.max(1)) / used / 4;
            self.measured = Some((count, self.left > 0));
        }
        let allowed = self.left > 0;
        self.left = self.left.saturating_sub(1);
        Ok(allowed)
    }
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
