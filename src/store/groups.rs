//! The caller's clients and campaigns.

use super::{GroupTotals, Store};
use crate::asset::Grouping;
use crate::auth::Caller;
use crate::error::Error;

impl Store {
    /// The groups that the caller's assets name, by id.
    pub fn groups(&self, caller: Caller, grouping: Grouping) -> Result<Vec<GroupTotals>, Error> {
        Ok(self.0.catalog.groups(caller.user(), grouping)?)
    }
}
