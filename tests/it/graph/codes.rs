//! What each event code makes: one small event of each, its edges written down.
use super::{event, guid};
use std::collections::BTreeSet;
use sysmonsearch::{
    event::EventCode,
    graph::{
        NodeKind,
        batch::{Batch, label},
        project::{acting_process, project},
    },
};

const HOST: &str = "pc1.example";

/// `kind label EDGE kind label`, sorted.
fn edges(batch: &Batch) -> BTreeSet<String> {
    let name = |n: u32| {
        let node = &batch.nodes()[n as usize];
        let inferred = if node.facts.inferred { "?" } else { "" };
        format!("{}{inferred} {}", node.id.kind, label(node.id.kind, &node.facts.properties.texts()))
    };
    batch.edges().keys().map(|(from, edge, to)| format!("{} -{edge}-> {}", name(*from), name(*to))).collect()
}

/// Edges that one event makes. The acting process is `p.exe (7)`.
fn of(code: u32, data: &[(&str, &str)]) -> Vec<String> {
    let p = guid(7);
    let mut all = vec![("ProcessGuid", p.as_str()), ("ProcessId", "7"), ("Image", r"C:\bin\p.exe")];
    if matches!(code, 4 | 6 | 8 | 10 | 16 | 19 | 20 | 21 | 255) {
        all.clear();
    }
    all.extend(data);
    edges(&project(&[event(code, "PC1.example", 0, &all)])).into_iter().collect()
}

const MD5: &str = "0123456789abcdef0123456789abcdef";
const SHA1: &str = "0123456789abcdef0123456789abcdef01234567";
const SHA256: &str = "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef";

#[test]
fn every_code_makes_its_edges() {
    let (parent, target) = (guid(1), guid(9));
    let hashes = format!("MD5={MD5},SHA256={SHA256}");
    let sha256 = SHA256.to_ascii_lowercase();
    let file = |edge: &str, more: &[&str]| {
        let mut all = vec![format!(r"Process? p.exe (7) -{edge}-> File C:\new.txt")];
        all.extend(more.iter().map(|m| (*m).to_owned()));
        all.sort();
        all
    };
    let has_hash = format!(r"File C:\new.txt -HAS_HASH-> Binary {sha256}");
    let target_file = ("TargetFilename", r"C:\new.txt");
    let with_hash = [target_file, ("Hashes", hashes.as_str())];
    let other = [
        ("SourceProcessGUID", parent.as_str()),
        ("SourceImage", r"C:\a.exe"),
        ("SourceProcessId", "1"),
        ("TargetProcessGUID", target.as_str()),
        ("TargetImage", r"C:\b.exe"),
        ("TargetProcessId", "9"),
    ];
    let cases: Vec<(u32, Vec<String>, Vec<&str>)> = vec![
        (
            1,
            of(
                1,
                &[
                    ("ParentProcessGuid", &parent),
                    ("ParentProcessId", "1"),
                    ("ParentImage", r"C:\a.exe"),
                    ("User", r"CORP\Anna"),
                    ("LogonGuid", "{11111111-0000-0000-0000-000000000000}"),
                    ("LogonId", "0x3e7"),
                    ("Hashes", &hashes),
                ],
            ),
            vec![
                r"Process p.exe (7) -EXECUTED-> File C:\bin\p.exe",
                r"Process p.exe (7) -IN_SESSION-> LogonSession CORP\Anna 0x3e7",
                "Process p.exe (7) -ON-> Host pc1.example",
                r"Process p.exe (7) -RAN_AS-> User CORP\Anna",
                "Process? a.exe (1) -SPAWNED-> Process p.exe (7)",
                r"File C:\bin\p.exe -HAS_HASH-> Binary 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            ],
        ),
        (2, of(2, &[target_file]), vec![r"Process? p.exe (7) -CHANGED_TIME-> File C:\new.txt"]),
        (
            3,
            of(
                3,
                &[
                    ("Initiated", "true"),
                    ("Protocol", "tcp"),
                    ("SourceIp", "10.0.0.1"),
                    ("SourceHostname", "PC1.example"),
                    ("SourcePort", "50000"),
                    ("DestinationIp", "::ffff:8.8.8.8"),
                    ("DestinationHostname", "DNS.example."),
                    ("DestinationPort", "53"),
                ],
            ),
            vec![
                "IpAddress 10.0.0.1 -NAMED-> Domain pc1.example",
                "IpAddress 10.0.0.1 -OF-> Host pc1.example",
                "IpAddress 8.8.8.8 -NAMED-> Domain dns.example",
                "Process? p.exe (7) -CONNECTED-> IpAddress 8.8.8.8",
            ],
        ),
        (
            3,
            of(3, &[("Initiated", "false"), ("SourceIp", "10.0.0.2"), ("DestinationIp", "10.0.0.1")]),
            vec!["IpAddress 10.0.0.1 -OF-> Host pc1.example", "Process? p.exe (7) -ACCEPTED_FROM-> IpAddress 10.0.0.2"],
        ),
        (4, of(4, &[("State", "Started"), ("Version", "15.0"), ("SchemaVersion", "4.90")]), vec![]),
        (5, of(5, &[]), vec![]),
        (
            6,
            of(6, &[("ImageLoaded", r"C:\d.sys"), ("Hashes", &format!("SHA1={SHA1}")), ("Signature", "Maker")]),
            vec![
                r"File C:\d.sys -HAS_HASH-> Binary 0123456789abcdef0123456789abcdef01234567",
                r"File C:\d.sys -SIGNED_BY-> Signer Maker",
                r"Host pc1.example -LOADED_DRIVER-> File C:\d.sys",
            ],
        ),
        (
            7,
            of(7, &[("ImageLoaded", r"C:\m.dll"), ("Hashes", &format!("MD5={MD5}")), ("Signature", "Maker")]),
            vec![
                r"File C:\m.dll -HAS_HASH-> Binary 0123456789abcdef0123456789abcdef",
                r"File C:\m.dll -SIGNED_BY-> Signer Maker",
                r"Process? p.exe (7) -LOADED-> File C:\m.dll",
            ],
        ),
        (8, of(8, &other), vec!["Process? a.exe (1) -CREATED_THREAD_IN-> Process? b.exe (9)"]),
        (9, of(9, &[("Device", r"\Device\Disk0")]), vec![r"Process? p.exe (7) -RAW_READ-> Device \Device\Disk0"]),
        (10, of(10, &other), vec!["Process? a.exe (1) -ACCESSED-> Process? b.exe (9)"]),
        (11, of(11, &[target_file]), vec![r"Process? p.exe (7) -CREATED-> File C:\new.txt"]),
        (
            12,
            of(12, &[("EventType", "CreateKey"), ("TargetObject", r"HKLM\a\b")]),
            vec![r"Process? p.exe (7) -CREATED_KEY-> RegistryKey HKLM\a\b"],
        ),
        (
            12,
            of(12, &[("EventType", "DeleteKey"), ("TargetObject", r"HKLM\a\b")]),
            vec![r"Process? p.exe (7) -DELETED_KEY-> RegistryKey HKLM\a\b"],
        ),
        (
            12,
            of(12, &[("EventType", "DeleteValue"), ("TargetObject", r"HKLM\a\b")]),
            vec![
                r"Process? p.exe (7) -DELETED_VALUE-> RegistryValue HKLM\a\b",
                r"RegistryValue HKLM\a\b -IN-> RegistryKey HKLM\a",
            ],
        ),
        (
            12,
            of(12, &[("EventType", "CreateValue"), ("TargetObject", r"HKLM\a\b")]),
            vec![
                r"Process? p.exe (7) -CREATED_VALUE-> RegistryValue HKLM\a\b",
                r"RegistryValue HKLM\a\b -IN-> RegistryKey HKLM\a",
            ],
        ),
        (12, of(12, &[("TargetObject", r"HKLM\a")]), vec![r"Process? p.exe (7) -CHANGED_KEY-> RegistryKey HKLM\a"]),
        (
            13,
            of(
                13,
                &[
                    ("EventType", "SetValue"),
                    ("TargetObject", r"HKLM\S\Run\x"),
                    ("Details", r#""C:\e v\x.exe" -q C:\y.dll"#),
                ],
            ),
            vec![
                r"Process? p.exe (7) -SET-> RegistryValue HKLM\S\Run\x",
                r"RegistryValue HKLM\S\Run\x -IN-> RegistryKey HKLM\S\Run",
                r"RegistryValue HKLM\S\Run\x -REFERS_TO-> File? C:\e v\x.exe",
                r"RegistryValue HKLM\S\Run\x -REFERS_TO-> File? C:\y.dll",
            ],
        ),
        (
            14,
            of(14, &[("EventType", "RenameKey"), ("TargetObject", r"HKLM\a"), ("NewName", r"HKLM\b")]),
            vec![
                r"Process? p.exe (7) -RENAMED-> RegistryKey HKLM\a",
                r"RegistryKey HKLM\a -RENAMED_TO-> RegistryKey HKLM\b",
            ],
        ),
        (
            15,
            of(
                15,
                &[
                    ("TargetFilename", r"C:\d\x.exe:Zone.Identifier"),
                    ("Hash", MD5),
                    (
                        "Contents",
                        "[ZoneTransfer]  ZoneId=3  HostUrl=https://Evil.example/x.exe  ReferrerUrl=http://10.1.1.1/",
                    ),
                ],
            ),
            vec![
                r"Process? p.exe (7) -WROTE_STREAM-> Stream C:\d\x.exe:Zone.Identifier",
                r"Stream C:\d\x.exe:Zone.Identifier -FROM_URL-> Domain evil.example",
                r"Stream C:\d\x.exe:Zone.Identifier -FROM_URL-> IpAddress 10.1.1.1",
                r"Stream C:\d\x.exe:Zone.Identifier -HAS_HASH-> Binary 0123456789abcdef0123456789abcdef",
                r"Stream C:\d\x.exe:Zone.Identifier -OF-> File C:\d\x.exe",
            ],
        ),
        (
            16,
            of(16, &[("Configuration", r"C:\c.xml"), ("ConfigurationFileHash", &format!("SHA256={SHA256}"))]),
            vec![r"Host pc1.example -USES_CONFIG-> SysmonConfig C:\c.xml"],
        ),
        (17, of(17, &[("PipeName", r"\x")]), vec![r"Process? p.exe (7) -CREATED_PIPE-> Pipe \x"]),
        (18, of(18, &[("PipeName", r"\x")]), vec![r"Process? p.exe (7) -CONNECTED_PIPE-> Pipe \x"]),
        (
            19,
            of(19, &[("Operation", "Created"), ("User", r"A\b"), ("Name", r#" "F""#), ("Query", " \"select\"")]),
            vec!["User A\\b -WMI_CREATED-> WmiFilter F", "WmiFilter F -ON-> Host pc1.example"],
        ),
        (
            20,
            of(
                20,
                &[
                    ("Operation", "Modified"),
                    ("User", r"A\b"),
                    ("Name", r#" "C""#),
                    ("Type", "Command Line"),
                    ("Destination", r#" "C:\\x\\run.exe /y""#),
                ],
            ),
            vec![
                "User A\\b -WMI_MODIFIED-> WmiConsumer C",
                "WmiConsumer C -ON-> Host pc1.example",
                r"WmiConsumer C -REFERS_TO-> File? C:\x\run.exe",
            ],
        ),
        (
            21,
            of(
                21,
                &[
                    ("Operation", "Deleted"),
                    ("User", r"A\b"),
                    ("Consumer", r#" "CommandLineEventConsumer.Name=\"C\"""#),
                    ("Filter", r#" "\\\\.\\ROOT\\subscription:__EventFilter.Name=\"F\"""#),
                ],
            ),
            vec![
                "User A\\b -WMI_DELETED-> WmiConsumer? C",
                "User A\\b -WMI_DELETED-> WmiFilter? F",
                "WmiFilter? F -BOUND_TO-> WmiConsumer? C",
            ],
        ),
        (
            22,
            of(
                22,
                &[
                    ("QueryName", "A.example"),
                    ("QueryStatus", "0"),
                    ("QueryResults", "type:  5 b.example;::ffff:1.2.3.4;2001:db8::1;"),
                ],
            ),
            vec![
                "Domain a.example -CNAME-> Domain b.example",
                "Domain a.example -RESOLVED_TO-> IpAddress 1.2.3.4",
                "Domain a.example -RESOLVED_TO-> IpAddress 2001:db8::1",
                "Process? p.exe (7) -QUERIED-> Domain a.example",
            ],
        ),
        (
            24,
            of(24, &[("Session", "1"), ("Hashes", &hashes), ("ClientInfo", r"user: A\b ip: 10.0.0.9 hostname: FAR")]),
            vec![
                r"Clipboard user: A\b ip: 10.0.0.9 hostname: FAR -CLIPBOARD_OF-> Host? far",
                r"Clipboard user: A\b ip: 10.0.0.9 hostname: FAR -CLIPBOARD_OF-> IpAddress 10.0.0.9",
                r"Clipboard user: A\b ip: 10.0.0.9 hostname: FAR -CLIPBOARD_OF-> User A\b",
                r"Process? p.exe (7) -COPIED_TO_CLIPBOARD-> Clipboard user: A\b ip: 10.0.0.9 hostname: FAR",
            ],
        ),
        (25, of(25, &[("Type", "Image is replaced")]), vec!["Process? p.exe (7) -TAMPERED-> Process? p.exe (7)"]),
        (255, of(255, &[("ID", "X"), ("Description", "bad")]), vec![]),
    ];
    let mut covered: BTreeSet<u32> = cases.iter().map(|c| c.0).collect();
    for (code, made, mut expected) in cases {
        expected.sort_unstable();
        assert_eq!(made, expected, "code {code}");
    }
    for (code, edge) in
        [(23, "DELETED"), (26, "DELETED"), (27, "BLOCKED_WRITE_EXE"), (28, "BLOCKED_SHRED"), (29, "CREATED_EXE")]
    {
        assert_eq!(of(code, &with_hash), file(edge, &[&has_hash]), "code {code}");
        covered.insert(code);
    }
    assert_eq!(covered, EventCode::all().iter().map(|c| c.code).collect(), "every code of the manifest");
}

#[test]
fn properties_of_the_host_and_the_process() {
    let batch = project(&[
        event(4, HOST, 1, &[("State", "Started"), ("Version", "15.0"), ("SchemaVersion", "4.90")]),
        event(5, HOST, 2, &[("ProcessGuid", &guid(1))]),
        event(25, HOST, 3, &[("ProcessGuid", &guid(1)), ("Type", "Image is replaced")]),
        event(255, HOST, 4, &[("ID", "X"), ("Description", "bad\r\n")]),
    ]);
    let of = |kind| {
        let node = batch.nodes().iter().find(|n| n.id.kind == kind).unwrap();
        (node.facts.inferred, node.facts.properties.texts())
    };
    let (inferred, host) = of(NodeKind::Host);
    assert!(!inferred);
    assert_eq!(host["state"], "Started");
    assert_eq!(host["sysmonVersion"], "15.0");
    assert_eq!(host["schemaVersion"], "4.90");
    assert_eq!(host["error"], "X: bad");
    let (inferred, process) = of(NodeKind::Process);
    assert!(inferred, "its own start was not seen");
    assert_eq!(process["end"], "2024-01-01T00:00:02.000Z");
    assert_eq!(process["tampered"], "Image is replaced");
}

#[test]
fn processes_without_a_guid_and_anonymous_pipes() {
    let one = event(18, HOST, 0, &[("ProcessId", "5"), ("Image", r"C:\A.exe"), ("PipeName", "<Anonymous Pipe>")]);
    let two = event(18, HOST, 1, &[("ProcessId", "6"), ("Image", r"C:\a.exe"), ("PipeName", "&lt;Anonymous Pipe&gt;")]);
    let batch = project(&[one.clone(), two]);
    let count = |kind| batch.nodes().iter().filter(|n| n.id.kind == kind).count();
    assert_eq!((count(NodeKind::Process), count(NodeKind::Pipe)), (2, 2), "anonymous pipes of two processes are two");
    let same = event(17, HOST, 2, &[("ProcessId", "5"), ("Image", r"c:\a.EXE"), ("PipeName", r"\x")]);
    assert_eq!(acting_process(&one), acting_process(&same));
    let elsewhere = event(17, "pc2", 2, &[("ProcessId", "5"), ("Image", r"c:\a.EXE"), ("PipeName", r"\x")]);
    assert_ne!(acting_process(&one), acting_process(&elsewhere));
    assert!(acting_process(&event(6, HOST, 0, &[])).is_none());
}

#[test]
fn other_providers_and_bare_events_make_nothing_wrong() {
    let mut alien = event(1, HOST, 0, &[("Image", r"C:\a.exe")]);
    alien.system.provider = "Other".into();
    assert!(project(&[alien]).is_empty());
    for code in (0..=40).chain([255, 4_000_000_000]) {
        let batch = project(&[event(code, HOST, 0, &[]), event(code, "", 0, &[])]);
        assert!(batch.nodes().iter().all(|n| n.id.kind == NodeKind::Host), "code {code}");
        assert!(batch.edges().is_empty(), "code {code}");
    }
}
