//! What each format means, with material of our own; and that the rules of an import find it.
use crate::rules::events::event;
use proptest::prelude::*;
use serde_json::json;
use sysmonsearch::{
    event::{
        indicator::{Indicator, Kind, Relation, Tlp},
        text::sigma_literal,
    },
    intel::{self, Report},
    rules::{self, RuleSet},
};

pub fn read(text: &str) -> Report {
    intel::read(text.as_bytes().to_vec(), "report", "test").unwrap()
}

pub fn stix2(patterns: &[&str]) -> Report {
    let objects: Vec<_> = patterns
        .iter()
        .enumerate()
        .map(|(n, p)| serde_json::json!({"type": "indicator", "id": format!("indicator--{n}"), "pattern": p}))
        .collect();
    read(&serde_json::json!({"type": "bundle", "id": "b", "objects": objects}).to_string())
}

fn is(i: &Indicator) -> (Kind, Relation, &str) {
    (i.kind, i.relation, i.value.as_str())
}

pub fn all(report: &Report) -> Vec<(Kind, Relation, &str)> {
    report.indicators.iter().map(is).collect()
}

/// Values that a report's rules name for an event.
pub fn named(report: &Report, code: u32, data: &[(&str, &str)]) -> Vec<String> {
    let rules: Vec<_> = report.rules.iter().flat_map(|t| rules::parse(t, "made").rules).collect();
    let (set, failed) = RuleSet::compile(&rules);
    assert_eq!(failed, []);
    let matched = set.matches(&event(code, data));
    matched.iter().flat_map(|m| m.values.iter().map(ToString::to_string)).collect()
}

pub const MD5: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn a_list_tells_each_value_by_its_form() {
    let text = format!(
        "# a remark\n{MD5}\n198.51.100[.]7\n203.0.113.0/24\nhxxp://evil[.]example/a/b\nBad.Example.\n\
         dropper.exe\nC:\\Users\\Public\\x.dll\nHKLM\\Software\\Run\\x\n\\\\.\\pipe\\beacon\nplain words here\n"
    );
    let report = read(&text);
    use Kind::*;
    assert_eq!(
        all(&report),
        [
            (FileName, Relation::Equals, "dropper.exe"),
            (FilePath, Relation::Equals, r"C:\Users\Public\x.dll"),
            (Md5, Relation::Equals, MD5),
            (Ip, Relation::Equals, "198.51.100.7"),
            (Network, Relation::Equals, "203.0.113.0/24"),
            (Domain, Relation::Equals, "bad.example"),
            (Domain, Relation::Equals, "evil.example"),
            (RegistryKey, Relation::Equals, r"HKLM\Software\Run\x"),
            (Pipe, Relation::Equals, r"\beacon"),
        ]
    );
    assert_eq!(report.issues.len(), 1);
    assert_eq!(report.issues[0].position, "line 11");
    let found = |code, data: &[(&str, &str)]| named(&report, code, data);
    assert_eq!(found(1, &[("Hashes", &format!("MD5={},SHA256=00", MD5.to_uppercase()))]), [MD5]);
    assert_eq!(found(11, &[("TargetFilename", r"C:\Temp\DROPPER.EXE")]), [r"\dropper.exe"]);
    assert_eq!(found(11, &[("TargetFilename", r"C:\Temp\my-dropper.exe")]), Vec::<String>::new());
    assert_eq!(found(3, &[("DestinationIp", "203.0.113.9")]), ["203.0.113.0/24"]);
    assert_eq!(found(22, &[("QueryName", "EVIL.example"), ("QueryResults", "198.51.100.7;")]).len(), 2);
    assert_eq!(found(17, &[("PipeName", r"\beacon")]), [r"\beacon"]);
}

#[test]
fn a_list_has_what_must_not_be_clicked_and_addresses_with_their_ports() {
    let report =
        read("hxxps[://]evil[.]example/x\nbad{.}example\nc2[d0t]example\n198.51.100[.]7:443\n[2001:db8::1]:53\n");
    assert_eq!(report.issues, []);
    let domain = |name| (Kind::Domain, Relation::Equals, name);
    assert_eq!(all(&report)[..3], [domain("bad.example"), domain("c2.example"), domain("evil.example")]);
    assert_eq!(report.indicators.iter().skip(3).map(|i| i.kind).collect::<Vec<_>>(), [Kind::Composite; 2]);
    let reached = |ip, port| !named(&report, 3, &[("DestinationIp", ip), ("DestinationPort", port)]).is_empty();
    assert!(reached("198.51.100.7", "443") && reached("2001:db8::1", "53"));
    assert!(!reached("198.51.100.7", "80") && !reached("198.51.100.8", "443") && !reached("2001:db8::1", "443"));
    assert_eq!(all(&read("[2001:db8::1]:53 # the first line\n")), all(&report)[4..]);
    // A table calls it by a word of its own.
    let table = read("ioc,ioc_type\n198.51.100.7:443,ip:port\n");
    assert_eq!((table.indicators.len(), table.issues.len()), (1, 0), "{:?}", table.issues);
    assert_eq!(table.indicators[0].value, report.indicators[3].value);
}

#[test]
fn registry_keys_in_the_names_of_the_kernel_are_those_that_sysmon_writes() {
    for (written, expected) in [
        (r"\REGISTRY\MACHINE\SOFTWARE\Bad", r"HKLM\SOFTWARE\Bad"),
        (r"\Registry\Machine\System\ControlSet001\Services\Bad", r"HKLM\System\CurrentControlSet\Services\Bad"),
        (r"\registry\user\S-1-5-18\Software\Bad", r"HKU\S-1-5-18\Software\Bad"),
        (r"hkey_local_machine\SOFTWARE\Bad", r"HKLM\SOFTWARE\Bad"),
    ] {
        let report = read(written);
        assert_eq!(all(&report), [(Kind::RegistryKey, Relation::Equals, expected)], "{written}");
        let key = format!("{}\\", expected.to_lowercase());
        assert_eq!(
            named(&report, 12, &[("TargetObject", key.trim_end_matches('\\')), ("EventType", "CreateKey")]),
            [expected]
        );
    }
    let report = read(r"\REGISTRY\A\{0d3a}\Root\Bad");
    assert_eq!(all(&report), [(Kind::RegistryKey, Relation::EndsWith, r"\A\{0d3a}\Root\Bad")]);
}

#[test]
fn classes_are_found_where_sysmon_shows_them() {
    let created =
        |report: &Report, path: &str| named(report, 12, &[("TargetObject", path), ("EventType", "CreateKey")]);
    for (written, hits, other) in [
        (
            r"HKCU\Software\Classes\ms-settings\shell",
            r"HKU\S-1-5-21-1_Classes\ms-settings\shell",
            r"HKCR\ms-settings\shell",
        ),
        (
            r"HKEY_CURRENT_USER\Software\Classes\ms-settings\shell",
            r"HKU\S-1-5-21-1\Software\Classes\ms-settings\shell",
            r"HKU\S-1-5-21-1\Software\ms-settings\shell",
        ),
        (r"HKEY_LOCAL_MACHINE\SOFTWARE\Classes\CLSID\{0d3a}", r"HKCR\CLSID\{0D3A}", r"HKCR\CLSID\{0D3B}"),
        (r"HKLM\SOFTWARE\Classes\CLSID\{0d3a}", r"HKLM\software\classes\CLSID\{0d3a}", r"HKU\S-1_Classes\CLSID\{0d3a}"),
    ] {
        let report = read(written);
        assert_eq!(report.issues, [], "{written}");
        assert_eq!(created(&report, hits).len(), 1, "{written}: {:?}", report.rules);
        assert_eq!(created(&report, other).len(), 0, "{written}: {:?}", report.rules);
    }
    for pattern in [
        r"[windows-registry-key:key LIKE 'HKEY_CURRENT_USER\\Software\\Classes\\%\\shell']",
        r"[windows-registry-key:key MATCHES '^HKEY_CURRENT_USER\\\\Software\\\\Classes\\\\.*\\\\shell$']",
    ] {
        let report = stix2(&[pattern]);
        assert_eq!(created(&report, r"HKU\S-1-5-21-1_Classes\ms-settings\shell").len(), 1, "{:?}", report.rules);
    }
    let profile = read("HKEY_CURRENT_CONFIG\\Software\\Fonts\nx.example\n");
    assert_eq!((profile.indicators.len(), profile.issues.len()), (1, 1), "{:?}", all(&profile));
    assert!(profile.issues[0].reason.contains("hardware profile"), "{:?}", profile.issues);
}

#[test]
fn an_ending_of_files_and_domains_is_taken_for_both() {
    let report = read("evil.one\nreport_1.zip\nother[.]zip\ndropper.exe\n");
    use Kind::{Domain, FileName};
    assert_eq!(
        all(&report),
        [
            (FileName, Relation::Equals, "dropper.exe"),
            (FileName, Relation::Equals, "evil.one"),
            (FileName, Relation::Equals, "report_1.zip"),
            (Domain, Relation::Equals, "evil.one"),
            (Domain, Relation::Equals, "other.zip"),
        ]
    );
    assert_eq!(report.issues, []);
    assert_eq!(named(&report, 22, &[("QueryName", "evil.one")]), ["evil.one"]);
}

#[test]
fn a_type_that_is_not_known_leaves_hashes_and_addresses_to_their_form() {
    let sha256 = MD5.repeat(2);
    let sha1 = &sha256[..40];
    let report = read(&format!(
        "type,value\nsha256_hash,{sha256}\nFileHash-MD5,{MD5}\nfile hash,{sha1}\nC2,198.51.100.9\n\
         ja3-fingerprint-md5,{}\nmutex,{}\nemail-src,a@x.example\n",
        "1".repeat(32),
        "2".repeat(32)
    ));
    use Kind::{Ip, Md5, Sha1, Sha256};
    assert_eq!(
        all(&report),
        [
            (Md5, Relation::Equals, MD5),
            (Sha1, Relation::Equals, sha1),
            (Sha256, Relation::Equals, sha256.as_str()),
            (Ip, Relation::Equals, "198.51.100.9"),
        ]
    );
    assert_eq!(report.issues.len(), 3, "{:?}", report.issues);
}

#[test]
fn csv_has_a_column_of_values_and_says_validity_and_tlp() {
    let report = read(&format!(
        "type,value,comment,valid_until,tlp\nmd5,{MD5},\"a, b\",2026-01-01T00:00:00Z,TLP:AMBER\n\
         domain,x.example,,,\nfilename|md5,a.exe|{MD5},,,\nemail-src,a@x.example,,,\ndomain,x.example,again,,\n"
    ));
    assert_eq!(report.indicators.len(), 3, "{:?}", all(&report));
    let md5 = report.indicators.iter().find(|i| i.kind == Kind::Md5).unwrap();
    assert_eq!((md5.title.as_str(), md5.tlp), ("a, b", Some(Tlp::Amber)));
    assert_eq!(report.issues.len(), 1, "the mail address");
    // An indicator holds for events before its end.
    let hashes = format!("MD5={MD5}");
    let at = |time| named(&report, 1, &[("UtcTime", time), ("Hashes", &hashes), ("Image", r"C:\b.exe")]);
    assert_eq!(at("2025-12-31 23:59:59.999"), [MD5]);
    assert_eq!(at("2026-01-01 00:00:00.000"), Vec::<String>::new());
}

#[test]
fn what_is_said_twice_holds_as_long_as_either_does() {
    let text = |a: &str, b: &str| format!("value,valid_until,tlp\nx.example,{a}\nX.example,{b}\n");
    let (early, late) = ("2026-01-01T00:00:00Z,TLP:GREEN", "2026-06-01T00:00:00Z,TLP:RED");
    for (a, b, until) in
        [(early, late, Some("2026-06")), (late, early, Some("2026-06")), (early, ",", None), (",", early, None)]
    {
        let report = read(&text(a, b));
        let [one] = report.indicators.as_slice() else { panic!("{:?}", all(&report)) };
        let end = one.valid_until.map(|t| t.rfc3339());
        assert_eq!(end.as_deref().map(|t| &t[..7]), until, "{a} and {b}");
        assert!(one.tlp == Some(if b == late || a == late { Tlp::Red } else { Tlp::Green }));
        let at = |time| named(&report, 22, &[("UtcTime", time), ("QueryName", "x.example")]).len();
        assert_eq!((at("2026-03-01 00:00:00.000"), at("2027-01-01 00:00:00.000")), (1, usize::from(until.is_none())));
    }
}

#[test]
fn patterns_keep_and_or_and_not() {
    let report = stix2(&[
        "[file:name = 'a.exe' AND file:hashes.MD5 = '0123456789abcdef0123456789abcdef']",
        "[ipv4-addr:value = '198.51.100.1'] OR [domain-name:value = 'x.example']",
        "[network-traffic:dst_ref.value = '198.51.100.2' AND network-traffic:dst_port = 8443]",
        "[process:command_line LIKE '%-enc %' AND NOT process:image_ref.name = 'good.exe']",
        "[windows-registry-key:key = 'HKEY_CURRENT_USER\\\\Software\\\\Bad' AND windows-registry-key:values[*].name = 'v']",
    ]);
    assert_eq!(report.issues, []);
    let kinds: Vec<Kind> = report.indicators.iter().map(|i| i.kind).collect();
    assert_eq!(kinds, [Kind::Ip, Kind::Domain, Kind::Composite, Kind::Composite, Kind::Composite, Kind::Composite]);
    let hash = format!("MD5={MD5}");
    assert_eq!(named(&report, 1, &[("Image", r"C:\A.exe"), ("Hashes", &hash)]).len(), 2);
    assert_eq!(named(&report, 1, &[("Image", r"C:\b.exe"), ("Hashes", &hash)]).len(), 0);
    let connection = |ip, port| named(&report, 3, &[("DestinationIp", ip), ("DestinationPort", port)]).len();
    assert_eq!((connection("198.51.100.2", "8443"), connection("198.51.100.2", "80")), (2, 0));
    let run = |image| named(&report, 1, &[("Image", image), ("CommandLine", "x -enc y")]).len();
    assert_eq!((run(r"C:\bad.exe"), run(r"C:\good.exe")), (1, 0));
    let key = ("TargetObject", r"HKU\S-1-5-21-1\Software\Bad\v");
    assert_eq!(named(&report, 13, &[key]).len(), 2);
}

#[test]
fn what_no_event_shows_is_an_issue_and_never_matches_more() {
    let report = stix2(&[
        "[mutex:name = 'm']",
        "[file:name = 'a.exe' AND email-message:subject = 's']",
        "[ipv4-addr:value = '198.51.100.1'] FOLLOWEDBY [domain-name:value = 'x.example']",
        "[ipv4-addr:value = '198.51.100.1'] AND [ipv4-addr:value = '198.51.100.2']",
        "[ipv4-addr:value = '198.51.100.1'] REPEATS 5 TIMES WITHIN 60 SECONDS",
        "[file:name != 'good.exe']",
        "[domain-name:value = 'x.example' AND windows-registry-key:key = 'HKLM\\\\Software']",
        "[file:name MATCHES '(']",
    ]);
    assert_eq!(all(&report), []);
    assert_eq!(report.rules, Vec::<String>::new());
    assert_eq!(report.issues.len(), 8, "{:?}", report.issues);
    // The size of a file follows from its hash; any of its hashes tells it.
    let told =
        stix2(&["[file:size = 5 AND file:hashes.MD5 = '0123456789abcdef0123456789abcdef' AND file:hashes.'SHA-1' = \
         '0123456789abcdef0123456789abcdef01234567']"]);
    assert_eq!(told.issues, []);
    assert_eq!(told.indicators.iter().map(|i| i.kind).collect::<Vec<_>>(), [Kind::Md5, Kind::Sha1]);
}

#[test]
fn openioc_and_stix_1_say_the_same_in_their_own_words() {
    let ioc = format!(
        "<OpenIOC xmlns='http://openioc.org/schemas/OpenIOC_1.1' id='x'><metadata><short_description>t</short_description>\
         </metadata><criteria><Indicator operator='OR' id='i'>{}{}<Indicator operator='AND' id='a'>{}{}</Indicator>\
         </Indicator></criteria></OpenIOC>",
        item("1", "is", "false", "FileItem/Md5sum", MD5),
        item("2", "contains", "false", "DnsEntryItem/Host", "x.example"),
        item("3", "is", "false", "RegistryItem/ValueName", "v"),
        item("4", "contains", "true", "RegistryItem/Text", "good"),
    );
    let stix = "<stix:STIX_Package xmlns:stix='s' version='1.2'><stix:Indicators>\
        <stix:Indicator id='i'><Observable id='o'><Observable_Composition operator='OR'>\
        <Observable><Object><Properties type='FileObj:FileObjectType'><Hashes><Hash><Type>MD5</Type>\
        <Simple_Hash_Value condition='Equals'>0123456789ABCDEF0123456789abcdef</Simple_Hash_Value></Hash></Hashes>\
        </Properties></Object></Observable><Observable idref='d'/><Observable>\
        <Object><Properties type='WinRegistryKeyObj:WindowsRegistryKeyObjectType'><Values><Value>\
        <Name condition='Equals'>v</Name><Data condition='DoesNotContain'>good</Data></Value></Values></Properties></Object>\
        </Observable></Observable_Composition></Observable></stix:Indicator></stix:Indicators><stix:Observables>\
        <Observable id='d'><Object><Properties type='DomainNameObj:DomainNameObjectType'>\
        <Value condition='Contains'>x.example</Value></Properties></Object></Observable></stix:Observables></stix:STIX_Package>";
    let (ioc, stix) = (read(&ioc), read(stix));
    assert_eq!(ioc.issues, []);
    assert_eq!(stix.issues, []);
    assert_eq!(all(&ioc), all(&stix));
    assert_eq!(ioc.indicators.len(), 3);
    let written = |details| {
        named(&ioc, 13, &[("TargetObject", r"HKLM\a\v"), ("Details", details), ("EventType", "SetValue")]).len()
    };
    assert_eq!((written("bad"), written("a good one")), (1, 0));
}

#[test]
fn a_process_of_stix_1_is_told_by_all_of_it() {
    let of = |inner: &str| {
        read(&format!(
            "<STIX_Package version='1.2'><Indicators><Indicator id='i'><Observable><Object>\
             <Properties type='ProcessObjectType'><Name>a.exe</Name>{inner}</Properties></Object></Observable>\
             </Indicator></Indicators></STIX_Package>"
        ))
    };
    for (inner, hidden) in [
        ("<Argument_List><Argument>-x</Argument></Argument_List>", "Argument_List"),
        (
            "<Image_Info><Path>C:\\a.exe</Path><Current_Directory>C:\\b</Current_Directory></Image_Info>",
            "Current_Directory",
        ),
    ] {
        let report = of(inner);
        assert_eq!(all(&report), [], "{inner}");
        assert!(report.issues.len() == 1 && report.issues[0].reason.contains(hidden), "{:?}", report.issues);
    }
    let whole = of("<Image_Info><Command_Line>a -x</Command_Line></Image_Info>");
    assert_eq!(whole.issues, []);
    let run = |line| named(&whole, 1, &[("Image", r"C:\a.exe"), ("CommandLine", line)]).len();
    assert_eq!((run("a -x"), run("a")), (2, 0));
}

fn item(id: &str, condition: &str, negate: &str, search: &str, value: &str) -> String {
    format!(
        "<IndicatorItem id='{id}' condition='{condition}' negate='{negate}' preserve-case='false'>\
         <Context search='{search}'/><Content type='string'>{value}</Content></IndicatorItem>"
    )
}

#[test]
fn parts_of_a_file_name_do_not_match_its_folder() {
    let report = stix2(&["[file:name LIKE '%win%']", "[file:parent_directory_ref.path = 'C:\\\\Temp']"]);
    let created = |path| named(&report, 11, &[("TargetFilename", path)]).len();
    assert_eq!(created(r"C:\Windows\a.exe"), 0);
    assert_eq!(created(r"C:\Users\mywin.exe"), 1);
    assert_eq!(created(r"C:\temp\a.exe"), 1);
    assert_eq!(created(r"C:\Temp\x\a.exe"), 0);
}

#[test]
fn wildcards_and_regular_expressions_match_what_they_mean() {
    for (pattern, code, field, hits, others) in [
        ("[file:name LIKE '%my_tool%']", 11, "TargetFilename", r"C:\x\a my-tool.exe", r"C:\my-tool\a.exe"),
        ("[file:name LIKE 'my_tool%']", 11, "TargetFilename", r"C:\my-tool.exe", r"C:\a my-tool.exe"),
        ("[file:name LIKE 'a%.exe']", 11, "TargetFilename", r"C:\ab.exe", r"C:\ab\c.exe"),
        ("[file:name LIKE 'C:\\\\Users\\\\%\\\\evil.exe']", 1, "Image", r"C:\Users\ann\evil.exe", r"C:\evil.exe"),
        ("[file:name LIKE 'C:\\\\Users\\\\%']", 1, "Image", r"C:\Users\ann\a.exe", r"D:\C:\Users\a.exe"),
        ("[file:name MATCHES '^inv.*']", 11, "TargetFilename", r"C:\invoice.exe", r"C:\inv\a.exe"),
        ("[file:name MATCHES '(voice|bill)$']", 11, "TargetFilename", r"C:\invoice", r"C:\invoice.exe"),
        (
            "[windows-registry-key:key LIKE 'HKEY_LOCAL_MACHINE\\\\Software\\\\Bad%']",
            13,
            "TargetObject",
            r"HKLM\Software\Badly\v",
            r"HKLM\Software\a\Bad",
        ),
        (
            "[windows-registry-key:key MATCHES '^HKEY_CURRENT_USER\\\\\\\\Software\\\\\\\\B.d']",
            13,
            "TargetObject",
            r"HKU\S-1-5-21\Software\Bad",
            r"HKLM\Software\Bad",
        ),
        (
            "[directory:path LIKE 'C:\\\\%\\\\Temp']",
            11,
            "TargetFilename",
            r"C:\Users\Temp\a.exe",
            r"C:\Users\Temp\b\a.exe",
        ),
        ("[process:name LIKE 'mimi%']", 1, "Image", r"C:\Mimikatz.exe", r"C:\mimi\a.exe"),
    ] {
        let report = stix2(&[pattern]);
        assert_eq!(report.issues, [], "{pattern}");
        assert_eq!(named(&report, code, &[(field, hits)]).len(), 1, "{pattern} {:?}", report.rules);
        assert_eq!(named(&report, code, &[(field, others)]).len(), 0, "{pattern} {:?}", report.rules);
        // The hit names the indicator.
        assert_eq!(named(&report, code, &[(field, hits)]), [report.indicators[0].term()], "{pattern}");
    }
    let fixed = stix2(&["[file:name MATCHES '^a|b$']"]);
    assert!(fixed.indicators.is_empty() && fixed.issues[0].reason.contains("edges"), "{:?}", fixed.issues);
}

#[test]
fn of_an_address_only_a_host_becomes_a_domain() {
    let equal = |value: &str| Some((Kind::Domain, Relation::Equals, value.to_owned()));
    let ends = |value: &str| Some((Kind::Domain, Relation::EndsWith, value.to_owned()));
    for (pattern, expected) in [
        ("http://evil.example/gate%", equal("evil.example")),
        ("http://evil.example/a_b%", equal("evil.example")),
        ("%.evil.example/%", ends(".evil.example")),
        ("%evil.example/gate%", ends("evil.example")),
        ("%evil.example:8080/gate%", ends("evil.example")),
        ("http://%.evil.example/%", ends(".evil.example")),
        ("%index.php?id=%", None),
        ("%/gate.php", None),
        ("%.com/%", None),
        ("%evil/gate%", None),
    ] {
        let report = stix2(&[&format!("[url:value LIKE '{pattern}']")]);
        let found = report.indicators.first().map(|i| (i.kind, i.relation, i.value.clone()));
        assert_eq!((found, report.issues.len()), (expected.clone(), usize::from(expected.is_none())), "{pattern}");
    }
    assert_eq!(read(".evil.example\nother.example\n").indicators.len(), 1);
}

#[test]
fn what_means_no_value_is_no_indicator() {
    let report = stix2(&["[process:command_line = '-']", "[process:command_line LIKE '%-%']"]);
    assert_eq!((report.indicators.len(), report.issues.len()), (0, 2), "{:?}", report.issues);
}

#[test]
fn an_end_that_cannot_be_read_is_not_for_ever() {
    let report = read("value,valid_until,tlp\nx.example,2026-01-31,red\ny.example,soon,red\nz.example,,pink\n");
    let found: Vec<_> =
        report.indicators.iter().map(|i| (i.value.as_str(), i.valid_until.map(|t| t.sysmon()))).collect();
    assert_eq!(found, [("x.example", Some("2026-02-01 00:00:00.000".to_owned())), ("z.example", None)]);
    let issues: Vec<&str> = report.issues.iter().map(|i| i.reason.as_str()).collect();
    assert!(issues[0].contains("'soon' is no time") && issues[1].contains("'pink' is no colour"), "{issues:?}");
    let objects = json!([
        {"type": "indicator", "id": "i--1", "pattern": "[file:name = 'a.exe']", "valid_until": "never"},
        {"type": "indicator", "id": "i--2", "pattern": "[file:name = 'b.exe']", "valid_from": "today"},
    ]);
    let report = read(&json!({"type": "bundle", "id": "b", "objects": objects}).to_string());
    assert_eq!((report.indicators.len(), report.issues.len()), (1, 2), "{:?}", report.issues);
}

#[test]
fn a_file_of_misp_is_told_by_all_of_it() {
    let sha256 = "0123456789abcdef".repeat(4);
    let attribute =
        |kind: &str, value: &str, to_ids: bool| json!({"type": kind, "value": value, "uuid": kind, "to_ids": to_ids});
    let of = |name: &str, attributes: Vec<serde_json::Value>| {
        let object = json!({"name": name, "uuid": "o", "Attribute": attributes});
        read(&json!({"Event": {"info": "e", "Object": [object], "Attribute": []}}).to_string())
    };
    let both = of(
        "file",
        vec![
            attribute("filename", "svchost.exe", true),
            attribute("filename", "other.exe", true),
            attribute("sha256", &sha256, true),
            attribute("size-in-bytes", "5", true),
            attribute("text", "Malicious", false),
        ],
    );
    assert_eq!(both.indicators.iter().map(|i| i.kind).collect::<Vec<_>>(), [Kind::Composite], "{:?}", both.issues);
    assert!(both.issues.len() == 1 && both.issues[0].reason.contains("context"), "{:?}", both.issues);
    let hash = format!("SHA256={sha256}");
    assert_eq!(named(&both, 1, &[("Image", r"C:\svchost.exe")]).len(), 0, "the name alone says nothing");
    assert!(!named(&both, 1, &[("Image", r"C:\svchost.exe"), ("Hashes", &hash)]).is_empty());
    assert!(!named(&both, 1, &[("Image", r"C:\other.exe"), ("Hashes", &hash)]).is_empty());
    let hash_alone = of("file", vec![attribute("filename", "svchost.exe", false), attribute("sha256", &sha256, true)]);
    assert_eq!(all(&hash_alone), [(Kind::Sha256, Relation::Equals, sha256.as_str())]);
    // Others are told each by itself.
    let pair = of("domain-ip", vec![attribute("domain", "x.example", true), attribute("ip-dst", "198.51.100.1", true)]);
    assert_eq!(pair.indicators.len(), 2);
}

proptest! {
    #[test]
    fn any_value_of_a_list_is_found_as_itself(name in "[ -~äß]{1,12}", other in "[ -~]{1,12}") {
        let value = name.trim();
        prop_assume!(!value.is_empty() && value != "-" && value.len() > 2);
        let list = sigma_literal(value);
        let rule = format!(
            "title: t\nid: i\ntags: [{}]\nlogsource: {{product: windows, service: sysmon}}\ndetection:\n  s:\n    CommandLine: {}\n  condition: s\n",
            sysmonsearch::event::indicator::TAG, serde_json::to_string(&[&list]).unwrap(),
        );
        let loaded = rules::parse(&rule, "made");
        let (set, failed) = RuleSet::compile(&loaded.rules);
        prop_assert_eq!(failed, vec![]);
        let matched = |text: &str| {
            let found = set.matches(&event(1, &[("CommandLine", text)]));
            found.first().map(|m| m.values.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        prop_assert_eq!(matched(value), Some(vec![value.to_owned()]));
        prop_assert_eq!(matched(other.trim()).is_some(), other.trim().to_lowercase() == value.to_lowercase());
    }
}
