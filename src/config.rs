//! What the operator may choose: flags and environment in one place.
use crate::{
    elastic::{Access, Login},
    error::{Error, Result},
};
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
    /// YAML file of values for placeholders in rules (`expand`): a mapping of names to lists
    #[arg(long, env = "SYSMONSEARCH_PLACEHOLDERS", global = true, value_name = "FILE")]
    placeholders: Option<PathBuf>,
    #[command(flatten)]
    pub cluster: Cluster,
}

impl Common {
    /// Text of the file with values for placeholders.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn placeholders(&self) -> Result<Option<String>> {
        let read = |path: &Path| {
            std::fs::read_to_string(path).map_err(|e| Error::bad_input(format!("cannot read {}: {e}", path.display())))
        };
        self.placeholders.as_deref().map(read).transpose()
    }
    pub fn data(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(|| DEFAULT_DATA.into())
    }
    /// The data folder only if the operator named one.
    pub fn chosen_data(&self) -> Option<&Path> {
        self.data.as_deref()
    }
}

/// The cluster on which everything lies, instead of in the data folder.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Cluster")]
pub struct Cluster {
    /// Addresses of the nodes of Elasticsearch or OpenSearch, such as http://127.0.0.1:9200; needs --neo4j too
    #[arg(long, env = "SYSMONSEARCH_ELASTICSEARCH", global = true, value_delimiter = ',', value_name = "URL")]
    elasticsearch: Vec<String>,
    /// Whom to log in as there
    #[arg(long, env = "SYSMONSEARCH_ELASTICSEARCH_USER", global = true, value_name = "NAME")]
    elasticsearch_user: Option<String>,
    /// File with the password; it can also be in SYSMONSEARCH_ELASTICSEARCH_PASSWORD
    #[arg(long, env = "SYSMONSEARCH_ELASTICSEARCH_PASSWORD_FILE", global = true, value_name = "FILE")]
    elasticsearch_password_file: Option<PathBuf>,
    /// File with an API key (its encoded form) instead; it can also be in SYSMONSEARCH_ELASTICSEARCH_API_KEY
    #[arg(long, env = "SYSMONSEARCH_ELASTICSEARCH_API_KEY_FILE", global = true, value_name = "FILE")]
    elasticsearch_api_key_file: Option<PathBuf>,
    /// PEM file of the authority that has signed the cluster's certificate
    #[arg(long, env = "SYSMONSEARCH_ELASTICSEARCH_CA", global = true, value_name = "FILE")]
    elasticsearch_ca: Option<PathBuf>,
    /// Address of Neo4j, such as bolt://127.0.0.1:7687 or neo4j+s://graph.example:7687
    #[arg(long, env = "SYSMONSEARCH_NEO4J", global = true, value_name = "URI")]
    neo4j: Option<String>,
    /// File with NAME/PASSWORD, as Neo4j's own NEO4J_AUTH_FILE has it; it can also be in SYSMONSEARCH_NEO4J_AUTH
    #[arg(long, env = "SYSMONSEARCH_NEO4J_AUTH_FILE", global = true, value_name = "FILE")]
    neo4j_auth_file: Option<PathBuf>,
    /// Begin of the names of all indices; another installation on the same Elasticsearch needs another, and a database of
    /// Neo4j of its own
    #[arg(long, env = "SYSMONSEARCH_PREFIX", global = true, default_value = "sysmonsearch", value_name = "NAME")]
    prefix: String,
    /// Shards of an index that is yet to be made
    #[arg(long, env = "SYSMONSEARCH_SHARDS", global = true, default_value_t = 1, value_name = "NUMBER",
          value_parser = clap::value_parser!(u32).range(1..=1_024))]
    shards: u32,
    /// How new indices find a text inside of values; by default the best that the cluster has
    #[arg(long, env = "SYSMONSEARCH_SUBSTRING", global = true, value_enum, value_name = "WAY")]
    substring: Option<Substring>,
    /// Indices that others fill, to be searched and followed where they lie, such as `winlogbeat-*`
    #[arg(
        long = "foreign",
        env = "SYSMONSEARCH_FOREIGN",
        global = true,
        value_delimiter = ',',
        value_name = "INDICES"
    )]
    foreign: Vec<String>,
    /// Months of events that are kept besides the present one: the indices of older ones are dropped, those of imports too;
    /// by default nothing is dropped
    #[arg(long, env = "SYSMONSEARCH_KEEP_MONTHS", global = true, value_name = "NUMBER",
          value_parser = clap::value_parser!(u32).range(1..=1_200))]
    keep_months: Option<u32>,
}

/// Where the servers of a cluster are, and how to log in there.
#[derive(Clone)]
pub struct Servers {
    pub elasticsearch: Access,
    /// Such as `bolt://127.0.0.1:7687`. Its database has room for the graph of one installation.
    pub neo4j: String,
    pub user: String,
    pub password: String,
    /// Tells the indices and the catalogs of several installations apart: lower-case letters, digits, `-` and `_`.
    pub name: String,
    /// Shards of an index of events that is yet to be made.
    pub shards: u32,
    /// How new indices find a text inside of values; `None` takes the best that the cluster has.
    pub substring: Option<Substring>,
    /// Names or patterns of indices that others fill.
    pub foreign: Vec<String>,
    /// Months of events that are kept besides the present one; `None` keeps all.
    pub keep_months: Option<u32>,
}

/// How an index of Elasticsearch finds a text inside of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Substring {
    /// Fields of the type `wildcard`
    Wildcard,
    /// Pieces of three characters
    Ngram,
    /// All distinct values are gone through
    Keyword,
}

impl Cluster {
    /// The cluster; `None` when everything lies in the data folder.
    ///
    /// # Errors
    /// `BAD_INPUT` when only one of the two servers is given, when a file cannot be read, or when something is said
    /// about a server that is not given.
    pub fn servers(&self) -> Result<Option<Servers>> {
        let (elasticsearch, neo4j) = match (Some(&self.elasticsearch).filter(|nodes| !nodes.is_empty()), &self.neo4j) {
            (None, None) => {
                let rest = [
                    ("--elasticsearch-user", self.elasticsearch_user.is_some()),
                    ("--elasticsearch-password-file", self.elasticsearch_password_file.is_some()),
                    ("--elasticsearch-api-key-file", self.elasticsearch_api_key_file.is_some()),
                    ("--elasticsearch-ca", self.elasticsearch_ca.is_some()),
                    ("--neo4j-auth-file", self.neo4j_auth_file.is_some()),
                    ("--substring", self.substring.is_some()),
                    ("--foreign", !self.foreign.is_empty()),
                    ("--keep-months", self.keep_months.is_some()),
                ];
                return match rest.iter().find(|(_, given)| *given) {
                    Some((flag, _)) => Err(Error::bad_input(format!(
                        "{flag} needs --elasticsearch and --neo4j: without them everything lies in the data folder"
                    ))),
                    None => Ok(None),
                };
            }
            (Some(elasticsearch), Some(neo4j)) => (elasticsearch.clone(), neo4j.clone()),
            (Some(_), None) => return Err(mixed("--elasticsearch", "--neo4j")),
            (None, Some(_)) => return Err(mixed("--neo4j", "--elasticsearch")),
        };
        let given = secret(self.elasticsearch_password_file.as_deref(), "SYSMONSEARCH_ELASTICSEARCH_PASSWORD")?;
        let key = secret(self.elasticsearch_api_key_file.as_deref(), "SYSMONSEARCH_ELASTICSEARCH_API_KEY")?;
        let login = match (&self.elasticsearch_user, given, key) {
            (None, None, None) => Login::Nobody,
            (Some(user), Some(password), None) => Login::Password { user: user.clone(), password: password.into() },
            (None, None, Some(key)) => Login::ApiKey(key.into()),
            _ => {
                return Err(Error::bad_input(
                    "log in at Elasticsearch either with --elasticsearch-user and a password, or with an API key",
                ));
            }
        };
        let authority = authority(self.elasticsearch_ca.as_deref())?;
        let auth = secret(self.neo4j_auth_file.as_deref(), "SYSMONSEARCH_NEO4J_AUTH")?;
        let (user, password) = match auth.as_deref().map(|auth| auth.split_once('/')) {
            None => ("neo4j".to_owned(), String::new()),
            Some(Some((user, password))) => (user.to_owned(), password.to_owned()),
            Some(None) => return Err(Error::bad_input("the log-in of Neo4j has the form NAME/PASSWORD")),
        };
        Ok(Some(Servers {
            elasticsearch: Access { nodes: elasticsearch, login, authority },
            neo4j,
            user,
            password,
            name: self.prefix.clone(),
            shards: self.shards,
            substring: self.substring,
            foreign: self.foreign.clone(),
            keep_months: self.keep_months,
        }))
    }
}

fn mixed(given: &str, missing: &str) -> Error {
    Error::bad_input(format!(
        "{given} needs {missing} too: events, graph and catalog lie either all on a cluster or all in the data folder"
    ))
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
    /// PEM file of an authority that signs the certificates of receivers of webhooks, besides those the machine knows
    #[arg(long, env = "SYSMONSEARCH_WEBHOOK_CA", value_name = "FILE")]
    webhook_ca: Option<PathBuf>,
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
    pub fn webhook_ca(&self) -> Result<Option<Vec<u8>>> {
        authority(self.webhook_ca.as_deref())
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

/// The PEM of an authority.
fn authority(file: Option<&Path>) -> Result<Option<Vec<u8>>> {
    let read =
        |path: &Path| std::fs::read(path).map_err(|e| Error::bad_input(format!("cannot read {}: {e}", path.display())));
    file.map(read).transpose()
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
