//! The one writer: a thread that owns redb's one write transaction and commits in groups.
//!
//! It takes whatever waits, up to a bound, does it all in one transaction, commits once, and answers each. Throughput
//! grows with the number of waiting clients; a lone client pays one commit. A round:
//!
//! 1. Note: each upload gets its id, and its files the names `tmp/{id}…`; `tmp/` is synced. The undo notes are on disk
//!    before what they undo.
//! 2. Link: the files get their names in `assets/`, which is synced, and with it the unlinks of earlier rounds.
//! 3. Commit: the journal is appended to and synced, then all records and rows, and what is doomed no more.
//! 4. Answer, then remove the notes.
//!
//! A full disk undoes the uploads of the round (507); edits and deletes are then tried alone. After a failed sync, or
//! an error whose outcome is unknown, nothing is touched and the writer stops for good: the notes decide at the next
//! start.

mod round;

use std::sync::{Arc, OnceLock};

use tokio::sync::{mpsc, oneshot};

use self::round::Thread;
use super::{Changes, StartError};
use crate::asset::{Asset, AssetId, Facts, Format, GroupId, Grouping, Name, Preview, Tags, UserId};
use crate::auth::Caller;
use crate::blobs::{Blobs, Received};
use crate::catalog::Catalog;
use crate::error::Error;
use crate::journal::{Journal, Position};

/// Commands that may wait before senders do.
const MAX_WAITING: usize = 1024;

/// An upload that was inspected, all but its id and time.
pub(super) struct Draft {
    pub owner: UserId,
    pub client: Option<GroupId>,
    pub campaign: Option<GroupId>,
    /// `None`: named after its id.
    pub name: Option<Name>,
    pub tags: Tags,
    pub format: Format,
    pub facts: Facts,
}

/// What became of drawing a preview.
pub(super) enum NewPreview {
    Pending,
    Impossible,
    /// Synced, in `tmp/`.
    Made(Received),
}

impl NewPreview {
    /// As the record says it.
    fn recorded(&self) -> Preview {
        match self {
            NewPreview::Pending => Preview::Pending,
            NewPreview::Impossible => Preview::Impossible,
            NewPreview::Made(received) => Preview::Made { size: received.size(), sha256: *received.sha256() },
        }
    }

    fn into_received(self) -> Option<Received> {
        match self {
            NewPreview::Made(received) => Some(received),
            NewPreview::Pending | NewPreview::Impossible => None,
        }
    }
}

/// What a command came to.
enum Outcome {
    Asset(Box<Asset>),
    Removed(Vec<(AssetId, Format)>),
}

type Reply = oneshot::Sender<Result<Outcome, Error>>;

/// A command that brings files.
enum Filing {
    New(Box<Draft>, Received, NewPreview),
    Preview(AssetId, NewPreview),
}

/// A command that concerns records alone.
enum Edit {
    Change(Caller, AssetId, Changes),
    Remove(Caller, AssetId),
    RemoveGroup(Caller, Grouping, GroupId),
}

enum Command {
    File(Filing, Reply),
    Edit(Edit, Reply),
    Unlinked(Vec<AssetId>),
    Close(oneshot::Sender<()>),
}

/// The way to the writer's thread.
pub(super) struct Writer {
    commands: mpsc::Sender<Command>,
    stopped: Arc<OnceLock<&'static str>>,
}

impl Writer {
    pub(super) fn start(blobs: Arc<Blobs>, catalog: Arc<Catalog>) -> Result<Writer, StartError> {
        let (commands, waiting) = mpsc::channel(MAX_WAITING);
        let stopped = Arc::new(OnceLock::new());
        let last_id = catalog.last_id()?;
        let position = catalog.journal_position()?.map_or_else(Position::default, Position::from_words);
        let journal = blobs
            .journal_files()
            .and_then(|files| Journal::open(files, position))
            .map_err(StartError::Journal)?;
        let unlinked = Vec::new();
        let thread = Thread { blobs, catalog, journal, last_id, unlinked, stopped: Arc::clone(&stopped) };
        std::thread::Builder::new()
            .name("writer".into())
            .spawn(move || thread.run(waiting))
            .map_err(StartError::Writer)?;
        Ok(Writer { commands, stopped })
    }

    /// Whether it still writes.
    pub(super) fn running(&self) -> Result<(), Error> {
        self.stopped.get().map_or(Ok(()), |why| Err(Error::Stopped(why)))
    }

    /// Ends all writing until the next start: the disk cannot be trusted.
    pub(super) fn stop(&self, why: &'static str) {
        let _ = self.stopped.set(why);
    }

    pub(super) async fn accept(
        &self,
        draft: Draft,
        file: Received,
        preview: NewPreview,
    ) -> Result<Asset, Error> {
        let filing = Filing::New(Box::new(draft), file, preview);
        asset(self.ask(|reply| Command::File(filing, reply)).await?)
    }

    /// Keeps a preview that was drawn late. If the asset has one by now, the new one is dropped.
    pub(super) async fn set_preview(&self, id: AssetId, preview: NewPreview) -> Result<Asset, Error> {
        asset(self.ask(|reply| Command::File(Filing::Preview(id, preview), reply)).await?)
    }

    pub(super) async fn change(&self, caller: Caller, id: AssetId, changes: Changes) -> Result<Asset, Error> {
        asset(self.ask(|reply| Command::Edit(Edit::Change(caller, id, changes), reply)).await?)
    }

    /// Removes the record. The caller then unlinks the files and says so by [`Writer::unlinked`].
    pub(super) async fn remove(&self, caller: Caller, id: AssetId) -> Result<Vec<(AssetId, Format)>, Error> {
        removed(self.ask(|reply| Command::Edit(Edit::Remove(caller, id), reply)).await?)
    }

    /// Removes the records of a group, the caller's or, for an admin, everybody's. For the files see [`Writer::remove`].
    pub(super) async fn remove_group(
        &self,
        caller: Caller,
        grouping: Grouping,
        group: GroupId,
    ) -> Result<Vec<(AssetId, Format)>, Error> {
        let edit = Edit::RemoveGroup(caller, grouping, group);
        removed(self.ask(|reply| Command::Edit(edit, reply)).await?)
    }

    /// The files of these are unlinked: they are doomed no more once that is on disk.
    pub(super) async fn unlinked(&self, ids: Vec<AssetId>) {
        // A writer that has stopped leaves them to the next start.
        let _ = self.commands.send(Command::Unlinked(ids)).await;
    }

    /// Lets it finish what it was given.
    pub(super) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.commands.send(Command::Close(done)).await.is_ok() {
            let _ = closed.await;
        }
    }

    async fn ask(&self, command: impl FnOnce(Reply) -> Command) -> Result<Outcome, Error> {
        self.running()?;
        let (reply, answer) = oneshot::channel();
        let gone = || Error::Stopped(self.stopped.get().unwrap_or(&"the writer has ended"));
        self.commands.send(command(reply)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

fn asset(outcome: Outcome) -> Result<Asset, Error> {
    match outcome {
        Outcome::Asset(asset) => Ok(*asset),
        Outcome::Removed(_) => Err(Error::fault("the writer answered another question")),
    }
}

fn removed(outcome: Outcome) -> Result<Vec<(AssetId, Format)>, Error> {
    match outcome {
        Outcome::Removed(removed) => Ok(removed),
        Outcome::Asset(_) => Err(Error::fault("the writer answered another question")),
    }
}
