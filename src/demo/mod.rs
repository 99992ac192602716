//! A generated intrusion into an invented company of forty hosts, for newcomers and tests: office work and services
//! as background, and one intruder who goes from a mail attachment to the file servers.
//!
//! The same seed and time give the same events. Nothing in it comes from real logs.
mod company;
mod machine;
mod noise;
mod rules;
mod scene;
mod services;
mod simulation;
mod story;

use crate::event::{Event, Time};
pub use rules::rules;
use simulation::Simulation;

/// How far [`history`] goes back.
pub const HISTORY_MS: i64 = 24 * 3600 * 1000;

/// The day before `until`, in order of time: the machines start, people work, and one intrusion runs through.
/// Record numbers go on in [`live`] when that starts at `until`.
pub fn history(seed: u64, until: Time) -> impl Iterator<Item = Event> + Send {
    Simulation::history(seed, Time(until.0 - HISTORY_MS)).take_while(move |e| e.time < until)
}

/// What happens from `from` on, without end: each event with its delay after `from` in milliseconds. Some
/// twenty events a second; the intruder is back after five seconds and then goes from host to host.
pub fn live(seed: u64, from: Time) -> impl Iterator<Item = (u64, Event)> + Send {
    Simulation::live(seed, from).map(move |e| (u64::try_from(e.time.0 - from.0).unwrap_or(0), e))
}
