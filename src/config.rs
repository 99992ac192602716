//! What the operator may choose: flags and environment in one place.
use crate::error::{Error, Result};
use clap::Args;
use std::{
    io::Read as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

/// Where `serve` listens unless told otherwise, and where other commands may find it.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:8410";
const DEFAULT_DATA: &str = "sysmonsearch-data";
/// A secret is a line of text, not a book.
const MAX_SECRET: u64 = 64 * 1024;

/// For every command.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// Folder of all data [default: ./sysmonsearch-data]
    #[arg(long, env = "SYSMONSEARCH_DATA", global = true, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// What is logged to standard error, such as `info` or `warn,sysmonsearch=debug`
    #[arg(long, env = "SYSMONSEARCH_LOG", global = true, value_name = "FILTER")]
    pub log: Option<String>,
}

impl Common {
    pub fn data(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(|| DEFAULT_DATA.into())
    }
    /// The data folder only if the operator named one.
    pub fn chosen_data(&self) -> Option<&Path> {
        self.data.as_deref()
    }
}

/// For a server.
#[derive(Debug, Clone, Args)]
pub struct Server {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, env = "SYSMONSEARCH_LISTEN", default_value = DEFAULT_LISTEN, value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,
    /// Largest upload, in MiB
    #[arg(long, env = "SYSMONSEARCH_MAX_UPLOAD_MIB", default_value_t = 64 * 1024, value_name = "MIB")]
    pub max_upload_mib: u64,
    /// Minutes until a login ends
    #[arg(long, env = "SYSMONSEARCH_TOKEN_MINUTES", default_value_t = 12 * 60, value_name = "MINUTES",
          value_parser = clap::value_parser!(u64).range(1..=525_600))]
    pub token_minutes: u64,
    /// Origins besides the server's own whose pages may use the API, such as `https://hunt.example`
    #[arg(long = "origin", env = "SYSMONSEARCH_ORIGINS", value_delimiter = ',', value_name = "ORIGIN")]
    pub origins: Vec<String>,
    /// Hosts and networks that webhooks may be sent to, such as `hooks.example.com`, `*.example.com`, `10.1.2.0/24`; a name
    /// opens its public addresses only. Nothing is sent to any other
    #[arg(
        long = "webhook-allow",
        env = "SYSMONSEARCH_WEBHOOK_ALLOW",
        value_delimiter = ',',
        value_name = "HOST-OR-CIDR"
    )]
    pub webhook_allow: Vec<String>,
    /// Address under which people open this server, for links in messages, such as `https://hunt.example`
    #[arg(long, env = "SYSMONSEARCH_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// Folder of a built page to serve instead of the one in this program
    #[arg(long, env = "SYSMONSEARCH_PAGE", value_name = "FOLDER")]
    pub page: Option<PathBuf>,
    /// File with the password of the first user, `admin`; without it a random one is made and shown once
    #[arg(long, env = "SYSMONSEARCH_ADMIN_PASSWORD_FILE", value_name = "FILE")]
    admin_password_file: Option<PathBuf>,
}

impl Server {
    pub fn max_upload(&self) -> u64 {
        self.max_upload_mib.saturating_mul(1 << 20)
    }
    pub fn token_life(&self) -> Duration {
        Duration::from_secs(self.token_minutes * 60)
    }
    /// # Errors
    /// When the file cannot be read.
    pub fn admin_password(&self) -> Result<Option<String>> {
        self.admin_password_file.as_deref().map(secret_file).transpose()
    }
}

/// For a command that may work through a server elsewhere.
#[derive(Debug, Clone, Args)]
pub struct Connect {
    /// Work through the server at this address instead of the data folder, such as http://127.0.0.1:8410
    #[arg(long, env = "SYSMONSEARCH_SERVER", global = true, value_name = "URL")]
    pub server: Option<String>,
    /// Name to log in with at the server
    #[arg(long, env = "SYSMONSEARCH_USER", global = true, value_name = "NAME")]
    pub user: Option<String>,
    /// File with the password; it can also be in SYSMONSEARCH_PASSWORD
    #[arg(long, env = "SYSMONSEARCH_PASSWORD_FILE", global = true, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// File with a token instead of name and password; it can also be in SYSMONSEARCH_TOKEN
    #[arg(long, env = "SYSMONSEARCH_TOKEN_FILE", global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

impl Connect {
    /// # Errors
    /// When the file cannot be read.
    pub fn password(&self) -> Result<Option<String>> {
        secret(self.password_file.as_deref(), "SYSMONSEARCH_PASSWORD")
    }
    /// # Errors
    /// When the file cannot be read.
    pub fn token(&self) -> Result<Option<String>> {
        secret(self.token_file.as_deref(), "SYSMONSEARCH_TOKEN")
    }
}

/// Secrets come from files and the environment, never from flags: other users of a machine see those.
fn secret(file: Option<&Path>, variable: &str) -> Result<Option<String>> {
    match file {
        Some(file) => secret_file(file).map(Some),
        None => Ok(std::env::var(variable).ok().filter(|v| !v.is_empty())),
    }
}

/// The first line of a file.
///
/// # Errors
/// When it cannot be read or is empty.
pub fn secret_file(path: &Path) -> Result<String> {
    let cannot = |e: std::io::Error| Error::bad_input(format!("cannot read {}: {e}", path.display()));
    let mut text = String::new();
    std::fs::File::open(path).map_err(cannot)?.take(MAX_SECRET).read_to_string(&mut text).map_err(cannot)?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(line.to_owned()),
        _ => Err(Error::bad_input(format!("the first line of {} is empty", path.display()))),
    }
}
