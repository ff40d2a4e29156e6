//! The name of an asset.

use std::fmt;
use std::str::FromStr;

use uuid::{NoContext, Timestamp, Uuid};

/// Names one asset. Version 7 (RFC 9562, 5.7), so ids sort by time of upload.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AssetId(Uuid);

/// The text is no asset id.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("Invalid asset ID format")]
pub struct BadId;

impl AssetId {
    /// Before any id in the order.
    pub const MIN: AssetId = AssetId(Uuid::nil());
    /// After any id in the order.
    pub const MAX: AssetId = AssetId(Uuid::max());

    /// The 16 bytes, as a catalog key: their order is the order of ids.
    pub fn from_bytes(bytes: [u8; 16]) -> AssetId {
        AssetId(Uuid::from_bytes(bytes))
    }

    /// The 16 bytes, big end first.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// A fresh id for the time `unix_ms`, always greater than `last`, whatever the clock does: where the clock is
    /// behind `last`, the id is the successor of `last`.
    pub fn after(last: AssetId, unix_ms: u64) -> AssetId {
        let time = Timestamp::from_unix(NoContext, unix_ms / 1000, (unix_ms % 1000) as u32 * 1_000_000);
        let fresh = AssetId(Uuid::new_v7(time));
        if fresh > last { fresh } else { last.next() }
    }

    /// The next id of version 7. Only the 62 random bits and, when they are used up, the bits above them count up;
    /// version and variant stay.
    fn next(self) -> AssetId {
        const LOW: u128 = (1 << 62) - 1;
        const MID: u128 = 0xfff << 64;
        const TIME: u128 = !0 << 80;
        let bits = self.0.as_u128();
        let (time, mid, low) = (bits & TIME, bits & MID, bits & LOW);
        let fixed = (0x7 << 76) | (0b10 << 62);
        let next = if low < LOW {
            time | mid | (low + 1)
        } else if mid < MID {
            time | (mid + (1 << 64))
        } else {
            time.wrapping_add(1 << 80)
        };
        AssetId(Uuid::from_u128(next | fixed))
    }
}

impl FromStr for AssetId {
    type Err = BadId;

    fn from_str(text: &str) -> Result<AssetId, BadId> {
        // `Uuid` also reads braces, URNs and bare digits; only the hyphenated form is 36 long.
        match Uuid::try_parse(text) {
            Ok(uuid) if text.len() == 36 => Ok(AssetId(uuid)),
            _ => Err(BadId),
        }
    }
}

impl fmt::Display for AssetId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(out)
    }
}
