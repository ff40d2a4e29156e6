//! Totals: of a user, of a client, of a campaign.

use redb::ReadableTable;

use super::Error;
use super::tables::TotalKey;
use crate::asset::{GroupId, Grouping, Kind, UserId};

/// How many assets, and how many bytes their files have.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Totals {
    pub count: u64,
    pub bytes: u64,
}

/// A client or a campaign and what it holds; the count is at least 1.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupTotals {
    pub id: GroupId,
    pub count: u64,
    pub bytes: u64,
}

impl Totals {
    pub(super) fn from_row(row: Option<(u64, u64)>) -> Totals {
        let (count, bytes) = row.unwrap_or_default();
        Totals { count, bytes }
    }

    fn add(&mut self, row: (u64, u64)) {
        self.count = self.count.saturating_add(row.0);
        self.bytes = self.bytes.saturating_add(row.1);
    }
}

/// The smallest text that sorts behind `text`: no group's id holds the character 0, so the next row stands there.
fn behind(text: &str) -> String {
    format!("{text}\0")
}

/// What `owner` has under the filters given.
pub(super) fn total(
    table: &impl ReadableTable<TotalKey, (u64, u64)>,
    owner: UserId,
    client: Option<&GroupId>,
    campaign: Option<&GroupId>,
    kind: Option<Kind>,
) -> Result<Totals, Error> {
    let client = client.map_or("", GroupId::as_str);
    let campaign = campaign.map_or("", GroupId::as_str);
    let mut totals = Totals::default();
    for each in Kind::ALL {
        if kind.is_none_or(|kind| kind == each) {
            let row = table.get((owner.number(), client, campaign, each as u8))?;
            totals.add(row.map(|row| row.value()).unwrap_or_default());
        }
    }
    Ok(totals)
}

/// The groups of one sort that `owner`'s assets name, by id ascending.
pub(super) fn groups(
    table: &impl ReadableTable<TotalKey, (u64, u64)>,
    owner: UserId,
    grouping: Grouping,
) -> Result<Vec<GroupTotals>, Error> {
    let owner = owner.number();
    let mut groups: Vec<GroupTotals> = Vec::new();
    // Rows of clients stand behind all rows without one; rows of campaigns among these, behind the user's own.
    let first = behind("");
    let (mut from, end) = match grouping {
        Grouping::Client => ((owner, first.clone(), String::new()), (owner + 1, "")),
        Grouping::Campaign => ((owner, String::new(), first.clone()), (owner, first.as_str())),
    };
    'seek: loop {
        let start = (from.0, from.1.as_str(), from.2.as_str(), 0);
        for row in table.range(start..(end.0, end.1, "", 0))? {
            let (key, value) = row?;
            let (_, client, campaign, _) = key.value();
            let text = match grouping {
                Grouping::Client if campaign.is_empty() => client,
                Grouping::Campaign => campaign,
                // The client's campaigns follow its own rows: skip to the next client.
                Grouping::Client => {
                    from = (owner, behind(client), String::new());
                    continue 'seek;
                }
            };
            let (count, bytes) = value.value();
            match groups.last_mut() {
                Some(last) if last.id.as_str() == text => {
                    last.count = last.count.saturating_add(count);
                    last.bytes = last.bytes.saturating_add(bytes);
                }
                _ => {
                    let id = text.parse().map_err(|_| Error::because("a row of totals names no group"))?;
                    groups.push(GroupTotals { id, count, bytes });
                }
            }
        }
        return Ok(groups);
    }
}

/// The users whose assets name a group, ascending. Skips from user to user, so it costs the users, not their rows.
pub(super) fn owners(
    table: &impl ReadableTable<TotalKey, (u64, u64)>,
    grouping: Grouping,
    id: &GroupId,
) -> Result<Vec<UserId>, Error> {
    let (client, campaign) = match grouping {
        Grouping::Client => (id.as_str(), ""),
        Grouping::Campaign => ("", id.as_str()),
    };
    let mut owners = Vec::new();
    let mut owner = 0;
    // Each turn goes to a later user, or from a user to their rows.
    while let Some(row) = table.range((owner, client, campaign, 0)..)?.next() {
        let key = row?.0;
        let found = key.value();
        if found.0 > owner {
            owner = found.0;
            // This user's rows begin before the place looked at, or at it.
            if (found.1, found.2) != (client, campaign) {
                continue;
            }
        }
        if (found.1, found.2) == (client, campaign) {
            owners.extend(UserId::new(owner));
        }
        owner += 1;
    }
    Ok(owners)
}
