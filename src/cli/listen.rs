//! Where `serve` listens: an address, a unix socket, or sockets that systemd passes.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use tokio::net::{TcpListener, UnixListener, UnixStream};
use tracing::info;

use crate::http::server::Listener;

/// Where to listen when nothing says so.
const DEFAULT_ADDRESS: &str = "127.0.0.1:8080";

/// A place to listen, with what the log calls it and the file to remove at the end.
pub struct Place {
    pub listener: Listener,
    name: String,
    file: Option<PathBuf>,
}

impl Place {
    /// Says where, once everything is ready.
    pub fn announce(&self) {
        info!("listening on {}", self.name);
    }

    /// The file that is ours to remove.
    pub fn file(&self) -> Option<PathBuf> {
        self.file.clone()
    }
}

/// `address` is `host:port` or `unix:PATH`; without it the sockets that systemd passed, else [`DEFAULT_ADDRESS`].
pub async fn open(address: Option<&str>) -> Result<Vec<Place>, String> {
    if address.is_none() {
        let passed = passed_by_systemd()?;
        if !passed.is_empty() {
            return Ok(passed);
        }
    }
    let address = address.unwrap_or(DEFAULT_ADDRESS);
    let place = match address.strip_prefix("unix:") {
        Some(path) => open_unix(Path::new(path)).await,
        None => open_tcp(address).await,
    };
    Ok(vec![place.map_err(|error| format!("cannot listen on {address}: {error}"))?])
}

async fn open_tcp(address: &str) -> io::Result<Place> {
    let listener = TcpListener::bind(address).await?;
    let name = format!("http://{}", listener.local_addr()?);
    Ok(Place { listener: Listener::Tcp(listener), name, file: None })
}

async fn open_unix(path: &Path) -> io::Result<Place> {
    if path.as_os_str().is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "unix: needs a path behind it"));
    }
    // A socket that nobody listens on any more is in the way of the next; one that somebody does is theirs.
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    if is_socket && UnixStream::connect(path).await.is_err() {
        std::fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    let name = format!("unix:{}", path.display());
    Ok(Place { listener: Listener::Unix(listener), name, file: Some(path.to_owned()) })
}

/// The sockets of `LISTEN_FDS` (sd_listen_fds(3)), when they are for this process.
fn passed_by_systemd() -> Result<Vec<Place>, String> {
    const FIRST: i32 = 3;
    /// No unit passes more; a wild number must not be believed.
    const MAX: i32 = 64;
    let variable = |name| std::env::var(name).ok().and_then(|text| text.parse::<i32>().ok());
    if variable("LISTEN_PID") != i32::try_from(std::process::id()).ok() {
        return Ok(Vec::new());
    }
    let count = variable("LISTEN_FDS").unwrap_or(0).clamp(0, MAX);
    (FIRST..FIRST + count)
        .map(|number| {
            // SAFETY: systemd opened these for this process, and this runs once, before anything else takes them.
            let socket = unsafe { OwnedFd::from_raw_fd(number) };
            take(socket).map_err(|error| format!("a socket passed by systemd cannot be used: {error}"))
        })
        .collect()
}

fn take(socket: OwnedFd) -> io::Result<Place> {
    rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&socket, true)?;
    let is_unix = rustix::net::getsockname(&socket)?.address_family() == rustix::net::AddressFamily::UNIX;
    if is_unix {
        let listener = UnixListener::from_std(socket.into())?;
        return Ok(Place {
            listener: Listener::Unix(listener),
            name: "a unix socket passed by systemd".into(),
            file: None,
        });
    }
    let listener = TcpListener::from_std(socket.into())?;
    let name = format!("http://{}, passed by systemd", listener.local_addr()?);
    Ok(Place { listener: Listener::Tcp(listener), name, file: None })
}
