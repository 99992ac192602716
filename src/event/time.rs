//! Time of an event, in milliseconds since 1970 UTC: the precision of Sysmon's own `UtcTime` and of
//! Elasticsearch's `date`.
use chrono::{DateTime, NaiveDateTime, SecondsFormat};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(pub i64);

/// Half-open period `from <= t < to`; an absent end is unbounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
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
        ] {
            assert_eq!(Time::parse(text), Some(t), "{text}");
        }
        assert_eq!(Time::parse("yesterday"), None);
        assert_eq!(t.sysmon(), "2021-10-20 13:39:10.123");
        assert_eq!(Time::parse(&t.rfc3339()), Some(t));
    }
}
