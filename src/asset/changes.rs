//! What a caller may change of an asset.

use super::{GroupId, Name, Tags};

/// New values for some of an asset's fields; `None` leaves a field as it is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Changes {
    pub name: Option<Name>,
    /// No tags at all clears them.
    pub tags: Option<Tags>,
    /// `Some(None)` takes the asset out of its client.
    pub client: Option<Option<GroupId>>,
    /// `Some(None)` takes the asset out of its campaign.
    pub campaign: Option<Option<GroupId>>,
}
