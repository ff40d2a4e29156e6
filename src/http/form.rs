//! A streaming reader of `multipart/form-data` (RFC 7578, on RFC 2046, 5.1).
//!
//! The body is scanned once and handed on in slices of the chunks it came in: what is kept is at most one part's
//! headers, or the beginning of what may be a delimiter. So memory does not grow with a file, a field, a part header,
//! a preamble or an epilogue. Lines have to end in CRLF: a bare LF is allowed inside a file, and taking it for a
//! line end would cut files in two.

mod delimiter;
mod head;
mod parameters;
mod scan;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};

use self::delimiter::Delimiter;
pub use self::head::{BadHead, PartHead};
use self::scan::{HeadStep, Scan, Step};

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
/// one. Dropping a future of the first two loses nothing: the next call goes on where it was.
pub struct Form<S> {
    body: S,
    scan: Scan,
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
            scan: Scan::new(delimiter),
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
            self.skipped_bytes = self.skipped_bytes.saturating_add(self.scan.skip());
            match self.body.next().await {
                Some(bytes) => self.scan.feed(bytes.map_err(FormError::Body)?),
                None => break,
            }
        }
        self.scan.skip();
        self.state = State::Ended;
        Ok(())
    }

    /// Data up to the next delimiter; `None` when that is reached, and `state` says what follows it.
    async fn piece(&mut self) -> Result<Option<Bytes>, FormError<E>> {
        loop {
            match self.scan.advance(self.state == State::Preamble) {
                Some(Step::Data(data)) => return Ok(Some(data)),
                Some(Step::Boundary) => self.state = State::Head,
                Some(Step::Close) => self.state = State::Epilogue,
                Some(Step::LineFeed) => return Err(FormError::LineFeed),
                None => match self.body.next().await {
                    Some(bytes) => {
                        self.scan.feed(bytes.map_err(FormError::Body)?);
                        continue;
                    }
                    // The body is not polled again.
                    None if self.scan.closes() => self.state = State::Ended,
                    None => return Err(FormError::Incomplete),
                },
            }
            return Ok(None);
        }
    }

    async fn read_head(&mut self) -> Result<PartHead, FormError<E>> {
        if self.parts == MAX_PARTS {
            return Err(FormError::TooManyParts);
        }
        loop {
            match self.scan.head(MAX_HEAD_BYTES, PartHead::parse) {
                HeadStep::Head(head) => {
                    self.parts += 1;
                    self.state = State::Part;
                    return Ok(head?);
                }
                HeadStep::TooLarge => return Err(FormError::HeadTooLarge),
                HeadStep::More => match self.body.next().await {
                    Some(bytes) => self.scan.feed(bytes.map_err(FormError::Body)?),
                    None => return Err(FormError::Incomplete),
                },
            }
        }
    }
}
