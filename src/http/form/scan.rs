//! The scan of a form's bytes for its delimiters, over whatever chunks they come in.

use bytes::{Buf, Bytes};
use memchr::memmem;

use super::delimiter::{Delimiter, Verdict};

/// What the scan has before it: bytes at hand, and what the bytes before them ended in.
pub(super) struct Scan {
    delimiter: Delimiter,
    /// Bytes that came and were not looked at yet.
    rest: Bytes,
    /// Before a head: the header lines so far, behind the CRLF of the delimiter's line. Else: the beginning of what may
    /// become a delimiter, where the bytes before `rest` ended in it.
    held: Vec<u8>,
    /// How many leading bytes of `held` are no data: the CRLF that ends the head (or stands, as if, before the whole
    /// body) may also be the delimiter's.
    borrowed: usize,
}

/// One step of the scan of data.
pub(super) enum Step {
    /// Never empty.
    Data(Bytes),
    /// A delimiter's line; a head follows.
    Boundary,
    /// The closing delimiter.
    Close,
    /// In a preamble alone: a delimiter but for its line's end, which is a bare LF.
    LineFeed,
}

/// One step of the scan of a head.
pub(super) enum HeadStep<T> {
    Head(T),
    More,
    TooLarge,
}

impl Scan {
    pub fn new(delimiter: Delimiter) -> Scan {
        Scan { delimiter, rest: Bytes::new(), held: LINE_END.to_vec(), borrowed: LINE_END.len() }
    }

    /// Takes the next bytes. All before them must have been looked at: `advance` gave `None`, or `head` `More`.
    pub fn feed(&mut self, bytes: Bytes) {
        self.rest = bytes;
    }

    /// Drops the bytes at hand; how many they were.
    pub fn skip(&mut self) -> usize {
        std::mem::take(&mut self.rest).len()
    }

    /// Whether what came ends in a closing delimiter whose line has no end.
    pub fn closes(&self) -> bool {
        self.delimiter.closes(&self.held)
    }

    /// The next step that the bytes at hand allow; `None` when all of them are looked at.
    ///
    /// In a preamble a delimiter's line that ends in a bare LF is a step; elsewhere it is data.
    pub fn advance(&mut self, in_preamble: bool) -> Option<Step> {
        if self.rest.is_empty() {
            return None;
        }
        if !self.held.is_empty() {
            match self.advance_held(in_preamble) {
                Held::Dropped => {}
                Held::Longer => return None,
                Held::Step(step) => return Some(step),
            }
        }
        self.advance_rest(in_preamble)
    }

    /// Lays what came behind what is held, and judges both as one. Copies no more than a delimiter's line.
    fn advance_held(&mut self, in_preamble: bool) -> Held {
        let before = self.held.len();
        let room = self.delimiter.longest_line().saturating_sub(before);
        let more = self.rest.get(..room).unwrap_or(&self.rest);
        let taken = more.len();
        self.held.extend_from_slice(more);
        match self.delimiter.judge(&self.held) {
            Verdict::Undecided => {
                self.rest.advance(taken);
                return Held::Longer;
            }
            Verdict::Boundary(length) => {
                self.rest.advance(length.saturating_sub(before).min(taken));
                self.hold_line_end(0);
                return Held::Step(Step::Boundary);
            }
            Verdict::Close => return Held::Step(Step::Close),
            Verdict::LineFeed if in_preamble => return Held::Step(Step::LineFeed),
            Verdict::LineFeed | Verdict::Data => {}
        }
        // It was data. No delimiter can begin inside of it (see `Delimiter::judge`), so only what came is scanned.
        self.held.truncate(before);
        let data = Bytes::copy_from_slice(self.held.get(self.borrowed..).unwrap_or_default());
        self.held.clear();
        self.borrowed = 0;
        if data.is_empty() { Held::Dropped } else { Held::Step(Step::Data(data)) }
    }

    /// Looks for a delimiter in `rest`, nothing being held.
    fn advance_rest(&mut self, in_preamble: bool) -> Option<Step> {
        let mut from = 0;
        let end = loop {
            let Some(at) = self.delimiter.find(&self.rest, from) else {
                break self.delimiter.begins_at(&self.rest);
            };
            let step = match self.delimiter.judge(self.rest.get(at..).unwrap_or_default()) {
                Verdict::Boundary(length) if at == 0 => {
                    self.rest.advance(length.min(self.rest.len()));
                    self.hold_line_end(0);
                    Step::Boundary
                }
                Verdict::Close if at == 0 => Step::Close,
                Verdict::LineFeed if at == 0 && in_preamble => Step::LineFeed,
                // The data before it first; the next call finds it at 0.
                Verdict::Boundary(_) | Verdict::Close | Verdict::Undecided => break at,
                Verdict::LineFeed if in_preamble => break at,
                Verdict::LineFeed | Verdict::Data => {
                    from = self.delimiter.behind(at);
                    continue;
                }
            };
            return Some(step);
        };
        // `end` is an index of `rest`, or its length.
        let data = self.rest.split_to(end.min(self.rest.len()));
        if data.is_empty() {
            self.held.extend_from_slice(&self.rest);
            self.rest = Bytes::new();
            return None;
        }
        Some(Step::Data(data))
    }

    /// Holds a CRLF that was read, `borrowed` bytes of it being no data of what follows.
    fn hold_line_end(&mut self, borrowed: usize) {
        self.held.clear();
        self.held.extend_from_slice(LINE_END);
        self.borrowed = borrowed;
    }

    /// Reads on in a head of at most `most` bytes with its line ends; `parse` gets its lines, with CRLF between them.
    pub fn head<T>(&mut self, most: usize, parse: impl FnOnce(&[u8]) -> T) -> HeadStep<T> {
        // The CRLF before the head and the empty line behind it are held too.
        let room = most.saturating_add(HEAD_END.len()).saturating_sub(self.held.len());
        let more = self.rest.get(..room).unwrap_or(&self.rest);
        let taken = more.len();
        // The end may lie across what was here and what came.
        let from = self.held.len().saturating_sub(HEAD_END.len() - 1);
        self.held.extend_from_slice(more);
        let tail = self.held.get(from..).unwrap_or_default();
        let Some(at) = memmem::find(tail, HEAD_END) else {
            self.rest.advance(taken);
            return if taken == room { HeadStep::TooLarge } else { HeadStep::More };
        };
        let unread = tail.len().saturating_sub(at + HEAD_END.len());
        self.rest.advance(taken.saturating_sub(unread));
        let head = parse(self.held.get(LINE_END.len()..from + at).unwrap_or_default());
        // A part may have no body at all, and then the empty line is the beginning of the delimiter.
        self.hold_line_end(LINE_END.len());
        HeadStep::Head(head)
    }
}

/// What became of the held bytes.
enum Held {
    /// They were no data and no delimiter: the CRLF before a part's first byte.
    Dropped,
    /// Still undecided, and all that came is held now.
    Longer,
    Step(Step),
}

const LINE_END: &[u8] = b"\r\n";
const HEAD_END: &[u8] = b"\r\n\r\n";
