//! assetd: keeps a company's creative files. One program, one folder, no services beside it.
//!
//! The modules, leaves first; ARCHITECTURE.md says who may name whom:
//!
//! - [`asset`]: the words of the domain: ids, formats, names, tags, facts.
//! - [`error`]: the sentences a caller reads.
//! - [`units`]: sizes, pixels and times as an operator writes them.
//! - [`config`], [`log`]: options; log lines.
//! - [`auth`]: tokens, and who calls.
//! - [`catalog`]: records and their indexes, in redb.
//! - [`blobs`]: the files, and the only code that joins a path.
//! - [`journal`]: the log of committed changes.
//! - [`media`]: bytes → facts and pictures.
//! - [`worker`]: the processes that media runs in.
//! - [`store`]: what may be done with an asset.
//! - [`http`]: the REST API.
//! - [`cli`]: the commands.

pub mod asset;
pub mod auth;
pub mod blobs;
pub mod catalog;
pub mod cli;
pub mod config;
pub mod error;
pub mod http;
pub mod journal;
pub mod log;
pub mod media;
pub mod store;
pub mod units;
pub mod worker;
