//! Sigma rules: load, compile, match. Only this room knows the Sigma engine.
//!
//! ```text
//! folder, archive, text -> load, parse -> Rule (text and verdict)
//! Rule -> normal: field names resolved, values canonical, known gaps of the engine closed
//!      -> logsource: one engine per kind of event -> RuleSet::matches(&Event)
//! fields that an event lacks -> join: from the start of its process
//! correlations -> correlation: linked to their members, evaluated over what these have matched
//! ```
//! A rule that cannot be honoured in full is refused with the reason; it never matches more or less than it says.
mod archive;
pub mod check;
pub mod correlation;
pub mod cost;
pub mod exception;
pub mod explain;
mod fields;
pub mod filter;
pub mod join;
mod load;
mod logsource;
mod lookup;
mod modifiers;
mod named;
mod normal;
mod parse;
pub mod placeholders;
pub mod related;
pub mod search;
mod set;
pub mod superset;
mod sysmonsearch;
mod value;
mod view;
mod weight;

pub use load::{MAX_ARCHIVE, load, load_file};
pub use parse::parse;
pub use placeholders::Placeholders;
pub use set::{Detected, Matched, RuleSet, Settled};

use crate::{error::Issue, event::detection::Rule};

/// What loading found: a verdict for every document.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Every document that has an identity; [`Rule::refused`] says why one cannot be matched.
    pub rules: Vec<Rule>,
    /// Documents without identity, files that cannot be read, and doubtful parts of rules.
    pub issues: Vec<Issue>,
    /// Files that hold no rules, by name and content; left alone.
    pub other_files: Vec<String>,
}

impl Loaded {
    fn issue(&mut self, source: &str, position: impl Into<String>, reason: impl Into<String>) {
        self.issues.push(Issue {
            source: source.into(),
            position: position.into(),
            reason: reason.into(),
            record: None,
        });
    }
}
