//! Files that are built to take far more than their size, and where one is needed an innocent one to hide in.

use super::sample;

/// How far the packed ones unfold: twice the memory of a worker.
const UNFOLDED_BYTES: usize = 1 << 30;

/// A name that is true, and the bytes.
pub struct Bomb {
    pub name: &'static str,
    pub bytes: Vec<u8>,
}

/// One of each kind.
pub fn all() -> Vec<Bomb> {
    let bomb = |name, bytes| Bomb { name, bytes };
    vec![
        bomb("50000-by-50000.png", sample::png_claiming(50_000, 50_000)),
        bomb("16000-by-16000.png", sample::png_claiming(16_000, 16_000)),
        bomb("surplus.png", png_with(b"IDAT", &zeros(UNFOLDED_BYTES / 4))),
        bomb("text.png", png_with(b"zTXt", &[b"Comment\0\0", &zeros(UNFOLDED_BYTES / 4)[..]].concat())),
        bomb("profile.png", png_with(b"iCCP", &[b"profile\0\0", &zeros(UNFOLDED_BYTES / 4)[..]].concat())),
        bomb("frames.gif", gif_of_frames(100_000)),
        bomb("claims-samples.mp4", film_claiming_samples()),
        bomb("deep.mp4", deep_boxes(10_000)),
        bomb("tag.mp3", b"ID3\x03\0\0\x7f\x7f\x7f\x7fTIT2".to_vec()),
        bomb("unfolds.pdf", pdf(&["<< /Type /Pages /Count 1 /Kids [3 0 R] >>"], &twice_packed_zeros())),
        bomb("loops.pdf", pdf(&["<< /Type /Pages /Count 1 /Kids [2 0 R 2 0 R 3 0 R] >>"], b"")),
        bomb("claims-pages.pdf", pdf(&["<< /Type /Pages /Count 1000000 /Kids [3 0 R] >>"], b"")),
        bomb(
            "nested.pdf",
            pdf(&["<< /Type /Pages /Count 1 /Kids [3 0 R] /X ", &nested(100_000), " >>"], b""),
        ),
    ]
}

/// Deflate by fixed codes (RFC 1951, 3.2.6), in the wrapping of zlib. What repeats itself after `period` bytes is written as
/// that: 13 bits for 258 bytes where the period is 1, 15 where it is 13.
fn pack(bytes: &[u8], period: usize) -> Vec<u8> {
    const LONGEST: usize = 258;
    /// The code of that length, and the codes of the two distances, each with its extra bits.
    const LONGEST_CODE: (u32, u32) = (0b1100_0101, 8);
    let (distance, extra_bits) = match period {
        1 => (0, 0),
        13 => (7, 2),
        other => panic!("no period of {other}"),
    };
    let mut packed = Bits { bytes: vec![0x78, 0x9c], left: 0 };
    packed.push(0b110, 3);
    let mut at = 0;
    while at < bytes.len() {
        let ahead = bytes.get(at..at + LONGEST);
        // Overlapping itself, as a match may.
        if at >= period && ahead.is_some_and(|ahead| *ahead == bytes[at - period..at - period + LONGEST]) {
            packed.push(LONGEST_CODE.0, LONGEST_CODE.1);
            packed.push(distance, 5);
            packed.push(0, extra_bits);
            at += LONGEST;
        } else {
            match u32::from(bytes[at]) {
                low @ ..144 => packed.push(0x30 + low, 8),
                high => packed.push(0x190 + high - 144, 9),
            }
            at += 1;
        }
    }
    packed.push(0, 7);
    let mut packed = packed.bytes;
    packed.extend_from_slice(&adler32(bytes).to_be_bytes());
    packed
}

/// Bits fill a byte from its lowest on.
struct Bits {
    bytes: Vec<u8>,
    /// Of the last byte.
    left: u32,
}

impl Bits {
    /// The lowest `count` bits, the highest of them first.
    fn push(&mut self, bits: u32, count: u32) {
        for index in (0..count).rev() {
            if self.left == 0 {
                self.bytes.push(0);
                self.left = 8;
            }
            let last = self.bytes.len() - 1;
            self.bytes[last] |= ((bits >> index & 1) as u8) << (8 - self.left);
            self.left -= 1;
        }
    }
}

/// RFC 1950, 8.2.
fn adler32(bytes: &[u8]) -> u32 {
    let (mut a, mut b) = (1_u32, 0_u32);
    // So many sums of bytes fit into 32 bits.
    for part in bytes.chunks(5_552) {
        for byte in part {
            a += u32::from(*byte);
            b += a;
        }
        a %= 65_521;
        b %= 65_521;
    }
    b << 16 | a
}

/// So many zeros, packed: 160 times smaller.
fn zeros(count: usize) -> Vec<u8> {
    pack(&vec![0; count], 1)
}

/// The zeros of [`UNFOLDED_BYTES`], packed twice: some 50 KiB.
fn twice_packed_zeros() -> Vec<u8> {
    // Eight matches of 13 bits come out as the same 13 bytes.
    pack(&zeros(UNFOLDED_BYTES), 13)
}

/// A small PNG with one more chunk behind its header.
fn png_with(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    const HEADER_END: usize = 8 + 25;
    let png = sample::png(sample::fresh());
    [&png[..HEADER_END], &sample::png_chunk(kind, data)[..], &png[HEADER_END..]].concat()
}

/// Frames of one pixel.
fn gif_of_frames(count: usize) -> Vec<u8> {
    let mut gif = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff".to_vec();
    for _ in 0..count {
        // GIF89a, 20 and 22: clear, 0, end.
        gif.extend_from_slice(b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0");
    }
    gif.push(0x3b);
    gif
}

/// A film whose table of sample sizes (ISO/IEC 14496-12, 8.7.3) says that there are 2^32 - 1.
fn film_claiming_samples() -> Vec<u8> {
    let mut film = sample::film("film.mp4", sample::fresh());
    let at = memchr::memmem::find(&film, b"stsz").expect("a table of sizes");
    film[at + 12..at + 16].copy_from_slice(&[0xff; 4]);
    film
}

fn deep_boxes(depth: usize) -> Vec<u8> {
    let mut boxes = Vec::new();
    for level in 0..depth {
        let kind: &[u8] = if level == 0 { b"moov" } else { b"udta" };
        boxes.extend_from_slice(&(8 * (depth - level) as u32).to_be_bytes());
        boxes.extend_from_slice(kind);
    }
    [b"\0\0\0\x10ftypisom\0\0\0\0", &boxes[..]].concat()
}

/// A document with this page tree, whose one page shows this content, packed twice.
fn pdf(tree: &[&str], content: &[u8]) -> Vec<u8> {
    let mut pdf = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n".to_vec();
    pdf.extend_from_slice(tree.concat().as_bytes());
    pdf.extend_from_slice(b"\nendobj\n3 0 obj\n");
    pdf.extend_from_slice(b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R >>\nendobj\n");
    let dictionary = format!("<< /Filter [/FlateDecode /FlateDecode] /Length {} >>", content.len());
    pdf.extend_from_slice(format!("4 0 obj\n{dictionary}\nstream\n").as_bytes());
    pdf.extend_from_slice(content);
    // Without a table, so that all of it has to be looked for.
    pdf.extend_from_slice(b"\nendstream\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n");
    pdf
}

fn nested(depth: usize) -> String {
    "[".repeat(depth) + &"]".repeat(depth)
}
