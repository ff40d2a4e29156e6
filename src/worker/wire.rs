//! The bytes between server and worker: requests and reports, each one frame of fixed layout.
//!
//! A frame, little end first: sequence u64 · x u64 · y u64 · a u32 · b u32 · code u16 · tag u8 · detail u8 · zero u32.
//! What a message does not use is zero, so each message has exactly one frame, and any other bytes are none. A request
//! about a file carries its descriptor (`SCM_RIGHTS`); the bytes of a picture follow the report that gives their
//! number, the points of a sound's peaks (each its lowest and its highest sample, a signed byte each) the one that gives
//! theirs. A report bears the sequence of its request.

use super::sandbox::Step;
use crate::asset::{Facts, Flaw, Foreign, Format};
use crate::media::Refusal;
use crate::media::peaks::MAX_POINTS;

pub const FRAME_BYTES: usize = 40;

/// A thumbnail of 480 × 480 pixels has 675 KiB before it is coded: what is larger is none.
pub const PICTURE_MAX_BYTES: u32 = 2 << 20;

pub type Frame = [u8; FRAME_BYTES];

/// What is wanted of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Look {
    Facts,
    /// A picture; of a sound, its peaks.
    Preview,
}

/// From server to worker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Request {
    /// The first, before the worker locks itself down: the address space it gets.
    Setup {
        memory_bytes: u64,
    },
    Check,
    Look {
        look: Look,
        format: Format,
        size_bytes: u64,
        max_pixels: u64,
    },
}

/// From worker to server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Report {
    /// The answer to `Setup`: locked down, with Landlock where the kernel has it.
    Ready {
        landlock: bool,
    },
    /// The other answer to `Setup`. `errno` as the system numbers them, 0 where there was none.
    NotReady {
        step: Step,
        errno: u32,
    },
    Alive,
    Facts(Facts),
    Refused(Refusal),
    NoPreview,
    /// So many bytes follow: 1 to [`PICTURE_MAX_BYTES`].
    Picture {
        bytes: u32,
    },
    /// So many points of two bytes follow: 1 to [`MAX_POINTS`].
    Peaks {
        /// Samples a second.
        rate: u32,
        samples_per_point: u32,
        points: u16,
    },
}

#[derive(Clone, Copy, Default)]
struct Fields {
    x: u64,
    y: u64,
    a: u32,
    b: u32,
    code: u16,
    tag: u8,
    detail: u8,
}

impl Fields {
    fn to_frame(self, sequence: u64) -> Frame {
        let mut frame = [0; FRAME_BYTES];
        frame[0..8].copy_from_slice(&sequence.to_le_bytes());
        frame[8..16].copy_from_slice(&self.x.to_le_bytes());
        frame[16..24].copy_from_slice(&self.y.to_le_bytes());
        frame[24..28].copy_from_slice(&self.a.to_le_bytes());
        frame[28..32].copy_from_slice(&self.b.to_le_bytes());
        frame[32..34].copy_from_slice(&self.code.to_le_bytes());
        frame[34] = self.tag;
        frame[35] = self.detail;
        frame
    }

    fn from_frame(frame: &Frame) -> (u64, Fields) {
        let u64_at = |at: usize| u64::from_le_bytes(std::array::from_fn(|index| frame[at + index]));
        let u32_at = |at: usize| u32::from_le_bytes(std::array::from_fn(|index| frame[at + index]));
        let fields = Fields {
            x: u64_at(8),
            y: u64_at(16),
            a: u32_at(24),
            b: u32_at(28),
            code: u16::from_le_bytes([frame[32], frame[33]]),
            tag: frame[34],
            detail: frame[35],
        };
        (u64_at(0), fields)
    }
}

const SETUP: u8 = 1;
const CHECK: u8 = 2;
const LOOK_FACTS: u8 = 3;
const LOOK_PREVIEW: u8 = 4;

impl Request {
    pub fn to_frame(self, sequence: u64) -> Frame {
        let none = Fields::default();
        let fields = match self {
            Request::Setup { memory_bytes } => Fields { tag: SETUP, x: memory_bytes, ..none },
            Request::Check => Fields { tag: CHECK, ..none },
            Request::Look { look, format, size_bytes, max_pixels } => Fields {
                tag: match look {
                    Look::Facts => LOOK_FACTS,
                    Look::Preview => LOOK_PREVIEW,
                },
                detail: format as u8,
                x: size_bytes,
                y: max_pixels,
                ..none
            },
        };
        fields.to_frame(sequence)
    }

    /// The sequence and the request; `None` where the bytes are no request.
    pub fn from_frame(frame: &Frame) -> Option<(u64, Request)> {
        let (sequence, Fields { x, y, tag, detail, .. }) = Fields::from_frame(frame);
        let look = |look| {
            Some(Request::Look { look, format: Format::from_number(detail)?, size_bytes: x, max_pixels: y })
        };
        let request = match tag {
            SETUP => Request::Setup { memory_bytes: x },
            CHECK => Request::Check,
            LOOK_FACTS => look(Look::Facts)?,
            LOOK_PREVIEW => look(Look::Preview)?,
            _ => return None,
        };
        (request.to_frame(sequence) == *frame).then_some((sequence, request))
    }
}

const READY: u8 = 65;
const NOT_READY: u8 = 66;
const ALIVE: u8 = 67;
const IMAGE: u8 = 68;
const VIDEO: u8 = 69;
const AUDIO: u8 = 70;
const DOCUMENT: u8 = 71;
const DOCUMENT_UNCOUNTED: u8 = 72;
const BROKEN: u8 = 73;
const FOREIGN: u8 = 74;
const TOO_MANY_PIXELS: u8 = 75;
const NO_PREVIEW: u8 = 76;
const PICTURE: u8 = 77;
const PEAKS: u8 = 78;

impl Report {
    pub fn to_frame(self, sequence: u64) -> Frame {
        let none = Fields::default();
        let fields = match self {
            Report::Ready { landlock } => Fields { tag: READY, detail: landlock.into(), ..none },
            Report::NotReady { step, errno } => {
                Fields { tag: NOT_READY, detail: step as u8, a: errno, ..none }
            }
            Report::Alive => Fields { tag: ALIVE, ..none },
            Report::Facts(Facts::Image { width, height }) => {
                Fields { tag: IMAGE, a: width, b: height, ..none }
            }
            Report::Facts(Facts::Video { width, height, duration }) => {
                Fields { tag: VIDEO, a: width, b: height, x: duration, ..none }
            }
            Report::Facts(Facts::Audio { duration }) => Fields { tag: AUDIO, x: duration, ..none },
            Report::Facts(Facts::Document { page_count: Some(pages) }) => {
                Fields { tag: DOCUMENT, a: pages, ..none }
            }
            Report::Facts(Facts::Document { page_count: None }) => Fields { tag: DOCUMENT_UNCOUNTED, ..none },
            Report::Refused(Refusal::Broken(flaw)) => Fields { tag: BROKEN, code: flaw as u16, ..none },
            Report::Refused(Refusal::Foreign(foreign)) => {
                Fields { tag: FOREIGN, code: foreign as u16, ..none }
            }
            Report::Refused(Refusal::TooManyPixels { width, height }) => {
                Fields { tag: TOO_MANY_PIXELS, a: width, b: height, ..none }
            }
            Report::NoPreview => Fields { tag: NO_PREVIEW, ..none },
            Report::Picture { bytes } => Fields { tag: PICTURE, a: bytes, ..none },
            Report::Peaks { rate, samples_per_point, points } => {
                Fields { tag: PEAKS, a: rate, b: samples_per_point, code: points, ..none }
            }
        };
        fields.to_frame(sequence)
    }

    /// The sequence and the report; `None` where the bytes are no report, or say what cannot be: a picture without a
    /// side, a duration of 0, a number that no flaw has.
    pub fn from_frame(frame: &Frame) -> Option<(u64, Report)> {
        let (sequence, Fields { x, a, b, code, tag, detail, .. }) = Fields::from_frame(frame);
        let report = match tag {
            READY => Report::Ready { landlock: detail == 1 },
            NOT_READY => Report::NotReady { step: Step::from_number(detail)?, errno: a },
            ALIVE => Report::Alive,
            IMAGE if a > 0 && b > 0 => Report::Facts(Facts::Image { width: a, height: b }),
            VIDEO if a > 0 && b > 0 && x > 0 => {
                Report::Facts(Facts::Video { width: a, height: b, duration: x })
            }
            AUDIO if x > 0 => Report::Facts(Facts::Audio { duration: x }),
            DOCUMENT => Report::Facts(Facts::Document { page_count: Some(a) }),
            DOCUMENT_UNCOUNTED => Report::Facts(Facts::Document { page_count: None }),
            BROKEN => Report::Refused(Refusal::Broken(Flaw::from_number(code)?)),
            FOREIGN => Report::Refused(Refusal::Foreign(Foreign::from_number(code)?)),
            TOO_MANY_PIXELS => Report::Refused(Refusal::TooManyPixels { width: a, height: b }),
            NO_PREVIEW => Report::NoPreview,
            PICTURE if (1..=PICTURE_MAX_BYTES).contains(&a) => Report::Picture { bytes: a },
            PEAKS if (1..=MAX_POINTS).contains(&code.into()) => {
                Report::Peaks { rate: a, samples_per_point: b, points: code }
            }
            _ => return None,
        };
        (report.to_frame(sequence) == *frame).then_some((sequence, report))
    }
}
