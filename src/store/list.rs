//! Lists of the caller's assets.

use std::sync::Arc;

use super::{Page, Query, Store, off_thread};
use crate::auth::Caller;
use crate::error::Error;

impl Store {
    /// One page of the caller's assets, newest first.
    pub async fn list(&self, caller: Caller, query: Query) -> Result<Page, Error> {
        let owner = caller.user();
        if query.q.is_none() && query.tags.is_empty() && query.offset <= INLINE_OFFSET {
            return Ok(self.0.catalog.list(owner, &query)?);
        }
        let catalog = Arc::clone(&self.0.catalog);
        Ok(off_thread(move || catalog.list(owner, &query)).await??)
    }
}

/// A page by the three filters costs its own rows, some tens of microseconds: less than handing it to another thread.
/// Rows that are skipped cost too, so what skips many goes there, as does what has to look at records.
const INLINE_OFFSET: u64 = 1000;
