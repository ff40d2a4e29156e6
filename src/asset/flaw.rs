//! What is wrong with a file, as an enum: what comes out of the worker is data, never text.

use std::fmt;

/// One row a flaw: its name, its number on the wire between worker and server, and the words behind
/// `Invalid … file: `.
macro_rules! flaws {
    ($($name:ident = $number:literal, $words:literal;)*) => {
        /// Why a file of an allowed type is refused.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u16)]
        pub enum Flaw { $(#[doc = $words] $name = $number,)* }

        impl Flaw {
            pub const ALL: &[Flaw] = &[$(Flaw::$name),*];

            /// The words behind `Invalid … file: `.
            pub fn words(self) -> &'static str {
                match self { $(Flaw::$name => $words,)* }
            }
        }
    };
}

flaws! {
    // Any kind
    Truncated = 1, "it ends before its data does";
    BadHeader = 2, "its header cannot be read";
    BadStructure = 3, "its structure is damaged";
    Crashed = 4, "it cannot be inspected safely";
    TooSlow = 5, "inspecting it takes too long";
    TooMuchMemory = 6, "inspecting it takes too much memory";
    TooComplex = 7, "it has more parts than any sound file of its kind";
    // Images
    NoDimensions = 20, "it has no width or height";
    NoImageData = 21, "it holds no picture data";
    // Videos
    NoMovie = 40, "it has no movie header, as where its recording or copying was broken off: export it anew";
    NoVideoTrack = 41, "it has no video track";
    NoDuration = 42, "its duration cannot be told";
    NoFrames = 43, "it has no frames: where it comes in segments, send all of them as one file";
    CompressedMovie = 44, "its compressed movie header cannot be unpacked: export it anew";
    OnlySound = 45, "it has no video track, only sound: export that as MP3 or WAV";
    OnlySegment = 46, "it is one segment of a film: send all of them as one file, the first one first";
    // Sounds
    NoSoundFrames = 60, "it has no sound frames";
    NoSampleData = 61, "it has no sample data";
    BadSampleFormat = 62, "its sample format cannot be read";
    // Documents
    NoTrailer = 80, "it has no trailer and cannot be rebuilt";
    NoPages = 81, "it has no pages";
}

impl Flaw {
    pub fn from_number(number: u16) -> Option<Flaw> {
        Flaw::ALL.iter().copied().find(|flaw| *flaw as u16 == number)
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.words())
    }
}
