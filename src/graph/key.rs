//! Natural keys: how the value of an event becomes the identity of a node.
//!
//! `host` is always in normal form ([`crate::event::normal_host`]); everything else is normalised here.
use super::{
    model::{NodeId, NodeKind},
    property::Prop,
};
use crate::event::{normal_host, text};
use std::{borrow::Cow, net::IpAddr};

impl NodeId {
    pub fn host(name: &str) -> Self {
        Self::new(NodeKind::Host, &[&normal_host(name)])
    }
    /// By ProcessGuid, in any writing; it is unique over all hosts.
    pub fn process(guid: &str) -> Self {
        let plain = guid.trim().trim_start_matches('{').trim_end_matches('}');
        Self::new(NodeKind::Process, &[&text::fold(plain)])
    }
    /// Where no ProcessGuid was recorded. Processes that reuse the number of one another are not told apart.
    pub fn process_by_number(host: &str, pid: &str, image: &str) -> Self {
        Self::new(NodeKind::Process, &[host, pid, &path_key(image)])
    }
    /// `DOMAIN\name` or SID.
    pub fn user(name: &str) -> Self {
        Self::new(NodeKind::User, &[&text::fold(name.trim())])
    }
    /// By LogonGuid, or by LogonId where there is none.
    pub fn logon_session(host: &str, logon: &str) -> Self {
        Self::new(NodeKind::LogonSession, &[host, &text::fold(logon)])
    }
    pub fn file(host: &str, path: &str) -> Self {
        Self::new(NodeKind::File, &[host, &path_key(path)])
    }
    /// Content by one hash. `algorithm` as Sysmon writes it (`SHA256`).
    pub fn hash(algorithm: &str, value: &str) -> Self {
        Self::new(NodeKind::Binary, &[&text::fold(algorithm), &text::fold(value.trim())])
    }
    /// `path` with the name of the stream: `C:\a.exe:Zone.Identifier`.
    pub fn stream(host: &str, path: &str) -> Self {
        Self::new(NodeKind::Stream, &[host, &path_key(path)])
    }
    pub fn signer(name: &str) -> Self {
        Self::new(NodeKind::Signer, &[&text::fold(name.trim())])
    }
    pub fn registry_key(host: &str, key: &str) -> Self {
        Self::new(NodeKind::RegistryKey, &[host, &text::fold(&registry_path(key))])
    }
    pub fn registry_value(host: &str, key: &str, name: &str) -> Self {
        Self::new(NodeKind::RegistryValue, &[host, &text::fold(&registry_path(key)), &text::fold(name)])
    }
    /// `None` when it is no address.
    pub fn ip(address: &str) -> Option<Self> {
        text::ip(address).map(Self::of_ip)
    }
    pub fn of_ip(address: IpAddr) -> Self {
        Self::new(NodeKind::IpAddress, &[&text::canonical_ip(address).to_string()])
    }
    /// `None` when nothing is left of the name, or it is an address.
    pub fn domain(name: &str) -> Option<Self> {
        domain_name(name).map(|n| Self::new(NodeKind::Domain, &[&n]))
    }
    /// A named pipe. Anonymous ones are told apart by the process that has them: [`Self::anonymous_pipe`].
    pub fn pipe(host: &str, name: &str) -> Self {
        Self::new(NodeKind::Pipe, &[host, &text::fold(name)])
    }
    /// The anonymous pipes of one process.
    pub fn anonymous_pipe(host: &str, process: Self) -> Self {
        Self::new(NodeKind::Pipe, &[host, "", &process.to_string()])
    }
    pub fn wmi_filter(host: &str, name: &str) -> Self {
        Self::new(NodeKind::WmiFilter, &[host, &text::fold(name)])
    }
    /// `class` as in a binding (`CommandLineEventConsumer`) or in a consumer's event (`Command Line`).
    pub fn wmi_consumer(host: &str, class: &str, name: &str) -> Self {
        Self::new(NodeKind::WmiConsumer, &[host, &consumer_class(class), &text::fold(name)])
    }
    pub fn device(host: &str, device: &str) -> Self {
        Self::new(NodeKind::Device, &[host, &text::fold(device)])
    }
    pub fn clipboard(host: &str, session: &str, hash: &str) -> Self {
        Self::new(NodeKind::Clipboard, &[host, session, &text::fold(hash)])
    }
    pub fn sysmon_config(hash: &str) -> Self {
        Self::new(NodeKind::SysmonConfig, &[&text::fold(hash)])
    }
    /// A configuration without a recorded hash: known by its text, on one host.
    pub fn sysmon_config_text(host: &str, configuration: &str) -> Self {
        Self::new(NodeKind::SysmonConfig, &[host, &text::fold(configuration.trim())])
    }
}

/// The node of the same name on another host; `None` for what has no name of its own, such as a process.
pub fn on_host(kind: NodeKind, properties: &super::model::Properties, host: &str) -> Option<NodeId> {
    let get = |p: Prop| properties.get(p.as_str()).map(String::as_str);
    Some(match kind {
        NodeKind::File => NodeId::file(host, get(Prop::Path)?),
        NodeKind::Stream => NodeId::stream(host, get(Prop::Path)?),
        NodeKind::RegistryKey => NodeId::registry_key(host, get(Prop::Key)?),
        NodeKind::RegistryValue => NodeId::registry_value(host, get(Prop::Key)?, get(Prop::ValueName)?),
        NodeKind::Pipe if get(Prop::Anonymous).is_none() => NodeId::pipe(host, get(Prop::Name)?),
        NodeKind::WmiFilter => NodeId::wmi_filter(host, get(Prop::Name)?),
        NodeKind::WmiConsumer => NodeId::wmi_consumer(host, get(Prop::Type)?, get(Prop::Name)?),
        NodeKind::Device => NodeId::device(host, get(Prop::Device)?),
        _ => return None,
    })
}

/// Nodes that a text can be the name of, wherever they are: a host, user, address, domain, hash, ProcessGuid, signer.
pub fn named(text: &str) -> Vec<NodeId> {
    let text = text.trim();
    let mut ids = vec![NodeId::host(text), NodeId::user(text), NodeId::signer(text)];
    ids.extend(NodeId::ip(text));
    ids.extend(NodeId::domain(text));
    let plain = text.trim_start_matches('{').trim_end_matches('}');
    if uuid::Uuid::parse_str(plain).is_ok() {
        ids.push(NodeId::process(text));
    }
    let (named, value) = text.split_once(['=', ':']).unwrap_or(("", text));
    if value.bytes().all(|b| b.is_ascii_hexdigit()) {
        let algorithm = match value.len() {
            32 => Some("MD5"),
            40 => Some("SHA1"),
            64 => Some("SHA256"),
            _ => None,
        };
        ids.extend(
            algorithm
                .filter(|a| named.is_empty() || text::fold(a) == text::fold(named))
                .map(|a| NodeId::hash(a, value)),
        );
    }
    ids
}

/// Nodes of one host that a text can be the name of: file, stream, registry key or value, pipe.
pub fn named_on(host: &str, text: &str) -> Vec<NodeId> {
    let text = text.trim();
    if !text.contains(['\\', '/']) {
        return Vec::new();
    }
    let mut ids = vec![NodeId::file(host, text), NodeId::stream(host, text), NodeId::registry_key(host, text)];
    ids.extend(text.rsplit_once('\\').map(|(key, name)| NodeId::registry_value(host, key, name)));
    ids.extend(text.starts_with('\\').then(|| NodeId::pipe(host, text)));
    ids.push(NodeId::device(host, text));
    ids
}

/// A path as shown: without quotes and the prefixes that only switch off parsing (`\\?\`, `\??\`).
/// Device paths stay as they are.
pub fn path(text: &str) -> Cow<'_, str> {
    let text = text.trim().trim_matches('"');
    for prefix in [r"\\?\UNC\", r"\\?\unc\", r"\??\UNC\"] {
        if let Some(rest) = text.strip_prefix(prefix) {
            return Cow::Owned(format!(r"\\{rest}"));
        }
    }
    let text = text.strip_prefix(r"\\?\").or_else(|| text.strip_prefix(r"\??\")).unwrap_or(text);
    let windows = text.starts_with('\\') || text.as_bytes().get(1) == Some(&b':');
    if windows && text.contains('/') {
        return Cow::Owned(text.replace('/', r"\"));
    }
    Cow::Borrowed(text)
}

/// What tells two paths apart: Windows does not look at case, Linux does.
fn path_key(text: &str) -> String {
    let p = path(text);
    if p.starts_with('/') { p.into_owned() } else { text::fold(&p) }
}

/// A path with a directory in it: not `System`, `Registry` or `<unknown process>`.
pub fn is_path(text: &str) -> bool {
    text.contains(['\\', '/']) && !text.starts_with('<')
}

/// One writing of the roots: Sysmon's `HKLM\`, `HKU\`, `HKCR\`.
pub fn registry_path(key: &str) -> Cow<'_, str> {
    const ROOTS: [(&str, &str); 6] = [
        (r"\registry\machine\", r"HKLM\"),
        (r"\registry\user\", r"HKU\"),
        (r"hkey_local_machine\", r"HKLM\"),
        (r"hkey_users\", r"HKU\"),
        (r"hkey_classes_root\", r"HKCR\"),
        (r"hkey_current_user\", r"HKCU\"),
    ];
    let key = key.trim();
    for (long, short) in ROOTS {
        if let Some(head) = key.get(..long.len())
            && head.eq_ignore_ascii_case(long)
        {
            return Cow::Owned(format!("{short}{}", &key[long.len()..]));
        }
    }
    Cow::Borrowed(key)
}

/// Lower case, without the root's dot.
pub fn domain_name(name: &str) -> Option<String> {
    let name = name.trim().trim_end_matches('.');
    (!name.is_empty() && text::ip(name).is_none()).then(|| text::fold(name))
}

/// `Command Line`, `CommandLineEventConsumer` -> `commandline`.
pub fn consumer_class(class: &str) -> String {
    let folded: String = text::fold(class).chars().filter(|c| c.is_alphanumeric()).collect();
    let plain = folded.strip_suffix("eventconsumer").unwrap_or(&folded);
    if plain == "script" { "activescript".to_owned() } else { plain.to_owned() }
}

/// Whether the processes, files, … of this kind belong to one host. The others join hosts.
pub const fn is_shared(kind: NodeKind) -> bool {
    matches!(
        kind,
        NodeKind::User
            | NodeKind::Binary
            | NodeKind::Signer
            | NodeKind::IpAddress
            | NodeKind::Domain
            | NodeKind::SysmonConfig
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writings_of_one_thing_are_one_node() {
        let h = "a.example";
        for other in [r"\\?\C:\Windows\X.exe", r"\??\c:\windows\x.EXE", r"C:/Windows/x.exe", "\"C:\\Windows\\x.exe\""] {
            assert_eq!(NodeId::file(h, r"C:\Windows\x.exe"), NodeId::file(h, other), "{other}");
        }
        assert_eq!(NodeId::file(h, r"\\srv\c$\a"), NodeId::file(h, r"\\?\UNC\SRV\c$\a"));
        assert_ne!(NodeId::file(h, "/opt/a"), NodeId::file(h, "/opt/A"));
        assert_ne!(NodeId::file(h, r"\Device\HarddiskVolume1\a"), NodeId::file(h, r"C:\a"));
        assert_eq!(NodeId::ip("::ffff:10.0.0.1"), NodeId::ip("10.0.0.1"));
        assert_eq!(NodeId::ip("host"), None);
        assert_eq!(NodeId::domain("Example.ORG."), NodeId::domain("example.org"));
        assert_eq!(NodeId::domain("10.0.0.1"), None);
        assert_eq!(NodeId::registry_key(h, r"\REGISTRY\MACHINE\Software"), NodeId::registry_key(h, r"HKLM\SOFTWARE"));
        assert_eq!(
            NodeId::wmi_consumer(h, "Command Line", "X"),
            NodeId::wmi_consumer(h, "CommandLineEventConsumer", "x")
        );
        assert_eq!(NodeId::wmi_consumer(h, "Script", "X"), NodeId::wmi_consumer(h, "ActiveScriptEventConsumer", "X"));
        assert_eq!(
            NodeId::process("{ABCDEF00-0000-0000-0000-000000000001}"),
            NodeId::process("abcdef00-0000-0000-0000-000000000001")
        );
        assert_eq!(NodeId::host("PC1.example."), NodeId::host("pc1.EXAMPLE"));
    }
}
