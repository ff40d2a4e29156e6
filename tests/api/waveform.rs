//! API.md, 5: the waveform of a sound.

use std::fs;

use assetd::asset::{Asset as Record, Preview};
use assetd::catalog::Catalog;
use image::{DynamicImage, GenericImageView, ImageFormat};
use serde_json::{Value, json};

use crate::support::{Asset, Server, sample};

/// A WAV file of 16 bits at 8 kHz with these samples, the channels in turn.
fn wav(channels: u16, samples: &[i16]) -> Vec<u8> {
    let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let mut wav = b"RIFF".to_vec();
    wav.extend_from_slice(&(36 + bytes.len() as u32).to_le_bytes());
    wav.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0");
    wav.extend_from_slice(&channels.to_le_bytes());
    wav.extend_from_slice(&8_000_u32.to_le_bytes());
    wav.extend_from_slice(&(16_000 * u32::from(channels)).to_le_bytes());
    wav.extend_from_slice(&(2 * channels).to_le_bytes());
    wav.extend_from_slice(b"\x10\0data");
    wav.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    wav.extend_from_slice(&bytes);
    wav
}

/// Half as loud as can be, up and down every fourth sample.
fn square(count: usize) -> Vec<i16> {
    (0..count).map(|index| if index % 8 < 4 { 16_384 } else { -16_384 }).collect()
}

#[track_caller]
fn peaks(server: &Server, asset: &Asset) -> Value {
    server.user(7).get(&asset.sub("waveform.json")).expect(200).json()
}

#[track_caller]
fn picture(server: &Server, asset: &Asset) -> DynamicImage {
    let answer = server.user(7).get(&asset.sub("waveform")).expect(200);
    assert_eq!(answer.header("content-type"), "image/png");
    image::load_from_memory_with_format(&answer.body, ImageFormat::Png).expect("a PNG")
}

#[test]
fn a_waveform_is_the_json_of_audiowaveform() {
    let server = Server::start();
    // Silence at the end of the second point; a third that is not full.
    let mut samples = square(600);
    samples[400..].fill(0);
    let asset = server.user(7).upload_bytes("a.wav", &wav(1, &samples));

    let url = asset["waveformUrl"].as_str().expect("a waveformUrl");
    assert_eq!(url, format!("{}{}", server.base(), asset.sub("waveform")));
    let answer = server.user(7).get(&asset.sub("waveform.json")).expect(200);
    let expected = concat!(
        r#"{"version":2,"channels":1,"sample_rate":8000,"samples_per_pixel":256,"bits":8,"length":3,"#,
        r#""data":[-64,64,-64,64,0,0]}"#
    );
    assert_eq!(String::from_utf8_lossy(&answer.body), expected);
}

#[test]
fn the_channels_are_mixed() {
    let server = Server::start();
    // The left is loud; the right silent, as loud, and its opposite.
    for (share, expected) in [(0, json!([-32, 32])), (1, json!([-64, 64])), (-1, json!([0, 0]))] {
        let samples: Vec<i16> = square(256).iter().flat_map(|left| [*left, share * left]).collect();
        let asset = server.user(7).upload_bytes("a.wav", &wav(2, &samples));
        assert_eq!(peaks(&server, &asset)["data"], expected);
    }
}

#[test]
fn a_long_sound_has_a_waveform_of_few_points_that_cover_all_of_it() {
    let server = Server::start();
    // Loud at the start, the middle and the end alone.
    let mut samples = vec![0; 5_000_000];
    for at in [0, 2_500_000, 4_999_999] {
        samples[at] = 20_000;
    }
    let asset = server.user(7).upload_bytes("a.wav", &wav(1, &samples));
    let told = peaks(&server, &asset);
    let (size, length) = (told["samples_per_pixel"].as_u64(), told["length"].as_u64());
    assert_eq!((size, length), (Some(2048), Some(5_000_000_u64.div_ceil(2048))));
    let data = told["data"].as_array().expect("numbers");
    let loud: Vec<usize> = (0..data.len()).filter(|index| data[*index] != 0).collect();
    assert_eq!(loud, [1, 2 * (2_500_000 / 2048) + 1, data.len() - 1]);
    assert!(data.iter().all(|sample| *sample == 0 || *sample == 78));
}

#[test]
fn the_picture_shows_sound_where_there_is_sound() {
    let server = Server::start();
    // A loud half, a silent half.
    let mut samples = square(8_000);
    samples[4_000..].fill(0);
    let asset = server.user(7).upload_bytes("a.wav", &wav(1, &samples));

    let picture = picture(&server, &asset);

    assert_eq!(picture.dimensions(), (1800, 280));
    let alpha = |x: u32, y: u32| picture.get_pixel(x, y).0[3];
    // Half as loud as can be: from a quarter of the height to three quarters.
    for x in [0, 300, 800] {
        assert!((72..208).all(|y| alpha(x, y) == 255), "{x}");
        assert!((0..68).chain(212..280).all(|y| alpha(x, y) == 0), "{x}");
    }
    for x in [1000, 1500, 1799] {
        assert!((0..136).chain(144..280).all(|y| alpha(x, y) == 0), "{x}");
        assert!((136..144).any(|y| alpha(x, y) > 0), "silence is a line: {x}");
    }
}

#[test]
fn both_forms_carry_the_headers_of_a_file_and_validators_of_their_own() {
    let server = Server::start();
    let asset = server.user(7).upload("a.wav");
    let file = server.user(7).get(&asset.path()).expect(200);
    let mut etags = vec![file.header("etag").to_owned()];
    for (part, media_type, begin) in
        [("waveform", "image/png", &b"\x89PNG"[..]), ("waveform.json", "application/json", b"{\"ver")]
    {
        let path = asset.sub(part);
        let answer = server.user(7).get(&path).expect(200);
        assert_eq!(answer.header("content-type"), media_type);
        for name in [
            "accept-ranges",
            "cache-control",
            "x-content-type-options",
            "cross-origin-resource-policy",
            "referrer-policy",
            "last-modified",
        ] {
            assert_eq!(answer.header(name), file.header(name), "{part}: {name}");
        }
        assert!(answer.header("content-security-policy").ends_with("; sandbox"), "{part}");
        assert!(answer.body.starts_with(begin), "{part}");
        assert_eq!(answer.header("content-length"), answer.body.len().to_string());
        let etag = answer.header("etag").to_owned();
        assert!(etag.starts_with('"'), "{part}: {etag} is strong");
        assert!(!etags.contains(&etag), "{part}");

        let head = server.user(7).head(&path).expect(200);
        assert!(head.body.is_empty());
        for name in ["content-type", "content-length", "etag", "repr-digest"] {
            assert_eq!(head.header(name), answer.header(name), "{part}: {name}");
        }
        let again = |name: &str, value: &str| server.user(7).request("GET", &path).header(name, value).send();
        again("If-None-Match", &etag).expect(304);
        again("If-None-Match", &etags[0]).expect(200);
        again("If-Match", &etags[0]).expect(412);
        let range = again("Range", "bytes=1-3").expect(206);
        assert_eq!(range.body, answer.body[1..4]);
        again("Range", "bytes=9999999-").expect(416);
        etags.push(etag);
    }
}

#[test]
fn a_waveform_is_the_same_after_a_restart() {
    let mut server = Server::start();
    let asset = server.user(7).upload("a.mp3");
    let get = |server: &Server, part: &str| server.user(7).get(&asset.sub(part)).expect(200);
    let before = ["waveform", "waveform.json"].map(|part| get(&server, part));

    server.restart();

    for (before, part) in before.iter().zip(["waveform", "waveform.json"]) {
        let after = get(&server, part);
        assert_eq!(after.header("etag"), before.header("etag"), "{part}");
        assert!(after.body == before.body, "{part}");
    }
}

#[test]
fn whose_sound_it_is_may_see_it_and_nobody_else() {
    let server = Server::start();
    let asset = server.user(7).upload("a.wav");
    for part in ["waveform", "waveform.json"] {
        let path = asset.sub(part);
        server.anyone().get(&path).expect(401);
        let denied = "You don't have permission to access this asset";
        server.user(8).get(&path).expect(403).detail(denied);
        server.admin().get(&path).expect(403).detail(denied);
        server.user(7).request("POST", &path).send().expect(405);
    }
}

#[test]
fn what_is_no_sound_has_no_waveform() {
    let server = Server::start();
    for format in ["jpg", "mp4", "pdf"] {
        let asset = server.user(7).upload(&format!("a.{format}"));
        assert!(asset.get("waveformUrl").is_none(), "{format}");
        for part in ["waveform", "waveform.json"] {
            server.user(7).get(&asset.sub(part)).expect(404).detail("Waveform not available");
        }
    }
}

#[test]
fn a_coding_that_cannot_be_decoded_is_no_reason_to_refuse_a_sound() {
    let server = Server::start();
    let mut bytes = wav(1, &square(8_000));
    // AC-3, by its number in mmreg.h.
    bytes[20..22].copy_from_slice(&0x2000_u16.to_le_bytes());
    let asset = server.user(7).upload_bytes("a.wav", &bytes);
    assert_eq!(asset["waveformUrl"], Value::Null);
    for part in ["waveform", "waveform.json"] {
        server.user(7).get(&asset.sub(part)).expect(404).detail("Waveform not available");
    }
    assert_eq!(server.files(), [asset.file()]);
}

#[test]
fn the_waveform_goes_with_its_asset_alone_or_in_a_cascade() {
    let server = Server::start();
    let user = server.user(7);
    let asset = user.upload("a.wav");
    assert_eq!(server.files(), [asset.file(), asset.waveform_file()]);
    user.delete(&asset.path()).expect(200);
    assert!(server.files().is_empty());

    let form = crate::support::Form::of("a.mp3", &sample::named("mp3")).text("clientId", "acme");
    let asset = user.upload_form(&form);
    assert_eq!(server.files(), [asset.file(), asset.waveform_file()]);
    user.delete("/api/v2/clients/acme").expect(200);
    assert!(server.files().is_empty());
    user.get(&asset.sub("waveform.json")).expect(404).detail("Asset not found");
}

/// Stops the server, makes records as they were before there were waveforms, and starts it again.
#[track_caller]
fn forget_waveforms(server: &mut Server, assets: &[&Asset]) {
    server.sigterm();
    assert_eq!(server.wait(), Some(0));
    let file = fs::File::options().read(true).write(true).open(server.path("catalog.redb"));
    let catalog = Catalog::open(file.expect("the catalog")).expect("a catalog");
    let mut batch = catalog.begin().expect("a batch");
    for asset in assets {
        let old = batch.get(asset.id().parse().expect("an id")).expect("a record").expect("a record");
        let new = Record { waveform: Preview::Pending, ..old.clone() };
        batch.replace(&old, &new).expect("written");
        fs::remove_file(server.path(&asset.waveform_file())).expect("removed");
    }
    batch.commit().expect("committed");
    drop(catalog);
    server.start_again();
}

#[test]
fn a_waveform_that_was_never_made_is_made_when_asked_for_and_kept() {
    let mut server = Server::start();
    let asset = server.user(7).upload("a.wav");
    let before = server.user(7).get(&asset.sub("waveform.json")).expect(200);
    forget_waveforms(&mut server, &[&asset]);
    let metadata = |server: &Server| server.user(7).get(&asset.sub("metadata")).expect(200).json();
    assert_eq!(metadata(&server)["waveformUrl"], Value::Null);

    let after = server.user(7).get(&asset.sub("waveform.json")).expect(200);

    assert!(after.body == before.body);
    assert_eq!(server.files(), [asset.file(), asset.waveform_file()]);
    assert!(metadata(&server)["waveformUrl"].is_string());
    server.restart();
    assert!(server.user(7).get(&asset.sub("waveform.json")).expect(200).body == before.body);
}

/// Ticks of CPU that the server's workers have used.
fn worker_ticks(server: &Server) -> u64 {
    let ticks = |pid: u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("a worker's stat");
        let (_, rest) = stat.rsplit_once(')').expect("a name");
        // utime and stime, the 14th and 15th field: proc_pid_stat(5).
        rest.split_whitespace().skip(11).take(2).map(|word| word.parse::<u64>().expect("ticks")).sum::<u64>()
    };
    server.children().into_iter().map(ticks).sum()
}

#[test]
fn many_who_ask_at_once_have_it_made_once() {
    const CLIENTS: usize = 64;
    let mut server = Server::start();
    // Takes long enough to decode that 64 times as long would show.
    let tone = sample::fixture("audio/tone.mp3").repeat(25);
    let [lone, wanted] =
        [b"1", b"2"].map(|end| server.user(7).upload_bytes("a.mp3", &[&tone, &end[..]].concat()));
    forget_waveforms(&mut server, &[&lone, &wanted]);
    let once = worker_ticks(&server);
    server.user(7).get(&lone.sub("waveform.json")).expect(200);
    let once = worker_ticks(&server) - once;

    let before = worker_ticks(&server);
    let etags: Vec<String> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..CLIENTS)
            .map(|_| {
                let client = server.user(7);
                let path = wanted.sub("waveform.json");
                scope.spawn(move || client.get(&path).expect(200).header("etag").to_owned())
            })
            .collect();
        asking.into_iter().map(|asking| asking.join().expect("an etag")).collect()
    });
    let used = worker_ticks(&server) - before;

    assert!(etags.iter().all(|etag| *etag == etags[0]));
    assert!(used <= 8 * once + 8, "{used} ticks for {CLIENTS} at once, {once} for one");
    let mut files = [&lone, &wanted].map(|asset| [asset.file(), asset.waveform_file()]).concat();
    files.sort();
    assert_eq!(server.files(), files);
}
