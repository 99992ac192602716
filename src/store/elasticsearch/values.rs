//! Values of fields with when and where they occur. Events with a value that is too long for a term are counted in
//! memory and left out of the groups of the cluster.
use super::{Asked, Store, query};
use crate::{
    elastic::groups::{Group, by},
    error::{Code, Error, Result},
    event::{Event, Field, Scope, Time, text},
    store::{FieldValue, Query, Term, TermOrder, Terms, ValueOrder, Values, ValuesQuery},
};
use serde_json::{Value, json};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
};

/// Bytes of distinct values that one answer may go through.
const MAX_BYTES: usize = 256 << 20;

/// Names of the sources of a combination.
const SOURCES: [&str; ValuesQuery::MAX_FIELDS] = ["a", "b", "c"];

#[derive(Default)]
struct Count {
    events: u64,
    hosts: BTreeSet<u32>,
}

struct Stat {
    asked: Count,
    baseline: Count,
    first: i64,
    last: i64,
}

impl Default for Stat {
    fn default() -> Self {
        Self { asked: Count::default(), baseline: Count::default(), first: i64::MAX, last: i64::MIN }
    }
}

/// What was counted so far.
struct Stats {
    of: BTreeMap<Vec<String>, Stat>,
    hosts: HashMap<String, u32>,
    bytes: usize,
    /// Combinations of several fields are bounded.
    most: usize,
}

impl Stats {
    fn new(fields: usize) -> Self {
        let most = if fields > 1 { ValuesQuery::MAX_COMBINATIONS } else { usize::MAX };
        Self { of: BTreeMap::new(), hosts: HashMap::new(), bytes: 0, most }
    }

    fn add(&mut self, baseline: bool, values: Vec<String>, host: &str, events: u64, times: (i64, i64)) -> Result<()> {
        let number = self.hosts.len() as u32;
        let host = (!host.is_empty()).then(|| *self.hosts.entry(host.to_owned()).or_insert(number));
        if !self.of.contains_key(&values) {
            self.bytes += values.iter().map(String::len).sum::<usize>();
        }
        let stat = self.of.entry(values).or_default();
        let count = if baseline { &mut stat.baseline } else { &mut stat.asked };
        count.events += events;
        count.hosts.extend(host);
        if !baseline {
            (stat.first, stat.last) = (stat.first.min(times.0), stat.last.max(times.1));
        }
        if self.of.len() > self.most || self.bytes > MAX_BYTES {
            let message = "the fields have too many values or combinations: ask for a shorter period or fewer events";
            return Err(Error::new(Code::TooLarge, message));
        }
        Ok(())
    }
}

impl Store {
    /// Counts the combinations of the values of `fields`, with the hosts if asked.
    async fn count_values(
        &self,
        asked: &Asked,
        fields: &[Field],
        hosts: bool,
        baseline: bool,
        stats: &mut Stats,
    ) -> Result<()> {
        let filter = &asked.ours;
        let names: Vec<&str> = fields.iter().map(|f| f.name()).collect();
        let long = json!({ "terms": { "s.big": names } });
        let mut add = |event: &Event| {
            let (host, time) = (event.host(), event.time.0);
            combinations(event, fields)
                .into_iter()
                .try_for_each(|values| stats.add(baseline, values, &host, 1, (time, time)))
        };
        asked.theirs.iter().try_for_each(|e| add(e))?;
        self.walk(&query::all_of(&[filter.clone(), long.clone()]), add).await?;
        let mut sources: Vec<Value> =
            fields.iter().zip(SOURCES).map(|(f, name)| by(name, &format!("s.v.{}", f.name()))).collect();
        if hosts {
            sources.push(by("host", "s.host"));
        }
        self.groups(&query::but_not(filter, &long), &sources, !baseline, |g: Group| {
            let values = SOURCES.iter().take(fields.len()).map(|name| g.text(name).to_owned()).collect();
            stats.add(baseline, values, g.text("host"), g.events, (g.first, g.last)).map(|()| true)
        })
        .await
    }

    /// Matching events that carry all of the fields.
    async fn carriers(&self, asked: &Asked, fields: &[Field]) -> Result<u64> {
        let has = fields.iter().map(|f| json!({ "term": { "s.has": f.name() } }));
        let filters: Vec<Value> = std::iter::once(asked.ours.clone()).chain(has).collect();
        let theirs = asked.theirs.iter().filter(|e| fields.iter().all(|f| !e.values(*f).is_empty())).count();
        Ok(self.count_ours(&query::all_of(&filters)).await? + theirs as u64)
    }

    pub async fn terms(&self, asked: &Asked, field: Field, order: TermOrder, first: usize) -> Result<Terms> {
        let mut stats = Stats::new(1);
        self.count_values(asked, &[field], false, false, &mut stats).await?;
        let distinct = stats.of.len() as u64;
        let mut values: Vec<Term> = stats
            .of
            .into_iter()
            .flat_map(|(values, stat)| values.into_iter().map(move |value| Term { value, events: stat.asked.events }))
            .collect();
        match order {
            TermOrder::Top => values.sort_by_key(|t| Reverse(t.events)),
            TermOrder::Rare => values.sort_by_key(|t| t.events),
        }
        values.truncate(first);
        Ok(Terms { values, distinct, events: self.carriers(asked, &[field]).await? })
    }

    pub async fn values(&self, scope: &Scope, query: &Query, ask: &ValuesQuery) -> Result<Values> {
        let fields = &ask.fields[..];
        if fields.is_empty() || fields.len() > ValuesQuery::MAX_FIELDS {
            return Err(Error::bad_input(format!("name one to {} fields", ValuesQuery::MAX_FIELDS)));
        }
        let asked = self.asked(scope, query).await?;
        let mut stats = Stats::new(fields.len());
        self.count_values(&asked, fields, true, false, &mut stats).await?;
        if let Some(baseline) = &ask.baseline {
            let baseline = self.asked(scope, baseline).await?;
            self.count_values(&baseline, fields, true, true, &mut stats).await?;
        }
        let mut values: Vec<FieldValue> = stats
            .of
            .into_iter()
            .filter(|(_, s)| s.asked.events > 0 && !(ask.only_new && s.baseline.events > 0))
            .map(|(values, s)| FieldValue {
                values,
                events: s.asked.events,
                hosts: s.asked.hosts.len() as u64,
                first: Time(s.first),
                last: Time(s.last),
                baseline_events: s.baseline.events,
                baseline_hosts: s.baseline.hosts.len() as u64,
            })
            .collect();
        let distinct = values.len() as u64;
        arrange(&mut values, ask);
        Ok(Values { values, distinct, events: self.carriers(&asked, fields).await? })
    }
}

/// Puts values, which come in their own order, into the order asked, and cuts the rest off.
fn arrange(values: &mut Vec<FieldValue>, ask: &ValuesQuery) {
    let rank = |v: &FieldValue| match ask.order {
        ValueOrder::Events => i128::from(v.events),
        ValueOrder::Hosts => i128::from(v.hosts),
        ValueOrder::FirstSeen => i128::from(v.first.0),
        ValueOrder::LastSeen => i128::from(v.last.0),
        ValueOrder::Baseline => i128::from(v.baseline_events),
        ValueOrder::Change => i128::from(v.events) - i128::from(v.baseline_events),
        ValueOrder::Value => 0,
    };
    match (ask.order, ask.descending) {
        (ValueOrder::Value, true) => values.reverse(),
        (_, true) => values.sort_by_key(|v| Reverse(rank(v))),
        (_, false) => values.sort_by_key(rank),
    }
    values.truncate(ask.first);
}

/// Distinct combinations of the folded values of an event's fields.
fn combinations(event: &Event, fields: &[Field]) -> BTreeSet<Vec<String>> {
    let mut all = BTreeSet::from([Vec::new()]);
    for field in fields {
        let values: BTreeSet<String> = event.values(*field).iter().map(|v| text::fold(v)).collect();
        let longer = |c: &Vec<String>| {
            values.iter().map(|v| c.iter().cloned().chain([v.clone()]).collect()).collect::<Vec<Vec<String>>>()
        };
        all = all.iter().flat_map(longer).collect();
    }
    all
}
