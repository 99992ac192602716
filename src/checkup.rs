//! What `doctor` finds: one line for each thing that an engine has looked at in itself.

use crate::error::{Code, Error, Result};
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
        let advice = if e.is_of_credentials() {
            "it runs: look whether user and password or key are right, and whether they may do what the README says"
        } else {
            match e.code {
                Code::Unavailable => "look whether it runs, whether its address is right, and into its log",
                Code::Conflict | Code::BadInput | Code::TooLarge => "change what is configured as the text says",
                _ => "look into its log and that of the program",
            }
        };
        Self::bad(part, format!("{e}{cause}"), advice)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_refused_is_not_told_to_start_the_server() {
        let advice = |code, text: &'static str| Finding::failed("x", &Error::new(code, text)).advice.unwrap();
        assert!(advice(Code::Unavailable, "x cannot be reached").contains("whether it runs"));
        for code in [Code::Unavailable, Code::Internal] {
            let advice = advice(code, "Neo4j refuses the credentials");
            assert!(advice.contains("password") && !advice.contains("whether it runs"), "{advice}");
        }
    }
}
