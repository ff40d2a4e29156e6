//! The JSON body of a `PATCH` (API.md, 6), read strictly: what is not understood is refused, not dropped.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::asset::group::BadGroupId;
use crate::asset::name::NameTooLong;
use crate::asset::tags::BadTags;
use crate::asset::{Changes, GroupId, Grouping, Name, Tags};

/// A JSON body, at most (API.md, 6). The caller reads no more of it than this.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// Why the body of a change is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadChanges {
    #[error("The body is larger than 64 KiB")]
    TooLarge,
    #[error("The body is not UTF-8")]
    NotUtf8,
    /// What the JSON reader found, with line and column.
    #[error("The body is not JSON: {0}")]
    NotJson(String),
    #[error("Expected a JSON object of any of name, tags, clientId, campaignId")]
    NotObject,
    /// The key, shortened.
    #[error("Unknown field: {0}. Allowed: name, tags, clientId, campaignId")]
    Unknown(String),
    #[error("Duplicate field: {0}")]
    Twice(&'static str),
    #[error("name must be a string")]
    NameType,
    #[error("name must not be empty")]
    NameEmpty,
    #[error(transparent)]
    Name(#[from] NameTooLong),
    #[error("tags must be an array of strings, or null")]
    TagsType,
    #[error(transparent)]
    Tags(#[from] BadTags),
    #[error("{0} must be a string, or null")]
    GroupType(&'static str),
    #[error("{0} {1}")]
    Group(&'static str, BadGroupId),
}

/// Reads a change.
///
/// `name` takes a string with something left in it; `tags` an array of strings, or null; `clientId` and `campaignId` a
/// valid id, or null or an empty string. The last three are cleared by null.
pub fn read_changes(body: &[u8]) -> Result<Changes, BadChanges> {
    let mut changes = Changes::default();
    for (key, value) in members(body)? {
        match key.as_str() {
            "name" => once(&mut changes.name, name(value)?, "name")?,
            "tags" => once(&mut changes.tags, tags(value)?, "tags")?,
            "clientId" => once(&mut changes.client, group(value, Grouping::Client)?, "clientId")?,
            "campaignId" => once(&mut changes.campaign, group(value, Grouping::Campaign)?, "campaignId")?,
            _ => return Err(BadChanges::Unknown(shortened(&key))),
        }
    }
    Ok(changes)
}

fn once<T>(field: &mut Option<T>, value: T, name: &'static str) -> Result<(), BadChanges> {
    match field.replace(value) {
        Some(_) => Err(BadChanges::Twice(name)),
        None => Ok(()),
    }
}

fn name(value: Value) -> Result<Name, BadChanges> {
    let Value::String(text) = value else {
        return Err(BadChanges::NameType);
    };
    Name::given(&text)?.ok_or(BadChanges::NameEmpty)
}

fn tags(value: Value) -> Result<Tags, BadChanges> {
    let words = match value {
        Value::Null => Vec::new(),
        Value::Array(words) => words,
        _ => return Err(BadChanges::TagsType),
    };
    let words: Option<Vec<&str>> = words.iter().map(Value::as_str).collect();
    Ok(Tags::new(words.ok_or(BadChanges::TagsType)?)?)
}

fn group(value: Value, grouping: Grouping) -> Result<Option<GroupId>, BadChanges> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) => match text.parse() {
            Ok(id) => Ok(Some(id)),
            Err(bad) => Err(BadChanges::Group(grouping.field(), bad)),
        },
        _ => Err(BadChanges::GroupType(grouping.field())),
    }
}

/// A client's word as a sentence may quote it.
fn shortened(key: &str) -> String {
    const MAX_CHARS: usize = 64;
    key.chars().take(MAX_CHARS).collect()
}

/// The members of the object in the body, in order, duplicates too.
fn members(body: &[u8]) -> Result<Vec<(String, Value)>, BadChanges> {
    if body.len() > MAX_BODY_BYTES {
        return Err(BadChanges::TooLarge);
    }
    let text = std::str::from_utf8(body).map_err(|_| BadChanges::NotUtf8)?;
    match serde_json::from_str::<Members>(text) {
        Ok(Members(members)) => Ok(members),
        // Data errors come of `MembersVisitor` alone: well-formed so far, but no object.
        Err(error) if error.is_data() => Err(BadChanges::NotObject),
        Err(error) => Err(BadChanges::NotJson(error.to_string())),
    }
}

/// An object that keeps what `serde_json::Map` would fold: keys that come twice.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Members, D::Error> {
        deserializer.deserialize_map(MembersVisitor).map(Members)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Vec<(String, Value)>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }
}
