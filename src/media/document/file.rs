//! A file seen through a window: any size, little memory, a bound on the work.

use std::io::{Read, SeekFrom};

use memchr::memmem;

use crate::media::Source;

/// How far into a file its header may stand (ISO 32000-1, annex H, implementation note 13).
pub const HEADER_WITHIN_BYTES: usize = 1024;

/// What is read at once at least: objects that belong together stand near each other.
const WINDOW_BYTES: usize = 32 * 1024;

/// The bytes looked at and unpacked for one document, at most: some seconds. A sound document takes a few times its page
/// tree, and its whole length once more where it has to be rebuilt.
const WORK_BYTES: u64 = 1 << 30;

/// Room for what is put behind a whole file that is drawn, so that it is not copied for that.
const APPENDED_BYTES: usize = 64 * 1024;

/// Offsets count from the header, as other readers have it, since programs put bytes before it.
pub struct File<'s> {
    source: &'s mut dyn Source,
    header: u64,
    length: u64,
    /// Where the window begins.
    base: u64,
    window: Vec<u8>,
    work: u64,
}

impl<'s> File<'s> {
    /// `None` where the file can't be read, or has no header.
    pub fn open(source: &'s mut dyn Source) -> Option<File<'s>> {
        let length = source.seek(SeekFrom::End(0)).ok()?;
        let mut file = File { source, header: 0, length, base: 0, window: Vec::new(), work: WORK_BYTES };
        let head = file.bytes(0, HEADER_WITHIN_BYTES);
        let header = memmem::find(head, b"%PDF-")? as u64;
        file.header = header;
        file.length = length.checked_sub(header)?;
        file.window.clear();
        Some(file)
    }

    /// Bytes from the header to the end.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The bytes at `offset`, `want` of them, fewer at the end of the file; none once the work is used up.
    pub fn bytes(&mut self, offset: u64, want: usize) -> &[u8] {
        let available = self.length.saturating_sub(offset);
        let want = usize::try_from(available).unwrap_or(usize::MAX).min(want);
        let inside = offset
            .checked_sub(self.base)
            .and_then(|start| usize::try_from(start).ok())
            .filter(|start| start.checked_add(want).is_some_and(|end| end <= self.window.len()));
        let start = match inside {
            Some(start) => start,
            None if want == 0 => return &[],
            None => match self.refill(offset, want) {
                Some(start) => start,
                None => return &[],
            },
        };
        self.window.get(start..).map_or(&[], |rest| &rest[..want.min(rest.len())])
    }

    /// Everything from the header to the end; `None` where that is more than `max_bytes`.
    pub fn whole(&mut self, max_bytes: u64) -> Option<Vec<u8>> {
        let length = usize::try_from(self.length).ok().filter(|_| self.length <= max_bytes)?;
        let mut bytes = Vec::with_capacity(length.checked_add(APPENDED_BYTES)?);
        self.source.seek(SeekFrom::Start(self.header)).ok()?;
        Read::take(&mut *self.source, self.length).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// Moves the window over `offset`; where that is in it.
    fn refill(&mut self, offset: u64, want: usize) -> Option<usize> {
        // A little before as well: a table may name its objects backwards.
        let base = offset.saturating_sub(WINDOW_BYTES as u64 / 4);
        let before = usize::try_from(offset - base).ok()?;
        let take = before.checked_add(want.max(WINDOW_BYTES))?;
        /// Reading is so much cheaper than looking at what was read.
        const READING_SHARE: u64 = 8;
        self.spend(take as u64 / READING_SHARE)?;
        self.window.clear();
        self.base = base;
        self.source.seek(SeekFrom::Start(self.header.checked_add(base)?)).ok()?;
        let limit = (take as u64).min(self.length.saturating_sub(base));
        // What was read before an error counts, as in a file that ends there.
        let _ = Read::take(&mut *self.source, limit).read_to_end(&mut self.window);
        Some(before)
    }

    /// Takes `bytes` from the work that is left; `None` once it is used up.
    pub fn spend(&mut self, bytes: u64) -> Option<()> {
        match self.work.checked_sub(bytes) {
            Some(left) => {
                self.work = left;
                Some(())
            }
            None => {
                self.work = 0;
                None
            }
        }
    }

    /// Whether the work is used up: what could not be read then is no fault of the structure.
    pub fn exhausted(&self) -> bool {
        self.work == 0
    }
}
