//! What has no door: codecs, readers' arithmetic, index algebra.

mod audio;
mod catalog;
mod document;
mod form;
mod image;
mod video;
mod worker;
