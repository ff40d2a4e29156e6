//! API.md, 12: the command line.

mod options;
mod serve;
mod token;
