//! Fields that a rule asks of an event that lacks them, joined from the start (code 1) of its process: `CommandLine` or
//! `ParentImage` of a connection, `GrandParentImage` of a start.
//!
//! - The event's own value always wins.
//! - Processes are told by GUID and host, never by a number that Windows uses again.
//! - Only rules with a category join: one about all events of Sysmon, as a search becomes, speaks of each as it is.
//! - Of several starts with one GUID the latest counts, by time and then id, so that their order plays no part.
//! - Keywords are looked for among the event's own values.
mod relax;
mod stream;

pub use relax::{Relaxed, relaxed};
pub use stream::{Stream, Values};

use super::{set, view::key};
use crate::event::{Event, EventCode, EventId, Field, Key, SYSMON_PROVIDER, Time, detection::Rule};
use rsigma_parser::{Detection, DetectionItem, Modifier, SigmaRule, SigmaValue};
use std::{collections::BTreeSet, sync::Arc};

/// Whose start has a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Whose {
    /// The process that acts: `ProcessGuid`, of codes 8 and 10 `SourceProcessGuid`. Code 1 is its own start.
    Process,
    /// What started that process.
    Parent,
    /// The process acted on, of codes 8 and 10.
    Target,
}

impl Whose {
    pub const ALL: [Self; 3] = [Self::Process, Self::Parent, Self::Target];
}

/// Events that a row of [`TABLE`] is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    /// Those with a process, code 1 too.
    All,
    /// Those with a process but code 1.
    Later,
    /// Codes 8 and 10.
    Two,
}

/// Everything that is joined: the name that a rule uses, for which events, whose start has the value, its field there.
const TABLE: &[(&str, Of, Whose, Field)] = {
    use {Field::*, Of::*, Whose::*};
    &[
        ("CommandLine", Later, Process, CommandLine),
        ("CurrentDirectory", Later, Process, CurrentDirectory),
        ("IntegrityLevel", Later, Process, IntegrityLevel),
        ("User", Later, Process, User),
        ("LogonGuid", Later, Process, LogonGuid),
        ("LogonId", Later, Process, LogonId),
        ("TerminalSessionId", Later, Process, TerminalSessionId),
        ("OriginalFileName", Later, Process, OriginalFileName),
        ("Description", Later, Process, Description),
        ("Product", Later, Process, Product),
        ("Company", Later, Process, Company),
        ("FileVersion", Later, Process, FileVersion),
        ("ParentProcessGuid", Later, Process, ParentProcessGuid),
        ("ParentProcessId", Later, Process, ParentProcessId),
        ("ParentImage", Later, Process, ParentImage),
        ("ParentCommandLine", Later, Process, ParentCommandLine),
        ("ParentUser", Later, Process, ParentUser),
        ("ParentIntegrityLevel", All, Parent, IntegrityLevel),
        ("GrandParentProcessGuid", All, Parent, ParentProcessGuid),
        ("GrandParentProcessId", All, Parent, ParentProcessId),
        ("GrandParentImage", All, Parent, ParentImage),
        ("GrandParentCommandLine", All, Parent, ParentCommandLine),
        ("GrandParentUser", All, Parent, ParentUser),
        ("SourceCommandLine", Two, Process, CommandLine),
        ("SourceIntegrityLevel", Two, Process, IntegrityLevel),
        ("SourceUser", Two, Process, User),
        ("SourceParentProcessGuid", Two, Process, ParentProcessGuid),
        ("SourceParentProcessId", Two, Process, ParentProcessId),
        ("SourceParentImage", Two, Process, ParentImage),
        ("SourceParentCommandLine", Two, Process, ParentCommandLine),
        ("TargetCommandLine", Two, Target, CommandLine),
        ("TargetIntegrityLevel", Two, Target, IntegrityLevel),
        ("TargetUser", Two, Target, User),
        ("TargetParentProcessGuid", Two, Target, ParentProcessGuid),
        ("TargetParentProcessId", Two, Target, ParentProcessId),
        ("TargetParentImage", Two, Target, ParentImage),
        ("TargetParentCommandLine", Two, Target, ParentCommandLine),
    ]
};

/// Fields that newer events carry and older ones lack, of the same meaning as in the start. Another field that the event
/// itself can carry is never joined: `Description` of a loaded image is not that of its process.
const SINCE: [Field; 3] = [Field::User, Field::SourceUser, Field::TargetUser];

/// A value that can be joined to events of some code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Join {
    /// As rules write it.
    pub name: &'static str,
    pub whose: Whose,
    from: Field,
}

impl Join {
    fn of(code: u32) -> impl Iterator<Item = Self> {
        let event = EventCode::get(code);
        let carries = move |f: Field| event.is_some_and(|e| e.fields.contains(&f));
        let two = carries(Field::SourceProcessGuid);
        let process = two || carries(Field::ProcessGuid);
        let fits = move |of: Of| match of {
            Of::All => process,
            Of::Later => process && code != 1,
            Of::Two => two,
        };
        let free = move |name: &str| Field::parse(name).is_none_or(|f| !carries(f) || SINCE.contains(&f));
        let rows = TABLE.iter().filter(move |(name, of, ..)| fits(*of) && free(name));
        rows.map(|(name, _, whose, from)| Self { name, whose: *whose, from: *from })
    }

    pub fn key(&self) -> Key {
        key(self.name)
    }
}

/// Names of everything that is joined to events of a code.
pub fn names(code: u32) -> impl Iterator<Item = &'static str> {
    Join::of(code).map(|j| j.name)
}

/// What of `asked` is joined to events of a code.
pub fn joins(asked: &BTreeSet<Key>, code: u32) -> Vec<Join> {
    Join::of(code).filter(|j| asked.contains(&j.key())).collect()
}

/// Fields that a rule asks; none where its values are never joined.
pub fn asked(rule: &SigmaRule) -> BTreeSet<Key> {
    fn walk(detection: &Detection, out: &mut BTreeSet<Key>) {
        match detection {
            Detection::AllOf(items) => items.iter().for_each(|i| out.extend(keys_of(i))),
            Detection::AnyOf(parts) | Detection::And(parts) => parts.iter().for_each(|p| walk(p, out)),
            _ => {}
        }
    }
    let mut out = BTreeSet::new();
    if joins_at_all(rule) {
        rule.detection.named.values().for_each(|d| walk(d, &mut out));
    }
    out
}

/// Whether a rule is about a kind of event.
pub fn joins_at_all(rule: &SigmaRule) -> bool {
    rule.logsource.category.is_some()
}

/// As [`joins_at_all`], of a rule as stored.
pub fn is_joining(rule: &Rule) -> bool {
    set::single(&rule.text).is_ok_and(|r| joins_at_all(&r))
}

/// The field of an item, and those that it is compared with.
fn keys_of(item: &DetectionItem) -> Vec<Key> {
    let mut keys: Vec<Key> = item.field.name.as_deref().map(key).into_iter().collect();
    if item.field.modifiers.contains(&Modifier::FieldRef) {
        keys.extend(item.values.iter().filter_map(|v| match v {
            SigmaValue::String(s) => Some(key(&s.original)),
            _ => None,
        }));
    }
    keys
}

/// What is joined of the start of a process.
#[derive(Debug, PartialEq, Eq)]
pub struct Start {
    time: Time,
    id: EventId,
    values: Vec<(Field, Box<str>)>,
}

impl Start {
    /// `None` for other events than starts. With the GUID of the process.
    pub fn of(event: &Event) -> Option<(&str, Self)> {
        if event.code != 1 || *event.system.provider != *SYSMON_PROVIDER {
            return None;
        }
        let guid = event.get(Field::ProcessGuid)?;
        let wanted = |f: &Field| TABLE.iter().any(|(.., from)| from == f);
        let values = event.data.iter().filter_map(|(k, v)| match k {
            Key::Field(f) if wanted(f) => Some((*f, v.clone())),
            _ => None,
        });
        Some((guid, Self { time: event.time, id: event.id, values: values.collect() }))
    }

    fn get(&self, field: Field) -> Option<&str> {
        self.values.iter().find(|(f, _)| *f == field).map(|(_, v)| &**v)
    }

    pub fn parent(&self) -> Option<&str> {
        self.get(Field::ParentProcessGuid)
    }

    pub fn says_the_same(&self, other: &Self) -> bool {
        self.values == other.values
    }

    /// Which of several starts with one GUID counts: the greatest.
    pub const fn order(&self) -> (Time, EventId) {
        (self.time, self.id)
    }

    /// Bytes that it holds, roughly.
    pub fn size(&self) -> usize {
        std::mem::size_of::<Self>()
            + self.values.iter().map(|(_, v)| v.len() + std::mem::size_of::<(Field, Box<str>)>()).sum::<usize>()
    }
}

/// The starts of an event's processes, as far as they are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lineage {
    pub process: Option<Arc<Start>>,
    pub parent: Option<Arc<Start>>,
    pub target: Option<Arc<Start>>,
}

impl Lineage {
    fn get(&self, whose: Whose) -> Option<&Start> {
        match whose {
            Whose::Process => self.process.as_deref(),
            Whose::Parent => self.parent.as_deref(),
            Whose::Target => self.target.as_deref(),
        }
    }
}

/// GUID of the process that acts.
pub fn process_of(event: &Event) -> Option<&str> {
    event.get(Field::ProcessGuid).or_else(|| event.get(Field::SourceProcessGuid))
}

/// GUID of the process acted on.
pub fn target_of(event: &Event) -> Option<&str> {
    event.get(Field::TargetProcessGuid)
}

/// GUID of the parent; `process` is the start of the event's process, where that is another event.
pub fn parent_of<'a>(event: &'a Event, process: Option<&'a Start>) -> Option<&'a str> {
    if event.code == 1 { event.get(Field::ParentProcessGuid) } else { process?.parent() }
}

/// Whether an event lacks a value that a rule asks.
pub fn lacks(event: &Event, join: &Join) -> bool {
    let key = join.key();
    !event.data.iter().any(|(k, _)| same(k, &key))
}

fn same(own: &Key, asked: &Key) -> bool {
    match (own, asked) {
        (Key::Other(a), Key::Other(b)) => crate::event::text::fold(a) == **b,
        (own, asked) => own == asked,
    }
}

/// The event with everything that can be joined behind its own data, and the names of that.
pub fn joined(event: &Event, lineage: &Lineage) -> (Event, Vec<&'static str>) {
    let (mut out, mut names) = (event.clone(), Vec::new());
    for join in Join::of(event.code).filter(|j| lacks(event, j)) {
        if let Some(value) = lineage.get(join.whose).and_then(|s| s.get(join.from)) {
            out.data.push((join.key(), value.into()));
            names.push(join.name);
        }
    }
    (out, names)
}
