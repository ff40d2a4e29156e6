//! A worker whose address space is used up ends there and then, with a status that says so.
//!
//! Without this an allocation that fails aborts, and the server could not tell a file that takes too much memory from
//! one that crashes its reader. In every other process this is the system's allocator and one branch that is never taken.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, Ordering};

/// The exit status of a worker that got no more memory.
pub const EXIT_STATUS: u8 = 71;

static IN_WORKER: AtomicBool = AtomicBool::new(false);

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

struct Allocator;

/// From here on an allocation that fails ends the process.
pub fn end_when_exhausted() {
    IN_WORKER.store(true, Ordering::Relaxed);
}

/// Ends the process at once: nothing that could allocate runs any more.
pub fn exhausted() -> ! {
    // SAFETY: takes no pointer and does not return.
    unsafe { libc::_exit(i32::from(EXIT_STATUS)) }
}

fn checked(memory: *mut u8) -> *mut u8 {
    if memory.is_null() && IN_WORKER.load(Ordering::Relaxed) {
        exhausted();
    }
    memory
}

// SAFETY: every call goes to `System` with the arguments it came with, and its answer is handed on unchanged.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps `GlobalAlloc`'s contract, which is `System`'s.
        checked(unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        checked(unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above.
        checked(unsafe { System.realloc(memory, layout, size) })
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}
