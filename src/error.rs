//! The one error of the product, and the issue: something wrong with one record of an input.
use std::{borrow::Cow, error::Error as StdError, fmt};

/// What a caller can do about an error. It is the GraphQL `extensions.code` and decides the HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    BadInput,
    Unauthenticated,
    Forbidden,
    NotFound,
    Conflict,
    TooMany,
    TooLarge,
    Unavailable,
    Internal,
}

impl Code {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadInput => "BAD_INPUT",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::NotFound => "NOT_FOUND",
            Self::Conflict => "CONFLICT",
            Self::TooMany => "TOO_MANY",
            Self::TooLarge => "TOO_LARGE",
            Self::Unavailable => "UNAVAILABLE",
            Self::Internal => "INTERNAL",
        }
    }

    pub const fn http_status(self) -> u16 {
        match self {
            Self::BadInput => 400,
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::TooLarge => 413,
            Self::TooMany => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
        }
    }
}

/// An error with a public message. The `source` is for the log only; of an `INTERNAL` error
/// not even the message leaves the server.
#[derive(Debug)]
pub struct Error {
    pub code: Code,
    pub message: Cow<'static, str>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), source: None }
    }
    pub fn bad_input(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::BadInput, message)
    }
    pub fn not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::NotFound, message)
    }
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(Code::Internal, "internal error").with(source)
    }
    #[must_use]
    pub fn with(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|s| s as &(dyn StdError + 'static))
    }
}

macro_rules! internal_from {
    ($($t:ty),* $(,)?) => { $(impl From<$t> for Error {
        fn from(e: $t) -> Self { Self::internal(e) }
    })* };
}
internal_from!(tantivy::TantivyError, std::io::Error, serde_json::Error, tokio::task::JoinError);

/// What passes (a full disk, a locked file) is told from what does not.
impl From<rusqlite::Error> for Error {
    fn from(e: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as E;
        let message = match e.sqlite_error_code() {
            Some(E::DiskFull) => "the disk of the data folder is full",
            Some(E::DatabaseBusy | E::DatabaseLocked) => "a database of the data folder is locked by another process",
            Some(E::CannotOpen | E::SystemIoFailure) => "a database of the data folder cannot be read or written",
            _ => return Self::internal(e),
        };
        Self::new(Code::Unavailable, message).with(e)
    }
}

/// What passes (a server that is away, a lock) is told from what does not.
impl From<neo4rs::Error> for Error {
    fn from(e: neo4rs::Error) -> Self {
        use neo4rs::{Error as E, Neo4jErrorKind as K};
        let message = match &e {
            E::Neo4j(n) if n.kind() == K::Transient => "Neo4j is busy or not ready",
            E::IOError { .. }
            | E::ConnectionError
            | E::ConnectionTimedOut
            | E::IncompleteBoltExchange
            | E::ServerUnavailableError(_) => "Neo4j cannot be reached",
            _ => return Self::internal(e),
        };
        Self::new(Code::Unavailable, message).with(e)
    }
}

/// Something wrong with one part of an input. The rest of the input is imported all the same.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Issue {
    /// File, or name of the request, as the sender called it; inside an archive `outer!inner`.
    pub source: String,
    /// Where in the source: `line 17`, `record 4711`, `chunk 3`, `byte 1024`.
    pub position: String,
    /// Why, and what to do about it.
    pub reason: String,
    /// The bad record itself as text, at most [`Issue::MAX_RECORD`] bytes, for the dead-letter list.
    pub record: Option<String>,
}

impl Issue {
    pub const MAX_RECORD: usize = 64 * 1024;
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.source, self.position, self.reason)
    }
}
