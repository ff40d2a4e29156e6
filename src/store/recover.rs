//! What an earlier run left, settled at start. Costs what was in flight, however many assets there are.

use std::io;

use tracing::info;

use super::StartError;
use crate::asset::{Asset, Preview};
use crate::blobs::{Blobs, Note, Part};
use crate::catalog::Catalog;

/// Finishes `doomed`, and settles the notes in `tmp/`: a file whose record is there stays, any other is removed.
pub(super) fn recover(blobs: &Blobs, catalog: &Catalog) -> Result<(), StartError> {
    let doomed = catalog.doomed()?;
    let notes = blobs.take_notes().map_err(StartError::Recovery)?;
    if doomed.is_empty() && notes.is_empty() {
        return Ok(());
    }
    info!(deletes = doomed.len(), uploads = notes.len(), "settling what the last run left");
    for (id, format) in &doomed {
        blobs.remove_all(*id, *format).map_err(StartError::Recovery)?;
    }
    for note in &notes {
        let asset = catalog.get(note.id)?;
        if !asset.is_some_and(|asset| has(&asset, note.part)) {
            blobs.remove(note.id, note.part).map_err(StartError::Recovery)?;
        }
    }
    blobs.sync_assets().map_err(StartError::Recovery)?;
    forget(blobs, &notes).map_err(StartError::Recovery)?;
    if !doomed.is_empty() {
        let ids: Vec<_> = doomed.iter().map(|(id, _)| *id).collect();
        let mut batch = catalog.begin()?;
        batch.clear_doomed(&ids)?;
        batch.commit()?;
    }
    Ok(())
}

/// Whether the record says that this part is there.
fn has(asset: &Asset, part: Part) -> bool {
    match part {
        Part::Original(format) => asset.format == format,
        Part::Thumbnail => matches!(asset.thumbnail, Preview::Made { .. }),
        Part::Waveform => matches!(asset.waveform, Preview::Made { .. }),
    }
}

fn forget(blobs: &Blobs, notes: &[Note]) -> io::Result<()> {
    notes.iter().try_for_each(|note| blobs.forget(*note))
}
