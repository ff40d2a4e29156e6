//! How many pages a document has: the page tree is walked, its counts are a hint (ISO 32000-2, 7.7.3).
//!
//! 1. The table as it is written. 2. Where that leads to no page, or to some that aren't there: the table rebuilt.
//! 3. Where the tree itself is lost: the objects that call themselves pages.

use std::collections::{HashMap, HashSet};

use hayro::hayro_syntax::object::{Dict, FromBytes};

use super::file::File;
use super::objects::Objects;
use super::token::{Held, held};
use super::tree::{Limb, MAX_DEPTH, Tree};
use super::{rebuild, xref};
use crate::asset::Flaw;
use crate::media::{Refusal, Source};

/// Pages of one document, at most: kids may be shared, so there can be more of them than of kids.
const MAX_PAGES: u64 = 1 << 20;

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
    let root = trailer.root.as_ref()?;
    if !objects.unlock(&trailer) {
        // Only where the table is right: a broken one may name the wrong object as its key.
        let catalog = match root {
            Held::Elsewhere(number) => objects.entries.contains_key(number),
            Held::Here(_) => true,
        };
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
    let counted = rebuilt.trailer.root.as_ref().and_then(|root| from_catalog(objects, root));
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

fn from_catalog(objects: &mut Objects<'_>, root: &Held) -> Option<Counted> {
    let catalog = objects.resolve(root)?;
    let dict = Dict::from_bytes(&catalog)?;
    let pages = held(&dict, b"Pages")?;
    Some(Walk::new(objects).run(pages))
}

/// Pages below a node. Kids that aren't there are pages where a count says so: other readers show them, blank.
#[derive(Clone, Copy, Default)]
struct Tally {
    /// That are there.
    sure: u64,
    /// With those that the counts below ask for.
    likely: u64,
    /// With all kids that aren't there.
    most: u64,
}

impl Tally {
    const PAGE: Tally = Tally { sure: 1, likely: 1, most: 1 };
    const MISSING: Tally = Tally { sure: 0, likely: 0, most: 1 };

    fn add(&mut self, other: Tally) {
        self.sure = self.sure.saturating_add(other.sure);
        self.likely = self.likely.saturating_add(other.likely);
        self.most = self.most.saturating_add(other.most);
    }

    /// What a node of that count makes of it.
    fn counted(self, claimed: u64) -> Tally {
        let likely = if (self.sure..=self.most).contains(&claimed) { claimed } else { self.likely };
        Tally { likely, ..self }
    }
}

/// One node between the root and the pages, on the way from it to its kids.
struct Node {
    /// Its object's number; `None` for one that stands in its parent.
    number: Option<u32>,
    kids: std::vec::IntoIter<Held>,
    /// Below it so far.
    pages: Tally,
    claimed: u64,
}

struct Walk<'o, 's> {
    objects: &'o mut Objects<'s>,
    path: Vec<Node>,
    /// Numbers of the nodes on the path: a node below itself ends nowhere.
    open: HashSet<u32>,
    /// Pages below the objects that were visited: a tree may name one twice, and a hostile one does so at each level.
    known: HashMap<u32, Tally>,
    tree: Tree,
}

enum Visited {
    /// No node, or one that is known, with its count.
    Pages(Tally, u64),
    /// Or a node that it stands below.
    Missing,
    Node(Node),
    TooMany,
}

impl<'o, 's> Walk<'o, 's> {
    fn new(objects: &'o mut Objects<'s>) -> Walk<'o, 's> {
        Walk { objects, path: Vec::new(), open: HashSet::new(), known: HashMap::new(), tree: Tree::new() }
    }

    fn run(mut self, pages: Held) -> Counted {
        match self.visit(pages, true) {
            Visited::Pages(pages, claimed) => return told(pages, claimed),
            Visited::Missing => return told(Tally::MISSING, 0),
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
                    Visited::Pages(pages, _) => self.add(pages),
                    Visited::Missing => self.add(Tally::MISSING),
                    Visited::Node(node) if self.path.len() < MAX_DEPTH => self.path.push(node),
                    Visited::Node(_) | Visited::TooMany => return Counted::TooMany,
                },
                None => {
                    let Some(node) = self.path.pop() else {
                        return Counted::TooMany;
                    };
                    let pages = node.pages.counted(node.claimed);
                    if pages.likely > MAX_PAGES {
                        return Counted::TooMany;
                    }
                    if self.path.is_empty() {
                        return told(pages, node.claimed);
                    }
                    if let Some(number) = node.number {
                        self.open.remove(&number);
                        self.known.insert(number, pages);
                    }
                    self.add(pages);
                }
            }
        }
    }

    fn add(&mut self, pages: Tally) {
        if let Some(node) = self.path.last_mut() {
            node.pages.add(pages);
        }
    }

    fn visit(&mut self, kid: Held, root: bool) -> Visited {
        if self.objects.file.exhausted() {
            return Visited::TooMany;
        }
        let (number, body) = match kid {
            Held::Here(body) => (None, Some(body)),
            Held::Elsewhere(number) => {
                if let Some(pages) = self.known.get(&number) {
                    return Visited::Pages(*pages, 0);
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
        let claimed = dict.get::<i64>(b"Count".as_slice()).and_then(|count| u64::try_from(count).ok());
        let claimed = claimed.unwrap_or(0);
        let pages = match self.tree.limb(self.objects, &dict, root) {
            Limb::TooMany => return Visited::TooMany,
            Limb::Node(kids) => {
                if let Some(number) = number {
                    self.open.insert(number);
                }
                return Visited::Node(Node {
                    number,
                    kids: kids.into_iter(),
                    pages: Tally::default(),
                    claimed,
                });
            }
            Limb::Page => Tally::PAGE,
            Limb::Neither => Tally::default(),
        };
        if let Some(number) = number {
            self.known.insert(number, pages);
        }
        Visited::Pages(pages, claimed)
    }
}

fn told(pages: Tally, claimed: u64) -> Counted {
    Counted::Pages { number: pages.likely, missing: pages.most.saturating_sub(pages.sure), claimed }
}
