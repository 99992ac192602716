//! Hits as they are found: first what was missed, then live.
use super::{
    hit::{HitFilterInput, HitObject},
    page::List,
    scalar::Long,
    session::{self, viewer},
};
use crate::{
    catalog::{Catalog, HitFilter, StoredHit},
    error::Result,
    event::Scope,
};
use async_graphql::{Context, SimpleObject, Subscription as SubscriptionObject, Union};
use futures_util::{Stream, stream};
use std::{collections::VecDeque, sync::Arc};
use tokio::sync::broadcast::{Receiver, error::RecvError};

pub struct Subscription;

/// Hits fetched from the catalog at once.
const CATCH_UP: usize = 500;
/// A subscriber that fell behind by more hits than these is told so; fewer are sent all the same.
const MAX_BEHIND: usize = 2_000;

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

/// The subscriber was too slow, so that hits were left out here. The subscription goes on behind them.
#[derive(SimpleObject)]
pub struct Lagged {
    /// How many hits were left out.
    missed: Long,
    /// Place of the last hit before them: subscribe with it as `after` to get them.
    cursor: String,
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
        let follow = Follow {
            live,
            catalog: core.catalog.clone(),
            scope: session::scope(ctx)?.clone(),
            filter: super::hit::filter(filter)?,
            last,
            behind: after.is_some(),
            waiting: VecDeque::new(),
        };
        Ok(stream::unfold(Some(follow), |follow| async {
            let mut follow = follow?;
            match follow.next().await {
                Ok(Some(message)) => Some((Ok(message), Some(follow))),
                Ok(None) => None,
                Err(e) => Some((Err(e.into()), None)),
            }
        }))
    }
}

struct Follow {
    live: Receiver<Arc<StoredHit>>,
    catalog: Arc<dyn Catalog>,
    scope: Scope,
    filter: HitFilter,
    /// Number of the last hit sent or left out.
    last: u64,
    /// Whether hits after `last` may be in the catalog that were not received live.
    behind: bool,
    waiting: VecDeque<StoredHit>,
}

impl Follow {
    async fn next(&mut self) -> Result<Option<HitMessage>> {
        loop {
            if let Some(hit) = self.waiting.pop_front() {
                return Ok(Some(self.send(hit)));
            }
            if self.behind {
                let missed = self.since(self.last).await?;
                self.behind = missed.len() == CATCH_UP;
                self.waiting.extend(missed);
                continue;
            }
            match self.live.recv().await {
                Ok(hit) if hit.number > self.last && self.wants(&hit) => return Ok(Some(self.send((*hit).clone()))),
                // Not for this subscriber: it is behind him all the same.
                Ok(hit) => self.last = self.last.max(hit.number),
                Err(RecvError::Lagged(_)) => {
                    if let Some(lagged) = self.lagged().await? {
                        return Ok(Some(lagged));
                    }
                }
                Err(RecvError::Closed) => return Ok(None),
            }
        }
    }

    fn send(&mut self, stored: StoredHit) -> HitMessage {
        self.last = stored.number;
        HitMessage::HitEvent(HitEvent { cursor: List::Hits.cursor(stored.number), hit: HitObject(stored.hit) })
    }

    async fn since(&self, after: u64) -> Result<Vec<StoredHit>> {
        self.catalog.hits_since(&self.scope, &self.filter, after, CATCH_UP).await
    }

    /// The live channel ran over: what was missed is in the catalog. A few are sent late; many are left out, and said so.
    async fn lagged(&mut self) -> Result<Option<HitMessage>> {
        let (mut missed, mut at) = (0, self.last);
        loop {
            let page = self.since(at).await?;
            missed += page.len();
            at = page.last().map_or(at, |h| h.number);
            if page.len() < CATCH_UP {
                break;
            }
        }
        if missed <= MAX_BEHIND {
            self.behind = missed > 0;
            return Ok(None);
        }
        let cursor = List::Hits.cursor(self.last);
        self.last = at;
        Ok(Some(HitMessage::Lagged(Lagged { missed: Long(missed as u64), cursor })))
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
