//! What a crash leaves: DESIGN.md, 4.

mod kill;
mod stop;

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{Client, Server};

/// Fails unless files and records of the server, which has just started, are in step: no file without a record, no
/// record without its file, nothing under way. Gives the ids that each user has.
#[track_caller]
fn check_in_step(server: &Server, users: &[u64]) -> BTreeMap<u64, BTreeSet<String>> {
    let mut owned = BTreeMap::new();
    let mut originals = BTreeSet::new();
    for user in users {
        let client: Client = server.user(*user);
        let mut ids = BTreeSet::new();
        for page in client.pages("limit=100") {
            for asset in page.assets {
                let id = asset["id"].as_str().expect("an id").to_owned();
                let format = asset["format"].as_str().expect("a format");
                originals.insert(format!("assets/{id}.{format}"));
                assert!(ids.insert(id), "an id twice");
            }
        }
        owned.insert(*user, ids);
    }
    let files = server.files_now();
    for file in &files {
        let name = file.strip_prefix("assets/");
        let name = name.unwrap_or_else(|| panic!("{file} is left under way"));
        let id = name.get(..36).unwrap_or_else(|| panic!("{file} is a stray"));
        let has_record = owned.values().any(|ids| ids.contains(id));
        assert!(has_record, "{file} has no record");
    }
    let files: BTreeSet<String> = files.into_iter().collect();
    let missing: Vec<&String> = originals.difference(&files).collect();
    assert!(missing.is_empty(), "records without files: {missing:?}");
    owned
}
