//! A file under way: it grows in `tmp/`, and is gone unless it becomes an asset.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

use rustix::fs::{Mode, OFlags};
use sha2::{Digest as _, Sha256};

use super::dir::Dir;
use crate::asset::Digest;

/// A name in `tmp/` that is removed when this is dropped.
struct TmpName {
    dir: Dir,
    name: String,
    kept: bool,
}

impl Drop for TmpName {
    fn drop(&mut self) {
        if !self.kept {
            // What can't be removed now is removed at the next start.
            let _ = self.dir.unlink(&self.name);
        }
    }
}

/// A file being received: hashed and counted as it passes.
pub struct Incoming {
    name: TmpName,
    file: File,
    hasher: Sha256,
    size: u64,
}

impl Incoming {
    pub(super) fn create(tmp: &Dir) -> io::Result<Incoming> {
        let mut random = [0u8; 16];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let name = format!("upload-{:032x}", u128::from_ne_bytes(random));
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
        let file = tmp.open_file(&name, flags, Mode::from_raw_mode(0o600))?.into();
        let name = TmpName { dir: tmp.clone(), name, kept: false };
        Ok(Incoming { name, file, hasher: Sha256::new(), size: 0 })
    }

    /// With `bytes` at its end. On an error the file is gone.
    pub fn append(mut self, bytes: &[u8]) -> io::Result<Incoming> {
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        Ok(self)
    }

    /// The file as a whole; nothing more is added.
    pub fn finish(self) -> Received {
        let Incoming { name, file, hasher, size } = self;
        Received { name, file: Arc::new(file), size, sha256: hasher.finalize().into() }
    }
}

/// A file that was received whole. It is gone when this is dropped, unless it is renamed into an asset's note.
pub struct Received {
    name: TmpName,
    file: Arc<File>,
    size: u64,
    sha256: Digest,
}

impl Received {
    /// For reading it; its position is shared by all who do.
    pub fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    /// In bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    pub fn sha256(&self) -> &Digest {
        &self.sha256
    }

    /// Makes its bytes durable (its name is the writer's concern).
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    pub(super) fn rename(mut self, to: &str) -> io::Result<()> {
        self.name.dir.rename(&self.name.name, to)?;
        self.name.kept = true;
        Ok(())
    }
}
