//! Progressive scans (T.81, annex G): coefficients come in parts, so they are kept until the end.
//!
//! Only the coefficients that the scale needs are kept. Of the others no more than whether they are zero, on which the
//! meaning of later bits depends: a bit each instead of two bytes. A component of which the means alone are wanted needs
//! nothing of its other scans, and they are not even decoded.

use super::bits::Bits;
use super::huffman::Table;
use super::scan::{Carried, Header, Plane, walk};

/// The coefficients of one component.
pub struct Store {
    /// How many of each block: the first ones of the zigzag sequence.
    wanted: usize,
    kept: Vec<i16>,
    /// A bit for each coefficient of a block that is not zero; none where the means alone are kept.
    nonzero: Vec<u64>,
}

impl Store {
    /// Bytes a block.
    pub fn block_bytes(wanted: usize) -> u64 {
        wanted as u64 * 2 + if wanted > 1 { 8 } else { 0 }
    }

    pub fn new(blocks: u64, wanted: usize) -> Store {
        let blocks = blocks as usize;
        Store {
            wanted,
            kept: vec![0; blocks * wanted],
            nonzero: vec![0; if wanted > 1 { blocks } else { 0 }],
        }
    }

    /// Whether a scan from this coefficient on says anything that is kept.
    pub fn needs(&self, first: u8) -> bool {
        first == 0 || self.wanted > 1
    }

    /// Draws all blocks of the picture.
    pub fn draw(&self, plane: &mut Plane) {
        let columns = plane.grid.columns as usize;
        for (index, block) in self.kept.chunks_exact(self.wanted).enumerate() {
            plane.draw((index % columns) as u32, (index / columns) as u32, block);
        }
    }
}

/// Decodes a scan of means (`header.first` is 0) into the stores of its parts; `planes` and `tables` are in the same
/// order.
pub fn means(
    bits: &mut Bits,
    header: &Header,
    planes: &[&Plane],
    stores: &mut [&mut Store],
    tables: &[Option<&Table>],
    restart_interval: u16,
) {
    let grids: Vec<_> = planes.iter().map(|plane| plane.grid).collect();
    walk(bits, &grids, restart_interval, |bits, carried, part, column, row| {
        let (Some(grid), Some(store)) = (grids.get(part), stores.get_mut(part)) else {
            return;
        };
        let index = (row as usize * grid.columns as usize + column as usize) * store.wanted;
        let (Some(place), Some(mean)) = (store.kept.get_mut(index), carried.means.get_mut(part)) else {
            return;
        };
        if header.high > 0 {
            bits.fill();
            *place |= (bits.take(1) as i16) << header.low;
            return;
        }
        let Some(Some(table)) = tables.get(part) else {
            return;
        };
        let size = u32::from(table.decode(bits)).min(15);
        *mean = mean.wrapping_add(bits.take_signed(size));
        if !bits.is_spent() {
            *place = (*mean << header.low) as i16;
        }
    });
}

/// Decodes a scan of other coefficients, which is one component's alone.
pub fn others(
    bits: &mut Bits,
    header: &Header,
    plane: &Plane,
    store: &mut Store,
    table: &Table,
    restart_interval: u16,
) {
    let columns = plane.grid.columns as usize;
    let wanted = store.wanted;
    walk(bits, &[plane.grid], restart_interval, |bits, carried, _, column, row| {
        let index = row as usize * columns + column as usize;
        let kept = store.kept.get_mut(index * wanted..(index + 1) * wanted);
        let (Some(kept), Some(nonzero)) = (kept, store.nonzero.get_mut(index)) else {
            return;
        };
        let mut block = Block { kept, nonzero, low: header.low };
        let (first, last) = (u32::from(header.first), u32::from(header.last));
        if header.high == 0 {
            block.begin(bits, carried, table, first, last);
        } else {
            block.refine(bits, carried, table, first, last);
        }
    });
}

/// A block's coefficients and how many of their bits are not coded yet.
struct Block<'s> {
    kept: &'s mut [i16],
    nonzero: &'s mut u64,
    low: u8,
}

impl Block<'_> {
    /// G.1.2.2: the first bits of the coefficients from `at` to `last`.
    fn begin(&mut self, bits: &mut Bits, carried: &mut Carried, table: &Table, mut at: u32, last: u32) {
        if carried.end_run > 0 {
            carried.end_run -= 1;
            return;
        }
        while at <= last {
            let value = table.decode(bits);
            let (run, size) = (u32::from(value >> 4), u32::from(value & 15));
            if size > 0 {
                at += run;
                let value = bits.take_signed(size) << self.low;
                if bits.is_spent() {
                    return;
                }
                self.set(at, value);
                at += 1;
            } else if run == 15 {
                at += 16;
            } else {
                // This block and more end here.
                carried.end_run = (1 << run) - 1 + bits.take(run);
                return;
            }
        }
    }

    /// G.1.2.3: one more bit of each coefficient that is not zero, and those that become so by this bit.
    fn refine(&mut self, bits: &mut Bits, carried: &mut Carried, table: &Table, mut at: u32, last: u32) {
        if carried.end_run == 0 {
            while at <= last {
                let value = table.decode(bits);
                let (run, size) = (u32::from(value >> 4), u32::from(value & 15));
                let mut fresh = 0;
                if size > 0 {
                    fresh = if bits.take(1) == 1 { 1 << self.low } else { -1 << self.low };
                } else if run < 15 {
                    carried.end_run = (1 << run) + bits.take(run);
                    break;
                }
                at = self.pass(bits, run, at, last);
                if bits.is_spent() {
                    return;
                }
                if fresh != 0 && at <= last {
                    self.set(at, fresh);
                }
                at += 1;
            }
        }
        if carried.end_run > 0 {
            self.pass(bits, u32::MAX, at, last);
            carried.end_run -= 1;
        }
    }

    /// Over `zeros` coefficients that are zero to the next that is, or to behind `last`; each other on the way takes a
    /// bit. The place arrived at.
    fn pass(&mut self, bits: &mut Bits, mut zeros: u32, mut at: u32, last: u32) -> u32 {
        while at <= last && (at as usize) < self.kept.len() {
            if *self.nonzero >> at & 1 == 1 {
                self.correct(bits, at);
            } else if zeros == 0 {
                return at;
            } else {
                zeros -= 1;
            }
            at += 1;
        }
        if at > last {
            return at;
        }
        // The others are not kept: their bits are counted and passed over.
        let range = u64::MAX << at & u64::MAX >> (63 - last);
        let mut free = !*self.nonzero & range;
        while zeros > 0 && free != 0 {
            free &= free - 1;
            zeros -= 1;
        }
        let (end, passed) = match free {
            0 => (last + 1, range),
            _ => (free.trailing_zeros(), range & !(u64::MAX << free.trailing_zeros())),
        };
        bits.skip((*self.nonzero & passed).count_ones());
        end
    }

    /// One more bit of a coefficient that is kept.
    fn correct(&mut self, bits: &mut Bits, at: u32) {
        bits.fill();
        let bit = 1i16 << self.low;
        if bits.take(1) == 1
            && !bits.is_spent()
            && let Some(place) = self.kept.get_mut(at as usize)
            && *place & bit == 0
        {
            *place = place.wrapping_add(if *place > 0 { bit } else { -bit });
        }
    }

    fn set(&mut self, at: u32, value: i32) {
        if at < 64 {
            *self.nonzero |= 1 << at;
            if let Some(place) = self.kept.get_mut(at as usize) {
                *place = value as i16;
            }
        }
    }
}
