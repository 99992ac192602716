//! Enums of the rooms as GraphQL enums.
use crate::{catalog, event::condition, graph, store};
use async_graphql::Enum;

/// What a user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "catalog::Role")]
pub enum Role {
    /// Reads everything in his scope.
    Viewer,
    /// Also imports and changes rules.
    Analyst,
    /// Also manages users.
    Admin,
}

/// Language of what the server says about an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Enum)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Japanese.
    Ja,
}

/// State of an import job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "catalog::JobState")]
pub enum JobState {
    /// Still importing.
    Running,
    /// Finished, and what it stored can be searched; there may be issues.
    Done,
    /// Ended by an error; `message` says why.
    Failed,
    /// Ended by a person.
    Cancelled,
}

/// How values are compared, case-insensitively. A list of values means any of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "condition::Operator")]
pub enum Operator {
    /// The whole value.
    Equals,
    /// A part of the value.
    Contains,
    /// The beginning of the value.
    StartsWith,
    /// The end of the value.
    EndsWith,
    /// `*` any text, `?` one character, `\` escapes.
    Wildcard,
    /// Regular expression, found anywhere unless anchored: literals, classes, groups, alternation, greedy
    /// quantifiers, `^` and `$`.
    Regex,
    /// Addresses inside a network such as 10.0.0.0/8.
    Cidr,
    /// Greater than a number or time.
    Gt,
    /// Greater than or equal to a number or time.
    Gte,
    /// Less than a number or time.
    Lt,
    /// Less than or equal to a number or time.
    Lte,
    /// The field is there, whatever its value; takes no values.
    Exists,
}

/// Order of a list of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum EventOrder {
    /// By time, newest first.
    NewestFirst,
    /// By time, oldest first.
    OldestFirst,
}

/// Order of values of fields; ties by value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "store::ValueOrder")]
pub enum ValueOrder {
    /// By the number of events.
    Events,
    /// By the number of hosts.
    Hosts,
    /// By the time of the first event.
    FirstSeen,
    /// By the time of the last event.
    LastSeen,
    /// By the number of events of the baseline.
    Baseline,
    /// By the number of events less that of the baseline.
    Change,
    /// By the value itself.
    Value,
}

/// Order of a list of hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Enum)]
pub enum HostOrder {
    /// By name.
    #[default]
    Name,
    /// By the number of events in the period.
    Events,
    /// By the time of the first event in the period.
    FirstSeen,
    /// By the time of the last event in the period.
    LastSeen,
}

/// Order of the values of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "store::TermOrder")]
pub enum TermOrder {
    /// Most events first.
    Top,
    /// Fewest events first.
    Rare,
}

/// Direction of an edge, seen from a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "graph::Direction")]
pub enum Direction {
    /// From the node.
    Out,
    /// To the node.
    In,
}

/// Why a list of the graph is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum EmptyReason {
    /// There is nothing at all.
    NoData,
    /// There is something, but not in the period.
    OutOfPeriod,
    /// There is something, but not of the edge types or direction asked.
    Filtered,
    /// The host has never sent an event of the kinds that such edges are made of: its Sysmon may not log them.
    NotCollected,
    /// Both ends are there, but nothing leads from the one to the other in order of time within the length asked.
    NoPath,
}

/// What the neighbours of one group have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "graph::groups::Grouping")]
pub enum NeighbourGrouping {
    /// Kind of the node.
    Kind,
    /// Host of the node.
    Host,
    /// Last part of a path, image without process number, whole name of the rest.
    Name,
    /// Folder of a path, key above a key, network of an address (/24, /64), domain above a name.
    Place,
    /// Day (UTC) on which the edge was last seen.
    Day,
}

/// Kind of a node of the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "graph::NodeKind")]
pub enum NodeKind {
    /// A machine.
    Host,
    /// A process, by ProcessGuid.
    Process,
    /// An account.
    User,
    /// A logon session of a host.
    LogonSession,
    /// A file of a host, by path.
    File,
    /// A file content, by hash; joins hosts.
    Binary,
    /// An alternate data stream.
    Stream,
    /// Who signed a module or driver.
    Signer,
    /// A registry key of a host.
    RegistryKey,
    /// A registry value of a host.
    RegistryValue,
    /// An address; joins hosts.
    IpAddress,
    /// A domain name; joins hosts.
    Domain,
    /// A named pipe of a host.
    Pipe,
    /// A WMI event filter.
    WmiFilter,
    /// A WMI event consumer.
    WmiConsumer,
    /// A raw volume.
    Device,
    /// A clipboard content.
    Clipboard,
    /// A configuration of Sysmon, by hash.
    SysmonConfig,
}

/// Type of an edge of the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "graph::EdgeType")]
pub enum EdgeType {
    /// A process started a process.
    Spawned,
    /// A process ran a file.
    Executed,
    /// A file had this content.
    HasHash,
    /// A process ran under an account.
    RanAs,
    /// A process belonged to a logon session.
    InSession,
    /// Something is on a host.
    On,
    /// A process changed the creation time of a file.
    ChangedTime,
    /// A process connected to an address.
    Connected,
    /// A process accepted a connection from an address.
    AcceptedFrom,
    /// An address was known under a name.
    Named,
    /// Something belongs to something.
    Of,
    /// A process of one host talked to a process of another.
    TalkedTo,
    /// A host loaded a driver.
    LoadedDriver,
    /// A process loaded a module.
    Loaded,
    /// A file was signed by a signer.
    SignedBy,
    /// A process started a thread in another process.
    CreatedThreadIn,
    /// A process read a raw volume.
    RawRead,
    /// A process opened another process.
    Accessed,
    /// A process created a file.
    Created,
    /// A process created a registry key.
    CreatedKey,
    /// A process deleted a registry key.
    DeletedKey,
    /// A process created a registry value.
    CreatedValue,
    /// A process deleted a registry value.
    DeletedValue,
    /// A process set a registry value.
    Set,
    /// A registry value is in a key.
    In,
    /// A value or consumer names a file.
    RefersTo,
    /// A process renamed a registry key or value.
    Renamed,
    /// A registry key or value got a new name.
    RenamedTo,
    /// A process wrote an alternate data stream.
    WroteStream,
    /// A stream says that its file came from a domain.
    FromUrl,
    /// A host used a Sysmon configuration.
    UsesConfig,
    /// A process created a pipe.
    CreatedPipe,
    /// A process connected to a pipe.
    ConnectedPipe,
    /// A user created a WMI filter or consumer.
    WmiCreated,
    /// A user modified a WMI filter or consumer.
    WmiModified,
    /// A user deleted a WMI filter or consumer.
    WmiDeleted,
    /// A WMI filter was bound to a consumer.
    BoundTo,
    /// A process asked for a domain name.
    Queried,
    /// A domain name resolved to an address.
    ResolvedTo,
    /// A domain name is an alias of another.
    Cname,
    /// A process deleted a file.
    Deleted,
    /// A process put something on the clipboard.
    CopiedToClipboard,
    /// A process image was tampered with.
    Tampered,
    /// Sysmon blocked an executable that a process wrote.
    BlockedWriteExe,
    /// Sysmon blocked a process from shredding a file.
    BlockedShred,
    /// A process created an executable file.
    CreatedExe,
    /// A clipboard content belongs to a session's client.
    ClipboardOf,
    /// A process created, deleted or renamed a registry key; the record does not say which.
    ChangedKey,
}
