//! Conditions as queries of the cluster. Text is folded before it is indexed, so that the rules of case are those of the
//! evaluator in memory. What a pattern would be too much work for is tested in memory on the distinct values, and asked for
//! by those that pass. Values too long for a term are tested with their events, which are named by id. So a comparison is
//! exact, also below a NOT.
use super::{
    Store, leaf,
    mapping::{self, MAX_TERM},
    tree::Tree,
};
use crate::{
    elastic::groups::by,
    error::{Code, Error, Result},
    event::{
        Condition, Period, Scope, Time,
        condition::{Match, Test},
    },
    store::Query,
};
use serde_json::{Value, json};

/// Events that one search may test in memory.
pub const MAX_TESTED: usize = 200_000;
/// Distinct values that one comparison may test in memory.
const MAX_VALUES: usize = 60_000;
/// Values of one `terms` query; clusters refuse more than 65,536.
const MAX_TERMS: usize = 50_000;

/// A comparison as queries.
struct Compared<'c> {
    by: &'c Match,
    leaf: leaf::Queries,
    /// Events that were tested in memory and match.
    named: Vec<String>,
}

impl Store {
    /// Everything that a query asks, inside the scope.
    pub async fn filter(&self, scope: &Scope, query: &Query) -> Result<Value> {
        let frame = frame(scope, query.period);
        let mut compared = Vec::new();
        compare(&query.condition, &mut compared);
        let text = compared.iter().any(|c| matches!(c.by.test, Test::Text(_)));
        let ways = if text { self.ways().await? } else { Vec::new() };
        let mut room = leaf::MAX_PIECES;
        compared.iter_mut().for_each(|c| c.leaf = leaf::queries(c.by, &ways, &mut room));
        for c in &mut compared {
            for tested in std::mem::take(&mut c.leaf.tested) {
                c.leaf.exact.extend(self.passing(&frame, &tested).await?);
            }
        }
        self.test(&frame, &mut compared).await?;
        let mut compared = compared.into_iter();
        let condition = tree(&query.condition, &mut compared);
        Ok(Tree::all_of(frame.into_iter().map(Tree::Leaf).chain([condition])).query())
    }

    /// Queries for the values that pass a test.
    async fn passing(&self, frame: &[Value], tested: &leaf::Tested) -> Result<Vec<Value>> {
        let filter = all_of(&[frame, std::slice::from_ref(&tested.within)].concat());
        let (mut terms, mut seen) = (Vec::new(), 0);
        let sources = [by("value", &tested.path)];
        let walked = self.groups(&filter, &sources, false, |group| {
            seen += 1;
            if seen > MAX_VALUES {
                return Err(Error::new(
                    Code::TooLarge,
                    format!(
                        "more than {MAX_VALUES} distinct values must be tested one by one, because the texts or patterns \
                         that are looked for are too long for the index: ask for a shorter period, fewer hosts or a \
                         simpler pattern"
                    ),
                ));
            }
            let term = group.text("value");
            if term.strip_prefix(tested.prefix.as_str()).is_some_and(|v| tested.test.is_match(tested.ty, v)) {
                terms.push(term.to_owned());
            }
            Ok(true)
        });
        match walked.await {
            Ok(()) => Ok(self::terms(&tested.path, terms)),
            Err(e) if e.code == Code::TooLarge && !tested.otherwise.is_empty() => Ok(tested.otherwise.clone()),
            Err(e) => Err(e),
        }
    }

    /// Tests the events with compared values that are too long for a term.
    async fn test(&self, frame: &[Value], compared: &mut [Compared<'_>]) -> Result<()> {
        let mut names: Vec<String> = Vec::new();
        for c in compared.iter().filter(|c| !matches!(c.by.test, Test::Exists)) {
            names.extend(c.by.keys.iter().map(mapping::name).filter(|n| n.len() <= MAX_TERM));
        }
        if names.is_empty() {
            return Ok(());
        }
        names.sort();
        names.dedup();
        let filter = all_of(&[frame, &[json!({ "terms": { "s.big": names } })]].concat());
        let mut tested = 0;
        self.walk(&filter, |event| {
            tested += 1;
            if tested > MAX_TESTED {
                return Err(Error::new(
                    Code::TooLarge,
                    format!(
                        "more than {MAX_TESTED} events must be tested one by one, because their values are too long \
                         for the index: ask for a shorter period or fewer hosts"
                    ),
                ));
            }
            for c in compared.iter_mut().filter(|c| c.by.is_match(event)) {
                c.named.push(event.id.to_string());
            }
            Ok(())
        })
        .await
    }
}

/// Scope and period.
fn frame(scope: &Scope, period: Period) -> Vec<Value> {
    let mut filters: Vec<Value> = self::period(period).into_iter().collect();
    if let Scope::Hosts(hosts) = scope {
        filters.push(hosts_filter(hosts));
    }
    filters
}

pub fn all_of(filters: &[Value]) -> Value {
    Tree::all_of(filters.iter().cloned().map(Tree::Leaf)).query()
}

pub fn any_of(filters: impl IntoIterator<Item = Value>) -> Value {
    Tree::any_of(filters.into_iter().map(Tree::Leaf)).query()
}

pub fn but_not(filter: &Value, not: &Value) -> Value {
    json!({ "bool": { "filter": [filter], "must_not": [not] } })
}

pub fn hosts_filter(hosts: &[String]) -> Value {
    any_of(terms("s.host", hosts.to_vec()))
}

/// Events with any of the values. A longer one than an index can have is in none.
pub fn terms(path: &str, values: Vec<String>) -> Vec<Value> {
    let values: Vec<String> = values.into_iter().filter(|v| v.len() <= MAX_TERM).collect();
    values.chunks(MAX_TERMS).map(|part| json!({ "terms": { path: part } })).collect()
}

pub fn period(period: Period) -> Option<Value> {
    let ms = |t: Option<Time>| t.map(|t| t.0);
    (period != Period::default()).then(|| match (ms(period.from), ms(period.to)) {
        (Some(from), Some(to)) => json!({ "range": { "t": { "gte": from, "lt": to } } }),
        (Some(from), None) => json!({ "range": { "t": { "gte": from } } }),
        (None, to) => json!({ "range": { "t": { "lt": to } } }),
    })
}

/// The comparisons of a condition, in the order of [`tree`].
fn compare<'c>(condition: &'c Condition, out: &mut Vec<Compared<'c>>) {
    match condition {
        Condition::All => {}
        Condition::And(c) | Condition::Or(c) => c.iter().for_each(|c| compare(c, out)),
        Condition::Not(c) => compare(c, out),
        Condition::Match(by) => out.push(Compared { by, leaf: leaf::Queries::default(), named: Vec::new() }),
    }
}

fn tree<'c>(condition: &Condition, compared: &mut impl Iterator<Item = Compared<'c>>) -> Tree {
    match condition {
        Condition::All => Tree::all_of([]),
        Condition::And(all) => Tree::all_of(all.iter().map(|c| tree(c, compared)).collect::<Vec<_>>()),
        Condition::Or(any) => Tree::any_of(any.iter().map(|c| tree(c, compared)).collect::<Vec<_>>()),
        Condition::Not(c) => tree(c, compared).not(),
        Condition::Match(_) => {
            let Some(Compared { leaf, named, .. }) = compared.next() else { return Tree::any_of([]) };
            Tree::any_of(leaf.exact.into_iter().chain(terms("s.id", named)).map(Tree::Leaf).collect::<Vec<_>>())
        }
    }
}
