//! Nodes and edges: kinds, identity, properties.
use super::{Link, Seen};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};
use uuid::Uuid;

/// Namespace of node ids; part of the stored form, never to be changed.
const NAMESPACE: Uuid = Uuid::from_u128(0x3d7c_51f0_94b2_5e0d_8f6b_77aa_1c02_4e95);

macro_rules! kinds {
    ($(#[$m:meta])* $name:ident { $($variant:ident $text:literal,)* }) => {
        $(#[$m])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[repr(u8)]
        pub enum $name { $($variant),* }
        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
            /// By its stored number.
            pub fn from_number(n: i64) -> Option<Self> {
                usize::try_from(n).ok().and_then(|n| Self::ALL.get(n)).copied()
            }
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|k| k.as_str() == text)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.as_str()) }
        }
    };
}

kinds! {
    /// Kind of a node: the label in Neo4j. New kinds go to the end: the number is stored.
    NodeKind {
        Host "Host",
        Process "Process",
        User "User",
        LogonSession "LogonSession",
        File "File",
        Binary "Binary",
        Stream "Stream",
        Signer "Signer",
        RegistryKey "RegistryKey",
        RegistryValue "RegistryValue",
        IpAddress "IpAddress",
        Domain "Domain",
        Pipe "Pipe",
        WmiFilter "WmiFilter",
        WmiConsumer "WmiConsumer",
        Device "Device",
        Clipboard "Clipboard",
        SysmonConfig "SysmonConfig",
    }
}

kinds! {
    /// Type of an edge: the relation in Neo4j. New types go to the end: the number is stored.
    EdgeType {
        Spawned "SPAWNED",
        Executed "EXECUTED",
        HasHash "HAS_HASH",
        RanAs "RAN_AS",
        InSession "IN_SESSION",
        On "ON",
        ChangedTime "CHANGED_TIME",
        Connected "CONNECTED",
        AcceptedFrom "ACCEPTED_FROM",
        Named "NAMED",
        Of "OF",
        TalkedTo "TALKED_TO",
        LoadedDriver "LOADED_DRIVER",
        Loaded "LOADED",
        SignedBy "SIGNED_BY",
        CreatedThreadIn "CREATED_THREAD_IN",
        RawRead "RAW_READ",
        Accessed "ACCESSED",
        Created "CREATED",
        CreatedKey "CREATED_KEY",
        DeletedKey "DELETED_KEY",
        CreatedValue "CREATED_VALUE",
        DeletedValue "DELETED_VALUE",
        Set "SET",
        In "IN",
        RefersTo "REFERS_TO",
        Renamed "RENAMED",
        RenamedTo "RENAMED_TO",
        WroteStream "WROTE_STREAM",
        FromUrl "FROM_URL",
        UsesConfig "USES_CONFIG",
        CreatedPipe "CREATED_PIPE",
        ConnectedPipe "CONNECTED_PIPE",
        WmiCreated "WMI_CREATED",
        WmiModified "WMI_MODIFIED",
        WmiDeleted "WMI_DELETED",
        BoundTo "BOUND_TO",
        Queried "QUERIED",
        ResolvedTo "RESOLVED_TO",
        Cname "CNAME",
        Deleted "DELETED",
        CopiedToClipboard "COPIED_TO_CLIPBOARD",
        Tampered "TAMPERED",
        BlockedWriteExe "BLOCKED_WRITE_EXE",
        BlockedShred "BLOCKED_SHRED",
        CreatedExe "CREATED_EXE",
        ClipboardOf "CLIPBOARD_OF",
        ChangedKey "CHANGED_KEY",
    }
}

/// Identity of a node: its kind and a UUID v5 of its natural key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NodeId {
    pub kind: NodeKind,
    pub key: u128,
}

impl NodeId {
    /// `parts` are normalised by the caller ([`super::project`]).
    pub fn new(kind: NodeKind, parts: &[&str]) -> Self {
        let mut name = String::from(kind.as_str());
        for p in parts {
            name.push('\0');
            name.push_str(p);
        }
        Self { kind, key: Uuid::new_v5(&NAMESPACE, name.as_bytes()).as_u128() }
    }

    /// `Process:6ba7b810-…`
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, key) = text.split_once(':')?;
        Some(Self { kind: NodeKind::parse(kind)?, key: Uuid::parse_str(key).ok()?.as_u128() })
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, Uuid::from_u128(self.key).as_hyphenated())
    }
}

/// Properties by name (camelCase of the Sysmon field, e.g. `commandLine`), as text.
pub type Properties = BTreeMap<String, String>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub id: NodeId,
    /// What a person calls it: image name and pid, path, address, …
    pub label: String,
    /// Host (normal form) that it belongs to; `None` for shared nodes (hash, address, domain, …).
    pub host: Option<String>,
    pub seen: Seen,
    /// Known by reference only; its own event has not come (yet).
    pub inferred: bool,
    pub properties: Properties,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    pub from: NodeId,
    pub to: NodeId,
    pub edge: EdgeType,
    pub seen: Seen,
    pub properties: Properties,
}

impl Edge {
    pub const fn link(&self) -> Link {
        Link { from: self.from, edge: self.edge, to: self.to, seen: self.seen }
    }
}
