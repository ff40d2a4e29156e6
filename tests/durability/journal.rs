//! API.md, 13: `DATA/journal/` holds all committed changes, checksummed, in order.

use std::fs;

use serde_json::json;

use crate::support::Server;

/// An entry as it stands on disk: its number, the user, what was done, the id.
type Entry = (u64, u64, u8, String);

/// Reads the journal by its description alone.
#[track_caller]
fn entries(server: &Server) -> Vec<Entry> {
    let mut files: Vec<_> = fs::read_dir(server.data().join("journal"))
        .expect("a folder")
        .flatten()
        .map(|file| file.path())
        .collect();
    files.sort();
    let mut entries = Vec::new();
    for file in files {
        let bytes = fs::read(file).expect("a file");
        let mut rest = bytes.strip_prefix(b"assetdj1").expect("its mark");
        while !rest.is_empty() {
            let (head, behind) = rest.split_at(8);
            let word = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().expect("4 bytes"));
            let (payload, behind) = behind.split_at(word(0) as usize);
            assert_eq!(crc32fast::hash(payload), word(4));
            let long = |at: usize| u64::from_le_bytes(payload[at..at + 8].try_into().expect("8 bytes"));
            let id: String = payload[25..41].iter().map(|byte| format!("{byte:02x}")).collect();
            entries.push((long(0), long(16), payload[24], id));
            // What is put carries its record, what is deleted none.
            assert_eq!(payload.len() == 41, payload[24] == 4);
            rest = behind;
        }
    }
    entries
}

#[test]
fn the_journal_tells_every_committed_change_in_order_and_who_made_it() {
    const NOBODY: u64 = u64::MAX;
    let mut server = Server::start();
    let first = server.user(7).upload_with(&[("clientId", "acme")]);
    let second = server.user(8).upload_with(&[("clientId", "acme")]);
    server.user(7).patch(&first.path(), &json!({"name": "other"})).expect(200);
    server.user(7).get(&first.sub("thumbnail")).expect(200);
    server.kill9();
    server.start_again();
    server.user(8).patch(&second.path(), &json!({"name": 1})).expect(400);
    server.user(8).delete(&first.path()).expect(403);
    server.admin().delete("/api/v2/clients/acme").expect(200);

    let id = |asset: &crate::support::Asset| asset.id().replace('-', "");
    let (first, second) = (id(&first), id(&second));
    let mut found = entries(&server);
    // A cascade goes owner by owner; within it no order is promised.
    found[4..].sort_by(|one, other| one.3.cmp(&other.3));
    found[4..].iter_mut().zip(4..).for_each(|(entry, number)| entry.0 = number);
    let expected: Vec<Entry> = vec![
        (0, 7, 1, first.clone()),
        (1, 8, 1, second.clone()),
        (2, 7, 2, first.clone()),
        (3, NOBODY, 3, first.clone()),
        (4, 1, 4, first),
        (5, 1, 4, second),
    ];
    assert_eq!(found, expected);
}
