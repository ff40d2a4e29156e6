//! Films in fragments: samples listed in `moof` boxes between the media (ISO/IEC 14496-12, 8.8).

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::boxes::{BoxAt, Boxes, Extent, Reader, u32_at, u64_at};
use super::movie::Defaults;
use super::samples::{MAX_SAMPLES, Sample, Visit};
use crate::asset::Flaw;

/// What a track has in fragments, in its own timescale.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Total {
    pub samples: u64,
    pub duration: u64,
    /// Where its first sample begins, and by which description, counted from 1.
    pub first_start: Option<u64>,
    pub description: u32,
    /// When its first sample is decoded, on the time line of the film.
    pub first_time: i64,
    /// When the last of its samples is decoded through, and shown through. Between two fragments may be a gap.
    pub decode_end: i64,
    pub show_end: i64,
}

/// The totals of all tracks, by track id. `listed` is how long those samples of a track last that the movie box lists:
/// where fragments have no time of their own, theirs goes on from there. A fragment that is cut off by the end of the
/// file ends the film.
pub fn totals(
    defaults: &[Defaults],
    listed: &BTreeMap<u32, u64>,
    fragments: Extent,
    reader: &mut Reader,
) -> Result<BTreeMap<u32, Total>, Flaw> {
    let mut totals: BTreeMap<u32, Total> = BTreeMap::new();
    let mut left = MAX_SAMPLES;
    // Sound that is not compressed has a sample for each of its values. All are alike and none is listed, so that they
    // cost nothing; but each has a byte.
    let mut alike_left = reader.all().end;
    let _ = each_run(defaults, fragments, reader, &mut |reader, run| {
        let begin = listed.get(&run.track_id).map_or(0, |listed| i64::try_from(*listed).unwrap_or(0));
        let is_first = !totals.contains_key(&run.track_id);
        let total = totals.entry(run.track_id).or_insert(Total { decode_end: begin, ..Total::default() });
        let mut time = run.time.unwrap_or(total.decode_end);
        if is_first {
            (total.first_time, total.description) = (time, run.defaults.description);
            total.first_start = Some(run.start);
        }
        total.samples += u64::from(run.count);
        let before = time;
        let mut show_end = 0;
        if run.has(Run::DURATIONS) || run.has(Run::OFFSETS) {
            left = left.checked_sub(run.count.into()).ok_or(Flaw::TooComplex)?;
            let _ = run.each_sample(reader, &mut |sample| {
                time = time.saturating_add(sample.duration.into());
                show_end = time.saturating_add(sample.offset.into()).max(show_end);
                ControlFlow::Continue(())
            })?;
        } else {
            alike_left = alike_left.checked_sub(run.count.into()).ok_or(Flaw::TooComplex)?;
            let duration = u64::from(run.count) * u64::from(run.defaults.duration);
            time = time.saturating_add_unsigned(duration);
            show_end = time;
        }
        let lasted = time.saturating_sub(before).unsigned_abs();
        total.duration = total.duration.saturating_add(lasted);
        total.decode_end = time;
        total.show_end = total.show_end.max(show_end);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(totals)
}

/// Walks the samples of one track. `begin` is where its time goes on from the samples before, where fragments have
/// no time of their own; the first time that one has counts as `begin`, too, so that a piece out of the middle of a
/// film begins at its beginning.
pub fn walk(
    track_id: u32,
    defaults: &[Defaults],
    fragments: Extent,
    begin: i64,
    reader: &mut Reader,
    visit: Visit,
) -> Result<ControlFlow<()>, Flaw> {
    let mut left = MAX_SAMPLES;
    let mut time = begin;
    let mut shift = None;
    each_run(defaults, fragments, reader, &mut |reader, run| {
        if run.track_id != track_id {
            return Ok(ControlFlow::Continue(()));
        }
        left = left.checked_sub(run.count.into()).ok_or(Flaw::TooComplex)?;
        if let Some(own) = run.time {
            time = own.saturating_sub(*shift.get_or_insert(own.saturating_sub(begin)));
        }
        let mut start = run.start;
        run.each_sample(reader, &mut |item| {
            let sample = Sample {
                start,
                size: item.size,
                decode_time: time,
                show_time: time.saturating_add(item.offset.into()),
                is_sync: item.flags & IS_NOT_SYNC == 0,
                description: run.defaults.description,
            };
            start = start.saturating_add(item.size.into());
            time = time.saturating_add(item.duration.into());
            visit(sample)
        })
    })
}

/// `sample_is_non_sync_sample` (8.8.3.1).
const IS_NOT_SYNC: u32 = 0x1_0000;

/// A run of samples: a `trun` and what the boxes around it add (8.8.8).
struct Run {
    track_id: u32,
    defaults: Defaults,
    flags: u32,
    count: u32,
    first_flags: Option<u32>,
    /// Where its first sample begins.
    start: u64,
    /// When it is decoded, where the fragment says so and this is its first run.
    time: Option<i64>,
    table: Extent,
}

/// What a run says of one sample.
struct Item {
    duration: u32,
    size: u32,
    flags: u32,
    offset: i32,
}

impl Run {
    const DATA_OFFSET: u32 = 0x1;
    const FIRST_FLAGS: u32 = 0x4;
    const DURATIONS: u32 = 0x100;
    const SIZES: u32 = 0x200;
    const FLAGS: u32 = 0x400;
    const OFFSETS: u32 = 0x800;
    const COLUMNS: [u32; 4] = [Run::DURATIONS, Run::SIZES, Run::FLAGS, Run::OFFSETS];

    fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    /// Bytes of an entry of the table.
    fn entry_bytes(&self) -> usize {
        4 * Run::COLUMNS.into_iter().filter(|flag| self.has(*flag)).count()
    }

    fn each_sample(
        &self,
        reader: &mut Reader,
        visit: &mut dyn FnMut(Item) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Flaw> {
        /// Entries read at once.
        const PIECE: u32 = 1024;
        let entry_bytes = self.entry_bytes();
        let mut rest = self.table;
        let mut number = 0;
        while number < self.count {
            let entries = (self.count - number).min(PIECE);
            let bytes = reader.first_bytes(rest, entries as usize * entry_bytes)?;
            rest = rest.behind(bytes.len() as u64);
            for index in 0..entries as usize {
                let entry = bytes.get(index * entry_bytes..).unwrap_or_default();
                if visit(self.item(entry, number == 0)).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                number += 1;
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn item(&self, entry: &[u8], is_first: bool) -> Item {
        let mut at = 0;
        let mut column = |flag: u32, default: u32| {
            if !self.has(flag) {
                return default;
            }
            at += 4;
            u32_at(entry, at - 4).unwrap_or(default)
        };
        let duration = column(Run::DURATIONS, self.defaults.duration);
        let size = column(Run::SIZES, self.defaults.size);
        let flags = column(Run::FLAGS, self.defaults.flags);
        let offset = column(Run::OFFSETS, 0).cast_signed();
        Item { duration, size, flags: self.first_flags.filter(|_| is_first).unwrap_or(flags), offset }
    }
}

type VisitRun<'a> = &'a mut dyn FnMut(&mut Reader, &Run) -> Result<ControlFlow<()>, Flaw>;

/// Visits the runs of all fragments in the order of the file.
fn each_run(
    defaults: &[Defaults],
    fragments: Extent,
    reader: &mut Reader,
    visit: VisitRun,
) -> Result<ControlFlow<()>, Flaw> {
    let mut boxes = Boxes::within(fragments);
    while let Some(outer) = boxes.next(reader)? {
        if &outer.kind != b"moof" || outer.cut {
            continue;
        }
        // Where a track fragment gives no base, its data follow those of the one before (8.8.7.1).
        let mut base = outer.start;
        let mut inner = Boxes::within(outer.body);
        while let Some(traf) = inner.next(reader)? {
            if &traf.kind == b"traf"
                && each_run_of(defaults, outer, traf, &mut base, reader, visit)?.is_break()
            {
                return Ok(ControlFlow::Break(()));
            }
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// Visits the runs of one track fragment; `base` is moved behind their data.
fn each_run_of(
    defaults: &[Defaults],
    moof: BoxAt,
    traf: BoxAt,
    base: &mut u64,
    reader: &mut Reader,
    visit: VisitRun,
) -> Result<ControlFlow<()>, Flaw> {
    let mut header: Option<Defaults> = None;
    let mut time = None;
    let mut start = *base;
    let mut boxes = Boxes::within(traf.body);
    while let Some(inner) = boxes.next(reader)? {
        match &inner.kind {
            b"tfhd" => {
                let bytes = reader.first_bytes(inner.body, 32)?;
                let (read, own_base) = read_header(&bytes, defaults, moof.start).ok_or(Flaw::BadStructure)?;
                header = Some(read);
                *base = own_base.unwrap_or(*base);
                start = *base;
            }
            b"tfdt" => {
                let bytes = reader.first_bytes(inner.body, 12)?;
                let is_long = bytes.first() == Some(&1);
                let own = if is_long { u64_at(&bytes, 4) } else { u32_at(&bytes, 4).map(u64::from) };
                time = own.and_then(|own| i64::try_from(own).ok());
            }
            b"trun" => {
                let defaults = header.ok_or(Flaw::BadStructure)?;
                let run = read_run(reader, inner.body, defaults, *base, start, time.take())?;
                if visit(reader, &run)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                start = run.start.saturating_add(bytes_of(&run, reader)?);
            }
            _ => {}
        }
    }
    *base = start;
    Ok(ControlFlow::Continue(()))
}

/// Bytes of all samples of a run: where the next one begins.
fn bytes_of(run: &Run, reader: &mut Reader) -> Result<u64, Flaw> {
    if !run.has(Run::SIZES) {
        return Ok(u64::from(run.count) * u64::from(run.defaults.size));
    }
    let mut bytes = 0_u64;
    let _ = run.each_sample(reader, &mut |item| {
        bytes = bytes.saturating_add(item.size.into());
        ControlFlow::Continue(())
    })?;
    Ok(bytes)
}

/// `tfhd` (8.8.7): the track's defaults with what this fragment puts in their place, and its base where it has one.
fn read_header(bytes: &[u8], defaults: &[Defaults], moof: u64) -> Option<(Defaults, Option<u64>)> {
    const DEFAULT_BASE_IS_MOOF: u32 = 0x2_0000;
    let flags = u32_at(bytes, 0)?;
    let track_id = u32_at(bytes, 4)?;
    let of_track = defaults.iter().find(|defaults| defaults.track_id == track_id);
    let mut header =
        of_track.copied().unwrap_or(Defaults { track_id, description: 1, ..Defaults::default() });
    let mut base = (flags & DEFAULT_BASE_IS_MOOF != 0).then_some(moof);
    let mut at = 8;
    if flags & 0x1 != 0 {
        base = Some(u64_at(bytes, at)?);
        at += 8;
    }
    let fields = [
        (0x2, &mut header.description),
        (0x8, &mut header.duration),
        (0x10, &mut header.size),
        (0x20, &mut header.flags),
    ];
    for (flag, field) in fields {
        if flags & flag != 0 {
            *field = u32_at(bytes, at)?;
            at += 4;
        }
    }
    Some((header, base))
}

/// `trun` (8.8.8). A table that is shorter than its count is [`Flaw::BadStructure`].
fn read_run(
    reader: &mut Reader,
    body: Extent,
    defaults: Defaults,
    base: u64,
    next: u64,
    time: Option<i64>,
) -> Result<Run, Flaw> {
    let bytes = reader.first_bytes(body, 16)?;
    let word = |at: usize| u32_at(&bytes, at).ok_or(Flaw::BadStructure);
    let (flags, count) = (word(0)?, word(4)?);
    let mut at = 8;
    let mut start = next;
    if flags & Run::DATA_OFFSET != 0 {
        let offset = word(at)?.cast_signed();
        start = base.checked_add_signed(offset.into()).ok_or(Flaw::BadStructure)?;
        at += 4;
    }
    let mut first_flags = None;
    if flags & Run::FIRST_FLAGS != 0 {
        first_flags = Some(word(at)?);
        at += 4;
    }
    let run = Run {
        track_id: defaults.track_id,
        defaults,
        flags,
        count,
        first_flags,
        start,
        time,
        table: body.behind(at as u64),
    };
    let needed = u64::from(count) * run.entry_bytes() as u64;
    if needed > run.table.length() {
        return Err(Flaw::BadStructure);
    }
    Ok(run)
}
