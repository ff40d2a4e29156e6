//! The borders of links, which seldom have an appearance of their own, or an empty one: TeX frames every reference and
//! address so (ISO 32000-2, 12.5.2, 12.5.4 and 12.5.6.5).

use hayro::hayro_syntax::object::{Array, Dict, FromBytes, MaybeRef, Name, Object};

use super::first::{Bounds, number};
use super::objects::Objects;
use super::token::held;

/// Annotations of one page that are kept, at most: an index links every entry, a hostile page names one a million times.
const MAX_ANNOTATIONS: usize = 4096;

/// Flags of what doesn't show on a screen: hidden, and no view (ISO 32000-2, table 167).
const UNSEEN: i64 = 1 << 1 | 1 << 5;

/// A page's annotations.
pub struct Annotations {
    /// As they are written, in an array: references and dictionaries.
    pub array: Vec<u8>,
    /// What draws the borders of the links, in the page's own coordinates; empty where there are none.
    pub borders: String,
}

/// Of a page's dictionary; `None` where it has none.
pub fn annotations(objects: &mut Objects<'_>, page: &Dict<'_>) -> Option<Annotations> {
    let body = objects.resolve(&held(page, b"Annots")?)?;
    let mut annotations = Annotations { array: Vec::new(), borders: String::new() };
    for value in Array::from_bytes(&body)?.raw_iter().take(MAX_ANNOTATIONS) {
        let annotation = match value {
            MaybeRef::Ref(reference) => {
                annotations.array.extend_from_slice(format!("{reference} ").as_bytes());
                objects.object(reference.obj_number)
            }
            MaybeRef::NotRef(Object::Dict(dict)) => {
                annotations.array.extend_from_slice(dict.data());
                Some(dict.data().to_vec())
            }
            MaybeRef::NotRef(_) => None,
        };
        let border = annotation.as_deref().and_then(Dict::from_bytes).and_then(|dict| border(objects, &dict));
        annotations.borders.extend(border);
    }
    Some(annotations)
}

/// What draws the border of a link; `None` where there is none to draw.
fn border(objects: &mut Objects<'_>, link: &Dict<'_>) -> Option<String> {
    let is_link = link.get::<Name<'_>>(b"Subtype".as_slice())?.as_ref() == b"Link";
    let unseen = link.get::<i64>(b"F".as_slice()).unwrap_or(0) & UNSEEN != 0;
    if !is_link || unseen {
        return None;
    }
    let width = width(objects, link).filter(|width| *width > 0.0 && width.is_finite())?;
    let colour = match numbers(objects, link, b"C") {
        None => "0 G".to_owned(),
        Some(levels) => match levels.as_slice() {
            [grey] => format!("{grey} G"),
            [red, green, blue] => format!("{red} {green} {blue} RG"),
            [cyan, magenta, yellow, black] => format!("{cyan} {magenta} {yellow} {black} K"),
            _ => return None,
        },
    };
    let Bounds { left, bottom, right, top } = Bounds::read(objects, link, b"Rect")?;
    let (across, up) = (right - left, top - bottom);
    Some(format!("{colour} {width} w {left} {bottom} {across} {up} re S "))
}

/// In points. Where neither kind of border is stated other readers draw none, though by the book it is 1.
fn width(objects: &mut Objects<'_>, link: &Dict<'_>) -> Option<f64> {
    let style = held(link, b"BS").and_then(|style| objects.resolve(&style));
    match style.as_deref().and_then(Dict::from_bytes) {
        Some(style) => match style.get_raw::<Object<'_>>(b"W".as_slice()) {
            Some(width) => number(objects, width),
            None => Some(1.0),
        },
        None => numbers(objects, link, b"Border")?.get(2).copied(),
    }
}

/// The numbers at the head of an array; `None` where there is none.
fn numbers(objects: &mut Objects<'_>, dict: &Dict<'_>, key: &[u8]) -> Option<Vec<f64>> {
    /// Of a colour, and more than a border's before its dashes.
    const MOST: usize = 4;
    let body = objects.resolve(&held(dict, key)?)?;
    let values = Array::from_bytes(&body)?.raw_iter().take(MOST);
    Some(values.map_while(|value| number(objects, value)).collect())
}
