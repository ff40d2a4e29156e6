//! Huffman's code (T.81, annex C and F.2.2.3).

use super::bits::Bits;

/// Codes of up to so many bits are looked up at once.
const LOOK_BITS: u32 = 10;
const LONGEST: usize = 16;

/// A code: how many bits stand for which byte.
#[derive(Clone)]
pub struct Table {
    /// By the next bits: length << 8 | value; 0 for longer codes.
    look: Vec<u16>,
    /// The first code behind those of each length, at the top of 16 bits.
    ends: [u32; LONGEST + 1],
    /// What added to a code of each length gives the place of its value.
    offsets: [i32; LONGEST + 1],
    values: Vec<u8>,
}

impl Table {
    /// `counts` of codes of 1 to 16 bits, and their values in order. `None` where there are more codes than bits allow
    /// or other values than counts.
    pub fn new(counts: &[u8; LONGEST], values: &[u8]) -> Option<Table> {
        let mut table = Table {
            look: vec![0; 1 << LOOK_BITS],
            ends: [0; LONGEST + 1],
            offsets: [0; LONGEST + 1],
            values: values.to_vec(),
        };
        let mut code = 0u32;
        let mut place = 0;
        for length in 1..=LONGEST {
            let count = u32::from(counts[length - 1]);
            table.offsets[length] = place as i32 - code as i32;
            let own = values.get(place..place + count as usize)?;
            if length as u32 <= LOOK_BITS {
                let spread = 1 << (LOOK_BITS - length as u32);
                for (index, value) in own.iter().enumerate() {
                    let start = (code as usize + index) * spread;
                    let entry = (length as u16) << 8 | u16::from(*value);
                    table.look.get_mut(start..start + spread)?.fill(entry);
                }
            }
            place += count as usize;
            code += count;
            if code > 1 << length {
                return None;
            }
            table.ends[length] = code << (LONGEST - length);
            code <<= 1;
        }
        (place == values.len()).then_some(table)
    }

    /// The length of the code at the top of 16 bits and its value. Bits that are no code count as 16 of value 0, as in
    /// libjpeg: what follows is drawn as well as it can be.
    #[inline(always)]
    fn find(&self, top: u32) -> (u32, u8) {
        match self.look.get((top >> (LONGEST as u32 - LOOK_BITS)) as usize) {
            Some(entry @ 1..) => (u32::from(entry >> 8), *entry as u8),
            _ => self.find_long(top),
        }
    }

    #[inline(never)]
    fn find_long(&self, top: u32) -> (u32, u8) {
        for length in LOOK_BITS as usize + 1..=LONGEST {
            if top < self.ends[length] {
                let place = (top >> (LONGEST - length)) as i32 + self.offsets[length];
                return (length as u32, self.values.get(place as usize).copied().unwrap_or(0));
            }
        }
        (LONGEST as u32, 0)
    }

    /// The next value; at least 16 bits stay ready.
    #[inline(always)]
    pub fn decode(&self, bits: &mut Bits) -> u8 {
        bits.fill();
        let (length, value) = self.find(bits.peek() >> 16);
        bits.consume(length);
        value
    }
}

/// The tables that T.81 suggests in K.3.3, which a file without tables of its own means: frames of Motion JPEG.
pub fn suggested() -> ([Option<Table>; 4], [Option<Table>; 4]) {
    #[rustfmt::skip]
    const AC_LUMINANCE: [u8; 162] = [
        0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07, 0x22, 0x71,
        0x14, 0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0, 0x24, 0x33, 0x62, 0x72,
        0x82, 0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x34, 0x35, 0x36, 0x37,
        0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59,
        0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x83,
        0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3,
        0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3,
        0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2,
        0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
    ];
    #[rustfmt::skip]
    const AC_CHROMINANCE: [u8; 162] = [
        0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71, 0x13, 0x22,
        0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0, 0x15, 0x62, 0x72, 0xd1,
        0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25, 0xf1, 0x17, 0x18, 0x19, 0x1a, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x35, 0x36,
        0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58,
        0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a,
        0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a,
        0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba,
        0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda,
        0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
    ];
    const DC: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
    let dc = [
        Table::new(&[0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], &DC),
        Table::new(&[0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0], &DC),
        None,
        None,
    ];
    let ac = [
        Table::new(&[0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125], &AC_LUMINANCE),
        Table::new(&[0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119], &AC_CHROMINANCE),
        None,
        None,
    ];
    (dc, ac)
}

/// Bits to look at when coefficients are passed over.
const SKIP_BITS: u32 = 12;

/// What an alternating-current code says of coefficients nobody wants: how far it reaches.
#[derive(Clone, Copy, Default)]
struct Step {
    /// Bits of the codes that fit into [`SKIP_BITS`], and of the values behind them; 0 where not even one fits.
    bits: u8,
    /// Coefficients they cover; [`TO_END`] more where the last ends the block.
    reach: u8,
    /// The same of the first code alone.
    first_bits: u8,
    first_reach: u8,
}

/// More coefficients than a block has.
const TO_END: u8 = 64;

/// Passes over coefficients, several at a look.
pub struct Skips(Vec<Step>);

impl Skips {
    pub fn new(table: &Table) -> Skips {
        let step = |prefix: u32| {
            let mut step = Step::default();
            loop {
                let at = u32::from(step.bits);
                if at >= SKIP_BITS || step.reach >= TO_END {
                    break;
                }
                // What lies beyond the prefix is unknown, and zero here: a code that needs it is not taken.
                let (length, value) = table.find((prefix << (LONGEST as u32 - SKIP_BITS) << at) & 0xffff);
                if at + length > SKIP_BITS {
                    break;
                }
                let (bits, reach) = extent(value);
                if reach < TO_END && step.reach + reach >= TO_END {
                    break;
                }
                // At most 12 + 15 bits.
                step.bits += (length + bits) as u8;
                step.reach += reach;
                if step.first_bits == 0 {
                    (step.first_bits, step.first_reach) = (step.bits, step.reach);
                }
            }
            step
        };
        Skips((0..1 << SKIP_BITS).map(step).collect())
    }

    /// From coefficient `at` to the block's end.
    #[inline(always)]
    pub fn run(&self, table: &Table, bits: &mut Bits, mut at: u32) {
        const BLOCK: u32 = 64;
        while at < BLOCK {
            bits.fill();
            let step = self.0.get((bits.peek() >> (32 - SKIP_BITS)) as usize).copied().unwrap_or_default();
            let reach = u32::from(step.reach);
            if step.bits == 0 {
                let (length, value) = table.find(bits.peek() >> 16);
                let (behind, reach) = extent(value);
                bits.consume(length + behind);
                at += u32::from(reach);
            } else if at + reach < BLOCK || (reach >= BLOCK && at + reach < 2 * BLOCK) {
                bits.consume(u32::from(step.bits));
                at += reach;
            } else {
                // The block is full before all of them: the others belong to the next.
                bits.consume(u32::from(step.first_bits));
                at += u32::from(step.first_reach);
            }
        }
    }
}

/// The bits behind a code of a sequential scan, and how many coefficients it covers (F.1.2.2.1).
fn extent(value: u8) -> (u32, u8) {
    let (run, size) = (value >> 4, value & 15);
    match (run, size) {
        (15, 0) => (0, 16),
        (_, 0) => (0, TO_END),
        _ => (u32::from(size), run + 1),
    }
}
