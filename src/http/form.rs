//! A streaming reader of `multipart/form-data` (RFC 7578, on RFC 2046, 5.1).
//!
//! The body is scanned once and handed on in slices of the chunks it came in: what is kept is at most one part's
//! headers, or the beginning of what may be a delimiter. So memory does not grow with a file, a field, a part header,
//! a preamble or an epilogue. Lines have to end in CRLF: a bare LF is allowed inside a file, and taking it for a
//! line end would cut files in two.

mod delimiter;
mod head;
mod parameters;

use bytes::{Buf, Bytes};
use futures_util::{Stream, StreamExt};
use memchr::memmem;

use self::delimiter::{Delimiter, Verdict};
use self::head::BadHead;
pub use self::head::PartHead;

/// Parts of one form, at most (API.md, 3).
pub const MAX_PARTS: usize = 64;
/// A part's header lines with their line ends, at most (API.md, 3).
pub const MAX_HEAD_BYTES: usize = 8 * 1024;
/// All text fields of a form together, at most (API.md, 3).
pub const MAX_TEXT_BYTES: usize = 64 * 1024;
/// What may stand before the first boundary. No client of a form sends anything there; mail readers have a line.
pub const MAX_PREAMBLE_BYTES: usize = 8 * 1024;
/// What is read behind the closing boundary, so that the connection can be used again. Real clients send CRLF.
const MAX_EPILOGUE_BYTES: usize = 64 * 1024;

/// Why a form is refused. All but `Body` are the client's fault, and the words are for it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FormError<E> {
    #[error("Expected a multipart/form-data body")]
    NotForm,
    #[error("Multipart form is incomplete")]
    Incomplete,
    #[error("Multipart form does not begin with its boundary")]
    NoBoundary,
    #[error("Lines of a multipart form must end in CRLF")]
    LineFeed,
    #[error("The form has more than 64 parts")]
    TooManyParts,
    #[error("A part's headers are larger than 8 KiB")]
    HeadTooLarge,
    #[error("The text fields of the form are larger than 64 KiB together")]
    TextTooLarge,
    #[error("{0} is not UTF-8")]
    NotUtf8(String),
    #[error(transparent)]
    Head(#[from] BadHead),
    /// The body's own error: it broke off, or came too slowly.
    #[error("The request body could not be read")]
    Body(E),
}

/// A form that is being read.
///
/// [`next_part`](Form::next_part) gives the parts in turn, [`chunk`](Form::chunk) or [`text`](Form::text) what is in
/// one. Dropping a future of these loses nothing: the next call goes on where it was.
pub struct Form<S> {
    body: S,
    delimiter: Delimiter,
    /// Bytes that came and were not looked at yet.
    rest: Bytes,
    /// In `Head`: the header lines so far, behind the CRLF of the delimiter's line. Else: the beginning of what may
    /// become a delimiter, where the bytes at hand ended in it.
    held: Vec<u8>,
    /// How many leading bytes of `held` are no data: the CRLF that ends the head (or stands, as if, before the whole
    /// body) may also be the delimiter's.
    borrowed: usize,
    state: State,
    parts: usize,
    text_bytes: usize,
    /// Bytes of the preamble, or of the epilogue, so far.
    skipped_bytes: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Preamble,
    Head,
    Part,
    Epilogue,
    Ended,
    /// After an error: a form that failed must not look like one that ended.
    Failed,
}

/// One step of the scan.
enum Step {
    Data(Bytes),
    /// A delimiter's line; a head follows.
    Boundary,
    /// The closing delimiter.
    Close,
    /// A delimiter whose line ends in a bare LF, where no data is expected.
    LineFeed,
}

impl<S, E> Form<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    /// `content_type` is the request's header. Refused with `NotForm` unless it is `multipart/form-data` with one
    /// boundary of 1 to 70 of the characters that RFC 2046, 5.1.1 allows.
    pub fn new(content_type: Option<&[u8]>, body: S) -> Result<Form<S>, FormError<E>> {
        let delimiter = content_type.and_then(Delimiter::from_content_type).ok_or(FormError::NotForm)?;
        Ok(Form {
            body,
            delimiter,
            rest: Bytes::new(),
            held: LINE_END.to_vec(),
            borrowed: LINE_END.len(),
            state: State::Preamble,
            parts: 0,
            text_bytes: 0,
            skipped_bytes: 0,
        })
    }

    /// The head of the next part, whatever was left of the last one skipped; `None` behind the closing boundary, the
    /// epilogue read.
    pub async fn next_part(&mut self) -> Result<Option<PartHead>, FormError<E>> {
        let head = self.part_after().await;
        if head.is_err() {
            self.state = State::Failed;
        }
        head
    }

    /// The next bytes of the current part, never none; `None` at its end, or where there is no part.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, FormError<E>> {
        let chunk = match self.state {
            State::Part => self.piece().await,
            State::Failed => Err(FormError::Incomplete),
            _ => Ok(None),
        };
        if chunk.is_err() {
            self.state = State::Failed;
        }
        chunk
    }

    /// All that is left of the current part, as text. `name` is the field's, for the refusal.
    pub async fn text(&mut self, name: &str) -> Result<String, FormError<E>> {
        let mut text = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            self.text_bytes = self.text_bytes.saturating_add(chunk.len());
            if self.text_bytes > MAX_TEXT_BYTES {
                self.state = State::Failed;
                return Err(FormError::TextTooLarge);
            }
            text.extend_from_slice(&chunk);
        }
        String::from_utf8(text).map_err(|_| FormError::NotUtf8(format!("Form field {name}")))
    }

    /// The body, to read on after a refusal.
    pub fn into_body(self) -> S {
        self.body
    }

    async fn part_after(&mut self) -> Result<Option<PartHead>, FormError<E>> {
        loop {
            match self.state {
                State::Preamble => self.skip_preamble().await?,
                State::Part => while self.piece().await?.is_some() {},
                State::Head => return self.read_head().await.map(Some),
                State::Epilogue => self.skip_epilogue().await?,
                State::Ended => return Ok(None),
                State::Failed => return Err(FormError::Incomplete),
            }
        }
    }

    async fn skip_preamble(&mut self) -> Result<(), FormError<E>> {
        while let Some(piece) = self.piece().await? {
            self.skipped_bytes = self.skipped_bytes.saturating_add(piece.len());
            if self.skipped_bytes > MAX_PREAMBLE_BYTES {
                return Err(FormError::NoBoundary);
            }
        }
        self.skipped_bytes = 0;
        Ok(())
    }

    /// Reads on until the body ends, within a bound.
    async fn skip_epilogue(&mut self) -> Result<(), FormError<E>> {
        while self.skipped_bytes <= MAX_EPILOGUE_BYTES {
            self.skipped_bytes = self.skipped_bytes.saturating_add(self.rest.len());
            self.rest = Bytes::new();
            match self.body.next().await {
                Some(bytes) => self.rest = bytes.map_err(FormError::Body)?,
                None => break,
            }
        }
        self.rest = Bytes::new();
        self.state = State::Ended;
        Ok(())
    }

    /// Data up to the next delimiter; `None` when that is reached, and `state` says what follows it.
    async fn piece(&mut self) -> Result<Option<Bytes>, FormError<E>> {
        loop {
            let step = match self.advance() {
                Some(step) => step,
                None => match self.body.next().await {
                    Some(bytes) => {
                        self.rest = bytes.map_err(FormError::Body)?;
                        continue;
                    }
                    None if self.delimiter.closes(&self.held) => {
                        self.state = State::Ended;
                        return Ok(None);
                    }
                    None => return Err(FormError::Incomplete),
                },
            };
            match step {
                Step::Data(data) => return Ok(Some(data)),
                Step::Boundary => {
                    self.state = State::Head;
                    self.held.clear();
                    self.held.extend_from_slice(LINE_END);
                }
                Step::Close => {
                    self.state = State::Epilogue;
                    self.held.clear();
                }
                Step::LineFeed => return Err(FormError::LineFeed),
            }
            self.borrowed = 0;
            return Ok(None);
        }
    }

    /// The next step that the bytes at hand allow; `None` when all of them are looked at.
    fn advance(&mut self) -> Option<Step> {
        if self.rest.is_empty() {
            return None;
        }
        if !self.held.is_empty() {
            match self.advance_held() {
                Held::Dropped => {}
                Held::Longer => return None,
                Held::Step(step) => return Some(step),
            }
        }
        self.scan()
    }

    /// Lays what came behind what is held, and judges both as one. Copies no more than a delimiter's line.
    fn advance_held(&mut self) -> Held {
        let before = self.held.len();
        let room = self.delimiter.longest_line().saturating_sub(before);
        let more = self.rest.get(..room).unwrap_or(&self.rest);
        let taken = more.len();
        self.held.extend_from_slice(more);
        match self.delimiter.judge(&self.held) {
            Verdict::Undecided => {
                self.rest.advance(taken);
                return Held::Longer;
            }
            Verdict::Boundary(length) => {
                self.rest.advance(length.saturating_sub(before).min(taken));
                return Held::Step(Step::Boundary);
            }
            Verdict::Close => return Held::Step(Step::Close),
            Verdict::LineFeed if self.state == State::Preamble => return Held::Step(Step::LineFeed),
            Verdict::LineFeed | Verdict::Data => {}
        }
        // It was data. No delimiter can begin inside of it (see `Delimiter::judge`), so only what came is scanned.
        self.held.truncate(before);
        let data = self.held.get(self.borrowed..).unwrap_or_default();
        let data = Bytes::copy_from_slice(data);
        self.held.clear();
        self.borrowed = 0;
        if data.is_empty() { Held::Dropped } else { Held::Step(Step::Data(data)) }
    }

    /// Looks for a delimiter in `rest`, nothing being held.
    fn scan(&mut self) -> Option<Step> {
        let mut from = 0;
        let end = loop {
            let Some(at) = self.delimiter.find(&self.rest, from) else {
                break self.delimiter.begins_at(&self.rest);
            };
            match self.delimiter.judge(self.rest.get(at..).unwrap_or_default()) {
                Verdict::Boundary(length) if at == 0 => {
                    self.rest.advance(length.min(self.rest.len()));
                    return Some(Step::Boundary);
                }
                Verdict::Close if at == 0 => return Some(Step::Close),
                Verdict::LineFeed if at == 0 && self.state == State::Preamble => return Some(Step::LineFeed),
                Verdict::LineFeed if self.state != State::Preamble => from = self.delimiter.behind(at),
                Verdict::Data => from = self.delimiter.behind(at),
                // The data before it first; the next call finds it at 0.
                Verdict::Boundary(_) | Verdict::Close | Verdict::LineFeed | Verdict::Undecided => break at,
            }
        };
        // `end` is an index of `rest`, or its length.
        let data = self.rest.split_to(end.min(self.rest.len()));
        if data.is_empty() {
            self.held.extend_from_slice(&self.rest);
            self.rest = Bytes::new();
            return None;
        }
        Some(Step::Data(data))
    }

    async fn read_head(&mut self) -> Result<PartHead, FormError<E>> {
        if self.parts == MAX_PARTS {
            return Err(FormError::TooManyParts);
        }
        loop {
            // The head with the CRLF before it and the empty line behind it.
            let room = (MAX_HEAD_BYTES + HEAD_END.len()).saturating_sub(self.held.len());
            let more = self.rest.get(..room).unwrap_or(&self.rest);
            let taken = more.len();
            // The end may lie across what was here and what came.
            let from = self.held.len().saturating_sub(HEAD_END.len() - 1);
            self.held.extend_from_slice(more);
            let tail = self.held.get(from..).unwrap_or_default();
            if let Some(at) = memmem::find(tail, HEAD_END) {
                let unread = tail.len().saturating_sub(at + HEAD_END.len());
                self.rest.advance(taken.saturating_sub(unread));
                let lines = self.held.get(LINE_END.len()..from + at).unwrap_or_default();
                let head = PartHead::parse(lines)?;
                self.parts += 1;
                self.state = State::Part;
                // A part may have no body at all, and then the empty line is the beginning of the delimiter.
                self.held.clear();
                self.held.extend_from_slice(LINE_END);
                self.borrowed = LINE_END.len();
                return Ok(head);
            }
            if taken == room {
                return Err(FormError::HeadTooLarge);
            }
            self.rest = Bytes::new();
            match self.body.next().await {
                Some(bytes) => self.rest = bytes.map_err(FormError::Body)?,
                None => return Err(FormError::Incomplete),
            }
        }
    }
}

/// What became of the held bytes.
enum Held {
    /// They were no data and no delimiter: the CRLF before a part's first byte.
    Dropped,
    /// Still undecided, and all that came is held now.
    Longer,
    Step(Step),
}

const LINE_END: &[u8] = b"\r\n";
const HEAD_END: &[u8] = b"\r\n\r\n";
