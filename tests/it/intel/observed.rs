//! Observed things of STIX 2, and the ends of connections in its patterns.
use super::formats::{MD5, all, named, read, stix2};
use serde_json::{Value, json};
use sysmonsearch::{
    event::indicator::{Kind, Relation},
    intel::Report,
};

fn objects(objects: Value) -> Report {
    read(&objects.to_string())
}

fn issues(report: &Report) -> Vec<(&str, &str)> {
    report.issues.iter().map(|i| (i.position.as_str(), i.reason.as_str())).collect()
}

#[test]
fn what_was_observed_together_is_told_or_an_issue() {
    let report = objects(json!([{"type": "observed-data", "id": "o", "objects": {
        "0": {"type": "directory", "path": "C:\\Bad"},
        "1": {"type": "network-traffic", "dst_ref": "2", "dst_port": 8443, "protocols": ["ipv4", "tcp"]},
        "2": {"type": "ipv4-addr", "value": "203.0.113.33"},
        "3": {"type": "process", "pid": 5},
        "4": {"type": "network-traffic", "protocols": ["icmp"]},
        "5": {"type": "software", "name": "Word"},
        "6": {"type": "network-traffic", "src_ref": "9", "protocols": ["udp"]},
    }}]));
    let kinds: Vec<Kind> = report.indicators.iter().map(|i| i.kind).collect();
    assert_eq!(kinds, [Kind::Folder, Kind::Ip, Kind::Composite], "{:?}", all(&report));
    assert_eq!(
        issues(&report),
        [
            ("o", "process: nothing that Sysmon shows"),
            ("o", "network-traffic:protocols[*] 'icmp': not shown by Sysmon"),
            ("o", "software: nothing that Sysmon shows"),
            ("o", "'9' is not in the file"),
        ]
    );
    let port = |port| named(&report, 3, &[("DestinationIp", "203.0.113.33"), ("DestinationPort", port)]);
    assert!(port("8443").contains(&"8443".to_owned()));
    assert_eq!(port("80"), ["203.0.113.33"]);
}

#[test]
fn things_are_told_once_and_never_vanish() {
    let report = objects(json!([
        {"type": "network-traffic", "id": "network-traffic--1", "protocols": ["icmp"]},
        {"type": "observed-data", "id": "observed-data--1", "object_refs": ["network-traffic--1"]},
        {"type": "observed-data", "id": "observed-data--2", "object_refs": ["file--9"]},
        {"type": "observed-data", "id": "observed-data--3"},
        {"type": "observed-data", "id": "observed-data--4", "objects": {}},
        {"type": "identity", "id": "identity--1", "name": "x"},
        // Properties of one name and another meaning.
        {"type": "x-other", "id": "x-other--1", "path": [1], "values": "a", "hashes": 7, "src_port": {}, "extensions": []},
    ]));
    assert_eq!(all(&report), []);
    let positions: Vec<&str> = issues(&report).into_iter().map(|(position, _)| position).collect();
    assert_eq!(positions, ["network-traffic--1", "observed-data--2", "observed-data--3", "observed-data--4"]);
    let beside = objects(json!([
        {"type": "indicator", "id": "i", "pattern": "[file:name = 'a.exe']"},
        {"type": "directory", "id": "directory--1", "path": "C:\\Bad"},
    ]));
    assert_eq!(issues(&beside), [("directory--1", "observed, but part of no indicator")]);
}

#[test]
fn a_file_lies_in_its_folder() {
    let folder = json!({"type": "directory", "id": "directory--1", "path": "C:\\Temp"});
    let file = |more: Value| {
        let mut file = json!({"type": "file", "id": "file--1", "name": "a.exe"});
        file.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        objects(json!([folder.clone(), file]))
    };
    let whole = file(json!({"parent_directory_ref": "directory--1"}));
    assert_eq!(all(&whole), [(Kind::FilePath, Relation::Equals, r"C:\Temp\a.exe")]);
    assert_eq!(whole.issues, []);
    for (more, why) in [
        (json!({"parent_directory_ref": "directory--2"}), "'directory--2' is not in the file"),
        (json!({"parent_directory_ref": "directory--1", "size": 5}), "file:size"),
        (json!({"parent_directory_ref": "directory--1", "extensions": {"pdf-ext": {}}}), "file:extensions"),
    ] {
        let report = file(more);
        assert!(report.indicators.iter().all(|i| i.kind == Kind::Folder), "{:?}", all(&report));
        assert!(report.issues[0].reason.contains(why), "{:?}", report.issues);
    }
    let rated = file(json!({"parent_directory_ref": "directory--1", "extensions": {"extension-definition--1": {}}}));
    assert_eq!(all(&rated), all(&whole));
    // A hash implies the size.
    let hash = file(json!({"parent_directory_ref": "directory--1", "size": 5, "hashes": {"MD5": MD5}}));
    assert_eq!((hash.indicators.len(), hash.issues.len()), (1, 0), "{:?}", hash.issues);
}

#[test]
fn a_process_has_the_name_and_hash_of_its_image() {
    let report = objects(json!([{"type": "observed-data", "id": "o", "objects": {
        "0": {"type": "process", "pid": 7, "command_line": "bad /x", "image_ref": "1"},
        "1": {"type": "file", "name": "bad.exe", "parent_directory_ref": "2", "hashes": {"MD5": MD5}},
        "2": {"type": "directory", "path": "C:\\Temp"},
    }}]));
    assert_eq!(report.issues, []);
    assert_eq!(report.indicators.len(), 2, "{:?}", all(&report));
    let hash = format!("MD5={MD5}");
    let run = |image, line| {
        let found = named(&report, 1, &[("Image", image), ("CommandLine", line), ("Hashes", &hash)]);
        found.contains(&"bad /x".to_owned())
    };
    assert!(run(r"C:\Temp\bad.exe", "bad /x"));
    assert!(!run(r"C:\other\bad.exe", "bad /x") && !run(r"C:\Temp\bad.exe", "bad"));
}

#[test]
fn a_key_is_told_with_its_values() {
    let report = objects(json!([{
        "type": "windows-registry-key", "id": "k", "key": "HKEY_LOCAL_MACHINE\\System\\Bad",
        "values": [
            {"name": "Foo", "data": "qwerty", "data_type": "REG_SZ"},
            {"name": "Bar", "data": "42", "data_type": "REG_DWORD"},
            {"name": "Raw", "data": "00ff", "data_type": "REG_BINARY"},
        ],
    }]));
    assert_eq!(report.indicators.iter().map(|i| i.kind).collect::<Vec<_>>(), [Kind::Composite], "{:?}", all(&report));
    assert!(report.issues.len() == 1 && report.issues[0].reason.contains("Raw"), "{:?}", report.issues);
    let set = |value: &str, details| {
        let path = format!(r"HKLM\System\Bad\{value}");
        !named(&report, 13, &[("TargetObject", &path), ("Details", details), ("EventType", "SetValue")]).is_empty()
    };
    assert!(set("Foo", "qwerty") && set("Bar", "DWORD (0x0000002a)"));
    assert!(!set("Foo", "other") && !set("Bar", "qwerty") && !set("Other", "qwerty"));
}

#[test]
fn the_end_of_a_connection_is_an_address_a_network_or_a_name() {
    use Relation::{Equals, StartsWith};
    for (pattern, expected) in [
        (
            "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '203.0.113.33/32']",
            (Kind::DestinationIp, Equals, "203.0.113.33"),
        ),
        ("[network-traffic:src_ref.value = '203.0.113.0/24']", (Kind::SourceIp, StartsWith, "203.0.113.")),
        ("[network-traffic:dst_ref.value ISSUBSET '2001:db8::1/128']", (Kind::DestinationIp, Equals, "2001:db8::1")),
        (
            "[network-traffic:dst_ref.type = 'domain-name' AND network-traffic:dst_ref.value IN ('x.example')]",
            (Kind::Domain, Equals, "x.example"),
        ),
        (
            "[file:parent_directory_ref.type = 'directory' AND file:parent_directory_ref.path = 'C:\\\\Bad']",
            (Kind::Folder, Equals, r"C:\Bad"),
        ),
    ] {
        let report = stix2(&[pattern]);
        assert_eq!(report.issues, [], "{pattern}");
        assert_eq!(all(&report), [expected], "{pattern}");
    }
    let network = stix2(&["[network-traffic:dst_ref.value = '203.0.112.0/23']"]);
    assert_eq!(all(&network), [(Kind::DestinationIp, Relation::Matches, r"^203\.0\.(?:112|113)\.")]);
    assert_eq!(named(&network, 3, &[("DestinationIp", "203.0.113.9")]).len(), 1);
    assert_eq!(
        named(&network, 3, &[("SourceIp", "203.0.113.9"), ("DestinationIp", "203.0.11.39")]),
        Vec::<String>::new()
    );
    let hidden = stix2(&[
        "[network-traffic:dst_ref.type = 'ipv6-addr' AND network-traffic:dst_ref.value = '203.0.113.33']",
        "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:src_ref.value = '203.0.113.33']",
        "[network-traffic:dst_ref.type = 'ipv4-addr']",
        "[network-traffic:dst_ref.value = '2001:db8::/32']",
        "[network-traffic:dst_ref.value LIKE '203.0.113.%']",
    ]);
    assert_eq!(all(&hidden), []);
    assert_eq!(hidden.issues.len(), 5, "{:?}", hidden.issues);
}
