//! The catalog's file: killed in use, of another format, damaged, beside a reader, refusing writes.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::process::Command;

use assetd::asset::{Asset, AssetId, Grouping, Name};
use assetd::catalog::migrate::{Step, prepare};
use assetd::catalog::{Catalog, Error, Query};
use redb::{ReadableDatabase, ReadableTable, TableDefinition};

use super::{Folder, assert_sound, group, id, image, insert, open, user};

const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");

/// Opens the file behind the catalog's back.
fn behind(folder: &Folder) -> redb::Database {
    redb::Database::open(folder.path("catalog.redb")).unwrap()
}

fn acme(place: u64) -> Asset {
    Asset { client: Some(group("acme")), ..image(id(place)) }
}

#[test]
fn a_catalog_killed_in_use_opens_at_its_last_commit_without_a_walk() {
    let folder = Folder::new();
    let catalog = folder.catalog();
    let store_id = catalog.store_id();
    insert(&catalog, &(1..=2_000).map(acme).collect::<Vec<_>>());
    let mut batch = catalog.begin().unwrap();
    // More than redb holds back, so that pages of an open transaction are in the file.
    (2_001..=20_000).for_each(|place| batch.insert(&acme(place)).unwrap());

    // What a kill leaves: the file as it is, with nothing closed.
    std::fs::copy(folder.path("catalog.redb"), folder.path("killed.redb")).unwrap();
    let killed = Catalog::open(open(&folder.path("killed.redb"))).unwrap();

    assert!(!killed.walked());
    assert_eq!(killed.store_id(), store_id);
    assert_eq!(killed.count().unwrap(), 2_000);
    assert_sound(&killed);
    insert(&killed, &[acme(30_000)]);
    batch.commit().unwrap();
    assert_eq!(catalog.count().unwrap(), 20_000);
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    let folder = Folder::new();
    drop(folder.catalog());
    let database = behind(&folder);
    let txn = database.begin_write().unwrap();
    txn.open_table(META).unwrap().insert("format", 2_u32.to_le_bytes().as_slice()).unwrap();
    txn.commit().unwrap();
    drop(database);

    let refused = Catalog::open(open(&folder.path("catalog.redb"))).err().unwrap();

    assert!(matches!(refused, Error::NewerFormat { found: 2, known: 1 }), "{refused:?}");
    assert!(refused.to_string().contains("format 2"), "{refused}");
    let database = behind(&folder);
    let read = database.begin_read().unwrap();
    assert_eq!(read.open_table(META).unwrap().get("format").unwrap().unwrap().value(), 2_u32.to_le_bytes());
}

#[test]
fn an_older_format_is_migrated_step_by_step_after_a_copy_is_kept() {
    const MARK: TableDefinition<&str, u32> = TableDefinition::new("mark");
    let folder = Folder::new();
    let catalog = folder.catalog();
    let store_id = catalog.store_id();
    drop(catalog);
    let steps: &[Step] = &[
        |txn| {
            txn.open_table(MARK)?.insert("first", 1)?;
            Ok(())
        },
        |txn| {
            let mut table = txn.open_table(MARK)?;
            let first = table.get("first")?.map_or(0, |value| value.value());
            table.insert("second", first + 1)?;
            Ok(())
        },
    ];
    let marks = |database: &redb::Database| {
        let read = database.begin_read().unwrap();
        read.open_table(MARK).ok().map(|table| table.get("second").unwrap().unwrap().value())
    };
    let database = behind(&folder);

    // Without the copy nothing is changed.
    let refused = prepare(&database, steps, |_| Err(std::io::ErrorKind::StorageFull.into()));
    assert!(matches!(refused, Err(Error::Full)));
    assert_eq!(marks(&database), None);

    let mut copied = None;
    let prepared = prepare(&database, steps, |found| {
        copied = Some((found, marks(&database)));
        Ok(())
    });
    assert_eq!(prepared.unwrap(), store_id);
    assert_eq!((copied, marks(&database)), (Some((1, None)), Some(2)));

    // A second start finds nothing to do, an older program refuses.
    prepare(&database, steps, |_| panic!("no copy is needed")).unwrap();
    drop(database);
    let refused = Catalog::open(open(&folder.path("catalog.redb"))).err().unwrap();
    assert!(matches!(refused, Error::NewerFormat { found: 3, known: 1 }), "{refused:?}");
}

#[test]
fn a_file_that_is_no_catalog_is_an_error() {
    let folder = Folder::new();
    std::fs::write(folder.path("text"), "no catalog at all, but long enough to be looked at\n".repeat(99))
        .unwrap();
    assert!(matches!(Catalog::open(open(&folder.path("text"))), Err(Error::Other(_))));
    // A database of someone else's.
    let database = redb::Database::create(folder.path("other")).unwrap();
    let txn = database.begin_write().unwrap();
    txn.open_table(TableDefinition::<u64, u64>::new("other")).unwrap();
    txn.commit().unwrap();
    drop(database);
    assert!(matches!(Catalog::open(open(&folder.path("other"))), Err(Error::Other(_))));
}

#[test]
fn verify_finds_wrong_rows_and_a_rebuild_mends_them() {
    const BY_TYPE: TableDefinition<(u64, u8, &[u8; 16]), ()> = TableDefinition::new("by_type");
    const BY_CLIENT: TableDefinition<(u64, &str, u8, &[u8; 16]), ()> = TableDefinition::new("by_client");
    const TOTALS: TableDefinition<(u64, &str, &str, u8), (u64, u64)> = TableDefinition::new("totals");
    const ASSETS: TableDefinition<&[u8; 16], &[u8]> = TableDefinition::new("assets");
    let folder = Folder::new();
    let catalog = folder.catalog();
    insert(&catalog, &(1..=10_000).map(acme).collect::<Vec<_>>());
    drop(catalog);
    type Damage = fn(&redb::WriteTransaction);
    let damages: [(&str, Damage); 5] = [
        ("has no row in by_type", |txn| {
            txn.open_table(BY_TYPE).unwrap().remove((1, 0, id(5).as_bytes())).unwrap().unwrap();
        }),
        ("a row in by_client names asset", |txn| {
            txn.open_table(BY_CLIENT).unwrap().insert((2, "acme", 0, id(5).as_bytes()), ()).unwrap();
        }),
        ("a row in by_client names asset", |txn| {
            // As many rows as before, one of them astray.
            let mut table = txn.open_table(BY_CLIENT).unwrap();
            table.remove((1, "acme", 0, id(5).as_bytes())).unwrap().unwrap();
            table.insert((1, "acme", 1, id(5).as_bytes()), ()).unwrap();
        }),
        ("the total of user 1", |txn| {
            txn.open_table(TOTALS).unwrap().insert((1, "acme", "", 0), (10_001, 1)).unwrap();
        }),
        ("have no total", |txn| {
            txn.open_table(TOTALS).unwrap().remove((1, "", "", 0)).unwrap().unwrap();
        }),
    ];
    for (sentence, damage) in damages {
        let database = behind(&folder);
        let txn = database.begin_write().unwrap();
        damage(&txn);
        txn.commit().unwrap();
        drop(database);
        let catalog = folder.catalog();
        let faults = catalog.verify().unwrap();
        assert!(faults.iter().any(|fault| fault.contains(sentence)), "{sentence}: {faults:?}");

        let mut batch = catalog.begin().unwrap();
        assert_eq!(batch.rebuild().unwrap(), []);
        batch.commit().unwrap();

        assert_sound(&catalog);
        assert_eq!(catalog.list(user(1), &Query::default()).unwrap().total, Some(10_000));
    }

    // A damaged record is named, costs itself alone, and has no rows after a rebuild.
    let database = behind(&folder);
    let txn = database.begin_write().unwrap();
    txn.open_table(ASSETS).unwrap().insert(id(5).as_bytes(), b"\x01junk".as_slice()).unwrap();
    txn.commit().unwrap();
    drop(database);
    let catalog = folder.catalog();
    assert!(matches!(catalog.get(id(5)), Err(Error::Damaged { id: of, .. }) if of == id(5)));
    assert_eq!(catalog.scan(None, 9).unwrap().iter().filter(|(_, asset)| asset.is_err()).count(), 1);
    let mut batch = catalog.begin().unwrap();
    assert_eq!(batch.rebuild().unwrap(), [id(5)]);
    batch.commit().unwrap();
    assert_eq!(catalog.list(user(1), &Query::default()).unwrap().total, Some(9_999));
    assert_eq!(catalog.verify().unwrap().len(), 1);
}

#[test]
fn a_reader_in_another_process_follows_the_writer() {
    // Locks belong to an open file, so that a second opening stands for a second process.
    let folder = Folder::new();
    let writer = folder.catalog();
    insert(&writer, &[acme(1)]);
    let reader = Catalog::open_read_only(File::open(folder.path("catalog.redb")).unwrap()).unwrap();
    assert_eq!(reader.count().unwrap(), 1);
    insert(&writer, &(2..=900).map(acme).collect::<Vec<_>>());
    assert_eq!(reader.count().unwrap(), 900);
    assert_sound(&reader);
    assert!(reader.begin().is_err());
    // A second writer is refused.
    assert!(Catalog::open(open(&folder.path("catalog.redb"))).is_err());
    drop(writer);
    assert_eq!(reader.count().unwrap(), 900);
}

#[test]
fn after_a_failed_write_reading_goes_on_and_writing_does_not() {
    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
    for seal in [SealFlags::WRITE, SealFlags::GROW] {
        let file =
            File::from(memfd_create("catalog", MemfdFlags::ALLOW_SEALING | MemfdFlags::CLOEXEC).unwrap());
        let catalog = Catalog::open(file.try_clone().unwrap()).unwrap();
        insert(&catalog, &(1..=5_000).map(acme).collect::<Vec<_>>());
        // From here on the file refuses what a broken disk refuses.
        fcntl_add_seals(&file, seal).unwrap();

        let mut batch = catalog.begin().unwrap();
        let mut failed = None;
        for place in 5_001..=60_000 {
            if let Err(error) = batch.insert(&acme(place)) {
                failed = Some(error);
                break;
            }
        }
        let failed = failed.or_else(|| batch.commit().err());

        assert!(matches!(failed, Some(Error::Stopped(_))), "{failed:?}");
        assert!(catalog.stopped().is_some());
        assert_sound(&catalog);
        assert_eq!(catalog.count().unwrap(), 5_000);
        assert_eq!(catalog.get(id(5_000)).unwrap(), Some(acme(5_000)));
        assert_eq!(catalog.get(id(5_001)).unwrap(), None);
        assert!(matches!(catalog.begin(), Err(Error::Stopped(_))));
    }
}

/// Runs in a process of its own with a small file system mounted at `disk`.
fn on_a_small_disk(disk: &std::path::Path) {
    let file = open(&disk.join("catalog.redb"));
    let catalog = Catalog::open(file).unwrap();
    let nth = |place: u64| Asset {
        name: Name::given(&"n".repeat(200)).unwrap().unwrap(),
        campaign: place.is_multiple_of(3).then(|| group("spring")),
        ..acme(place)
    };
    let fill = |from: u64| {
        let mut place = from;
        loop {
            let mut batch = catalog.begin().unwrap();
            let mut result = Ok(());
            for next in place..place + 100 {
                result = result.and_then(|()| batch.insert(&nth(next)));
            }
            match result.and_then(|()| batch.commit()) {
                Ok(()) => place += 100,
                Err(Error::Full) => return place,
                Err(error) => panic!("{error:?}"),
            }
        }
    };
    // Where growth has failed a smaller step may still do, so once is not enough.
    let mut full = fill(1);
    loop {
        match fill(full) {
            next if next > full => full = next,
            _ => break,
        }
    }
    println!("{} assets in {} bytes", full - 1, std::fs::metadata(disk.join("catalog.redb")).unwrap().len());
    assert!(full > 10_000);
    // Someone else takes what is left.
    let mut rest = File::create(disk.join("rest")).unwrap();
    let taken = std::io::copy(&mut std::io::repeat(1), &mut rest);
    assert_eq!(taken.unwrap_err().kind(), std::io::ErrorKind::StorageFull);

    // Reading goes on, an addition is refused, and its batch can still remove.
    assert_eq!(catalog.count().unwrap(), full - 1);
    let mut batch = catalog.begin().unwrap();
    assert!(matches!(batch.insert(&nth(full)), Err(Error::Full)));
    batch.remove(&nth(7)).unwrap();
    batch.commit().unwrap();
    assert_eq!(catalog.count().unwrap(), full - 2);

    // A catalog opens on a full disk, and everything can be removed, one by one and all at once.
    drop(catalog);
    let catalog = Catalog::open(open(&disk.join("catalog.redb"))).unwrap();
    for place in [8, 9, full - 1] {
        let mut batch = catalog.begin().unwrap();
        batch.remove(&nth(place)).unwrap();
        batch.commit().unwrap();
    }
    assert_sound(&catalog);
    let mut batch = catalog.begin().unwrap();
    let removed = batch.remove_group(None, Grouping::Campaign, &group("spring")).unwrap();
    batch.commit().unwrap();
    assert!(removed.len() > 3_000);
    let mut batch = catalog.begin().unwrap();
    batch.remove_group(None, Grouping::Client, &group("acme")).unwrap();
    batch.commit().unwrap();
    assert_eq!(catalog.count().unwrap(), 0);
    assert_sound(&catalog);

    // With room again everything is as before.
    drop(rest);
    std::fs::remove_file(disk.join("rest")).unwrap();
    insert(&catalog, &(full..full + 500).map(nth).collect::<Vec<_>>());
    assert_sound(&catalog);
}

#[test]
fn a_full_disk_takes_nothing_more_and_lets_everything_be_removed() {
    // This same test, started again below.
    if let Some(disk) = std::env::var_os("FULL_DISK") {
        return on_a_small_disk(disk.as_ref());
    }
    let folder = Folder::new();
    let disk = folder.path("disk");
    std::fs::create_dir(&disk).unwrap();
    let script = "mount -t tmpfs -o size=48m tmpfs \"$FULL_DISK\" || exit 99; exec \"$@\"";
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "unit::catalog::file::a_full_disk_takes_nothing_more_and_lets_everything_be_removed",
        ])
        .arg("--nocapture")
        .env("FULL_DISK", &disk)
        .arg0("unshare")
        .output();
    let Ok(output) = output else {
        eprintln!("skipped: there is no unshare(1) here");
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(99) || text.contains("unshare:") {
        eprintln!("skipped: no file system can be mounted here: {text}");
        return;
    }
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
fn the_last_id_given_stays_after_its_asset_is_gone() {
    let folder = Folder::new();
    let catalog = folder.catalog();
    let batch = catalog.begin().unwrap();
    assert_eq!(batch.last_id().unwrap(), AssetId::MIN);
    drop(batch);
    let mut batch = catalog.begin().unwrap();
    batch.insert(&acme(9)).unwrap();
    batch.set_last_id(id(9)).unwrap();
    batch.remove(&acme(9)).unwrap();
    batch.commit().unwrap();
    drop(catalog);
    assert_eq!(folder.catalog().begin().unwrap().last_id().unwrap(), id(9));
}
