//! Connections: our own accept loop under warp's service, for what `warp::serve` has no bound for.

use std::future::Future;
use std::net::SocketAddr;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tracing::{info, warn};
use warp::Filter;

use super::Target;
use super::reply::Response;

/// Where to listen when nothing says so.
const DEFAULT_ADDRESS: &str = "127.0.0.1:8080";
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

/// One place to listen.
enum Listener {
    Tcp(TcpListener),
    /// With the path to remove at the end, where it is ours.
    Unix(UnixListener, Option<PathBuf>),
}

/// The places to listen.
pub struct Listeners(Vec<Listener>);

impl Listeners {
    /// `address` is `host:port` or `unix:PATH`; without it the sockets that systemd passed, else [`DEFAULT_ADDRESS`].
    pub async fn open(address: Option<&str>) -> Result<Listeners, String> {
        if address.is_none() {
            let passed = passed_by_systemd()?;
            if !passed.is_empty() {
                return Ok(Listeners(passed));
            }
        }
        let address = address.unwrap_or(DEFAULT_ADDRESS);
        let cannot = |error| format!("cannot listen on {address}: {error}");
        let listener = match address.strip_prefix("unix:") {
            Some(path) => {
                let path = Path::new(path);
                remove_stale(path).await.map_err(cannot)?;
                Listener::Unix(UnixListener::bind(path).map_err(cannot)?, Some(path.to_owned()))
            }
            None => Listener::Tcp(TcpListener::bind(address).await.map_err(cannot)?),
        };
        Ok(Listeners(vec![listener]))
    }
}

/// A socket that nobody listens on any more is in the way of the next; one that somebody does is theirs.
async fn remove_stale(path: &Path) -> std::io::Result<()> {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    if is_socket && tokio::net::UnixStream::connect(path).await.is_err() {
        std::fs::remove_file(path)?;
    }
    Ok(())
}

/// The sockets of `LISTEN_FDS` (sd_listen_fds(3)), when they are for this process.
fn passed_by_systemd() -> Result<Vec<Listener>, String> {
    const FIRST: i32 = 3;
    let variable = |name| std::env::var(name).ok().and_then(|text| text.parse::<i32>().ok());
    if variable("LISTEN_PID") != i32::try_from(std::process::id()).ok() {
        return Ok(Vec::new());
    }
    let count = variable("LISTEN_FDS").unwrap_or(0).clamp(0, 64);
    let wrong = |error: std::io::Error| format!("a socket passed by systemd cannot be used: {error}");
    (FIRST..FIRST + count)
        .map(|number| {
            // SAFETY: systemd opened these for this process, and this runs once, before anything else takes them.
            let socket = unsafe { OwnedFd::from_raw_fd(number) };
            rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)
                .map_err(|error| wrong(error.into()))?;
            let address = rustix::net::getsockname(&socket).map_err(|error| wrong(error.into()))?;
            if address.address_family() == rustix::net::AddressFamily::UNIX {
                let listener = std::os::unix::net::UnixListener::from(socket);
                listener.set_nonblocking(true).map_err(wrong)?;
                Ok(Listener::Unix(UnixListener::from_std(listener).map_err(wrong)?, None))
            } else {
                let listener = std::net::TcpListener::from(socket);
                listener.set_nonblocking(true).map_err(wrong)?;
                Ok(Listener::Tcp(TcpListener::from_std(listener).map_err(wrong)?))
            }
        })
        .collect()
}

/// Serves until SIGTERM or SIGINT; then lets running requests finish, for [`STOP_TIME`] at most.
pub async fn serve<F>(listeners: Listeners, filter: F)
where
    F: Filter<Extract = (Response,), Error = warp::Rejection> + Clone + Send + Sync + 'static,
    F::Future: Send,
{
    let stopping = watch::Sender::new(false);
    // Each connection holds a sender: when all are gone, so are the connections.
    let (alive, mut all_done) = mpsc::channel::<()>(1);
    let mut loops = Vec::new();
    let mut leftovers = Vec::new();
    for listener in listeners.0 {
        let (filter, stop, alive) = (filter.clone(), stopping.subscribe(), alive.clone());
        loops.push(match listener {
            Listener::Tcp(listener) => {
                match listener.local_addr() {
                    Ok(address) => info!("listening on http://{address}"),
                    Err(_) => info!("listening"),
                }
                tokio::spawn(accept_tcp(listener, filter, stop, alive))
            }
            Listener::Unix(listener, path) => {
                match &path {
                    Some(path) => info!("listening on unix:{}", path.display()),
                    None => info!("listening on a socket passed by systemd"),
                }
                leftovers.extend(path);
                tokio::spawn(accept_unix(listener, filter, stop, alive))
            }
        });
    }
    drop(alive);
    // Without systemd there is nobody to tell.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    told_to_stop().await;
    info!("stopping");
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    stopping.send_replace(true);
    for accepting in loops {
        let _ = accepting.await;
    }
    for path in leftovers {
        let _ = std::fs::remove_file(path);
    }
    if tokio::time::timeout(STOP_TIME, all_done.recv()).await.is_err() {
        warn!("some requests took too long and are cut");
    }
}

/// Returns at SIGTERM or SIGINT.
async fn told_to_stop() {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        warn!("signals cannot be caught: only SIGKILL will stop this");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}

async fn accept_tcp<F>(listener: TcpListener, filter: F, stop: watch::Receiver<bool>, alive: mpsc::Sender<()>)
where
    F: Filter<Extract = (Response,), Error = warp::Rejection> + Clone + Send + Sync + 'static,
    F::Future: Send,
{
    accept(
        || async {
            let (stream, _): (_, SocketAddr) = listener.accept().await?;
            // Answers are written whole: waiting for more only costs the client 40 ms.
            stream.set_nodelay(true)?;
            Ok(stream)
        },
        filter,
        stop,
        alive,
    )
    .await;
}

async fn accept_unix<F>(
    listener: UnixListener,
    filter: F,
    stop: watch::Receiver<bool>,
    alive: mpsc::Sender<()>,
) where
    F: Filter<Extract = (Response,), Error = warp::Rejection> + Clone + Send + Sync + 'static,
    F::Future: Send,
{
    accept(|| async { Ok(listener.accept().await?.0) }, filter, stop, alive).await;
}

async fn accept<F, A, S>(
    next: impl Fn() -> A,
    filter: F,
    mut stop: watch::Receiver<bool>,
    alive: mpsc::Sender<()>,
) where
    A: Future<Output = std::io::Result<S>>,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Filter<Extract = (Response,), Error = warp::Rejection> + Clone + Send + Sync + 'static,
    F::Future: Send,
{
    loop {
        let stream = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            stream = next() => stream,
        };
        match stream {
            Ok(stream) => {
                tokio::spawn(connection(stream, filter.clone(), stop.clone(), alive.clone()));
            }
            Err(error) => {
                warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(ACCEPT_REST).await;
            }
        }
    }
}

/// One connection, to its end.
async fn connection<S, F>(stream: S, filter: F, mut stop: watch::Receiver<bool>, _alive: mpsc::Sender<()>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Filter<Extract = (Response,), Error = warp::Rejection> + Clone + Send + Sync + 'static,
    F::Future: Send,
{
    use hyper::service::Service as _;
    let warp = hyper_util::service::TowerToHyperService::new(warp::service(filter));
    let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        let target = Target(request.uri().clone());
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
        _ = stop.wait_for(|stop| *stop) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}
