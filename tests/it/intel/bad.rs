//! Bad reports: a clear error, nothing of them is imported, and memory stays bounded.
use sysmonsearch::{
    error::{Code, Error},
    intel::{self, Report},
};

fn read(text: impl Into<Vec<u8>>) -> Result<Report, Error> {
    intel::read(text.into(), "report", "test")
}

fn refused(text: impl Into<Vec<u8>>, reason: &str) {
    let e = read(text).unwrap_err();
    assert!(e.message.contains(reason), "{} instead of {reason}", e.message);
    assert!(matches!(e.code, Code::BadInput | Code::TooLarge));
}

#[test]
fn what_is_no_report_is_refused_with_the_reason() {
    refused("", "empty");
    refused("<html/>", "its root is <html>");
    refused("<ioc xmlns='http://schemas.mandiant.com/2010/ioc'>", "end tag is missing");
    refused("<a></b>", "line 1: bad XML");
    refused([0xff, 0xfe, 0], "byte 0: not UTF-8");
    refused([0x50, 0x4b, 3, 4, 0, 0], "neither XML nor JSON nor text");
    refused("{\"type\": \"bundle\"", "line 1, column");
    refused("{\"a\": 1}", "neither STIX nor MISP");
    refused("[{\"a\": 1}]", "neither STIX nor MISP");
    refused("[1]", "not JSON of STIX 2");
    refused("nothing of it\nis an indicator", "no line of it");
}

#[test]
fn other_versions_are_refused_by_name() {
    refused("<STIX_Package version='2.0'/>", "version 2.0");
    refused("<STIX_Package/>", "version none");
    refused("<OpenIOC xmlns='http://openioc.org/schemas/OpenIOC_2.0'/>", "OpenIOC_2.0");
    refused("<ioc/>", "unknown version of OpenIOC");
    refused("{\"type\": \"bundle\", \"spec_version\": \"3.0\", \"objects\": []}", "version 3.0");
}

#[test]
fn entities_cannot_grow() {
    let bomb = "<!DOCTYPE ioc [<!ENTITY a 'x'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>]>\
        <ioc xmlns='http://schemas.mandiant.com/2010/ioc'><definition>&b;</definition></ioc>";
    refused(bomb, "a document type is refused");
    refused("<ioc xmlns='http://schemas.mandiant.com/2010/ioc'>&b;</ioc>", "unknown entity &b;");
}

#[test]
fn depth_is_bounded() {
    refused("<a>".repeat(200_000), "elements in each other");
    refused("[".repeat(200_000), "not JSON");
    let json = |pattern: String| {
        let objects = serde_json::json!([{"type": "indicator", "id": "i", "pattern": pattern, "pattern_type": "stix"}]);
        serde_json::json!({"type": "bundle", "id": "b", "objects": objects}).to_string()
    };
    for sign in ["(", "[("] {
        let report = read(json(sign.repeat(100_000))).unwrap();
        assert!(report.indicators.is_empty());
        assert!(report.issues[0].reason.contains("pattern"), "{:?}", report.issues[0]);
    }
    let not = format!("[{} file:name = 'a.exe']", "NOT ".repeat(100_000));
    assert!(read(json(not)).unwrap().issues[0].reason.contains("deep"));
}

#[test]
fn references_in_a_circle_end() {
    let text = "<STIX_Package version='1.2'><Indicators><Indicator id='i'><Observable idref='a'/></Indicator></Indicators>\
        <Observables><Observable id='a'><Observable_Composition operator='OR'><Observable idref='b'/>\
        <Observable idref='b'/></Observable_Composition></Observable><Observable id='b'><Observable_Composition operator='AND'>\
        <Observable idref='a'/><Observable idref='a'/></Observable_Composition></Observable></Observables></STIX_Package>";
    let report = read(text).unwrap();
    assert!(report.indicators.is_empty());
    assert!(report.issues.iter().any(|i| i.reason.contains("too many references")), "{:?}", report.issues.len());
}

#[test]
fn large_files_are_refused_before_they_are_read() {
    let file = tempfile::NamedTempFile::new().unwrap();
    // 200 MB of a list, sparse on the disk.
    file.as_file().set_len(200 << 20).unwrap();
    let e = intel::load(file.path(), "large", "test").unwrap_err();
    assert_eq!(e.code, Code::TooLarge);
    let many = "<x/>".repeat(2_000_000);
    refused(format!("<STIX_Package version='1.2'>{many}</STIX_Package>"), "elements");
}

#[test]
fn a_broken_part_is_an_issue_and_the_rest_is_read() {
    let objects = serde_json::json!([
        {"type": "indicator", "id": "good", "pattern": "[file:name = 'a.exe']", "pattern_type": "stix"},
        {"type": "indicator", "id": "bad", "pattern": "[file:name = 'a.exe'", "pattern_type": "stix"},
        {"type": "indicator", "id": "other", "pattern": "alert tcp", "pattern_type": "snort"},
        {"type": "indicator", "id": "revoked", "pattern": "[file:name = 'b.exe']", "revoked": true},
        {"type": "indicator", "id": "new", "spec_version": "2.7", "pattern": "[file:name = 'c.exe']"},
    ]);
    let report = read(serde_json::json!({"type": "bundle", "id": "b", "objects": objects}).to_string()).unwrap();
    assert_eq!(report.indicators.len(), 1);
    let reasons: Vec<(&str, &str)> = report.issues.iter().map(|i| (i.position.as_str(), i.reason.as_str())).collect();
    assert_eq!(reasons.len(), 4, "{reasons:?}");
    for (position, part) in [("bad", "it ends where"), ("other", "'snort'"), ("revoked", "revoked"), ("new", "2.7")] {
        assert!(reasons.iter().any(|(p, r)| *p == position && r.contains(part)), "{position}: {reasons:?}");
    }
}

/// Small files that would take ages, a stack or all memory of a reader that is not careful.
#[test]
fn what_is_small_stays_small() {
    let ioc = |inner: &str| {
        read(format!("<ioc xmlns='http://schemas.mandiant.com/2010/ioc' id='x'><definition>{inner}</definition></ioc>"))
            .unwrap()
    };
    let hash = |n: usize| {
        format!(
            "<IndicatorItem condition='is'><Context search='FileItem/Md5sum'/><Content>{n:032x}</Content></IndicatorItem>"
        )
    };
    // Alternatives in each other, each of which could be looked at twice.
    let or = (1..90).fold(hash(0), |inner, n| format!("<Indicator operator='OR'>{inner}{}</Indicator>", hash(n)));
    let report =
        ioc(&format!("<Indicator operator='AND'>{or}<Indicator operator='OR'>{}</Indicator></Indicator>", hash(91)));
    assert_eq!(report.indicators.len(), 91, "any of the hashes tells the file");
    // Types behind one another, as deep as the line is long.
    let pipes = format!("type,value\n{},{}\n", "a|".repeat(200_000), "b|".repeat(200_000));
    let report = read(pipes).unwrap();
    assert_eq!((report.indicators.len(), report.issues.len()), (0, 2));
    assert!(report.issues.iter().all(|i| i.reason.chars().count() < 3_000 && i.position.len() < 2_000));
    // Numbers of times, each of which repeats what stands before it.
    let pattern = format!("[file:name = 'a.exe']{}", " REPEATS 2 TIMES".repeat(60_000));
    let objects = serde_json::json!([{"type": "indicator", "id": "i", "pattern": pattern}]);
    let report = read(serde_json::json!({"type": "bundle", "id": "b", "objects": objects}).to_string()).unwrap();
    assert!(report.indicators.is_empty() && report.issues[0].reason.len() < 200, "{:?}", report.issues[0]);
    // A name of a mebibyte for each of many values.
    let values = vec!["'a'"; 50_000].join(", ");
    let pattern = format!("[x:{} IN ({values})]", "y".repeat(1 << 20));
    let objects = serde_json::json!([{"type": "indicator", "id": "i", "pattern": pattern}]);
    let report = read(serde_json::json!({"type": "bundle", "id": "b", "objects": objects}).to_string()).unwrap();
    assert_eq!((report.indicators.len(), report.issues.len()), (0, 1));
}

#[test]
fn what_is_referred_to_again_and_again_is_looked_at_within_bounds() {
    let refers = "<Observable idref='a'/>".repeat(100_000);
    let value = vec!["x.example"; 1_000].join("##comma##");
    let report = read(format!(
        "<STIX_Package version='1.2'><Indicators><Indicator id='i'>{refers}</Indicator></Indicators><Observables>\
         <Observable id='a'><Object><Properties type='DomainNameObjectType'><Value>{value}</Value></Properties></Object>\
         </Observable></Observables></STIX_Package>"
    ))
    .unwrap();
    assert_eq!(report.indicators.len(), 1);
    assert!(report.issues.iter().any(|i| i.reason.contains("too many references")), "{:?}", report.issues.len());
}

#[test]
fn what_observed_things_refer_to_is_taken_over_within_bounds() {
    let traffic =
        |n| serde_json::json!({"type": "network-traffic", "id": format!("network-traffic--{n}"), "dst_ref": "d"});
    let mut objects: Vec<_> = (0..40).map(traffic).collect();
    objects.push(serde_json::json!({"type": "domain-name", "id": "d", "value": "x".repeat(1 << 20)}));
    let report = read(serde_json::Value::from(objects).to_string()).unwrap();
    assert!(report.indicators.is_empty());
    let many = report.issues.iter().filter(|i| i.reason.contains("too many references")).count();
    assert!((20..40).contains(&many), "{many}");
    // Names of hives, each of which would be shortened on its own.
    let pattern = format!("[windows-registry-key:key LIKE '%{}']", "HKEY_USERS".repeat(200_000));
    let objects = serde_json::json!([{"type": "indicator", "id": "i", "pattern": pattern}]);
    let report = read(objects.to_string()).unwrap();
    assert!(report.indicators.is_empty() && report.issues[0].reason.contains("too long"), "{:?}", report.issues);
}
