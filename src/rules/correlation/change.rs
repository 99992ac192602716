//! What new matches change in a group: only windows that they can lie in are looked at again.
use super::Linked;
use crate::event::{
    EventId, Time,
    correlated::{Change, Group, Kept, Sighting, Stretch},
};
use std::collections::{BTreeMap, BTreeSet};

/// Matches of one group that have come, and firings of members that are no more.
#[derive(Debug, Clone, Default)]
pub struct Touched {
    pub came: Vec<Sighting>,
    pub went: Vec<Sighting>,
}

impl Touched {
    /// Parts of time in which other events may complete a window now, apart from each other, in order.
    fn parts(&self, span: i64) -> Vec<(i64, i64)> {
        let times: BTreeSet<i64> = self.came.iter().chain(&self.went).map(|s| s.time.0).collect();
        let mut out: Vec<(i64, i64)> = Vec::new();
        for time in times {
            let end = time.saturating_add(span);
            match out.last_mut() {
                Some((_, last)) if time <= *last => *last = end,
                _ => out.push((time, end)),
            }
        }
        out
    }
}

impl Linked {
    /// What [`Self::change`] must know of a group.
    pub fn stretches(&self, group: &Group, touched: &Touched) -> Vec<Stretch> {
        let key = group.key();
        let stretch =
            |(from, to): (i64, i64)| Stretch { group: key, from: Time(from.saturating_sub(self.span())), to: Time(to) };
        touched.parts(self.span()).into_iter().map(stretch).collect()
    }

    /// `kept`: what is known of each of the [`Self::stretches`], in their order. Also returns the events among those that
    /// have come, which had completed a window before and still do.
    pub fn change(&self, group: Group, touched: Touched, kept: Vec<Kept>) -> (Change, Vec<(Time, EventId)>) {
        let (mut fired, mut unfired, mut still) = (Vec::new(), Vec::new(), Vec::new());
        let again: BTreeSet<(Time, EventId)> = touched.came.iter().map(|s| (s.time, s.event_id)).collect();
        for ((from, to), kept) in touched.parts(self.span()).into_iter().zip(kept) {
            let inside = |t: Time| (from..=to).contains(&t.0);
            let reach = from.saturating_sub(self.span())..=to;
            let mut seen: BTreeMap<_, Sighting> = kept.seen.into_iter().map(|s| (s.key(), s)).collect();
            for gone in &touched.went {
                seen.remove(&gone.key());
            }
            let came = touched.came.iter().filter(|s| reach.contains(&s.time.0));
            seen.extend(came.map(|s| (s.key(), s.clone())));
            let completed = self.completed(seen.into_values());
            let now: BTreeSet<(Time, EventId)> = completed.into_iter().filter(|(t, _)| inside(*t)).collect();
            let before: BTreeSet<(Time, EventId)> = kept.fired.into_iter().filter(|(t, _)| inside(*t)).collect();
            fired.extend(now.difference(&before));
            unfired.extend(before.difference(&now));
            still.extend(before.intersection(&now).filter(|e| again.contains(e)));
        }
        (Change { group, came: touched.came, went: touched.went, fired, unfired }, still)
    }
}
