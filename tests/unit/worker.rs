//! Unit tests: worker.
