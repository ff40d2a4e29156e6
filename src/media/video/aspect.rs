//! The shape of a pixel by the stream's own word, where the container has none and its decoder is not asked.

use super::boxes::FourCc;

/// Width and height of a pixel, both at least 1: of a stream by the name of its coding, its size, and the descriptor
/// (`esds`) in its sample description, empty where there is none.
pub fn of_stream(kind: FourCc, size: (u32, u32), descriptor: &[u8]) -> Option<(u32, u32)> {
    match &kind {
        b"s263" | b"h263" | b"H263" => of_h263(size),
        b"mp4v" | b"encv" => of_mpeg4(descriptor),
        _ => None,
    }
}

/// The five standard sizes have pixels of 12:11 (ITU-T H.263, 4.1): those that phones recorded in.
fn of_h263(size: (u32, u32)) -> Option<(u32, u32)> {
    const STANDARD: [(u32, u32); 5] = [(128, 96), (176, 144), (352, 288), (704, 576), (1408, 1152)];
    STANDARD.contains(&size).then_some((12, 11))
}

/// `aspect_ratio_info` of a video object layer (ISO/IEC 14496-2, 6.2.3 and table 6-12).
fn of_mpeg4(descriptor: &[u8]) -> Option<(u32, u32)> {
    const EXTENDED: u64 = 15;
    let is_layer = |code: &[u8]| matches!(code, [0, 0, 1, 0x20..=0x2F]);
    let start = descriptor.windows(4).position(is_layer)? + 4;
    let mut bits = [0; 8];
    bits.iter_mut().zip(descriptor.get(start..)?).for_each(|(bit, byte)| *bit = *byte);
    let bits = u64::from_be_bytes(bits);
    let field = |at: u32, count: u32| bits << at >> (64 - count);
    // Behind one bit and a type of 8 bits: whether a version of 4 bits and a priority of 3 follow.
    let at = if field(9, 1) == 1 { 17 } else { 10 };
    let (across, down) = match field(at, 4) {
        2 => (12, 11),
        3 => (10, 11),
        4 => (16, 11),
        5 => (40, 33),
        EXTENDED => (field(at + 4, 8) as u32, field(at + 12, 8) as u32),
        _ => (1, 1),
    };
    (across > 0 && down > 0).then_some((across, down))
}
