//! The movie box: what the film as a whole and each of its tracks say of themselves (ISO/IEC 14496-12, 8).

use super::boxes::{BoxAt, Boxes, Extent, FourCc, Reader, u32_at, u64_at};
use crate::asset::Flaw;

/// Tracks of one film, at most; an editor's project has some dozens.
const MAX_TRACKS: usize = 256;
/// Edits of one track, at most; a cut a second makes 3,600 an hour.
const MAX_EDITS: usize = 16_384;
/// Tracks that one track names as holding its chapters, at most.
const MAX_CHAPTERS: usize = 64;
/// The longest of the headers read here is `tkhd` of version 1, 96 bytes.
const HEADER_BYTES: usize = 96;

/// The linear part of a matrix (8.2.2.3), 16.16 fixed point: a point (x, y) goes to (a x + c y, b x + d y).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Matrix {
    pub a: i32,
    pub b: i32,
    pub c: i32,
    pub d: i32,
}

impl Matrix {
    pub const UNIT: Matrix = Matrix { a: 1 << 16, b: 0, c: 0, d: 1 << 16 };

    fn read(bytes: &[u8], index: usize) -> Option<Matrix> {
        let at = |number: usize| Some(u32_at(bytes, index + 4 * number)?.cast_signed());
        // The third column, in between, moves the picture and changes nothing here.
        Some(Matrix { a: at(0)?, b: at(1)?, c: at(3)?, d: at(4)? })
    }

    /// This one first, then `other`.
    pub fn then(self, other: Matrix) -> Matrix {
        let sum = |p: i32, q: i32, r: i32, s: i32| {
            let sum = (i64::from(p) * i64::from(q) + i64::from(r) * i64::from(s)) >> 16;
            sum.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
        };
        Matrix {
            a: sum(self.a, other.a, self.b, other.c),
            b: sum(self.a, other.b, self.b, other.d),
            c: sum(self.c, other.a, self.d, other.c),
            d: sum(self.c, other.b, self.d, other.d),
        }
    }
}

/// A stretch of a track's timeline (8.6.6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Edit {
    /// In the movie's timescale; see [`Edit::lasts_on`].
    pub length: u64,
    /// Where it begins in the media, in the track's timescale; `None` where nothing is shown.
    pub media_start: Option<u64>,
    /// Whether it is shown at the media's own speed, and not as a still picture, say.
    pub is_plain: bool,
}

/// Where a track's tables of samples are (8.5 to 8.7); absent ones are empty.
#[derive(Clone, Copy, Default, Debug)]
pub struct Tables {
    pub descriptions: Option<Extent>,
    pub durations: Option<Extent>,
    pub offsets: Option<Extent>,
    pub syncs: Option<Extent>,
    pub sizes: Option<Extent>,
    pub compact_sizes: Option<Extent>,
    pub chunk_runs: Option<Extent>,
    pub chunks: Option<Extent>,
    pub long_chunks: Option<Extent>,
}

/// One track.
#[derive(Clone, Debug)]
pub struct Track {
    pub id: u32,
    pub enabled: bool,
    pub matrix: Matrix,
    /// Pixels, 16.16 fixed point, that the picture is stretched to before the matrix; 0 where it has none.
    pub width: u32,
    pub height: u32,
    /// `vide`, `soun`, …; zeros where the track does not say.
    pub handler: FourCc,
    pub has_video_header: bool,
    /// How long it is shown, in the movie's timescale; `None` where unknown.
    pub shown_duration: Option<u64>,
    /// Ticks a second; 0 where unknown.
    pub timescale: u32,
    /// How long its media is, in its own timescale; `None` where unknown.
    pub duration: Option<u64>,
    pub edits: Vec<Edit>,
    pub chapter_tracks: Vec<u32>,
    /// Whether it belongs to another one: as its thumbnails, transparency or depth.
    pub is_auxiliary: bool,
    pub tables: Tables,
}

impl Track {
    /// Whether it shows pictures. A handler that is missing is made up for by the header that only video has.
    pub fn is_video(&self) -> bool {
        &self.handler == b"vide" || (self.handler == [0; 4] && self.has_video_header)
    }

    /// Whether it is to be heard.
    pub fn is_sound(&self) -> bool {
        &self.handler == b"soun"
    }

    /// Whether its length is a length of film: hints for streaming and descriptions of scenes last as they like.
    pub fn is_timed_content(&self) -> bool {
        !matches!(&self.handler, b"hint" | b"odsm" | b"sdsm" | b"ocsm")
    }
}

/// What samples of a track in fragments have where they don't say otherwise (8.8.3).
#[derive(Clone, Copy, Default, Debug)]
pub struct Defaults {
    pub track_id: u32,
    pub description: u32,
    pub duration: u32,
    pub size: u32,
    pub flags: u32,
}

/// The film as a whole.
#[derive(Clone, Debug)]
pub struct Movie {
    /// Ticks a second; 0 where unknown.
    pub timescale: u32,
    /// In the movie's timescale; `None` where unknown.
    pub duration: Option<u64>,
    /// As `duration`, for a film in fragments.
    pub fragments_duration: Option<u64>,
    pub matrix: Matrix,
    pub tracks: Vec<Track>,
    pub defaults: Vec<Defaults>,
}

impl Movie {
    /// The movie box with this body.
    pub fn read(reader: &mut Reader, body: Extent) -> Result<Movie, Flaw> {
        let mut movie = Movie {
            timescale: 0,
            duration: None,
            fragments_duration: None,
            matrix: Matrix::UNIT,
            tracks: Vec::new(),
            defaults: Vec::new(),
        };
        let mut boxes = Boxes::within(body);
        while let Some(inner) = boxes.next(reader)? {
            match &inner.kind {
                b"mvhd" => movie.read_header(&reader.first_bytes(inner.body, HEADER_BYTES)?),
                b"mvex" => movie.read_extensions(reader, inner)?,
                b"trak" if movie.tracks.len() == MAX_TRACKS => return Err(Flaw::TooComplex),
                b"trak" => movie.tracks.push(Track::read(reader, inner)?),
                b"cmov" => {
                    let unpacked = unpack(reader, inner)?;
                    return Movie::read(reader, unpacked);
                }
                _ => {}
            }
        }
        Ok(movie)
    }

    /// `mvhd` (8.2.2).
    fn read_header(&mut self, bytes: &[u8]) {
        let times = Times::read(bytes, 12, 20);
        (self.timescale, self.duration) = (times.timescale, times.duration);
        let matrix = if times.is_long { 48 } else { 36 };
        self.matrix = Matrix::read(bytes, matrix).unwrap_or(Matrix::UNIT);
    }

    /// `mvex` (8.8.1): `mehd` and one `trex` a track.
    fn read_extensions(&mut self, reader: &mut Reader, mvex: BoxAt) -> Result<(), Flaw> {
        let mut boxes = Boxes::within(mvex.body);
        while let Some(inner) = boxes.next(reader)? {
            let bytes = reader.first_bytes(inner.body, HEADER_BYTES)?;
            match &inner.kind {
                b"mehd" => self.fragments_duration = length(&bytes, 4),
                b"trex" if self.defaults.len() == MAX_TRACKS => return Err(Flaw::TooComplex),
                b"trex" => {
                    let at = |number: usize| u32_at(&bytes, 4 + 4 * number).unwrap_or(0);
                    self.defaults.push(Defaults {
                        track_id: at(0),
                        description: at(1),
                        duration: at(2),
                        size: at(3),
                        flags: at(4),
                    });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The body of the movie box that is packed in `cmov` (QuickTime File Format, "Compressed Movie Resources"): `dcom` names
/// the method, of which zlib's is the only one in use, `cmvd` has the unpacked size and the bytes.
fn unpack(reader: &mut Reader, cmov: BoxAt) -> Result<Extent, Flaw> {
    /// Of the packed and of the unpacked bytes each, at most. Films with a packed header are older than broadband: their
    /// tables have some hundred kilobytes.
    const MAX_BYTES: usize = 16 << 20;
    let mut boxes = Boxes::within(cmov.body);
    let mut movie = None;
    while let Some(inner) = boxes.next(reader)? {
        match &inner.kind {
            b"dcom" if &reader.first_bytes(inner.body, 4)? != b"zlib" => return Err(Flaw::CompressedMovie),
            b"cmvd" => {
                let packed = reader.first_bytes(inner.body.behind(4), MAX_BYTES)?;
                let unpacked = miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(&packed, MAX_BYTES);
                // A second one, or one inside, finds no place.
                movie = reader.append(unpacked.map_err(|_| Flaw::CompressedMovie)?);
            }
            _ => {}
        }
    }
    let whole = Boxes::within(movie.ok_or(Flaw::CompressedMovie)?).next(reader)?;
    let whole = whole.filter(|inner| &inner.kind == b"moov" && !inner.cut);
    whole.map(|inner| inner.body).ok_or(Flaw::CompressedMovie)
}

impl Track {
    /// `trak` (8.3.1).
    fn read(reader: &mut Reader, trak: BoxAt) -> Result<Track, Flaw> {
        let mut track = Track {
            id: 0,
            enabled: true,
            matrix: Matrix::UNIT,
            width: 0,
            height: 0,
            handler: [0; 4],
            has_video_header: false,
            shown_duration: None,
            timescale: 0,
            duration: None,
            edits: Vec::new(),
            chapter_tracks: Vec::new(),
            is_auxiliary: false,
            tables: Tables::default(),
        };
        let mut boxes = Boxes::within(trak.body);
        while let Some(inner) = boxes.next(reader)? {
            match &inner.kind {
                b"tkhd" => track.read_header(&reader.first_bytes(inner.body, HEADER_BYTES)?),
                b"edts" => track.read_edits(reader, inner)?,
                b"tref" => track.read_references(reader, inner)?,
                b"mdia" => track.read_media(reader, inner)?,
                _ => {}
            }
        }
        Ok(track)
    }

    /// `tkhd` (8.3.2). Without it the track counts as enabled.
    fn read_header(&mut self, bytes: &[u8]) {
        let is_long = bytes.first() == Some(&1);
        let (id, duration, matrix, size) = if is_long { (20, 28, 52, 88) } else { (12, 20, 40, 76) };
        self.enabled = bytes.get(3).is_none_or(|flags| flags & 1 != 0);
        self.id = u32_at(bytes, id).unwrap_or(0);
        self.shown_duration = length(bytes, duration);
        self.matrix = Matrix::read(bytes, matrix).unwrap_or(Matrix::UNIT);
        self.width = u32_at(bytes, size).unwrap_or(0);
        self.height = u32_at(bytes, size + 4).unwrap_or(0);
    }

    /// `elst` (8.6.6).
    fn read_edits(&mut self, reader: &mut Reader, edts: BoxAt) -> Result<(), Flaw> {
        let mut boxes = Boxes::within(edts.body);
        while let Some(inner) = boxes.next(reader)? {
            if &inner.kind != b"elst" {
                continue;
            }
            let head = reader.first_bytes(inner.body, 8)?;
            let is_long = head.first() == Some(&1);
            let entry_bytes: usize = if is_long { 20 } else { 12 };
            let claimed = u32_at(&head, 4).unwrap_or(0) as usize;
            if claimed > MAX_EDITS {
                return Err(Flaw::TooComplex);
            }
            let bytes = reader.first_bytes(inner.body.behind(8), claimed * entry_bytes)?;
            self.edits =
                bytes.chunks_exact(entry_bytes).filter_map(|entry| Edit::read(entry, is_long)).collect();
        }
        Ok(())
    }

    /// `tref` (8.3.3): of the references only `chap`, the tracks that hold chapters, and those of auxiliary tracks.
    fn read_references(&mut self, reader: &mut Reader, tref: BoxAt) -> Result<(), Flaw> {
        let mut boxes = Boxes::within(tref.body);
        while let Some(inner) = boxes.next(reader)? {
            match &inner.kind {
                b"chap" => {
                    let bytes = reader.first_bytes(inner.body, 4 * MAX_CHAPTERS)?;
                    let ids = bytes.chunks_exact(4).filter_map(|id| u32_at(id, 0));
                    self.chapter_tracks = ids.collect();
                }
                b"thmb" | b"auxl" | b"vdep" | b"vplx" => self.is_auxiliary = true,
                _ => {}
            }
        }
        Ok(())
    }

    /// `mdia` (8.4.1) and down to the tables.
    fn read_media(&mut self, reader: &mut Reader, mdia: BoxAt) -> Result<(), Flaw> {
        let mut boxes = Boxes::within(mdia.body);
        while let Some(inner) = boxes.next(reader)? {
            match &inner.kind {
                b"mdhd" => {
                    let times = Times::read(&reader.first_bytes(inner.body, HEADER_BYTES)?, 12, 20);
                    (self.timescale, self.duration) = (times.timescale, times.duration);
                }
                b"hdlr" => {
                    let bytes = reader.first_bytes(inner.body, 12)?;
                    self.handler =
                        bytes.get(8..).and_then(|name| name.first_chunk().copied()).unwrap_or_default();
                }
                b"minf" => self.read_information(reader, inner)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// `minf` (8.4.4).
    fn read_information(&mut self, reader: &mut Reader, minf: BoxAt) -> Result<(), Flaw> {
        let mut boxes = Boxes::within(minf.body);
        while let Some(inner) = boxes.next(reader)? {
            match &inner.kind {
                b"vmhd" => self.has_video_header = true,
                b"stbl" => self.tables.read(reader, inner)?,
                _ => {}
            }
        }
        Ok(())
    }
}

impl Tables {
    /// `stbl` (8.5.1). Of doubled tables the first counts.
    fn read(&mut self, reader: &mut Reader, stbl: BoxAt) -> Result<(), Flaw> {
        let mut boxes = Boxes::within(stbl.body);
        while let Some(inner) = boxes.next(reader)? {
            let table = match &inner.kind {
                b"stsd" => &mut self.descriptions,
                b"stts" => &mut self.durations,
                b"ctts" => &mut self.offsets,
                b"stss" => &mut self.syncs,
                b"stsz" => &mut self.sizes,
                b"stz2" => &mut self.compact_sizes,
                b"stsc" => &mut self.chunk_runs,
                b"stco" => &mut self.chunks,
                b"co64" => &mut self.long_chunks,
                _ => continue,
            };
            table.get_or_insert(inner.body);
        }
        Ok(())
    }
}

impl Edit {
    /// Whether it goes on to the end of the media: films in fragments say 0, not knowing how long they will get, and
    /// some files all ones.
    pub fn lasts_on(&self) -> bool {
        matches!(self.length, 0 | 0xFFFF_FFFF | u64::MAX)
    }

    fn read(entry: &[u8], is_long: bool) -> Option<Edit> {
        const PLAIN: u32 = 1 << 16;
        let (length, media_start, rate) = if is_long {
            (u64_at(entry, 0)?, u64_at(entry, 8)?.cast_signed(), u32_at(entry, 16)?)
        } else {
            let start = u32_at(entry, 4)?.cast_signed();
            (u32_at(entry, 0)?.into(), i64::from(start), u32_at(entry, 8)?)
        };
        Some(Edit { length, media_start: u64::try_from(media_start).ok(), is_plain: rate == PLAIN })
    }
}

/// What `mvhd` and `mdhd` have in common: behind two times of 32 or, in version 1, 64 bits, a timescale and a
/// duration.
struct Times {
    is_long: bool,
    timescale: u32,
    duration: Option<u64>,
}

impl Times {
    /// `short` and `long` are where the timescale is in version 0 and 1.
    fn read(bytes: &[u8], short: usize, long: usize) -> Times {
        let is_long = bytes.first() == Some(&1);
        let timescale = if is_long { long } else { short };
        Times {
            is_long,
            timescale: u32_at(bytes, timescale).unwrap_or(0),
            duration: length(bytes, timescale + 4),
        }
    }
}

/// The length at an index, of 32 or, in version 1, 64 bits; 0 and all ones mean that it is not known.
fn length(bytes: &[u8], index: usize) -> Option<u64> {
    let length = if bytes.first() == Some(&1) {
        u64_at(bytes, index).filter(|length| *length != u64::MAX)
    } else {
        let length = u32_at(bytes, index).filter(|length| *length != u32::MAX);
        length.map(u64::from)
    };
    length.filter(|length| *length > 0)
}
