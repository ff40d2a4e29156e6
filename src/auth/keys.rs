//! The key that tokens are verified by. The algorithm follows from the key, never from the token.

use jsonwebtoken::{Algorithm, DecodingKey, Validation};

use super::Caller;
use super::token::{self, ClaimName};
use crate::error::Error;

/// How far the clocks of issuer and server may differ, in seconds.
const LEEWAY_S: u64 = 30;

/// A key that no token can safely be verified by.
#[derive(Debug, thiserror::Error)]
pub enum BadKey {
    #[error("the secret has {0} bytes, it needs at least {min}", min = Keys::MIN_SECRET_BYTES)]
    TooShort(usize),
    #[error("the secret cannot sign: {0}")]
    Unusable(jsonwebtoken::errors::Error),
}

/// What verifies tokens.
pub struct Keys {
    key: DecodingKey,
    validation: Validation,
    user_claim: ClaimName,
}

impl Keys {
    /// RFC 7518, 3.2: as long as the hash.
    pub const MIN_SECRET_BYTES: usize = 32;

    /// A shared secret for HS256: the file's bytes less a trailing line end.
    pub fn from_secret(file: &[u8], user_claim: ClaimName) -> Result<Keys, BadKey> {
        let secret = secret_of(file)?;
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = LEEWAY_S;
        validation.validate_nbf = true;
        validation.validate_aud = false;
        validation.set_required_spec_claims(&["exp"]);
        Ok(Keys { key: DecodingKey::from_secret(secret), validation, user_claim })
    }

    /// The caller a token names.
    pub fn verify(&self, token: &str) -> Result<Caller, Error> {
        let data = jsonwebtoken::decode::<serde_json::Map<String, serde_json::Value>>(
            token,
            &self.key,
            &self.validation,
        )
        .map_err(|error| match error.kind() {
            jsonwebtoken::errors::ErrorKind::ExpiredSignature => Error::TokenExpired,
            _ => Error::InvalidToken,
        })?;
        // Extensions that must be understood are not (RFC 7515, 4.1.11).
        if data.header.crit.is_some() {
            return Err(Error::InvalidToken);
        }
        let claims = data.claims;
        let user = token::user_of(&claims, &self.user_claim).ok_or(Error::InvalidToken)?;
        let admin = claims.get("role").and_then(|role| role.as_str()) == Some("admin");
        Ok(Caller { user, admin })
    }
}

/// The secret in a secret file: its bytes less one trailing line end, long enough to be one.
pub(super) fn secret_of(file: &[u8]) -> Result<&[u8], BadKey> {
    let secret = file.strip_suffix(b"\n").unwrap_or(file);
    let secret = secret.strip_suffix(b"\r").unwrap_or(secret);
    if secret.len() < Keys::MIN_SECRET_BYTES {
        return Err(BadKey::TooShort(secret.len()));
    }
    Ok(secret)
}
