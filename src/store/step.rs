//! The named steps at which a crash must leave the store whole.
//!
//! With `ASSETD_TEST_STOP=NAME` in its environment the process aborts when it comes to that step: the crash tests stop
//! the real server at each of them. Without it a step is one load and one comparison.

use std::sync::OnceLock;

/// A point between two changes that a power cut may come between.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Received,
    Inspected,
    Synced,
    Renamed,
    TmpSynced,
    Linked,
    AssetsSynced,
    Journaled,
    Committed,
    Answered,
    Removed,
    Unlinked,
}

impl Step {
    const ALL: [(&'static str, Step); 12] = [
        ("received", Step::Received),
        ("inspected", Step::Inspected),
        ("synced", Step::Synced),
        ("renamed", Step::Renamed),
        ("tmp-synced", Step::TmpSynced),
        ("linked", Step::Linked),
        ("assets-synced", Step::AssetsSynced),
        ("journaled", Step::Journaled),
        ("committed", Step::Committed),
        ("answered", Step::Answered),
        ("removed", Step::Removed),
        ("unlinked", Step::Unlinked),
    ];

    /// Passes, unless the tests want the process to stop here.
    pub(super) fn passed(self) {
        static STOP: OnceLock<Option<Step>> = OnceLock::new();
        let stop = STOP.get_or_init(|| {
            let wanted = std::env::var("ASSETD_TEST_STOP").ok()?;
            Step::ALL.iter().find(|(name, _)| *name == wanted).map(|(_, step)| *step)
        });
        if *stop == Some(self) {
            std::process::abort();
        }
    }
}
