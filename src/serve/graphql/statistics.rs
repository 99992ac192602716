//! Numbers about events: summary, terms, time line.
use super::{
    condition::{ConditionInput, condition},
    event::{code_category, code_name},
    scalar::{DateTime, Long, PeriodInput, Total, check_buckets, period},
};
use crate::{error::Result, store};
use async_graphql::{InputObject, SimpleObject};

fn width(ms: i64) -> Long {
    Long(u64::try_from(ms).unwrap_or(0))
}

/// Numbers about all events of a query.
#[derive(SimpleObject)]
pub struct Summary {
    /// Events.
    total: Total,
    /// Distinct hosts.
    hosts: Long,
    /// Width of the buckets of the histogram.
    interval_ms: Long,
    /// Events over time, ascending; empty buckets are left out.
    histogram: Vec<HistogramBucket>,
    /// Events per code, ascending by code.
    codes: Vec<CodeCount>,
}

impl Summary {
    pub fn new(s: store::Summary) -> Result<Self> {
        check_buckets(s.histogram.len())?;
        let bucket = |(start, count)| HistogramBucket { start: DateTime(start), count: Long(count) };
        Ok(Self {
            total: Total::of(s.total),
            hosts: Long(s.hosts),
            interval_ms: width(s.interval_ms),
            histogram: s.histogram.into_iter().map(bucket).collect(),
            codes: codes(s.codes),
        })
    }
}

/// Events of one stretch of time.
#[derive(SimpleObject)]
pub struct HistogramBucket {
    /// Begin of the bucket.
    start: DateTime,
    /// Events in it.
    count: Long,
}

/// Events of one code.
#[derive(SimpleObject)]
pub struct CodeCount {
    /// Sysmon's number.
    code: u32,
    /// Sysmon's name of it.
    name: String,
    /// Events.
    count: Long,
}

pub fn codes(counts: Vec<(u32, u64)>) -> Vec<CodeCount> {
    counts.into_iter().map(|(code, n)| CodeCount { code, name: code_name(code), count: Long(n) }).collect()
}

/// Values of a field with their counts.
#[derive(SimpleObject)]
pub struct Terms {
    /// The field asked.
    field: String,
    /// Its values in the order asked; ties by value.
    values: Vec<Term>,
    /// Distinct values in all.
    distinct: Long,
    /// Events that carry the field.
    events: Long,
}

/// One value of a field.
#[derive(SimpleObject)]
pub struct Term {
    /// The value, in lower case.
    value: String,
    /// Events that carry it.
    count: Long,
}

impl Terms {
    pub fn new(field: String, terms: store::Terms) -> Self {
        let values = terms.values.into_iter().map(|t| Term { value: t.value, count: Long(t.events) }).collect();
        Self { field, values, distinct: Long(terms.distinct), events: Long(terms.events) }
    }
}

/// Other events to compare values with, such as those of an earlier period or of other hosts.
#[derive(Debug, Clone, InputObject)]
pub struct BaselineInput {
    /// Which events; absent means all.
    condition: Option<ConditionInput>,
    /// Time of the events.
    period: Option<PeriodInput>,
}

impl BaselineInput {
    pub fn query(self) -> Result<store::Query> {
        Ok(store::Query { condition: condition(self.condition)?, period: period(self.period)? })
    }
}

/// Values of fields, or combinations of them, with when and where they occur.
#[derive(SimpleObject)]
pub struct FieldValues {
    /// The fields asked.
    fields: Vec<&'static str>,
    /// Their values in the order asked; ties by value.
    values: Vec<FieldValue>,
    /// How many there are in all.
    distinct: Long,
    /// Events that carry all of the fields.
    events: Long,
}

/// One value, or one combination.
#[derive(SimpleObject)]
pub struct FieldValue {
    /// One value per field, in lower case.
    values: Vec<String>,
    /// Events that carry it.
    count: Long,
    /// Distinct hosts of these events.
    hosts: Long,
    /// Time of the first of them.
    first_seen: DateTime,
    /// Time of the last of them.
    last_seen: DateTime,
    /// Events of the baseline that carry it.
    baseline_count: Long,
    /// Distinct hosts of these.
    baseline_hosts: Long,
}

impl FieldValues {
    pub fn new(ask: &store::ValuesQuery, found: store::Values) -> Self {
        let value = |v: store::FieldValue| FieldValue {
            values: v.values,
            count: Long(v.events),
            hosts: Long(v.hosts),
            first_seen: DateTime(v.first),
            last_seen: DateTime(v.last),
            baseline_count: Long(v.baseline_events),
            baseline_hosts: Long(v.baseline_hosts),
        };
        Self {
            fields: ask.fields.iter().map(|f| f.name()).collect(),
            values: found.values.into_iter().map(value).collect(),
            distinct: Long(found.distinct),
            events: Long(found.events),
        }
    }
}

/// Events over time per code.
#[derive(SimpleObject)]
pub struct Timeline {
    /// Width of the buckets.
    interval_ms: Long,
    /// Buckets, ascending by time and code; empty ones are left out.
    buckets: Vec<TimelineBucket>,
}

/// Events of one code in one stretch of time.
#[derive(SimpleObject)]
pub struct TimelineBucket {
    /// Begin of the bucket.
    start: DateTime,
    /// Sysmon's number.
    code: u32,
    /// Coarse kind of the code.
    category: &'static str,
    /// Events in it.
    count: Long,
}

impl Timeline {
    pub fn new(t: store::Timeline) -> Result<Self> {
        check_buckets(t.buckets.len())?;
        let bucket = |(start, code, count)| TimelineBucket {
            start: DateTime(start),
            code,
            category: code_category(code),
            count: Long(count),
        };
        Ok(Self { interval_ms: width(t.interval_ms), buckets: t.buckets.into_iter().map(bucket).collect() })
    }
}
