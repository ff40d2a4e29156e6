//! Whether the store can do its work now.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Store, off_thread};

/// A real write is tried once in this time, shared by all who ask.
const FRESH: Duration = Duration::from_secs(1);

/// The last answer and when it was had.
#[derive(Default)]
pub(super) struct Readiness(tokio::sync::Mutex<Option<(Instant, Result<(), String>)>>);

impl Store {
    /// `Err` says why not, in words an operator can use.
    pub async fn ready(&self) -> Result<(), String> {
        let mut last = self.0.readiness.0.lock().await;
        if let Some((when, answer)) = &*last
            && when.elapsed() < FRESH
        {
            return answer.clone();
        }
        let answer = self.try_all().await;
        *last = Some((Instant::now(), answer.clone()));
        answer
    }

    async fn try_all(&self) -> Result<(), String> {
        self.0.writer.running().map_err(|error| error.to_string())?;
        let blobs = Arc::clone(&self.0.blobs);
        let written = off_thread(move || blobs.prove_writable()).await;
        match written {
            Ok(Ok(())) => {}
            Ok(Err(cause)) if super::is_full(&cause) => return Err("The disk is full".into()),
            Ok(Err(_)) | Err(_) => return Err("The data folder cannot be written".into()),
        }
        self.0.catalog.doomed().map_err(|_| "The catalog cannot be read".to_owned())?;
        self.0.workers.check().await.map_err(|_| "Files cannot be inspected".to_owned())
    }
}
