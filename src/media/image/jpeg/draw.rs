//! From a JPEG's scans to a picture of a thumbnail's size.

use super::bits::Bits;
use super::frame::Frame;
use super::huffman::Skips;
use super::idct::{Scale, Transform};
use super::progressive::{self, Store};
use super::scan::{self, Coding, Grid, Header, Plane};
use super::settings::Settings;
use super::*;
use crate::media::image::raster::Raster;
use crate::media::picture::fit;

/// As many scans as are decoded. Encoders write ten or so; without a bound a file of a few kilobytes could ask for the
/// whole picture to be walked over ten thousand times.
const MAX_SCANS: usize = 100;

/// A mid grey, for what the data does not tell.
const GREY: u8 = 128;

/// A component on its way.
struct Component {
    scale: Scale,
    grid: Grid,
    /// Made when its first scan begins: the quantization table is known by then.
    plane: Option<Plane>,
    store: Option<Store>,
}

/// The picture at the size of its thumbnail, as far as the data goes.
pub fn draw(source: &mut dyn Source) -> Option<(Picture, Orientation)> {
    let mut input = Input::open(source)?;
    let Shape { width, height, orientation } = shape(&mut input).ok()?;
    let size = fit(width, height);
    input.seek(2);
    let mut settings = Settings::new();
    let mut frame: Option<(Frame, Vec<Component>)> = None;
    let mut pending = None;
    let mut scans = 0;
    for _ in 0..MAX_SEGMENTS {
        let Some(code) = pending.take().or_else(|| next_marker(&mut input)) else {
            break;
        };
        match code {
            marker::EOI => break,
            marker::SOS => {
                let (frame, components) = frame.as_mut()?;
                scans += 1;
                // Without its tables the scan can't be read; the next may have them.
                if let Some(header) = Header::read(&segment(&mut input), frame)
                    && scans <= MAX_SCANS
                {
                    pending = decode(&mut input, &settings, frame, components, &header).flatten();
                }
                if pending.is_none() {
                    pending = next_marker_behind_scan(&mut input);
                }
            }
            code if marker::is_frame(code) => {
                let read = Frame::read(code, &segment(&mut input))?;
                if frame.is_none() {
                    let components = components(&read, width, height, size)?;
                    frame = Some((read, components));
                }
            }
            code if has_segment(code) => settings.read(code, &mut input),
            _ => {}
        }
    }
    let (frame, components) = frame?;
    let planes = finish(&frame, components, height, size)?;
    let picture = settings.coloured(&frame, planes, size)?;
    Some((picture, orientation))
}

/// The components of a frame that can be drawn, each at the least scale that is not smaller than the thumbnail.
/// `None` where they need more than the budget.
fn components(frame: &Frame, width: u32, height: u32, size: (u32, u32)) -> Option<Vec<Component>> {
    if !frame.is_drawable() {
        return None;
    }
    let (most_across, most_down) = frame.most();
    let mut components = Vec::new();
    let mut bytes = 0u64;
    for (index, component) in frame.components.iter().enumerate() {
        let grid = Grid::of(frame, height, index)?;
        let own_width = width * u32::from(component.across) / most_across;
        let own_height = height * u32::from(component.down) / most_down;
        let suffices = |scale: &Scale| {
            let side = scale.side() as u32;
            own_width * side >= size.0 * 8 && own_height * side >= size.1 * 8
        };
        let scale = Scale::ALL.into_iter().find(suffices).unwrap_or(Scale::Full);
        let side = scale.side() as u64;
        bytes += grid.blocks() * side * side;
        if frame.is_progressive() {
            bytes += grid.blocks() * Store::block_bytes(scale.coefficients());
        }
        components.push(Component { scale, grid, plane: None, store: None });
    }
    (bytes <= PIXEL_BUDGET_BYTES).then_some(components)
}

/// Decodes one scan: the marker that ended it, where that was passed. `None` where a table is missing.
fn decode(
    input: &mut Input,
    settings: &Settings,
    frame: &Frame,
    components: &mut [Component],
    header: &Header,
) -> Option<Option<u8>> {
    for part in &header.parts {
        let steps = settings.steps.get(frame.components.get(part.component)?.table)?.as_ref();
        components.get_mut(part.component)?.begin(frame, steps?);
    }
    // The parts in the scan's order, out of components in the frame's.
    let mut all: Vec<Option<&mut Component>> = components.iter_mut().map(Some).collect();
    let mut own = Vec::new();
    for part in &header.parts {
        own.push(all.get_mut(part.component)?.take()?);
    }
    let interval = settings.restart_interval;
    let dc = |index: usize| settings.dc.get(index).and_then(Option::as_ref);
    let ac = |index: usize| settings.ac.get(index).and_then(Option::as_ref);
    let mut bits = Bits::new(input);
    if !frame.is_progressive() {
        let mut codings = Vec::new();
        for (part, component) in header.parts.iter().zip(&own) {
            let (dc, ac) = (dc(part.dc)?, ac(part.ac)?);
            let skips = (component.scale != Scale::Full).then(|| Skips::new(ac));
            codings.push(Coding { dc, ac, skips });
        }
        let mut planes: Vec<&mut Plane> = own.into_iter().filter_map(|own| own.plane.as_mut()).collect();
        scan::sequential(&mut bits, &mut planes, &codings, interval);
        return Some(bits.into_marker());
    }
    let mut planes = Vec::new();
    let mut stores = Vec::new();
    for component in own {
        planes.push(component.plane.as_ref()?);
        stores.push(component.store.as_mut()?);
    }
    if header.first == 0 {
        let tables: Vec<_> = header.parts.iter().map(|part| dc(part.dc)).collect();
        if header.high == 0 && tables.iter().any(Option::is_none) {
            return None;
        }
        progressive::means(&mut bits, header, &planes, &mut stores, &tables, interval);
    } else {
        let (part, plane, store) = (header.parts.first()?, planes.first()?, stores.first_mut()?);
        if !store.needs(header.first) {
            return None;
        }
        progressive::others(&mut bits, header, plane, store, ac(part.ac)?, interval);
    }
    Some(bits.into_marker())
}

impl Component {
    fn begin(&mut self, frame: &Frame, steps: &[u16; 64]) {
        if self.plane.is_some() {
            return;
        }
        let side = self.scale.side();
        let wanted = self.scale.coefficients();
        self.plane = Some(Plane {
            grid: self.grid,
            transform: Transform::new(self.scale, steps, frame.precision),
            side,
            wanted,
            samples: vec![GREY; self.grid.blocks() as usize * side * side],
        });
        if frame.is_progressive() {
            self.store = Some(Store::new(self.grid.blocks(), wanted));
        }
    }
}

/// The planes at the thumbnail's size. `None` where not even the first has any data; others are neutral then.
fn finish(frame: &Frame, components: Vec<Component>, height: u32, size: (u32, u32)) -> Option<Vec<Vec<u8>>> {
    let (most_across, most_down) = frame.most();
    let mut finished = Vec::new();
    for (index, (component, stated)) in components.into_iter().zip(&frame.components).enumerate() {
        let Some(mut plane) = component.plane else {
            if index == 0 {
                return None;
            }
            finished.push(vec![GREY; size.0 as usize * size.1 as usize]);
            continue;
        };
        if let Some(store) = component.store {
            store.draw(&mut plane);
        }
        let side = plane.side as u32;
        let raster = Raster::new(plane.grid.columns * side, plane.grid.rows * side, 1, plane.samples)?;
        let reach = |length: u32, own: u8, most: u32| {
            f64::from(length) * f64::from(own) / f64::from(most) * f64::from(side) / 8.0
        };
        let across = reach(u32::from(frame.width), stated.across, most_across);
        let down = reach(height, stated.down, most_down);
        finished.push(raster.reaching(across, down).resize(size.0, size.1)?.samples().to_vec());
    }
    Some(finished)
}
