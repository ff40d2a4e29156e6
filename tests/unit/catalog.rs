//! The catalog: what it holds after any calls, what a page costs, what its file survives.

mod codec;
mod file;
mod model;
mod pages;

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use assetd::asset::{Asset, AssetId, Facts, Format, GroupId, Name, Preview, Tags, Time, UserId};
use assetd::catalog::{Catalog, Query};

pub use crate::support::Random;

/// A folder of its own, gone with the test.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("assetd-catalog-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn catalog(&self) -> Catalog {
        Catalog::open(open(&self.path("catalog.redb"))).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

/// The file, made where it is missing.
pub fn open(path: &Path) -> File {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).open(path).unwrap()
}

pub fn user(number: u64) -> UserId {
    UserId::new(number).unwrap()
}

pub fn group(text: &str) -> GroupId {
    text.parse().unwrap()
}

/// The id at a place in the order.
pub fn id(place: u64) -> AssetId {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&place.to_be_bytes());
    AssetId::from_bytes(bytes)
}

/// An image of user 1, of nobody's client, without tags.
pub fn image(id: AssetId) -> Asset {
    Asset {
        id,
        owner: user(1),
        client: None,
        campaign: None,
        name: Name::given("Spring poster.png").unwrap().unwrap(),
        tags: Tags::default(),
        size: 1_000,
        sha256: [7; 32],
        uploaded_at: Time::from_unix(1_763_322_180),
        format: Format::Png,
        facts: Facts::Image { width: 640, height: 480 },
        thumbnail: Preview::Pending,
        waveform: Preview::Impossible,
    }
}

/// Puts all of them in, as one batch.
pub fn insert(catalog: &Catalog, assets: &[Asset]) {
    let mut batch = catalog.begin().unwrap();
    for asset in assets {
        batch.insert(asset).unwrap();
    }
    batch.commit().unwrap();
}

/// Rows and totals are what the records say.
#[track_caller]
pub fn assert_sound(catalog: &Catalog) {
    let faults = catalog.verify().unwrap();
    assert!(faults.is_empty(), "{} faults, the first: {:?}", faults.len(), faults.first());
}

/// All pages of a query, from its first on. Fails where a page is too long, or a walk has no end.
#[track_caller]
pub fn walk(catalog: &Catalog, owner: UserId, query: &Query) -> Vec<Asset> {
    const MAX_PAGES: usize = 10_000;
    let mut query = query.clone();
    let mut found = Vec::new();
    for _ in 0..MAX_PAGES {
        let page = catalog.list(owner, &query).unwrap();
        assert!(page.assets.len() <= query.limit, "a page over its limit: {query:?}");
        found.extend(page.assets);
        match page.next {
            None => return found,
            Some(next) => {
                assert!(query.before.is_none_or(|before| next < before), "a page leads back: {query:?}");
                (query.before, query.offset) = (Some(next), page.skip);
            }
        }
    }
    panic!("{query:?} has no last page");
}
