//! The one test binary: everything goes through the real program, but for `unit`, which tests what has no door.

mod media;
mod unit;
