//! The command line: one file a command.

mod listen;
mod serve;
mod token;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{ServeOptions, TokenOptions};
use crate::worker;

/// Keeps a company's creative files: images, videos, sounds and PDFs, behind a REST API.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server
    Serve(Box<ServeOptions>),
    /// Print a token for a user
    Token(Box<TokenOptions>),
}

/// Runs what the arguments say.
pub fn run() -> ExitCode {
    // Before anything else: a worker's life begins with nothing set up that it would have to give up.
    if std::env::args_os().nth(1).is_some_and(|argument| argument == "worker") {
        return worker::run_child();
    }
    match Arguments::parse().command {
        Command::Serve(options) => serve::run(&options),
        Command::Token(options) => token::run(&options),
    }
}

/// The bytes of the secret file: the one that is named, else the one in the data folder.
fn secret(options: &crate::config::DataOptions) -> Result<Vec<u8>, String> {
    match &options.jwt_secret_file {
        Some(path) => std::fs::read(path)
            .map_err(|error| format!("the secret file {} cannot be read: {error}", path.display())),
        None => crate::store::secret(&options.data).map_err(|error| error.to_string()),
    }
}

/// Says why it can't go on.
fn fail(why: impl std::fmt::Display) -> ExitCode {
    eprintln!("assetd: {why}");
    ExitCode::FAILURE
}
