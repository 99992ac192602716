//! Events that depend on a process, kept until they are surely found by a search.
use super::processes::Process;
use crate::event::EventId;
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

    /// Whether a search needs a refresh first; asked once.
    pub(super) fn take_lost(&mut self) -> bool {
        std::mem::take(&mut self.lost)
    }
}
