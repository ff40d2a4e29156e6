//! Pictures made byte by byte, as no encoder at hand makes them.

/// The checksum of PNG (W3C Portable Network Graphics, annex D).
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| {
        if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 }
    };
    !bytes.iter().fold(!0u32, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

pub fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let body = [&kind[..], data].concat();
    [&(data.len() as u32).to_be_bytes()[..], &body, &crc32(&body).to_be_bytes()].concat()
}

/// A PNG of chunks, the last being IEND.
pub fn png(chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let chunks = chunks.iter().flat_map(|(kind, data)| chunk(kind, data));
    b"\x89PNG\r\n\x1a\n".iter().copied().chain(chunks).chain(chunk(b"IEND", b"")).collect()
}

/// The payload of IHDR.
pub fn header(width: u32, height: u32, depth: u8, colour: u8, interlaced: bool) -> Vec<u8> {
    let rest = [depth, colour, 0, 0, u8::from(interlaced)];
    [&width.to_be_bytes()[..], &height.to_be_bytes(), &rest].concat()
}

/// Deflate without compression (RFC 1951, 3.2.4).
pub fn deflate(bytes: &[u8]) -> Vec<u8> {
    let pieces = bytes.chunks(0xffff).flat_map(|piece| {
        let length = piece.len() as u16;
        [&[0][..], &length.to_le_bytes(), &(!length).to_le_bytes(), piece].concat()
    });
    pieces.chain([1, 0, 0, 0xff, 0xff]).collect()
}

/// [`deflate`] in the wrapping of zlib (RFC 1950).
pub fn zlib(bytes: &[u8]) -> Vec<u8> {
    let (low, high) = bytes.iter().fold((1u32, 0u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65521;
        (low, (high + low) % 65521)
    });
    [&[0x78, 0x01][..], &deflate(bytes), &(high << 16 | low).to_be_bytes()].concat()
}

/// Bits from the lowest of each byte up.
#[derive(Default)]
pub struct Bits {
    bytes: Vec<u8>,
    word: u64,
    count: u32,
}

impl Bits {
    pub fn put(&mut self, value: u64, count: u32) {
        self.word |= value << self.count;
        self.count += count;
        while self.count >= 8 {
            self.bytes.push(self.word as u8);
            self.word >>= 8;
            self.count -= 8;
        }
    }

    pub fn finish(mut self) -> Vec<u8> {
        self.put(0, 7);
        self.bytes
    }
}

/// As little zlib as unfolds to so many zeros, a thousandth: one zero, then runs of 258 of two bits each. The checksum is
/// missing.
pub fn unfolding(bytes: u64) -> Vec<u8> {
    const RUN: u64 = 258;
    let mut bits = Bits::default();
    bits.put(0x0178, 16);
    // RFC 1951, 3.2.7: the last block, codes of its own; 286 lengths for literals, 1 for distances, 18 lengths for these.
    bits.put(0b101, 3);
    bits.put(29, 5);
    bits.put(0, 5);
    bits.put(14, 4);
    // In the order 16, 17, 18, 0, 8 …: 18 has one bit, 2 and 1 have two.
    for symbol in [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1] {
        bits.put(
            match symbol {
                18 => 1,
                1 | 2 => 2,
                _ => 0,
            },
            3,
        );
    }
    // 18 is 0, 1 is 10, 2 is 11, the first bit lowest.
    let zeros = |bits: &mut Bits, count: u64| bits.put((count - 11) << 1, 8);
    let one = |bits: &mut Bits| bits.put(0b01, 2);
    let two = |bits: &mut Bits| bits.put(0b11, 2);
    // The literal 0 has two bits, the end has two, the run of 258 one, and its distance of 1 has one.
    two(&mut bits);
    zeros(&mut bits, 138);
    zeros(&mut bits, 117);
    two(&mut bits);
    zeros(&mut bits, 28);
    one(&mut bits);
    one(&mut bits);
    // The literal is 10, a run and its distance are 0 and 0, the end is 11.
    bits.put(0b01, 2);
    for _ in 0..bytes.div_ceil(RUN) {
        bits.put(0, 2);
    }
    bits.put(0b11, 2);
    bits.finish()
}

/// A GIF whose one frame fills its screen; `lzw` is its data.
pub fn gif(width: u16, height: u16, flags: u8, lzw: &[u8]) -> Vec<u8> {
    let sides = [width.to_le_bytes(), height.to_le_bytes()].concat();
    let blocks = lzw.chunks(255).flat_map(|block| [&[block.len() as u8][..], block].concat());
    let head =
        [&b"GIF89a"[..], &sides, &[0x80, 0, 0, 0, 0, 0, 255, 255, 255], b",\0\0\0\0", &sides, &[flags, 2]];
    head.concat().into_iter().chain(blocks).chain([0, b';']).collect()
}

/// LZW of so many pixels of the first colour: each code stands for one pixel more than the last.
pub fn lzw(pixels: u64) -> Vec<u8> {
    let mut bits = Bits::default();
    let mut size = 3;
    bits.put(4, size);
    bits.put(0, size);
    let (mut covered, mut run, mut next) = (1, 1, 6u64);
    while covered < pixels {
        bits.put(next.min(4095), size);
        run = (run + 1).min(4090);
        covered += run;
        if next < 4096 {
            next += 1;
            size += u32::from(next == 1 << size && size < 12);
        }
    }
    bits.put(5, size);
    bits.finish()
}

/// A segment of JPEG.
pub fn segment(marker: u8, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u16 + 2).to_be_bytes();
    [&[0xff, marker][..], &length, payload].concat()
}

/// Puts bytes into a file.
pub fn with_inserted(bytes: &[u8], at: usize, inserted: &[u8]) -> Vec<u8> {
    [&bytes[..at], inserted, &bytes[at..]].concat()
}

/// Where these bytes first stand.
#[track_caller]
pub fn find(bytes: &[u8], part: &[u8]) -> usize {
    bytes.windows(part.len()).position(|window| window == part).expect("the part")
}
