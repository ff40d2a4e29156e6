//! The claims of a token (RFC 7519).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Map, Value};

use super::keys::{BadKey, secret_of};
use crate::asset::UserId;

/// The claim that holds the user id: `sub` unless configured.
pub type ClaimName = String;

/// The user a claim names: an integer from 0 to 2^53 − 1, as a number or in plain decimal without sign or leading zeros.
pub(super) fn user_of(claims: &Map<String, Value>, name: &str) -> Option<UserId> {
    let number = match claims.get(name)? {
        Value::Number(number) => number.as_u64()?,
        Value::String(text) => {
            let plain =
                text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
            text.parse().ok().filter(|_| plain)?
        }
        _ => return None,
    };
    UserId::new(number)
}

/// A token for `user`, signed by the secret in `secret_file` (HS256), that expires after `ttl`.
pub fn issue(
    secret_file: &[u8],
    user_claim: &str,
    user: UserId,
    admin: bool,
    ttl: Duration,
) -> Result<String, BadKey> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let mut claims = Map::new();
    claims.insert(user_claim.to_owned(), Value::from(user.number().to_string()));
    claims.insert("iat".into(), Value::from(now));
    claims.insert("exp".into(), Value::from(now.saturating_add(ttl.as_secs())));
    if admin {
        claims.insert("role".into(), Value::from("admin"));
    }
    let key = EncodingKey::from_secret(secret_of(secret_file)?);
    jsonwebtoken::encode(&Header::default(), &claims, &key).map_err(BadKey::Unusable)
}
