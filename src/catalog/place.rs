//! Where somebody stands who follows hits, whose numbers change with each rebuild.
use super::StoredHit;
use std::fmt;

/// Stretches that are kept. Who reads on after so many rebuilds that he never caught up with misses what is older.
const MAX_MISSED: usize = 100;

/// Hits are read by number; a rebuild gives them new ones, and in another order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// Number of the last hit that was received or passed by.
    pub number: u64,
    /// Numbers before it that were not received, because a rebuild had taken them away: behind the first up to the second
    /// of each pair.
    missed: Vec<(u64, u64)>,
}

impl Place {
    pub const fn at(number: u64) -> Self {
        Self { number, missed: Vec::new() }
    }

    /// From its text; `None` where it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let number = parts.next()?.parse().ok()?;
        let stretch = |part: &str| match part.split_once('-') {
            Some((from, to)) => Some((from.parse().ok()?, to.parse().ok()?)),
            // Of an earlier version: the place before a rebuild.
            None => Some((part.parse().ok()?, number)),
        };
        let mut missed = parts.map(stretch).collect::<Option<Vec<_>>>()?;
        missed.drain(..missed.len().saturating_sub(MAX_MISSED));
        Some(Self { number, missed })
    }

    /// Whether the next hit is one that was not received under a former number. To be asked of each hit, in the order of their
    /// numbers, before `number` moves there.
    pub fn is_news(&mut self, hit: &StoredHit) -> bool {
        let noted = self.missed.last().map_or(0, |(_, to)| *to);
        if self.number < hit.floor && noted < hit.floor {
            self.missed.push((self.number, hit.floor));
            self.missed.drain(..self.missed.len().saturating_sub(MAX_MISSED));
        }
        let has_missed = |n: &u64| self.missed.iter().any(|(from, to)| from < n && n <= to);
        hit.again.iter().all(has_missed)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number)?;
        self.missed.iter().try_for_each(|(from, to)| write!(f, ".{from}-{to}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{EventId, Time, detection::Hit};

    fn hit(number: u64, again: &[u64], floor: u64) -> StoredHit {
        let text = String::new;
        let hit = Hit {
            id: text(),
            rule_id: text(),
            rule_version: text(),
            rule_title: text(),
            level: text(),
            event_id: EventId(0),
            time: Time(0),
            host: text(),
            found: Time(0),
            matched: Vec::new(),
            joined: Vec::new(),
        };
        StoredHit { number, hit, again: again.to_vec(), floor }
    }

    #[test]
    fn news_over_two_rebuilds() {
        let mut place = Place::at(5);
        assert!(!place.is_news(&hit(11, &[3], 10)));
        assert!(place.is_news(&hit(12, &[8], 10)));
        assert!(place.is_news(&hit(13, &[], 10)));
        place.number = 13;
        // Of 20 that the first one found again, 13 were received.
        let mut later = Place::parse(&place.to_string()).unwrap();
        assert_eq!((later.to_string().as_str(), &later), ("13.5-10", &place));
        for (again, news) in [(&[3, 11][..], false), (&[8, 12], false), (&[13], false), (&[9, 14], true), (&[9], true)]
        {
            assert_eq!(later.is_news(&hit(30, again, 20)), news, "{again:?}");
        }
        assert_eq!(later.to_string(), "13.5-10.13-20");
        for text in ["", "x", "1.", "1.2-", "1.-2", "1.2-3.", "1.a-b"] {
            assert_eq!(Place::parse(text), None, "{text}");
        }
        assert_eq!(Place::parse("7.5").unwrap().to_string(), "7.5-7");
    }
}
