//! Unit tests: image.
