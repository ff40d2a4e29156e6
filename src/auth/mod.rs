//! Who calls. A [`Caller`] is made here and nowhere else, out of a token that verified.

mod keys;
mod token;

pub use keys::{BadKey, Keys};
pub use token::{ClaimName, issue};

use crate::asset::UserId;
use crate::error::Error;

/// A user whose token verified, for the time of one call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Caller {
    user: UserId,
    admin: bool,
}

impl Caller {
    pub fn user(&self) -> UserId {
        self.user
    }

    /// Whether a cascade of this caller reaches every user's assets. The role does nothing else.
    pub fn is_admin(&self) -> bool {
        self.admin
    }
}

/// The caller that the `Authorization` headers of a request name (RFC 6750, 2.1: `Bearer`, in any case).
/// None, several, or one that can't be read: [`Error::NotAuthenticated`].
pub fn authenticate<'a>(keys: &Keys, headers: impl Iterator<Item = &'a [u8]>) -> Result<Caller, Error> {
    let mut headers = headers;
    let (Some(header), None) = (headers.next(), headers.next()) else {
        return Err(Error::NotAuthenticated);
    };
    let header = std::str::from_utf8(header).map_err(|_| Error::NotAuthenticated)?;
    let token = match header.trim().split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => return Err(Error::NotAuthenticated),
    };
    if token.is_empty() || token.contains(char::is_whitespace) {
        return Err(Error::NotAuthenticated);
    }
    keys.verify(token)
}
