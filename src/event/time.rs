//! Time of an event, in milliseconds since 1970 UTC: the precision of Sysmon's own `UtcTime` and of
//! Elasticsearch's `date`.
use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(pub i64);

/// Half-open period `from <= t < to`; an absent end is unbounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Period {
    pub from: Option<Time>,
    pub to: Option<Time>,
}

impl Period {
    pub fn contains(&self, t: Time) -> bool {
        self.from.is_none_or(|f| f <= t) && self.to.is_none_or(|e| t < e)
    }
}

impl Time {
    pub fn now() -> Self {
        Self(chrono::Utc::now().timestamp_millis())
    }

    /// Reads `2021-10-20 13:39:10.123` (Sysmon, UTC), RFC 3339 with any offset, and with up to nine
    /// digits of a second (cut to milliseconds).
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some(t) = plain(text.as_bytes()) {
            return Some(t);
        }
        if let Ok(t) = DateTime::parse_from_rfc3339(text) {
            return Some(Self(t.timestamp_millis()));
        }
        for format in ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.fZ"] {
            if let Ok(t) = NaiveDateTime::parse_from_str(text, format) {
                return Some(Self(t.and_utc().timestamp_millis()));
            }
        }
        None
    }

    /// Beginning of a day, `2021-10-20`, and of the day behind it.
    pub fn day(text: &str) -> Option<(Self, Self)> {
        let day = NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").ok()?;
        let begin = |day: NaiveDate| Some(Self(day.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis()));
        Some((begin(day)?, begin(day.succ_opt()?)?))
    }

    fn chrono(self) -> DateTime<chrono::Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or_default()
    }

    /// `2021-10-20T13:39:10.123Z`
    pub fn rfc3339(self) -> String {
        self.chrono().to_rfc3339_opts(SecondsFormat::Millis, true)
    }

    /// `2021-10-20 13:39:10.123`, as Sysmon writes it.
    pub fn sysmon(self) -> String {
        self.chrono().format("%Y-%m-%d %H:%M:%S%.3f").to_string()
    }
}

/// The forms that nearly all records have, without the cost of a general parser: `2021-10-20 13:39:10`
/// with `T` or a space, any fraction, and nothing or `Z` behind it.
fn plain(text: &[u8]) -> Option<Time> {
    let text = text.strip_suffix(b"Z").unwrap_or(text);
    let (whole, fraction) = text.split_at_checked(19)?;
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T' | b' ', h1, h2, b':', n1, n2, b':', s1, s2] = whole else {
        return None;
    };
    let number = |digits: &[&u8]| {
        digits.iter().try_fold(0_u32, |n, d| d.is_ascii_digit().then(|| n * 10 + u32::from(**d - b'0')))
    };
    let millis = match fraction {
        [] => 0,
        [b'.', digits @ ..] if !digits.is_empty() && digits.len() <= 9 && digits.iter().all(u8::is_ascii_digit) => {
            number(&[digits.first().unwrap_or(&b'0'), digits.get(1).unwrap_or(&b'0'), digits.get(2).unwrap_or(&b'0')])?
        }
        _ => return None,
    };
    let year = i32::try_from(number(&[y1, y2, y3, y4])?).ok()?;
    NaiveDate::from_ymd_opt(year, number(&[m1, m2])?, number(&[d1, d2])?)?
        .and_hms_milli_opt(number(&[h1, h2])?, number(&[n1, n2])?, number(&[s1, s2])?, millis)
        .map(|t| Time(t.and_utc().timestamp_millis()))
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

#[cfg(test)]
mod tests {
    use super::Time;

    #[test]
    fn reads_the_forms_found_in_logs() {
        let t = Time(1_634_737_150_123);
        for text in [
            "2021-10-20 13:39:10.123",
            "2021-10-20T13:39:10.123Z",
            "2021-10-20T13:39:10.1234567Z",
            "2021-10-20T15:39:10.123+02:00",
            "2021-10-20T13:39:10.123456789",
            "2021-10-20 13:39:10.123Z",
        ] {
            assert_eq!(Time::parse(text), Some(t), "{text}");
        }
        assert_eq!(Time::parse("2021-10-20T13:39:10.1Z"), Some(Time(t.0 - 23)));
        for text in ["yesterday", "2021-02-30 00:00:00.000", "2021-10-20 13:39:10.", "2021-10-20 25:00:00"] {
            assert_eq!(Time::parse(text), None, "{text}");
        }
        assert_eq!(Time::day(" 2021-10-20 "), Some((Time(1_634_688_000_000), Time(1_634_774_400_000))));
        assert_eq!((Time::day("2021-02-30"), Time::day("20.10.2021")), (None, None));
        assert_eq!(t.sysmon(), "2021-10-20 13:39:10.123");
        assert_eq!(Time::parse(&t.rfc3339()), Some(t));
    }
}
