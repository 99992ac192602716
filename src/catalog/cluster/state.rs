//! The nodes that writers lock: what they number, and how far detect has come.
use super::nodes::{self, Kind, Row, Space};
use crate::{catalog::grouping::Numbers, error::Result, event::Fence, neo4j::Transaction};
use serde::{Deserialize, Serialize};

/// What detect has done. Whoever changes hits or alerts holds its lock.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Detected {
    /// Checkpoint, as text.
    pub position: String,
    /// The newest that has written.
    pub fence: Fence,
    /// Number of the newest hit.
    pub newest: u64,
    /// Hits above lie in the outbox; they are shown all at once when their documents are written.
    pub visible: u64,
    /// Hits up to here are cleared.
    pub floor: u64,
    /// Names the hits in the outbox, if there are some.
    pub pending: Option<String>,
    /// Number of the last change of documents.
    pub written: u64,
    /// Names the last change of hits, so that a writer whose answer was lost knows whether his is done.
    pub last: String,
    /// Grows with every clear: what correlations keep of earlier ones is nothing.
    pub era: u64,
    /// Eras up to here are swept.
    pub swept: u64,
    pub alerts: u64,
    pub changes: u64,
    pub comments: u64,
    pub audit: u64,
}

impl Detected {
    pub const fn numbers(&self) -> Numbers {
        Numbers { alerts: self.alerts, changes: self.changes }
    }

    pub const fn set_numbers(&mut self, numbers: Numbers) {
        (self.alerts, self.changes) = (numbers.alerts, numbers.changes);
    }

    pub async fn save(&self, t: &mut Transaction, space: &Space) -> Result<()> {
        nodes::put(t, vec![Row::new(detected_key(space), Kind::State, self)?]).await
    }
}

pub fn detected_key(space: &Space) -> String {
    space.key(Kind::State, &["detected"])
}

pub async fn lock_detected(t: &mut Transaction, space: &Space) -> Result<Detected> {
    nodes::lock(t, &detected_key(space)).await
}

/// The same as the owner of detect.
///
/// # Errors
/// `CONFLICT` when another process owns it now.
pub async fn lock_as(t: &mut Transaction, space: &Space, fence: Fence) -> Result<Detected> {
    let mut state = lock_detected(t, space).await?;
    state.fence.pass(fence)?;
    Ok(state)
}

/// Counters of the rest. Each stands in a node of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counter {
    pub value: u64,
}

impl Counter {
    /// Takes its lock.
    pub async fn lock(t: &mut Transaction, space: &Space, name: &str) -> Result<Self> {
        nodes::lock(t, &Self::key(space, name)).await
    }

    pub async fn save(&self, t: &mut Transaction, space: &Space, name: &str) -> Result<()> {
        nodes::put(t, vec![Row::new(Self::key(space, name), Kind::State, self)?]).await
    }

    pub fn key(space: &Space, name: &str) -> String {
        space.key(Kind::State, &[name])
    }

    pub const fn next(&mut self) -> u64 {
        self.value += 1;
        self.value
    }
}
