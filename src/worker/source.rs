//! The file of a job, as media reads it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

/// As much is read ahead: readers ask for a few bytes here and there, and each call to the kernel passes the filter.
const WINDOW_BYTES: usize = 64 << 10;

/// A file of a known size that is read by position, so that nobody else's position in it moves.
///
/// Reads go through one window over the file, which seeking leaves alone. What lies beyond `size` is not there.
pub struct FileSource {
    file: File,
    size: u64,
    position: u64,
    window: Vec<u8>,
    window_start: u64,
}

impl FileSource {
    pub fn new(file: File, size: u64) -> FileSource {
        FileSource { file, size, position: 0, window: Vec::new(), window_start: 0 }
    }

    /// The file alone.
    pub fn into_file(self) -> File {
        self.file
    }

    /// The bytes of the window from the position on.
    fn ahead(&self) -> &[u8] {
        self.position
            .checked_sub(self.window_start)
            .and_then(|offset| usize::try_from(offset).ok())
            .and_then(|offset| self.window.get(offset..))
            .unwrap_or(&[])
    }

    /// Moves the window to the position.
    fn fill(&mut self) -> io::Result<()> {
        self.window.resize(WINDOW_BYTES, 0);
        self.window_start = self.position;
        let read = self.file.read_at(&mut self.window, self.position);
        self.window.truncate(*read.as_ref().unwrap_or(&0));
        read.map(|_| ())
    }
}

impl Read for FileSource {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.size.saturating_sub(self.position);
        let wanted = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let buffer = buffer.get_mut(..wanted).unwrap_or(&mut []);
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.ahead().is_empty() {
            if buffer.len() >= WINDOW_BYTES {
                let count = self.file.read_at(buffer, self.position)?;
                self.position = self.position.saturating_add(count as u64);
                return Ok(count);
            }
            self.fill()?;
        }
        let count = self.ahead().read(buffer)?;
        self.position = self.position.saturating_add(count as u64);
        Ok(count)
    }
}

impl Seek for FileSource {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.size.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
