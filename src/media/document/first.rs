//! The first page of a document, made whole: what it inherits from the tree is put into it, and its boxes and its turn
//! are numbers that make sense (ISO 32000-2, 7.7.3.4 and 14.11.2).

use std::collections::HashSet;
use std::fmt;

use hayro::hayro_syntax::object::{Array, Dict, FromBytes, MaybeRef, Object};

use super::borders::{self, Annotations};
use super::objects::Objects;
use super::token::{Held, held};
use super::tree::{Limb, MAX_DEPTH, Tree};
use super::xref::Trailer;
use super::{rebuild, xref};

/// What is looked at before the first page is found, at most: branches without a page come before it in odd files only.
const MAX_LIMBS: usize = 1 << 16;

/// US Letter, in points: what other readers take for a page without a size.
const DEFAULT_BOX: Bounds = Bounds { left: 0.0, bottom: 0.0, right: 612.0, top: 792.0 };

/// A box of less has no area, one of more (a hundred times the largest page of any program, in points) makes no sense.
const SIDE: std::ops::RangeInclusive<f64> = 0.01..=1.44e6;

/// The page, and what leads to it.
pub struct First {
    pub trailer: Trailer,
    /// The catalog's dictionary.
    pub catalog: Vec<u8>,
    /// The page's dictionary. Where it says something twice the last counts.
    pub page: Vec<u8>,
    /// What the page shows.
    pub shown: Bounds,
    pub annotations: Option<Annotations>,
}

/// Looked for as [`super::pages::count`] does: by the table as it is written, and by the table rebuilt where that one
/// leads to no page or past a kid that isn't there. `objects` is left with the table that counted last.
pub fn find(objects: &mut Objects<'_>) -> Option<First> {
    let written = xref::read(objects)
        .filter(|trailer| objects.unlock(trailer))
        .and_then(|trailer| descend(objects, trailer));
    if let Some(Descent { first, past_missing: false }) = written {
        return Some(first);
    }
    let rebuilt = rebuild::rebuild(objects)
        .filter(|rebuilt| rebuilt.unlocked)
        .and_then(|rebuilt| descend(objects, rebuilt.trailer));
    rebuilt.or(written).map(|descent| descent.first)
}

struct Descent {
    first: First,
    /// Whether a kid before it isn't there.
    past_missing: bool,
}

/// A node on the way from the root.
struct Node {
    body: Held,
    kids: std::vec::IntoIter<Held>,
}

/// Goes down the tree to its first page.
fn descend(objects: &mut Objects<'_>, trailer: Trailer) -> Option<Descent> {
    let catalog = objects.resolve(trailer.root.as_ref()?)?;
    let mut next = Some(held(&Dict::from_bytes(&catalog)?, b"Pages")?);
    let mut tree = Tree::new();
    let mut path: Vec<Node> = Vec::new();
    let mut seen = HashSet::new();
    let mut past_missing = false;
    for _ in 0..MAX_LIMBS {
        let Some(limb) = next.take() else {
            next = path.last_mut()?.kids.next();
            if next.is_none() {
                path.pop();
            }
            continue;
        };
        if let Held::Elsewhere(number) = limb
            && !seen.insert(number)
        {
            continue;
        }
        let Some(body) = objects.resolve(&limb) else {
            past_missing = true;
            continue;
        };
        let Some(dict) = Dict::from_bytes(&body) else {
            past_missing = true;
            continue;
        };
        match tree.limb(objects, &dict, path.is_empty()) {
            Limb::Node(kids) if path.len() < MAX_DEPTH => {
                path.push(Node { body: limb, kids: kids.into_iter() });
            }
            Limb::Page => {
                let (page, shown) = complete(objects, &dict, &path)?;
                let annotations = borders::annotations(objects, &dict);
                let first = First { trailer, catalog, page, shown, annotations };
                return Some(Descent { first, past_missing });
            }
            Limb::Neither => {}
            Limb::Node(_) | Limb::TooMany => return None,
        }
    }
    None
}

/// What a page may have from the nodes above it.
#[derive(Default)]
struct Attributes {
    /// Both with an area.
    media: Option<Bounds>,
    crop: Option<Bounds>,
    turn: Option<i64>,
    /// As it is written, a dictionary or a reference to one.
    resources: Option<Vec<u8>>,
}

impl Attributes {
    /// Takes from a dictionary what those below it don't have.
    fn inherit(&mut self, objects: &mut Objects<'_>, dict: &Dict<'_>) {
        if self.media.is_none() {
            self.media = Bounds::read(objects, dict, b"MediaBox").filter(Bounds::has_area);
        }
        if self.crop.is_none() {
            self.crop = Bounds::read(objects, dict, b"CropBox").filter(Bounds::has_area);
        }
        if self.turn.is_none() {
            let turn = dict.get_raw::<Object<'_>>(b"Rotate".as_slice());
            self.turn = turn.and_then(|turn| number(objects, turn)).map(|turn| turn.round() as i64);
        }
        if self.resources.is_none() {
            self.resources = match dict.get_raw::<Object<'_>>(b"Resources".as_slice()) {
                Some(MaybeRef::Ref(reference)) => Some(reference.to_string().into_bytes()),
                Some(MaybeRef::NotRef(Object::Dict(resources))) => Some(resources.data().to_vec()),
                _ => None,
            };
        }
    }
}

/// The page's dictionary with all that it inherits, and what it shows.
fn complete(objects: &mut Objects<'_>, page: &Dict<'_>, path: &[Node]) -> Option<(Vec<u8>, Bounds)> {
    let mut attributes = Attributes::default();
    attributes.inherit(objects, page);
    for node in path.iter().rev() {
        if let Some(body) = objects.resolve(&node.body)
            && let Some(dict) = Dict::from_bytes(&body)
        {
            attributes.inherit(objects, &dict);
        }
    }
    let shown = shown(attributes.media, attributes.crop);
    // Other turns than by quarters are not drawn by anyone.
    let turn = attributes.turn.filter(|turn| turn % 90 == 0).map_or(0, |turn| turn.rem_euclid(360));
    let said = format!(" /Type /Page /MediaBox {shown} /CropBox {shown} /Rotate {turn} ");
    let resources = attributes.resources.unwrap_or_else(|| b"<< >>".to_vec());
    let open = page.data().strip_suffix(b">>")?;
    Some(([open, said.as_bytes(), b"/Resources ", &resources, b" >>"].concat(), shown))
}

/// What a page shows: the part of its crop box that lies on its medium; the medium where there is no such part.
fn shown(media: Option<Bounds>, crop: Option<Bounds>) -> Bounds {
    let media = media.unwrap_or(DEFAULT_BOX);
    crop.map(|crop| crop.intersection(&media)).filter(Bounds::has_area).unwrap_or(media)
}

/// A rectangle in points, `left` at most `right`.
#[derive(Clone, Copy)]
pub struct Bounds {
    pub left: f64,
    pub bottom: f64,
    pub right: f64,
    pub top: f64,
}

impl fmt::Display for Bounds {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "[{} {} {} {}]", self.left, self.bottom, self.right, self.top)
    }
}

impl Bounds {
    /// Any two opposite corners, whose numbers may stand elsewhere (ISO 32000-2, 7.9.5). `None` for what is no rectangle.
    pub fn read(objects: &mut Objects<'_>, dict: &Dict<'_>, key: &[u8]) -> Option<Bounds> {
        let body = objects.resolve(&held(dict, key)?)?;
        let mut values = Array::from_bytes(&body)?.raw_iter();
        let mut corner = || number(objects, values.next()?).filter(|value| value.is_finite());
        let [x, y, other_x, other_y] = [corner()?, corner()?, corner()?, corner()?];
        let (left, right) = (x.min(other_x), x.max(other_x));
        Some(Bounds { left, bottom: y.min(other_y), right, top: y.max(other_y) })
    }

    fn intersection(&self, other: &Bounds) -> Bounds {
        Bounds {
            left: self.left.max(other.left),
            bottom: self.bottom.max(other.bottom),
            right: self.right.min(other.right),
            top: self.top.min(other.top),
        }
    }

    fn has_area(&self) -> bool {
        SIDE.contains(&(self.right - self.left)) && SIDE.contains(&(self.top - self.bottom))
    }
}

/// A number, here or elsewhere.
pub fn number(objects: &mut Objects<'_>, value: MaybeRef<Object<'_>>) -> Option<f64> {
    let read = |object: Object<'_>| match object {
        Object::Number(number) => Some(number.as_f64()),
        _ => None,
    };
    match value {
        MaybeRef::NotRef(object) => read(object),
        MaybeRef::Ref(reference) => read(Object::from_bytes(&objects.object(reference.obj_number)?)?),
    }
}
