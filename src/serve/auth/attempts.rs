//! Limits on failed logins, per name and address, per address, and per name.
use crate::error::{Code, Error, Result};
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

const WINDOW: Duration = Duration::from_secs(5 * 60);
/// Counters kept at most.
const MAX_KEYS: usize = 50_000;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Both(String, IpAddr),
    Address(IpAddr),
    Name(String),
}

impl Key {
    /// Failures allowed in the window.
    const fn limit(&self) -> u32 {
        match self {
            Self::Both(..) => 10,
            Self::Address(_) => 60,
            // High, so that a stranger cannot lock somebody out cheaply.
            Self::Name(_) => 200,
        }
    }
}

/// Counts attempts; a success takes its own back.
#[derive(Default)]
pub struct Attempts(Mutex<HashMap<Key, (Instant, u32)>>);

impl Attempts {
    fn lock(&self) -> MutexGuard<'_, HashMap<Key, (Instant, u32)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// # Errors
    /// `TOO_MANY` when a limit is reached.
    pub fn start(&self, name: &str, address: IpAddr) -> Result<()> {
        let now = Instant::now();
        let mut counts = self.lock();
        if counts.len() + 3 > MAX_KEYS {
            counts.retain(|_, (since, _)| now.duration_since(*since) < WINDOW);
        }
        if counts.len() + 3 > MAX_KEYS {
            return Err(too_many());
        }
        let keys = keys(name, address);
        for key in &keys {
            let entry = counts.entry(key.clone()).or_insert((now, 0));
            if now.duration_since(entry.0) >= WINDOW {
                *entry = (now, 0);
            }
            if entry.1 >= key.limit() {
                return Err(too_many());
            }
        }
        for key in keys {
            counts.entry(key).and_modify(|e| e.1 += 1);
        }
        Ok(())
    }

    pub fn succeeded(&self, name: &str, address: IpAddr) {
        let mut counts = self.lock();
        for key in keys(name, address) {
            counts.entry(key).and_modify(|e| e.1 = e.1.saturating_sub(1));
        }
    }
}

fn too_many() -> Error {
    Error::new(Code::TooMany, "too many failed logins: try again in some minutes")
}

/// Counters of an attempt. IPv6 addresses count by their /64, which is what one sender has.
fn keys(name: &str, address: IpAddr) -> [Key; 3] {
    let name: String = crate::event::text::fold(name).chars().take(64).collect();
    let address = match address {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from(u128::from(v6) & !u128::from(u64::MAX))),
        v4 => v4,
    };
    [Key::Both(name.clone(), address), Key::Address(address), Key::Name(name)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_of_one_name_and_address_are_limited_and_successes_are_not() {
        let a = Attempts::default();
        let here = IpAddr::from([127, 0, 0, 1]);
        for _ in 0..100 {
            a.start("ann", here).unwrap();
            a.succeeded("ann", here);
        }
        for _ in 0..10 {
            a.start("ann", here).unwrap();
        }
        assert_eq!(a.start("ANN", here).unwrap_err().code, Code::TooMany);
        assert!(a.start("ann", IpAddr::from([127, 0, 0, 2])).is_ok());
        assert!(a.start("bob", here).is_ok());
    }
}
