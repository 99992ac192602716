//! Where Sigma engines were seen to go wrong on real logs, one test each; and which events a rule is about.
use super::events::{compiled, event, rule};
use sysmonsearch::{
    event::Event,
    rules::{self, RuleSet},
};

fn hits(set: &RuleSet, event: &Event) -> usize {
    set.matches(event).len()
}

#[test]
fn booleans_in_any_spelling() {
    for written in ["'true'", "true", "'True'", "'TRUE'"] {
        let set = compiled(&rule("network_connection", &format!("sel:\n  Initiated: {written}\ncondition: sel")));
        for value in ["true", "True"] {
            assert_eq!(hits(&set, &event(3, &[("Initiated", value)])), 1, "{written} {value}");
        }
        assert_eq!(hits(&set, &event(3, &[("Initiated", "false")])), 0);
    }
}

#[test]
fn null_empty_and_dash_are_absent() {
    for written in ["null", "''", "'-'", "[null, '']", "['-', 'x.dll']", "['', '-']"] {
        let set = compiled(&rule("create_remote_thread", &format!("sel:\n  StartModule: {written}\ncondition: sel")));
        for data in [&[][..], &[("StartModule", "-")], &[("StartModule", "")]] {
            assert_eq!(hits(&set, &event(8, data)), 1, "{written} {data:?}");
        }
        assert_eq!(hits(&set, &event(8, &[("StartModule", "y.dll")])), 0, "{written}");
        let not = compiled(&rule(
            "create_remote_thread",
            &format!("sel:\n  TargetImage: t\nno:\n  StartModule: {written}\ncondition: sel and not no"),
        ));
        assert_eq!(hits(&not, &event(8, &[("TargetImage", "T")])), 0, "{written}");
        assert_eq!(hits(&not, &event(8, &[("TargetImage", "T"), ("StartModule", "y.dll")])), 1, "{written}");
    }
    let set = compiled(&rule(
        "process_creation",
        "sel:\n  ParentProcessGuid: '{00000000-0000-0000-0000-000000000000}'\ncondition: sel",
    ));
    assert_eq!(hits(&set, &event(1, &[("ParentProcessGuid", "{00000000-0000-0000-0000-000000000000}")])), 1);
}

#[test]
fn a_field_that_the_event_lacks_never_matches() {
    let set = compiled(&rule("file_event", "sel:\n  ParentImage|endswith: a\n  CommandLine|re: '.*'\ncondition: sel"));
    assert_eq!(hits(&set, &event(11, &[("TargetFilename", "a")])), 0);
}

#[test]
fn hashes_in_each_of_their_forms() {
    let md5 = "0123456789ABCDEF0123456789ABCDEF";
    let whole = format!("MD5={md5},IMPHASH=F34D5F2D4577ED6D9CEEC516C1F5A744");
    for selection in [
        format!("Hashes|contains: 'md5={md5}'"),
        format!("md5: {}", md5.to_lowercase()),
        "Imphash: f34d5f2d4577ed6d9ceec516c1f5a744".to_owned(),
        "IMPHASH|startswith: f34d".to_owned(),
    ] {
        let set = compiled(&rule("process_creation", &format!("sel:\n  {selection}\ncondition: sel")));
        assert_eq!(hits(&set, &event(1, &[("Hashes", &whole)])), 1, "{selection}");
        assert_eq!(hits(&set, &event(1, &[("Hashes", "MD5=00")])), 0, "{selection}");
    }
    let set = compiled(&rule("create_stream_hash", &format!("sel:\n  Hash|contains: 'MD5={md5}'\ncondition: sel")));
    assert_eq!(hits(&set, &event(15, &[("Hash", &whole)])), 1);
}

#[test]
fn lists_of_endings_of_access_masks() {
    let set = compiled(&rule(
        "process_access",
        "sel:\n  GrantedAccess|endswith: ['10', '30', 'FF']\n  sourceprocessguid|contains: abcd\ncondition: sel",
    ));
    let guid = ("SourceProcessGUID", "{ABCDEF00-0000-0000-0000-000000000001}");
    assert_eq!(hits(&set, &event(10, &[("GrantedAccess", "0x1410"), guid])), 1);
    assert_eq!(hits(&set, &event(10, &[("GrantedAccess", "0x1FFFFF"), guid])), 1);
    assert_eq!(hits(&set, &event(10, &[("GrantedAccess", "0x1411"), guid])), 0);
    let set = compiled(&rule("process_access", "sel:\n  GrantedAccess: ['0x01410', '0x1FFFFF']\ncondition: sel"));
    assert_eq!(hits(&set, &event(10, &[("GrantedAccess", "0x1410")])), 1);
}

#[test]
fn registry_paths_in_mixed_case() {
    let set = compiled(&rule(
        "registry_set",
        r"sel:
  TargetObject|contains: '\CurrentVersion\Run'
  Details: 'DWORD (0x00000001)'
condition: sel",
    ));
    let path = ("TargetObject", r"HKLM\SOFTWARE\microsoft\windows\currentversion\RUN\x");
    assert_eq!(hits(&set, &event(13, &[path, ("Details", "DWORD (0x00000001)")])), 1);
}

#[test]
fn guids_in_each_of_their_forms() {
    for written in ["'{ABCDEF00-0000-0000-0000-000000000001}'", "abcdef00-0000-0000-0000-000000000001"] {
        let set = compiled(&rule("process_creation", &format!("sel:\n  ProcessGuid: {written}\ncondition: sel")));
        for value in ["{ABCDEF00-0000-0000-0000-000000000001}", "abcdef00-0000-0000-0000-000000000001"] {
            assert_eq!(hits(&set, &event(1, &[("ProcessGuid", value)])), 1, "{written} {value}");
        }
    }
}

#[test]
fn the_provider_counts_and_the_channel_does_not() {
    let set = compiled(&rule("process_creation", "sel:\n  Image: a\ncondition: sel"));
    let mut forwarded = event(1, &[("Image", "a")]);
    forwarded.system.channel = "ForwardedEvents".into();
    assert_eq!(hits(&set, &forwarded), 1);
    for provider in ["Microsoft-Windows-Security-Auditing", "Linux-Sysmon", ""] {
        let mut other = event(1, &[("Image", "a")]);
        other.system.provider = provider.into();
        assert_eq!(hits(&set, &other), 0, "{provider}");
    }
}

#[test]
fn the_system_section_can_be_asked() {
    let sysmon = "title: t\nid: i\nlogsource:\n  product: windows\n  service: sysmon\ndetection:\n  sel:\n    EventID: [27, 28]\n    \
        Provider_Name: Microsoft-Windows-Sysmon\n    Channel|contains: sysmon\n    Computer|startswith: WS1\n  condition: sel";
    let set = compiled(sysmon);
    assert_eq!([26, 27, 28, 29, 255, 4242].map(|c| hits(&set, &event(c, &[]))), [0, 1, 1, 0, 0, 0]);
}

#[test]
fn each_category_is_about_its_events_only() {
    let made = |code: u32, kind: &str| event(code, &[("EventType", kind), ("Image", "a")]);
    let all = [
        made(12, "CreateKey"),
        made(12, "CreateValue"),
        made(12, "DeleteKey"),
        made(12, "DeleteValue"),
        made(13, "SetValue"),
        made(14, "RenameKey"),
        made(17, "CreatePipe"),
        made(18, "ConnectPipe"),
        made(23, ""),
        made(26, ""),
        made(4, ""),
        made(16, ""),
        made(255, ""),
        made(1, ""),
    ];
    for (category, expected) in [
        ("registry_add", &[0, 1][..]),
        ("registry_delete", &[2, 3]),
        ("registry_set", &[4]),
        ("registry_rename", &[5]),
        ("registry_event", &[0, 1, 2, 3, 4, 5]),
        ("pipe_created", &[6, 7]),
        ("file_delete", &[8, 9]),
        ("file_delete_detected", &[9]),
        ("sysmon_status", &[10, 11]),
        ("sysmon_error", &[12]),
        ("process_creation", &[13]),
        ("Process_Creation", &[13]),
    ] {
        let set = compiled(&rule(category, "sel:\n  Image: A\ncondition: sel"));
        let found: Vec<usize> = (0..all.len()).filter(|i| hits(&set, &all[*i]) > 0).collect();
        assert_eq!(found, expected, "{category}");
    }
}

#[test]
fn a_logsource_that_sysmon_does_not_serve_is_refused() {
    for (logsource, reason) in [
        ("category: file_rename\n  product: windows", "category 'file_rename'"),
        ("category: webserver", "category 'webserver'"),
        ("product: windows", "neither a category"),
        ("product: windows\n  service: security", "service 'security'"),
        ("product: linux\n  category: process_creation", "product 'linux'"),
        ("product: windows\n  category: process_creation\n  tenant: a", "'tenant'"),
    ] {
        let text =
            format!("title: t\nid: i\nlogsource:\n  {logsource}\ndetection:\n  sel:\n    a: b\n  condition: sel");
        let loaded = rules::parse(&text, "made.yml");
        let refused = loaded.rules[0].refused.clone().unwrap_or_default();
        assert!(refused.contains(reason), "{logsource}: {refused:?}");
        let (set, failed) = RuleSet::compile(&loaded.rules);
        assert!(set.is_empty() && failed.is_empty(), "a refused rule is never match-all");
    }
}
