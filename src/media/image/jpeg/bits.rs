//! The coded data of a scan, bit by bit.

use super::marker;
use crate::media::image::input::Input;

/// Bits of a scan from the highest down, with stuffed bytes taken out (T.81, F.2.2.5).
///
/// At a marker or the file's end zeros follow without end, and [`Bits::is_spent`] tells.
pub struct Bits<'i, 's> {
    input: &'i mut Input<'s>,
    /// The next bits, from the top.
    word: u64,
    /// How many of them there are.
    count: u32,
    /// How many of those, the last ones, were made up. Counts on when they are used.
    made_up: u32,
    /// The marker that ended the data.
    marker: Option<u8>,
    is_at_end: bool,
}

impl<'i, 's> Bits<'i, 's> {
    pub fn new(input: &'i mut Input<'s>) -> Bits<'i, 's> {
        Bits { input, word: 0, count: 0, made_up: 0, marker: None, is_at_end: false }
    }

    /// Makes at least 32 bits ready: enough for a code of 16 and a value of 16.
    #[inline(always)]
    pub fn fill(&mut self) {
        if self.count >= 32 {
            return;
        }
        if !self.is_at_end
            && let Some(next) = self.input.peek_word()
            && !has_ff(next)
        {
            let bytes = (63 - self.count) / 8;
            self.word |= next >> self.count;
            // The bits beyond whole bytes are given again by the next filling, to the same place.
            self.count += bytes * 8;
            self.input.advance(bytes as usize);
        } else {
            self.fill_by_bytes();
        }
    }

    #[cold]
    #[inline(never)]
    fn fill_by_bytes(&mut self) {
        // Bits that the fast way left beyond `count` would spoil what is put there bytewise.
        self.word &= !(u64::MAX.checked_shr(self.count).unwrap_or(0));
        while self.count <= 56 {
            match self.next_byte() {
                Some(byte) => self.word |= u64::from(byte) << (56 - self.count),
                None => self.made_up += 8,
            }
            self.count += 8;
        }
    }

    fn next_byte(&mut self) -> Option<u8> {
        if self.is_at_end {
            return None;
        }
        let byte = self.input.byte();
        if byte != Some(0xff) {
            self.is_at_end = byte.is_none();
            return byte;
        }
        // Fill bytes may stand before a marker.
        let mut code = self.input.byte();
        while code == Some(0xff) {
            code = self.input.byte();
        }
        if code == Some(0) {
            return Some(0xff);
        }
        (self.marker, self.is_at_end) = (code, true);
        None
    }

    /// The next 32 bits, without using them.
    #[inline(always)]
    pub fn peek(&self) -> u32 {
        (self.word >> 32) as u32
    }

    /// Uses up `count` bits, at most 32 since [`Bits::fill`].
    #[inline(always)]
    pub fn consume(&mut self, count: u32) {
        self.word <<= count & 63;
        self.count = self.count.saturating_sub(count);
    }

    /// The next `count` bits, at most 16, as a number.
    #[inline(always)]
    pub fn take(&mut self, count: u32) -> u32 {
        let value = self.peek().checked_shr(32 - count).unwrap_or(0);
        self.consume(count);
        value
    }

    /// The next `size` bits as a signed number: RECEIVE and EXTEND (F.2.2.1).
    #[inline(always)]
    pub fn take_signed(&mut self, size: u32) -> i32 {
        if size == 0 {
            return 0;
        }
        let value = self.take(size) as i32;
        let is_negative = value < 1 << (size - 1);
        if is_negative { value - (1 << size) + 1 } else { value }
    }

    /// Passes over any number of bits.
    pub fn skip(&mut self, mut count: u32) {
        while count > 0 {
            self.fill();
            let part = count.min(32);
            self.consume(part);
            count -= part;
        }
    }

    /// Whether bits were used that the file does not have.
    #[inline(always)]
    pub fn is_spent(&self) -> bool {
        self.made_up > self.count
    }

    /// Drops the rest of an interval and passes the restart marker behind it: its number, 0 to 7. `None` where another
    /// marker or the end comes first; codes that mean nothing are damage, and passed over.
    pub fn restart(&mut self) -> Option<u8> {
        (self.word, self.count, self.made_up) = (0, 0, 0);
        let mut found = self.marker.take();
        // Each round reads at least one byte of the file.
        while found.is_none_or(marker::is_meaningless) {
            found = Some(super::next_marker(self.input)?);
        }
        match found {
            Some(code @ marker::RST0..=marker::RST7) => {
                self.is_at_end = false;
                Some(code - marker::RST0)
            }
            other => {
                (self.marker, self.is_at_end) = (other, true);
                None
            }
        }
    }

    /// The marker that was passed and is no restart, at the scan's end.
    pub fn into_marker(self) -> Option<u8> {
        self.marker.filter(|code| !(marker::RST0..=marker::RST7).contains(code))
    }
}

/// Whether one of the eight bytes is 0xFF: the complement then has a byte of zero, which borrows when one is taken off.
#[inline(always)]
fn has_ff(word: u64) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;
    (!word).wrapping_sub(ONES) & word & TOPS != 0
}
