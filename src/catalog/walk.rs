//! Walking indexes from the newest id to the oldest: one range, the ids that several ranges share, and a merge of kinds.

use std::ops::Bound;

use redb::{Range, ReadTransaction, StorageError, TableDefinition};

use super::Error;
use super::tables::{BY_DIGEST, BY_TYPE, PairKey, RowKey, WordKey};
use crate::asset::{AssetId, Digest, Kind, UserId};

/// What a walk has cost, in steps over rows that lie side by side (about 0.1 µs each), and what it may cost.
pub(super) struct Cost {
    pub spent: u64,
    bound: u64,
}

impl Cost {
    /// One row.
    pub const STEP: u64 = 1;
    /// A range entered anew.
    const SEEK: u64 = 20;
    /// A record found and looked at.
    pub const RECORD: u64 = 20;
    /// The most that one page of a search costs: 4 ms or so, 2,000 records looked at. A page that reaches it is cut
    /// short, and the next goes on from there (API.md, 4).
    const MOST: u64 = 40_000;

    /// For a walk each step of which is a match: what it costs is what was asked for.
    pub fn unbounded() -> Cost {
        Cost { spent: 0, bound: u64::MAX }
    }

    /// For a search.
    pub fn bounded() -> Cost {
        Cost { spent: 0, bound: Cost::MOST }
    }

    pub fn add(&mut self, cost: u64) {
        self.spent = self.spent.saturating_add(cost);
    }

    fn is_reached(&self) -> bool {
        self.spent >= self.bound
    }
}

/// One range of one index, newest first.
pub(super) trait Index {
    fn next(&mut self) -> Result<Option<AssetId>, Error>;
    /// Goes on at the newest id that is not above `id`.
    fn seek(&mut self, id: AssetId) -> Result<(), Error>;
}

/// `open` gives the range up to a bound.
struct Scan<K: RowKey + 'static, O> {
    open: O,
    range: Range<'static, K, ()>,
}

impl<K, O> Scan<K, O>
where
    K: RowKey + 'static,
    O: Fn(Bound<&[u8; 16]>) -> Result<Range<'static, K, ()>, StorageError>,
{
    fn new(open: O, before: Option<AssetId>) -> Result<Scan<K, O>, Error> {
        let range = match &before {
            Some(id) => open(Bound::Excluded(id.as_bytes()))?,
            None => open(Bound::Included(AssetId::MAX.as_bytes()))?,
        };
        Ok(Scan { open, range })
    }
}

impl<K, O> Index for Scan<K, O>
where
    K: RowKey + 'static,
    O: Fn(Bound<&[u8; 16]>) -> Result<Range<'static, K, ()>, StorageError>,
{
    fn next(&mut self) -> Result<Option<AssetId>, Error> {
        match self.range.next_back() {
            Some(row) => Ok(Some(K::id(row?.0.value()))),
            None => Ok(None),
        }
    }

    fn seek(&mut self, id: AssetId) -> Result<(), Error> {
        self.range = (self.open)(Bound::Included(id.as_bytes()))?;
        Ok(())
    }
}

const FIRST: &[u8; 16] = &[0; 16];

/// `owner`'s assets of a kind, those before `before`.
pub(super) fn by_type<'a>(
    txn: &ReadTransaction,
    (owner, kind): (UserId, Kind),
    before: Option<AssetId>,
) -> Result<Box<dyn Index + 'a>, Error> {
    let (owner, kind) = (owner.number(), kind as u8);
    let table = txn.open_table(BY_TYPE)?;
    let open = move |end: Bound<&[u8; 16]>| {
        table.range::<(u64, u8, &[u8; 16])>((
            Bound::Included((owner, kind, FIRST)),
            end.map(|id| (owner, kind, id)),
        ))
    };
    Ok(Box::new(Scan::new(open, before)?))
}

/// Those of them that bear a word: a client, a campaign or a tag, as `table` says.
pub(super) fn by_word<'a>(
    txn: &ReadTransaction,
    table: TableDefinition<WordKey, ()>,
    (owner, kind): (UserId, Kind),
    word: &'a str,
    before: Option<AssetId>,
) -> Result<Box<dyn Index + 'a>, Error> {
    let (owner, kind) = (owner.number(), kind as u8);
    let table = txn.open_table(table)?;
    let open = move |end: Bound<&[u8; 16]>| {
        let start = Bound::Included((owner, word, kind, FIRST));
        table.range::<(u64, &str, u8, &[u8; 16])>((start, end.map(|id| (owner, word, kind, id))))
    };
    Ok(Box::new(Scan::new(open, before)?))
}

/// Those of them that name a client and a campaign.
pub(super) fn by_pair<'a>(
    txn: &ReadTransaction,
    table: TableDefinition<PairKey, ()>,
    (owner, kind): (UserId, Kind),
    (client, campaign): (&'a str, &'a str),
    before: Option<AssetId>,
) -> Result<Box<dyn Index + 'a>, Error> {
    let (owner, kind) = (owner.number(), kind as u8);
    let table = txn.open_table(table)?;
    let open = move |end: Bound<&[u8; 16]>| {
        let start = Bound::Included((owner, client, campaign, kind, FIRST));
        table.range::<(u64, &str, &str, u8, &[u8; 16])>((
            start,
            end.map(|id| (owner, client, campaign, kind, id)),
        ))
    };
    Ok(Box::new(Scan::new(open, before)?))
}

/// `owner`'s assets, of all kinds, whose file has a digest.
pub(super) fn by_digest<'a>(
    txn: &ReadTransaction,
    owner: UserId,
    digest: Digest,
    before: Option<AssetId>,
) -> Result<Box<dyn Index + 'a>, Error> {
    let owner = owner.number();
    let table = txn.open_table(BY_DIGEST)?;
    let open = move |end: Bound<&[u8; 16]>| {
        let start = Bound::Included((owner, &digest, FIRST));
        table.range::<(u64, &Digest, &[u8; 16])>((start, end.map(|id| (owner, &digest, id))))
    };
    Ok(Box::new(Scan::new(open, before)?))
}

/// A range and the id it has come to.
struct Cursor<'a> {
    index: Box<dyn Index + 'a>,
    head: Option<AssetId>,
}

impl Cursor<'_> {
    fn step(&mut self, cost: &mut Cost) -> Result<Option<AssetId>, Error> {
        cost.add(Cost::STEP);
        self.head = self.index.next()?;
        Ok(self.head)
    }

    /// Goes to the newest id that is not above `id`.
    fn reach(&mut self, id: AssetId, cost: &mut Cost) -> Result<Option<AssetId>, Error> {
        /// What is at most so far away is cheaper walked to than sought.
        const NEAR: usize = 8;
        for _ in 0..NEAR {
            match self.head {
                Some(head) if head > id => self.step(cost)?,
                head => return Ok(head),
            };
        }
        if self.head.is_some_and(|head| head > id) {
            cost.add(Cost::SEEK);
            self.index.seek(id)?;
            self.step(cost)?;
        }
        Ok(self.head)
    }
}

/// What a walk comes to next.
#[derive(Clone, Copy)]
pub(super) enum Next {
    Match(AssetId),
    /// The bound is reached: whatever is not below this id has been decided.
    Pause(AssetId),
    End,
}

/// The ids that stand in all of some ranges.
pub(super) struct Lane<'a> {
    first: Cursor<'a>,
    others: Vec<Cursor<'a>>,
}

impl<'a> Lane<'a> {
    pub fn new(
        first: Box<dyn Index + 'a>,
        others: Vec<Box<dyn Index + 'a>>,
        cost: &mut Cost,
    ) -> Result<Lane<'a>, Error> {
        let mut begin = |index| {
            let mut cursor = Cursor { index, head: None };
            cursor.step(cost)?;
            Ok::<_, Error>(cursor)
        };
        let first = begin(first)?;
        let others = others.into_iter().map(begin).collect::<Result<_, _>>()?;
        Ok(Lane { first, others })
    }

    /// The next id to decide.
    fn candidate(&self) -> Option<AssetId> {
        self.first.head
    }

    /// Whether all ranges hold the candidate, which is passed.
    fn decide(&mut self, id: AssetId, cost: &mut Cost) -> Result<bool, Error> {
        for other in &mut self.others {
            match other.reach(id, cost)? {
                Some(head) if head == id => {}
                Some(older) => {
                    // They share nothing above it.
                    self.first.reach(older, cost)?;
                    return Ok(false);
                }
                None => {
                    self.first.head = None;
                    return Ok(false);
                }
            }
        }
        self.first.step(cost)?;
        Ok(true)
    }
}

/// Several lanes as one, newest first. No id stands in two.
pub(super) struct Merge<'a>(pub Vec<Lane<'a>>);

impl Merge<'_> {
    /// The next id that a lane holds and `keep` takes. Ids are decided from the newest on, at least one in each call, so a
    /// walk that is taken up at each pause comes to its end.
    pub fn next(
        &mut self,
        cost: &mut Cost,
        mut keep: impl FnMut(AssetId, &mut Cost) -> Result<bool, Error>,
    ) -> Result<Next, Error> {
        loop {
            let newest = self.0.iter_mut().max_by_key(|lane| lane.candidate());
            let Some((lane, id)) = newest.and_then(|lane| lane.candidate().map(|id| (lane, id))) else {
                return Ok(Next::End);
            };
            if lane.decide(id, cost)? && keep(id, cost)? {
                return Ok(Next::Match(id));
            }
            if cost.is_reached() {
                return Ok(Next::Pause(id));
            }
        }
    }
}
