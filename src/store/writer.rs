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

use std::collections::HashSet;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{mpsc, oneshot};
use tracing::{error, warn};

use super::step::Step;
use super::{Changes, StartError, change, is_full, owned};
use crate::asset::{Asset, AssetId, Facts, Format, GroupId, Grouping, Name, Preview, Tags, Time, UserId};
use crate::auth::Caller;
use crate::blobs::{Blobs, Note, Part, Received};
use crate::catalog::{self, Batch, Catalog};
use crate::error::{Error, Verb};
use crate::journal::{Entry, Journal, Position, What};

/// Commands in one transaction, at most: more would make the first wait longer than the group gains.
const MAX_ROUND: usize = 256;
/// Commands that may wait before senders do.
const MAX_WAITING: usize = 1024;
/// Unlinked assets kept in `doomed` until `assets/` is synced anyway; past this it is synced for their sake.
const MAX_UNLINKED: usize = 1024;

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
    pub waveform: Preview,
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
    Thumbnail(AssetId, NewPreview),
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
        thumbnail: NewPreview,
    ) -> Result<Asset, Error> {
        let filing = Filing::New(Box::new(draft), file, thumbnail);
        asset(self.ask(|reply| Command::File(filing, reply)).await?)
    }

    /// Keeps a preview that was drawn late. If the asset has one by now, the new one is dropped.
    pub(super) async fn set_thumbnail(&self, id: AssetId, preview: NewPreview) -> Result<Asset, Error> {
        asset(self.ask(|reply| Command::File(Filing::Thumbnail(id, preview), reply)).await?)
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

/// Why a round could not go on.
enum Trouble {
    /// The disk is full, and nothing was committed.
    Full,
    /// The edit of this index met a damaged record. Nothing was committed.
    Spoiled(usize, catalog::Error),
    /// The outcome is unknown, or the disk cannot be trusted.
    Stop(&'static str, Box<dyn std::error::Error + Send + Sync>),
}

impl From<catalog::Error> for Trouble {
    fn from(cause: catalog::Error) -> Trouble {
        match cause {
            catalog::Error::Full => Trouble::Full,
            other => Trouble::Stop("the catalog could not be written", other.into()),
        }
    }
}

impl From<io::Error> for Trouble {
    fn from(cause: io::Error) -> Trouble {
        if is_full(&cause) {
            Trouble::Full
        } else {
            Trouble::Stop("a file could not be written", cause.into())
        }
    }
}

/// A failed sync is never tried again: what it was to save may be gone already.
fn synced(result: io::Result<()>) -> Result<(), Trouble> {
    result.map_err(|cause| Trouble::Stop("a sync failed", cause.into()))
}

/// A filing whose files have their notes, on its way through a round.
struct Filed {
    record: Record,
    notes: Vec<Note>,
    reply: Reply,
}

/// What a filing writes.
enum Record {
    New(Box<Asset>),
    Thumbnail(AssetId, Preview),
}

/// The writer's own side.
struct Thread {
    blobs: Arc<Blobs>,
    catalog: Arc<Catalog>,
    journal: Journal,
    /// The last id ever given.
    last_id: AssetId,
    /// Still in `doomed`; their files are unlinked, but that may not be on disk yet.
    unlinked: Vec<AssetId>,
    stopped: Arc<OnceLock<&'static str>>,
}

impl Thread {
    fn run(mut self, mut waiting: mpsc::Receiver<Command>) {
        let mut closing = None;
        while closing.is_none()
            && let Some(first) = waiting.blocking_recv()
        {
            let (mut filings, mut edits) = (Vec::new(), Vec::new());
            let mut next = Some(first);
            while let Some(command) = next {
                match command {
                    Command::File(filing, reply) => filings.push((filing, reply)),
                    Command::Edit(edit, reply) => edits.push((edit, reply)),
                    Command::Unlinked(ids) => self.unlinked.extend(ids),
                    Command::Close(done) => closing = Some(done),
                }
                let room = filings.len() + edits.len() < MAX_ROUND;
                next = if room { waiting.try_recv().ok() } else { None };
            }
            if self.round(filings, edits, closing.is_some()).is_err() {
                break;
            }
        }
        if let Some(done) = closing {
            let _ = done.send(());
        }
    }

    /// One transaction, from notes to answers. `Err` when the writer has to stop.
    fn round(
        &mut self,
        filings: Vec<(Filing, Reply)>,
        edits: Vec<(Edit, Reply)>,
        closing: bool,
    ) -> Result<(), ()> {
        let (mut filed, mut edits) = (Vec::new(), edits);
        let result = self.try_round(filings, &mut filed, &mut edits, closing);
        let Err(trouble) = result else {
            return Ok(());
        };
        let (why, cause) = match trouble {
            Trouble::Stop(why, cause) => (why, cause),
            // All that can be undone was; this is the undoing itself.
            Trouble::Full => ("the disk is full and what was begun cannot be taken back", "no space".into()),
            Trouble::Spoiled(_, cause) => ("the catalog could not be written", cause.into()),
        };
        error!(%cause, why, "writing stops until the server is restarted");
        // Set before the replies of this round are dropped, so that each waiting caller finds the reason.
        let _ = self.stopped.set(why);
        Err(())
    }

    fn try_round(
        &mut self,
        filings: Vec<(Filing, Reply)>,
        filed: &mut Vec<Filed>,
        edits: &mut Vec<(Edit, Reply)>,
        closing: bool,
    ) -> Result<(), Trouble> {
        *filed = self.note(filings)?;
        if filed.iter().any(|filed| !filed.notes.is_empty()) {
            synced(self.blobs.sync_tmp())?;
            Step::TmpSynced.passed();
        }
        *filed = self.link(std::mem::take(filed))?;
        let linked = filed.iter().any(|filed| !filed.notes.is_empty());
        let settling = !self.unlinked.is_empty() && (linked || closing || self.unlinked.len() > MAX_UNLINKED);
        if linked || settling {
            synced(self.blobs.sync_assets())?;
            Step::AssetsSynced.passed();
        }
        if filed.is_empty() && edits.is_empty() && !settling {
            return Ok(());
        }
        let committed = loop {
            let records: Vec<&Record> = filed.iter().map(|filed| &filed.record).collect();
            match self.commit(&records, edits, settling) {
                Err(Trouble::Spoiled(index, cause)) => {
                    self.journal.take_back()?;
                    let (_, reply) = edits.swap_remove(index);
                    drop(reply.send(Err(Error::fault(cause))));
                }
                Err(Trouble::Full) => {
                    warn!("the disk is full");
                    self.journal.take_back()?;
                    if filed.is_empty() {
                        edits.drain(..).for_each(|(_, reply)| drop(reply.send(Err(Error::Full))));
                        return Ok(());
                    }
                    // Deletes make room: they get a round without the uploads.
                    filed.drain(..).try_for_each(|filed| self.undo(filed))?;
                }
                other => break other?,
            }
        };
        let (assets, outcomes) = committed;
        Step::Committed.passed();
        self.answer(std::mem::take(filed), assets);
        for ((_, reply), outcome) in edits.drain(..).zip(outcomes) {
            // A caller that went away needs no answer.
            drop(reply.send(outcome));
        }
        Ok(())
    }

    /// Ids, and names in `tmp/`. Those that the full disk refuses are answered and left out.
    fn note(&mut self, filings: Vec<(Filing, Reply)>) -> Result<Vec<Filed>, Trouble> {
        let now = since_epoch();
        let mut late = HashSet::new();
        let mut all = Vec::with_capacity(filings.len());
        for (filing, reply) in filings {
            let (record, files) = match filing {
                Filing::New(draft, original, thumbnail) => {
                    let id = AssetId::after(self.last_id, now.as_millis() as u64);
                    self.last_id = id;
                    let preview = thumbnail.recorded();
                    let asset = draft.into_asset(id, Time::from_unix(now.as_secs()), &original, preview);
                    let mut files = vec![(Note { id, part: Part::Original(asset.format) }, original)];
                    files.extend(thumbnail_file(id, thumbnail));
                    (Record::New(Box::new(asset)), files)
                }
                Filing::Thumbnail(id, preview) => match self.catalog.get(id)? {
                    None => {
                        drop(reply.send(Err(Error::NoAsset)));
                        continue;
                    }
                    Some(asset) if asset.thumbnail != Preview::Pending || !late.insert(id) => {
                        drop(reply.send(Ok(Outcome::Asset(Box::new(asset)))));
                        continue;
                    }
                    Some(_) => {
                        let record = Record::Thumbnail(id, preview.recorded());
                        (record, thumbnail_file(id, preview).into_iter().collect())
                    }
                },
            };
            let mut filed = Filed { record, notes: Vec::new(), reply };
            match files.into_iter().try_for_each(|(note, file)| {
                filed.notes.push(note);
                self.blobs.note(file, note)
            }) {
                Ok(()) => all.push(filed),
                Err(cause) if is_full(&cause) => self.undo(filed)?,
                Err(cause) => return Err(cause.into()),
            }
            Step::Renamed.passed();
        }
        Ok(all)
    }

    /// Names in `assets/`. Those that the full disk refuses are answered and left out.
    fn link(&self, filed: Vec<Filed>) -> Result<Vec<Filed>, Trouble> {
        let mut linked = Vec::with_capacity(filed.len());
        for filed in filed {
            match filed.notes.iter().try_for_each(|note| self.blobs.link(*note)) {
                Ok(()) => linked.push(filed),
                Err(cause) if is_full(&cause) => self.undo(filed)?,
                Err(cause) => return Err(cause.into()),
            }
            Step::Linked.passed();
        }
        Ok(linked)
    }

    /// The one transaction. The assets that `records` came to, and what `edits` came to, each in its order.
    #[allow(clippy::type_complexity)]
    fn commit(
        &mut self,
        records: &[&Record],
        edits: &[(Edit, Reply)],
        settling: bool,
    ) -> Result<(Vec<Result<Asset, Error>>, Vec<Result<Outcome, Error>>), Trouble> {
        let mut batch = self.catalog.begin()?;
        let mut assets = Vec::with_capacity(records.len());
        for record in records {
            assets.push(write(&mut batch, record)?);
        }
        let mut outcomes = Vec::with_capacity(edits.len());
        for (index, (edit, _)) in edits.iter().enumerate() {
            outcomes.push(carry_out(&mut batch, edit).map_err(|cause| match cause {
                damaged @ catalog::Error::Damaged { .. } => Trouble::Spoiled(index, damaged),
                other => other.into(),
            })?);
        }
        batch.set_last_id(self.last_id)?;
        if settling {
            batch.clear_doomed(&self.unlinked)?;
        }
        let position = self.journal.append(&entries(records, &assets, edits, &outcomes)?)?;
        Step::Journaled.passed();
        batch.set_journal_position(position.to_words())?;
        batch.commit()?;
        self.journal.settle(position);
        if settling {
            self.unlinked.clear();
        }
        if outcomes.iter().any(|outcome| matches!(outcome, Ok(Outcome::Removed(_)))) {
            Step::Removed.passed();
        }
        Ok((assets, outcomes))
    }

    /// Answers, then removes the notes: the records are there.
    fn answer(&self, filed: Vec<Filed>, assets: Vec<Result<Asset, Error>>) {
        let mut notes = Vec::new();
        for (filed, asset) in filed.into_iter().zip(assets) {
            // A caller that went away needs no answer.
            drop(filed.reply.send(asset.map(|asset| Outcome::Asset(Box::new(asset)))));
            notes.extend(filed.notes);
        }
        Step::Answered.passed();
        for note in notes {
            if let Err(cause) = self.blobs.forget(note) {
                warn!(id = %note.id, %cause, "a note stays until the next start");
            }
        }
    }

    /// Takes back the names of a filing that the full disk refused, and answers it.
    fn undo(&self, filed: Filed) -> Result<(), Trouble> {
        for note in &filed.notes {
            self.blobs.remove(note.id, note.part)?;
        }
        synced(self.blobs.sync_assets())?;
        for note in &filed.notes {
            self.blobs.forget(*note)?;
        }
        drop(filed.reply.send(Err(Error::Full)));
        Ok(())
    }
}

impl Draft {
    fn into_asset(self, id: AssetId, now: Time, original: &Received, thumbnail: Preview) -> Asset {
        Asset {
            id,
            owner: self.owner,
            client: self.client,
            campaign: self.campaign,
            name: self.name.unwrap_or_else(|| Name::fallback(id, self.format)),
            tags: self.tags,
            size: original.size(),
            sha256: *original.sha256(),
            uploaded_at: now,
            format: self.format,
            facts: self.facts,
            thumbnail,
            waveform: self.waveform,
        }
    }
}

fn thumbnail_file(id: AssetId, preview: NewPreview) -> Option<(Note, Received)> {
    Some((Note { id, part: Part::Thumbnail }, preview.into_received()?))
}

/// Writes what a filing says.
fn write(batch: &mut Batch<'_>, record: &Record) -> Result<Result<Asset, Error>, catalog::Error> {
    match record {
        Record::New(asset) => {
            batch.insert(asset)?;
            Ok(Ok(Asset::clone(asset)))
        }
        Record::Thumbnail(id, preview) => {
            let Some(old) = batch.get(*id)? else {
                return Ok(Err(Error::NoAsset));
            };
            let new = Asset { thumbnail: *preview, ..old.clone() };
            batch.replace(&old, &new)?;
            Ok(Ok(new))
        }
    }
}

/// Does one edit. The outer error ends the round, the inner one is the caller's answer.
fn carry_out(batch: &mut Batch<'_>, edit: &Edit) -> Result<Result<Outcome, Error>, catalog::Error> {
    let find = |batch: &Batch<'_>, caller: Caller, id: AssetId, verb: Verb| {
        Ok::<_, catalog::Error>(match batch.get(id)? {
            Some(asset) => owned(&asset, caller, verb).map(|()| asset),
            None => Err(Error::NoAsset),
        })
    };
    match edit {
        Edit::Change(caller, id, changes) => match find(batch, *caller, *id, Verb::Change)? {
            Ok(old) => {
                let new = change::apply(&old, changes);
                batch.replace(&old, &new)?;
                Ok(Ok(Outcome::Asset(Box::new(new))))
            }
            Err(refused) => Ok(Err(refused)),
        },
        Edit::Remove(caller, id) => match find(batch, *caller, *id, Verb::Delete)? {
            Ok(asset) => {
                batch.remove(&asset)?;
                Ok(Ok(Outcome::Removed(vec![(asset.id, asset.format)])))
            }
            Err(refused) => Ok(Err(refused)),
        },
        Edit::RemoveGroup(caller, grouping, group) => {
            let owner = (!caller.is_admin()).then(|| caller.user());
            Ok(Ok(Outcome::Removed(batch.remove_group(owner, *grouping, group)?)))
        }
    }
}

impl Edit {
    fn caller(&self) -> Caller {
        match self {
            Edit::Change(caller, ..) | Edit::Remove(caller, _) | Edit::RemoveGroup(caller, ..) => *caller,
        }
    }
}

/// What the journal says of a round, in the order in which it was done.
fn entries(
    records: &[&Record],
    assets: &[Result<Asset, Error>],
    edits: &[(Edit, Reply)],
    outcomes: &[Result<Outcome, Error>],
) -> Result<Vec<Entry>, catalog::Error> {
    let unix_ms = since_epoch().as_millis() as u64;
    let mut entries = Vec::new();
    let put = |user, what, asset: &Asset| {
        Ok::<_, catalog::Error>(Entry { unix_ms, user, what, id: asset.id, record: catalog::encode(asset)? })
    };
    for (record, asset) in records.iter().zip(assets) {
        let Ok(asset) = asset else { continue };
        entries.push(match record {
            Record::New(_) => put(Some(asset.owner), What::Uploaded, asset)?,
            Record::Thumbnail(..) => put(None, What::Drawn, asset)?,
        });
    }
    for ((edit, _), outcome) in edits.iter().zip(outcomes) {
        let user = Some(edit.caller().user());
        match outcome {
            Ok(Outcome::Asset(asset)) => entries.push(put(user, What::Changed, asset)?),
            Ok(Outcome::Removed(removed)) => entries.extend(removed.iter().map(|(id, _)| Entry {
                unix_ms,
                user,
                what: What::Deleted,
                id: *id,
                record: Vec::new(),
            })),
            Err(_) => {}
        }
    }
    Ok(entries)
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
