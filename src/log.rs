//! Log lines, on stderr: a fixed sentence and its fields, never a token or a file's text.

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt;

use crate::config::LogFormat;

/// Begins to log. Called once, first.
pub fn start(format: LogFormat) {
    let lines = fmt().with_writer(std::io::stderr).with_max_level(LevelFilter::INFO).with_target(false);
    match format {
        LogFormat::Json => lines.json().flatten_event(true).init(),
        LogFormat::Text => {
            use std::io::IsTerminal;
            lines.with_ansi(std::io::stderr().is_terminal()).init();
        }
    }
}
