//! The life of an upload:
//!
//! 1. Receive: the bytes stream to `tmp/`, hashed and counted as they pass. ([`Receiver::chunk`])
//! 2. Sniff: the first 4 KiB say what the file is; a wrong type or a disguise is refused before anything is written (but
//!    for an mp4 under the name of a sound: whether that is one is seen in step 4).
//! 3. Compare with the digest that the client gave.
//! 4. Inspect: a worker process reads the facts and proves the structure.
//! 5. Draw and sync: the preview is drawn while the file goes to the disk; then the preview follows.
//! 6. Commit: the writer gives the id, links the files and writes the record. ([`super::writer`])
//!
//! Whatever goes wrong on the way, dropping what was received removes it.

use std::sync::Arc;

use super::step::Step;
use super::writer::{Draft, NewPreview};
use super::{Limits, Store, io_error, is_full, off_thread, refusal};
use crate::asset::claim::{kind_of_extension, kind_of_media_type, media_type_of_extension};
use crate::asset::{Asset, Digest, Facts, Flaw, Foreign, Format, GroupId, Kind, Name, Tags};
use crate::auth::Caller;
use crate::blobs::{Blobs, Incoming, Received};
use crate::error::Error;
use crate::worker::{HEAD_BYTES, Sniffed, sniff};

/// What the client says the file is. Display text and suspicion, nothing is decided by it.
#[derive(Clone, Default, Debug)]
pub struct Claims {
    pub file_name: Option<String>,
    /// The declared media type, with or without parameters.
    pub media_type: Option<String>,
}

/// The other fields of an upload.
#[derive(Clone, Default, Debug)]
pub struct Fields {
    pub client: Option<GroupId>,
    pub campaign: Option<GroupId>,
    /// Instead of the file's own.
    pub name: Option<Name>,
    pub tags: Tags,
    pub sha256: Option<Digest>,
}

/// Gathered before it is written and hashed off the serving threads, in one go for a small file.
const WRITE_BYTES: usize = 128 * 1024;

/// A file on its way in.
pub struct Receiver {
    blobs: Arc<Blobs>,
    limits: Limits,
    claims: Claims,
    /// Not yet written.
    buffer: Vec<u8>,
    /// Made when the first bytes are written.
    incoming: Option<Incoming>,
    /// Known once the head is here.
    verdict: Option<Verdict>,
    size: u64,
}

/// A file that came in whole, of an allowed type.
pub struct Arrived {
    received: Received,
    verdict: Verdict,
    claims: Claims,
}

/// What the head of a file comes to.
struct Verdict {
    format: Format,
    /// Set where it is claimed to be a sound and begins as a film: the refusal, unless there turns out to be only sound in it.
    disguise: Option<Error>,
}

impl Receiver {
    /// The next bytes of the file. An error is the answer to the upload.
    pub async fn chunk(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        self.size += bytes.len() as u64;
        if self.size > self.limits.max_upload_bytes {
            return Err(Error::TooLarge { max_bytes: self.limits.max_upload_bytes });
        }
        while !bytes.is_empty() {
            let room = WRITE_BYTES - self.buffer.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.buffer.extend_from_slice(now);
            bytes = later;
            if self.verdict.is_none() && self.buffer.len() >= HEAD_BYTES {
                self.verdict = Some(self.sniff()?);
            }
            if self.buffer.len() == WRITE_BYTES {
                self.write().await?;
            }
        }
        Ok(())
    }

    /// The file has ended.
    pub async fn finish(mut self) -> Result<Arrived, Error> {
        if self.size == 0 {
            return Err(Error::EmptyFile);
        }
        let verdict = match self.verdict.take() {
            Some(verdict) => verdict,
            None => self.sniff()?,
        };
        self.write().await?;
        let incoming = self.incoming.ok_or(Error::EmptyFile)?;
        Step::Received.passed();
        Ok(Arrived { received: incoming.finish(), verdict, claims: self.claims })
    }

    fn sniff(&self) -> Result<Verdict, Error> {
        let head = &self.buffer[..self.buffer.len().min(HEAD_BYTES)];
        judge(sniff(head), &self.claims)
    }

    async fn write(&mut self) -> Result<(), Error> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        let incoming = self.incoming.take();
        let blobs = Arc::clone(&self.blobs);
        let (incoming, buffer) = off_thread(move || {
            let incoming = match incoming {
                Some(incoming) => incoming,
                None => blobs.incoming()?,
            };
            let incoming = incoming.append(&buffer)?;
            buffer.clear();
            Ok((incoming, buffer))
        })
        .await?
        .map_err(io_error)?;
        self.incoming = Some(incoming);
        self.buffer = buffer;
        Ok(())
    }
}

/// The format the bytes are of, if it is allowed and neither the file's name nor its declared type speaks of another kind.
fn judge(sniffed: Sniffed, claims: &Claims) -> Result<Verdict, Error> {
    let declared = claims.media_type.as_deref().map(essence).filter(|declared| !declared.is_empty());
    let format = match sniffed {
        Sniffed::Allowed(format) => format,
        Sniffed::Foreign(foreign) => {
            let found = foreign.media_type().to_owned();
            return Err(Error::WrongType { found, remedy: foreign.remedy() });
        }
        Sniffed::Unknown => {
            let found = declared.unwrap_or_else(|| "application/octet-stream".to_owned());
            return Err(Error::WrongType { found, remedy: "" });
        }
    };
    let differs = |kind: &Kind| *kind != format.kind();
    // As it would be shown: what hides an extension from the eye must not hide it here.
    let shown = claims.file_name.as_deref().and_then(Name::of_file);
    let name = shown.as_ref().map(Name::as_str).unwrap_or_default();
    let by_type = declared.as_deref().and_then(kind_of_media_type).filter(differs);
    let by_name = kind_of_extension(name).filter(differs);
    let (claimed, declared) = match (by_type.zip(declared), by_name) {
        (Some(claim), _) => claim,
        (None, Some(kind)) => {
            (kind, media_type_of_extension(name).unwrap_or("application/octet-stream").to_owned())
        }
        (None, None) => return Ok(Verdict { format, disguise: None }),
    };
    let disguise = Error::Disguised { found: format.media_type(), declared };
    match (format.kind(), claimed) {
        // Many a brand of mp4 stands for sounds as well as films; what is in it is known once it is all here.
        (Kind::Video, Kind::Audio) => Ok(Verdict { format, disguise: Some(disguise) }),
        _ => Err(disguise),
    }
}

/// A media type without its parameters, in lower case, of the characters that RFC 9110, 8.3.1 allows and at a length that
/// a sentence can hold.
fn essence(media_type: &str) -> String {
    const MAX_LENGTH: usize = 127;
    let token = |c: &char| c.is_ascii_alphanumeric() || "/!#$&-^_.+".contains(*c);
    let text = media_type.split(';').next().unwrap_or_default().trim();
    text.chars().filter(token).take(MAX_LENGTH).collect::<String>().to_ascii_lowercase()
}

impl Store {
    /// Begins to receive a file.
    pub fn receive(&self, claims: Claims) -> Result<Receiver, Error> {
        self.0.writer.running()?;
        Ok(Receiver {
            blobs: Arc::clone(&self.0.blobs),
            limits: self.0.limits,
            claims,
            buffer: Vec::new(),
            incoming: None,
            verdict: None,
            size: 0,
        })
    }

    /// Bytes of a file, at most.
    pub fn max_upload_bytes(&self) -> u64 {
        self.0.limits.max_upload_bytes
    }

    /// Makes an asset of what arrived. When this is `Ok`, bytes and record are on stable storage.
    pub async fn accept(&self, caller: Caller, arrived: Arrived, fields: Fields) -> Result<Asset, Error> {
        let Arrived { received, verdict: Verdict { format, disguise }, claims } = arrived;
        if fields.sha256.is_some_and(|sha256| sha256 != *received.sha256()) {
            return Err(Error::DigestDiffers);
        }
        let facts = match (self.inspect(caller, &received, format).await, disguise) {
            (Err(Error::Broken { flaw: Flaw::OnlySound, .. }), Some(_)) => {
                let sound = Foreign::M4a;
                let found = sound.media_type().to_owned();
                return Err(Error::WrongType { found, remedy: sound.remedy() });
            }
            (Ok(_) | Err(Error::Broken { .. } | Error::TooManyPixels { .. }), Some(disguise)) => {
                return Err(disguise);
            }
            (facts, _) => facts?,
        };
        Step::Inspected.passed();
        let (received, preview) = self.draw_and_sync(caller, received, format, facts).await?;
        Step::Synced.passed();
        let draft = Draft {
            owner: caller.user(),
            client: fields.client,
            campaign: fields.campaign,
            name: fields.name.or_else(|| Name::of_file(claims.file_name.as_deref()?)),
            tags: fields.tags,
            format,
            facts,
        };
        self.0.writer.accept(draft, received, preview).await
    }

    /// A failed sync ends all writing: what the disk holds is in doubt, and trying again would hide it.
    pub(super) fn sync_error(&self, cause: std::io::Error) -> Error {
        if !is_full(&cause) {
            self.0.writer.stop("a sync failed");
        }
        io_error(cause)
    }

    async fn inspect(&self, caller: Caller, received: &Received, format: Format) -> Result<Facts, Error> {
        let probed = self.0.workers.probe(received.file(), format, caller.user()).await;
        probed.map_err(Error::fault)?.map_err(|why| refusal(why, format.kind(), &self.0.limits))
    }

    /// The file on the disk, and its preview beside it. An image's preview waits until it is asked for.
    async fn draw_and_sync(
        &self,
        caller: Caller,
        received: Received,
        format: Format,
        facts: Facts,
    ) -> Result<(Received, NewPreview), Error> {
        let file = received.file();
        let syncing = off_thread(move || received.sync().map(|()| received));
        let drawing = async {
            match format.kind() {
                Kind::Image => Ok(NewPreview::Pending),
                Kind::Audio | Kind::Video | Kind::Document => {
                    self.draw(file, format, facts, caller.user()).await
                }
            }
        };
        let (synced, drawn) = tokio::join!(syncing, drawing);
        Ok((synced?.map_err(|cause| self.sync_error(cause))?, drawn?))
    }
}
