//! What names and media types claim.

use assetd::asset::claim::{kind_of_extension, kind_of_media_type, media_type_of_extension};
use assetd::asset::{Foreign, Format, Kind};

const IMAGE: Option<Kind> = Some(Kind::Image);
const VIDEO: Option<Kind> = Some(Kind::Video);
const AUDIO: Option<Kind> = Some(Kind::Audio);
const DOCUMENT: Option<Kind> = Some(Kind::Document);

#[test]
fn extensions_speak_of_a_kind() {
    let rows: &[(Option<Kind>, &[&str])] = &[
        (
            IMAGE,
            &[
                "a.jpg", "a.JPEG", "a.jpe", "a.jfif", "a.mpo", "a.apng", "a.heic", "a.psd", "a.svg", "a.cr2",
                "a.tif",
            ],
        ),
        (
            VIDEO,
            &[
                "a.mp4", "a.m4v", "a.qt", "a.webm", "a.mkv", "a.3gp", "a.3g2", "a.f4v", "a.ogv", "a.MTS",
                "a.mpeg",
            ],
        ),
        (
            AUDIO,
            &["a.mp3", "a.m4a", "a.m4b", "a.ogg", "a.opus", "a.flac", "a.aif", "a.mp2", "a.ac3", "a.amr"],
        ),
        (
            DOCUMENT,
            &["a.pdf", "a.docx", "a.xls", "a.pptx", "a.odt", "a.rtf", "a.pages", "a.epub", "a.eps", "a.ai"],
        ),
        // Where the extension is
        (
            IMAGE,
            &[
                "shell.php.jpg",
                "../../x.png",
                "C:\\clip.mp4\\x.gif",
                ".gif",
                "x.png.",
                "x.png ",
                "日本語.webp",
            ],
        ),
        (None, &["", "png", "a.", "a.png/b", "a.png\\b", ".png/", "x.mp4 a"]),
        // Two meanings, or none of the four kinds
        (
            None,
            &[
                "a.ts", "a.mjpeg", "a.txt", "a.csv", "a.html", "a.js", "a.php", "a.swf", "a.zip", "a.bin",
                "a.dat",
            ],
        ),
    ];
    for (kind, names) in rows {
        for name in *names {
            assert_eq!(kind_of_extension(name), *kind, "{name}");
        }
    }
}

#[test]
fn media_types_speak_of_a_kind() {
    let office = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    let rows: &[(Option<Kind>, &[&str])] = &[
        (
            IMAGE,
            &[
                "image/jpeg",
                "IMAGE/PNG",
                "image/svg+xml; charset=utf-8",
                "image/*",
                " image/heic ;x=y",
                "image/anything",
            ],
        ),
        (VIDEO, &["video/mp4", "video/quicktime", "video/anything", "application/mp4", "application/mxf"]),
        (
            AUDIO,
            &[
                "audio/mpeg",
                "audio/x-wav",
                "audio/mp4",
                "application/ogg",
                "audio/anything; codecs=\"video/x\"",
            ],
        ),
        (
            DOCUMENT,
            &[
                "application/pdf",
                "application/PDF;v=1",
                "application/msword",
                office,
                "text/rtf",
                "application/postscript",
            ],
        ),
        (
            DOCUMENT,
            &[
                "application/vnd.oasis.opendocument.formula",
                "application/vnd.ms-excel.addin.macroEnabled.12",
                "image/vnd.djvu",
            ],
        ),
        (
            None,
            &[
                "",
                "image",
                "text/plain",
                "application/octet-stream",
                "binary/octet-stream",
                "text/html",
                "application/zip",
            ],
        ),
        (
            None,
            &[
                "application/json",
                "application/x-shockwave-flash",
                "text/plain; x=image/png",
                "font/woff",
                "x-image/png",
            ],
        ),
    ];
    for (kind, names) in rows {
        for name in *names {
            assert_eq!(kind_of_media_type(name), *kind, "{name}");
        }
    }
}

#[test]
fn every_format_claims_its_own_kind() {
    for format in Format::ALL {
        let name = format!("x.{}", format.extension());
        assert_eq!(kind_of_extension(&name), Some(format.kind()), "{name}");
        assert_eq!(media_type_of_extension(&name), Some(format.media_type()), "{name}");
        assert_eq!(kind_of_media_type(format.media_type()), Some(format.kind()), "{format:?}");
    }
}

#[test]
fn a_type_that_is_not_kept_claims_the_kind_of_its_name() {
    let kinds = [(1..40, IMAGE), (40..60, VIDEO), (60..80, AUDIO)];
    for foreign in Foreign::ALL {
        for (numbers, kind) in &kinds {
            if numbers.contains(&(*foreign as u16)) {
                assert_eq!(kind_of_media_type(foreign.media_type()), *kind, "{foreign:?}");
            }
        }
    }
    for foreign in
        [Foreign::Docx, Foreign::Xlsx, Foreign::Pptx, Foreign::OpenDocument, Foreign::Rtf, Foreign::Epub]
    {
        assert_eq!(kind_of_media_type(foreign.media_type()), DOCUMENT, "{foreign:?}");
    }
}

#[test]
fn an_extension_and_its_media_type_say_the_same() {
    let words = (0..36u32.pow(4)).map(|number| {
        // All words of one to four letters and digits, and the longer ones by name.
        let mut word = String::new();
        let mut rest = number;
        while rest > 0 {
            word.extend(char::from_digit(rest % 36, 36));
            rest /= 36;
        }
        word
    });
    let longer = ["jpeg2000", "numbers", "keynote", "pages", "heics", "avifs", "3gpp2", "dtshd"];
    let mut spoken = 0;
    for word in words.chain(longer.map(str::to_owned)) {
        let name = format!("x.{word}");
        if let Some(kind) = kind_of_extension(&name) {
            let media_type = media_type_of_extension(&name).expect("a media type");
            assert_eq!(kind_of_media_type(media_type), Some(kind), "{name}");
            assert_eq!(media_type, media_type.to_ascii_lowercase());
            spoken += 1;
        } else {
            assert_eq!(media_type_of_extension(&name), None, "{name}");
        }
    }
    assert!(spoken > 200, "{spoken}");
}
