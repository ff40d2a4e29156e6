//! assetd: keeps a company's creative files.

pub mod asset;
pub mod media;
pub mod units;
pub mod worker;
