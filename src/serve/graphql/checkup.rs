//! What `sysmonsearch doctor` prints.
use crate::checkup;
use async_graphql::{Enum, SimpleObject};

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "checkup::State")]
pub enum CheckupState {
    /// As it should be.
    Good,
    /// It works, but something can be better.
    Warning,
    /// It does not work.
    Bad,
}

/// What an engine has found about itself.
#[derive(SimpleObject)]
pub struct CheckupFinding {
    /// What was looked at.
    part: &'static str,
    /// How it is.
    state: CheckupState,
    /// What was seen.
    text: String,
    /// What to do about it.
    advice: Option<String>,
}

impl From<checkup::Finding> for CheckupFinding {
    fn from(f: checkup::Finding) -> Self {
        Self { part: f.part, state: f.state.into(), text: f.text, advice: f.advice }
    }
}
