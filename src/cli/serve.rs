//! `assetd serve`: opens the store, then serves until it is told to stop.

use std::process::ExitCode;
use std::sync::Arc;

use tracing::info;

use super::{fail, secret};
use crate::auth::Keys;
use crate::config::ServeOptions;
use crate::http::server::{Listeners, serve};
use crate::http::{App, filter};
use crate::store::{Limits, Store};
use crate::{log, media, worker};

/// Threads for work that waits for the disk, at most: more would only wait in a longer queue.
const MAX_BLOCKING_THREADS: usize = 64;

pub fn run(options: &ServeOptions) -> ExitCode {
    log::start(options.log);
    match start(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => fail(why),
    }
}

fn start(options: &ServeOptions) -> Result<(), String> {
    let limits = Limits { max_upload_bytes: options.max_upload, max_pixels: options.max_pixels };
    // Workers first: they begin with the fewest descriptors and threads to leave behind.
    let workers = worker::Pool::start(worker::Options::new(media::Limits { max_pixels: limits.max_pixels }))
        .map_err(|error| format!("workers cannot be started: {error}"))?;
    let store = Store::open(&options.data.data, limits, workers).map_err(|error| error.to_string())?;
    let secret = secret(&options.data)?;
    let keys =
        Keys::from_secret(&secret, options.data.user_claim.clone()).map_err(|error| error.to_string())?;
    let app = Arc::new(App { store: store.clone(), keys, public_url: options.public_url.clone() });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(MAX_BLOCKING_THREADS)
        .build()
        .map_err(|error| format!("threads cannot be started: {error}"))?;
    runtime.block_on(async {
        let listeners = Listeners::open(options.listen.as_deref()).await?;
        serve(listeners, filter(app)).await;
        store.close().await;
        info!("stopped");
        Ok(())
    })
}
