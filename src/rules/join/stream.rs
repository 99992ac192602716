//! Rules about one kind of event that join values.
use super::{Join, Lineage, Relaxed, Whose, asked, joined, joins, lacks, relaxed};
use crate::{
    event::{Event, Key},
    rules::{logsource::code_of, named::Named, set, view::View},
};
use rsigma_eval::{CompiledRule, Engine};
use rsigma_parser::SigmaRule;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// One rule.
struct Joining {
    joins: Vec<Join>,
    /// Those that its detection asks; the others are for its correlations.
    shown: BTreeSet<&'static str>,
    /// Of a list: its values.
    named: Option<Named>,
}

/// The rules of a stream that ask what its events lack.
#[derive(Default)]
pub struct Stream {
    rules: BTreeMap<usize, Joining>,
    /// Of these the event alone says nothing.
    always: Vec<usize>,
    relaxed: Vec<CompiledRule>,
    whole: Vec<CompiledRule>,
    engines: Option<(Engine, Engine)>,
}

/// What a rule matches with: values of its list, names of joined fields.
pub type Values = (Vec<Arc<str>>, Vec<&'static str>);

impl Stream {
    /// Takes rule `number` if it joins something here. `grouped`: what its correlations ask. `list`: whether the hits name
    /// the values.
    ///
    /// # Errors
    /// Why it cannot be matched.
    pub fn take(
        &mut self,
        stream: usize,
        rule: &SigmaRule,
        number: usize,
        grouped: &BTreeSet<Key>,
        list: bool,
    ) -> Result<bool, String> {
        let Some(code) = code_of(stream) else { return Ok(false) };
        let detection = asked(rule);
        let all: BTreeSet<Key> = detection.union(grouped).cloned().collect();
        let joins_here = joins(&all, code);
        if joins_here.is_empty() {
            return Ok(false);
        }
        let own = joins(&detection, code);
        let keys: BTreeSet<Key> = own.iter().map(Join::key).collect();
        match relaxed(rule, |k| keys.contains(k)) {
            Relaxed::Never => return Ok(true),
            Relaxed::Always => self.always.push(number),
            Relaxed::Rule(less) => match set::compiled(&less, number) {
                Ok(less) => self.relaxed.push(less),
                // Never fewer events than the rule itself.
                Err(_) => self.always.push(number),
            },
        }
        self.whole.push(set::compiled(rule, number)?);
        let shown = own.iter().map(|j| j.name).collect();
        let named = if list { Some(Named::all(rule)) } else { Named::of(rule) };
        self.rules.insert(number, Joining { joins: joins_here, shown, named });
        Ok(true)
    }

    /// Makes the engines, when all rules are taken.
    pub fn ready(&mut self) {
        let engine = |rules: &mut Vec<CompiledRule>| {
            let mut engine = Engine::new();
            engine.extend_compiled_rules(std::mem::take(rules));
            engine
        };
        self.engines = (!self.rules.is_empty()).then(|| (engine(&mut self.relaxed), engine(&mut self.whole)));
    }

    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Rules that may match, whatever the process was.
    pub fn open(&self, view: &View<'_>) -> Vec<usize> {
        let Some((relaxed, _)) = &self.engines else { return Vec::new() };
        let mut open = self.always.clone();
        open.extend(set::numbers(relaxed, view));
        open.sort_unstable();
        open
    }

    /// Whose starts rules ask about this event.
    pub fn whose(&self, event: &Event, open: &[usize]) -> BTreeSet<Whose> {
        let all = open.iter().filter_map(|n| self.rules.get(n)).flat_map(|r| &r.joins);
        all.filter(|j| lacks(event, j)).map(|j| j.whose).collect()
    }

    /// Whose starts any rule asks here.
    pub fn asks(&self) -> BTreeSet<Whose> {
        self.rules.values().flat_map(|r| &r.joins).map(|j| j.whose).collect()
    }

    /// Those of `open` that match, and the event with what was joined.
    pub fn settle(&self, event: &Event, open: &[usize], lineage: &Lineage) -> (BTreeMap<usize, Values>, Event) {
        let (whole, names) = joined(event, lineage);
        let Some((_, engine)) = &self.engines else { return (BTreeMap::new(), whole) };
        let mut out = BTreeMap::new();
        for number in set::numbers(engine, &View::joined(&whole, event.data.len())) {
            let Some(rule) = self.rules.get(&number).filter(|_| open.binary_search(&number).is_ok()) else { continue };
            let values = rule.named.as_ref().map(|n| n.values(&whole)).unwrap_or_default();
            out.insert(number, (values, names.iter().filter(|n| rule.shown.contains(*n)).copied().collect()));
        }
        (out, whole)
    }
}
