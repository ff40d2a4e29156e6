//! Bodies in scripted chunks, and a seeded generator of random numbers.

use std::task::Poll;

use assetd::http::form::{Form, FormError, PartHead};
use bytes::Bytes;
use futures_util::stream::poll_fn;
use futures_util::{FutureExt, Stream};

/// The one error a scripted body can have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Broken;

/// What a body does when it is polled.
#[derive(Clone, Debug)]
pub enum Act {
    Bring(Bytes),
    Wait,
    Break,
}

/// A body that does these things, and then ends. Polled behind its end, it panics.
pub fn body(acts: impl IntoIterator<Item = Act>) -> impl Stream<Item = Result<Bytes, Broken>> + Unpin {
    let mut acts: Vec<Act> = acts.into_iter().collect();
    acts.reverse();
    let mut ended = false;
    poll_fn(move |_| {
        assert!(!ended, "polled behind its end");
        match acts.pop() {
            Some(Act::Bring(bytes)) => Poll::Ready(Some(Ok(bytes))),
            Some(Act::Wait) => Poll::Pending,
            Some(Act::Break) => Poll::Ready(Some(Err(Broken))),
            None => {
                ended = true;
                Poll::Ready(None)
            }
        }
    })
}

/// Repeats a call until it has not to wait, its future dropped each time: so nothing may be lost by that.
#[macro_export]
macro_rules! persist {
    ($call:expr) => {
        loop {
            if let Some(result) = $call.now_or_never() {
                break result;
            }
        }
    };
}

pub type Parts = Vec<(PartHead, Vec<u8>)>;

/// All parts of a form, or what ended its reading, with the parts before.
pub fn read(
    content_type: &str,
    acts: impl IntoIterator<Item = Act>,
) -> (Parts, Result<(), FormError<Broken>>) {
    let mut parts = Parts::new();
    let outcome = read_into(content_type, acts, &mut parts);
    (parts, outcome)
}

fn read_into(
    content_type: &str,
    acts: impl IntoIterator<Item = Act>,
    parts: &mut Parts,
) -> Result<(), FormError<Broken>> {
    let mut form = Form::new(Some(content_type.as_bytes()), body(acts))?;
    while let Some(head) = persist!(form.next_part())? {
        parts.push((head, Vec::new()));
        while let Some(chunk) = persist!(form.chunk())? {
            assert!(!chunk.is_empty(), "an empty chunk");
            if let Some((_, data)) = parts.last_mut() {
                data.extend_from_slice(&chunk);
            }
        }
    }
    Ok(())
}

/// The form in one chunk, of the boundary `b`.
pub fn read_whole(text: impl AsRef<[u8]>) -> (Parts, Result<(), FormError<Broken>>) {
    let bytes = Bytes::copy_from_slice(text.as_ref());
    read("multipart/form-data; boundary=b", [Act::Bring(bytes)])
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers for the same seed.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    pub fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// The bytes in random chunks, empty ones and waits among them.
    pub fn chunks(&mut self, bytes: &[u8]) -> Vec<Act> {
        let whole = Bytes::copy_from_slice(bytes);
        let most = *self.pick(&[1, 2, 3, 7, 40, 300, 100_000]);
        let (mut acts, mut at) = (Vec::new(), 0);
        while at < whole.len() {
            if self.chance(4) {
                acts.push(Act::Wait);
            }
            if self.chance(8) {
                acts.push(Act::Bring(Bytes::new()));
            }
            let end = (at + 1 + self.below(most)).min(whole.len());
            acts.push(Act::Bring(whole.slice(at..end)));
            at = end;
        }
        acts
    }
}
