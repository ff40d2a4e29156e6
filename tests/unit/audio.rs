//! Unit tests: audio.
