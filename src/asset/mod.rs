//! The words of the domain. Depends on nothing else in assetd.

pub mod changes;
pub mod claim;
pub mod flaw;
pub mod foreign;
pub mod format;
pub mod group;
pub mod id;
pub mod name;
pub mod tags;
pub mod time;

pub use changes::Changes;
pub use flaw::Flaw;
pub use foreign::Foreign;
pub use format::{Format, Kind};
pub use group::{GroupId, Grouping};
pub use id::{AssetId, BadId};
pub use name::Name;
pub use tags::Tags;
pub use time::Time;

/// The largest user id: 2^53 − 1, the largest integer every JSON reader keeps exact.
pub const USER_MAX: u64 = (1 << 53) - 1;

/// A user: an integer from 0 to [`USER_MAX`]. Whether a caller *is* this user only `auth` can say.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct UserId(u64);

impl UserId {
    pub fn new(number: u64) -> Option<UserId> {
        (number <= USER_MAX).then_some(UserId(number))
    }

    pub fn number(self) -> u64 {
        self.0
    }
}

/// A SHA-256 digest (FIPS 180-4) of a file's bytes.
pub type Digest = [u8; 32];

/// What a file is, told from its bytes. One variant a kind, so that a sound has no width.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Facts {
    /// Pixels as displayed: EXIF orientation applied.
    Image { width: u32, height: u32 },
    /// Pixels as displayed: rotation and pixel aspect applied. Duration in whole seconds, at least 1.
    Video { width: u32, height: u32, duration: u64 },
    /// Duration in whole seconds, at least 1.
    Audio { duration: u64 },
    /// `None` where the number of pages cannot be told, as in an encrypted file.
    Document { page_count: Option<u32> },
}

impl Facts {
    pub fn kind(&self) -> Kind {
        match self {
            Facts::Image { .. } => Kind::Image,
            Facts::Video { .. } => Kind::Video,
            Facts::Audio { .. } => Kind::Audio,
            Facts::Document { .. } => Kind::Document,
        }
    }
}

/// A picture made of an asset: its thumbnail or its waveform.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Preview {
    /// Not tried yet: it is made when first asked for.
    Pending,
    /// Tried, and it cannot be made.
    Impossible,
    /// It stands beside the file. The digest is its validator.
    Made { size: u64, sha256: Digest },
}

/// One asset: the record the catalog keeps and all that the API tells of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asset {
    pub id: AssetId,
    pub owner: UserId,
    pub client: Option<GroupId>,
    pub campaign: Option<GroupId>,
    pub name: Name,
    pub tags: Tags,
    /// Bytes of the file.
    pub size: u64,
    pub sha256: Digest,
    pub uploaded_at: Time,
    /// Its kind is that of `facts`.
    pub format: Format,
    pub facts: Facts,
    pub thumbnail: Preview,
    pub waveform: Preview,
}

impl Asset {
    pub fn kind(&self) -> Kind {
        self.facts.kind()
    }

    /// The one preview that its kind has: of a sound the waveform, of anything else the thumbnail.
    pub fn preview(&self) -> Preview {
        match self.kind() {
            Kind::Audio => self.waveform,
            Kind::Image | Kind::Video | Kind::Document => self.thumbnail,
        }
    }

    /// The same asset with its preview in this state; the other kind of preview it can't have.
    pub fn with_preview(self, preview: Preview) -> Asset {
        let (thumbnail, waveform) = match self.kind() {
            Kind::Audio => (Preview::Impossible, preview),
            Kind::Image | Kind::Video | Kind::Document => (preview, Preview::Impossible),
        };
        Asset { thumbnail, waveform, ..self }
    }
}

/// Seconds as the API counts them: whole, rounded to nearest, halves up, at least 1.
///
/// `ticks` in units of `1/per_second` s. Exact in integers, so that no float decides a half.
pub fn whole_seconds(ticks: u128, per_second: u64) -> u64 {
    let per_second = u128::from(per_second.max(1));
    let doubled = ticks.saturating_mul(2).saturating_add(per_second);
    u64::try_from(doubled / (2 * per_second)).unwrap_or(u64::MAX).max(1)
}
