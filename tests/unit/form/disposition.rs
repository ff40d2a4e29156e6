//! `Content-Disposition` of answers.

use assetd::http::disposition::{Disposition, content_disposition};

fn inline(name: &str, extension: &str) -> String {
    let value = content_disposition(Disposition::Inline, name, extension);
    let value = value.to_str().expect("printable ASCII");
    value.strip_prefix("inline; ").expect("inline").to_owned()
}

#[test]
fn a_name_is_given_in_ascii_and_in_utf_8() {
    let rows = [
        ("x.png", "png", "filename=\"x.png\"; filename*=UTF-8''x.png"),
        ("a b.png", "png", "filename=\"a b.png\"; filename*=UTF-8''a%20b.png"),
        (
            "日本語の音.mp3",
            "mp3",
            "filename=\"_____.mp3\"; filename*=UTF-8''%E6%97%A5%E6%9C%AC%E8%AA%9E%E3%81%AE%E9%9F%B3.mp3",
        ),
        ("say \"hi\".pdf", "pdf", "filename=\"say _hi_.pdf\"; filename*=UTF-8''say%20%22hi%22.pdf"),
        ("a/b\\c.gif", "gif", "filename=\"a_b_c.gif\"; filename*=UTF-8''a_b_c.gif"),
        ("50%.gif", "gif", "filename=\"50%.gif\"; filename*=UTF-8''50%25.gif"),
        ("50%22x.gif", "gif", "filename=\"50_22x.gif\"; filename*=UTF-8''50%2522x.gif"),
        (
            "'; x=\"(1)*.gif",
            "gif",
            "filename=\"'; x=_(1)*.gif\"; filename*=UTF-8''%27%3B%20x%3D%22%281%29%2A.gif",
        ),
        ("!#$&+-.^_`|~.gif", "gif", "filename=\"!#$&+-.^_`|~.gif\"; filename*=UTF-8''!#$&+-.^_`|~.gif"),
    ];
    for (name, extension, expected) in rows {
        assert_eq!(inline(name, extension), expected, "{name}");
    }
}

#[test]
fn a_name_ends_in_the_true_extension() {
    let rows = [
        ("x.JPG", "jpg", "x.JPG"),
        ("x.jpeg", "jpg", "x.jpeg"),
        ("x.JPEG", "jpg", "x.JPEG"),
        ("x.png", "jpg", "x.png.jpg"),
        ("x.jpg", "png", "x.jpg.png"),
        ("x.jpeg", "png", "x.jpeg.png"),
        ("xjpg", "jpg", "xjpg.jpg"),
        ("jpg", "jpg", "jpg.jpg"),
        (".gif", "gif", ".gif"),
        ("x.", "gif", "x..gif"),
        ("x.gif ", "gif", "x.gif%20.gif"),
        ("clip.Mov", "mov", "clip.Mov"),
    ];
    for (name, extension, expected) in rows {
        let value = inline(name, extension);
        assert!(value.ends_with(&format!("filename*=UTF-8''{expected}")), "{name}: {value}");
    }
}

#[test]
fn what_no_name_holds_is_harmless_all_the_same() {
    let value = inline("a\r\nSet-Cookie: x\0\u{7f}\u{85}.gif", "gif");
    assert!(value.starts_with("filename=\"a__Set-Cookie: x___.gif\"; "), "{value}");
    let saved = content_disposition(Disposition::Attachment, "x.gif", "gif");
    assert_eq!(saved, "attachment; filename=\"x.gif\"; filename*=UTF-8''x.gif");
}
