//! document files.
