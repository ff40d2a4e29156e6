//! The one test binary: everything goes through the real program, but for `unit`, which tests what has no door.

mod api;
mod cli;
mod durability;
mod layers;
mod media;
mod support;
mod unit;
