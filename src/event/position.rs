//! Position in the stored log, as followers keep it, and who may move it.
use crate::error::{Code, Error, Result};
use serde::{Deserialize, Serialize};
use std::{cmp::Ordering, collections::BTreeMap, fmt, sync::Arc};

/// How far the stored log is read: for each part of the log the number of its entries that are behind the reader,
/// in order of arrival. A part that is not named is at 0, "before the first".
///
/// The embedded log has one part. A cluster has one per shard, because events arrive in order only there; its
/// numbers may also count entries that are no events. Positions are ordered only in part: each of two readers can
/// be ahead of the other in a part of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(BTreeMap<Arc<str>, u64>);

/// Epoch of the lease under which a follower writes; it grows with each owner, and is 0 where there are no leases. A store
/// that several processes write refuses (`CONFLICT`) what comes under an older one than it has seen: its writer hung so
/// long that another has taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fence(pub u64);

impl Fence {
    /// Takes the place of an older one.
    ///
    /// # Errors
    /// `CONFLICT` when `self` is newer.
    pub fn pass(&mut self, by: Self) -> Result<()> {
        if by < *self {
            return Err(Error::new(Code::Conflict, "another process has taken over this work meanwhile"));
        }
        *self = by;
        Ok(())
    }
}

impl Position {
    /// Position of a log with one part.
    pub fn at(part: &str, entries: u64) -> Self {
        [(part.into(), entries)].into_iter().collect()
    }

    /// Entries of a part that are behind the reader.
    pub fn of(&self, part: &str) -> u64 {
        self.0.get(part).copied().unwrap_or(0)
    }

    /// Entries behind the reader over all parts.
    pub fn entries(&self) -> u64 {
        self.0.values().fold(0, |sum, n| sum.saturating_add(*n))
    }

    /// Moves one part, forwards only.
    pub fn advance(&mut self, part: Arc<str>, entries: u64) {
        if entries > 0 {
            let at = self.0.entry(part).or_default();
            *at = entries.max(*at);
        }
    }

    /// The greater of both in every part. Returns whether anything moved.
    pub fn merge(&mut self, other: &Self) -> bool {
        let moved = !self.reaches(other);
        if moved {
            other.iter().for_each(|(part, n)| self.advance(part.clone(), n));
        }
        moved
    }

    /// Without the parts that `of` does not have.
    #[must_use]
    pub fn only(&self, of: &Self) -> Self {
        self.iter().filter(|(part, _)| of.of(part) > 0).map(|(part, n)| (part.clone(), n)).collect()
    }

    /// Follows the parts that there are, as they were asked for after `before`: those that are gone since are left out, those
    /// that have come meanwhile stay, and none moves back. Returns whether anything changed.
    pub fn follow(&mut self, now: &Self, before: &Self) -> bool {
        let there = |part: &Arc<str>| now.of(part) > 0 || before.of(part) == 0;
        let mut next: Self = self.iter().filter(|(part, _)| there(part)).map(|(part, n)| (part.clone(), n)).collect();
        next.merge(now);
        let changed = next != *self;
        *self = next;
        changed
    }

    /// Whether this is at or behind `other` in no part: everything before `other` is before this too.
    pub fn reaches(&self, other: &Self) -> bool {
        other.iter().all(|(part, n)| self.of(part) >= n)
    }

    /// Entries before this position, usually the head of the log, that a reader at `at` has not read yet.
    pub fn lag(&self, at: &Self) -> u64 {
        self.iter().fold(0, |sum, (part, n)| sum.saturating_add(n.saturating_sub(at.of(part))))
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, u64)> {
        self.0.iter().map(|(part, n)| (part, *n))
    }

    /// Reads the text form, which [`fmt::Display`] writes. Empty is the start of the log.
    ///
    /// # Errors
    /// `INTERNAL`: the text comes from a store of our own.
    pub fn parse(text: &str) -> Result<Self> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_str::<Self>(text).map(|p| p.iter().map(|(k, n)| (k.clone(), n)).collect()).map_err(Error::from)
    }
}

/// Parts at 0 are left out, so that equal positions are equal values.
impl FromIterator<(Arc<str>, u64)> for Position {
    fn from_iter<T: IntoIterator<Item = (Arc<str>, u64)>>(parts: T) -> Self {
        let mut position = Self::default();
        parts.into_iter().for_each(|(part, n)| position.advance(part, n));
        position
    }
}

impl PartialOrd for Position {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self.reaches(other), other.reaches(self)) {
            (true, true) => Some(Ordering::Equal),
            (true, false) => Some(Ordering::Greater),
            (false, true) => Some(Ordering::Less),
            (false, false) => None,
        }
    }
}

/// A JSON object: part and number.
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(parts: &[(&str, u64)]) -> Position {
        parts.iter().map(|(p, n)| (Arc::from(*p), *n)).collect()
    }

    #[test]
    fn order_lag_and_merge() {
        let (a, b) = (position(&[("x", 5), ("y", 1)]), position(&[("x", 3), ("z", 2)]));
        assert_eq!(a.partial_cmp(&b), None);
        assert_eq!((a.lag(&b), b.lag(&a)), (3, 2));
        let mut both = a.clone();
        assert!(both.merge(&b) && !both.merge(&b) && !both.merge(&a));
        assert_eq!(both, position(&[("x", 5), ("y", 1), ("z", 2)]));
        assert!(both > a && b < both && both.reaches(&a) && !a.reaches(&both));
        assert_eq!(Position::default().partial_cmp(&position(&[("x", 0)])), Some(Ordering::Equal));
        assert_eq!((both.lag(&Position::default()), both.entries()), (8, 8));
    }

    #[test]
    fn a_head_follows_the_parts_that_there_are() {
        let before = position(&[("gone", 5), ("grown", 2), ("ahead", 3)]);
        let mut head = before.clone();
        // While the parts are asked for, this process stores some itself.
        assert!(head.merge(&position(&[("new", 1), ("ahead", 9)])));
        let now = position(&[("grown", 4), ("ahead", 3)]);
        assert!(head.follow(&now, &before));
        assert_eq!(head, position(&[("new", 1), ("grown", 4), ("ahead", 9)]));
        assert!(!head.follow(&now, &before));
        assert_eq!(head.only(&now), position(&[("grown", 4), ("ahead", 9)]));
    }

    #[test]
    fn text_form() {
        let p = position(&[("0Xq-_/1", 7), ("log", u64::MAX)]);
        assert_eq!(Position::parse(&p.to_string()).unwrap(), p);
        assert_eq!(Position::parse("").unwrap(), Position::default());
        assert_eq!(Position::parse("{\"log\":0}").unwrap(), Position::default());
        assert!(Position::parse("17").is_err());
    }
}
