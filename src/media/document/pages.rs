//! How many pages a document has: the page tree is walked, its counts are a hint (ISO 32000-2, 7.7.3).
//!
//! 1. The table as it is written. 2. Where that leads to no page, or to some that aren't there: the table rebuilt.
//! 3. Where the tree itself is lost: the objects that call themselves pages.

use std::collections::{HashMap, HashSet};

use hayro::hayro_syntax::object::{Array, Dict, FromBytes, MaybeRef, Name, Object};

use super::file::File;
use super::objects::Objects;
use super::token::{Held, held};
use super::{rebuild, xref};
use crate::asset::Flaw;
use crate::media::{Refusal, Source};

/// Pages of one document, at most: kids may be shared, so there can be more of them than of kids.
const MAX_PAGES: u64 = 1 << 20;

/// Kids of all nodes together, at most.
const MAX_KIDS: usize = 1 << 20;

/// How deep a tree may be. Writers make trees of two to five levels, a few make lists.
const MAX_DEPTH: usize = 4096;

/// The number of pages; `None` for a document that does not open with the empty password, or whose pages can't be
/// told.
pub fn count(source: &mut dyn Source) -> Result<Option<u32>, Refusal> {
    let file = File::open(source).ok_or(Flaw::BadHeader)?;
    let mut objects = Objects::new(file);
    let counted = written(&mut objects);
    let counted = match counted {
        // All that it names is there, or as much as it says.
        Some(Counted::Pages { number, missing, claimed })
            if number > 0 && (missing == 0 || number == claimed) =>
        {
            counted
        }
        Some(Counted::Locked | Counted::TooMany) => counted,
        _ => better(counted, rebuilt(&mut objects)),
    };
    if objects.file.exhausted() {
        return Err(Flaw::TooComplex.into());
    }
    match counted {
        Some(Counted::Locked) => Ok(None),
        Some(Counted::TooMany) => Err(Flaw::TooComplex.into()),
        Some(Counted::Pages { number, .. }) if number > 0 => Ok(u32::try_from(number).ok()),
        Some(Counted::Pages { .. }) => Err(Flaw::NoPages.into()),
        None => Err(Flaw::NoTrailer.into()),
    }
}

enum Counted {
    /// It takes a password.
    Locked,
    TooMany,
    Pages {
        number: u64,
        /// Kids that aren't there.
        missing: u64,
        /// What the root says.
        claimed: u64,
    },
}

/// By the table as it is written.
fn written(objects: &mut Objects<'_>) -> Option<Counted> {
    let trailer = xref::read(objects)?;
    let root = trailer.root?;
    if !objects.unlock(&trailer) {
        // Only where the table is right: a broken one may name the wrong object as its key.
        let catalog = objects.entries.contains_key(&root);
        return catalog.then_some(Counted::Locked);
    }
    from_catalog(objects, root)
}

/// By the objects that are there.
fn rebuilt(objects: &mut Objects<'_>) -> Option<Counted> {
    let rebuilt = rebuild::rebuild(objects)?;
    if !rebuilt.unlocked {
        return Some(Counted::Locked);
    }
    let counted = rebuilt.trailer.root.and_then(|root| from_catalog(objects, root));
    match counted {
        // The root of a tree that is lost says how many pages there were, and they are there.
        Some(Counted::Pages { number: 0, missing, claimed }) if claimed <= rebuilt.pages => {
            Some(Counted::Pages { number: claimed, missing, claimed })
        }
        _ => counted,
    }
}

/// The one that found more pages.
fn better(written: Option<Counted>, rebuilt: Option<Counted>) -> Option<Counted> {
    match (&written, &rebuilt) {
        (Some(Counted::Pages { number: one, .. }), Some(Counted::Pages { number: other, .. }))
            if one > other =>
        {
            written
        }
        (Some(_), None) => written,
        _ => rebuilt,
    }
}

fn from_catalog(objects: &mut Objects<'_>, root: u32) -> Option<Counted> {
    let catalog = objects.object(root)?;
    let dict = Dict::from_bytes(&catalog)?;
    let pages = held(&dict, b"Pages")?;
    Some(Walk::new(objects).run(pages))
}

/// One node between the root and the pages, on the way from it to its kids.
struct Node {
    /// Its object's number; `None` for one that stands in its parent.
    number: Option<u32>,
    kids: std::vec::IntoIter<Held>,
    /// Pages below it so far.
    pages: u64,
    /// Kids that aren't there, or that it comes below.
    missing: u64,
    claimed: u64,
}

struct Walk<'o, 's> {
    objects: &'o mut Objects<'s>,
    path: Vec<Node>,
    /// Numbers of the nodes on the path: a node below itself ends nowhere.
    open: HashSet<u32>,
    /// Pages below the objects that were visited: a tree may name one twice, and a hostile one does so at each level.
    known: HashMap<u32, u64>,
    kids: usize,
    missing: u64,
}

enum Visited {
    /// No node, or one that is known.
    Pages {
        number: u64,
        claimed: u64,
    },
    Missing,
    Node(Node),
    TooMany,
}

impl<'o, 's> Walk<'o, 's> {
    fn new(objects: &'o mut Objects<'s>) -> Walk<'o, 's> {
        Walk { objects, path: Vec::new(), open: HashSet::new(), known: HashMap::new(), kids: 0, missing: 0 }
    }

    fn run(mut self, pages: Held) -> Counted {
        match self.visit(pages, true) {
            Visited::Pages { number, claimed } => {
                return Counted::Pages { number, missing: 0, claimed };
            }
            Visited::Missing => {
                return Counted::Pages { number: 0, missing: 1, claimed: 0 };
            }
            Visited::TooMany => return Counted::TooMany,
            Visited::Node(root) => self.path.push(root),
        }
        loop {
            let Some(node) = self.path.last_mut() else {
                // The root's is taken off below, which ends the walk.
                return Counted::TooMany;
            };
            match node.kids.next() {
                Some(kid) => match self.visit(kid, false) {
                    Visited::Pages { number, .. } => self.add(number),
                    Visited::Missing => {
                        if let Some(node) = self.path.last_mut() {
                            node.missing += 1;
                        }
                    }
                    Visited::Node(node) if self.path.len() < MAX_DEPTH => self.path.push(node),
                    Visited::Node(_) | Visited::TooMany => return Counted::TooMany,
                },
                None => {
                    let Some(node) = self.path.pop() else {
                        return Counted::TooMany;
                    };
                    let pages = self.close(&node);
                    if pages > MAX_PAGES {
                        return Counted::TooMany;
                    }
                    if self.path.is_empty() {
                        return Counted::Pages {
                            number: pages,
                            missing: self.missing,
                            claimed: node.claimed,
                        };
                    }
                    self.add(pages);
                }
            }
        }
    }

    fn add(&mut self, pages: u64) {
        if let Some(node) = self.path.last_mut() {
            node.pages = node.pages.saturating_add(pages);
        }
    }

    /// The pages of a node whose kids are done. Kids that aren't there are pages where the count says so: other
    /// readers show them, blank.
    fn close(&mut self, node: &Node) -> u64 {
        self.missing = self.missing.saturating_add(node.missing);
        let all = node.pages.saturating_add(node.missing);
        let pages = if (node.pages..=all).contains(&node.claimed) { node.claimed } else { node.pages };
        if let Some(number) = node.number {
            self.open.remove(&number);
            self.known.insert(number, pages);
        }
        pages
    }

    fn visit(&mut self, kid: Held, root: bool) -> Visited {
        if self.objects.file.exhausted() {
            return Visited::TooMany;
        }
        let (number, body) = match kid {
            Held::Here(body) => (None, Some(body)),
            Held::Elsewhere(number) => {
                if let Some(pages) = self.known.get(&number) {
                    return Visited::Pages { number: *pages, claimed: 0 };
                }
                if self.open.contains(&number) {
                    return Visited::Missing;
                }
                (Some(number), self.objects.object(number))
            }
        };
        let Some(dict) = body.as_deref().and_then(Dict::from_bytes) else {
            return Visited::Missing;
        };
        let kids = held(&dict, b"Kids").and_then(|kids| self.kids(kids));
        let claimed = dict.get::<i64>(b"Count".as_slice()).and_then(|count| u64::try_from(count).ok());
        let claimed = claimed.unwrap_or(0);
        match kids {
            Some(Ok(kids)) => {
                if let Some(number) = number {
                    self.open.insert(number);
                }
                Visited::Node(Node { number, kids: kids.into_iter(), pages: 0, missing: 0, claimed })
            }
            Some(Err(TooMany)) => Visited::TooMany,
            None => {
                // Pages forget to say what they are; the root of a tree is one only where it says so.
                let page = match dict.get::<Name<'_>>(b"Type".as_slice()) {
                    Some(kind) if root => kind.as_ref() == b"Page",
                    Some(kind) => kind.as_ref() != b"Pages",
                    None => !root,
                };
                let pages = u64::from(page);
                if let Some(number) = number {
                    self.known.insert(number, pages);
                }
                Visited::Pages { number: pages, claimed }
            }
        }
    }

    /// `None` where there is no array.
    fn kids(&mut self, array: Held) -> Option<Result<Vec<Held>, TooMany>> {
        let body = match array {
            Held::Here(body) => body,
            Held::Elsewhere(number) => self.objects.object(number)?,
        };
        let mut kids = Vec::new();
        for kid in Array::from_bytes(&body)?.raw_iter() {
            self.kids += 1;
            if self.kids > MAX_KIDS {
                return Some(Err(TooMany));
            }
            match kid {
                MaybeRef::Ref(reference) => kids.push(Held::Elsewhere(reference.obj_number)),
                MaybeRef::NotRef(Object::Dict(dict)) => kids.push(Held::Here(dict.data().to_vec())),
                MaybeRef::NotRef(_) => {}
            }
        }
        Some(Ok(kids))
    }
}

struct TooMany;
