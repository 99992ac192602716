//! Events that a start which came after them decides anew: hits follow from the stored events, not from their order.
use super::{
    correlate,
    detect::{Detect, detected, ids, settled},
    processes::{Open, PAGE, Pages, Process, Starts, any, events_of, guids, starts_of},
};
use crate::{
    error::Result,
    event::{Condition, Event, EventId, Position, Scope},
    rules::{
        RuleSet,
        correlation::Seen,
        join::{self, Lineage, Start, Whose},
    },
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

/// Earlier states of one event that are told apart.
const MAX_STATES: usize = 64;

impl Detect {
    /// Evaluates events again that came before `piece` and whose process has its start there. What was true and is no
    /// more is withdrawn. Stored page by page, before the checkpoint moves.
    pub(super) async fn reopen(&mut self, rules: &Arc<RuleSet>, piece: &[Arc<Event>]) -> Result<()> {
        let joins = rules.joins();
        if joins.is_empty() {
            return Ok(());
        }
        let mut before: HashMap<Process, Option<Arc<Start>>> = HashMap::new();
        for event in piece {
            if let Some((process, known)) = self.processes.came(event) {
                before.entry(process).or_insert(known);
            }
        }
        if before.is_empty() {
            return Ok(());
        }
        let in_piece = ids(piece);
        let mut kept: BTreeSet<EventId> = before.keys().flat_map(|p| self.recent.of(p)).collect();
        kept.retain(|id| !in_piece.contains(id));
        if !self.recent.is_whole() {
            self.recent.findable(self.store.refresh()).await?;
            let processes: Vec<Process> = before.keys().cloned().collect();
            let mut pages = Pages::new(self.dependent(&joins, &processes).await?)?;
            while let Some(mut events) = pages.next(&*self.store, &Scope::All).await? {
                events.retain(|e| !in_piece.contains(&e.id));
                let found = ids(&events);
                kept.retain(|id| !found.contains(id));
                self.again(rules, events, &before).await?;
            }
        }
        let kept: Vec<EventId> = kept.into_iter().collect();
        for some in kept.chunks(PAGE) {
            let events = events_of(&*self.store, some).await?;
            self.again(rules, events, &before).await?;
        }
        Ok(())
    }

    /// Events that some rule joins values of these processes to.
    async fn dependent(&self, joins: &BTreeMap<u32, BTreeSet<Whose>>, processes: &[Process]) -> Result<Condition> {
        let with = |whose: Whose| joins.iter().filter(move |(_, all)| all.contains(&whose)).map(|(code, _)| *code);
        let (mut any_of, mut acting) = (Vec::new(), processes.to_vec());
        if with(Whose::Parent).next().is_some() {
            any_of.push(Condition::And(vec![any("EventID", ["1"])?, guids("ParentProcessGuid", processes)?]));
            let mut children = Pages::new(any_of[0].clone())?;
            while let Some(events) = children.next(&*self.store, &Scope::All).await? {
                let guids = events.iter().filter_map(|e| Some(Process::new(&e.host(), join::process_of(e)?)));
                acting.extend(guids);
            }
            acting.sort();
            acting.dedup();
        }
        let codes: Vec<u32> = joins.keys().copied().filter(|c| *c != 1).collect();
        if !codes.is_empty() {
            // An operand per process: a comparison takes so many.
            for some in acting.chunks(crate::event::condition::MAX_OPERANDS) {
                let mut fields = vec![guids("ProcessGuid", some)?, guids("SourceProcessGuid", some)?];
                if with(Whose::Target).next().is_some() {
                    fields.push(guids("TargetProcessGuid", some)?);
                }
                any_of.push(Condition::And(vec![any("EventID", codes.iter())?, Condition::Or(fields)]));
            }
        }
        Ok(Condition::Or(any_of))
    }

    async fn again(
        &mut self,
        rules: &Arc<RuleSet>,
        events: Vec<Arc<Event>>,
        before: &HashMap<Process, Option<Arc<Start>>>,
    ) -> Result<()> {
        let matching = rules.clone();
        let (.., open) = tokio::task::spawn_blocking(move || detected(&matching, &events)).await?;
        if open.is_empty() {
            return Ok(());
        }
        let lineages = self.processes.lineages(&*self.store, &Scope::All, rules, &open).await?;
        for ((event, _), (_, processes)) in open.iter().zip(&lineages) {
            self.recent.add(event.id, processes);
        }
        let gone = self.gone(rules, &open, &lineages, before).await?;
        let matching = rules.clone();
        let outcome = tokio::task::spawn_blocking(move || settled(&matching, open, lineages)).await?;
        let (hits, seen) = (outcome.hits, outcome.seen);
        let (mut found, aside) = correlate::correlate(&*self.catalog, &*self.store, rules, hits, seen, gone).await?;
        // Their events are counted already.
        self.took(0, aside);
        found.withdrawn.extend(outcome.withdrawn);
        self.put(found, &Position::default()).await
    }

    /// What correlations may have counted of these events while less was known, or other starts.
    async fn gone(
        &self,
        rules: &RuleSet,
        open: &[Open],
        lineages: &[(Lineage, Vec<Process>)],
        before: &HashMap<Process, Option<Arc<Start>>>,
    ) -> Result<Vec<Seen>> {
        let wanted: Vec<_> = open.iter().map(|(_, open)| rules.wanted_of(open)).collect();
        let used = lineages.iter().zip(&wanted).filter(|(_, wanted)| !wanted.is_empty());
        let used: BTreeSet<&Process> = used.flat_map(|((_, processes), _)| processes).collect();
        let used: Vec<Process> = used.into_iter().cloned().collect();
        if used.is_empty() {
            return Ok(Vec::new());
        }
        let mut starts = starts_of(&*self.store, &Scope::All, &used).await?;
        for (process, known) in before {
            starts.entry(process.clone()).or_default().all.extend(known.clone());
        }
        let parents =
            starts.iter().flat_map(|(p, s)| s.all.iter().filter_map(|s| Some(Process::new(&p.host, s.parent()?))));
        let parents: HashSet<Process> = parents.filter(|p| !starts.contains_key(p)).collect();
        if rules.joins().values().any(|whose| whose.contains(&Whose::Parent)) {
            let parents: Vec<Process> = parents.into_iter().collect();
            starts.extend(starts_of(&*self.store, &Scope::All, &parents).await?);
        }
        let mut out = Vec::new();
        for (((event, _), (now, _)), wanted) in open.iter().zip(lineages).zip(wanted) {
            if wanted.is_empty() {
                continue;
            }
            for state in states(event, &starts).into_iter().filter(|state| state != now) {
                let joined = Some(Arc::new(join::joined(event, &state).0));
                let seen = |rule_id: &Arc<str>| Seen {
                    rule_id: rule_id.clone(),
                    event: event.clone(),
                    joined: joined.clone(),
                };
                out.extend(wanted.iter().map(seen));
            }
        }
        Ok(out)
    }
}

/// What may have been known of an event's processes at some time.
fn states(event: &Event, starts: &HashMap<Process, Starts>) -> Vec<Lineage> {
    let host = event.host();
    let of = |guid: Option<&str>| -> Vec<Option<Arc<Start>>> {
        let known = guid.and_then(|g| starts.get(&Process::new(&host, g)));
        let known = known.map(|s| s.all.as_slice()).unwrap_or_default();
        std::iter::once(None).chain(known.iter().cloned().map(Some)).collect()
    };
    let own = if event.code == 1 { vec![None] } else { of(join::process_of(event)) };
    let mut out = Vec::new();
    for process in own {
        for parent in of(join::parent_of(event, process.as_deref())) {
            for target in of(join::target_of(event)) {
                out.push(Lineage { process: process.clone(), parent: parent.clone(), target });
            }
        }
    }
    if out.len() > MAX_STATES {
        tracing::warn!(event = %event.id, "more than {MAX_STATES} states of the processes of one event");
        out.truncate(MAX_STATES);
    }
    out
}
