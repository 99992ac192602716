//! What each rule costs: evaluated alone, over a sample of events of its kinds.
use super::{
    correlation,
    filter::{self, Filters},
    logsource::{STREAMS, stream_of},
    lookup::Lookup,
    set::{Way, prepared},
    view::View,
};
use crate::event::{Event, SYSMON_PROVIDER, detection::Rule};
use rsigma_eval::Engine;
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

/// Events of one kind that are looked at.
const SAMPLE: usize = 100;
/// The best of some rounds counts: the others were disturbed.
const ROUNDS: usize = 3;

/// Time of one rule for one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Mean over the sample.
    pub nanoseconds: u64,
    /// Size of the sample.
    pub events: usize,
}

/// Costs by own id of the rules that are matched, as far as `most` reaches. A rule without an event of its kinds has none.
pub fn measure(rules: &[Rule], events: &[Arc<Event>], most: Duration) -> HashMap<String, Cost> {
    let mut kinds: Vec<Vec<&Event>> = vec![Vec::new(); STREAMS];
    for event in events.iter().filter(|e| *e.system.provider == *SYSMON_PROVIDER) {
        if let Some(kind) = kinds.get_mut(stream_of(event)).filter(|k| k.len() < SAMPLE) {
            kind.push(event);
        }
    }
    let filters = Filters::of(rules.iter());
    let alone = |r: &&Rule| r.logsource != filter::LOGSOURCE && r.logsource != correlation::LOGSOURCE;
    let usable = rules.iter().filter(|r| r.enabled && r.refused.is_none()).filter(alone);
    let (started, mut out) = (Instant::now(), HashMap::new());
    for rule in usable {
        if started.elapsed() > most {
            tracing::warn!(measured = out.len(), "the time was too short to measure all rules");
            break;
        }
        let Ok((streams, way, _)) = prepared(rule, &filters, 0) else { continue };
        let mut lookup = Lookup::default();
        let mut engine = Engine::new();
        match way {
            Way::Lookup(asks) => lookup.add(asks, 0, &streams),
            Way::Engine(compiled) => engine.extend_compiled_rules([*compiled]),
        }
        let sample: Vec<(usize, &Event)> =
            streams.iter().flat_map(|s| kinds.get(*s).into_iter().flatten().map(|e| (*s, *e))).collect();
        if sample.is_empty() {
            continue;
        }
        let round = || {
            let start = Instant::now();
            for (stream, event) in &sample {
                let mut found = Vec::new();
                lookup.find(event, *stream, &mut found);
                std::hint::black_box((found, engine.evaluate(&View::new(event))));
            }
            start.elapsed()
        };
        let best = (0..ROUNDS).map(|_| round()).min().unwrap_or_default();
        let nanoseconds = u64::try_from(best.as_nanos() / sample.len() as u128).unwrap_or(u64::MAX);
        out.insert(rule.id.clone(), Cost { nanoseconds, events: sample.len() });
    }
    out
}
