//! Unit tests: catalog.
