//! The first page of a document, drawn small.

use hayro::hayro_interpret::InterpreterSettings;
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
    let mut context = RenderContext::new(size.across, size.down);
    // Hinting moves thin strokes to whole pixels, which at this size is a third of a letter.
    let settings = RenderSettings { hinting: false, ..RenderSettings::default() };
    let transform = Affine::scale(size.scale) * page.initial_transform(true).to_kurbo();
    render_into(
        page,
        &RenderCache::new(),
        &InterpreterSettings::default(),
        &settings,
        &mut context,
        transform,
    );
    context.flush();
    let mut pixels = Pixmap::new(size.across, size.down);
    let white = RasterizerSettings { target_init: TargetInit::Clear(WHITE), ..RasterizerSettings::default() };
    context.render_with(&mut pixels, &mut Resources::default(), white);
    // On white nothing is left transparent, so the colours are as they are.
    let mut rgb: Vec<u8> = pixels.data().iter().flat_map(|pixel| [pixel.r, pixel.g, pixel.b]).collect();
    fill_edges(&mut rgb, &size);
    Picture::new(u32::from(size.across), u32::from(size.down), rgb)
}

/// How a page is drawn: at the size of the picture, not shrunk afterwards, so that a page of any size costs the same.
struct Size {
    /// Pixels to the point, the same both ways: letters keep their shape and their place.
    scale: f64,
    across: u16,
    down: u16,
    /// Whether the page ends inside the last column, and inside the last row.
    cut: (bool, bool),
}

impl Size {
    /// `None` for a page without a size, in points.
    fn of(width: f32, height: f32) -> Option<Size> {
        /// So much of a pixel is rounding.
        const NOTHING: f64 = 1e-3;
        let longest = f64::from(width.max(height));
        if !(longest.is_finite() && width > 0.0 && height > 0.0) {
            return None;
        }
        let scale = f64::from(THUMBNAIL_SIDE) / longest;
        let pixels = |side: f32| (f64::from(side) * scale - NOTHING).ceil().max(1.0);
        let cut = |side: f32| pixels(side) - f64::from(side) * scale > NOTHING;
        let (across, down) = (pixels(width) as u16, pixels(height) as u16);
        Some(Size { scale, across, down, cut: (cut(width), cut(height)) })
    }
}

/// A last column or row that is only partly the page's takes the colours of the one before, not a share of the white
/// behind.
fn fill_edges(rgb: &mut [u8], size: &Size) {
    /// Bytes of a pixel.
    const PIXEL: usize = 3;
    let row = usize::from(size.across) * PIXEL;
    if size.cut.0 && size.across > 1 {
        rgb.chunks_exact_mut(row)
            .for_each(|row| row.copy_within(row.len() - 2 * PIXEL..row.len() - PIXEL, row.len() - PIXEL));
    }
    if size.cut.1 && size.down > 1 {
        let last = rgb.len() - row;
        rgb.copy_within(last - row..last, last);
    }
}
