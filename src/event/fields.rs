//! The one table of fields: Sysmon's own name, type, where it comes from, its ECS name.
//!
//! Names and order of `Data` fields follow the Sysmon manifest, schema 4.91. The order is part of the
//! stored form: new fields go to the end.

/// How the text of a field is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Type {
    Text,
    /// Decimal number, `u64`.
    UInt,
    /// `true` or `false`.
    Bool,
    /// `{lower-case}` GUID in braces.
    Guid,
    /// `0x` and lower-case hexadecimal.
    Hex,
    /// IPv4 or IPv6 address; v4-mapped addresses are folded to IPv4.
    Ip,
    /// `2021-10-20 13:39:10.123`, UTC.
    Time,
}

/// Where the value of a field comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// `EventData`.
    Data,
    /// The `System` section.
    System,
    /// Computed from `EventData`; see [`super::Event::values`].
    Derived,
}

macro_rules! fields {
    ($($name:ident $text:literal $ty:ident $src:ident $ecs:literal;)*) => {
        /// A field that Sysmon, the `System` section, or this product defines.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Field { $($name),* }

        const TABLE: &[(Field, &str, Type, Source, &str)] =
            &[$((Field::$name, $text, Type::$ty, Source::$src, $ecs)),*];
    };
}

fields! {
    RuleName "RuleName" Text Data "rule.name";
    UtcTime "UtcTime" Time Data "@timestamp";
    ProcessGuid "ProcessGuid" Guid Data "process.entity_id";
    ProcessId "ProcessId" UInt Data "process.pid";
    Image "Image" Text Data "process.executable";
    FileVersion "FileVersion" Text Data "process.pe.file_version";
    Description "Description" Text Data "process.pe.description";
    Product "Product" Text Data "process.pe.product";
    Company "Company" Text Data "process.pe.company";
    OriginalFileName "OriginalFileName" Text Data "process.pe.original_file_name";
    CommandLine "CommandLine" Text Data "process.command_line";
    CurrentDirectory "CurrentDirectory" Text Data "process.working_directory";
    User "User" Text Data "user.name";
    LogonGuid "LogonGuid" Guid Data "";
    LogonId "LogonId" Hex Data "";
    TerminalSessionId "TerminalSessionId" UInt Data "";
    IntegrityLevel "IntegrityLevel" Text Data "";
    Hashes "Hashes" Text Data "";
    ParentProcessGuid "ParentProcessGuid" Guid Data "process.parent.entity_id";
    ParentProcessId "ParentProcessId" UInt Data "process.parent.pid";
    ParentImage "ParentImage" Text Data "process.parent.executable";
    ParentCommandLine "ParentCommandLine" Text Data "process.parent.command_line";
    ParentUser "ParentUser" Text Data "process.parent.user.name";
    TargetFilename "TargetFilename" Text Data "file.path";
    CreationUtcTime "CreationUtcTime" Time Data "file.created";
    PreviousCreationUtcTime "PreviousCreationUtcTime" Time Data "";
    Protocol "Protocol" Text Data "network.transport";
    Initiated "Initiated" Bool Data "";
    SourceIsIpv6 "SourceIsIpv6" Bool Data "";
    SourceIp "SourceIp" Ip Data "source.ip";
    SourceHostname "SourceHostname" Text Data "source.domain";
    SourcePort "SourcePort" UInt Data "source.port";
    SourcePortName "SourcePortName" Text Data "";
    DestinationIsIpv6 "DestinationIsIpv6" Bool Data "";
    DestinationIp "DestinationIp" Ip Data "destination.ip";
    DestinationHostname "DestinationHostname" Text Data "destination.domain";
    DestinationPort "DestinationPort" UInt Data "destination.port";
    DestinationPortName "DestinationPortName" Text Data "network.protocol";
    State "State" Text Data "";
    Version "Version" Text Data "";
    SchemaVersion "SchemaVersion" Text Data "";
    ImageLoaded "ImageLoaded" Text Data "file.path";
    Signed "Signed" Bool Data "file.code_signature.signed";
    Signature "Signature" Text Data "file.code_signature.subject_name";
    SignatureStatus "SignatureStatus" Text Data "file.code_signature.status";
    SourceProcessGuid "SourceProcessGuid" Guid Data "process.entity_id";
    SourceProcessId "SourceProcessId" UInt Data "process.pid";
    SourceThreadId "SourceThreadId" UInt Data "process.thread.id";
    SourceImage "SourceImage" Text Data "process.executable";
    TargetProcessGuid "TargetProcessGuid" Guid Data "";
    TargetProcessId "TargetProcessId" UInt Data "";
    TargetImage "TargetImage" Text Data "";
    NewThreadId "NewThreadId" UInt Data "";
    StartAddress "StartAddress" Text Data "";
    StartModule "StartModule" Text Data "";
    StartFunction "StartFunction" Text Data "";
    SourceUser "SourceUser" Text Data "user.name";
    TargetUser "TargetUser" Text Data "";
    Device "Device" Text Data "file.path";
    GrantedAccess "GrantedAccess" Hex Data "";
    CallTrace "CallTrace" Text Data "";
    EventType "EventType" Text Data "";
    TargetObject "TargetObject" Text Data "registry.path";
    Details "Details" Text Data "registry.data.strings";
    NewName "NewName" Text Data "";
    Hash "Hash" Text Data "";
    Contents "Contents" Text Data "";
    Configuration "Configuration" Text Data "";
    ConfigurationFileHash "ConfigurationFileHash" Text Data "";
    PipeName "PipeName" Text Data "file.name";
    Operation "Operation" Text Data "";
    EventNamespace "EventNamespace" Text Data "";
    Name "Name" Text Data "";
    Query "Query" Text Data "";
    Type "Type" Text Data "";
    Destination "Destination" Text Data "";
    Consumer "Consumer" Text Data "";
    Filter "Filter" Text Data "";
    QueryName "QueryName" Text Data "dns.question.name";
    QueryStatus "QueryStatus" Text Data "sysmon.dns.status";
    QueryResults "QueryResults" Text Data "";
    IsExecutable "IsExecutable" Bool Data "sysmon.file.is_executable";
    Archived "Archived" Text Data "sysmon.file.archived";
    Session "Session" UInt Data "";
    ClientInfo "ClientInfo" Text Data "";
    Id "ID" Text Data "error.code";
    // System section
    Computer "Computer" Text System "host.name";
    Channel "Channel" Text System "winlog.channel";
    Provider "Provider" Text System "event.provider";
    EventId "EventID" UInt System "event.code";
    EventVersion "EventVersion" UInt System "winlog.version";
    EventRecordId "EventRecordID" UInt System "winlog.record_id";
    Level "Level" UInt System "";
    Task "Task" UInt System "";
    TimeCreated "TimeCreated" Time System "event.created";
    ExecutionProcessId "ExecutionProcessID" UInt System "winlog.process.pid";
    ExecutionThreadId "ExecutionThreadID" UInt System "winlog.process.thread.id";
    UserId "UserID" Text System "winlog.user.identifier";
    // Computed
    HashValue "HashValue" Text Derived "related.hash";
    Md5 "MD5" Text Derived "process.hash.md5";
    Sha1 "SHA1" Text Derived "process.hash.sha1";
    Sha256 "SHA256" Text Derived "process.hash.sha256";
    Imphash "IMPHASH" Text Derived "process.pe.imphash";
    ResolvedIp "ResolvedIp" Ip Derived "dns.resolved_ip";
    RegistryKey "RegistryKey" Text Derived "registry.key";
    RegistryValueName "RegistryValueName" Text Derived "registry.value";
    Opcode "Opcode" UInt System "";
    Keywords "Keywords" Hex System "";
}

impl Field {
    pub const COUNT: usize = TABLE.len();

    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|r| r.0)
    }
    /// The name in API, rules and documents.
    pub const fn name(self) -> &'static str {
        TABLE[self as usize].1
    }
    pub const fn ty(self) -> Type {
        TABLE[self as usize].2
    }
    pub const fn source(self) -> Source {
        TABLE[self as usize].3
    }
    /// Dotted ECS name, empty where ECS has none.
    pub const fn ecs(self) -> &'static str {
        TABLE[self as usize].4
    }
    /// Position in the table, also the stored number of the field.
    pub const fn index(self) -> usize {
        self as usize
    }
    pub fn from_index(i: usize) -> Option<Self> {
        TABLE.get(i).map(|r| r.0)
    }
    /// Case-insensitive (`SourceProcessGUID` of code 10 is `SourceProcessGuid`).
    pub fn parse(name: &str) -> Option<Self> {
        use std::{collections::HashMap, sync::OnceLock};
        static BY_NAME: OnceLock<HashMap<String, Field>> = OnceLock::new();
        static EXACT: OnceLock<HashMap<&'static str, Field>> = OnceLock::new();
        let exact = EXACT.get_or_init(|| Self::all().map(|f| (f.name(), f)).collect());
        if let Some(f) = exact.get(name) {
            return Some(*f);
        }
        BY_NAME
            .get_or_init(|| Self::all().map(|f| (f.name().to_ascii_lowercase(), f)).collect())
            .get(&name.to_ascii_lowercase())
            .copied()
    }
    /// A field of `EventData`, by Sysmon's name.
    pub fn parse_data(name: &str) -> Option<Self> {
        Self::parse(name).filter(|f| f.source() == Source::Data)
    }
}
