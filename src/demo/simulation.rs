//! The clock: who does something next, and the records in order of time.
//!
//! What happens is drafted ahead; a draft is handed out only when nothing that is still to happen could come
//! before it. So memory holds what is under way, however long the simulation runs.
use super::{
    company::{Role, hosts},
    machine::Machine,
    noise,
    scene::World,
    services,
    story::{Stage, Step, Story, plan},
};
use crate::event::{Event, Ordinals, Time};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::collections::BTreeMap;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
/// Servers come first in the list of hosts.
const SERVERS: usize = 10;

#[derive(Debug, Clone, Copy)]
enum Task {
    StartUp(usize),
    /// The next thing that a host does.
    Work(usize),
    Stage(Step),
    Beacon(usize),
    /// The n-th intrusion of the live run begins.
    Visit(usize),
}

/// How fast things go.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// Mean time between two activities of a host at noon.
    work: i64,
    beacon: i64,
    /// People sleep at night; not so in the live run, which is for watching.
    nights: bool,
}

pub struct Simulation {
    world: World,
    story: Story,
    agenda: BTreeMap<(Time, u64), Task>,
    entries: u64,
    pace: Pace,
}

/// Records have numbers, so that no two have the same identity.
struct Numbered;
impl Ordinals for Numbered {
    fn next(&mut self, _content: u128) -> u64 {
        0
    }
}

impl Simulation {
    fn new(seed: u64, start: Time, pace: Pace, live: bool) -> Self {
        let machines = hosts().into_iter().enumerate().map(|(i, h)| Machine::new(i, h, start, live)).collect();
        let world = World::new(StdRng::seed_from_u64(seed), machines);
        Self { world, story: Story::default(), agenda: BTreeMap::new(), entries: 0, pace }
    }

    pub fn history(seed: u64, start: Time) -> Self {
        let mut s = Self::new(seed, start, Pace { work: 160 * SECOND, beacon: 6 * MINUTE, nights: true }, false);
        for host in 0..s.world.machines.len() {
            let minute = i64::try_from(host).unwrap_or(0) * 2 * SECOND;
            s.at(Time(start.0 + minute), Task::StartUp(host));
            s.at(Time(start.0 + minute + MINUTE), Task::Work(host));
        }
        for (unit, step) in plan([SERVERS + 4, SERVERS + 9, SERVERS + 17, 2, 6]) {
            s.at(Time(start.0 + 180 * MINUTE + unit * 18 * MINUTE), Task::Stage(step));
        }
        s
    }

    pub fn live(seed: u64, start: Time) -> Self {
        let mut s = Self::new(seed, start, Pace { work: 12 * SECOND, beacon: 9 * SECOND, nights: false }, true);
        for host in 0..s.world.machines.len() {
            let offset = s.world.rng.random_range(0..s.pace.work);
            s.at(Time(start.0 + offset), Task::Work(host));
        }
        s.at(Time(start.0 + 5 * SECOND), Task::Visit(0));
        s
    }

    fn at(&mut self, time: Time, task: Task) {
        self.entries += 1;
        self.agenda.insert((time, self.entries), task);
    }

    fn perform(&mut self, now: Time, task: Task) {
        match task {
            Task::StartUp(host) => services::start_up(&mut self.world.scene(host, now)),
            Task::Work(host) => {
                self.work(host, now);
                let gap = self.gap(now);
                self.at(Time(now.0 + gap), Task::Work(host));
            }
            Task::Stage(step) => {
                let before = self.story.holds(step.host);
                self.story.play(&mut self.world, now, step);
                if !before && self.story.holds(step.host) {
                    self.at(Time(now.0 + self.pace.beacon), Task::Beacon(step.host));
                }
            }
            Task::Beacon(host) => {
                if self.story.holds(host) {
                    self.story.beacon(&mut self.world, now, host);
                    let jitter = self.world.rng.random_range(-self.pace.beacon / 6..self.pace.beacon / 6);
                    self.at(Time(now.0 + self.pace.beacon + jitter), Task::Beacon(host));
                }
            }
            Task::Visit(n) => self.visit(now, n),
        }
    }

    fn work(&mut self, host: usize, now: Time) {
        let mut scene = self.world.scene(host, now);
        match (scene.machine().host.role, scene.chance(0.65)) {
            (Role::Workstation, true) => noise::at_desk(&mut scene),
            (Role::Workstation, false) => services::anywhere(&mut scene),
            (_, true) => services::serve(&mut scene),
            (_, false) => services::anywhere(&mut scene),
        }
    }

    /// Time until the next activity of a host, exponentially distributed.
    fn gap(&mut self, now: Time) -> i64 {
        let hour = now.0.rem_euclid(24 * 60 * MINUTE) / (60 * MINUTE);
        let slower = match hour {
            _ if !self.pace.nights => 1.0,
            8..=17 => 1.0,
            6 | 7 | 18 | 19 => 2.0,
            _ => 4.0,
        };
        let u: f64 = self.world.rng.random_range(0.001..1.0);
        #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
        let gap = (-u.ln() * slower * self.pace.work as f64) as i64;
        gap.max(50)
    }

    /// A further intrusion, on hosts of its own; at its end its implants stop.
    fn visit(&mut self, now: Time, n: usize) {
        let desks = self.world.machines.len() - SERVERS;
        let desk = |k: usize| SERVERS + (n * 7 + k * 11 + 1) % desks;
        let hosts = [desk(0), desk(1), desk(2), 2 + n % 2, 4 + n % 6];
        for (unit, step) in plan(hosts) {
            self.at(Time(now.0 + unit * SECOND), Task::Stage(step));
        }
        for host in hosts {
            self.at(Time(now.0 + 70 * SECOND), Task::Stage(Step { stage: Stage::Leave, host, from: host }));
        }
        self.at(Time(now.0 + 75 * SECOND), Task::Visit(n + 1));
    }
}

impl Iterator for Simulation {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        loop {
            let due = self.agenda.first_key_value().map(|((time, _), _)| *time);
            if self.world.pending.peek().is_some_and(|d| due.is_none_or(|due| d.at <= due)) {
                let mut draft = self.world.pending.pop()?;
                draft.record.system.record_id = Some(self.world.machines[draft.machine].record());
                return Some(draft.record.finish(&mut Numbered));
            }
            let ((now, _), task) = self.agenda.pop_first()?;
            self.perform(now, task);
        }
    }
}
