//! What `doctor` finds: one line for each thing that an engine has looked at in itself.

use crate::error::{Error, Result};
use rusqlite::Connection;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// As it should be.
    Good,
    /// It works, but something can be better.
    Warning,
    /// It does not work.
    Bad,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at, such as `Neo4j`.
    pub part: &'static str,
    pub state: State,
    pub text: String,
    /// What to do about it.
    pub advice: Option<String>,
}

impl Finding {
    pub fn good(part: &'static str, text: impl Into<String>) -> Self {
        Self { part, state: State::Good, text: text.into(), advice: None }
    }
    pub fn warning(part: &'static str, text: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { part, state: State::Warning, text: text.into(), advice: Some(advice.into()) }
    }
    pub fn bad(part: &'static str, text: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { part, state: State::Bad, text: text.into(), advice: Some(advice.into()) }
    }

    /// An error instead of a finding.
    pub fn failed(part: &'static str, e: &Error) -> Self {
        let cause = std::error::Error::source(e).map(|s| format!(": {s}")).unwrap_or_default();
        Self::bad(part, format!("{e}{cause}"), "look whether it runs, whether its address is right, and into its log")
    }

    /// Looks through a whole SQLite file.
    pub fn of_file(part: &'static str, db: &Connection) -> Result<Self> {
        let answer: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        Ok(if answer == "ok" {
            Self::good(part, "the file is sound")
        } else {
            Self::bad(part, format!("the file is damaged: {answer}"), "stop the program and bring the backup back")
        })
    }
}
