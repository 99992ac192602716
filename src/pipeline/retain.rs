//! Retention, where the operator wants it.
use crate::{event::Time, store::EventStore};
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

const EVERY: Duration = Duration::from_secs(3_600);

/// Drops old events at once, and then again and again.
pub async fn retain(store: Arc<dyn EventStore>, mut stop: watch::Receiver<bool>) {
    loop {
        match store.drop_old(Time::now()).await {
            Ok(dropped) if dropped.is_empty() => {}
            Ok(dropped) => tracing::info!(indices = dropped.join(", "), "dropped events of old months"),
            Err(e) => tracing::warn!(error = ?e, "cannot drop old events, trying again"),
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stop.wait_for(|s| *s) => return,
        }
    }
}
