//! A view of a file through a buffer of fixed size.

use super::*;

/// Bytes of the buffer: several times what a single look takes, so that little is read twice, and small beside
/// the memory of a worker.
const CAPACITY: usize = 256 << 10;

/// Shows any bytes of a file up to `end`, some at a time.
pub struct Window<'a> {
    source: &'a mut dyn Source,
    buffer: Vec<u8>,
    /// Where the buffer's first byte stands in the file.
    from: u64,
    end: u64,
}

impl<'a> Window<'a> {
    pub fn new(source: &'a mut dyn Source, end: u64) -> Window<'a> {
        Window { source, buffer: Vec::new(), from: 0, end }
    }

    pub fn end(&self) -> u64 {
        self.end
    }

    /// `count` bytes at `at`: fewer only where the view ends. More than [`CAPACITY`] are never shown.
    pub fn bytes(&mut self, at: u64, count: usize) -> Result<&[u8], Refusal> {
        let left = usize::try_from(self.end.saturating_sub(at)).unwrap_or(usize::MAX);
        let count = count.min(CAPACITY).min(left);
        let held = |window: &Window| {
            let skip = usize::try_from(at.checked_sub(window.from)?).ok()?;
            let range = skip..skip.checked_add(count)?;
            window.buffer.get(range.clone()).map(|_| range)
        };
        if let Some(range) = held(self) {
            return Ok(self.buffer.get(range).unwrap_or_default());
        }
        self.buffer.resize(CAPACITY.min(left), 0);
        let filled = read_at(self.source, at, &mut self.buffer)?;
        self.buffer.truncate(filled);
        self.from = at;
        Ok(self.buffer.get(..count.min(filled)).unwrap_or_default())
    }
}
