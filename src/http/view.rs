//! The Asset as clients see it (API.md, 2).

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::asset::{Asset, AssetId, Facts, Preview};
use crate::store::GroupTotals;

/// An asset with the base of its URLs.
pub struct View<'a> {
    pub asset: &'a Asset,
    /// Scheme and host, without a slash at the end.
    pub base_url: &'a str,
}

/// The URL of an asset's file.
pub fn url(base_url: &str, id: AssetId) -> String {
    format!("{base_url}/api/v2/assets/{id}")
}

impl Serialize for View<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Asset { id, owner, client, campaign, name, tags, size, uploaded_at, format, facts, .. } =
            self.asset;
        let url = url(self.base_url, *id);
        let preview_url =
            |preview, part| matches!(preview, Preview::Made { .. }).then(|| format!("{url}/{part}"));
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &format_args!("{id}"))?;
        map.serialize_entry("userId", &owner.number())?;
        map.serialize_entry("clientId", &client.as_ref().map(|client| client.as_str()))?;
        map.serialize_entry("campaignId", &campaign.as_ref().map(|campaign| campaign.as_str()))?;
        map.serialize_entry("name", name.as_str())?;
        map.serialize_entry("url", &url)?;
        map.serialize_entry("size", size)?;
        map.serialize_entry("uploadedAt", &format_args!("{uploaded_at}"))?;
        map.serialize_entry("tags", &(!tags.is_empty()).then_some(tags.as_slice()))?;
        map.serialize_entry("type", facts.kind().as_str())?;
        map.serialize_entry("format", format.extension())?;
        match facts {
            Facts::Image { width, height } => {
                map.serialize_entry("width", width)?;
                map.serialize_entry("height", height)?;
            }
            Facts::Video { width, height, duration } => {
                map.serialize_entry("width", width)?;
                map.serialize_entry("height", height)?;
                map.serialize_entry("duration", duration)?;
                map.serialize_entry("thumbnailUrl", &preview_url(self.asset.thumbnail, "thumbnail"))?;
            }
            Facts::Audio { duration } => {
                map.serialize_entry("duration", duration)?;
                map.serialize_entry("waveformUrl", &preview_url(self.asset.waveform, "waveform"))?;
            }
            Facts::Document { page_count } => {
                map.serialize_entry("pageCount", page_count)?;
                map.serialize_entry("thumbnailUrl", &preview_url(self.asset.thumbnail, "thumbnail"))?;
            }
        }
        map.end()
    }
}

/// A client or a campaign of a list (API.md, 7).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupView<'a> {
    id: &'a str,
    asset_count: u64,
    total_size: u64,
}

impl<'a> From<&'a GroupTotals> for GroupView<'a> {
    fn from(totals: &'a GroupTotals) -> GroupView<'a> {
        GroupView { id: totals.id.as_str(), asset_count: totals.count, total_size: totals.bytes }
    }
}
