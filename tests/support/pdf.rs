//! Documents written object by object, with whatever is wrong in them.

/// A file under construction, which remembers where its objects stand.
pub struct Pdf {
    pub bytes: Vec<u8>,
    pub offsets: Vec<(u32, usize)>,
}

impl Pdf {
    pub fn new() -> Pdf {
        Pdf { bytes: b"%PDF-1.5\n".to_vec(), offsets: Vec::new() }
    }

    pub fn object(mut self, number: u32, body: impl AsRef<[u8]>) -> Pdf {
        self.offsets.push((number, self.bytes.len()));
        self.bytes.extend(format!("{number} 0 obj\n").as_bytes());
        self.bytes.extend(body.as_ref());
        self.bytes.extend(b"\nendobj\n");
        self
    }

    pub fn text(mut self, text: &str) -> Pdf {
        self.bytes.extend(text.as_bytes());
        self
    }

    /// With a table of all objects; `trailer` is put into its dictionary.
    pub fn table(mut self, trailer: &str) -> Vec<u8> {
        let start = self.bytes.len();
        let mut table = String::from("xref\n0 1\n0000000000 65535 f \n");
        for (number, offset) in &self.offsets {
            table += &format!("{number} 1\n{offset:010} 00000 n \n");
        }
        table += &format!("trailer\n<</Root 1 0 R {trailer}>>\nstartxref\n{start}\n%%EOF\n");
        self.bytes.extend(table.as_bytes());
        self.bytes
    }

    /// With a cross-reference stream as object `number`, in which `members` are (number, container, place).
    pub fn stream_table(mut self, number: u32, members: &[(u32, u32, u16)]) -> Vec<u8> {
        let start = self.bytes.len();
        let mut rows = vec![[0u8; 7]; number as usize + 1];
        for (object, offset) in &self.offsets {
            rows[*object as usize] = row(1, *offset as u32, 0);
        }
        for (object, container, place) in members {
            rows[*object as usize] = row(2, *container, *place);
        }
        rows[number as usize] = row(1, start as u32, 0);
        let size = rows.len();
        let dictionary = format!("/Type/XRef/Size {size}/W[1 4 2]/Root 1 0 R");
        self = self.object(number, stream(&dictionary, &rows.concat()));
        self.text(&format!("startxref\n{start}\n%%EOF\n")).bytes
    }
}

pub fn row(kind: u8, second: u32, third: u16) -> [u8; 7] {
    let [a, b, c, d] = second.to_be_bytes();
    let [e, f] = third.to_be_bytes();
    [kind, a, b, c, d, e, f]
}

pub fn stream(dictionary: &str, bytes: &[u8]) -> Vec<u8> {
    let head = format!("<<{dictionary}/Length {}>>\nstream\n", bytes.len());
    [head.as_bytes(), bytes, b"\nendstream"].concat()
}
