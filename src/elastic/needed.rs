//! What a cluster must have before it is written to, such as a template.
use super::Client;
use crate::error::Result;
use std::sync::atomic::Ordering;
use tokio::sync::Mutex;

/// What came of putting it, and how often the cluster had been away then.
pub struct Needed<T>(Mutex<Option<(u64, T)>>);

impl<T> Default for Needed<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Copy> Needed<T> {
    /// Puts it once, and again when the cluster was away: it may have come back empty, and would make an index with whatever
    /// fields a document brings.
    ///
    /// # Errors
    /// Those of `put`; it is tried again the next time.
    pub async fn get(&self, client: &Client, put: impl Future<Output = Result<T>> + Send) -> Result<T> {
        let mut kept = self.0.lock().await;
        let lost = client.lost.load(Ordering::Relaxed);
        if let Some((_, known)) = kept.filter(|(at, _)| *at == lost) {
            return Ok(known);
        }
        let new = put.await?;
        *kept = Some((lost, new));
        Ok(new)
    }
}
