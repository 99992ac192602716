//! Compiled rules, ready to match events while they stream in.
use super::{
    correlation::{self, Correlations},
    filter::{self, Filters, Piece},
    join::{self, Lineage, Values, Whose},
    logsource::{STREAMS, code_of, stream_of, streams},
    lookup::{Asks, Lookup},
    named::Named,
    normal::normal,
    placeholders::{self, Placeholders},
    related::Succession,
    view::View,
    weight,
};
use crate::event::{Event, SYSMON_PROVIDER, detection::Rule};
use rsigma_eval::{CompiledRule, Engine, compile_rule};
use rsigma_parser::{SigmaRule, parse_sigma_yaml};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fmt,
    sync::Arc,
};

/// A rule that matched an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    pub rule_id: Arc<str>,
    pub version: Arc<str>,
    pub title: Arc<str>,
    pub level: Arc<str>,
    /// Values of a list of indicators, or of another long list, that the event has.
    pub values: Vec<Arc<str>>,
    /// Fields asked by the rule that came from the start of a process, because the event lacks them.
    pub joined: Vec<&'static str>,
}

/// What an event by itself says.
#[derive(Debug, Default)]
pub struct Detected {
    /// Rules that match and alert by themselves.
    pub matched: Vec<Matched>,
    /// Ids of the rules that match for [`RuleSet::correlations`].
    pub wanted: Vec<Arc<str>>,
    /// Rules that may match, depending on what is joined; for [`RuleSet::settle`].
    pub open: Vec<usize>,
}

/// What an event says with what is joined.
#[derive(Debug)]
pub struct Settled {
    pub matched: Vec<Matched>,
    pub wanted: Vec<Arc<str>>,
    /// The others that alert by themselves.
    pub unmatched: Vec<Matched>,
    /// The event with what is joined.
    pub event: Event,
}

/// Rules compiled for matching. A clone shares them.
#[derive(Clone)]
pub struct RuleSet(Arc<Compiled>);

struct Compiled {
    /// What to report, by the number under which the engines know the rule.
    rules: Vec<Matched>,
    /// Whether each rule alerts by itself: not where it is there for a correlation only.
    loud: Vec<bool>,
    correlations: Correlations,
    /// Of rules of indicators that the engines match, by number.
    named: HashMap<usize, Named>,
    lookup: Lookup,
    /// What must hold besides, per stream; and of which rules there.
    guards: Vec<(Engine, HashSet<usize>)>,
    /// One engine per stream, so that an event meets only rules about its kind.
    engines: Vec<Engine>,
    /// And those rules that join values there.
    joining: Vec<join::Stream>,
    /// By id of an enabled rule that is not refused: why it is not matched all the same.
    blocked: HashMap<String, String>,
    succession: Succession,
    placeholders: Arc<Placeholders>,
}

impl RuleSet {
    /// Compiles all rules that are enabled and not refused, with the filters among them applied, and links the
    /// correlations that are enabled. Also returns, by rule id, why one cannot be matched after all: the others are.
    pub fn compile(rules: &[Rule]) -> (Self, Vec<(String, String)>) {
        Self::compile_with(rules, &Arc::default())
    }

    /// As [`Self::compile`], with values of placeholders.
    pub fn compile_with(rules: &[Rule], placeholders: &Arc<Placeholders>) -> (Self, Vec<(String, String)>) {
        Self::compiled(rules, placeholders, None)
    }

    /// Those that it was compiled with.
    pub fn placeholders(&self) -> Arc<Placeholders> {
        self.0.placeholders.clone()
    }

    /// Why a rule is not matched, or a filter not applied, which could be by itself: another rule is in its way.
    pub fn blocked(&self, rule_id: &str) -> Option<&str> {
        self.0.blocked.get(rule_id).map(String::as_str)
    }

    /// Which of all rules, also those that are not matched, stand in the place of which.
    pub fn succession(&self) -> &Succession {
        &self.0.succession
    }

    /// `loud`: whether a rule may alert by itself, where that is not for these rules to say.
    fn compiled(
        rules: &[Rule],
        placeholders: &Arc<Placeholders>,
        loud: Option<&dyn Fn(&str) -> bool>,
    ) -> (Self, Vec<(String, String)>) {
        let context = Context::of(rules, placeholders);
        let other = |r: &Rule| r.logsource == filter::LOGSOURCE || r.logsource == correlation::LOGSOURCE;
        let usable = |r: &&Rule| r.enabled && r.refused.is_none() && !other(r);
        let (mut ready, mut failed) = (Vec::new(), Vec::new());
        for rule in rules.iter().filter(usable) {
            match prepared(rule, &context, ready.len()) {
                Ok(prepared) => ready.push((rule, prepared)),
                Err(reason) => failed.push((rule.id.clone(), reason)),
            }
        }
        let broken: HashSet<String> = failed.iter().map(|(id, _)| id.clone()).collect();
        let matched = rules.iter().filter(|r| !broken.contains(&r.id));
        let (mut correlations, unlinked) = Correlations::link(matched, |rule| context.beside(rule));
        failed.extend(unlinked);
        if loud.is_none() {
            failed.extend(context.filters.idle(rules, &context.succession));
        }
        let mut known = Vec::new();
        let mut buckets: Vec<Vec<CompiledRule>> = (0..STREAMS).map(|_| Vec::new()).collect();
        let mut joining: Vec<join::Stream> = (0..STREAMS).map(|_| join::Stream::default()).collect();
        let (mut lookup, mut named) = (Lookup::default(), HashMap::new());
        let mut guards: Vec<(Engine, HashSet<usize>)> = (0..STREAMS).map(|_| (Engine::new(), HashSet::new())).collect();
        for (number, (rule, Prepared { parsed, pieces })) in ready.into_iter().enumerate() {
            let grouped =
                if join::joins_at_all(&parsed) { correlations.asked_of(&rule.id) } else { BTreeSet::default() };
            let list = pieces.iter().any(|(_, way)| matches!(way, Way::Lookup(_, None)));
            for (piece, way) in pieces {
                let mut rest = Vec::new();
                for stream in piece.streams {
                    match joining[stream].take(stream, &piece.rule, number, &grouped, list) {
                        Ok(true) => {}
                        Ok(false) => rest.push(stream),
                        // The verdict was made from the same text.
                        Err(reason) => failed.push((rule.id.clone(), reason)),
                    }
                }
                match way {
                    Way::Lookup(asks, guard) => {
                        lookup.add(asks, number, &rest);
                        let Some(guard) = guard else { continue };
                        for stream in rest {
                            let (engine, of) = &mut guards[stream];
                            engine.extend_compiled_rules([(*guard).clone()]);
                            of.insert(number);
                        }
                    }
                    Way::Engine(compiled) => {
                        for stream in rest {
                            buckets[stream].push((*compiled).clone());
                        }
                        named.extend(Named::of(&parsed).map(|n| (number, n)));
                    }
                }
            }
            known.push(Matched {
                rule_id: rule.id.as_str().into(),
                version: rule.version.as_str().into(),
                title: rule.title.as_str().into(),
                level: rule.level.as_str().into(),
                values: Vec::new(),
                joined: Vec::new(),
            });
        }
        joining.iter_mut().for_each(join::Stream::ready);
        if let Some(loud) = loud {
            correlations.silence_all_but(loud, known.iter().map(|r| r.rule_id.clone()));
        }
        let loud = known.iter().map(|r| !correlations.silences(&r.rule_id)).collect();
        let engine = |rules| {
            let mut engine = Engine::new();
            engine.extend_compiled_rules(rules);
            engine
        };
        let engines = buckets.into_iter().map(engine).collect();
        let blocked = failed.iter().cloned().collect();
        let rules = known;
        let (succession, placeholders) = (context.succession, placeholders.clone());
        let all = Compiled {
            rules,
            loud,
            correlations,
            named,
            lookup,
            guards,
            engines,
            joining,
            blocked,
            succession,
            placeholders,
        };
        (Self(Arc::new(all)), failed)
    }

    /// The rules of these ids, what they build on, and all filters.
    pub fn needed(rules: &[Rule], ids: &BTreeSet<String>) -> Vec<Rule> {
        let needed = Correlations::link(rules, |_| String::new()).0.with_members(ids);
        rules.iter().filter(|r| needed.contains(&r.id) || r.logsource == filter::LOGSOURCE).cloned().collect()
    }

    /// Compiles [`Self::needed`]. Of these the rules of the ids alert, where they do so among all rules.
    pub fn part(
        rules: &[Rule],
        ids: &BTreeSet<String>,
        placeholders: &Arc<Placeholders>,
    ) -> (Self, Vec<(String, String)>) {
        let all = Correlations::link(rules, |_| String::new()).0;
        let loud = |id: &str| ids.contains(id) && !all.silences(id);
        Self::compiled(&Self::needed(rules, ids), placeholders, Some(&loud))
    }

    /// Rules that match `event` by itself and alert by themselves, in the order in which they were compiled. Events of
    /// other providers than Sysmon for Windows match nothing.
    pub fn matches(&self, event: &Event) -> Vec<Matched> {
        let (mut found, open) = self.found(event);
        if !open.is_empty() {
            found.extend(self.0.joining[stream_of(event)].settle(event, &open, &Lineage::default()).0);
        }
        self.told(found).0
    }

    /// What [`Self::matches`] but for what depends on the event's process, which is left open.
    pub fn detect(&self, event: &Event) -> Detected {
        let (mut found, mut open) = self.found(event);
        if !open.is_empty() {
            let joining = &self.0.joining[stream_of(event)];
            // Where the event has all that is asked, there is nothing to look for.
            let (lacking, complete): (Vec<_>, Vec<_>) =
                open.into_iter().partition(|n| !joining.whose(event, &[*n]).is_empty());
            if !complete.is_empty() {
                found.extend(joining.settle(event, &complete, &Lineage::default()).0);
            }
            open = lacking;
        }
        let (matched, wanted) = self.told(found);
        Detected { matched, wanted, open }
    }

    /// What becomes of the rules that [`Self::detect`] has left open.
    pub fn settle(&self, event: &Event, open: &[usize], lineage: &Lineage) -> Settled {
        let (found, joined) = self.0.joining[stream_of(event)].settle(event, open, lineage);
        let others = open.iter().filter(|n| !found.contains_key(n) && self.0.loud.get(**n) == Some(&true));
        let unmatched = others.filter_map(|n| self.0.rules.get(*n).cloned()).collect();
        let (matched, wanted) = self.told(found);
        Settled { matched, wanted, unmatched, event: joined }
    }

    /// Whose starts decide the rules that [`Self::detect`] has left open.
    pub fn whose(&self, event: &Event, open: &[usize]) -> BTreeSet<Whose> {
        self.0.joining[stream_of(event)].whose(event, open)
    }

    /// Event codes about which a rule joins values, with whose.
    pub fn joins(&self) -> BTreeMap<u32, BTreeSet<Whose>> {
        let mut out: BTreeMap<u32, BTreeSet<Whose>> = BTreeMap::new();
        for (stream, joining) in self.0.joining.iter().enumerate().filter(|(_, j)| !j.is_empty()) {
            if let Some(code) = code_of(stream) {
                out.entry(code).or_default().extend(joining.asks());
            }
        }
        out
    }

    pub fn correlations(&self) -> &Correlations {
        &self.0.correlations
    }

    /// Ids of open rules that correlations want.
    pub fn wanted_of(&self, open: &[usize]) -> Vec<Arc<str>> {
        let ids = open.iter().filter_map(|n| self.0.rules.get(*n)).map(|r| &r.rule_id);
        ids.filter(|id| self.correlations().wants(id)).cloned().collect()
    }

    /// The matches of those that alert by themselves, and the ids of those that correlations want.
    fn told(&self, found: BTreeMap<usize, Values>) -> (Vec<Matched>, Vec<Arc<str>>) {
        let (mut matched, mut wanted) = (Vec::new(), Vec::new());
        for (number, (values, joined)) in found {
            let (Some(rule), Some(loud)) = (self.0.rules.get(number), self.0.loud.get(number)) else { continue };
            if self.correlations().wants(&rule.rule_id) {
                wanted.push(rule.rule_id.clone());
            }
            if *loud {
                matched.push(Matched { values, joined, ..rule.clone() });
            }
        }
        (matched, wanted)
    }

    /// All rules that match by number, and those that depend on what is joined.
    fn found(&self, event: &Event) -> (BTreeMap<usize, Values>, Vec<usize>) {
        let mut matched: BTreeMap<usize, Values> = BTreeMap::new();
        if *event.system.provider != *SYSMON_PROVIDER {
            return (matched, Vec::new());
        }
        let stream = stream_of(event);
        let mut found = Vec::new();
        self.0.lookup.find(event, stream, &mut found);
        if let Some((engine, of)) = self.0.guards.get(stream)
            && found.iter().any(|(number, _)| of.contains(number))
        {
            let held: HashSet<usize> = numbers(engine, &View::new(event)).into_iter().collect();
            found.retain(|(number, _)| !of.contains(number) || held.contains(number));
        }
        for (number, value) in found {
            let (values, _) = matched.entry(number).or_default();
            if !values.contains(&value) {
                values.push(value);
            }
        }
        let (Some(engine), Some(joining)) = (self.0.engines.get(stream), self.0.joining.get(stream)) else {
            return (matched, Vec::new());
        };
        let mut open = Vec::new();
        if engine.rule_count() > 0 || !joining.is_empty() {
            let view = View::new(event);
            for number in numbers(engine, &view) {
                let values = self.0.named.get(&number).map(|n| n.values(event));
                matched.insert(number, (values.unwrap_or_default(), Vec::new()));
            }
            open = joining.open(&view);
        }
        (matched, open)
    }

    /// Number of rules in the set, correlations too.
    pub fn len(&self) -> usize {
        self.0.rules.len() + self.0.correlations.all().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Default for RuleSet {
    fn default() -> Self {
        Self::compile(&[]).0
    }
}

impl fmt::Debug for RuleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RuleSet({} rules)", self.len())
    }
}

/// Why a parsed rule cannot be matched, if it cannot.
pub(super) fn check(rule: &SigmaRule) -> Result<(), String> {
    let mut rule = rule.clone();
    placeholders::any(&mut rule.detection)?;
    way(&rule, streams(&rule.logsource)?.len(), 0).map(|_| ())
}

/// What rules are compiled with.
pub(super) struct Context<'p> {
    pub filters: Filters,
    pub succession: Succession,
    pub placeholders: &'p Placeholders,
}

impl<'p> Context<'p> {
    pub fn of(rules: &[Rule], placeholders: &'p Placeholders) -> Self {
        Self { filters: Filters::of(rules.iter(), placeholders), succession: Succession::of(rules), placeholders }
    }

    /// What decides besides its text which events a rule matches, as a text that changes with it: the filters that apply
    /// to it, and values of placeholders. Empty where there is nothing.
    fn beside(&self, rule: &Rule) -> String {
        let Ok(parsed) = single(&rule.text) else { return String::new() };
        let filters = self.filters.state(rule, &parsed, &self.succession);
        self.placeholders.used(&parsed.detection) + &filters
    }
}

/// A rule as it is matched.
pub(super) struct Prepared {
    /// Without filters.
    pub parsed: SigmaRule,
    /// None of them on the streams of another one.
    pub pieces: Vec<(Piece, Way)>,
}

/// A rule with its filters, and on which streams and how it is matched.
pub(super) fn prepared(rule: &Rule, context: &Context<'_>, number: usize) -> Result<Prepared, String> {
    let mut parsed = single(&rule.text)?;
    context.placeholders.expand(&mut parsed.detection)?;
    let pieces = context.filters.applied(rule, &parsed, &context.succession)?.into_iter();
    let pieces = pieces.map(|p| way(&p.rule, p.streams.len(), number).map(|way| (p, way)));
    Ok(Prepared { pieces: pieces.collect::<Result<_, String>>()?, parsed })
}

/// How a rule is matched.
pub(super) enum Way {
    /// With what must hold besides.
    Lookup(Asks, Option<Box<CompiledRule>>),
    Engine(Box<CompiledRule>),
}

fn way(rule: &SigmaRule, streams: usize, number: usize) -> Result<Way, String> {
    let engine = |rule: &SigmaRule| {
        weight::values(rule, streams)?;
        compiled(rule, number).map(Box::new)
    };
    match Asks::of(rule) {
        Some((asks, rest)) => Ok(Way::Lookup(asks, rest.map(|rest| engine(&rest)).transpose()?)),
        None => engine(rule).map(Way::Engine),
    }
}

/// Numbers of the rules of an engine that match.
pub(super) fn numbers(engine: &Engine, view: &View<'_>) -> Vec<usize> {
    if engine.rule_count() == 0 {
        return Vec::new();
    }
    let number = |id: Option<&String>| id.and_then(|n| n.parse::<usize>().ok());
    engine.evaluate(view).into_iter().filter_map(|hit| number(hit.header.rule_id.as_ref())).collect()
}

/// The only rule of a text.
pub(super) fn single(text: &str) -> Result<SigmaRule, String> {
    let mut parsed = parse_sigma_yaml(text).map_err(|e| e.to_string())?;
    match parsed.rules.pop() {
        Some(only) if parsed.rules.is_empty() => Ok(only),
        _ if parsed.errors.is_empty() => Err("the text is not one rule".into()),
        _ => Err(parsed.errors.join("; ")),
    }
}

pub(super) fn compiled(rule: &SigmaRule, number: usize) -> Result<CompiledRule, String> {
    compile_rule(&normal(rule, number.to_string())?).map_err(|e| e.to_string())
}
