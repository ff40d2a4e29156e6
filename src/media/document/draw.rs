//! The first page of a document, drawn small.

use std::io::{Read, SeekFrom};

use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_interpret::util::TransformExt;
use hayro::hayro_syntax::Pdf;
use hayro::hayro_syntax::page::Page;
use hayro::kurbo::Affine;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::vello_cpu::{Pixmap, RasterizerSettings, RenderContext, Resources, TargetInit};
use hayro::{RenderCache, RenderSettings, render_into};

use crate::media::picture::Picture;
use crate::media::{Source, THUMBNAIL_SIDE};

/// The largest document that is drawn, in bytes: it is held in memory as a whole, beside the pictures in it.
const MAX_DRAWN_BYTES: u64 = 192 << 20;

/// The first page on white, its crop box upright, the longest side [`THUMBNAIL_SIDE`] pixels; `None` where it can't be
/// read or drawn.
pub fn first_page(source: &mut dyn Source) -> Option<Picture> {
    let pdf = Pdf::new(read(source)?).ok()?;
    draw(pdf.pages().first()?)
}

fn read(source: &mut dyn Source) -> Option<Vec<u8>> {
    let length = source.seek(SeekFrom::End(0)).ok().filter(|length| *length <= MAX_DRAWN_BYTES)?;
    source.rewind().ok()?;
    let mut bytes = Vec::with_capacity(usize::try_from(length).ok()?);
    source.take(length).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn draw(page: &Page<'_>) -> Option<Picture> {
    let (width, height) = page.render_dimensions();
    let (across, down) = sides(width, height)?;
    let scale =
        Affine::scale_non_uniform(f64::from(across) / f64::from(width), f64::from(down) / f64::from(height));
    let mut context = RenderContext::new(across, down);
    let settings = (InterpreterSettings::default(), RenderSettings::default());
    let transform = scale * page.initial_transform(true).to_kurbo();
    render_into(page, &RenderCache::new(), &settings.0, &settings.1, &mut context, transform);
    context.flush();
    let mut pixels = Pixmap::new(across, down);
    let white = RasterizerSettings { target_init: TargetInit::Clear(WHITE), ..RasterizerSettings::default() };
    context.render_with(&mut pixels, &mut Resources::default(), white);
    // On white nothing is left transparent, so the colours are as they are.
    let rgb = pixels.data().iter().flat_map(|pixel| [pixel.r, pixel.g, pixel.b]).collect();
    Picture::new(u32::from(across), u32::from(down), rgb)
}

/// The pixels of a page of `width` × `height` points. The page is drawn at that size, not shrunk afterwards: a page of
/// any size costs the same. `None` for one without a size.
fn sides(width: f32, height: f32) -> Option<(u16, u16)> {
    let longest = f64::from(width.max(height));
    if !(longest.is_finite() && width > 0.0 && height > 0.0) {
        return None;
    }
    let scaled = |side: f32| (f64::from(side) / longest * f64::from(THUMBNAIL_SIDE)).round().max(1.0) as u16;
    Some((scaled(width), scaled(height)))
}
