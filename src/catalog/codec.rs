//! Records as bytes: a version byte, then bincode 2.
//!
//! Version 1, byte `1`, then the fields of [`RecordV1`] in their order under bincode's standard configuration
//! (<https://docs.rs/bincode/2.0.1/bincode/config/>): integers wider than a byte as varints (up to 250 in one byte;
//! 251, 252, 253 before 2, 4, 8 bytes, little end first), lengths and variant numbers likewise, text and lists behind
//! their length, `None` as 0 and `Some` as 1, a digest as its 32 bytes. Nothing follows the last field. The asset's id
//! is the record's key and not in it.
//!
//! A version's layout never changes once released; a new one takes the next version byte, and [`super::migrate`] or
//! this module reads the old. What is written and what is read go through the same [`RecordV1::flaw`], so that nothing
//! that could not be read back is ever written.

use bincode::config::{Configuration, standard};
use serde::{Deserialize, Serialize};

use super::Error;
use crate::asset::{
    Asset, AssetId, Digest, Facts, Format, GroupId, Kind, Name, Preview, Tags, Time, USER_MAX, UserId,
};

const VERSION_1: u8 = 1;

const CONFIGURATION: Configuration = standard();

/// The most a record can take: 32 tags of 64 characters of 4 bytes, a name of 255, two groups of 128, and less than
/// 250 for the rest.
const MAX_BYTES: usize = 9_216;

/// The last second of the year 9999, which is as far as the API's form of a time goes.
const LAST_SECOND: u64 = 253_402_300_799;

/// Version 1. Never to be changed; borrowed from the bytes, so that a look costs no allocation but the tags' list.
#[derive(Serialize, Deserialize)]
pub(super) struct RecordV1<'a> {
    owner: u64,
    #[serde(borrow)]
    pub client: Option<&'a str>,
    #[serde(borrow)]
    pub campaign: Option<&'a str>,
    pub name: &'a str,
    #[serde(borrow)]
    pub tags: Vec<&'a str>,
    size: u64,
    sha256: Digest,
    uploaded_at: u64,
    /// `Format as u8`.
    format: u8,
    facts: FactsV1,
    thumbnail: PreviewV1,
    waveform: PreviewV1,
}

/// The variants' numbers are those of `Kind`, by their order.
#[derive(Serialize, Deserialize)]
enum FactsV1 {
    Image { width: u32, height: u32 },
    Video { width: u32, height: u32, duration: u64 },
    Audio { duration: u64 },
    Document { page_count: Option<u32> },
}

#[derive(Serialize, Deserialize)]
enum PreviewV1 {
    Pending,
    Impossible,
    Made { size: u64, sha256: Digest },
}

/// The record of an asset. An asset whose values break a bound of its type is refused.
pub fn encode(asset: &Asset) -> Result<Vec<u8>, Error> {
    let record = RecordV1 {
        owner: asset.owner.number(),
        client: asset.client.as_ref().map(GroupId::as_str),
        campaign: asset.campaign.as_ref().map(GroupId::as_str),
        name: asset.name.as_str(),
        tags: asset.tags.as_slice().iter().map(String::as_str).collect(),
        size: asset.size,
        sha256: asset.sha256,
        uploaded_at: asset.uploaded_at.unix(),
        format: asset.format as u8,
        facts: facts_to_v1(&asset.facts),
        thumbnail: preview_to_v1(&asset.thumbnail),
        waveform: preview_to_v1(&asset.waveform),
    };
    if let Some(flaw) = record.flaw() {
        return Err(Error::Damaged { id: asset.id, flaw });
    }
    let mut bytes = vec![VERSION_1];
    let written = bincode::serde::encode_into_std_write(&record, &mut bytes, CONFIGURATION);
    match written {
        Ok(_) => Ok(bytes),
        Err(error) => Err(Error::Other(error.into())),
    }
}

/// The asset `id`, whose record `bytes` is. Any bytes may come: what is no record is `Error::Damaged`.
pub fn decode(id: AssetId, bytes: &[u8]) -> Result<Asset, Error> {
    let record = look(id, bytes)?;
    let damaged = |flaw| Error::Damaged { id, flaw };
    let owner = UserId::new(record.owner).ok_or_else(|| damaged("its owner"))?;
    let format = Format::from_number(record.format).ok_or_else(|| damaged("its format"))?;
    let group = |text: Option<&str>| match text.map(str::parse::<GroupId>) {
        None => Ok(None),
        Some(Ok(group)) => Ok(Some(group)),
        Some(Err(_)) => Err(damaged("its client or campaign")),
    };
    Ok(Asset {
        id,
        owner,
        client: group(record.client)?,
        campaign: group(record.campaign)?,
        name: Name::from_record(record.name.to_owned()),
        tags: Tags::from_record(record.tags.iter().map(|tag| (*tag).to_owned()).collect()),
        size: record.size,
        sha256: record.sha256,
        uploaded_at: Time::from_unix(record.uploaded_at),
        format,
        facts: facts_from_v1(&record.facts),
        thumbnail: preview_from_v1(&record.thumbnail),
        waveform: preview_from_v1(&record.waveform),
    })
}

/// The record in `bytes`, checked, without making an asset of it.
pub(super) fn look(id: AssetId, bytes: &[u8]) -> Result<RecordV1<'_>, Error> {
    let damaged = |flaw| Error::Damaged { id, flaw };
    if bytes.len() > MAX_BYTES {
        return Err(damaged("it is longer than any record"));
    }
    let (version, rest) = bytes.split_first().ok_or_else(|| damaged("it is empty"))?;
    if *version != VERSION_1 {
        return Err(damaged("its version is unknown"));
    }
    let (record, length) = bincode::serde::borrow_decode_from_slice::<RecordV1<'_>, _>(rest, CONFIGURATION)
        .map_err(|_| damaged("it does not decode"))?;
    if length != rest.len() {
        return Err(damaged("bytes follow it"));
    }
    match record.flaw() {
        Some(flaw) => Err(damaged(flaw)),
        None => Ok(record),
    }
}

impl RecordV1<'_> {
    /// Which value breaks a bound of its type, if one does.
    fn flaw(&self) -> Option<&'static str> {
        let tag_fits = |tag: &&str| (1..=Tags::MAX_CHARS).contains(&tag.chars().count());
        let pixels_fit = |width: u32, height: u32| width > 0 && height > 0;
        if self.owner > USER_MAX {
            Some("its owner")
        } else if self.name.is_empty() || self.name.len() > Name::MAX_BYTES {
            Some("its name")
        } else if self.tags.len() > Tags::MAX || !self.tags.iter().all(tag_fits) {
            Some("its tags")
        } else if self.uploaded_at > LAST_SECOND {
            Some("its time")
        } else {
            let kind = match Format::from_number(self.format) {
                Some(format) => format.kind(),
                None => return Some("its format"),
            };
            let (kind_of_facts, facts_fit) = match self.facts {
                FactsV1::Image { width, height } => (Kind::Image, pixels_fit(width, height)),
                FactsV1::Video { width, height, duration } => {
                    (Kind::Video, pixels_fit(width, height) && duration > 0)
                }
                FactsV1::Audio { duration } => (Kind::Audio, duration > 0),
                FactsV1::Document { .. } => (Kind::Document, true),
            };
            if kind_of_facts != kind {
                Some("its facts are of another kind than its format")
            } else if !facts_fit {
                Some("its facts")
            } else {
                None
            }
        }
    }

    /// Its kind. Only of a record without a flaw, whose format names one.
    pub fn kind(&self) -> Kind {
        match self.facts {
            FactsV1::Image { .. } => Kind::Image,
            FactsV1::Video { .. } => Kind::Video,
            FactsV1::Audio { .. } => Kind::Audio,
            FactsV1::Document { .. } => Kind::Document,
        }
    }
}

fn facts_to_v1(facts: &Facts) -> FactsV1 {
    match *facts {
        Facts::Image { width, height } => FactsV1::Image { width, height },
        Facts::Video { width, height, duration } => FactsV1::Video { width, height, duration },
        Facts::Audio { duration } => FactsV1::Audio { duration },
        Facts::Document { page_count } => FactsV1::Document { page_count },
    }
}

fn facts_from_v1(facts: &FactsV1) -> Facts {
    match *facts {
        FactsV1::Image { width, height } => Facts::Image { width, height },
        FactsV1::Video { width, height, duration } => Facts::Video { width, height, duration },
        FactsV1::Audio { duration } => Facts::Audio { duration },
        FactsV1::Document { page_count } => Facts::Document { page_count },
    }
}

fn preview_to_v1(preview: &Preview) -> PreviewV1 {
    match *preview {
        Preview::Pending => PreviewV1::Pending,
        Preview::Impossible => PreviewV1::Impossible,
        Preview::Made { size, sha256 } => PreviewV1::Made { size, sha256 },
    }
}

fn preview_from_v1(preview: &PreviewV1) -> Preview {
    match *preview {
        PreviewV1::Pending => Preview::Pending,
        PreviewV1::Impossible => Preview::Impossible,
        PreviewV1::Made { size, sha256 } => Preview::Made { size, sha256 },
    }
}
