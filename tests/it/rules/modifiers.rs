//! Every modifier of the Sigma specification 2.1 that rules use, over made events.
use super::events::{compiled, event, rule};
use sysmonsearch::rules;

/// Whether a rule with this selection matches a process creation with this data.
fn holds(selection: &str, data: &[(&str, &str)]) -> bool {
    let selection: String = selection.lines().map(|l| format!("  {l}\n")).collect();
    let set = compiled(&rule("process_creation", &format!("sel:\n{selection}condition: sel")));
    !set.matches(&event(1, data)).is_empty()
}

fn refused(selection: &str) -> String {
    let loaded = rules::parse(&rule("process_creation", &format!("sel:\n  {selection}\ncondition: sel")), "made.yml");
    assert_eq!(loaded.rules.len(), 1, "{:?}", loaded.issues);
    loaded.rules[0].refused.clone().unwrap_or_else(|| panic!("{selection} is not refused"))
}

#[track_caller]
fn check(selection: &str, field: &str, yes: &[&str], no: &[&str]) {
    for value in yes {
        assert!(holds(selection, &[(field, value)]), "{selection} must match {value:?}");
    }
    for value in no {
        assert!(!holds(selection, &[(field, value)]), "{selection} must not match {value:?}");
    }
}

#[test]
fn text_is_compared_without_case() {
    check("CommandLine: 'Whoami /ALL'", "CommandLine", &["whoami /all", "WHOAMI /ALL"], &["whoami /all "]);
    check("CommandLine|contains: MIMI", "CommandLine", &["x mimikatz"], &["mim"]);
    check("CommandLine|startswith: CMD", "CommandLine", &["cmd /c"], &["a cmd"]);
    check(r"CommandLine|endswith: '\ÄRGER.exe'", "CommandLine", &[r"c:\ärger.EXE"], &["ärger.exe"]);
    check("commandline|contains: a", "CommandLine", &["xax"], &["b"]);
    check("CommandLine|cased: Cmd", "CommandLine", &["Cmd"], &["cmd"]);
    check("CommandLine|contains|cased: Cmd", "CommandLine", &["a Cmd b"], &["a cmd b"]);
}

#[test]
fn lists_are_any_and_all() {
    check("CommandLine|contains:\n  - one\n  - two", "CommandLine", &["one", "xtwo"], &["three"]);
    check("CommandLine|contains|all:\n  - one\n  - two", "CommandLine", &["two one"], &["one", "two"]);
    check("CommandLine|contains|all:\n  - 'o*e'\n  - '-two'", "CommandLine", &["-two one"], &["oe two", "-two"]);
    assert!(
        refused("CommandLine|contains|all: one").contains("'all'") || refused("CommandLine|all: one").contains("all")
    );
}

#[test]
fn wildcards_reach_over_lines_and_keep_their_ends() {
    check(
        "CommandLine: 'power*Hidden'",
        "CommandLine",
        &["powershell\r\n-w hidden"],
        &["xpower hidden", "power hidden x"],
    );
    check("CommandLine|endswith: 'pass*.txt'", "CommandLine", &["notepad c:\\passwords.txt"], &["pass.txt x", "x.txt"]);
    check("CommandLine|startswith: 'not?pad *x'", "CommandLine", &["notepad c:\\x.txt"], &["a notepad x", "notpad x"]);
    check("CommandLine|contains: ' -e* abc'", "CommandLine", &["p -enc abc d", "p -e abc"], &["p -x abc"]);
    check(r"CommandLine: 'c:\\\\srv\\x'", "CommandLine", &[r"c:\\srv\x"], &[r"c:\srv\x"]);
    check(r"CommandLine: 'a\*b'", "CommandLine", &["a*b"], &["aXb"]);
    check("CommandLine: '*'", "CommandLine", &["anything"], &["-"]);
}

#[test]
fn regular_expressions_mind_case_unless_told() {
    check("CommandLine|re: 'a[0-9]+B$'", "CommandLine", &["xa12B"], &["xa12b", "a12Bc"]);
    check("CommandLine|re|i: 'a[0-9]+B$'", "CommandLine", &["xA12b"], &["A12bc"]);
    check("CommandLine|re|m: '^two$'", "CommandLine", &["one\ntwo\nthree"], &["one two"]);
    check("CommandLine|re|s: 'one.two'", "CommandLine", &["one\ntwo"], &["one--two"]);
    assert!(refused("CommandLine|re: '(?=x)y'").contains("look-around"));
}

#[test]
fn windash_takes_any_dash_for_any_other() {
    for written in ["-foo", "/foo"] {
        let yes = ["a -foo", "a /foo", "a \u{2013}FOO", "a \u{2014}foo", "a \u{2015}foo"];
        check(&format!("CommandLine|contains|windash: ' {written}'"), "CommandLine", &yes, &["a foo", "a +foo"]);
    }
    check("CommandLine|windash|contains|all:\n  - ' -a '\n  - ' -b '", "CommandLine", &["x /a -b y"], &["x /a y"]);
    check("CommandLine|windash|contains: ' -p*x '", "CommandLine", &["a /pass x b"], &["a pass x b"]);
    check("CommandLine|windash|contains: 'well-known'", "CommandLine", &["well-known"], &["well/known"]);
}

#[test]
fn base64_finds_every_alignment() {
    // "http://", "xhttp://y", "xxhttp://yy" and UTF-16 of "IEX(" behind one and two letters.
    let yes = ["aHR0cDovLw==", "a eGh0dHA6Ly95", "b eHhodHRwOi8veXk="];
    check("CommandLine|base64offset|contains: 'http://'", "CommandLine", &yes, &["aHR0cDovWA==", "http://"]);
    let wide = ["SQBFAFgAKAA=", "YQBJAEUAWAAoAA==", "YQBhAEkARQBYACgA"];
    check("CommandLine|wide|base64offset|contains: 'IEX('", "CommandLine", &wide, &["SUVYKA=="]);
    check("CommandLine|utf16le|base64offset|contains: 'IEX('", "CommandLine", &wide, &["SUVYKA=="]);
    check("CommandLine|utf16be|base64offset|contains: 'IEX('", "CommandLine", &["AEkARQBYACg="], &["SQBFAFgAKAA="]);
    check("CommandLine|base64|contains: 'foobar'", "CommandLine", &["x Zm9vYmFy"], &["foobar"]);
    assert!(refused("CommandLine|wide: abc").contains("utf16"));
}

#[test]
fn addresses_and_numbers() {
    let net = |selection: &str, field: &str, value: &str| {
        let set = compiled(&rule("network_connection", &format!("sel:\n  {selection}\ncondition: sel")));
        !set.matches(&event(3, &[(field, value)])).is_empty()
    };
    assert!(net("DestinationIp|cidr: 10.0.0.0/8", "DestinationIp", "10.1.2.3"));
    assert!(net("DestinationIp|cidr: [192.168.0.0/16, 10.0.0.0/8]", "DestinationIp", "::ffff:10.1.2.3"));
    assert!(net("DestinationIp|cidr: fe80::/10", "DestinationIp", "fe80:0:0:0:1:2:3:4%12"));
    assert!(net("DestinationIp: 'fe80:0:0:0:0:0:0:1'", "DestinationIp", "fe80::1"));
    assert!(!net("DestinationIp|cidr: 10.0.0.0/8", "DestinationIp", "11.1.2.3"));
    for (selection, expected) in [
        ("DestinationPort: 4444", true),
        ("DestinationPort: '4444'", true),
        ("DestinationPort: [80, 4444]", true),
        ("DestinationPort|gt: 4443", true),
        ("DestinationPort|gte: 4444", true),
        ("DestinationPort|lt: 10000", true),
        ("DestinationPort|lte: 4443", false),
        ("DestinationPort|startswith: 44", true),
        ("DestinationPort: 444", false),
    ] {
        assert_eq!(net(selection, "DestinationPort", "4444"), expected, "{selection}");
    }
    assert!(holds("LogonId|gt: 900", &[("LogonId", "0x3e7")]));
    assert!(holds("LogonId: 0x3e7", &[("LogonId", "0x3E7")]), "YAML reads an unquoted 0x3e7 as a number");
    assert!(holds("UtcTime|hour: 13", &[("UtcTime", "2021-10-20 13:39:10.123")]));
    assert!(!holds("UtcTime|minute: 13", &[("UtcTime", "2021-10-20 13:39:10.123")]));
    assert!(refused("DestinationIp|cidr: 10.0.0.0/99").contains("CIDR"));
}

#[test]
fn fields_against_fields_and_existence() {
    let data =
        [("Image", r"C:\A.exe"), ("ParentImage", r"c:\a.EXE"), ("User", r"LAB\adm"), ("CommandLine", r"x c:\a.exe")];
    assert!(holds("Image|fieldref: ParentImage", &data));
    assert!(!holds("Image|cased|fieldref: ParentImage", &data));
    assert!(holds("CommandLine|fieldref|endswith: image", &data));
    assert!(!holds("Image|fieldref: User", &data));
    assert!(!holds("Image|fieldref: Company", &data));
    assert!(holds("User|exists: true", &data));
    assert!(!holds("User|exists: false", &data));
    assert!(holds("Company|exists: false", &data));
    assert!(holds("User|neq: 'LAB\\other'", &data));
    assert!(!holds("User|neq: ['LAB\\adm', x]", &data));
}

#[test]
fn keywords_search_every_value() {
    let data = [("Image", r"C:\A.exe"), ("CommandLine", "one two 4624")];
    let keywords = |list: &str| {
        let set = compiled(&rule("process_creation", &format!("k:\n{list}\ncondition: k")));
        !set.matches(&event(1, &data)).is_empty()
    };
    assert!(keywords("  - nothing\n  - TWO"));
    assert!(keywords("  - 4624"));
    assert!(keywords("  - 'o*o 4'"));
    assert!(!keywords("  - three"));
    assert!(keywords("  '|all':\n    - 'a.exe'\n    - two"));
    assert!(!keywords("  '|all':\n    - 'a.exe'\n    - three"));
    assert!(keywords("  '|re': 'tw[aeiou]'"));
}

#[test]
fn what_cannot_be_honoured_is_refused() {
    assert!(refused("CommandLine|exists|expand: '%admins%'").contains("'expand' beside"));
    assert!(refused("CommandLine|nosuch: a").contains("nosuch"));
    for modifiers in ["re|contains", "i", "wide", "base64|windash", "contains|fieldref", "gt|lt", "cidr|endswith"] {
        assert!(refused(&format!("CommandLine|{modifiers}: a")).contains("conflicting"), "{modifiers}");
    }
    for (condition, reason) in [
        ("other", "other"),
        ("all of nothing_*", "selects 0"),
        ("0 of them", "always"),
        ("3 of sel*", "selects 1"),
        ("sel | count() > 5", ""),
    ] {
        let text = rule("process_creation", &format!("sel:\n  Image: a\ncondition: {condition}"));
        let loaded = rules::parse(&text, "made.yml");
        let refused = loaded.rules[0].refused.clone().unwrap_or_else(|| panic!("{condition} is not refused"));
        assert!(refused.contains(reason), "{condition}: {refused}");
    }
}
