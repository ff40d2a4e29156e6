//! What stands in a page tree: nodes, pages, and what is neither (ISO 32000-2, 7.7.3).

use hayro::hayro_syntax::object::{Array, Dict, FromBytes, MaybeRef, Name, Object};

use super::objects::Objects;
use super::token::{Held, held};

/// Kids of all nodes together, at most.
const MAX_KIDS: usize = 1 << 20;

/// How deep a tree may be. Writers make trees of two to five levels, a few make lists.
pub const MAX_DEPTH: usize = 4096;

/// What a dictionary in the tree is.
pub enum Limb {
    /// With its kids.
    Node(Vec<Held>),
    Page,
    Neither,
    TooMany,
}

/// Tells what the dictionaries of one tree are, within a bound on all their kids.
pub struct Tree {
    kids_left: usize,
}

impl Tree {
    pub fn new() -> Tree {
        Tree { kids_left: MAX_KIDS }
    }

    /// Kids make a node, whatever it calls itself. Pages forget to say what they are, or say something else; the root
    /// is one only where it says so.
    pub fn limb(&mut self, objects: &mut Objects<'_>, dict: &Dict<'_>, root: bool) -> Limb {
        let array = held(dict, b"Kids").and_then(|kids| objects.resolve(&kids));
        if let Some(kids) = array.as_deref().and_then(Array::from_bytes) {
            return self.kids(&kids);
        }
        let says_so =
            || dict.get::<Name<'_>>(b"Type".as_slice()).is_some_and(|kind| kind.as_ref() == b"Page");
        if !root || says_so() { Limb::Page } else { Limb::Neither }
    }

    fn kids(&mut self, array: &Array<'_>) -> Limb {
        let mut kids = Vec::new();
        for kid in array.raw_iter() {
            let Some(left) = self.kids_left.checked_sub(1) else {
                return Limb::TooMany;
            };
            self.kids_left = left;
            match kid {
                MaybeRef::Ref(reference) => kids.push(Held::Elsewhere(reference.obj_number)),
                MaybeRef::NotRef(Object::Dict(dict)) => kids.push(Held::Here(dict.data().to_vec())),
                MaybeRef::NotRef(_) => {}
            }
        }
        Limb::Node(kids)
    }
}
