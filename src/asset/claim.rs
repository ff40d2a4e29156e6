//! What a file's name and declared media type claim it to be.
//!
//! A claim can only ever refuse a file, so what may mean two things is none: `.ts` is a film or TypeScript, and
//! `text/plain` and `application/octet-stream` are what clients send when they know nothing. Text (`.txt`, `.csv`,
//! `.html`) is not one of the four kinds either.

use super::Kind;
use super::Kind::{Audio, Document, Image, Video};

/// The kind that a file name's extension speaks of; `None` where it speaks of none of the four.
pub fn kind_of_extension(file_name: &str) -> Option<Kind> {
    row_of(file_name).map(|(kind, _, _)| *kind)
}

/// The media type that a file name's extension stands for; `None` where it speaks of none of the four kinds.
pub fn media_type_of_extension(file_name: &str) -> Option<&'static str> {
    row_of(file_name).map(|(_, media_type, _)| *media_type)
}

/// The kind that a media type speaks of, in any case and with any parameters; `None` where it speaks of none of the four.
pub fn kind_of_media_type(media_type: &str) -> Option<Kind> {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let exact = EXTENSIONS.iter().find(|(_, name, _)| *name == essence).map(|(kind, _, _)| *kind);
    let other = || MEDIA_TYPES.iter().find(|(_, name)| *name == essence).map(|(kind, _)| *kind);
    let family = || FAMILIES.iter().find(|(_, prefix)| essence.starts_with(prefix)).map(|(kind, _)| *kind);
    exact.or_else(other).or_else(family)
}

/// A kind, a media type, and the extensions that stand for it.
type Row = (Kind, &'static str, &'static [&'static str]);

/// The row of the extension behind the last dot of the last component of a path.
fn row_of(file_name: &str) -> Option<&'static Row> {
    let last = file_name.rsplit(['/', '\\']).next().unwrap_or(file_name);
    // Windows opens `x.png.` and `x.png ` as `x.png`.
    let (_, extension) = last.trim_end_matches(['.', ' ']).rsplit_once('.')?;
    let speaks =
        |(_, _, extensions): &&Row| extensions.iter().any(|word| word.eq_ignore_ascii_case(extension));
    EXTENSIONS.iter().find(speaks)
}

/// The well-known extensions of the four kinds.
///
/// Left out: `.ts` (above; `.mts` and `.m2ts` are what cameras write), `.mjpeg` (begins as a JPEG, and many players name
/// one so), `.mod` and `.it` (films or music), `.dat`, `.bin`, playlists, archives, text, and projects of editors
/// (`.sketch`, `.fig`, `.prproj`).
const EXTENSIONS: &[Row] = &[
    (Image, "image/jpeg", &["jpg", "jpeg", "jpe", "jfif", "jif", "pjpeg", "pjp"]),
    (Image, "image/mpo", &["mpo"]),
    (Image, "image/png", &["png"]),
    (Image, "image/apng", &["apng"]),
    (Image, "image/gif", &["gif"]),
    (Image, "image/webp", &["webp"]),
    (Image, "image/bmp", &["bmp", "dib"]),
    (Image, "image/tiff", &["tif", "tiff"]),
    (Image, "image/heic", &["heic", "heics", "hif"]),
    (Image, "image/heif", &["heif", "heifs"]),
    (Image, "image/avif", &["avif", "avifs"]),
    (Image, "image/jxl", &["jxl"]),
    (Image, "image/jxr", &["jxr", "wdp", "hdp"]),
    (Image, "image/jp2", &["jp2", "jpg2", "j2k", "j2c", "jpc"]),
    (Image, "image/jpx", &["jpx", "jpf"]),
    (Image, "image/jpm", &["jpm"]),
    (Image, "image/jls", &["jls"]),
    (Image, "image/svg+xml", &["svg", "svgz"]),
    (Image, "image/vnd.microsoft.icon", &["ico", "cur"]),
    (Image, "image/icns", &["icns"]),
    (Image, "image/vnd.adobe.photoshop", &["psd", "psb"]),
    (Image, "image/x-xcf", &["xcf"]),
    (Image, "image/openraster", &["ora"]),
    (Image, "image/x-tga", &["tga"]),
    (Image, "image/vnd.zbrush.pcx", &["pcx"]),
    (Image, "image/x-portable-anymap", &["pnm", "pbm", "pgm", "ppm", "pam", "pfm"]),
    (Image, "image/x-xbitmap", &["xbm"]),
    (Image, "image/x-xpixmap", &["xpm"]),
    (Image, "image/x-exr", &["exr"]),
    (Image, "image/vnd.radiance", &["hdr"]),
    (Image, "image/vnd-ms.dds", &["dds"]),
    (Image, "image/qoi", &["qoi"]),
    (Image, "image/wmf", &["wmf"]),
    (Image, "image/emf", &["emf"]),
    (Image, "image/x-adobe-dng", &["dng"]),
    (Image, "image/x-canon-cr2", &["cr2"]),
    (Image, "image/x-canon-cr3", &["cr3"]),
    (Image, "image/x-canon-crw", &["crw"]),
    (Image, "image/x-nikon-nef", &["nef", "nrw"]),
    (Image, "image/x-sony-arw", &["arw", "srf", "sr2"]),
    (Image, "image/x-olympus-orf", &["orf"]),
    (Image, "image/x-panasonic-rw2", &["rw2"]),
    (Image, "image/x-fuji-raf", &["raf"]),
    (Image, "image/x-pentax-pef", &["pef"]),
    (Image, "image/x-samsung-srw", &["srw"]),
    (Image, "image/x-hasselblad-3fr", &["3fr"]),
    (Image, "image/x-phaseone-iiq", &["iiq"]),
    (Image, "image/x-sigma-x3f", &["x3f"]),
    (Video, "video/mp4", &["mp4", "mp4v", "mpg4"]),
    (Video, "video/x-m4v", &["m4v"]),
    (Video, "video/quicktime", &["mov", "qt"]),
    (Video, "video/webm", &["webm"]),
    (Video, "video/x-matroska", &["mkv", "mk3d"]),
    (Video, "video/x-msvideo", &["avi", "divx"]),
    (Video, "video/x-ms-wmv", &["wmv"]),
    (Video, "video/x-ms-asf", &["asf"]),
    (Video, "video/x-flv", &["flv"]),
    (Video, "video/x-f4v", &["f4v"]),
    (Video, "video/mpeg", &["mpg", "mpeg", "mpe", "m1v", "m2v", "mpv", "vob"]),
    (Video, "video/mp2t", &["mts", "m2ts", "m2t"]),
    (Video, "video/ogg", &["ogv", "ogm"]),
    (Video, "video/3gpp", &["3gp", "3gpp"]),
    (Video, "video/3gpp2", &["3g2", "3gp2", "3gpp2"]),
    (Video, "video/mj2", &["mj2", "mjp2"]),
    (Video, "video/h264", &["h264", "264", "avc"]),
    (Video, "video/h265", &["h265", "265", "hevc"]),
    (Video, "video/x-ivf", &["ivf"]),
    (Video, "video/x-dv", &["dv"]),
    (Video, "application/mxf", &["mxf"]),
    (Video, "application/vnd.rn-realmedia", &["rm", "rmvb"]),
    (Audio, "audio/mpeg", &["mp3", "mpga", "mpa", "m2a", "mp3a"]),
    (Audio, "audio/mp2", &["mp2", "mp1"]),
    (Audio, "audio/wav", &["wav", "wave", "bwf", "rf64"]),
    (Audio, "audio/x-w64", &["w64"]),
    (Audio, "audio/mp4", &["m4a", "m4b", "m4p", "m4r", "mp4a", "alac"]),
    (Audio, "audio/aac", &["aac", "adts"]),
    (Audio, "audio/3gpp", &["3ga"]),
    (Audio, "audio/flac", &["flac"]),
    (Audio, "audio/ogg", &["ogg", "oga", "opus", "spx"]),
    (Audio, "audio/webm", &["weba"]),
    (Audio, "audio/x-matroska", &["mka"]),
    (Audio, "audio/aiff", &["aif", "aiff", "aifc"]),
    (Audio, "audio/x-caf", &["caf"]),
    (Audio, "audio/x-ms-wma", &["wma"]),
    (Audio, "audio/ac3", &["ac3"]),
    (Audio, "audio/eac3", &["eac3", "ec3"]),
    (Audio, "audio/vnd.dts", &["dts", "dtshd"]),
    (Audio, "audio/amr", &["amr"]),
    (Audio, "audio/amr-wb", &["awb"]),
    (Audio, "audio/midi", &["mid", "midi", "kar", "rmi"]),
    (Audio, "audio/basic", &["au", "snd"]),
    (Audio, "audio/x-ape", &["ape"]),
    (Audio, "audio/x-wavpack", &["wv"]),
    (Audio, "audio/x-musepack", &["mpc"]),
    (Audio, "audio/x-tta", &["tta"]),
    (Audio, "audio/x-dsf", &["dsf"]),
    (Audio, "audio/x-dff", &["dff"]),
    (Audio, "audio/vnd.rn-realaudio", &["ra"]),
    (Audio, "audio/x-voc", &["voc"]),
    (Document, "application/pdf", &["pdf", "pdfa"]),
    // Illustrator's files are PDF inside, and older ones PostScript.
    (Document, "application/illustrator", &["ai", "ait"]),
    (Document, "application/postscript", &["ps", "eps", "epsf", "epsi"]),
    (Document, "application/x-indesign", &["indd", "indt"]),
    (Document, "application/rtf", &["rtf"]),
    (Document, "application/msword", &["doc", "dot"]),
    (Document, "application/vnd.ms-excel", &["xls", "xlt", "xla"]),
    (Document, "application/vnd.ms-powerpoint", &["ppt", "pps", "pot"]),
    (Document, "application/vnd.openxmlformats-officedocument.wordprocessingml.document", &["docx"]),
    (Document, "application/vnd.openxmlformats-officedocument.wordprocessingml.template", &["dotx"]),
    (Document, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", &["xlsx"]),
    (Document, "application/vnd.openxmlformats-officedocument.spreadsheetml.template", &["xltx"]),
    (Document, "application/vnd.openxmlformats-officedocument.presentationml.presentation", &["pptx"]),
    (Document, "application/vnd.openxmlformats-officedocument.presentationml.slideshow", &["ppsx"]),
    (Document, "application/vnd.openxmlformats-officedocument.presentationml.template", &["potx"]),
    (Document, "application/vnd.ms-word.document.macroenabled.12", &["docm", "dotm"]),
    (Document, "application/vnd.ms-excel.sheet.macroenabled.12", &["xlsm", "xltm"]),
    (Document, "application/vnd.ms-excel.sheet.binary.macroenabled.12", &["xlsb"]),
    (Document, "application/vnd.ms-powerpoint.presentation.macroenabled.12", &["pptm", "ppsm", "potm"]),
    (Document, "application/vnd.oasis.opendocument.text", &["odt", "ott", "fodt", "odm"]),
    (Document, "application/vnd.oasis.opendocument.spreadsheet", &["ods", "ots", "fods"]),
    (Document, "application/vnd.oasis.opendocument.presentation", &["odp", "otp", "fodp"]),
    (Document, "application/vnd.oasis.opendocument.graphics", &["odg", "otg", "fodg"]),
    (Document, "application/vnd.apple.pages", &["pages"]),
    (Document, "application/vnd.apple.numbers", &["numbers"]),
    (Document, "application/vnd.apple.keynote", &["key", "keynote"]),
    (Document, "application/vnd.visio", &["vsd"]),
    (Document, "application/vnd.ms-visio.drawing", &["vsdx"]),
    (Document, "application/epub+zip", &["epub"]),
    (Document, "application/x-mobipocket-ebook", &["mobi"]),
    (Document, "application/vnd.amazon.ebook", &["azw", "azw3"]),
    (Document, "application/vnd.ms-xpsdocument", &["xps"]),
    (Document, "application/oxps", &["oxps"]),
    (Document, "application/vnd.wordperfect", &["wpd"]),
    (Document, "application/vnd.ms-works", &["wps"]),
    (Document, "application/x-hwp", &["hwp", "hwpx"]),
    // Before the family `image/`: a DjVu is a book of scanned pages.
    (Document, "image/vnd.djvu", &["djvu", "djv"]),
];

/// Further media types of the four kinds that stand in no family.
const MEDIA_TYPES: &[(Kind, &str)] = &[
    (Image, "application/photoshop"),
    (Image, "application/x-photoshop"),
    (Image, "application/vnd.adobe.photoshop"),
    // An mp4 that is neither film nor sound is rare (RFC 4337), and of the two only films are kept in an mp4.
    (Video, "application/mp4"),
    (Video, "application/x-matroska"),
    (Video, "application/vnd.ms-asf"),
    (Video, "application/vnd.rn-realmedia-vbr"),
    // The old name of every Ogg, and most are sounds (RFC 5334).
    (Audio, "application/ogg"),
    (Audio, "application/x-ogg"),
    (Audio, "application/x-flac"),
    (Audio, "application/x-midi"),
    (Document, "application/x-pdf"),
    (Document, "application/acrobat"),
    (Document, "application/vnd.pdf"),
    (Document, "text/pdf"),
    (Document, "text/x-pdf"),
    (Document, "text/rtf"),
    (Document, "application/x-rtf"),
    (Document, "application/vnd.adobe.illustrator"),
    (Document, "application/eps"),
    (Document, "application/x-eps"),
    (Document, "application/x-msword"),
    (Document, "application/x-iwork-pages-sffpages"),
    (Document, "application/x-iwork-numbers-sffnumbers"),
    (Document, "application/x-iwork-keynote-sffkey"),
    (Document, "image/x-djvu"),
];

/// Beginnings of media types that all speak of one kind.
const FAMILIES: &[(Kind, &str)] = &[
    (Image, "image/"),
    (Video, "video/"),
    (Audio, "audio/"),
    (Document, "application/vnd.openxmlformats-officedocument."),
    (Document, "application/vnd.oasis.opendocument."),
    (Document, "application/vnd.ms-word"),
    (Document, "application/vnd.ms-excel"),
    (Document, "application/vnd.ms-powerpoint"),
    (Document, "application/vnd.ms-visio"),
    (Document, "application/vnd.apple.iwork"),
];
