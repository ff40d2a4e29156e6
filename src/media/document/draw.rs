//! The first page of a document, drawn small.

use std::sync::Arc;

use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_interpret::font::{FontData, FontQuery};
use hayro::hayro_interpret::hayro_cmap::CidFamily;
use hayro::hayro_interpret::util::TransformExt;
use hayro::hayro_syntax::Pdf;
use hayro::hayro_syntax::page::Page;
use hayro::kurbo::Affine;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::vello_cpu::{Pixmap, RasterizerSettings, RenderContext, Resources, TargetInit};
use hayro::{RenderCache, RenderSettings, render_into};

use super::file::File;
use super::objects::Objects;
use super::{alone, first};
use crate::media::picture::Picture;
use crate::media::{Source, THUMBNAIL_SIDE};

/// The largest document that is drawn, in bytes: it is held in memory as a whole, beside the pictures in it.
const MAX_DRAWN_BYTES: u64 = 192 << 20;

/// The first page on white, its crop box upright, the longest side [`THUMBNAIL_SIDE`] pixels; `None` where it can't be
/// read or drawn.
pub fn first_page(source: &mut dyn Source) -> Option<Picture> {
    let pdf = Pdf::new(document(source)?).ok()?;
    draw(pdf.pages().first()?)
}

/// The document with its first page alone; as it is where that can't be found here, since `hayro` may find it.
fn document(source: &mut dyn Source) -> Option<Vec<u8>> {
    let mut objects = Objects::new(File::open(source)?);
    match first::find(&mut objects) {
        Some(first) => alone::document(&mut objects, &first, MAX_DRAWN_BYTES),
        None => objects.file.whole(MAX_DRAWN_BYTES),
    }
}

fn draw(page: &Page<'_>) -> Option<Picture> {
    let (width, height) = page.render_dimensions();
    let size = Size::of(width, height)?;
    let mut context = RenderContext::new(size.across.pixels, size.down.pixels);
    // Hinting moves thin strokes to whole pixels, which at this size is a third of a letter.
    let settings = RenderSettings { hinting: false, ..RenderSettings::default() };
    let transform = Affine::scale_non_uniform(size.across.scale, size.down.scale)
        * page.initial_transform(true).to_kurbo();
    let interpreting =
        InterpreterSettings { font_resolver: Arc::new(font), ..InterpreterSettings::default() };
    render_into(page, &RenderCache::new(), &interpreting, &settings, &mut context, transform);
    context.flush();
    let mut pixels = Pixmap::new(size.across.pixels, size.down.pixels);
    let white = RasterizerSettings { target_init: TargetInit::Clear(WHITE), ..RasterizerSettings::default() };
    context.render_with(&mut pixels, &mut Resources::default(), white);
    // On white nothing is left transparent, so the colours are as they are.
    let mut rgb: Vec<u8> = pixels.data().iter().flat_map(|pixel| [pixel.r, pixel.g, pixel.b]).collect();
    fill_edges(&mut rgb, &size);
    Picture::new(u32::from(size.across.pixels), u32::from(size.down.pixels), rgb)
}

/// For a font that the document names and doesn't hold: the standard one that is most like it. The scripts of East Asia
/// are in none of those, and their fonts would be larger than this program: a font that has one sign for all that is
/// written in them shows where there is text.
fn font(query: &FontQuery) -> Option<(FontData, u32)> {
    static STAND_IN: &[u8] = include_bytes!("fonts/stand-in.ttf");
    match query {
        FontQuery::Standard(font) => Some(font.get_font_data()),
        FontQuery::Fallback(wanted) => match wanted
            .character_collection
            .as_ref()
            .map(|collection| &collection.family)
        {
            Some(
                CidFamily::AdobeJapan1 | CidFamily::AdobeGB1 | CidFamily::AdobeCNS1 | CidFamily::AdobeKorea1,
            ) => Some((Arc::new(STAND_IN), 0)),
            _ => Some(wanted.pick_standard_font().get_font_data()),
        },
    }
}

/// How a page is drawn: at the size of the picture, not shrunk afterwards, so that a page of any size costs the same.
struct Size {
    across: Side,
    down: Side,
}

/// One side of a page.
struct Side {
    pixels: u16,
    /// Pixels to the point.
    scale: f64,
    /// Whether the page ends inside the last pixel.
    cut: bool,
}

impl Size {
    /// `None` for a page without a size, in points.
    fn of(width: f32, height: f32) -> Option<Size> {
        let longest = f64::from(width.max(height));
        if !(longest.is_finite() && width > 0.0 && height > 0.0) {
            return None;
        }
        let scale = f64::from(THUMBNAIL_SIDE) / longest;
        Some(Size { across: Side::of(f64::from(width), scale), down: Side::of(f64::from(height), scale) })
    }
}

impl Side {
    /// As many whole pixels as the side takes. A page that all but fills the last is stretched to fill it, so that a
    /// picture over the whole page ends with it; else the scale is that of the other side, and letters keep their place.
    fn of(points: f64, scale: f64) -> Side {
        /// So much of a pixel is rounding.
        const NOTHING: f64 = 1e-3;
        /// In pixels, at the far edge: moves no letter visibly.
        const MOST_STRETCH: f64 = 0.25;
        let exact = points * scale;
        let pixels = (exact - NOTHING).ceil().max(1.0);
        let cut = pixels - exact > MOST_STRETCH;
        Side { pixels: pixels as u16, scale: if cut { scale } else { pixels / points }, cut }
    }
}

/// A last column or row that is only partly the page's takes the colours of the one before, not a share of the white
/// behind.
fn fill_edges(rgb: &mut [u8], size: &Size) {
    /// Bytes of a pixel.
    const PIXEL: usize = 3;
    let row = usize::from(size.across.pixels) * PIXEL;
    if size.across.cut && size.across.pixels > 1 {
        rgb.chunks_exact_mut(row)
            .for_each(|row| row.copy_within(row.len() - 2 * PIXEL..row.len() - PIXEL, row.len() - PIXEL));
    }
    if size.down.cut && size.down.pixels > 1 {
        let last = rgb.len() - row;
        rgb.copy_within(last - row..last, last);
    }
}
