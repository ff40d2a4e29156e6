//! The writer's own side: one round after another, each one transaction.

use std::collections::HashSet;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;
use tracing::{error, warn};

use super::{Command, Draft, Edit, Filing, NewPreview, Outcome, Reply};
use crate::asset::{Asset, AssetId, Name, Preview, Time};
use crate::auth::Caller;
use crate::blobs::{Blobs, Note, Part, Received};
use crate::catalog::{self, Batch, Catalog};
use crate::error::{Error, Verb};
use crate::journal::{Entry, Journal, What};
use crate::store::step::Step;
use crate::store::{change, is_full, owned};

/// Commands in one transaction, at most: more would make the first wait longer than the group gains.
const MAX_ROUND: usize = 256;
/// Unlinked assets kept in `doomed` until `assets/` is synced anyway; past this it is synced for their sake.
const MAX_UNLINKED: usize = 1024;

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

/// What each caller of a round is answered, in its order.
type Answers<T> = Vec<Result<T, Error>>;

/// What a filing writes.
enum Record {
    New(Box<Asset>),
    Preview(AssetId, Preview),
}

/// What the writer's thread owns.
pub(super) struct Thread {
    pub blobs: Arc<Blobs>,
    pub catalog: Arc<Catalog>,
    pub journal: Journal,
    /// The last id ever given.
    pub last_id: AssetId,
    /// Still in `doomed`; their files are unlinked, but that may not be on disk yet.
    pub unlinked: Vec<AssetId>,
    pub stopped: Arc<OnceLock<&'static str>>,
}

impl Thread {
    pub(super) fn run(mut self, mut waiting: mpsc::Receiver<Command>) {
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
                Filing::New(draft, original, preview) => {
                    let id = AssetId::after(self.last_id, now.as_millis() as u64);
                    self.last_id = id;
                    let now = Time::from_unix(now.as_secs());
                    let asset = draft.into_asset(id, now, &original, preview.recorded());
                    let mut files = vec![(Note { id, part: Part::Original(asset.format) }, original)];
                    files.extend(preview_file(&asset, preview));
                    (Record::New(Box::new(asset)), files)
                }
                Filing::Preview(id, preview) => match self.catalog.get(id)? {
                    None => {
                        drop(reply.send(Err(Error::NoAsset)));
                        continue;
                    }
                    Some(asset) if asset.preview() != Preview::Pending || !late.insert(id) => {
                        drop(reply.send(Ok(Outcome::Asset(Box::new(asset)))));
                        continue;
                    }
                    Some(asset) => {
                        let record = Record::Preview(id, preview.recorded());
                        (record, preview_file(&asset, preview).into_iter().collect())
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
    fn commit(
        &mut self,
        records: &[&Record],
        edits: &[(Edit, Reply)],
        settling: bool,
    ) -> Result<(Answers<Asset>, Answers<Outcome>), Trouble> {
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
    fn into_asset(self, id: AssetId, now: Time, original: &Received, preview: Preview) -> Asset {
        let asset = Asset {
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
            thumbnail: Preview::Impossible,
            waveform: Preview::Impossible,
        };
        asset.with_preview(preview)
    }
}

fn preview_file(asset: &Asset, preview: NewPreview) -> Option<(Note, Received)> {
    let note = Note { id: asset.id, part: Part::preview(asset.kind()) };
    Some((note, preview.into_received()?))
}

/// Writes what a filing says.
fn write(batch: &mut Batch<'_>, record: &Record) -> Result<Result<Asset, Error>, catalog::Error> {
    match record {
        Record::New(asset) => {
            batch.insert(asset)?;
            Ok(Ok(Asset::clone(asset)))
        }
        Record::Preview(id, preview) => {
            let Some(old) = batch.get(*id)? else {
                return Ok(Err(Error::NoAsset));
            };
            let new = old.clone().with_preview(*preview);
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
            Record::Preview(..) => put(None, What::Drawn, asset)?,
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
