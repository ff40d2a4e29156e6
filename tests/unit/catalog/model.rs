//! Any calls against a plain map.

use std::collections::BTreeMap;

use assetd::asset::{Asset, AssetId, Facts, Format, GroupId, Grouping, Kind, Name, Preview, Tags, UserId};
use assetd::catalog::{Catalog, Error, GroupTotals, Query, Totals};

use super::{Folder, Random, assert_sound, group, id, image, user, walk};

const SEQUENCES: u64 = 32;
const CALLS: usize = 400;

/// Few of each, so that they meet.
const USERS: [u64; 3] = [0, 7, (1 << 53) - 1];
const CLIENTS: [&str; 4] = ["acme", "acme2", "a", "Z"];
const CAMPAIGNS: [&str; 3] = ["acme", "spring", "a:b"];
const TAGS: [&str; 4] = ["red", "Red", "été", "a b"];
const NAMES: [&str; 5] = ["Poster.png", "ÉTÉ 2025.jpg", "ΟΔΟΣ.pdf", "x", "poster final.mov"];

/// What the catalog should hold.
#[derive(Clone, Default)]
struct Model {
    assets: BTreeMap<AssetId, Asset>,
    doomed: BTreeMap<AssetId, Format>,
    given: u64,
}

impl Model {
    fn remove(&mut self, asset: &Asset) {
        self.assets.remove(&asset.id);
        self.doomed.insert(asset.id, asset.format);
    }

    fn any(&self, random: &mut Random) -> Option<Asset> {
        let place = random.below(self.assets.len().max(1));
        self.assets.values().nth(place).cloned()
    }

    fn in_group(&self, owner: Option<UserId>, grouping: Grouping, group: &GroupId) -> Vec<Asset> {
        let mut assets: Vec<Asset> = self.assets.values().cloned().collect();
        assets.retain(|asset| owner.is_none_or(|owner| owner == asset.owner));
        assets.retain(|asset| named(asset, grouping) == Some(group));
        assets
    }

    /// Matches without paging, newest first.
    fn matches(&self, owner: UserId, query: &Query) -> Vec<Asset> {
        let lower = |text: &str| text.to_lowercase().replace('ς', "σ");
        let holds = |asset: &&Asset| {
            asset.owner == owner
                && query.client.as_ref().is_none_or(|client| asset.client.as_ref() == Some(client))
                && query.campaign.as_ref().is_none_or(|campaign| asset.campaign.as_ref() == Some(campaign))
                && query.kind.is_none_or(|kind| asset.kind() == kind)
                && query.tags.iter().all(|tag| asset.tags.as_slice().contains(tag))
                && query.q.as_ref().is_none_or(|q| lower(asset.name.as_str()).contains(&lower(q)))
                && query.sha256.is_none_or(|sha256| asset.sha256 == sha256)
        };
        self.assets.values().rev().filter(holds).cloned().collect()
    }
}

fn named(asset: &Asset, grouping: Grouping) -> Option<&GroupId> {
    match grouping {
        Grouping::Client => asset.client.as_ref(),
        Grouping::Campaign => asset.campaign.as_ref(),
    }
}

fn maybe(random: &mut Random, from: &[&str]) -> Option<GroupId> {
    (!random.one_in(3)).then(|| group(random.pick(from)))
}

fn dress(random: &mut Random, asset: &mut Asset) {
    asset.client = maybe(random, &CLIENTS);
    asset.campaign = maybe(random, &CAMPAIGNS);
    let tags = (0..random.below(4)).map(|_| random.pick(&TAGS));
    asset.tags = Tags::new(tags.collect::<Vec<_>>()).unwrap();
    asset.name = Name::given(random.pick(&NAMES)).unwrap().unwrap();
    asset.thumbnail = match random.below(3) {
        0 => Preview::Pending,
        1 => Preview::Impossible,
        _ => Preview::Made { size: random.next() % 50_000, sha256: [9; 32] },
    };
}

fn new_asset(random: &mut Random, id: AssetId) -> Asset {
    let mut asset = image(id);
    asset.owner = user(random.pick(&USERS));
    asset.size = random.next() % 1_000_000;
    asset.sha256 = [random.below(3) as u8; 32];
    (asset.format, asset.facts) = random.pick(&[
        (Format::Jpg, Facts::Image { width: 1, height: u32::MAX }),
        (Format::Gif, Facts::Image { width: 300, height: 70_000 }),
        (Format::Mov, Facts::Video { width: 1920, height: 1080, duration: 251 }),
        (Format::Wav, Facts::Audio { duration: u64::MAX }),
        (Format::Pdf, Facts::Document { page_count: None }),
        (Format::Pdf, Facts::Document { page_count: Some(12) }),
    ]);
    dress(random, &mut asset);
    asset
}

/// One call on a batch and on the model of it.
fn call(random: &mut Random, batch: &mut assetd::catalog::Batch<'_>, model: &mut Model) {
    match random.below(20) {
        0..9 => {
            model.given += 1 + random.below(3) as u64;
            let asset = new_asset(random, id(model.given));
            batch.insert(&asset).unwrap();
            batch.set_last_id(asset.id).unwrap();
            model.assets.insert(asset.id, asset);
        }
        9..13 => {
            let Some(old) = model.any(random) else { return };
            let mut new = old.clone();
            dress(random, &mut new);
            batch.replace(&old, &new).unwrap();
            model.assets.insert(new.id, new);
        }
        13..16 => {
            let Some(asset) = model.any(random) else { return };
            assert_eq!(batch.get(asset.id).unwrap().as_ref(), Some(&asset));
            batch.remove(&asset).unwrap();
            assert_eq!(batch.get(asset.id).unwrap(), None);
            model.remove(&asset);
        }
        16 => {
            let (grouping, from) = match random.below(2) {
                0 => (Grouping::Client, &CLIENTS[..]),
                _ => (Grouping::Campaign, &CAMPAIGNS[..]),
            };
            let group = group(random.pick(from));
            let owner = (!random.one_in(3)).then(|| user(random.pick(&USERS)));
            let mut removed = batch.remove_group(owner, grouping, &group).unwrap();
            removed.sort_by_key(|(id, _)| *id);
            let expected = model.in_group(owner, grouping, &group);
            assert_eq!(removed, expected.iter().map(|asset| (asset.id, asset.format)).collect::<Vec<_>>());
            expected.iter().for_each(|asset| model.remove(asset));
        }
        17 => {
            let some: Vec<AssetId> = model.doomed.keys().copied().filter(|_| random.one_in(2)).collect();
            batch.clear_doomed(&some).unwrap();
            model.doomed.retain(|id, _| !some.contains(id));
        }
        18 => {
            let last = if model.given == 0 { AssetId::MIN } else { id(model.given) };
            assert_eq!(batch.last_id().unwrap(), last);
        }
        _ => assert_eq!(batch.get(id(u64::MAX)).unwrap(), None),
    }
}

fn any_query(random: &mut Random, model: &Model) -> Query {
    let some = |random: &mut Random, from: &[&str]| random.one_in(2).then(|| group(random.pick(from)));
    let mut query = Query {
        client: some(random, &CLIENTS),
        campaign: some(random, &CAMPAIGNS),
        kind: random.one_in(2).then(|| random.pick(&Kind::ALL)),
        limit: 1 + random.below(12),
        ..Query::default()
    };
    if random.one_in(3) {
        query.tags = (0..1 + random.below(3)).map(|_| random.pick(&TAGS).to_owned()).collect();
    }
    if random.one_in(4) {
        query.q = Some(random.pick(&["poster", "É", "σ", "Σ.", "FINAL", "zzz"]).to_owned());
    }
    if random.one_in(4) {
        query.sha256 = Some([random.below(4) as u8; 32]);
    }
    if random.one_in(2) {
        query.offset = random.below(10) as u64;
    }
    if random.one_in(3) {
        query.before = Some(id(random.next() % (model.given + 2)));
    }
    query
}

#[track_caller]
fn compare(random: &mut Random, catalog: &Catalog, model: &Model) {
    assert_sound(catalog);
    assert_eq!(catalog.count().unwrap(), model.assets.len() as u64);
    assert_eq!(catalog.doomed().unwrap(), model.doomed.clone().into_iter().collect::<Vec<_>>());
    let scanned = catalog.scan(None, usize::MAX).unwrap();
    let scanned: Vec<Asset> = scanned.into_iter().map(|(_, asset)| asset.unwrap()).collect();
    assert_eq!(scanned, model.assets.values().cloned().collect::<Vec<_>>());
    for owner in USERS.map(user) {
        let all = model.matches(owner, &Query::default());
        let bytes = all.iter().map(|asset| asset.size).sum();
        assert_eq!(catalog.usage(owner).unwrap(), Totals { count: all.len() as u64, bytes });
        for grouping in [Grouping::Client, Grouping::Campaign] {
            let mut groups: BTreeMap<GroupId, GroupTotals> = BTreeMap::new();
            for asset in &all {
                let Some(id) = named(asset, grouping) else {
                    continue;
                };
                let empty = GroupTotals { id: id.clone(), count: 0, bytes: 0 };
                let totals = groups.entry(id.clone()).or_insert(empty);
                totals.count += 1;
                totals.bytes += asset.size;
            }
            assert_eq!(catalog.groups(owner, grouping).unwrap(), groups.into_values().collect::<Vec<_>>());
        }
        for _ in 0..12 {
            compare_pages(catalog, model, owner, &any_query(random, model));
        }
    }
}

#[track_caller]
fn compare_pages(catalog: &Catalog, model: &Model, owner: UserId, query: &Query) {
    let all = model.matches(owner, query);
    let wanted: Vec<Asset> = all
        .iter()
        .filter(|asset| query.before.is_none_or(|before| asset.id < before))
        .skip(query.offset as usize)
        .cloned()
        .collect();
    let page = catalog.list(owner, query).unwrap();
    let is_search = query.q.is_some() || !query.tags.is_empty();
    assert_eq!(page.total, (!is_search).then_some(all.len() as u64), "{query:?}");
    // So few assets never reach the bound of a search, so that each page is full or the last.
    let first = &wanted[..wanted.len().min(query.limit)];
    assert_eq!(page.assets, first, "{query:?}");
    assert_eq!(page.next.is_some(), wanted.len() > first.len(), "{query:?}");
    assert_eq!(walk(catalog, owner, query), wanted, "{query:?}");
}

#[test]
fn after_any_batches_the_catalog_holds_what_a_plain_map_holds() {
    let first = match std::env::var("ASSETD_TEST_SEED") {
        Ok(seed) => seed.parse().expect("ASSETD_TEST_SEED is a number"),
        Err(_) => u64::from(std::process::id()),
    };
    for seed in first..first + SEQUENCES {
        println!("ASSETD_TEST_SEED={seed}");
        let mut random = Random::new(seed);
        let folder = Folder::new();
        let mut catalog = folder.catalog();
        let mut model = Model::default();
        let mut calls = 0;
        while calls < CALLS {
            let mut batch = catalog.begin().unwrap();
            let mut changed = model.clone();
            for _ in 0..1 + random.below(24) {
                call(&mut random, &mut batch, &mut changed);
                calls += 1;
            }
            if random.one_in(5) {
                drop(batch);
            } else {
                batch.commit().unwrap();
                model = changed;
            }
            if random.one_in(10) {
                drop(catalog);
                catalog = folder.catalog();
            }
            compare(&mut random, &catalog, &model);
        }
    }
}

#[test]
fn a_call_that_breaks_a_rule_spoils_its_batch_alone() {
    let folder = Folder::new();
    let catalog = folder.catalog();
    let asset = image(id(1));
    super::insert(&catalog, std::slice::from_ref(&asset));
    let mut changed = asset.clone();
    changed.client = Some(group("acme"));
    let mut of_another = asset.clone();
    of_another.owner = user(2);
    let stale = Asset { size: 5, ..asset.clone() };
    type Call = fn(&mut assetd::catalog::Batch<'_>, &[&Asset; 4]) -> Result<(), Error>;
    let calls: [(&str, Call); 4] = [
        ("an id given twice", |batch, [asset, ..]| batch.insert(asset)),
        ("a change of owner", |batch, [asset, _, of_another, _]| batch.replace(asset, of_another)),
        ("a change of what is not there", |batch, [_, changed, _, stale]| batch.replace(stale, changed)),
        ("a second removal", |batch, [asset, ..]| batch.remove(asset).and_then(|()| batch.remove(asset))),
    ];
    for (name, call) in calls {
        let mut batch = catalog.begin().unwrap();
        batch.insert(&image(id(2))).unwrap();
        assert!(call(&mut batch, &[&asset, &changed, &of_another, &stale]).is_err(), "{name}");
        if name != "a change of owner" {
            assert!(batch.commit().is_err(), "{name}");
        }
        assert_eq!(catalog.scan(None, 9).unwrap().len(), 1, "{name}");
    }
    let mut batch = catalog.begin().unwrap();
    batch.replace(&asset, &changed).unwrap();
    batch.commit().unwrap();
    assert_eq!(catalog.get(asset.id).unwrap(), Some(changed));
    assert_sound(&catalog);
}
