//! The files below DATA, and nothing else: the only code that joins a path. Knows no asset but its name, no record.
//!
//! Every open below DATA is relative to an open directory and proven to stay beneath it without following a link
//! (`openat2` with `RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS`, on older kernels one component with `O_NOFOLLOW`).
//! Names are made of an id and a format alone.

mod dir;
mod incoming;

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use crate::asset::{AssetId, Format, Kind};
use dir::Dir;
pub use incoming::{Incoming, Received};

const ASSETS: &str = "assets";
const TMP: &str = "tmp";
const CATALOG: &str = "catalog.redb";
const SECRET: &str = "jwt.secret";
const LOCK: &str = "lock";
const JOURNAL: &str = "journal";

/// Which of an asset's files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// The bytes as uploaded.
    Original(Format),
    Thumbnail,
    Waveform,
}

impl Part {
    /// The preview that an asset of this kind has.
    pub fn preview(kind: Kind) -> Part {
        match kind {
            Kind::Audio => Part::Waveform,
            Kind::Image | Kind::Video | Kind::Document => Part::Thumbnail,
        }
    }

    /// `{id}.{format}`, `{id}_thumb.jpg`, `{id}_waveform.json`.
    fn file_name(self, id: AssetId) -> String {
        match self {
            Part::Original(format) => format!("{id}.{}", format.extension()),
            Part::Thumbnail => format!("{id}_thumb.jpg"),
            Part::Waveform => format!("{id}_waveform.json"),
        }
    }

    /// The reverse of [`Part::file_name`]; `None` for any other name.
    fn parse(name: &str) -> Option<(AssetId, Part)> {
        /// Of an id's text.
        const ID_LENGTH: usize = 36;
        let (id, rest) = name.split_at_checked(ID_LENGTH)?;
        let id: AssetId = id.parse().ok()?;
        let part = match rest {
            "_thumb.jpg" => Part::Thumbnail,
            "_waveform.json" => Part::Waveform,
            _ => Part::Original(Format::from_extension(rest.strip_prefix('.')?)?),
        };
        (part.file_name(id) == name).then_some((id, part))
    }
}

/// A name in `tmp/` that says: a file of this asset may stand in `assets/` without a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Note {
    pub id: AssetId,
    pub part: Part,
}

/// Why DATA can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("another assetd is using this data folder")]
    InUse,
    #[error("{what}: {cause}")]
    Io { what: &'static str, cause: io::Error },
}

fn opening(what: &'static str) -> impl Fn(Errno) -> OpenError {
    move |cause| OpenError::Io { what, cause: cause.into() }
}

/// An opened data folder, held alone by this process.
pub struct Blobs {
    data: Dir,
    assets: Dir,
    tmp: Dir,
    /// Locked as long as it is open.
    _lock: OwnedFd,
}

impl Blobs {
    /// Opens the data folder at `path`, made with its parents where it is missing, and takes its lock.
    pub fn open(path: &Path) -> Result<Blobs, OpenError> {
        let data = Dir::create_all(path).map_err(opening("the data folder cannot be opened"))?;
        let lock = data
            .open_file(LOCK, OFlags::RDWR | OFlags::CREATE, Mode::from_raw_mode(0o600))
            .map_err(opening("the lock file cannot be opened"))?;
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(OpenError::InUse),
            Err(cause) => return Err(opening("the lock cannot be taken")(cause)),
        }
        let assets = data.create(ASSETS).map_err(opening("the folder assets cannot be opened"))?;
        let tmp = data.create(TMP).map_err(opening("the folder tmp cannot be opened"))?;
        data.sync().map_err(opening("the data folder cannot be synced"))?;
        let blobs = Blobs { data, assets, tmp, _lock: lock };
        blobs.prove_links().map_err(opening(
            "this file system cannot hold assets: it must be able to link and rename files (ext4, xfs and btrfs can)",
        ))?;
        Ok(blobs)
    }

    /// The catalog's file, made where it is missing.
    pub fn catalog_file(&self) -> io::Result<File> {
        let file = self.data.open_file(CATALOG, OFlags::RDWR | OFlags::CREATE, Mode::from_raw_mode(0o600))?;
        self.data.sync()?;
        Ok(file.into())
    }

    /// The folder of the journal, made where it is missing.
    pub fn journal_files(&self) -> io::Result<JournalFiles> {
        let files = JournalFiles(self.data.create(JOURNAL)?);
        self.data.sync()?;
        Ok(files)
    }

    /// A file for an upload under way. It is gone when it is dropped, unless [`Blobs::note`] gave it an asset's name.
    pub fn incoming(&self) -> io::Result<Incoming> {
        Incoming::create(&self.tmp)
    }

    /// Gives a received file its asset's name in `tmp/`: the undo note.
    pub fn note(&self, received: Received, note: Note) -> io::Result<()> {
        received.rename(&note.part.file_name(note.id))?;
        Ok(())
    }

    /// Makes the names in `tmp/` durable.
    pub fn sync_tmp(&self) -> io::Result<()> {
        Ok(self.tmp.sync()?)
    }

    /// Gives a noted file its second name, in `assets/`.
    pub fn link(&self, note: Note) -> io::Result<()> {
        let name = note.part.file_name(note.id);
        Ok(self.tmp.link(&name, &self.assets, &name)?)
    }

    /// Makes the names in `assets/` durable.
    pub fn sync_assets(&self) -> io::Result<()> {
        Ok(self.assets.sync()?)
    }

    /// Removes a note, its asset being settled. One that is gone already is no error.
    pub fn forget(&self, note: Note) -> io::Result<()> {
        absent_is_done(self.tmp.unlink(&note.part.file_name(note.id)))
    }

    /// The notes that an earlier run left. Whatever else stands in `tmp/` was an upload that nobody was answered for: it
    /// is removed.
    pub fn take_notes(&self) -> io::Result<Vec<Note>> {
        let mut notes = Vec::new();
        for name in self.tmp.names()? {
            match Part::parse(&name) {
                Some((id, part)) => notes.push(Note { id, part }),
                None => self.tmp.unlink(&name)?,
            }
        }
        Ok(notes)
    }

    /// Removes one file of an asset. One that is gone already is no error.
    pub fn remove(&self, id: AssetId, part: Part) -> io::Result<()> {
        absent_is_done(self.assets.unlink(&part.file_name(id)))
    }

    /// Removes all files of an asset.
    pub fn remove_all(&self, id: AssetId, format: Format) -> io::Result<()> {
        [Part::Thumbnail, Part::Waveform, Part::Original(format)]
            .into_iter()
            .try_for_each(|part| self.remove(id, part))
    }

    /// Opens one file of an asset for reading.
    pub fn open_part(&self, id: AssetId, part: Part) -> io::Result<File> {
        let file = self.assets.open_file(&part.file_name(id), dir::READING, Mode::empty())?;
        Ok(file.into())
    }

    /// As [`Blobs::open_part`], if that needs no wait for the disk.
    pub fn open_cached(&self, id: AssetId, part: Part) -> Option<File> {
        self.assets.open_cached(&part.file_name(id)).map(File::from)
    }

    /// Writes, syncs and removes a small file: whether the store can be written to.
    pub fn prove_writable(&self) -> io::Result<()> {
        let incoming = self.incoming()?.append(b"assetd")?;
        incoming.finish().sync()
    }

    /// Whether the file system can do what a commit needs. Left-overs of an earlier try are removed by `take_notes`.
    fn prove_links(&self) -> Result<(), Errno> {
        let [first, second] = ["proof-1", "proof-2"];
        for name in [first, second] {
            match self.tmp.unlink(name) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(cause) => return Err(cause),
            }
        }
        self.tmp.open_file(
            first,
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL,
            Mode::from_raw_mode(0o600),
        )?;
        self.tmp.link(first, &self.tmp, second)?;
        self.tmp.unlink(first)?;
        self.tmp.rename(second, first)?;
        self.tmp.unlink(first)
    }
}

/// The files of the journal, each named by the number of its first entry.
pub struct JournalFiles(Dir);

impl JournalFiles {
    /// One that is there.
    pub fn open(&self, number: u64) -> io::Result<File> {
        Ok(self.0.open_file(&journal_name(number), OFlags::RDWR, Mode::empty())?.into())
    }

    /// A new one, empty; what stood under its name was never committed.
    pub fn create(&self, number: u64) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::TRUNC;
        Ok(self.0.open_file(&journal_name(number), flags, Mode::from_raw_mode(0o600))?.into())
    }

    /// Makes the names durable.
    pub fn sync(&self) -> io::Result<()> {
        Ok(self.0.sync()?)
    }
}

/// Sorts by number.
fn journal_name(number: u64) -> String {
    format!("{number:020}.log")
}

/// The secret that signs tokens, `DATA/jwt.secret`: made at first use from 32 random bytes as 64 hex digits, mode 0600.
/// Needs no lock: whoever comes first makes it, whole, and all read the same.
pub fn secret(path: &Path) -> Result<Vec<u8>, OpenError> {
    let data = Dir::create_all(path).map_err(opening("the data folder cannot be opened"))?;
    let read = || -> io::Result<Vec<u8>> {
        /// More than any secret needs.
        const MAX_BYTES: u64 = 64 * 1024;
        let file: File = data.open_file(SECRET, OFlags::RDONLY, Mode::empty())?.into();
        let mut secret = Vec::new();
        file.take(MAX_BYTES).read_to_end(&mut secret)?;
        Ok(secret)
    };
    let make = || -> io::Result<()> {
        let mut random = [0u8; 32];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let draft = format!("{SECRET}.{}", std::process::id());
        absent_is_done(data.unlink(&draft))?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        let mut file: File = data.open_file(&draft, flags, Mode::from_raw_mode(0o600))?.into();
        file.write_all(digits.as_bytes())?;
        file.sync_all()?;
        let linked = data.link(&draft, &data, SECRET);
        data.unlink(&draft)?;
        data.sync()?;
        match linked {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(cause) => Err(cause.into()),
        }
    };
    let reading = |cause| OpenError::Io { what: "the secret cannot be read", cause };
    match read() {
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => {
            make().map_err(|cause| OpenError::Io { what: "the secret cannot be made", cause })?;
            read().map_err(reading)
        }
        other => other.map_err(reading),
    }
}

fn absent_is_done(result: Result<(), Errno>) -> io::Result<()> {
    match result {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(cause) => Err(cause.into()),
    }
}
