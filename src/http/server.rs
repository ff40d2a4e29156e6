//! Connections: our own accept loop under warp's service, for what `warp::serve` has no bound for.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{mpsc, watch};
use tracing::warn;

use super::{App, Target, filter};

/// From its first byte on, a request's head has this long (API.md, 1).
const HEAD_TIME: Duration = Duration::from_secs(10);
/// A connection's buffer; a head has to fit in (API.md, 1).
const BUFFER_BYTES: usize = 64 * 1024;
/// Fields of a head, at most (API.md, 1).
const MAX_FIELDS: usize = 100;
/// When told to stop, requests that run have this long (API.md, 12).
const STOP_TIME: Duration = Duration::from_secs(30);
/// After a failed accept (out of descriptors, say) the loop rests for this, so that it does not spin.
const ACCEPT_REST: Duration = Duration::from_millis(50);

/// A place to listen.
pub enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// What every connection has.
#[derive(Clone)]
struct Connections {
    app: Arc<App>,
    stop: watch::Receiver<bool>,
    /// When all of these are gone, so are the connections.
    _alive: mpsc::Sender<()>,
}

/// Serves until `stop` is done; then lets running requests finish, for [`STOP_TIME`] at most.
pub async fn serve(listeners: Vec<Listener>, app: Arc<App>, stop: impl Future<Output = ()>) {
    let stopping = watch::Sender::new(false);
    let (alive, mut all_done) = mpsc::channel::<()>(1);
    let connections = Connections { app, stop: stopping.subscribe(), _alive: alive };
    let accepting: Vec<_> =
        listeners.into_iter().map(|listener| tokio::spawn(accept(listener, connections.clone()))).collect();
    drop(connections);
    stop.await;
    stopping.send_replace(true);
    for accepting in accepting {
        // A loop ends by being told to, never by an error.
        let _ = accepting.await;
    }
    if tokio::time::timeout(STOP_TIME, all_done.recv()).await.is_err() {
        warn!("some requests took too long and are cut");
    }
}

async fn accept(listener: Listener, connections: Connections) {
    let mut stop = connections.stop.clone();
    loop {
        let accepted = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            accepted = accept_one(&listener, &connections) => accepted,
        };
        if let Err(error) = accepted {
            warn!(%error, "a connection cannot be accepted");
            tokio::time::sleep(ACCEPT_REST).await;
        }
    }
}

async fn accept_one(listener: &Listener, connections: &Connections) -> std::io::Result<()> {
    match listener {
        Listener::Tcp(listener) => {
            let (stream, _) = listener.accept().await?;
            // Answers are written whole: waiting for more only costs the client 40 ms.
            stream.set_nodelay(true)?;
            let local = stream.local_addr()?.to_string();
            tokio::spawn(connection(stream, local.into(), connections.clone()));
        }
        Listener::Unix(listener) => {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(connection(stream, "localhost".into(), connections.clone()));
        }
    }
    Ok(())
}

/// One connection, to its end. `local` is our end's name, for a client that names none.
async fn connection<S>(stream: S, local: Arc<str>, mut connections: Connections)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let warp = TowerToHyperService::new(warp::service(filter(Arc::clone(&connections.app))));
    let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        let target =
            Target { uri: request.uri().clone(), version: request.version(), local: Arc::clone(&local) };
        request.extensions_mut().insert(target);
        warp.call(request)
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(BUFFER_BYTES)
        .max_headers(MAX_FIELDS)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        // A connection that breaks is the client's affair.
        _ = connection.as_mut() => return,
        _ = connections.stop.wait_for(|stop| *stop) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}
