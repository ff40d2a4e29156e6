//! `assetd serve`: opens the store, then serves until it is told to stop.

use std::future::Future;
use std::process::ExitCode;
use std::sync::Arc;

use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info};

use super::{fail, listen, secret};
use crate::auth::Keys;
use crate::config::{DataOptions, ServeOptions};
use crate::http::App;
use crate::http::server::serve;
use crate::store::{Limits, Store};
use crate::{log, worker};

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
    let workers = worker::Pool::start(worker::Options::new(worker::Limits { max_pixels: limits.max_pixels }))
        .map_err(|error| format!("workers cannot be started: {error}"))?;
    let store = Store::open(&options.data.data, limits, workers).map_err(|error| error.to_string())?;
    let app = Arc::new(App::new(store.clone(), keys(&options.data)?, options.public_url.clone()));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(MAX_BLOCKING_THREADS)
        .build()
        .map_err(|error| format!("threads cannot be started: {error}"))?;
    runtime.block_on(async {
        let stop = told_to_stop().map_err(|error| format!("signals cannot be caught: {error}"))?;
        reload_when_told(&app, options.data.clone())
            .map_err(|error| format!("signals cannot be caught: {error}"))?;
        let places = listen::open(options.listen.as_deref()).await?;
        places.iter().for_each(listen::Place::announce);
        let files: Vec<_> = places.iter().filter_map(listen::Place::file).collect();
        // Without systemd there is nobody to tell.
        let _ = sd_notify::notify(&[NotifyState::Ready]);
        let listeners = places.into_iter().map(|place| place.listener).collect();
        serve(listeners, app, stop).await;
        for file in files {
            // Gone already is as good.
            let _ = std::fs::remove_file(file);
        }
        store.close().await;
        info!("stopped");
        Ok(())
    })
}

fn keys(options: &DataOptions) -> Result<Keys, String> {
    Keys::from_secret(&secret(options)?, options.user_claim.clone()).map_err(|error| error.to_string())
}

/// Done at SIGTERM or SIGINT. Both are caught from now on.
fn told_to_stop() -> std::io::Result<impl Future<Output = ()>> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
        info!("stopping");
        let _ = sd_notify::notify(&[NotifyState::Stopping]);
    })
}

/// Reads the key again at each SIGHUP. One that can't be used leaves the old one in force.
fn reload_when_told(app: &Arc<App>, options: DataOptions) -> std::io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    let app = Arc::clone(app);
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            match keys(&options) {
                Ok(keys) => {
                    app.set_keys(keys);
                    info!("the key was read again");
                }
                Err(why) => error!(why, "the key cannot be read again; the old one stays in force"),
            }
        }
    });
    Ok(())
}
