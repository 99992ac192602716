//! The event store: the truth. Every verb takes the caller's [`Scope`].
pub mod elasticsearch;
pub mod embedded;

use crate::{
    checkup::Finding,
    error::{Error, Issue, Result},
    event::{Condition, Event, EventId, Field, Period, Position, Scope, Time, fields::Type, text},
};
use async_trait::async_trait;
use std::{sync::Arc, time::Duration};

/// What a search asks. `condition` has passed [`Condition::check`].
#[derive(Debug, Clone)]
pub struct Query {
    pub condition: Condition,
    pub period: Period,
}

/// Order of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// By time, then event id, both descending.
    NewestFirst,
    /// By time, then event id, both ascending.
    OldestFirst,
    /// By [`Order::value`], then time, then event id, all in the same direction. Events without one come last.
    By { field: Field, descending: bool },
}

impl Order {
    /// Longest folded value that is sorted by, in bytes; an event whose values are longer has none.
    pub const MAX_VALUE: usize = 32 * 1024;

    /// Fields whose values are sorted by: `Image` and `User` are those of the acting process, which codes 8 and 10
    /// name `SourceImage` and `SourceUser`.
    pub fn fields(field: Field) -> Vec<Field> {
        match field {
            Field::Image => vec![Field::Image, Field::SourceImage],
            Field::User => vec![Field::User, Field::SourceUser],
            field => vec![field],
        }
    }

    /// Whether the values of a field are compared by length first, which orders numbers.
    pub const fn by_length(field: Field) -> bool {
        matches!(field.ty(), Type::UInt | Type::Hex)
    }

    /// What an event is sorted by: of its folded values of [`Order::fields`] the least one, or the greatest when
    /// descending.
    pub fn value(event: &Event, field: Field, descending: bool) -> Option<String> {
        let values = Self::fields(field).into_iter().flat_map(|f| event.values(f)).map(|v| text::fold(&v));
        let values = values.filter(|v| v.len() <= Self::MAX_VALUE);
        let key = |v: &String| (if Self::by_length(field) { v.len() } else { 0 }, v.clone());
        if descending { values.max_by_key(key) } else { values.min_by_key(key) }
    }
}

/// Keyset cursor: the last event of the page before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub time: Time,
    pub id: EventId,
}

#[derive(Debug, Clone)]
pub struct Page {
    pub events: Vec<Arc<Event>>,
    /// Whether events follow after the last one of this page.
    pub more: bool,
}

/// Numbers about all events of a query. All exact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    pub total: u64,
    /// Distinct hosts (normal form).
    pub hosts: u64,
    /// Start of bucket and count, ascending, empty buckets left out. Buckets are multiples of `interval` since 1970.
    pub histogram: Vec<(Time, u64)>,
    pub interval_ms: i64,
    /// Event code and count, ascending by code.
    pub codes: Vec<(u32, u64)>,
}

/// Bucket width of a histogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interval {
    Millis(i64),
    /// The store picks a round width that gives at most this many buckets.
    Buckets(u32),
}

impl Interval {
    /// Most buckets of one answer.
    pub const MAX_BUCKETS: i64 = 10_000;

    /// Width in milliseconds for events between two times (`None`: no events).
    ///
    /// # Errors
    /// `BAD_INPUT` for a width that is not positive, or that makes more than [`Interval::MAX_BUCKETS`].
    pub fn width(self, ends: Option<(Time, Time)>) -> Result<i64> {
        let (first, last) = ends.unwrap_or_default();
        let buckets = |width: i64| i128::from(last.0.div_euclid(width)) - i128::from(first.0.div_euclid(width)) + 1;
        let (given, most) = match self {
            Self::Millis(width) => (Some(width), i128::from(Self::MAX_BUCKETS)),
            Self::Buckets(n) => (None, i128::from(n).min(i128::from(Self::MAX_BUCKETS))),
        };
        if given.is_some_and(|w| w <= 0) || most <= 0 {
            return Err(Error::bad_input("the interval of a histogram must be positive"));
        }
        match given {
            Some(width) if buckets(width) > most => Err(Error::bad_input(format!(
                "an interval of {width} ms makes {} buckets, more than {most}: take a longer one or a shorter period",
                buckets(width)
            ))),
            Some(width) => Ok(width),
            // Events on both sides of 1970 are in two buckets at least.
            None => Ok(ROUND.iter().copied().find(|w| buckets(*w) <= most).unwrap_or(i64::MAX)),
        }
    }
}

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Widths that read well.
const ROUND: &[i64] = &[
    1,
    2,
    5,
    10,
    20,
    50,
    100,
    200,
    500,
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    15 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    7 * DAY,
    14 * DAY,
    28 * DAY,
    91 * DAY,
    182 * DAY,
    364 * DAY,
    3_640 * DAY,
    36_400 * DAY,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TermOrder {
    /// Most events first.
    Top,
    /// Fewest events first.
    Rare,
}

/// Values of one field with their counts. Ties are ordered by value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    pub values: Vec<Term>,
    /// Distinct values in all, folded.
    pub distinct: u64,
    /// Events that carry the field.
    pub events: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// Folded value ([`crate::event::text::fold`]).
    pub value: String,
    pub events: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostCount {
    /// Normal form.
    pub host: String,
    pub events: u64,
    pub first: Time,
    pub last: Time,
    /// Event code and count, ascending by code.
    pub codes: Vec<(u32, u64)>,
}

/// What to tell about the values of fields; see [`EventStore::values`].
#[derive(Debug, Clone)]
pub struct ValuesQuery {
    /// One field, or several: then the combinations of their values within an event are counted.
    pub fields: Vec<Field>,
    /// Other events to compare with: those of an earlier period, of the other hosts.
    pub baseline: Option<Query>,
    /// Leaves out what the baseline has too.
    pub only_new: bool,
    pub order: ValueOrder,
    pub descending: bool,
    pub first: usize,
}

impl ValuesQuery {
    /// Combinations of several fields that one answer may go through; more are `TOO_LARGE`, never cut.
    pub const MAX_COMBINATIONS: usize = 200_000;
    /// Fields of one combination at most.
    pub const MAX_FIELDS: usize = 3;
}

/// What values are ordered by; ties by value, ascending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueOrder {
    /// Events that carry the value.
    Events,
    /// Distinct hosts of these events.
    Hosts,
    /// Time of the first event.
    FirstSeen,
    /// Time of the last event.
    LastSeen,
    /// Events of the baseline.
    Baseline,
    /// Events less those of the baseline.
    Change,
    /// The folded value.
    Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Values {
    pub values: Vec<FieldValue>,
    /// How many there are in all.
    pub distinct: u64,
    /// Events that carry all of the fields.
    pub events: u64,
}

/// A value that at least one event of the query carries. All numbers are exact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldValue {
    /// One folded value per field.
    pub values: Vec<String>,
    pub events: u64,
    /// Distinct hosts (normal form).
    pub hosts: u64,
    pub first: Time,
    pub last: Time,
    /// Events and hosts of the baseline; 0 without one.
    pub baseline_events: u64,
    pub baseline_hosts: u64,
}

/// What [`EventStore::append`] did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Appended {
    pub stored: u64,
    /// Already there by event id.
    pub duplicates: u64,
    /// Those that the engine cannot take, now or later. They are not stored; all others are.
    pub refused: Vec<Refused>,
    /// Position behind these events; what else was stored before may lie behind it too.
    pub head: Position,
}

/// An event that an engine cannot take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub id: EventId,
    pub reason: String,
    /// Its document.
    pub record: String,
}

impl Refused {
    /// `source` is the file or request that it came with.
    pub fn issue(self, source: &str) -> Issue {
        let Self { id, reason, mut record } = self;
        record.truncate(record.floor_char_boundary(Issue::MAX_RECORD));
        Issue { source: source.to_owned(), position: format!("event {id}"), reason, record: Some(record) }
    }
}

/// A piece of the log.
#[derive(Debug, Clone, Default)]
pub struct Arrivals {
    /// In order of arrival within each part of the log.
    pub events: Vec<Arc<Event>>,
    /// Position behind the piece. It may have moved although there are no events.
    pub next: Position,
    /// Whether more waits behind `next`.
    pub more: bool,
}

#[async_trait]
pub trait EventStore: Send + Sync + 'static {
    /// Stores events that are not there yet, durably: on return the sender may be told "ok".
    async fn append(&self, events: Vec<Event>) -> Result<Appended>;

    /// Events that arrived behind `after`, at most `max` and fewer where they are big; without `more`, everything
    /// acknowledged before the call is behind `next`. For followers: the recent ones come from memory where the engine
    /// has one.
    async fn read(&self, after: &Position, max: usize) -> Result<Arrivals>;

    /// Position behind the newest event.
    async fn head(&self) -> Result<Position>;

    /// The part of [`Self::head`] that [`Self::append`] moves.
    async fn own_head(&self) -> Result<Position> {
        self.head().await
    }

    /// What the engine finds about itself; an error is a finding too.
    async fn checkup(&self) -> Vec<Finding>;

    /// How often to look at [`Self::head`] for events that others have stored; `None` when all come by
    /// [`Self::append`] of this process.
    fn look_every(&self) -> Option<Duration> {
        None
    }

    /// Drops the events that are older than the operator keeps; names of what was dropped. By default all are kept.
    async fn drop_old(&self, now: Time) -> Result<Vec<String>> {
        let _ = now;
        Ok(Vec::new())
    }

    /// Makes everything appended before visible to searches.
    async fn refresh(&self) -> Result<()>;

    /// A page of the matching events. `BAD_INPUT` for a cursor behind an event that is not there, where the order
    /// needs its value.
    async fn search(
        &self,
        scope: &Scope,
        query: &Query,
        order: Order,
        after: Option<Cursor>,
        first: usize,
    ) -> Result<Page>;

    async fn count(&self, scope: &Scope, query: &Query) -> Result<u64>;

    async fn summary(&self, scope: &Scope, query: &Query, interval: Interval) -> Result<Summary>;

    /// Top or rare values of a field.
    async fn terms(&self, scope: &Scope, query: &Query, field: Field, order: TermOrder, first: usize) -> Result<Terms>;

    /// Values of fields with when and where they occur, compared with a baseline.
    async fn values(&self, scope: &Scope, query: &Query, ask: &ValuesQuery) -> Result<Values>;

    /// The newest matching event, by time and id, of each host asked (distinct, normal form), in the order asked.
    async fn latest(&self, scope: &Scope, query: &Query, hosts: &[String]) -> Result<Vec<Option<Arc<Event>>>>;

    /// Events by id, in the order asked; `None` where unknown or out of scope.
    async fn events(&self, scope: &Scope, ids: &[EventId]) -> Result<Vec<Option<Arc<Event>>>>;

    /// Hosts by name (normal form), `after` exclusive, with counts over the period.
    async fn hosts(&self, scope: &Scope, period: Period, after: Option<&str>, first: usize) -> Result<Vec<HostCount>>;

    /// Time line of one host: start of bucket, event code, count; ascending, empty ones left out.
    async fn timeline(&self, scope: &Scope, query: &Query, interval: Interval) -> Result<Timeline>;
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    pub interval_ms: i64,
    pub buckets: Vec<(Time, u32, u64)>,
}
