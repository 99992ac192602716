//! The noun: what a Sysmon record is. No I/O, no async.
//!
//! An [`Event`] is one record, whatever the shipper's layout was. [`EventBuilder`] makes it from raw
//! names and values and normalises: field names are Sysmon's, numbers decimal, GUIDs `{lower-case}`, and
//! what Sysmon writes for "nothing" (`-`, empty, zero GUID) is absent.
pub mod attack;
mod build;
pub mod codes;
pub mod condition;
pub mod correlated;
pub mod detection;
pub mod document;
pub mod fields;
pub mod indicator;
mod position;
pub mod text;
mod time;
mod values;

pub use build::{EventBuilder, Ordinals, arrange, normal_value};
pub use codes::{Category, EventCode};
pub use condition::Condition;
pub use fields::Field;
pub use position::{Fence, Position};
pub use time::{Period, Time};
pub use values::dns_answers;

use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};

/// Name of the Sysmon provider: what makes an event Sysmon's, not its number.
pub const SYSMON_PROVIDER: &str = "Microsoft-Windows-Sysmon";
/// GUID of the Sysmon provider, without braces, lower case.
pub const SYSMON_PROVIDER_GUID: &str = "5770385f-c22a-43e0-bf4c-06f5698ffbd9";
/// Provider of Sysmon for Linux: same codes and fields.
pub const SYSMON_LINUX_PROVIDER: &str = "Linux-Sysmon";
pub const SYSMON_CHANNEL: &str = "Microsoft-Windows-Sysmon/Operational";

/// Whether a provider name, in the spelling of [`System::provider`], is Sysmon's.
pub fn is_sysmon(provider: &str) -> bool {
    provider == SYSMON_PROVIDER || provider == SYSMON_LINUX_PROVIDER
}

/// Stable identity of one record (UUID v5). The same record imported twice has the same id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "uuid::Uuid", into = "uuid::Uuid")]
pub struct EventId(pub u128);

impl From<uuid::Uuid> for EventId {
    fn from(id: uuid::Uuid) -> Self {
        Self(id.as_u128())
    }
}

impl From<EventId> for uuid::Uuid {
    fn from(id: EventId) -> Self {
        Self::from_u128(id.0)
    }
}

impl EventId {
    pub fn parse(text: &str) -> Option<Self> {
        uuid::Uuid::parse_str(text).ok().map(Self::from)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        uuid::Uuid::from(*self).as_hyphenated().fmt(f)
    }
}

/// Name of a value: a known field, or any other name that a record brought.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    Field(Field),
    Other(Arc<str>),
}

impl Key {
    /// Known names are found case-insensitively.
    pub fn parse(name: &str) -> Self {
        Field::parse(name).map_or_else(|| Self::Other(name.into()), Self::Field)
    }
    pub fn name(&self) -> &str {
        match self {
            Self::Field(f) => f.name(),
            Self::Other(n) => n,
        }
    }
}

/// The `System` section of a record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct System {
    pub provider: Arc<str>,
    pub channel: Arc<str>,
    /// As written; [`Event::host`] is the normalised form.
    pub computer: Arc<str>,
    pub record_id: Option<u64>,
    pub version: Option<u32>,
    pub level: Option<u32>,
    pub task: Option<u32>,
    pub opcode: Option<u32>,
    pub keywords: Option<u64>,
    pub time_created: Option<Time>,
    pub process_id: Option<u32>,
    pub thread_id: Option<u32>,
    /// Account of the Sysmon service, not of the actor.
    pub user_id: Option<Arc<str>>,
}

/// One record. Made by [`EventBuilder`] only, so that `data` is always normalised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub id: EventId,
    /// Sysmon's number; see [`EventCode`].
    pub code: u32,
    /// `UtcTime`; where it is absent or unreadable, `TimeCreated`.
    pub time: Time,
    pub system: System,
    /// `EventData` in the order of the manifest, unknown names behind it in alphabetical order. No absent values.
    pub data: Vec<(Key, Box<str>)>,
}

impl Event {
    pub fn is_sysmon(&self) -> bool {
        is_sysmon(&self.system.provider)
    }

    /// Text of a field of `EventData`.
    pub fn get(&self, field: Field) -> Option<&str> {
        self.data.iter().find_map(|(k, v)| match k {
            Key::Field(f) if *f == field => Some(&**v),
            _ => None,
        })
    }

    /// Host in normal form: lower case, without a trailing dot. What [`crate::event::Scope`] and host filters compare.
    pub fn host(&self) -> String {
        normal_host(&self.system.computer)
    }

    /// Bytes that this event holds on the heap and off it, roughly; for bounds on memory.
    pub fn size(&self) -> usize {
        std::mem::size_of::<Self>()
            + self.data.iter().map(|(_, v)| v.len() + std::mem::size_of::<(Key, Box<str>)>()).sum::<usize>()
    }
}

/// Lower case, no trailing dot.
pub fn normal_host(name: &str) -> String {
    text::fold(name.trim().trim_end_matches('.'))
}

/// Which hosts a caller may see. Every store and graph verb takes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Scope {
    #[default]
    All,
    /// Normalised host names ([`normal_host`]); an empty list sees nothing, and events without a host are on none.
    Hosts(Arc<[String]>),
}

impl Scope {
    pub fn hosts(names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let mut v: Vec<String> = names.into_iter().map(|n| normal_host(n.as_ref())).filter(|n| !n.is_empty()).collect();
        v.sort();
        v.dedup();
        Self::Hosts(v.into())
    }
    /// `host` in normal form.
    pub fn allows(&self, host: &str) -> bool {
        match self {
            Self::All => true,
            Self::Hosts(h) => h.binary_search_by(|x| x.as_str().cmp(host)).is_ok(),
        }
    }
}
