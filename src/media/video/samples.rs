//! Walking the samples of a track, in the order of decoding, wherever they are listed: in the tables of the movie
//! box (ISO/IEC 14496-12, 8.6 and 8.7) or in fragments (8.8).
//!
//! Tables are read in small pieces as the walk goes on, so that memory does not grow with what they claim to hold.

use std::ops::ControlFlow;

use super::boxes::{Extent, Reader};
use super::movie::Tables;
use crate::asset::Flaw;

/// Samples walked over in one file, at most: a day of film at 90 pictures a second.
pub const MAX_SAMPLES: u64 = 8_000_000;

/// One sample: a picture as it is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sample {
    /// Where its bytes are in the file.
    pub start: u64,
    pub size: u32,
    /// When it is decoded and when it is shown, in the track's timescale.
    pub decode_time: i64,
    pub show_time: i64,
    /// Whether decoding can start here, by the container's word.
    pub is_sync: bool,
    /// The sample description, counted from 1.
    pub description: u32,
}

/// What a walk calls for each sample; it ends the walk by breaking.
pub type Visit<'a> = &'a mut dyn FnMut(Sample) -> ControlFlow<()>;

/// Entries of a fixed width out of a table, one after the other.
struct Column<const N: usize> {
    rest: Extent,
    piece: Vec<u8>,
    used: usize,
}

impl<const N: usize> Column<N> {
    /// All that is behind a table's head of `head` bytes.
    fn behind(table: Extent, head: u64) -> Column<N> {
        Column { rest: table.behind(head), piece: Vec::new(), used: 0 }
    }

    /// The entries of a table, whose head of `head` bytes ends with their number: as many as it claims and has. A
    /// table that is absent is empty.
    fn of(table: Option<Extent>, head: u64, reader: &mut Reader) -> Result<Column<N>, Flaw> {
        let Some(table) = table.filter(|table| table.length() >= head) else {
            return Ok(Column::behind(Extent { start: 0, end: 0 }, 0));
        };
        let claimed = u32::from_be_bytes(reader.array(table.start + head - 4)?);
        let mut column = Column::behind(table, head);
        let end = column.rest.start.saturating_add(u64::from(claimed) * N as u64);
        column.rest.end = column.rest.end.min(end);
        Ok(column)
    }

    fn next(&mut self, reader: &mut Reader) -> Result<Option<[u8; N]>, Flaw> {
        /// One read from the file, at most.
        const PIECE_BYTES: usize = 16 * 1024;
        if self.piece.len() - self.used < N {
            let entries = (self.rest.length() / N as u64).min((PIECE_BYTES / N) as u64);
            self.piece.resize(entries as usize * N, 0);
            reader.read(self.rest.start, &mut self.piece)?;
            self.rest = self.rest.behind(self.piece.len() as u64);
            self.used = 0;
        }
        let entry = self.piece.get(self.used..).and_then(|rest| rest.first_chunk());
        self.used += if entry.is_some() { N } else { 0 };
        Ok(entry.copied())
    }
}

impl Column<8> {
    /// The next entry as two numbers.
    fn pair(&mut self, reader: &mut Reader) -> Result<Option<(u32, u32)>, Flaw> {
        let both = self.next(reader)?.map(u64::from_be_bytes);
        Ok(both.map(|both| ((both >> 32) as u32, both as u32)))
    }
}

/// Runs of samples that share a value (`stts` and `ctts`): how many more have it.
struct Runs {
    column: Column<8>,
    left: u32,
    value: u32,
}

impl Runs {
    fn of(table: Option<Extent>, reader: &mut Reader) -> Result<Runs, Flaw> {
        Ok(Runs { column: Column::of(table, 8, reader)?, left: 0, value: 0 })
    }

    /// The value of the next sample; `None` behind the last run.
    fn next(&mut self, reader: &mut Reader) -> Result<Option<u32>, Flaw> {
        while self.left == 0 {
            let Some((count, value)) = self.column.pair(reader)? else {
                return Ok(None);
            };
            (self.left, self.value) = (count, value);
        }
        self.left -= 1;
        Ok(Some(self.value))
    }
}

/// The sizes of samples (8.7.3).
enum Sizes {
    /// All alike, so many of them.
    Fixed {
        size: u32,
        left: u32,
    },
    Table {
        column: Column<4>,
        left: u32,
    },
    /// Of 4, 8 or 16 bits.
    Compact {
        column: Column<2>,
        left: u32,
        bits: u32,
        entry: u32,
        bits_used: u32,
    },
}

impl Sizes {
    fn of(tables: &Tables, reader: &mut Reader) -> Result<Sizes, Flaw> {
        if let Some(table) = tables.sizes {
            let [_, size, count] = words(reader.array::<12>(table.start)?);
            return Ok(if size > 0 {
                Sizes::Fixed { size, left: count }
            } else {
                let column = Column::behind(table, 12);
                Sizes::Table { column, left: count }
            });
        }
        let Some(table) = tables.compact_sizes else {
            return Ok(Sizes::Fixed { size: 0, left: 0 });
        };
        let [_, bits, count] = words(reader.array::<12>(table.start)?);
        Ok(Sizes::Compact {
            column: Column::behind(table, 12),
            left: count,
            bits: if matches!(bits & 0xFF, 4 | 8) { bits & 0xFF } else { 16 },
            entry: 0,
            bits_used: 16,
        })
    }

    /// Samples that it claims to list.
    fn count(&self) -> u32 {
        match self {
            Sizes::Fixed { left, .. } | Sizes::Table { left, .. } | Sizes::Compact { left, .. } => *left,
        }
    }

    fn next(&mut self, reader: &mut Reader) -> Result<Option<u32>, Flaw> {
        let left = match self {
            Sizes::Fixed { left, .. } | Sizes::Table { left, .. } | Sizes::Compact { left, .. } => left,
        };
        let Some(fewer) = left.checked_sub(1) else {
            return Ok(None);
        };
        *left = fewer;
        match self {
            Sizes::Fixed { size, .. } => Ok(Some(*size)),
            Sizes::Table { column, .. } => Ok(column.next(reader)?.map(u32::from_be_bytes)),
            Sizes::Compact { column, bits, entry, bits_used, .. } => {
                if *bits_used == 16 {
                    let Some(next) = column.next(reader)? else {
                        return Ok(None);
                    };
                    (*entry, *bits_used) = (u16::from_be_bytes(next).into(), 0);
                }
                *bits_used += *bits;
                Ok(Some((*entry >> (16 - *bits_used)) & ((1 << *bits) - 1)))
            }
        }
    }
}

fn words(bytes: [u8; 12]) -> [u32; 3] {
    let word = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    [word(0), word(4), word(8)]
}

/// Where chunks begin (8.7.5).
enum Chunks {
    Short(Column<4>),
    Long(Column<8>),
}

impl Chunks {
    fn of(tables: &Tables, reader: &mut Reader) -> Result<Chunks, Flaw> {
        Ok(match tables.chunks {
            None => Chunks::Long(Column::of(tables.long_chunks, 8, reader)?),
            table => Chunks::Short(Column::of(table, 8, reader)?),
        })
    }

    fn next(&mut self, reader: &mut Reader) -> Result<Option<u64>, Flaw> {
        Ok(match self {
            Chunks::Short(column) => column.next(reader)?.map(|start| u32::from_be_bytes(start).into()),
            Chunks::Long(column) => column.next(reader)?.map(u64::from_be_bytes),
        })
    }
}

/// What the tables of a track claim to hold, without a walk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Claim {
    pub samples: u32,
    /// Where the first chunk begins.
    pub first_chunk: Option<u64>,
    /// The sample description of the first chunk, counted from 1.
    pub description: u32,
}

/// Reads what the tables claim; a table of sizes that is shorter than its count is [`Flaw::BadStructure`].
pub fn claim(tables: &Tables, reader: &mut Reader) -> Result<Claim, Flaw> {
    let sizes = Sizes::of(tables, reader)?;
    let samples = sizes.count();
    let listed = match &sizes {
        Sizes::Fixed { .. } => u64::MAX,
        Sizes::Table { column, .. } => column.rest.length() / 4,
        Sizes::Compact { column, bits, .. } => column.rest.length() * 8 / u64::from(*bits),
    };
    if listed < u64::from(samples) {
        return Err(Flaw::BadStructure);
    }
    let (_, description) = ChunkRuns::of(tables, reader)?.next(reader)?;
    Ok(Claim { samples, first_chunk: Chunks::of(tables, reader)?.next(reader)?, description })
}

/// How long all samples of a track last by `stts`, in its timescale; `None` where that does not speak of all of them.
/// What it says of more samples than there are does not count.
pub fn total_duration(tables: &Tables, reader: &mut Reader) -> Result<Option<u64>, Flaw> {
    let mut samples_left = Sizes::of(tables, reader)?.count();
    let mut column: Column<8> = Column::of(tables.durations, 8, reader)?;
    let mut total = 0_u64;
    let mut runs_left = MAX_SAMPLES;
    while samples_left > 0
        && let Some((count, duration)) = column.pair(reader)?
    {
        runs_left = runs_left.checked_sub(1).ok_or(Flaw::TooComplex)?;
        let count = count.min(samples_left);
        samples_left -= count;
        total = total.saturating_add(u64::from(count) * u64::from(duration));
    }
    Ok(Some(total).filter(|_| samples_left == 0))
}

/// Walks the samples that the tables of the movie box list; gives the time behind the last one.
pub fn walk(tables: &Tables, reader: &mut Reader, visit: Visit) -> Result<ControlFlow<(), i64>, Flaw> {
    let mut sizes = Sizes::of(tables, reader)?;
    let mut durations = Runs::of(tables.durations, reader)?;
    let mut offsets = Runs::of(tables.offsets, reader)?;
    let mut syncs = Syncs::of(tables, reader)?;
    let mut chunks = Chunks::of(tables, reader)?;
    let mut runs = ChunkRuns::of(tables, reader)?;
    let mut decode_time = 0_i64;
    let mut samples_left = MAX_SAMPLES;
    let mut chunks_left = MAX_SAMPLES;
    while let Some(mut start) = chunks.next(reader)? {
        chunks_left = chunks_left.checked_sub(1).ok_or(Flaw::TooComplex)?;
        let (in_chunk, description) = runs.next(reader)?;
        for _ in 0..in_chunk {
            samples_left = samples_left.checked_sub(1).ok_or(Flaw::TooComplex)?;
            let Some(size) = sizes.next(reader)? else {
                return Ok(ControlFlow::Continue(decode_time));
            };
            // Version 0 of `ctts` has no sign by the book, and negative offsets in it in practice.
            let offset = offsets.next(reader)?.unwrap_or(0).cast_signed();
            let sample = Sample {
                start,
                size,
                decode_time,
                show_time: decode_time.saturating_add(offset.into()),
                is_sync: syncs.next(reader)?,
                description,
            };
            if visit(sample).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            start = start.saturating_add(size.into());
            let duration = durations.next(reader)?.unwrap_or(0);
            decode_time = decode_time.saturating_add(duration.into());
        }
    }
    Ok(ControlFlow::Continue(decode_time))
}

/// Which samples decoding can start at (8.6.2).
struct Syncs {
    column: Column<4>,
    /// Without a table, or with an empty one, every sample counts as one: the decoder finds out.
    all: bool,
    number: u32,
    next_sync: Option<u32>,
}

impl Syncs {
    fn of(tables: &Tables, reader: &mut Reader) -> Result<Syncs, Flaw> {
        let mut column = Column::of(tables.syncs, 8, reader)?;
        let next_sync = column.next(reader)?.map(u32::from_be_bytes);
        Ok(Syncs { column, all: next_sync.is_none(), number: 0, next_sync })
    }

    fn next(&mut self, reader: &mut Reader) -> Result<bool, Flaw> {
        self.number = self.number.saturating_add(1);
        let is_sync = self.next_sync == Some(self.number);
        if is_sync {
            self.next_sync = self.column.next(reader)?.map(u32::from_be_bytes);
        }
        Ok(is_sync || self.all)
    }
}

/// How many samples each chunk has, and by which description (8.7.4).
struct ChunkRuns {
    column: Column<12>,
    number: u32,
    current: (u32, u32),
    next_run: Option<[u32; 3]>,
}

impl ChunkRuns {
    fn of(tables: &Tables, reader: &mut Reader) -> Result<ChunkRuns, Flaw> {
        let mut column = Column::of(tables.chunk_runs, 8, reader)?;
        let next_run = column.next(reader)?.map(words);
        Ok(ChunkRuns { column, number: 0, current: (1, 1), next_run })
    }

    fn next(&mut self, reader: &mut Reader) -> Result<(u32, u32), Flaw> {
        self.number = self.number.saturating_add(1);
        // A run that begins at no later chunk than the last one did takes its place; each is read once.
        while let Some([first, samples, description]) = self.next_run
            && first <= self.number
        {
            self.current = (samples, description);
            self.next_run = self.column.next(reader)?.map(words);
        }
        Ok(self.current)
    }
}
