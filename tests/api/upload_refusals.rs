//! API.md, 3: every refusal with its sentence, and nothing left behind.

use crate::support::{Client, Form, Server, sample};

const ALLOWED: &str =
    "Allowed: images (jpg, png, gif, webp), videos (mp4, mov), audio (mp3, wav), documents (pdf)";

#[test]
fn a_body_that_is_no_multipart_form_is_refused() {
    let server = Server::start();
    let body = Form::of("a.png", &sample::named("png")).body();
    let types = [
        Some("application/json"),
        Some("application/x-www-form-urlencoded"),
        Some("multipart/mixed; boundary=x"),
        Some("multipart/form-data"),
        Some("multipart/form-data; charset=utf-8"),
        Some("multipart/form-data; boundary="),
        Some("image/png"),
        None,
    ];
    for content_type in types {
        let mut request = server.user(7).request("POST", "/api/v2/upload-asset").body(&body);
        if let Some(content_type) = content_type {
            request = request.header("Content-Type", content_type);
        }
        request.send().expect(400).detail("Expected a multipart/form-data body");
    }
    assert!(server.files().is_empty());
}

#[test]
fn a_content_type_is_read_as_its_syntax_says() {
    let server = Server::start();
    let body = b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\r\n";
    let body = [body, &sample::named("png")[..], b"\r\n--b--\r\n"].concat();
    for content_type in [
        "multipart/form-data; boundary=b",
        "Multipart/Form-Data; Boundary=b",
        "multipart/form-data; boundary=\"b\"",
        "multipart/form-data;charset=utf-8;boundary=b",
    ] {
        server
            .user(7)
            .request("POST", "/api/v2/upload-asset")
            .header("Content-Type", content_type)
            .body(&body)
            .send()
            .expect(201);
    }
}

#[test]
fn a_form_without_a_file_is_refused() {
    let server = Server::start();
    for form in [Form::new(), Form::new().text("clientId", "acme"), Form::new().text("files", "x")] {
        server.user(7).post(&form).expect(400).detail("Missing form field: file");
    }
}

#[test]
fn a_form_whose_end_never_comes_is_refused() {
    let server = Server::start();
    let form = Form::of("a.png", &sample::named("png")).text("clientId", "acme");
    let whole = form.unfinished();
    // In the file, in a head, in a field, and just before the last boundary.
    for length in [0, 30, 150, whole.len() - 40, whole.len() - 4, whole.len()] {
        server
            .user(7)
            .request("POST", "/api/v2/upload-asset")
            .form(&whole[..length])
            .send()
            .expect(400)
            .detail("Multipart form is incomplete");
    }
    assert!(server.files().is_empty());
}

#[test]
fn an_empty_file_is_refused() {
    let server = Server::start();
    server.user(7).post(&Form::of("a.png", b"")).expect(400).detail("File is empty");
    assert!(server.files().is_empty());
}

#[test]
fn a_type_that_is_not_allowed_is_named_with_its_remedy() {
    let server = Server::start();
    let unknown = || sample::nothing_known(sample::fresh());
    let zip = b"PK\x03\x04\x14\0\0\0\x08\0rest of an archive".to_vec();
    let indesign = b"\x06\x06\xed\xf5\xd8\x1d\x46\xe5\xbd\x31\xef\xe7\xfe\x74\xb7\x1dDOCUMENT".to_vec();
    // The first page of an Ogg stream up to its one packet, which names the coding (RFC 3533, 6).
    let page = |packet: &[u8]| {
        let head = b"OggS\0\x02\0\0\0\0\0\0\0\0\x11\0\0\0\0\0\0\0\x92\xC0\x57\x4E\x01\x1E";
        [&head[..], packet, &[0; 23]].concat()
    };
    let (vorbis, theora) = (page(b"\x01vorbis"), [page(b"\x01vorbis"), page(b"\x80theora")].concat());
    // The name, the declared type, the bytes, and what the refusal names. What the bytes are stands before what is
    // declared, and that before nothing.
    let rows = [
        ("a.bmp", Some("image/bmp"), sample::bmp(1), "image/bmp."),
        ("a.png", Some("image/png"), sample::bmp(2), "image/bmp."),
        ("a", None, sample::heic(), "image/heic. Export it as JPEG."),
        ("a.heic", Some("image/heic"), sample::heic(), "image/heic. Export it as JPEG."),
        ("a", None, b"fLaC\0\0\0\x22".to_vec(), "audio/flac. Export it as WAV or MP3."),
        ("a.ogv", Some("video/ogg"), theora, "video/ogg. Export it as MP4."),
        ("a.ogg", Some("audio/ogg"), vorbis, "audio/ogg. Export it as MP3 or WAV."),
        ("a", None, b"\x76\x2f\x31\x01\x02\0\0\0".to_vec(), "image/x-exr. Export it as PNG or JPEG."),
        ("a", None, b"#?RADIANCE\nFORMAT=".to_vec(), "image/vnd.radiance. Export it as PNG or JPEG."),
        ("a", None, b"gimp xcf v011\0".to_vec(), "image/x-xcf. Export it as PNG or JPEG."),
        ("a", None, b"FUJIFILMCCD-RAW 0201".to_vec(), "image/x-fuji-raf. Export it as JPEG."),
        ("a.indd", None, indesign, "application/x-indesign. Export it as PDF."),
        ("a", None, zip, "application/zip. Unpack it and upload the files in it."),
        ("a.xyz", Some("chemical/x-xyz"), unknown(), "chemical/x-xyz."),
        ("a.png", Some("image/png"), unknown(), "image/png."),
        ("a", None, unknown(), "application/octet-stream."),
        ("a", None, vec![0x01], "application/octet-stream."),
    ];
    for (name, declared, bytes, found) in rows {
        let form = Form::new().file(name, declared, &bytes);
        server.user(7).post(&form).expect(400).detail(&format!("Invalid file type: {found} {ALLOWED}"));
    }
    assert!(server.files().is_empty());
}

#[test]
fn a_file_of_another_kind_than_its_name_or_type_says_is_refused_as_a_disguise() {
    let server = Server::start();
    let docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    // What the bytes are, the name, the declared type, and the type that the refusal names: the declared one where both
    // disagree with the bytes.
    let rows = [
        ("mp3", "x.png", Some("image/png"), "image/png"),
        ("mp3", "x.mp3", Some("image/png"), "image/png"),
        ("mp3", "x.png", Some("audio/mpeg"), "image/png"),
        ("mp3", "x.png", None, "image/png"),
        ("mp3", "x.PNG", Some("application/octet-stream"), "image/png"),
        ("mp3", "x.pdf", Some("image/gif"), "image/gif"),
        ("png", "x.pdf", Some("application/pdf"), "application/pdf"),
        ("png", "x.mp4", None, "video/mp4"),
        ("png", "x.mkv", None, "video/x-matroska"),
        ("png", "x.flac", None, "audio/flac"),
        ("png", "x.docx", None, docx),
        ("png", "x.png", Some("video/quicktime"), "video/quicktime"),
        ("png", "x.png", Some("audio/made-up"), "audio/made-up"),
        ("wav", "x.heic", None, "image/heic"),
        ("pdf", "x.jpg", Some("image/jpeg"), "image/jpeg"),
        ("mp4", "x.wav", Some("audio/wav"), "audio/wav"),
        ("mov", "x.jpg", None, "image/jpeg"),
        ("gif", "x.mov", None, "video/quicktime"),
    ];
    for (format, name, declared, named) in rows {
        let form = Form::new().file(name, declared, &sample::named(format));
        let found = crate::support::declared_type(&format!("x.{format}"));
        server
            .user(7)
            .post(&form)
            .expect(400)
            .detail(&format!("File content ({found}) does not match its declared type ({named})"));
    }
    assert!(server.files().is_empty());
}

#[test]
fn a_broken_file_is_refused_by_its_kind() {
    let server = Server::start();
    let seed = sample::fresh;
    let cut = |bytes: Vec<u8>, length: usize| bytes[..length].to_vec();
    let film = sample::film("film.mp4", seed());
    let moof_less = {
        // The boxes are there and say nothing.
        let mut bytes = b"\0\0\0\x18ftypisom\0\0\0\0isommp42".to_vec();
        bytes.extend_from_slice(b"\0\0\0\x08moov");
        bytes
    };
    let rows = [
        ("a.png", "image", cut(sample::png(seed()), 20)),
        ("a.png", "image", sample::png_claiming(0, 5)),
        ("a.jpg", "image", b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0".to_vec()),
        ("a.gif", "image", b"GIF89a".to_vec()),
        ("a.webp", "image", b"RIFF\x24\0\0\0WEBPVP8 ".to_vec()),
        ("a.mp4", "video", cut(film, 200)),
        ("a.mp4", "video", moof_less),
        ("a.wav", "audio", cut(sample::wav(seed(), 100), 16)),
        ("a.wav", "audio", sample::wav(seed(), 0)),
        ("a.mp3", "audio", sample::mp3(seed(), 0)),
        ("a.pdf", "document", b"%PDF-1.7\nnothing of a document follows".to_vec()),
    ];
    for (name, kind, bytes) in rows {
        let error = server.user(7).post(&Form::of(name, &bytes)).expect(400).error();
        let why = error
            .strip_prefix(&format!("Invalid {kind} file: "))
            .unwrap_or_else(|| panic!("{name} of {} bytes: {error}", bytes.len()));
        assert!(!why.is_empty());
    }
    assert!(server.files().is_empty());
}

#[test]
fn a_picture_with_too_many_pixels_is_refused_with_its_size() {
    let server = Server::start();
    server
        .user(7)
        .post(&Form::of("a.png", &sample::png_claiming(50_000, 50_000)))
        .expect(400)
        .detail("Image has too many pixels: 50000 x 50000. Maximum is 256 megapixels");
    assert!(server.files().is_empty());
}

#[test]
fn a_picture_of_just_the_largest_number_of_pixels_is_accepted() {
    let server = Server::with(&["--max-pixels", "1MP"]);
    let user = server.user(7);
    user.upload_bytes("a.png", &sample::png_of(1, 1000, 1000));
    user.post(&Form::of("a.png", &sample::png_of(1, 1001, 1000)))
        .expect(400)
        .detail("Image has too many pixels: 1001 x 1000. Maximum is 1 megapixels");
    assert_eq!(user.list_all("").len(), 1);
}

/// A PNG of this many bytes, uploaded.
#[track_caller]
fn upload_of_size(user: &Client, size: usize) -> crate::support::Answer {
    user.post(&Form::of("a.png", &sample::png_of_size(1, size)))
}

#[test]
fn a_file_of_just_the_limit_is_accepted_and_one_byte_more_is_not() {
    let rows = [
        ("64KiB", 64 * 1024, "0.1MB"),
        ("1MiB", 1024 * 1024, "1.0MB"),
        ("1.5MiB", 1536 * 1024, "1.5MB"),
        ("1MB", 1_000_000, "1.0MB"),
        ("100000", 100_000, "0.1MB"),
    ];
    for (option, bytes, words) in rows {
        let server = Server::with(&["--max-upload", option]);
        let user = server.user(7);
        let asset = upload_of_size(&user, bytes).expect(201).json();
        assert_eq!(asset["size"], bytes);
        upload_of_size(&user, bytes + 1)
            .expect(400)
            .detail(&format!("File too large. Maximum size is {words}"));
        upload_of_size(&user, 3 * bytes)
            .expect(400)
            .detail(&format!("File too large. Maximum size is {words}"));
        let left = server.files();
        let whole = left.iter().filter(|file| file.ends_with(".png")).count();
        assert_eq!(whole, 1, "{left:?}");
    }
}

#[test]
fn without_an_option_the_limit_is_50_mib() {
    let server = Server::start();
    let user = server.user(7);
    const LIMIT: usize = 50 * 1024 * 1024;
    let asset = upload_of_size(&user, LIMIT).expect(201).json();
    assert_eq!(asset["size"], LIMIT);
    upload_of_size(&user, LIMIT + 1).expect(400).detail("File too large. Maximum size is 50.0MB");
}

#[test]
fn a_refused_upload_is_not_listed_and_takes_no_client_into_being() {
    let server = Server::start();
    let form = Form::new().text("clientId", "acme").file("a.bmp", None, &sample::bmp(1));
    server.user(7).post(&form).expect(400);

    assert!(server.user(7).list_all("").is_empty());
    assert_eq!(server.user(7).get("/api/v2/clients").expect(200).json(), serde_json::json!([]));
}
