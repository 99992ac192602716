//! Scalars of the API, and the small types that many others use.
use crate::{
    error::{Error, Result},
    event,
    store::Interval,
};
use async_graphql::{
    InputObject, InputValueError, InputValueResult, OneofObject, Scalar, ScalarType, SimpleObject, Value,
};

#[derive(Debug, Clone, Copy)]
pub struct DateTime(pub event::Time);

/// Point in time as RFC 3339 text, UTC, with milliseconds: `2021-10-20T13:39:10.123Z`.
/// Other offsets are read too.
#[Scalar(name = "DateTime", specified_by_url = "https://scalars.graphql.org/andimarek/date-time.html")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(s) => event::Time::parse(s)
                .map(Self)
                .ok_or_else(|| InputValueError::custom(format!("{s:?} is not a time such as 2021-10-20T13:39:10Z"))),
            _ => Err(InputValueError::expected_type(value)),
        }
    }
    fn to_value(&self) -> Value {
        Value::String(self.0.rfc3339())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Long(pub u64);

/// Whole number from 0 to 2^63 - 1, as JSON number.
#[Scalar(name = "Long")]
impl ScalarType for Long {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::Number(n) => {
                n.as_u64().map(Self).ok_or_else(|| InputValueError::custom(format!("{n} is not a whole number from 0")))
            }
            _ => Err(InputValueError::expected_type(value)),
        }
    }
    fn to_value(&self) -> Value {
        Value::Number(self.0.into())
    }
}

impl From<u64> for Long {
    fn from(n: u64) -> Self {
        Self(n)
    }
}

/// Half-open period `from <= t < to`; an absent end is unbounded.
#[derive(Debug, Clone, Copy, InputObject)]
pub struct PeriodInput {
    /// First point in time of the period.
    from: Option<DateTime>,
    /// First point in time after the period.
    to: Option<DateTime>,
}

/// # Errors
/// `BAD_INPUT` for a period that ends before it begins.
pub fn period(input: Option<PeriodInput>) -> Result<event::Period> {
    let Some(PeriodInput { from, to }) = input else { return Ok(event::Period::default()) };
    let period = event::Period { from: from.map(|t| t.0), to: to.map(|t| t.0) };
    match (period.from, period.to) {
        (Some(from), Some(to)) if from >= to => {
            Err(Error::bad_input(format!("period: from ({from}) must be before to ({to})")))
        }
        _ => Ok(period),
    }
}

/// Width of the buckets of a histogram.
#[derive(Debug, Clone, Copy, OneofObject)]
pub enum IntervalInput {
    /// Exactly so many milliseconds.
    Milliseconds(Long),
    /// A round width that gives at most so many buckets, 1 to 1,000.
    Buckets(i32),
}

/// # Errors
/// `BAD_INPUT` for a width of zero or a number of buckets out of bounds.
pub fn interval(input: Option<IntervalInput>) -> Result<Interval> {
    match input {
        None => Ok(Interval::Buckets(60)),
        Some(IntervalInput::Milliseconds(Long(ms))) => match i64::try_from(ms) {
            Ok(ms) if ms > 0 => Ok(Interval::Millis(ms)),
            _ => Err(Error::bad_input("interval: milliseconds must be from 1 to 2^63 - 1")),
        },
        Some(IntervalInput::Buckets(n)) => match u32::try_from(n) {
            Ok(n) if (1..=1_000).contains(&n) => Ok(Interval::Buckets(n)),
            _ => Err(Error::bad_input("interval: buckets must be from 1 to 1,000")),
        },
    }
}

/// Buckets in one answer at most.
const MAX_BUCKETS: usize = 20_000;

/// # Errors
/// `BAD_INPUT` when a histogram has too many buckets to be sent.
pub fn check_buckets(buckets: usize) -> Result<()> {
    if buckets > MAX_BUCKETS {
        return Err(Error::bad_input(format!(
            "the histogram has {buckets} buckets, more than {MAX_BUCKETS}: ask for a wider interval or a shorter period"
        )));
    }
    Ok(())
}

/// A number of matches.
#[derive(Debug, Clone, Copy, SimpleObject)]
pub struct Total {
    /// How many.
    value: Long,
    /// Whether `value` is exact; otherwise there are at least so many.
    exact: bool,
}

impl Total {
    pub const fn of(value: u64) -> Self {
        Self { value: Long(value), exact: true }
    }

    pub const fn at_least(value: u64) -> Self {
        Self { value: Long(value), exact: false }
    }
}

/// Where a page of a list ends.
#[derive(Debug, Clone, SimpleObject)]
pub struct PageInfo {
    /// Whether more follow after this page.
    pub has_next_page: bool,
    /// Cursor of the last item, to be given as `after` for the next page; absent for an empty page.
    pub end_cursor: Option<String>,
}

/// Something wrong with the input of a mutation; nothing was changed.
#[derive(Debug, Clone, SimpleObject)]
pub struct UserError {
    /// Name of the input field that is wrong, where it is one.
    pub field: Option<String>,
    /// What is wrong, for a person.
    pub message: String,
    /// Stable code: `BAD_INPUT`, `UNAUTHENTICATED`, `NOT_FOUND`, `CONFLICT`, `TOO_MANY`, `TOO_LARGE`.
    pub code: String,
}

impl UserError {
    /// Splits what a caller can repair (into user errors) from the rest (stays an error).
    pub fn split<T>(field: Option<&str>, result: Result<T>) -> Result<std::result::Result<T, Vec<Self>>> {
        use crate::error::Code;
        match result {
            Ok(value) => Ok(Ok(value)),
            Err(e) if matches!(e.code, Code::Internal | Code::Unavailable | Code::Forbidden) => Err(e),
            Err(e) => Ok(Err(vec![Self {
                field: field.map(Into::into),
                message: e.message.into_owned(),
                code: e.code.as_str().into(),
            }])),
        }
    }
}
