//! video files.
