//! What the catalog costs: `cargo bench --bench catalog [-- ASSETS]`, by default up to 1,000,000 assets of one user.
//!
//! Prints tables of
//! - inserts a second in batches of several sizes, beside what the disk gives a bare write with its sync;
//! - the time of a page of 50 for each shape of filter, at 1,000, 100,000 and ASSETS assets, on pages all over the list;
//! - what a client with a tenth of all assets, strewn over them, costs to remove as one transaction;
//! - opening after a close and after `kill -9`, and the memory of a process that has the catalog open.
//!
//! Files go to a folder of their own below the system's temporary one (`TMPDIR` chooses another disk). Medians; nothing
//! else should run. For work on one of them: `-- fill FILE ASSETS`, then `-- pages FILE`, `-- open FILE`, `-- whole FILE`.
//! `hold` and `idle` are for the processes that this one starts.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use assetd::asset::{
    Asset, AssetId, Facts, Format, GroupId, Grouping, Kind, Name, Preview, Tags, Time, UserId,
};
use assetd::catalog::{Catalog, Query};

/// Inserts a transaction while a catalog is filled.
const FILL: u64 = 4_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["hold", path] => hold(Path::new(path)),
        ["idle", path] => idle(Path::new(path)),
        ["fill", path, assets] => fill(Path::new(path), assets.parse().expect("a number of assets")),
        ["pages", path] => pages(&[PathBuf::from(path)]),
        ["open", path] => openings(Path::new(path)),
        ["whole", path] => whole(Path::new(path)),
        [] => measure(1_000_000),
        [assets] => measure(assets.parse().expect("a number of assets")),
        _ => panic!("one argument: a number of assets"),
    }
}

fn measure(most: u64) {
    let folder = std::env::temp_dir().join(format!("assetd-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the files");
    inserts(&folder);
    let mut counts: Vec<u64> = [1_000, 100_000, most].into_iter().filter(|count| *count <= most).collect();
    counts.dedup();
    let files: Vec<PathBuf> = counts.iter().map(|count| folder.join(count.to_string())).collect();
    counts.iter().zip(&files).for_each(|(count, file)| fill(file, *count));
    pages(&files);
    if let Some(file) = files.last() {
        openings(file);
        whole(file);
    }
    std::fs::remove_dir_all(&folder).ok();
}

fn open(path: &Path) -> File {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).open(path).expect("the catalog's file")
}

fn catalog(path: &Path) -> Catalog {
    Catalog::open(open(path)).expect("the catalog opens")
}

fn owner() -> UserId {
    UserId::new(1).expect("a user")
}

fn group(text: &str) -> GroupId {
    text.parse().expect("a group")
}

/// Spreads numbers (the finisher of SplitMix64).
fn mix(number: u64) -> u64 {
    let z = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn id(place: u64) -> AssetId {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&place.to_be_bytes());
    bytes[8..].copy_from_slice(&mix(place).to_be_bytes());
    AssetId::from_bytes(bytes)
}

/// A tenth belongs to one client, the rest to a hundred; a campaign of twenty; two tags of fifty.
fn asset(place: u64) -> Asset {
    let r = mix(place);
    let (format, facts) = match r % 4 {
        0 => (Format::Jpg, Facts::Image { width: 4000, height: 3000 }),
        1 => (Format::Mp4, Facts::Video { width: 1920, height: 1080, duration: 42 }),
        2 => (Format::Mp3, Facts::Audio { duration: 251 }),
        _ => (Format::Pdf, Facts::Document { page_count: Some(12) }),
    };
    let client =
        if (r >> 8).is_multiple_of(10) { "tenth".to_owned() } else { format!("client-{}", (r >> 16) % 100) };
    let tags = [format!("tag {}", (r >> 24) % 50), format!("tag {}", (r >> 32) % 50)];
    let mut sha256 = [0; 32];
    sha256[..8].copy_from_slice(&mix(r).to_be_bytes());
    sha256[24..].copy_from_slice(&r.to_be_bytes());
    Asset {
        id: id(place),
        owner: owner(),
        client: Some(group(&client)),
        campaign: Some(group(&format!("campaign-{}", (r >> 40) % 20))),
        name: Name::given(&format!("Spring campaign, picture {place}.{}", format.extension()))
            .expect("a short name")
            .expect("a name"),
        tags: Tags::new(tags).expect("good tags"),
        size: r % 5_000_000,
        sha256,
        uploaded_at: Time::from_unix(1_763_322_180 + place % 100_000_000),
        format,
        facts,
        thumbnail: Preview::Made { size: 20_000, sha256 },
        waveform: Preview::Impossible,
    }
}

fn insert(catalog: &Catalog, places: std::ops::Range<u64>) {
    let mut batch = catalog.begin().expect("a batch");
    for place in places {
        let asset = asset(place);
        batch.insert(&asset).expect("room");
        batch.set_last_id(asset.id).expect("room");
    }
    batch.commit().expect("a commit");
}

fn inserts(folder: &Path) {
    let raw = open(&folder.join("raw"));
    raw.set_len(4096).expect("room");
    let syncs: Vec<Duration> = (0..100)
        .map(|_| {
            let start = Instant::now();
            raw.write_all_at(&[1; 4096], 0).expect("a write");
            raw.sync_data().expect("a sync");
            start.elapsed()
        })
        .collect();
    println!("a write of 4 KiB and its fdatasync: {:.2} ms\n", ms(median(syncs)));
    println!("{:>10} {:>12} {:>14} {:>12}", "a batch", "assets/s", "ms a batch", "µs an asset");
    let catalog = catalog(&folder.join("inserts"));
    let mut place = 0;
    for size in [1, 16, 64, 256, 4_000] {
        let times: Vec<Duration> = (0..60)
            .map(|_| {
                let start = Instant::now();
                insert(&catalog, place..place + size);
                place += size;
                start.elapsed()
            })
            .collect();
        let all: Duration = times.iter().sum();
        let mean = all.as_secs_f64() / 60.0;
        println!(
            "{size:>10} {:>12.0} {:>14.2} {:>12.1}",
            size as f64 / mean,
            ms(median(times)),
            mean * 1e6 / size as f64
        );
    }
    println!();
}

fn fill(path: &Path, count: u64) {
    let start = Instant::now();
    let catalog = catalog(path);
    let mut place = 0;
    while place < count {
        let next = (place + FILL).min(count);
        insert(&catalog, place..next);
        place = next;
    }
    let meta = std::fs::metadata(path).expect("the file");
    println!(
        "{count} assets: {:.1} s to fill, {} bytes an asset, file {} MiB, on disk {} MiB",
        start.elapsed().as_secs_f64(),
        meta.len() / count,
        meta.len() >> 20,
        (meta.blocks() * 512) >> 20
    );
}

fn shapes(count: u64) -> Vec<(&'static str, Query)> {
    let all = Query::default();
    let client = Some(group("client-7"));
    let campaign = Some(group("campaign-3"));
    let kind = Some(Kind::Video);
    let tag = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>();
    let sha256 = Some(asset(count / 2).sha256);
    vec![
        ("all", all.clone()),
        ("kind", Query { kind, ..all.clone() }),
        ("client", Query { client: client.clone(), ..all.clone() }),
        ("client, kind", Query { client: client.clone(), kind, ..all.clone() }),
        ("campaign", Query { campaign: campaign.clone(), ..all.clone() }),
        ("client, campaign", Query { client: client.clone(), campaign: campaign.clone(), ..all.clone() }),
        ("client, campaign, kind", Query { client: client.clone(), campaign, kind, ..all.clone() }),
        ("tag", Query { tags: tag(&["tag 7"]), ..all.clone() }),
        ("tag, client", Query { tags: tag(&["tag 7"]), client: client.clone(), ..all.clone() }),
        ("two tags", Query { tags: tag(&["tag 7", "tag 8"]), ..all.clone() }),
        ("q, each matches", Query { q: Some("SPRING".into()), ..all.clone() }),
        ("q, none matches", Query { q: Some("needle".into()), ..all.clone() }),
        ("q, client, none matches", Query { q: Some("needle".into()), client, ..all.clone() }),
        ("sha256", Query { sha256, ..all.clone() }),
        ("all, the first page", all.clone()),
        ("client, the first page", Query { client: Some(group("client-7")), ..all.clone() }),
        ("offset of half", Query { offset: count / 2, ..all }),
    ]
}

fn pages(files: &[PathBuf]) {
    let catalogs: Vec<Catalog> = files.iter().map(|file| catalog(file)).collect();
    let counts: Vec<u64> = catalogs.iter().map(|catalog| catalog.count().expect("a count")).collect();
    println!("\na page of 50: µs, median over pages all over the list (largest of 200)");
    print!("{:<26}", "");
    counts.iter().for_each(|count| print!("{count:>22}"));
    println!();
    for (shape, (name, _)) in shapes(1_000).iter().enumerate() {
        print!("{name:<26}");
        for (count, catalog) in counts.iter().zip(&catalogs) {
            let (_, query) = &shapes(*count)[shape];
            let from_top = query.sha256.is_some() || query.offset > 0 || name.ends_with("first page");
            let page = |run: u64| {
                let before = (!from_top).then(|| id(mix(run) % count));
                let query = Query { before, ..query.clone() };
                let start = Instant::now();
                let page = catalog.list(owner(), &query).expect("a page");
                let time = start.elapsed();
                std::hint::black_box(page);
                time
            };
            let runs = if query.offset > 10_000 { 10 } else { 200 };
            (0..runs / 10).map(page).max();
            let times: Vec<Duration> = (0..runs).map(page).collect();
            let largest = times.iter().max().copied().unwrap_or_default();
            print!("{:>12.0} ({:>7.0})", us(median(times)), us(largest));
        }
        println!();
    }
}

/// Opens, writes, says so, and waits to be killed.
fn hold(path: &Path) {
    let catalog = catalog(path);
    let asset = asset(u64::MAX / 2);
    let mut batch = catalog.begin().expect("a batch");
    if catalog.get(asset.id).expect("a record").is_none() {
        batch.insert(&asset).expect("room");
    } else {
        batch.remove(&asset).expect("room");
    }
    batch.commit().expect("a commit");
    let mut batch = catalog.begin().expect("a batch");
    (0..5_000).for_each(|place| batch.insert(&self::asset(u64::MAX / 4 + place)).expect("room"));
    println!("ready");
    std::io::stdout().flush().expect("standard output");
    std::thread::sleep(Duration::from_secs(600));
}

/// Opens and says how much memory of its own that takes, and how much after a thousand pages.
fn idle(path: &Path) {
    let before = own_memory_kib();
    let catalog = catalog(path);
    let open = own_memory_kib();
    let count = catalog.count().expect("a count");
    for run in 0..1_000 {
        let query = Query { before: Some(id(mix(run) % count)), ..Query::default() };
        catalog.list(owner(), &query).expect("a page");
    }
    println!(
        "memory of its own: {before} KiB before, {open} KiB with the catalog open, {} KiB after 1,000 pages",
        own_memory_kib()
    );
    for run in 0..20 {
        let place = u64::MAX / 8 + run * 200;
        insert(&catalog, place..place + 200);
    }
    println!("  {} KiB after 20 batches of 200", own_memory_kib());
    let places = (0..20 * 200).map(|n| asset(u64::MAX / 8 + n));
    let mut batch = catalog.begin().expect("a batch");
    places.for_each(|asset| batch.remove(&asset).expect("it is there"));
    batch.commit().expect("a commit");
}

/// `RssAnon` of this process (proc(5)).
fn own_memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("proc(5)");
    let line = status.lines().find(|line| line.starts_with("RssAnon:"));
    let digits: String = line.unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

fn openings(file: &Path) {
    println!("\nopening {} assets", catalog(file).count().expect("a count"));
    let opened = |name: &str| {
        let start = Instant::now();
        let catalog = catalog(file);
        let open = start.elapsed();
        catalog.list(owner(), &Query::default()).expect("a page");
        println!(
            "{name:<34} {:>8.2} ms, with a first page {:>8.2} ms, whole file walked: {}",
            ms(open),
            ms(start.elapsed()),
            catalog.walked()
        );
        let start = Instant::now();
        drop(catalog);
        println!("{:<34} {:>8.2} ms", "  closing", ms(start.elapsed()));
    };
    opened("after a close");
    for _ in 0..3 {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .arg("hold")
            .arg(file)
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        child.kill().expect("a signal");
        child.wait().expect("its end");
        opened("after kill -9 in a transaction");
    }
    let status = Command::new(std::env::current_exe().expect("this program")).arg("idle").arg(file).status();
    assert!(status.expect("a process").success());
}

fn whole(file: &Path) {
    let catalog = catalog(file);
    println!("\nthe whole catalog of {} assets", catalog.count().expect("a count"));
    let timed = |name: &str, work: &dyn Fn() -> u64| {
        let start = Instant::now();
        let done = work();
        println!("{name:<34} {:>8.2} s ({done})", start.elapsed().as_secs_f64());
    };
    timed("verify (faults)", &|| catalog.verify().expect("a verification").len() as u64);
    timed("a cascade (assets)", &|| {
        let mut batch = catalog.begin().expect("a batch");
        let removed = batch.remove_group(None, Grouping::Client, &group("tenth")).expect("a cascade");
        batch.commit().expect("a commit");
        removed.len() as u64
    });
    timed("clearing doomed (assets)", &|| {
        let doomed = catalog.doomed().expect("the doomed");
        let ids: Vec<AssetId> = doomed.iter().map(|(id, _)| *id).collect();
        let mut batch = catalog.begin().expect("a batch");
        batch.clear_doomed(&ids).expect("a clearing");
        batch.commit().expect("a commit");
        ids.len() as u64
    });
    timed("rebuild of all rows (unreadable)", &|| {
        let mut batch = catalog.begin().expect("a batch");
        let unreadable = batch.rebuild().expect("a rebuild");
        batch.commit().expect("a commit");
        unreadable.len() as u64
    });
    println!("memory of its own: {} KiB", own_memory_kib());
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn us(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
