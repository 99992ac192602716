//! Events that depend on a process, kept until they are surely found by a search.
use super::processes::Process;
use crate::{error::Result, event::EventId};
use lru::LruCache;
use std::collections::BTreeSet;

/// Events that are kept.
const MAX_EVENTS: usize = 500_000;

/// Of each process the events whose rules join values of its start.
pub(super) struct Recent {
    of: LruCache<Process, BTreeSet<EventId>>,
    events: usize,
    /// Whether every such event since the start of the log is here, so that nothing need be searched.
    whole: bool,
    /// Whether some were let go, or never here, that a search may not find yet.
    lost: bool,
}

impl Default for Recent {
    fn default() -> Self {
        Self { of: LruCache::unbounded(), events: 0, whole: false, lost: true }
    }
}

impl Recent {
    /// The follower goes on from some place of the log, or starts from its beginning.
    pub(super) fn start(&mut self, beginning: bool) {
        self.of.clear();
        self.events = 0;
        self.whole = beginning;
        self.lost = !beginning;
    }

    pub(super) fn add(&mut self, event: EventId, processes: &[Process]) {
        for process in processes {
            let is_new = self.of.get_or_insert_mut(process.clone(), BTreeSet::new).insert(event);
            self.events += usize::from(is_new);
        }
        while self.events > MAX_EVENTS {
            let Some((_, events)) = self.of.pop_lru() else { break };
            self.events -= events.len();
            (self.whole, self.lost) = (false, true);
        }
    }

    pub(super) fn of(&self, process: &Process) -> impl Iterator<Item = EventId> {
        self.of.peek(process).into_iter().flatten().copied()
    }

    pub(super) const fn is_whole(&self) -> bool {
        self.whole
    }

    /// Makes a search find what is not here: refreshes the store where that is needed, and still is after a failure.
    pub(super) async fn findable(&mut self, refresh: impl Future<Output = Result<()>>) -> Result<()> {
        if self.lost {
            refresh.await?;
            self.lost = false;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use std::cell::Cell;

    #[tokio::test]
    async fn a_refresh_that_failed_is_made_again() {
        let mut recent = Recent::default();
        let refreshed = Cell::new(0);
        let refresh = async |fails: bool| {
            refreshed.set(refreshed.get() + 1);
            if fails { Err(Error::internal("away")) } else { Ok(()) }
        };
        assert!(recent.findable(refresh(true)).await.is_err());
        recent.findable(refresh(false)).await.unwrap();
        assert_eq!(refreshed.get(), 2);
        recent.findable(refresh(true)).await.unwrap();
        assert_eq!(refreshed.get(), 2, "nothing was let go since");
        recent.start(false);
        recent.findable(refresh(false)).await.unwrap();
        assert_eq!(refreshed.get(), 3);
    }
}
