//! The beginning of the video usability information, which H.264 (E.1.1) and HEVC (E.2.1) write alike.

use super::bits::Bits;
use crate::media::video::colour::Codes;

/// What a parameter set says of how its pictures are shown.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Usability {
    /// Width and height of a pixel; both at least 1.
    pub pixel_aspect: Option<(u32, u32)>,
    pub colour: Option<Codes>,
}

/// Table E-1, from 1 on.
const ASPECTS: [(u32, u32); 16] = [
    (1, 1),
    (12, 11),
    (10, 11),
    (16, 11),
    (40, 33),
    (24, 11),
    (20, 11),
    (32, 11),
    (80, 33),
    (18, 11),
    (15, 11),
    (64, 33),
    (160, 99),
    (4, 3),
    (3, 2),
    (2, 1),
];
/// The number that stands for an aspect written out.
const EXTENDED: u32 = 255;

impl Usability {
    /// What is missing or damaged is as if it had not been given.
    pub fn read(bits: &mut Bits) -> Usability {
        let mut usability = Usability::default();
        let _ = usability.fill(bits);
        usability
    }

    fn fill(&mut self, bits: &mut Bits) -> Option<()> {
        if bits.flag()? {
            let aspect = match bits.take(8)? {
                EXTENDED => Some((bits.take(16)?, bits.take(16)?)),
                0 => None,
                number => ASPECTS.get(number as usize - 1).copied(),
            };
            self.pixel_aspect = aspect.filter(|(across, down)| *across > 0 && *down > 0);
        }
        if bits.flag()? {
            bits.flag()?;
        }
        if bits.flag()? {
            bits.take(3)?;
            let mut codes = Codes { full_range: bits.flag()?, ..Codes::UNSPECIFIED };
            if bits.flag()? {
                codes.primaries = bits.take(8)? as u16;
                codes.transfer = bits.take(8)? as u16;
                codes.matrix = bits.take(8)? as u16;
            }
            self.colour = Some(codes);
        }
        Some(())
    }
}
