//! Pages of a user's assets (API.md, 4).
//!
//! Client, campaign and kind are one range each way, so a page of theirs costs its own rows. Tags are ranges too, and
//! what must stand in several is found by leaping from one to the next. Only `q`, and a digest together with other
//! filters, look at records. A search (`q` or a tag beside something else) is cut short at a bound.

use std::cmp::Ordering;

use redb::{Range, ReadOnlyTable, ReadTransaction};
use unicode_normalization::UnicodeNormalization;

use super::Error;
use super::codec::{self, RecordV1};
use super::groups;
use super::tables::{ASSETS, BY_CAMPAIGN, BY_CLIENT, BY_CLIENT_CAMPAIGN, BY_TAG, IdBytes, TOTALS};
use super::walk::{Cost, Lane, Merge, Next, by_digest, by_pair, by_type, by_word};
use crate::asset::{Asset, AssetId, Digest, GroupId, Kind, Tags, UserId};

/// Which assets are wanted: all that is given must hold.
#[derive(Clone, Debug)]
pub struct Query {
    pub client: Option<GroupId>,
    pub campaign: Option<GroupId>,
    pub kind: Option<Kind>,
    /// As the caller wrote them: trimmed and brought to NFC here, as stored tags are. Empty ones count as absent.
    pub tags: Vec<String>,
    /// A part of the name, in NFC and lower case. An empty one counts as absent.
    pub q: Option<String>,
    pub sha256: Option<Digest>,
    /// Assets on a page, 1 and up (0 counts as 1). The caller bounds it.
    pub limit: usize,
    /// Matches to skip. They are walked over in the index.
    pub offset: u64,
    /// Only assets after this place in the list; need not exist.
    pub before: Option<AssetId>,
}

impl Default for Query {
    /// The first 50 assets.
    fn default() -> Query {
        Query {
            client: None,
            campaign: None,
            kind: None,
            tags: Vec::new(),
            q: None,
            sha256: None,
            limit: 50,
            offset: 0,
            before: None,
        }
    }
}

/// One page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    /// At most the limit; with `q` or a tag perhaps fewer, or none, though more follow.
    pub assets: Vec<Asset>,
    /// The place for `before` of the next page; `None` at the end. Without `q` and tags there is one only where that
    /// page holds something.
    pub next: Option<AssetId>,
    /// How much of `offset` is still to be skipped on the next page: 0 unless a search was cut short while skipping.
    pub skip: u64,
    /// Matches without paging; `None` with `q` or a tag.
    pub total: Option<u64>,
    /// What finding them has cost, in steps over neighbouring rows; the same for the same page of however large a store.
    pub cost: u64,
}

/// What only a record can tell.
struct Filter<'a> {
    client: Option<&'a str>,
    campaign: Option<&'a str>,
    kind: Option<Kind>,
    tags: &'a [String],
    q: Option<&'a str>,
}

impl Filter<'_> {
    fn is_empty(&self) -> bool {
        self.client.is_none()
            && self.campaign.is_none()
            && self.kind.is_none()
            && self.tags.is_empty()
            && self.q.is_none()
    }

    fn takes(&self, record: &RecordV1<'_>) -> bool {
        self.client.is_none_or(|client| record.client == Some(client))
            && self.campaign.is_none_or(|campaign| record.campaign == Some(campaign))
            && self.kind.is_none_or(|kind| record.kind() == kind)
            && self.tags.iter().all(|tag| record.tags.contains(&tag.as_str()))
            && self.q.is_none_or(|q| fold(record.name).contains(q))
    }
}

pub(super) fn list(txn: &ReadTransaction, owner: UserId, query: &Query) -> Result<Page, Error> {
    let tags = normal(&query.tags);
    let q = query.q.as_deref().map(fold).filter(|q| !q.is_empty());
    let client = query.client.as_ref().map(GroupId::as_str);
    let campaign = query.campaign.as_ref().map(GroupId::as_str);
    let is_search = q.is_some() || !tags.is_empty();
    let every_step_matches = q.is_none() && query.sha256.is_none() && {
        let ranges = tags.len() + usize::from(client.is_some() || campaign.is_some());
        ranges <= 1
    };
    let mut cost = if is_search && !every_step_matches { Cost::bounded() } else { Cost::unbounded() };
    let mut page = Page { assets: Vec::new(), next: None, skip: 0, total: None, cost: 0 };
    if tags.len() > Tags::MAX {
        // No asset bears so many.
        return Ok(page);
    }

    // What the ranges below do not tell.
    let filter = match query.sha256 {
        Some(_) => Filter { client, campaign, kind: query.kind, tags: &tags, q: q.as_deref() },
        None => Filter { client: None, campaign: None, kind: None, tags: &[], q: q.as_deref() },
    };
    let mut records = Records::open(txn)?;
    let keep = |records: &mut Records, id: AssetId, cost: &mut Cost| {
        if filter.is_empty() {
            return Ok(true);
        }
        cost.add(Cost::RECORD);
        records.look(id, |bytes| Ok(filter.takes(&codec::look(id, bytes)?)))
    };

    if !is_search {
        let total = match query.sha256 {
            None => {
                groups::total(
                    &txn.open_table(TOTALS)?,
                    owner,
                    query.client.as_ref(),
                    query.campaign.as_ref(),
                    query.kind,
                )?
                .count
            }
            Some(digest) => {
                let mut range = by_digest(txn, owner, digest, None)?;
                let mut count = 0;
                while let Some(id) = range.next()? {
                    cost.add(Cost::STEP);
                    count += u64::from(keep(&mut records, id, &mut cost)?);
                }
                count
            }
        };
        page.total = Some(total);
        if query.offset >= total {
            page.cost = cost.spent;
            return Ok(page);
        }
    }

    let mut lanes = Vec::new();
    if let Some(digest) = query.sha256 {
        lanes.push(Lane::new(by_digest(txn, owner, digest, query.before)?, Vec::new(), &mut cost)?);
    } else {
        for kind in Kind::ALL.into_iter().filter(|each| query.kind.is_none_or(|kind| kind == *each)) {
            let (whose, before) = ((owner, kind), query.before);
            let mut ranges = Vec::new();
            match (client, campaign) {
                (Some(client), Some(campaign)) => {
                    ranges.push(by_pair(txn, BY_CLIENT_CAMPAIGN, whose, (client, campaign), before)?);
                }
                (Some(client), None) => ranges.push(by_word(txn, BY_CLIENT, whose, client, before)?),
                (None, Some(campaign)) => ranges.push(by_word(txn, BY_CAMPAIGN, whose, campaign, before)?),
                (None, None) => {}
            }
            for tag in &tags {
                ranges.push(by_word(txn, BY_TAG, whose, tag, before)?);
            }
            let first = match ranges.pop() {
                Some(range) => range,
                None => by_type(txn, whose, before)?,
            };
            lanes.push(Lane::new(first, ranges, &mut cost)?);
        }
    }

    let limit = query.limit.max(1);
    let mut ids: Vec<AssetId> = Vec::new();
    let mut to_skip = query.offset;
    let mut merge = Merge(lanes);
    loop {
        match merge.next(&mut cost, |id, cost| keep(&mut records, id, cost))? {
            Next::End => break,
            Next::Pause(id) => {
                (page.next, page.skip) = (Some(id), to_skip);
                break;
            }
            Next::Match(_) if to_skip > 0 => to_skip -= 1,
            Next::Match(_) if ids.len() == limit => {
                page.next = ids.last().copied();
                break;
            }
            Next::Match(id) => ids.push(id),
        }
    }
    cost.add(ids.len() as u64 * Cost::RECORD);
    let mut records = Records::open(txn)?;
    let read = |id: &AssetId| records.look(*id, |bytes| codec::decode(*id, bytes));
    page.assets = ids.iter().map(read).collect::<Result<_, Error>>()?;
    page.cost = cost.spent;
    Ok(page)
}

/// Looks records up. Where one lies shortly below the last, as on a page, it is walked to.
struct Records {
    table: ReadOnlyTable<IdBytes, &'static [u8]>,
    range: Option<Range<'static, IdBytes, &'static [u8]>>,
    /// How often the next one lay too far away.
    far: u32,
}

impl Records {
    /// A record within so many is cheaper walked to than found anew.
    const NEAR: usize = 6;
    /// After so many that were not near, walking is given up.
    const MAX_FAR: u32 = 2;

    fn open(txn: &ReadTransaction) -> Result<Records, Error> {
        Ok(Records { table: txn.open_table(ASSETS)?, range: None, far: 0 })
    }

    fn look<T>(&mut self, id: AssetId, look: impl FnOnce(&[u8]) -> Result<T, Error>) -> Result<T, Error> {
        if self.far < Records::MAX_FAR {
            let range = match self.range.take() {
                Some(range) => range,
                None => self.table.range::<&[u8; 16]>(..=id.as_bytes())?,
            };
            for row in self.range.insert(range).rev().take(Records::NEAR) {
                let (key, bytes) = row?;
                match AssetId::from_bytes(*key.value()).cmp(&id) {
                    Ordering::Greater => {}
                    Ordering::Equal => return look(bytes.value()),
                    // It was passed before, or is not there.
                    Ordering::Less => break,
                }
            }
            self.range = None;
            self.far += 1;
        }
        let bytes = self.table.get(id.as_bytes())?.ok_or_else(|| lost(id))?;
        look(bytes.value())
    }
}

fn lost(id: AssetId) -> Error {
    Error::Damaged { id, flaw: "a row names it, and it is not there" }
}

/// The tags as they are stored, each once.
fn normal(tags: &[String]) -> Vec<String> {
    let mut normal: Vec<String> = tags.iter().map(|tag| tag.trim().nfc().collect()).collect();
    normal.retain(|tag| !tag.is_empty());
    normal.sort_unstable();
    normal.dedup();
    normal
}

/// Text as `q` compares it: NFC and lower case. Letter by letter, so that a part of a word folds as the whole does: a
/// capital sigma is always σ, as a final ς is.
fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let lower = text.nfc().flat_map(char::to_lowercase);
    lower.map(|c| if c == 'ς' { 'σ' } else { c }).nfc().collect()
}
