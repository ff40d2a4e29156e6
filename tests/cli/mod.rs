//! API.md, 12: the command line.

mod listen;
mod options;
mod serve;
mod token;
mod unit;
