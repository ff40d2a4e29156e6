//! Tokens as an issuer signs them, and as a forger would.

use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};

use super::now;

/// HS256 over these claims.
pub fn sign(secret: &str, claims: &Value) -> String {
    forge(&json!({"alg": "HS256", "typ": "JWT"}), claims, secret, Algorithm::HS256)
}

/// The claims of a user whose token is good for an hour.
pub fn claims(user: u64) -> Value {
    json!({"sub": user, "exp": now() + 3600})
}

/// Any header over any claims, signed by `algorithm` whatever the header says.
pub fn forge(header: &Value, claims: &Value, secret: &str, algorithm: Algorithm) -> String {
    let message = unsigned(header, claims);
    let key = EncodingKey::from_secret(secret.as_bytes());
    let signature = crypto::sign(message.as_bytes(), &key, algorithm).expect("a signature");
    format!("{message}.{signature}")
}

/// Header and claims without a signature.
pub fn unsigned(header: &Value, claims: &Value) -> String {
    format!("{}.{}", base64url(header.to_string().as_bytes()), base64url(claims.to_string().as_bytes()))
}

/// RFC 4648, 5, without padding.
pub fn base64url(bytes: &[u8]) -> String {
    super::base64(bytes).replace('+', "-").replace('/', "_").replace('=', "")
}
