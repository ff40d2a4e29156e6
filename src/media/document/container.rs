//! Object streams: many objects packed as one (ISO 32000-2, 7.5.7).

use std::collections::HashMap;
use std::rc::Rc;

use super::objects::MAX_OBJECTS;
use super::token::{digits, skip_space};

/// Unpacked object streams kept, in bytes: the pages of one document lie spread over several.
const MAX_KEPT_BYTES: usize = 64 << 20;

/// An object stream, unpacked.
pub struct Container {
    bytes: Vec<u8>,
    /// (number, offset), by place.
    members: Vec<(u32, usize)>,
}

impl Container {
    /// `first` is where the first object stands, `count` how many there are.
    pub fn new(bytes: Vec<u8>, first: usize, count: usize) -> Container {
        let members = members(&bytes, first, count);
        Container { bytes, members }
    }

    pub fn size_bytes(&self) -> usize {
        self.bytes.len() + size_of_val(self.members.as_slice())
    }

    /// The numbers of its objects, by place.
    pub fn numbers(&self) -> impl Iterator<Item = u32> {
        self.members.iter().map(|member| member.0)
    }

    /// What begins with object `number`, if that stands in place `index`.
    pub fn at(&self, index: u32, number: u32) -> Option<&[u8]> {
        let member = self.members.get(index as usize).filter(|member| member.0 == number)?;
        self.bytes.get(member.1..)
    }

    /// What begins with object `number`, in whatever place.
    pub fn find(&self, number: u32) -> Option<&[u8]> {
        let member = self.members.iter().find(|member| member.0 == number)?;
        self.bytes.get(member.1..)
    }
}

/// The pairs of number and offset at the head of an object stream.
fn members(bytes: &[u8], first: usize, count: usize) -> Vec<(u32, usize)> {
    let mut rest = bytes.get(..first).unwrap_or(bytes);
    let mut members = Vec::new();
    while members.len() < count.min(MAX_OBJECTS) {
        let Some((number, behind)) = digits(skip_space(rest)) else {
            break;
        };
        let Some((offset, behind)) = digits(skip_space(behind)) else {
            break;
        };
        rest = behind;
        if let (Ok(number), Ok(offset)) = (u32::try_from(number), usize::try_from(offset)) {
            members.push((number, first.saturating_add(offset)));
        }
    }
    members
}

/// The object streams that were opened, by number, all forgotten once they are too many.
#[derive(Default)]
pub struct Kept {
    /// `None` for one that can't be unpacked, so that it is not tried again.
    containers: HashMap<u32, Option<Rc<Container>>>,
    bytes: usize,
}

impl Kept {
    pub fn get(&self, number: u32) -> Option<Option<Rc<Container>>> {
        self.containers.get(&number).cloned()
    }

    pub fn keep(&mut self, number: u32, container: Option<Rc<Container>>) {
        let bytes = container.as_ref().map_or(0, |container| container.size_bytes());
        if self.bytes.saturating_add(bytes) > MAX_KEPT_BYTES {
            *self = Kept::default();
        }
        self.bytes += bytes;
        self.containers.insert(number, container);
    }
}
