//! Which of several processes does the work of a follower.
use crate::{
    catalog::Catalog,
    error::{Error, Result},
    event::Fence,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// How long a process that says nothing keeps its work. What it writes behind that is refused, see [`Fence`], or changes
/// nothing.
pub(super) const LIFE: Duration = Duration::from_secs(15);
/// How often the owner says that it is alive.
pub(super) const RENEW: Duration = Duration::from_secs(4);

/// The lease on one follower's work.
#[derive(Clone)]
pub(super) struct Lease {
    /// Absent where the engines are in a folder that only one process can open.
    catalog: Option<Arc<dyn Catalog>>,
    name: &'static str,
    owner: Arc<str>,
    renewed: Option<Instant>,
    fence: Fence,
}

/// Whether this process may do the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// It could before.
    Kept,
    /// From now on: another process may have worked in between.
    Taken,
    /// Another process does it.
    Elsewhere,
}

impl Lease {
    pub(super) fn new(catalog: Option<Arc<dyn Catalog>>, name: &'static str, owner: Arc<str>) -> Self {
        Self { catalog, name, owner, renewed: None, fence: Fence::default() }
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// Takes or keeps the work, if that can be.
    ///
    /// # Errors
    /// When the catalog cannot be asked; the work must rest then.
    pub(super) async fn hold(&mut self) -> Result<Held> {
        let Some(catalog) = &self.catalog else { return Ok(Held::Kept) };
        let asked = Instant::now();
        if self.renewed.is_some_and(|at| asked.duration_since(at) < RENEW) {
            return Ok(Held::Kept);
        }
        // Without an answer nothing is known any more.
        let before = self.renewed.take();
        let Some(epoch) = catalog.lease(self.name, &self.owner, LIFE, false).await? else { return Ok(Held::Elsewhere) };
        self.fence = Fence(epoch);
        self.renewed = Some(asked);
        let in_time = before.is_some_and(|at| asked.duration_since(at) < LIFE);
        Ok(if in_time { Held::Kept } else { Held::Taken })
    }

    /// Says that this process is alive while a piece of work lasts.
    pub(super) async fn keep<T>(&mut self, work: impl Future<Output = T>) -> T {
        let Some(catalog) = &self.catalog else { return work.await };
        let (fence, renewed) = (self.fence, &mut self.renewed);
        let renew = async {
            loop {
                tokio::time::sleep(RENEW).await;
                let asked = Instant::now();
                match catalog.lease(self.name, &self.owner, LIFE, false).await {
                    Ok(Some(epoch)) if Fence(epoch) == fence => *renewed = Some(asked),
                    // Somebody else has had it: what this piece writes is refused.
                    Ok(_) => *renewed = None,
                    Err(e) => tracing::warn!(work = self.name, error = ?e, "cannot renew the lease"),
                }
            }
        };
        tokio::select! {
            done = work => done,
            never = renew => never,
        }
    }

    /// Under which the work is done that is held.
    pub(super) fn fence(&self) -> Fence {
        self.fence
    }

    /// Gives the work to whoever asks next.
    pub(super) async fn release(&self) {
        let Some(catalog) = &self.catalog else { return };
        if self.renewed.is_some()
            && let Err(e) = catalog.release(self.name, &self.owner).await
        {
            tracing::warn!(work = self.name, error = ?e, "cannot give back the lease; it ends by itself");
        }
    }

    /// Runs `work`, under the fence that it is given, while nobody else does the follower's work: takes it away where another
    /// process has it, and waits until that has noticed.
    ///
    /// # Errors
    /// Those of the catalog and of `work`.
    pub(super) async fn alone<T, F: Future<Output = Result<T>>>(&self, work: impl FnOnce(Fence) -> F) -> Result<T> {
        let Some(catalog) = &self.catalog else { return work(Fence::default()).await };
        let lease = async |force| catalog.lease(self.name, &self.owner, LIFE * 2, force).await;
        let epoch = match lease(false).await? {
            Some(epoch) => epoch,
            None => {
                let taken = lease(true).await?;
                tracing::info!(work = self.name, "taken from another process, waiting until it has noticed");
                tokio::time::sleep(LIFE).await;
                taken.ok_or_else(|| Error::internal("a lease cannot be taken by force"))?
            }
        };
        let mut own = Self { fence: Fence(epoch), ..self.clone() };
        own.keep(work(Fence(epoch))).await
    }
}
