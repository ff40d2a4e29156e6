//! audio files.
