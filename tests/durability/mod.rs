//! What a crash leaves: DESIGN.md, 4.

mod journal;
mod kill;
mod stop;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::support::Server;

/// The assets of one user by id.
type Owned = BTreeMap<String, Value>;

/// Fails unless files and records of the server, which has just started, are in step: no file without a record, no
/// record without its file, nothing under way. Gives what each user has.
#[track_caller]
fn check_in_step(server: &Server, users: &[u64]) -> BTreeMap<u64, Owned> {
    let mut owned = BTreeMap::new();
    let mut originals = BTreeSet::new();
    for user in users {
        let mut assets = Owned::new();
        for page in server.user(*user).pages("limit=100") {
            for asset in page.assets {
                let id = asset["id"].as_str().expect("an id").to_owned();
                let format = asset["format"].as_str().expect("a format");
                originals.insert(format!("assets/{id}.{format}"));
                if asset.get("thumbnailUrl").is_some_and(|url| !url.is_null()) {
                    originals.insert(format!("assets/{id}_thumb.jpg"));
                }
                assert!(assets.insert(id, asset).is_none(), "an id twice");
            }
        }
        owned.insert(*user, assets);
    }
    let files = server.files_now();
    for file in &files {
        let name = file.strip_prefix("assets/");
        let name = name.unwrap_or_else(|| panic!("{file} is left under way"));
        let id = name.get(..36).unwrap_or_else(|| panic!("{file} is a stray"));
        let has_record = owned.values().any(|assets| assets.contains_key(id));
        assert!(has_record, "{file} has no record");
    }
    let files: BTreeSet<String> = files.into_iter().collect();
    for (id, asset) in owned.values().flatten() {
        let waveform = format!("assets/{id}_waveform.json");
        let is_told = asset.get("waveformUrl").is_some_and(|url| !url.is_null());
        assert_eq!(files.contains(&waveform), is_told, "{waveform}");
    }
    let missing: Vec<&String> = originals.difference(&files).collect();
    assert!(missing.is_empty(), "records without files: {missing:?}");
    owned
}
