//! The one table of event codes. Source: Sysmon manifest, schema 4.91; Sigma taxonomy for `category`.
use super::fields::Field::{self, *};

/// The coarse kind of an event code, for statistics and time lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Category {
    Process,
    File,
    Registry,
    Network,
    Dns,
    Image,
    Pipe,
    Wmi,
    Other,
}

impl Category {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::File => "file",
            Self::Registry => "registry",
            Self::Network => "network",
            Self::Dns => "dns",
            Self::Image => "image",
            Self::Pipe => "pipe",
            Self::Wmi => "wmi",
            Self::Other => "other",
        }
    }
}

/// One Sysmon event code.
#[derive(Debug)]
pub struct EventCode {
    /// Sysmon's number: `event.code`, `System/EventID`.
    pub code: u32,
    /// Rule tag of the Sysmon configuration, or the manifest's name where there is none.
    pub name: &'static str,
    pub category: Category,
    /// Sigma logsource categories that this code serves.
    pub sigma: &'static [&'static str],
    /// Fields in the order of `EventData`, newest version of the event.
    pub fields: &'static [Field],
}

impl EventCode {
    /// `None` for a code that the manifest does not have; such events are kept all the same.
    pub fn get(code: u32) -> Option<&'static Self> {
        CODES.iter().find(|c| c.code == code)
    }
    pub fn all() -> &'static [Self] {
        CODES
    }
}

macro_rules! codes {
    ($($code:literal $name:literal $cat:ident [$($sigma:literal),*] [$($f:ident)*];)*) => {
        const CODES: &[EventCode] = &[$(EventCode {
            code: $code, name: $name, category: Category::$cat, sigma: &[$($sigma),*], fields: &[$($f),*],
        }),*];
    };
}

codes! {
    1 "ProcessCreate" Process ["process_creation"] [RuleName UtcTime ProcessGuid ProcessId Image FileVersion Description Product Company OriginalFileName CommandLine CurrentDirectory User LogonGuid LogonId TerminalSessionId IntegrityLevel Hashes ParentProcessGuid ParentProcessId ParentImage ParentCommandLine ParentUser];
    2 "FileCreateTime" File ["file_change"] [RuleName UtcTime ProcessGuid ProcessId Image TargetFilename CreationUtcTime PreviousCreationUtcTime User];
    3 "NetworkConnect" Network ["network_connection"] [RuleName UtcTime ProcessGuid ProcessId Image User Protocol Initiated SourceIsIpv6 SourceIp SourceHostname SourcePort SourcePortName DestinationIsIpv6 DestinationIp DestinationHostname DestinationPort DestinationPortName];
    4 "ServiceStateChange" Other ["sysmon_status"] [UtcTime State Version SchemaVersion];
    5 "ProcessTerminate" Process ["process_termination"] [RuleName UtcTime ProcessGuid ProcessId Image User];
    6 "DriverLoad" Image ["driver_load"] [RuleName UtcTime ImageLoaded Hashes Signed Signature SignatureStatus];
    7 "ImageLoad" Image ["image_load"] [RuleName UtcTime ProcessGuid ProcessId Image ImageLoaded FileVersion Description Product Company OriginalFileName Hashes Signed Signature SignatureStatus User];
    8 "CreateRemoteThread" Process ["create_remote_thread"] [RuleName UtcTime SourceProcessGuid SourceProcessId SourceImage TargetProcessGuid TargetProcessId TargetImage NewThreadId StartAddress StartModule StartFunction SourceUser TargetUser];
    9 "RawAccessRead" File ["raw_access_thread"] [RuleName UtcTime ProcessGuid ProcessId Image Device User];
    10 "ProcessAccess" Process ["process_access"] [RuleName UtcTime SourceProcessGuid SourceProcessId SourceThreadId SourceImage TargetProcessGuid TargetProcessId TargetImage GrantedAccess CallTrace SourceUser TargetUser];
    11 "FileCreate" File ["file_event"] [RuleName UtcTime ProcessGuid ProcessId Image TargetFilename CreationUtcTime User];
    12 "RegistryKey" Registry ["registry_event", "registry_add", "registry_delete"] [RuleName EventType UtcTime ProcessGuid ProcessId Image TargetObject User];
    13 "RegistrySetValue" Registry ["registry_event", "registry_set"] [RuleName EventType UtcTime ProcessGuid ProcessId Image TargetObject Details User];
    14 "RegistryRename" Registry ["registry_event", "registry_rename"] [RuleName EventType UtcTime ProcessGuid ProcessId Image TargetObject NewName User];
    15 "FileCreateStreamHash" File ["create_stream_hash"] [RuleName UtcTime ProcessGuid ProcessId Image TargetFilename CreationUtcTime Hash Contents User];
    16 "ServiceConfigurationChange" Other ["sysmon_status"] [UtcTime Configuration ConfigurationFileHash];
    17 "PipeCreated" Pipe ["pipe_created"] [RuleName EventType UtcTime ProcessGuid ProcessId PipeName Image User];
    18 "PipeConnected" Pipe ["pipe_created"] [RuleName EventType UtcTime ProcessGuid ProcessId PipeName Image User];
    19 "WmiFilter" Wmi ["wmi_event"] [RuleName EventType UtcTime Operation User EventNamespace Name Query];
    20 "WmiConsumer" Wmi ["wmi_event"] [RuleName EventType UtcTime Operation User Name Type Destination];
    21 "WmiBinding" Wmi ["wmi_event"] [RuleName EventType UtcTime Operation User Consumer Filter];
    22 "DnsQuery" Dns ["dns_query"] [RuleName UtcTime ProcessGuid ProcessId QueryName QueryStatus QueryResults Image User];
    23 "FileDelete" File ["file_delete"] [RuleName UtcTime ProcessGuid ProcessId User Image TargetFilename Hashes IsExecutable Archived];
    24 "ClipboardChange" Other ["clipboard_capture"] [RuleName UtcTime ProcessGuid ProcessId Image Session ClientInfo Hashes Archived User];
    25 "ProcessTampering" Process ["process_tampering"] [RuleName UtcTime ProcessGuid ProcessId Image Type User];
    26 "FileDeleteDetected" File ["file_delete", "file_delete_detected"] [RuleName UtcTime ProcessGuid ProcessId User Image TargetFilename Hashes IsExecutable];
    27 "FileBlockExecutable" File ["file_block_executable"] [RuleName UtcTime ProcessGuid ProcessId User Image TargetFilename Hashes];
    28 "FileBlockShredding" File ["file_block_shredding"] [RuleName UtcTime ProcessGuid ProcessId User Image TargetFilename Hashes IsExecutable];
    29 "FileExecutableDetected" File ["file_executable_detected"] [RuleName UtcTime ProcessGuid ProcessId User Image TargetFilename Hashes];
    255 "Error" Other ["sysmon_error"] [UtcTime Id Description];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_manifest_is_there_once() {
        let codes: Vec<u32> = EventCode::all().iter().map(|c| c.code).collect();
        let expected: Vec<u32> = (1..=29).chain([255]).collect();
        assert_eq!(codes, expected);
        assert!(EventCode::all().iter().all(|c| c.fields.contains(&UtcTime)));
    }
}
