//! All fuzz targets in one binary; `ASSETD_FUZZ_TARGET` names the one to run (`list` prints them), `fuzz/run` runs them all.
//!
//! With `ASSETD_FUZZ_SEEDS=DIR` the binary writes its target's seeds to DIR and ends.
#![no_main]

mod media;
mod readers;
mod seeds;
mod upload;

use std::panic::{self, PanicHookInfo};
use std::sync::{Mutex, Once, OnceLock};

use libfuzzer_sys::fuzz_target;

/// A target: takes any bytes, and panics where a promise is broken.
struct Target {
    name: &'static str,
    run: fn(&[u8]),
    seeds: fn() -> Vec<Vec<u8>>,
}

const TARGETS: &[Target] = &[
    Target { name: "upload", run: upload::any_body, seeds: seeds::forms },
    Target { name: "form", run: readers::form, seeds: seeds::forms },
    Target { name: "name", run: readers::name, seeds: seeds::names },
    Target { name: "sniff", run: readers::sniff, seeds: seeds::files },
    Target { name: "jpeg", run: media::jpeg, seeds: || seeds::fixtures("image", &["jpg"]) },
    Target { name: "png", run: media::png, seeds: || seeds::fixtures("image", &["png"]) },
    Target { name: "gif", run: media::gif, seeds: || seeds::fixtures("image", &["gif"]) },
    Target { name: "webp", run: media::webp, seeds: || seeds::fixtures("image", &["webp"]) },
    Target { name: "picture", run: media::picture, seeds: seeds::pictures },
    Target { name: "film", run: media::film, seeds: seeds::films },
    Target { name: "frames", run: media::frames, seeds: media::coded_frames },
    Target { name: "av1", run: media::av1, seeds: media::coded_av1 },
    Target { name: "mp3", run: media::mp3, seeds: || seeds::fixtures("audio", &["mp3"]) },
    Target { name: "wav", run: media::wav, seeds: || seeds::fixtures("audio", &["wav"]) },
    Target { name: "pdf", run: media::pdf, seeds: || seeds::fixtures("document", &["pdf"]) },
    Target { name: "page", run: media::page, seeds: seeds::pages },
    Target { name: "wire", run: readers::wire, seeds: seeds::frames_of_the_wire },
    Target { name: "token", run: readers::token, seeds: seeds::tokens },
    Target { name: "headers", run: readers::headers, seeds: seeds::headers },
    Target { name: "range", run: readers::range, seeds: seeds::ranges },
    Target { name: "query", run: readers::query, seeds: seeds::queries },
    Target { name: "change", run: readers::change, seeds: seeds::changes },
    Target { name: "record", run: readers::record, seeds: seeds::records },
];

fn target() -> &'static Target {
    static TARGET: OnceLock<&'static Target> = OnceLock::new();
    TARGET.get_or_init(|| {
        let wanted = std::env::var("ASSETD_FUZZ_TARGET").unwrap_or_default();
        if wanted == "list" {
            TARGETS.iter().for_each(|target| println!("{}", target.name));
            std::process::exit(0);
        }
        TARGETS.iter().find(|target| target.name == wanted).expect("ASSETD_FUZZ_TARGET names a target")
    })
}

/// A decoder of another's that panics ends its worker, and the server goes on: that is said once a place, and the fuzzer goes
/// on too. A panic of our own, or a promise broken, ends it.
fn run(data: &[u8]) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let abort = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !is_contained(info) {
                abort(info)
            }
        }));
    });
    let _ = panic::catch_unwind(|| (target().run)(data));
}

fn is_contained(info: &PanicHookInfo) -> bool {
    static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let Some(place) = info.location().filter(|place| place.file().contains("/registry/src/")) else {
        return false;
    };
    let place = place.to_string();
    let mut said = SAID.lock().expect("nobody panics here");
    if !said.contains(&place) {
        eprintln!("contained: {place}");
        said.push(place);
    }
    true
}

fuzz_target!(
    init: {
        if let Some(dir) = std::env::var_os("ASSETD_FUZZ_SEEDS") {
            for (number, seed) in (target().seeds)().iter().enumerate() {
                std::fs::write(std::path::Path::new(&dir).join(format!("seed-{number:03}")), seed).expect("a seed");
            }
            std::process::exit(0);
        }
        target();
    },
    |data: &[u8]| run(data)
);
