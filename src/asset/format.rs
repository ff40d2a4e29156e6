//! The four kinds of asset and the nine formats they are stored in.

use std::fmt;

/// What an asset is: the `type` of the API.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Kind {
    Image = 0,
    Video = 1,
    Audio = 2,
    Document = 3,
}

impl Kind {
    pub const ALL: [Kind; 4] = [Kind::Image, Kind::Video, Kind::Audio, Kind::Document];

    /// The word of the API, and of `Invalid … file`.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Image => "image",
            Kind::Video => "video",
            Kind::Audio => "audio",
            Kind::Document => "document",
        }
    }

    pub fn from_word(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// How an asset's bytes are coded. The numbers stand in records on disk and are never given anew.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Format {
    Jpg = 0,
    Png = 1,
    Gif = 2,
    Webp = 3,
    Mp4 = 4,
    Mov = 5,
    Mp3 = 6,
    Wav = 7,
    Pdf = 8,
}

impl Format {
    pub const ALL: [Format; 9] = [
        Format::Jpg,
        Format::Png,
        Format::Gif,
        Format::Webp,
        Format::Mp4,
        Format::Mov,
        Format::Mp3,
        Format::Wav,
        Format::Pdf,
    ];

    pub fn from_number(number: u8) -> Option<Format> {
        Format::ALL.into_iter().find(|format| *format as u8 == number)
    }

    /// The word of the API, and the extension of the stored file.
    pub fn extension(self) -> &'static str {
        match self {
            Format::Jpg => "jpg",
            Format::Png => "png",
            Format::Gif => "gif",
            Format::Webp => "webp",
            Format::Mp4 => "mp4",
            Format::Mov => "mov",
            Format::Mp3 => "mp3",
            Format::Wav => "wav",
            Format::Pdf => "pdf",
        }
    }

    pub fn from_extension(extension: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.extension() == extension)
    }

    /// The media type a file of this format is served as.
    pub fn media_type(self) -> &'static str {
        match self {
            Format::Jpg => "image/jpeg",
            Format::Png => "image/png",
            Format::Gif => "image/gif",
            Format::Webp => "image/webp",
            Format::Mp4 => "video/mp4",
            Format::Mov => "video/quicktime",
            Format::Mp3 => "audio/mpeg",
            Format::Wav => "audio/wav",
            Format::Pdf => "application/pdf",
        }
    }

    pub fn kind(self) -> Kind {
        match self {
            Format::Jpg | Format::Png | Format::Gif | Format::Webp => Kind::Image,
            Format::Mp4 | Format::Mov => Kind::Video,
            Format::Mp3 | Format::Wav => Kind::Audio,
            Format::Pdf => Kind::Document,
        }
    }
}
