//! What an owner may change of an asset.

use super::{GroupId, Name, Tags};

/// Outer `None`: stays as it is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Changes {
    pub name: Option<Name>,
    pub tags: Option<Tags>,
    /// Inner `None`: cleared.
    pub client: Option<Option<GroupId>>,
    /// Inner `None`: cleared.
    pub campaign: Option<Option<GroupId>>,
}
