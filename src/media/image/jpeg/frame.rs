//! The frame header: sides, and how each colour component is sampled (T.81, B.2.2).

/// A colour component as the frame header states it.
#[derive(Clone, Copy, Debug)]
pub struct Component {
    pub id: u8,
    /// Samples a line and lines, as parts of the component with the most: 1 to 4.
    pub across: u8,
    pub down: u8,
    /// Which quantization table: 0 to 3.
    pub table: usize,
}

#[derive(Clone, Debug)]
pub struct Frame {
    /// The marker's code: tells the coding process.
    pub code: u8,
    /// Bits a sample.
    pub precision: u8,
    pub width: u16,
    /// 0 where it is told only behind the first scan.
    pub height: u16,
    pub components: Vec<Component>,
}

impl Frame {
    /// `None` where the payload is too short for what it announces, or announces what there can't be: the bounds are
    /// those of table B.2 for all coding processes, and four components.
    pub fn read(code: u8, payload: &[u8]) -> Option<Frame> {
        const COMPONENT_BYTES: usize = 3;
        let ([precision, height_high, height_low, width_high, width_low, count], rest) =
            payload.split_first_chunk()?;
        let components: Vec<Component> = rest
            .get(..usize::from(*count) * COMPONENT_BYTES)?
            .chunks_exact(COMPONENT_BYTES)
            .map(|bytes| Component {
                id: bytes[0],
                across: bytes[1] >> 4,
                down: bytes[1] & 15,
                table: usize::from(bytes[2]),
            })
            .collect();
        let sampled = |component: &Component| {
            (1..=4).contains(&component.across) && (1..=4).contains(&component.down) && component.table < 4
        };
        let is_sound = (2..=16).contains(precision)
            && (1..=4).contains(&components.len())
            && components.iter().all(sampled);
        is_sound.then(|| Frame {
            code,
            precision: *precision,
            width: u16::from_be_bytes([*width_high, *width_low]),
            height: u16::from_be_bytes([*height_high, *height_low]),
            components,
        })
    }

    /// Sequential or progressive, with Huffman's code, by the discrete cosine transform: what is drawn. Arithmetic
    /// coding, lossless and hierarchical files are drawn by no browser either.
    pub fn is_drawable(&self) -> bool {
        matches!(self.code, 0xc0..=0xc2)
            && matches!(self.precision, 8 | 12)
            && self.width > 0
            && self.components.len() != 2
    }

    pub fn is_progressive(&self) -> bool {
        self.code == 0xc2
    }

    /// The most samples across and down that any component has.
    pub fn most(&self) -> (u32, u32) {
        let across = self.components.iter().map(|component| u32::from(component.across)).max();
        let down = self.components.iter().map(|component| u32::from(component.down)).max();
        (across.unwrap_or(1), down.unwrap_or(1))
    }
}
