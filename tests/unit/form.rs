//! Unit tests: form.
