//! The one tag of Exif that changes what a picture's width is.

use crate::media::picture::Orientation;

/// The orientation that a TIFF structure states in its first directory (Exif 3.0, 4.6.5.1.6; TIFF 6.0, section 2).
///
/// `None` where it states none, or is broken: a picture with broken Exif is a picture all the same. `Exif\0\0` before
/// the structure, which JPEG demands and some writers put into WebP and PNG too, is skipped.
pub fn orientation(exif: &[u8]) -> Option<Orientation> {
    const TAG_ORIENTATION: u16 = 0x0112;
    const ENTRY_BYTES: usize = 12;
    let tiff = exif.strip_prefix(b"Exif\0").and_then(|rest| rest.get(1..)).unwrap_or(exif);
    let big_endian = match tiff.get(..4)? {
        [b'I', b'I', 42, 0] => false,
        [b'M', b'M', 0, 42] => true,
        _ => return None,
    };
    let u16_of = |bytes: &[u8]| -> Option<u16> {
        let bytes = *bytes.first_chunk()?;
        Some(if big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    };
    let u32_of = |bytes: &[u8]| -> Option<u32> {
        let bytes = *bytes.first_chunk()?;
        Some(if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    };
    let directory = tiff.get(u32_of(tiff.get(4..)?)? as usize..)?;
    let count = usize::from(u16_of(directory)?);
    let entry = directory
        .get(2..)?
        .chunks_exact(ENTRY_BYTES)
        .take(count)
        .find(|entry| u16_of(entry) == Some(TAG_ORIENTATION))?;
    // The value stands in the entry itself, at its start. The standard says SHORT; others are met and harmless.
    let value = entry.get(8..)?;
    let value = match u16_of(entry.get(2..)?)? {
        1 | 6 => u32::from(*value.first()?),
        3 | 8 => u32::from(u16_of(value)?),
        4 | 9 => u32_of(value)?,
        _ => return None,
    };
    (1..=8).contains(&value).then(|| Orientation::from_exif(value as u16))
}
