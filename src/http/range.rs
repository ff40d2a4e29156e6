//! The `Range` header (RFC 9110, 14).

/// What a request asks of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ranged {
    /// All of it: no range, several, one in other units, or one that cannot be read.
    Whole,
    /// The bytes from index `first` to index `last`, both included; `first <= last < len`.
    Part { first: u64, last: u64 },
    /// Nothing that the file has: a 416.
    Unsatisfiable,
}

/// Which bytes of a file of `len` bytes the header asks for.
pub fn parse(header: Option<&str>, len: u64) -> Ranged {
    match header.and_then(one_range) {
        None => Ranged::Whole,
        Some(Spec::From(first)) => part(first.value(), u64::MAX, len),
        Some(Spec::FromTo(first, last)) => part(first.value(), last.value(), len),
        Some(Spec::Last(count)) if count.value() == 0 => Ranged::Unsatisfiable,
        // The end of nothing is nothing, and that is all of it. `Content-Range` could not say so.
        Some(Spec::Last(_)) if len == 0 => Ranged::Whole,
        Some(Spec::Last(count)) => part(len.saturating_sub(count.value()), u64::MAX, len),
    }
}

fn part(first: u64, last: u64, len: u64) -> Ranged {
    match len.checked_sub(1) {
        Some(end) if first <= end => Ranged::Part { first, last: last.min(end) },
        _ => Ranged::Unsatisfiable,
    }
}

enum Spec<'a> {
    From(Numeral<'a>),
    FromTo(Numeral<'a>, Numeral<'a>),
    Last(Numeral<'a>),
}

/// The only range of a header; `None` where it has several, or is not one of bytes.
fn one_range(header: &str) -> Option<Spec<'_>> {
    let (unit, set) = header.trim_ascii().split_once('=')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    // Empty elements of a list don't count (RFC 9110, 5.6.1.2).
    let mut specs = set.split(',').map(str::trim_ascii).filter(|spec| !spec.is_empty());
    let (Some(spec), None) = (specs.next(), specs.next()) else {
        return None;
    };
    match spec.split_once('-')? {
        ("", count) => Some(Spec::Last(Numeral::new(count)?)),
        (first, "") => Some(Spec::From(Numeral::new(first)?)),
        (first, last) => {
            let (first, last) = (Numeral::new(first)?, Numeral::new(last)?);
            // "Invalid if last-pos is less than first-pos", and then ignored.
            (first.order() <= last.order()).then_some(Spec::FromTo(first, last))
        }
    }
}

/// Decimal digits, without leading zeros. May be larger than any integer here: "a recipient must anticipate
/// potentially large decimal numerals" (RFC 9110, 8.6 and 14.1.2).
struct Numeral<'a>(&'a str);

impl<'a> Numeral<'a> {
    fn new(text: &'a str) -> Option<Numeral<'a>> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| Numeral(text.trim_start_matches('0')))
    }

    /// The number, or the largest there is: a position behind the end of any file.
    fn value(&self) -> u64 {
        if self.0.is_empty() { 0 } else { self.0.parse().unwrap_or(u64::MAX) }
    }

    /// Compares as the number does, however large.
    fn order(&self) -> (usize, &str) {
        (self.0.len(), self.0)
    }
}
