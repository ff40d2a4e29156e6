//! Sizes, pixels and times as an operator writes them.

use std::time::Duration;

/// A number with its unit, as `50MiB`: digits, perhaps a point and digits, then one of `units`; bare digits count ones.
fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit = unit.trim();
    let factor = match units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)) {
        Some((_, factor)) => *factor,
        None if unit.is_empty() => 1,
        None => return None,
    };
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(factor);
    }
    let value = number.parse::<f64>().ok()? * factor as f64;
    (value.is_finite() && value >= 0.0 && value < u64::MAX as f64).then_some(value.round() as u64)
}

/// Bytes: `B KiB MiB GiB TiB` by 1024, `KB MB GB TB` by 1000.
pub fn parse_size(text: &str) -> Result<u64, String> {
    const UNITS: &[(&str, u64)] = &[
        ("B", 1),
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("TiB", 1 << 40),
        ("KB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000),
    ];
    match parse(text, UNITS) {
        Some(bytes) if bytes > 0 => Ok(bytes),
        _ => Err("expected a size such as 50MiB or 2GB".into()),
    }
}

/// Pixels: `MP` is 10^6.
pub fn parse_pixels(text: &str) -> Result<u64, String> {
    match parse(text, &[("MP", 1_000_000), ("GP", 1_000_000_000)]) {
        Some(pixels) if pixels > 0 => Ok(pixels),
        _ => Err("expected a number of pixels such as 256MP".into()),
    }
}

/// Times: `s m h d`.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    match parse(text, &[("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)]) {
        Some(seconds) if seconds > 0 => Ok(Duration::from_secs(seconds)),
        _ => Err("expected a time such as 30s, 10m, 12h or 7d".into()),
    }
}

/// A size in MiB to one decimal, as a refusal shows the limit: `50.0MB`.
pub fn mib(bytes: u64) -> String {
    format!("{:.1}MB", bytes as f64 / (1024.0 * 1024.0))
}
