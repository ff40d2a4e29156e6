//! Arguments → exit code.

fn main() -> std::process::ExitCode {
    assetd::cli::run()
}
