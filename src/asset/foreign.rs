//! Types of file that are recognised and not kept, so that a refusal can say what was found.

/// One row a type: its name, its number on the wire between worker and server, its media type, and the remedy.
macro_rules! foreign {
    ($($name:ident = $number:literal, $media_type:literal, $remedy:literal;)*) => {
        /// A type of file that assetd does not keep.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u16)]
        pub enum Foreign { $(#[doc = $media_type] $name = $number,)* }

        impl Foreign {
            pub const ALL: &[Foreign] = &[$(Foreign::$name),*];

            pub fn media_type(self) -> &'static str {
                match self { $(Foreign::$name => $media_type,)* }
            }

            /// What the user can do about it, a sentence; empty where there is nothing to say.
            pub fn remedy(self) -> &'static str {
                match self { $(Foreign::$name => $remedy,)* }
            }
        }
    };
}

foreign! {
    // Images
    Bmp = 1, "image/bmp", "";
    Tiff = 2, "image/tiff", "Export it as PNG or JPEG.";
    Heic = 3, "image/heic", "Export it as JPEG.";
    Heif = 4, "image/heif", "Export it as JPEG.";
    Avif = 5, "image/avif", "Export it as JPEG, PNG or WebP.";
    Jxl = 6, "image/jxl", "Export it as JPEG or PNG.";
    Jp2 = 7, "image/jp2", "Export it as JPEG or PNG.";
    Psd = 8, "image/vnd.adobe.photoshop", "Export it as PNG or JPEG.";
    Ico = 9, "image/vnd.microsoft.icon", "Export it as PNG.";
    Svg = 10, "image/svg+xml", "Export it as PNG or PDF.";
    Jxr = 11, "image/jxr", "Export it as JPEG or PNG.";
    CanonRaw = 12, "image/x-canon-cr3", "Export it as JPEG.";
    Jls = 13, "image/jls", "Export it as JPEG or PNG.";
    Exr = 14, "image/x-exr", "Export it as PNG or JPEG.";
    Radiance = 15, "image/vnd.radiance", "Export it as PNG or JPEG.";
    Xcf = 16, "image/x-xcf", "Export it as PNG or JPEG.";
    FujiRaw = 17, "image/x-fuji-raf", "Export it as JPEG.";
    // Videos
    Matroska = 40, "video/x-matroska", "Export it as MP4.";
    Webm = 41, "video/webm", "Export it as MP4.";
    Avi = 42, "video/x-msvideo", "Export it as MP4.";
    Wmv = 43, "video/x-ms-asf", "Export it as MP4.";
    Flv = 44, "video/x-flv", "Export it as MP4.";
    MpegPs = 45, "video/mpeg", "Export it as MP4.";
    MpegTs = 46, "video/mp2t", "Export it as MP4.";
    Mxf = 47, "application/mxf", "Export it as MP4.";
    OggVideo = 48, "video/ogg", "Export it as MP4.";
    // Sounds
    Aac = 60, "audio/aac", "Export it as MP3 or WAV.";
    M4a = 61, "audio/mp4", "Export it as MP3 or WAV.";
    Flac = 62, "audio/flac", "Export it as WAV or MP3.";
    Ogg = 63, "audio/ogg", "Export it as MP3 or WAV.";
    Aiff = 64, "audio/aiff", "Export it as WAV.";
    Ac3 = 65, "audio/ac3", "Export it as MP3 or WAV.";
    Amr = 66, "audio/amr", "Export it as MP3 or WAV.";
    Midi = 67, "audio/midi", "Export it as MP3 or WAV.";
    Mp2 = 68, "audio/mp2", "Export it as MP3 or WAV.";
    Ape = 69, "audio/x-ape", "Export it as WAV.";
    WavPack = 70, "audio/x-wavpack", "Export it as WAV.";
    Musepack = 71, "audio/x-musepack", "Export it as WAV.";
    Au = 72, "audio/basic", "Export it as WAV.";
    Caf = 73, "audio/x-caf", "Export it as WAV.";
    Dsf = 74, "audio/x-dsf", "Export it as WAV.";
    Dts = 75, "audio/vnd.dts", "Export it as WAV.";
    W64 = 76, "audio/x-w64", "Export it as WAV.";
    Rifx = 77, "audio/x-rifx", "Export it as WAV, which has the lower byte first.";
    Tta = 78, "audio/x-tta", "Export it as WAV.";
    Wma = 79, "audio/x-ms-wma", "Export it as MP3 or WAV.";
    TaggedWav = 110, "audio/wav", "Remove the ID3 tag before its header.";
    // Documents and the rest
    Docx = 80, "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "Export it as PDF.";
    Xlsx = 81, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "Export it as PDF.";
    Pptx = 82, "application/vnd.openxmlformats-officedocument.presentationml.presentation", "Export it as PDF.";
    OldOffice = 83, "application/x-ole-storage", "Export it as PDF.";
    OpenDocument = 84, "application/vnd.oasis.opendocument.text", "Export it as PDF.";
    PostScript = 85, "application/postscript", "Export it as PDF.";
    Rtf = 86, "application/rtf", "Export it as PDF.";
    Epub = 87, "application/epub+zip", "Export it as PDF.";
    Zip = 88, "application/zip", "Unpack it and upload the files in it.";
    Gzip = 89, "application/gzip", "Unpack it and upload the files in it.";
    SevenZip = 90, "application/x-7z-compressed", "Unpack it and upload the files in it.";
    Rar = 91, "application/vnd.rar", "Unpack it and upload the files in it.";
    Executable = 92, "application/x-executable", "";
    Flash = 93, "application/x-shockwave-flash", "Export it as MP4.";
    Html = 94, "text/html", "";
    Xml = 95, "text/xml", "";
    Json = 96, "application/json", "";
    Text = 97, "text/plain", "";
    Script = 98, "text/x-script", "";
    Tar = 99, "application/x-tar", "Unpack it and upload the files in it.";
    Xz = 100, "application/x-xz", "Unpack it and upload the files in it.";
    Bzip2 = 101, "application/x-bzip2", "Unpack it and upload the files in it.";
    Zstandard = 102, "application/zstd", "Unpack it and upload the files in it.";
    InDesign = 103, "application/x-indesign", "Export it as PDF.";
}

impl Foreign {
    pub fn from_number(number: u16) -> Option<Foreign> {
        Foreign::ALL.iter().copied().find(|foreign| *foreign as u16 == number)
    }
}
