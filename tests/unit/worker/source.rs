//! The file of a job, against a cursor over the same bytes.

use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

use assetd::worker::source::FileSource;
use rustix::fs::MemfdFlags;

#[test]
fn a_source_reads_as_the_file_does() {
    let bytes: Vec<u8> =
        (0..300_000_u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let file = File::from(rustix::fs::memfd_create("bytes", MemfdFlags::CLOEXEC).unwrap());
    file.write_all_at(&bytes, 0).unwrap();
    // The last bytes are beyond what the source is told of.
    let told = &bytes[..bytes.len() - 1000];
    let mut source = FileSource::new(file, told.len() as u64);
    let mut model = Cursor::new(told);
    let seed = 0x5eed_u64;
    let mut state = seed;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };

    for step in 0..5_000 {
        let to = match random(4) {
            0 => SeekFrom::Start(random(320_000)),
            1 => SeekFrom::End(-(random(320_000) as i64)),
            2 => SeekFrom::Current(random(2_000) as i64 - 1_000),
            _ => SeekFrom::Current(0),
        };
        assert_eq!(source.seek(to).ok(), model.seek(to).ok(), "step {step}, seed {seed}");
        let length = if random(10) == 0 { random(200_000) } else { random(100) };
        let (mut read, mut expected) = (Vec::new(), Vec::new());
        source.by_ref().take(length).read_to_end(&mut read).unwrap();
        model.by_ref().take(length).read_to_end(&mut expected).unwrap();
        assert!(read == expected, "step {step}, seed {seed}");
    }
}
