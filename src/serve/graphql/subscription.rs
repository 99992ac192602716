//! Hits and alerts as they come: first what was missed, then live.
use super::{
    alert::AlertObject,
    alert_input::AlertFilterInput,
    condition::{self, ConditionInput},
    follow::{CATCH_UP, Follow, Lagged, Live, Source},
    hit::{HitFilterInput, HitObject},
    id::GlobalId,
    page::List,
    session::{self, viewer},
};
use crate::{
    catalog::{Alert, AlertFilter, Catalog, HitFilter, Place, StoredHit},
    error::{Error, Result},
    event::{Condition, EventId, Scope},
    store::EventStore,
};
use async_graphql::{Context, ID, SimpleObject, Subscription as SubscriptionObject, Union};
use async_trait::async_trait;
use futures_util::Stream;
use std::{collections::HashSet, sync::Arc};
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

/// An alert, or the message that one is gone or that some were left out.
#[derive(Union)]
#[allow(clippy::large_enum_variant, reason = "one message at a time, and the large one is the usual one")]
pub enum AlertMessage {
    AlertEvent(AlertEvent),
    AlertGone(AlertGone),
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

/// An alert that is no more, because its last hit was withdrawn, or that is none of those asked for: a change has taken it
/// out of the filter, or it never was in it.
#[derive(SimpleObject)]
pub struct AlertGone {
    /// Place of the change: to be given as `after` to go on behind it.
    cursor: String,
    /// Global id of the alert.
    id: ID,
}

/// Everything that can be followed.
#[SubscriptionObject]
impl Subscription {
    /// Hits of rules in the order of storing: those since `after`, then live ones, without gap and without double, also
    /// when a rebuild finds hits again. Without `after` only live ones.
    #[graphql(guard = "viewer")]
    async fn hits(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which hits; absent means all.")] filter: Option<HitFilterInput>,
        #[graphql(desc = "On which events; absent means all.")] condition: Option<ConditionInput>,
        #[graphql(desc = "Cursor of the last hit that was received.")] after: Option<String>,
    ) -> Result<impl Stream<Item = async_graphql::Result<HitMessage>> + use<>> {
        let core = session::core(ctx)?;
        let after = List::Hits.place(after.as_deref())?;
        // From here on nothing is missed: what is stored before is in the catalog, what comes later is here.
        let live = core.pipeline.hits();
        let newest = core.catalog.newest_hit().await?;
        let is_after = after.is_some();
        let place = after.unwrap_or(Place::at(newest));
        let last = place.number;
        known(last, newest)?;
        let (scope, filter) = (session::scope(ctx)?.clone(), super::hit::filter(filter)?);
        let on = condition.map(|c| condition::condition(Some(c))).transpose()?;
        let (catalog, store) = (core.catalog.clone(), core.store.clone());
        let hits = Hits { live, catalog, store, scope, filter, on, unfit: HashSet::new(), place };
        Ok(Follow::new(hits, last, is_after).stream())
    }
    /// Alerts that are new or changed, by hits or people, in the order of their last change: those changed since
    /// `after`, each once as it is now, then live ones. Without `after` only live ones. Of an alert that a change takes
    /// out of the filter, or that is no more, comes `AlertGone`.
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
        let newest = core.catalog.newest_alert_change().await?;
        let last = after.unwrap_or(newest);
        known(last, newest)?;
        let scope = session::scope(ctx)?.clone();
        let filter = filter.map(AlertFilterInput::read).transpose()?.unwrap_or_default();
        Ok(Follow::new(Alerts { live, catalog: core.catalog.clone(), scope, filter }, last, after.is_some()).stream())
    }
}

/// A place ahead of everything was given out by another catalog, such as this one before a backup of it was restored:
/// who waited there would hear nothing for long.
fn known(place: u64, newest: u64) -> Result<()> {
    if place > newest {
        return Err(Error::bad_input("after is ahead of what is stored: begin anew without a cursor"));
    }
    Ok(())
}

struct Hits {
    live: Receiver<Arc<StoredHit>>,
    catalog: Arc<dyn Catalog>,
    store: Arc<dyn EventStore>,
    scope: Scope,
    filter: HitFilter,
    /// What their events must be like.
    on: Option<Condition>,
    /// Numbers of those read last whose events are not.
    unfit: HashSet<u64>,
    place: Place,
}

#[async_trait]
impl Source for Hits {
    type Item = StoredHit;
    type Message = HitMessage;
    const LIST: List = List::Hits;

    fn number(hit: &StoredHit) -> u64 {
        hit.number
    }

    fn cursor(&self, number: u64) -> String {
        let mut place = self.place.clone();
        place.number = number;
        List::Hits.cursor(place)
    }

    fn is_news(&mut self, last: u64, hit: &StoredHit) -> bool {
        self.place.number = last;
        self.place.is_news(hit) && !self.unfit.contains(&hit.number)
    }

    fn message(&self, cursor: String, stored: StoredHit) -> HitMessage {
        HitMessage::HitEvent(HitEvent { cursor, hit: HitObject(stored.hit) })
    }

    fn lagged(lagged: Lagged) -> HitMessage {
        HitMessage::Lagged(lagged)
    }

    async fn since(&mut self, after: u64) -> Result<Vec<StoredHit>> {
        let hits = self.catalog.hits_since(&self.scope, &self.filter, after, CATCH_UP).await?;
        self.unfit = self.unfit(&hits).await?;
        Ok(hits)
    }

    async fn live(&mut self) -> Result<Live<StoredHit>> {
        Ok(match self.live.recv().await {
            Ok(hit) => {
                let wanted = self.wants(&hit);
                if wanted {
                    self.unfit = self.unfit(std::slice::from_ref(&*hit)).await?;
                }
                Live::Item(Box::new((*hit).clone()), wanted)
            }
            Err(RecvError::Lagged(_)) => Live::Stored,
            Err(RecvError::Closed) => Live::Closed,
        })
    }
}

impl Hits {
    /// Numbers of hits on events that are not asked for, or are gone.
    async fn unfit(&self, hits: &[StoredHit]) -> Result<HashSet<u64>> {
        let Some(on) = &self.on else { return Ok(HashSet::new()) };
        let ids: HashSet<EventId> = hits.iter().map(|h| h.hit.event_id).collect();
        let ids: Vec<EventId> = ids.into_iter().collect();
        let mut found = self.store.events(&self.scope, &ids).await?;
        if found.iter().any(Option::is_none) {
            // New ones may not be found yet.
            self.store.refresh().await?;
            found = self.store.events(&self.scope, &ids).await?;
        }
        let fit: HashSet<EventId> = found.into_iter().flatten().filter(|e| on.is_match(e)).map(|e| e.id).collect();
        Ok(hits.iter().filter(|h| !fit.contains(&h.hit.event_id)).map(|h| h.number).collect())
    }

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

    fn message(&self, cursor: String, alert: Alert) -> AlertMessage {
        if self.filter.wants(&alert) {
            AlertMessage::AlertEvent(AlertEvent { cursor, alert: AlertObject(alert) })
        } else {
            AlertMessage::AlertGone(AlertGone { cursor, id: GlobalId::Alert(alert.id).into() })
        }
    }

    fn lagged(lagged: Lagged) -> AlertMessage {
        AlertMessage::Lagged(lagged)
    }

    async fn since(&mut self, after: u64) -> Result<Vec<Alert>> {
        // All that may have been in the filter: what has left it is told.
        self.catalog.alerts_since(&self.scope, &self.filter.fixed(), after, CATCH_UP).await
    }

    async fn live(&mut self) -> Result<Live<Alert>> {
        Ok(if self.live.changed().await.is_ok() { Live::Stored } else { Live::Closed })
    }
}
