//! Measures the real program over loopback: `cargo bench --bench serving` prints a table.
//!
//! - uploads acknowledged a second, a 10 KB PNG by 1 and by 16 clients, beside a loop of as many threads that writes, syncs
//!   and renames the same bytes (the disk's own bound);
//! - list pages of 50 at 1,000 and at 100,000 assets, by each shape of filter;
//! - downloads of 10 KB by 8 clients, and of 45 MB by one;
//! - from start to ready with 100,000 assets, after SIGKILL;
//! - memory of all processes together (PSS), idle and while 64 files of 50 MiB come in at once.
//!
//! `ASSETD_BENCH_DIR` names the folder to work in (default: the system's temporary folder), `ASSETD_BENCH_ASSETS` the
//! larger number of assets. Clients run on the same machine as the server and take their share of it.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use assetd::asset::{Asset, AssetId, Facts, Format, Name, Preview, Tags, Time, UserId};
use assetd::catalog::Catalog;

/// How long each figure is measured.
const SPAN: Duration = Duration::from_secs(5);

fn main() {
    let dir = std::env::var_os("ASSETD_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let dir = dir.join(format!("assetd-bench-{}", std::process::id()));
    let many: u64 =
        std::env::var("ASSETD_BENCH_ASSETS").map_or(100_000, |text| text.parse().expect("a number"));
    fs::create_dir_all(&dir).expect("a folder to work in");
    uploads(&dir);
    lists(&dir, 1_000);
    lists(&dir, many);
    downloads(&dir);
    memory(&dir);
    fs::remove_dir_all(&dir).expect("the folder to go");
}

fn uploads(dir: &Path) {
    let server = Server::start(&dir.join("uploads"));
    let png = noise_png();
    let form = form("photo.png", "image/png", &png);
    for clients in [1, 16] {
        let rate = rate(clients, |_| {
            let mut client = server.client();
            let (head, body) = (server.upload_head(form.len()), form.clone());
            move || {
                client.send(head.as_bytes());
                client.send(&body);
                assert_eq!(client.answer().0, 201);
            }
        });
        let bound = rate_of_disk(&dir.join(format!("disk-{clients}")), clients, &png);
        println!(
            "uploads of {} bytes, {clients} clients: {rate:.0}/s; write, sync, rename alone: {bound:.0}/s ({:.0} %)",
            png.len(),
            100.0 * rate / bound
        );
    }
}

fn rate_of_disk(dir: &Path, threads: usize, bytes: &[u8]) -> f64 {
    fs::create_dir_all(dir).expect("a folder");
    rate(threads, |thread| {
        let (dir, mut number) = (dir.to_owned(), 0u64);
        let bytes = bytes.to_vec();
        move || {
            number += 1;
            let (draft, name) =
                (dir.join(format!("{thread}-{number}.part")), dir.join(format!("{thread}-{number}")));
            let mut file = File::create(&draft).expect("a file");
            file.write_all(&bytes).expect("a write");
            file.sync_data().expect("a sync");
            fs::rename(&draft, &name).expect("a rename");
        }
    })
}

fn lists(dir: &Path, assets: u64) {
    let data = dir.join(format!("lists-{assets}"));
    fill(&data, assets);
    let mut server = Server::start(&data);
    for (shape, query) in [
        ("no filter", ""),
        ("kind", "asset_type=video"),
        ("client", "clientId=client-1"),
        ("campaign", "campaignId=campaign-1"),
        ("client and campaign", "clientId=client-1&campaignId=campaign-1"),
        ("all three", "clientId=client-1&campaignId=campaign-1&asset_type=image"),
        ("tag", "tag=tag-1"),
        ("a name's part that all have", "q=asset"),
        ("a name's part that few have", "q=asset%2019"),
    ] {
        let mut client = server.client();
        let request = server.get(&format!("/api/v2/assets?{query}"));
        let mut times: Vec<Duration> = (0..2_000)
            .map(|_| {
                let start = Instant::now();
                client.send(request.as_bytes());
                assert_eq!(client.answer().0, 200);
                start.elapsed()
            })
            .collect();
        times.sort();
        println!(
            "list page of 50 of {assets}, {shape}: median {:?}, 99 % {:?}",
            times[times.len() / 2],
            times[times.len() * 99 / 100]
        );
    }
    let rate = rate(8, |_| {
        let mut client = server.client();
        let request = server.get("/api/v2/assets");
        move || {
            client.send(request.as_bytes());
            assert_eq!(client.answer().0, 200);
        }
    });
    println!("list pages of 50 of {assets}, 8 clients: {rate:.0}/s");
    server.child.kill().expect("a kill");
    server.child.wait().expect("its end");
    let start = Instant::now();
    let server = Server::start(&data);
    println!("start to ready with {assets} assets, after SIGKILL: {:?}", start.elapsed());
    println!("memory of all processes with {assets} assets, just started: {:.1} MB", server.pss_mb());
}

/// A catalog of `assets` records of user 1, without files: lists never look at those.
fn fill(data: &Path, assets: u64) {
    fs::create_dir_all(data).expect("a folder");
    let mut options = File::options();
    let file = options.read(true).write(true).create(true).truncate(false).open(data.join("catalog.redb"));
    let catalog = Catalog::open(file.expect("a file")).expect("a catalog");
    let mut last = AssetId::MIN;
    let mut number = 0;
    while number < assets {
        let mut batch = catalog.begin().expect("a batch");
        for _ in 0..1_000.min(assets - number) {
            last = AssetId::after(last, 1_763_321_380_000 + number);
            batch.insert(&asset(last, number)).expect("an insert");
            number += 1;
        }
        batch.set_last_id(last).expect("the last id");
        batch.commit().expect("a commit");
    }
}

/// So spread that every combination of filters has a page of 50 in 1,000 assets already.
fn asset(id: AssetId, number: u64) -> Asset {
    let facts = match number % 4 {
        0 => Facts::Image { width: 1920, height: 1080 },
        1 => Facts::Video { width: 1920, height: 1080, duration: 30 },
        2 => Facts::Audio { duration: 180 },
        _ => Facts::Document { page_count: Some(12) },
    };
    Asset {
        id,
        owner: UserId::new(1).expect("a user"),
        client: format!("client-{}", number / 4 % 2).parse().ok(),
        campaign: format!("campaign-{}", number / 8 % 2).parse().ok(),
        name: Name::given(&format!("Asset {number}")).ok().flatten().expect("a name"),
        tags: Tags::new([format!("tag-{}", number % 3)]).expect("tags"),
        size: 10_000 + number,
        sha256: [number as u8; 32],
        uploaded_at: Time::from_unix(1_763_321_380 + number / 1000),
        format: [Format::Jpg, Format::Mp4, Format::Mp3, Format::Pdf][(number % 4) as usize],
        facts,
        thumbnail: Preview::Impossible,
        waveform: Preview::Impossible,
    }
}

fn downloads(dir: &Path) {
    let server = Server::start(&dir.join("downloads"));
    let small = server.upload("photo.png", "image/png", &noise_png());
    let rate = rate(8, |_| {
        let mut client = server.client();
        let request = server.get(&small);
        move || {
            client.send(request.as_bytes());
            assert_eq!(client.answer().0, 200);
        }
    });
    println!("downloads of 10 KB, 8 clients: {rate:.0}/s");
    let large = server.upload("sound.wav", "audio/wav", &wav(45_000_000));
    let mut client = server.client();
    let request = server.get(&large);
    let (start, mut count) = (Instant::now(), 0);
    while start.elapsed() < SPAN {
        client.send(request.as_bytes());
        assert_eq!(client.answer(), (200, 45_000_000));
        count += 1;
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("downloads of 45 MB, 1 client: {:.0} MB/s", 45.0 * f64::from(count) / seconds);
}

fn memory(dir: &Path) {
    const FILES: usize = 64;
    let server = Server::start(&dir.join("memory"));
    println!("memory of all processes, idle: {:.1} MB", server.pss_mb());
    let form = form("sound.wav", "audio/wav", &wav(50 * 1024 * 1024 - 1024));
    let (done, peak) = (AtomicBool::new(false), AtomicU64::new(0));
    let start = Instant::now();
    std::thread::scope(|scope| {
        let watching = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                peak.fetch_max((server.pss_mb() * 10.0) as u64, Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let uploads: Vec<_> = (0..FILES)
            .map(|_| {
                scope.spawn(|| {
                    let mut client = server.client();
                    client.send(server.upload_head(form.len()).as_bytes());
                    // In pieces, so that all 64 are under way at once.
                    form.chunks(256 * 1024).for_each(|piece| client.send(piece));
                    assert_eq!(client.answer().0, 201);
                })
            })
            .collect();
        uploads.into_iter().for_each(|upload| upload.join().expect("an upload"));
        done.store(true, Ordering::Relaxed);
        watching.join().expect("the watch");
    });
    println!(
        "memory of all processes, {FILES} uploads of 50 MiB at once: peak {:.1} MB, all done in {:.1} s; idle after: {:.1} MB",
        peak.load(Ordering::Relaxed) as f64 / 10.0,
        start.elapsed().as_secs_f64(),
        server.pss_mb()
    );
}

/// How many times a second `clients` threads together do what `make` makes for each.
fn rate<W: FnMut() + Send>(clients: usize, make: impl Fn(usize) -> W + Sync) -> f64 {
    let count = AtomicU64::new(0);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for client in 0..clients {
            let mut work = make(client);
            let count = &count;
            scope.spawn(move || {
                while start.elapsed() < SPAN {
                    work();
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    count.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64()
}

/// The real program on a data folder.
struct Server {
    child: Child,
    address: String,
    token: String,
}

impl Server {
    fn start(data: &Path) -> Server {
        let program = env!("CARGO_BIN_EXE_assetd");
        let mut child = Command::new(program)
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server to start");
        let mut lines = BufReader::new(child.stderr.take().expect("its log")).lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| Some(line.split_once("http://")?.1.trim().to_owned()))
            .expect("the line that names the address");
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| eprintln!("{line}")));
        let token = Command::new(program).args(["token", "--user", "1", "--data"]).arg(data).output();
        let token = String::from_utf8(token.expect("a token").stdout).expect("text").trim().to_owned();
        Server { child, address, token }
    }

    fn client(&self) -> Client {
        let stream = TcpStream::connect(&self.address).expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        Client { reader: BufReader::with_capacity(256 * 1024, stream), location: String::new() }
    }

    fn get(&self, path: &str) -> String {
        format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\r\n",
            self.address, self.token
        )
    }

    fn upload_head(&self, length: usize) -> String {
        format!(
            "POST /api/v2/upload-asset HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\
             Content-Type: multipart/form-data; boundary=b0undary\r\nContent-Length: {length}\r\n\r\n",
            self.address, self.token
        )
    }

    /// The path of the new asset's file.
    fn upload(&self, name: &str, media_type: &str, bytes: &[u8]) -> String {
        let form = form(name, media_type, bytes);
        let mut client = self.client();
        client.send(self.upload_head(form.len()).as_bytes());
        client.send(&form);
        assert_eq!(client.answer().0, 201);
        client.location.split_once(&self.address).expect("a location here").1.to_owned()
    }

    /// Memory of the server and its workers, shared pages counted once.
    fn pss_mb(&self) -> f64 {
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", self.child.id()));
        let mut processes: Vec<u32> = vec![self.child.id()];
        processes
            .extend(children.unwrap_or_default().split_whitespace().filter_map(|id| id.parse::<u32>().ok()));
        for entry in fs::read_dir(format!("/proc/{}/task", self.child.id())).into_iter().flatten().flatten() {
            let children = fs::read_to_string(entry.path().join("children")).unwrap_or_default();
            processes.extend(children.split_whitespace().filter_map(|id| id.parse::<u32>().ok()));
        }
        processes.sort_unstable();
        processes.dedup();
        let pss = |id: &u32| {
            let text = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).unwrap_or_default();
            let line =
                text.lines().find_map(|line| line.strip_prefix("Pss:")).unwrap_or("0 kB").trim().to_owned();
            line.trim_end_matches(" kB").trim().parse::<f64>().unwrap_or(0.0)
        };
        processes.iter().map(pss).sum::<f64>() / 1000.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One kept connection.
struct Client {
    reader: BufReader<TcpStream>,
    location: String,
}

impl Client {
    fn send(&mut self, bytes: &[u8]) {
        self.reader.get_mut().write_all(bytes).expect("a write");
    }

    /// Status, and bytes of the body.
    fn answer(&mut self) -> (u16, usize) {
        let mut line = String::new();
        self.reader.read_line(&mut line).expect("an answer");
        let status = line.split(' ').nth(1).and_then(|text| text.parse().ok()).expect("a status");
        let mut length = 0;
        loop {
            line.clear();
            self.reader.read_line(&mut line).expect("a header");
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().expect("a length");
            } else if name.eq_ignore_ascii_case("location") {
                self.location = value.trim().to_owned();
            }
        }
        let mut left = length;
        while left > 0 {
            let had = self.reader.fill_buf().expect("a body").len().min(left);
            assert!(had > 0, "the body ended early");
            self.reader.consume(had);
            left -= had;
        }
        (status, length)
    }
}

fn form(name: &str, media_type: &str, bytes: &[u8]) -> Vec<u8> {
    let head = format!(
        "--b0undary\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: {media_type}\r\n\r\n"
    );
    [head.as_bytes(), bytes, b"\r\n--b0undary--\r\n"].concat()
}

/// About 10 KB that don't compress.
fn noise_png() -> Vec<u8> {
    let mut state = 1u32;
    let noise = image::RgbImage::from_fn(58, 58, |_, _| {
        image::Rgb(std::array::from_fn(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        }))
    });
    let mut png = std::io::Cursor::new(Vec::new());
    noise.write_to(&mut png, image::ImageFormat::Png).expect("a PNG");
    png.into_inner()
}

/// A WAV file of `length` bytes: 16-bit stereo at 44.1 kHz.
fn wav(length: usize) -> Vec<u8> {
    let data = (length - 44) as u32;
    let mut bytes = Vec::with_capacity(length);
    bytes.extend_from_slice(b"RIFF");
    bytes.extend_from_slice(&(data + 36).to_le_bytes());
    bytes.extend_from_slice(b"WAVEfmt ");
    for word in [16u32, 0x0002_0001, 44_100, 176_400, 0x0010_0004] {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes.extend_from_slice(b"data");
    bytes.extend_from_slice(&data.to_le_bytes());
    bytes.extend((0..data).map(|index| (index % 251) as u8));
    bytes
}
