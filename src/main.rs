//! Arguments → exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything else: a worker starts with nothing done, and is not to pay for what the server needs.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|command| command == "worker")
    {
        return assetd::worker::run_child();
    }
    ExitCode::SUCCESS
}
