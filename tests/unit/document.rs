//! Unit tests: document.
