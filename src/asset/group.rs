//! Clients and campaigns: the two ways assets are grouped.

use std::fmt;
use std::str::FromStr;

/// Names a client or a campaign: 1 to 128 characters of `A-Z a-z 0-9 . _ : -`, but not `.` or `..`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct GroupId(String);

/// The text names no client or campaign. The sentence goes behind the field's name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be 1 to 128 characters of A-Z a-z 0-9 . _ : -, and not . or ..")]
pub struct BadGroupId;

impl GroupId {
    const MAX_LENGTH: usize = 128;

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for GroupId {
    type Err = BadGroupId;

    fn from_str(text: &str) -> Result<GroupId, BadGroupId> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
        let length = 1..=GroupId::MAX_LENGTH;
        if length.contains(&text.len()) && text.bytes().all(allowed) && text != "." && text != ".." {
            Ok(GroupId(text.to_owned()))
        } else {
            Err(BadGroupId)
        }
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// Which of the two groupings.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Grouping {
    Client,
    Campaign,
}

impl Grouping {
    /// The field of a form or a query that names one.
    pub fn field(self) -> &'static str {
        match self {
            Grouping::Client => "clientId",
            Grouping::Campaign => "campaignId",
        }
    }
}

impl fmt::Display for Grouping {
    /// The word that begins a sentence.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Grouping::Client => "Client",
            Grouping::Campaign => "Campaign",
        })
    }
}
