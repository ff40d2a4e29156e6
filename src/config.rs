//! What the operator configures: options, and the variables `ASSETD_…` of the same names.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::asset::{USER_MAX, UserId};
use crate::units::{parse_duration, parse_pixels, parse_size};

/// How log lines are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

/// Where the data is, and the secret that signs tokens.
#[derive(Clone, Debug, Args)]
pub struct DataOptions {
    /// The folder that holds everything
    #[arg(long, env = "ASSETD_DATA", value_name = "DIR", default_value = "DATA")]
    pub data: PathBuf,

    /// File with the secret that verifies tokens (HS256), at least 32 bytes; without it, DATA/jwt.secret is made and used
    #[arg(long, env = "ASSETD_JWT_SECRET_FILE", value_name = "FILE")]
    pub jwt_secret_file: Option<PathBuf>,

    /// The claim of a token that names the user
    #[arg(long, env = "ASSETD_USER_CLAIM", value_name = "CLAIM", default_value = "sub")]
    pub user_claim: String,
}

/// Options of `assetd serve`.
#[derive(Clone, Debug, Args)]
pub struct ServeOptions {
    #[command(flatten)]
    pub data: DataOptions,

    /// Address to listen on: host:port, or unix:PATH; without it, the sockets that systemd passes, else 127.0.0.1:8080
    #[arg(long, env = "ASSETD_LISTEN", value_name = "ADDRESS")]
    pub listen: Option<String>,

    /// Scheme and host that URLs in answers begin with; without it, those of the request
    #[arg(long, env = "ASSETD_PUBLIC_URL", value_name = "URL", value_parser = parse_public_url)]
    pub public_url: Option<String>,

    /// Largest file
    #[arg(long, env = "ASSETD_MAX_UPLOAD", value_name = "SIZE", default_value = "50MiB", value_parser = parse_size)]
    pub max_upload: u64,

    /// Most pixels of a picture or of a film's frame
    #[arg(long, env = "ASSETD_MAX_PIXELS", value_name = "PIXELS", default_value = "256MP", value_parser = parse_pixels)]
    pub max_pixels: u64,

    /// How log lines are written
    #[arg(long, env = "ASSETD_LOG", value_name = "FORMAT", default_value = "text", value_enum)]
    pub log: LogFormat,
}

/// Options of `assetd token`.
#[derive(Clone, Debug, Args)]
pub struct TokenOptions {
    #[command(flatten)]
    pub data: DataOptions,

    /// The user that the token names
    #[arg(long, value_name = "N", value_parser = parse_user)]
    pub user: UserId,

    /// How long the token is good for
    #[arg(long, value_name = "TIME", default_value = "12h", value_parser = parse_duration)]
    pub ttl: Duration,

    /// Give it the admin role: its cascades delete every user's assets
    #[arg(long)]
    pub admin: bool,
}

fn parse_user(text: &str) -> Result<UserId, String> {
    let number = text.parse().ok().and_then(UserId::new);
    number.ok_or_else(|| format!("expected a whole number from 0 to {USER_MAX}"))
}

/// `http` or `https`, a host, perhaps a path: without a slash at the end, query or fragment.
fn parse_public_url(text: &str) -> Result<String, String> {
    let wrong = || "expected a URL such as https://assets.example.com".to_owned();
    let url: warp::http::Uri = text.parse().map_err(|_| wrong())?;
    let is_http = matches!(url.scheme_str(), Some("http" | "https"));
    if !is_http || url.authority().is_none() || url.query().is_some() || text.contains('#') {
        return Err(wrong());
    }
    Ok(text.trim_end_matches('/').to_owned())
}
