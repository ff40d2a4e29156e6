//! A scan: which components it codes, and the walk over their blocks.

use super::bits::Bits;
use super::frame::Frame;
use super::huffman::{Skips, Table};
use super::idct::Transform;

/// A component's part in a scan.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// Its place in the frame header.
    pub component: usize,
    /// Which tables: 0 to 3.
    pub dc: usize,
    pub ac: usize,
}

/// The scan header (T.81, B.2.3).
#[derive(Debug)]
pub struct Header {
    pub parts: Vec<Part>,
    /// The first and last coefficient of the zigzag sequence: 0 to 63.
    pub first: u8,
    pub last: u8,
    /// Successive approximation: bits known before, and bits not coded yet.
    pub high: u8,
    pub low: u8,
}

impl Header {
    /// `None` where it names more components than the frame has of a name, or tables or coefficients that there can't
    /// be.
    pub fn read(payload: &[u8], frame: &Frame) -> Option<Header> {
        let (count, rest) = payload.split_first()?;
        let (pairs, rest) = rest.split_at_checked(usize::from(*count) * 2)?;
        let mut parts: Vec<Part> = Vec::new();
        for pair in pairs.chunks_exact(2) {
            let (dc, ac) = (usize::from(pair[1] >> 4), usize::from(pair[1] & 15));
            // Some files give several components one name: each naming means the next of them, as in libjpeg.
            let is_free = |at: &usize| parts.iter().all(|part| part.component != *at);
            let named =
                |at: &usize| frame.components.get(*at).is_some_and(|component| component.id == pair[0]);
            let component = (0..frame.components.len()).find(|at| named(at) && is_free(at))?;
            if dc > 3 || ac > 3 {
                return None;
            }
            parts.push(Part { component, dc, ac });
        }
        let [first, last, approximation, ..] = *rest else {
            return None;
        };
        let header = if frame.is_progressive() {
            Header { parts, first, last, high: approximation >> 4, low: approximation & 15 }
        } else {
            // A sequential scan codes all of a block, whatever it says: some encoders leave these fields 0.
            Header { parts, first: 0, last: 63, high: 0, low: 0 }
        };
        let is_sound = header.first <= header.last
            && header.last < 64
            && header.low < 14
            && !header.parts.is_empty()
            && (!frame.is_progressive() || header.first == 0 || header.parts.len() == 1)
            && (!frame.is_progressive() || header.first > 0 || header.last == 0);
        is_sound.then_some(header)
    }
}

/// A component's grid of blocks, filled up to whole units as they are coded.
#[derive(Clone, Copy, Debug)]
pub struct Grid {
    /// Blocks of a unit.
    pub across: u32,
    pub down: u32,
    /// Blocks in all, a whole number of units.
    pub columns: u32,
    pub rows: u32,
    /// Blocks that hold samples of the picture.
    pub used_columns: u32,
    pub used_rows: u32,
}

impl Grid {
    pub fn of(frame: &Frame, height: u32, component: usize) -> Option<Grid> {
        const BLOCK: u32 = 8;
        let component = frame.components.get(component)?;
        let (across, down) = (u32::from(component.across), u32::from(component.down));
        let (most_across, most_down) = frame.most();
        let width = u32::from(frame.width);
        Some(Grid {
            across,
            down,
            columns: width.div_ceil(BLOCK * most_across) * across,
            rows: height.div_ceil(BLOCK * most_down) * down,
            used_columns: (width * across).div_ceil(most_across).div_ceil(BLOCK),
            used_rows: (height * down).div_ceil(most_down).div_ceil(BLOCK),
        })
    }

    pub fn blocks(&self) -> u64 {
        u64::from(self.columns) * u64::from(self.rows)
    }
}

/// What one block hands to the next, up to a restart.
#[derive(Clone, Copy, Default)]
pub struct Carried {
    /// The last mean of each part (F.1.1.5.1).
    pub means: [i32; 4],
    /// Blocks still to be passed over in a progressive scan (G.1.2.2).
    pub end_run: u32,
}

/// Calls `decode` for each block of the scan in the order in which they are coded: part, column, row of its grid.
///
/// Ends at the data's end. Where a restart marker comes too soon or too late the walk goes on at the place that the
/// marker's number tells (E.2.4): what is lost keeps the colour it had.
pub fn walk(
    bits: &mut Bits,
    grids: &[Grid],
    restart_interval: u16,
    mut decode: impl FnMut(&mut Bits, &mut Carried, usize, u32, u32),
) {
    // A scan of one component is coded block by block without padding, one of several unit by unit (A.2).
    let (columns, rows, alone) = match grids {
        [] => return,
        [grid] => (grid.used_columns, grid.used_rows, true),
        [grid, ..] => (grid.columns / grid.across.max(1), grid.rows / grid.down.max(1), false),
    };
    let units = u64::from(columns) * u64::from(rows);
    let interval = match u64::from(restart_interval) {
        0 => units,
        interval => interval,
    };
    let mut unit = 0;
    while unit < units {
        let mut carried = Carried::default();
        let (mut column, mut row) = ((unit % u64::from(columns)) as u32, (unit / u64::from(columns)) as u32);
        for _ in unit..units.min(unit + interval) {
            if alone {
                decode(bits, &mut carried, 0, column, row);
            } else {
                for (part, grid) in grids.iter().enumerate() {
                    for down in 0..grid.down {
                        for across in 0..grid.across {
                            let (column, row) = (column * grid.across + across, row * grid.down + down);
                            decode(bits, &mut carried, part, column, row);
                        }
                    }
                }
            }
            if bits.is_spent() {
                break;
            }
            column += 1;
            if column == columns {
                (column, row) = (0, row + 1);
            }
        }
        if unit + interval >= units {
            break;
        }
        // Intervals are numbered from 0 to 7 and again, each by the marker behind it. As in libjpeg, a number one or two
        // ahead tells of lost intervals, one or two behind of a marker too many; any other is taken for the right one.
        let due = (unit / interval) as u8;
        let lost = loop {
            let Some(number) = bits.restart() else {
                return;
            };
            match number.wrapping_sub(due) & 7 {
                ahead @ 1..=2 => break u64::from(ahead),
                6 | 7 => {}
                _ => break 0,
            }
        };
        unit += interval * (1 + lost);
    }
}

/// The samples of a component at the scale they are drawn.
pub struct Plane {
    pub grid: Grid,
    pub transform: Transform,
    /// Samples a side of a block.
    pub side: usize,
    /// How many coefficients of a block are wanted.
    pub wanted: usize,
    /// Rows from the top without gaps, `grid.columns * side` each.
    pub samples: Vec<u8>,
}

impl Plane {
    pub fn stride(&self) -> usize {
        self.grid.columns as usize * self.side
    }

    /// Draws the block at this place of the grid.
    #[inline]
    pub fn draw(&mut self, column: u32, row: u32, coefficients: &[i16]) {
        let stride = self.stride();
        let start = row as usize * self.side * stride + column as usize * self.side;
        if let Some(target) = self.samples.get_mut(start..) {
            self.transform.draw(coefficients, target, stride);
        }
    }
}

/// What a sequential scan needs of a part besides its plane.
pub struct Coding<'t> {
    pub dc: &'t Table,
    pub ac: &'t Table,
    /// For the coefficients that are not wanted; none where all are.
    pub skips: Option<Skips>,
}

/// Decodes a sequential scan (F.2.2) straight into the planes of its parts.
pub fn sequential(bits: &mut Bits, planes: &mut [&mut Plane], codings: &[Coding], restart_interval: u16) {
    let grids: Vec<Grid> = planes.iter().map(|plane| plane.grid).collect();
    let mut block = [0i16; 64];
    walk(bits, &grids, restart_interval, |bits, carried, part, column, row| {
        let (Some(plane), Some(coding)) = (planes.get_mut(part), codings.get(part)) else {
            return;
        };
        let Some(mean) = carried.means.get_mut(part) else {
            return;
        };
        let size = u32::from(coding.dc.decode(bits)).min(15);
        *mean = mean.wrapping_add(bits.take_signed(size));
        if bits.is_spent() {
            return;
        }
        block[0] = *mean as i16;
        let mut at = 1;
        while at < plane.wanted {
            let value = coding.ac.decode(bits);
            let (run, size) = (usize::from(value >> 4), u32::from(value & 15));
            if size > 0 {
                at += run;
                let coefficient = bits.take_signed(size) as i16;
                if let Some(place) = block.get_mut(at) {
                    *place = coefficient;
                }
                at += 1;
            } else if run == 15 {
                at += 16;
            } else {
                at = 64;
            }
        }
        if let Some(skips) = &coding.skips {
            skips.run(coding.ac, bits, at as u32);
        }
        plane.draw(column, row, block.get(..plane.wanted).unwrap_or(&block));
        block[1..].fill(0);
    });
}
