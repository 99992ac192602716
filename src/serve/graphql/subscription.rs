//! Hits and alerts as they come: first what was missed, then live.
use super::{
    alert::AlertObject,
    alert_input::AlertFilterInput,
    follow::{CATCH_UP, Follow, Lagged, Live, Source},
    hit::{HitFilterInput, HitObject},
    page::List,
    session::{self, viewer},
};
use crate::{
    catalog::{Alert, AlertFilter, Catalog, HitFilter, StoredHit},
    error::Result,
    event::Scope,
};
use async_graphql::{Context, SimpleObject, Subscription as SubscriptionObject, Union};
use async_trait::async_trait;
use futures_util::Stream;
use std::sync::Arc;
use tokio::sync::{
    broadcast::{Receiver, error::RecvError},
    watch,
};

pub struct Subscription;

/// A hit, or the message that some were left out.
#[derive(Union)]
#[allow(clippy::large_enum_variant, reason = "one message at a time, and the large one is the usual one")]
pub enum HitMessage {
    HitEvent(HitEvent),
    Lagged(Lagged),
}

/// A hit with its place.
#[derive(SimpleObject)]
pub struct HitEvent {
    /// Place of the hit: to be given as `after` to go on behind it.
    cursor: String,
    /// The hit.
    hit: HitObject,
}

/// An alert, or the message that some were left out.
#[derive(Union)]
#[allow(clippy::large_enum_variant, reason = "one message at a time, and the large one is the usual one")]
pub enum AlertMessage {
    AlertEvent(AlertEvent),
    Lagged(Lagged),
}

/// An alert that is new or was changed, with the place of the change.
#[derive(SimpleObject)]
pub struct AlertEvent {
    /// Place of the change: to be given as `after` to go on behind it.
    cursor: String,
    /// The alert as it is now.
    alert: AlertObject,
}

/// Everything that can be followed.
#[SubscriptionObject]
impl Subscription {
    /// Hits of rules in the order of storing: those since `after`, then live ones, without gap and without double.
    /// Without `after` only live ones.
    #[graphql(guard = "viewer")]
    async fn hits(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which hits; absent means all.")] filter: Option<HitFilterInput>,
        #[graphql(desc = "Cursor of the last hit that was received.")] after: Option<String>,
    ) -> Result<impl Stream<Item = async_graphql::Result<HitMessage>> + use<>> {
        let core = session::core(ctx)?;
        let after = List::Hits.number(after.as_deref())?;
        // From here on nothing is missed: what is stored before is in the catalog, what comes later is here.
        let live = core.pipeline.hits();
        let last = match after {
            Some(number) => number,
            None => core.catalog.newest_hit().await?,
        };
        let (scope, filter) = (session::scope(ctx)?.clone(), super::hit::filter(filter)?);
        Ok(Follow::new(Hits { live, catalog: core.catalog.clone(), scope, filter }, last, after.is_some()).stream())
    }
    /// Alerts that are new or changed, by hits or people, in the order of their last change: those changed since
    /// `after`, each once as it is now, then live ones. Without `after` only live ones. An alert that a change takes
    /// out of the filter is not sent.
    #[graphql(guard = "viewer")]
    async fn alerts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which alerts; absent means all.")] filter: Option<AlertFilterInput>,
        #[graphql(desc = "Cursor of the last alert that was received.")] after: Option<String>,
    ) -> Result<impl Stream<Item = async_graphql::Result<AlertMessage>> + use<>> {
        let core = session::core(ctx)?;
        let after = List::AlertChanges.number(after.as_deref())?;
        let live = core.pipeline.alert_changes();
        let last = match after {
            Some(number) => number,
            None => core.catalog.newest_alert_change().await?,
        };
        let scope = session::scope(ctx)?.clone();
        let filter = filter.map(AlertFilterInput::read).transpose()?.unwrap_or_default();
        Ok(Follow::new(Alerts { live, catalog: core.catalog.clone(), scope, filter }, last, after.is_some()).stream())
    }
}

struct Hits {
    live: Receiver<Arc<StoredHit>>,
    catalog: Arc<dyn Catalog>,
    scope: Scope,
    filter: HitFilter,
}

#[async_trait]
impl Source for Hits {
    type Item = StoredHit;
    type Message = HitMessage;
    const LIST: List = List::Hits;

    fn number(hit: &StoredHit) -> u64 {
        hit.number
    }

    fn message(cursor: String, stored: StoredHit) -> HitMessage {
        HitMessage::HitEvent(HitEvent { cursor, hit: HitObject(stored.hit) })
    }

    fn lagged(lagged: Lagged) -> HitMessage {
        HitMessage::Lagged(lagged)
    }

    async fn since(&self, after: u64) -> Result<Vec<StoredHit>> {
        self.catalog.hits_since(&self.scope, &self.filter, after, CATCH_UP).await
    }

    async fn live(&mut self) -> Live<StoredHit> {
        match self.live.recv().await {
            Ok(hit) => {
                let wanted = self.wants(&hit);
                Live::Item(Box::new((*hit).clone()), wanted)
            }
            Err(RecvError::Lagged(_)) => Live::Stored,
            Err(RecvError::Closed) => Live::Closed,
        }
    }
}

impl Hits {
    /// The filter, as the catalog applies it.
    fn wants(&self, stored: &StoredHit) -> bool {
        let (f, hit) = (&self.filter, &stored.hit);
        self.scope.allows(&hit.host)
            && f.rule_id.as_ref().is_none_or(|r| *r == hit.rule_id)
            && f.host.as_ref().is_none_or(|h| *h == hit.host)
            && (f.levels.is_empty() || f.levels.contains(&hit.level))
            && f.period.contains(hit.time)
    }
}

struct Alerts {
    live: watch::Receiver<u64>,
    catalog: Arc<dyn Catalog>,
    scope: Scope,
    filter: AlertFilter,
}

#[async_trait]
impl Source for Alerts {
    type Item = Alert;
    type Message = AlertMessage;
    const LIST: List = List::AlertChanges;

    fn number(alert: &Alert) -> u64 {
        alert.change
    }

    fn message(cursor: String, alert: Alert) -> AlertMessage {
        AlertMessage::AlertEvent(AlertEvent { cursor, alert: AlertObject(alert) })
    }

    fn lagged(lagged: Lagged) -> AlertMessage {
        AlertMessage::Lagged(lagged)
    }

    async fn since(&self, after: u64) -> Result<Vec<Alert>> {
        self.catalog.alerts_since(&self.scope, &self.filter, after, CATCH_UP).await
    }

    async fn live(&mut self) -> Live<Alert> {
        if self.live.changed().await.is_ok() { Live::Stored } else { Live::Closed }
    }
}
