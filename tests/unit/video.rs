//! Unit tests: video.
