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

const REFUSES_CREDENTIALS: &str = "refuses the credentials";

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
    /// A server, by its name, takes neither user nor password.
    pub fn credentials(code: Code, server: &str) -> Self {
        Self::new(code, format!("{server} {REFUSES_CREDENTIALS}"))
    }
    /// Whether it is one of [`Self::credentials`].
    pub fn is_of_credentials(&self) -> bool {
        self.message.ends_with(REFUSES_CREDENTIALS)
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
        use neo4rs::Error as E;
        let message = match &e {
            E::Neo4j(n) if passes(n.code()) => "Neo4j is busy or not ready",
            E::RequestIgnoredError | E::Ignored(_) => "Neo4j is busy or not ready",
            // A second time would be no better, and some servers count them.
            E::AuthenticationError(_) => return Self::credentials(Code::Internal, "Neo4j").with(e),
            E::Neo4j(n) if is_refusal(n.code()) => return Self::credentials(Code::Internal, "Neo4j").with(e),
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

/// Whether an error of Neo4j is one of a moment, also while it stops in order or another server becomes the leader.
fn passes(code: &str) -> bool {
    let passing = [
        "Neo.ClientError.Transaction.Terminated",
        "Neo.ClientError.Transaction.LockClientStopped",
        "Neo.ClientError.Cluster.NotALeader",
        "Neo.ClientError.General.ForbiddenOnReadOnlyDatabase",
        "Neo.ClientError.Security.AuthorizationExpired",
    ];
    code.starts_with("Neo.TransientError.") || passing.contains(&code)
}

fn is_refusal(code: &str) -> bool {
    ["Unauthorized", "Forbidden", "TokenExpired", "AuthenticationRateLimit", "CredentialsExpired"]
        .iter()
        .any(|name| code.strip_prefix("Neo.ClientError.Security.") == Some(name))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_in_neo4j() {
        for code in ["Neo.TransientError.Transaction.DeadlockDetected", "Neo.ClientError.Transaction.Terminated"] {
            assert!(passes(code) && !is_refusal(code), "{code}");
        }
        for code in ["Neo.ClientError.Security.AuthorizationExpired", "Neo.ClientError.Cluster.NotALeader"] {
            assert!(passes(code) && !is_refusal(code), "{code}");
        }
        for code in ["Neo.ClientError.Statement.SyntaxError", "Neo.DatabaseError.General.UnknownError"] {
            assert!(!passes(code) && !is_refusal(code), "{code}");
        }
        assert!(
            is_refusal("Neo.ClientError.Security.Unauthorized") && !passes("Neo.ClientError.Security.Unauthorized")
        );
        for e in [neo4rs::Error::RequestIgnoredError, neo4rs::Error::ConnectionTimedOut] {
            assert_eq!(Error::from(e).code, Code::Unavailable);
        }
        let refused = Error::from(neo4rs::Error::AuthenticationError("no".into()));
        assert!(refused.code == Code::Internal && refused.message.contains("refuses the credentials"));
    }
}
