//! What each rule costs: evaluated alone, over a sample of events of its kinds.
use super::{
    correlation, filter,
    logsource::{STREAMS, stream_of},
    lookup::Lookup,
    placeholders::Placeholders,
    set::{Context, Prepared, Way, prepared},
    view::View,
};
use crate::event::{Event, SYSMON_PROVIDER, detection::Rule};
use rsigma_eval::Engine;
use std::{
    collections::{BTreeSet, HashMap},
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

/// What a measurement has found so far.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    /// By own id of the rules that are matched. A rule without an event of its kinds has none.
    pub costs: HashMap<String, Cost>,
    /// Own ids of the rules whose turn has not come.
    pub left: BTreeSet<String>,
}

impl Measured {
    /// Nothing yet, of the rules that are matched.
    pub fn new(rules: &[Rule]) -> Self {
        Self { costs: HashMap::new(), left: usable(rules).map(|r| r.id.clone()).collect() }
    }

    /// Goes on for at most a time, one rule at least.
    pub fn go_on(&mut self, rules: &[Rule], events: &[Arc<Event>], placeholders: &Placeholders, most: Duration) {
        let mut kinds: Vec<Vec<&Event>> = vec![Vec::new(); STREAMS];
        for event in events.iter().filter(|e| *e.system.provider == *SYSMON_PROVIDER) {
            if let Some(kind) = kinds.get_mut(stream_of(event)).filter(|k| k.len() < SAMPLE) {
                kind.push(event);
            }
        }
        let context = Context::of(rules, placeholders);
        let started = Instant::now();
        for rule in usable(rules) {
            if !self.left.remove(&rule.id) {
                continue;
            }
            if let Ok(prepared) = prepared(rule, &context, 0) {
                self.costs.extend(one(prepared, &kinds).map(|c| (rule.id.clone(), c)));
            }
            if started.elapsed() > most {
                break;
            }
        }
        // What is gone meanwhile is not waited for.
        if started.elapsed() <= most {
            self.left.clear();
        }
    }
}

fn usable(rules: &[Rule]) -> impl Iterator<Item = &Rule> {
    let alone = |r: &&Rule| r.logsource != filter::LOGSOURCE && r.logsource != correlation::LOGSOURCE;
    rules.iter().filter(|r| r.enabled && r.refused.is_none()).filter(alone)
}

/// An event of a stream, with the engine that it is asked of; `true` where only after a value of a list was found.
type Sample<'e> = (usize, Option<(usize, bool)>, &'e Event);

fn one(prepared: Prepared, kinds: &[Vec<&Event>]) -> Option<Cost> {
    let mut lookup = Lookup::default();
    let mut engines: Vec<Engine> = Vec::new();
    let mut sample: Vec<Sample<'_>> = Vec::new();
    for (piece, way) in prepared.pieces {
        let engine = match way {
            Way::Lookup(asks, guard) => {
                lookup.add(asks, 0, &piece.streams);
                guard.map(|guard| (guard, true))
            }
            Way::Engine(compiled) => Some((compiled, false)),
        };
        let engine = engine.map(|(compiled, guard)| {
            let mut engine = Engine::new();
            engine.extend_compiled_rules([*compiled]);
            engines.push(engine);
            (engines.len() - 1, guard)
        });
        let of = piece.streams.iter().flat_map(|s| kinds.get(*s).into_iter().flatten().map(|e| (*s, engine, *e)));
        sample.extend(of);
    }
    if sample.is_empty() {
        return None;
    }
    let round = || {
        let start = Instant::now();
        for (stream, engine, event) in &sample {
            let mut found = Vec::new();
            lookup.find(event, *stream, &mut found);
            // What must hold besides a value of a list is asked where there is one.
            let asked = engine.filter(|(_, guard)| !guard || !found.is_empty());
            let evaluated = asked.and_then(|(n, _)| engines.get(n)).map(|e| e.evaluate(&View::new(event)));
            std::hint::black_box((found, evaluated));
        }
        start.elapsed()
    };
    let best = (0..ROUNDS).map(|_| round()).min().unwrap_or_default();
    let nanoseconds = u64::try_from(best.as_nanos() / sample.len() as u128).unwrap_or(u64::MAX);
    Some(Cost { nanoseconds, events: sample.len() })
}
