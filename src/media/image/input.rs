//! A file read through one window. Every read says whether the bytes were there; a failed read is the file's end.

use std::io::SeekFrom;

use crate::media::Source;

/// Large enough that the system calls cost nothing beside decoding.
const WINDOW_BYTES: usize = 64 << 10;

/// A file, its length, and a place in it.
pub struct Input<'a> {
    source: &'a mut dyn Source,
    length: u64,
    window: Vec<u8>,
    /// Where in the file the window ends: the source stands there.
    window_end: u64,
    /// Read and not yet given out: `window[at..end]`.
    at: usize,
    end: usize,
}

impl<'a> Input<'a> {
    /// At the file's start; `None` where it cannot be read.
    pub fn open(source: &'a mut dyn Source) -> Option<Input<'a>> {
        let length = source.seek(SeekFrom::End(0)).ok()?;
        source.seek(SeekFrom::Start(0)).ok()?;
        Some(Input { source, length, window: vec![0; WINDOW_BYTES], window_end: 0, at: 0, end: 0 })
    }

    /// From the file's start, in bytes.
    pub fn position(&self) -> u64 {
        self.window_end - (self.end - self.at) as u64
    }

    /// From here to the file's end, in bytes.
    pub fn remaining(&self) -> u64 {
        self.length.saturating_sub(self.position())
    }

    /// What is read and not yet given out; empty at the file's end alone.
    pub fn buffered(&mut self) -> &[u8] {
        if self.at == self.end {
            self.refill();
        }
        self.ready()
    }

    /// Gives out `count` bytes of [`Input::buffered`], at most all of them.
    pub fn advance(&mut self, count: usize) {
        self.at = (self.at + count).min(self.end);
    }

    pub fn byte(&mut self) -> Option<u8> {
        let byte = *self.buffered().first()?;
        self.advance(1);
        Some(byte)
    }

    /// The next `N` bytes, `N` being small; all of them or none.
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        if self.ready().len() < N {
            self.refill();
        }
        let bytes = *self.ready().first_chunk::<N>()?;
        self.advance(N);
        Some(bytes)
    }

    /// The next 8 bytes without giving them out; `None` within 8 bytes of the file's end.
    #[inline]
    pub fn peek_word(&mut self) -> Option<u64> {
        match self.ready().first_chunk::<8>() {
            Some(bytes) => Some(u64::from_be_bytes(*bytes)),
            None => self.peek_word_behind_window(),
        }
    }

    #[cold]
    fn peek_word_behind_window(&mut self) -> Option<u64> {
        self.refill();
        self.ready().first_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes))
    }

    /// The next `count` bytes, which the caller has bounded; fewer at the file's end.
    pub fn take(&mut self, count: u64) -> Vec<u8> {
        let count = count.min(self.remaining()) as usize;
        let mut bytes = Vec::with_capacity(count);
        while bytes.len() < count {
            let chunk = self.buffered();
            let wanted = chunk.len().min(count - bytes.len());
            if wanted == 0 {
                break;
            }
            bytes.extend_from_slice(&chunk[..wanted]);
            self.advance(wanted);
        }
        bytes
    }

    /// Moves on by `count` bytes; `false`, and to the end, where the file has fewer.
    pub fn skip(&mut self, count: u64) -> bool {
        let whole = count <= self.remaining();
        let count = count.min(self.remaining());
        let ready = self.ready().len() as u64;
        if count <= ready {
            self.advance(count as usize);
            return whole;
        }
        whole && self.seek(self.position() + count)
    }

    /// To a place counted from the file's start; `false` where it cannot be reached.
    pub fn seek(&mut self, position: u64) -> bool {
        (self.at, self.end) = (0, 0);
        match self.source.seek(SeekFrom::Start(position)) {
            Ok(position) => {
                self.window_end = position;
                position <= self.length
            }
            Err(_) => false,
        }
    }

    #[inline]
    fn ready(&self) -> &[u8] {
        self.window.get(self.at..self.end).unwrap_or(&[])
    }

    /// Moves what is left to the window's start and reads on behind it.
    fn refill(&mut self) {
        self.window.copy_within(self.at..self.end, 0);
        (self.at, self.end) = (0, self.end - self.at);
        while self.end < self.window.len() {
            match self.source.read(&mut self.window[self.end..]) {
                Ok(0) => break,
                Ok(count) => {
                    self.end += count;
                    self.window_end += count as u64;
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
    }
}

/// Two bytes at the start of `bytes`, big end first.
pub fn be16(bytes: &[u8]) -> Option<u16> {
    bytes.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}

/// Two bytes at the start of `bytes`, small end first.
pub fn le16(bytes: &[u8]) -> Option<u16> {
    bytes.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
}

/// Three bytes, small end first.
pub fn le24([a, b, c]: [u8; 3]) -> u32 {
    u32::from_le_bytes([a, b, c, 0])
}
