//! Facts and pictures of real files, through the front door.

mod audio;
mod document;
mod image;
mod video;
