//! Recently appended events, kept for followers near the head of the log.
use super::Seq;
use crate::event::Event;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

/// A ring of consecutive events, bounded by bytes.
pub struct Recent {
    max_bytes: usize,
    ring: Mutex<Ring>,
}

struct Ring {
    /// Position of the first event in `events`.
    first: Seq,
    events: VecDeque<Arc<Event>>,
    bytes: usize,
}

impl Recent {
    /// `next`: position that the next event will get.
    pub fn new(max_bytes: usize, next: Seq) -> Self {
        Self { max_bytes, ring: Mutex::new(Ring { first: next, events: VecDeque::new(), bytes: 0 }) }
    }

    /// Adds events that directly follow those added before.
    pub fn push(&self, events: impl IntoIterator<Item = Arc<Event>>) {
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        for e in events {
            ring.bytes += e.size();
            ring.events.push_back(e);
        }
        while ring.bytes > self.max_bytes {
            let Some(old) = ring.events.pop_front() else { break };
            ring.bytes -= old.size();
            ring.first += 1;
        }
    }

    /// Events after `after`, at most `max`, ending behind the one that reaches `max_bytes`; `None` when they are no longer (or not yet) here.
    pub fn read(&self, after: Seq, max: usize, max_bytes: usize) -> Option<Vec<(Seq, Arc<Event>)>> {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let skip = usize::try_from((after + 1).checked_sub(ring.first)?).ok()?;
        if skip >= ring.events.len() {
            return None;
        }
        let mut bytes = 0;
        let within = ring.events.range(skip..).take(max).take_while(|e| {
            let fits = bytes < max_bytes;
            bytes += e.size();
            fits
        });
        Some(within.zip(after + 1..).map(|(e, seq)| (seq, e.clone())).collect())
    }
}
