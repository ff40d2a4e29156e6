//! image files.
