//! STIX 1: what is joined is told as a whole, never a part of it alone.
use super::formats::{MD5, all, named, read};
use sysmonsearch::{
    event::indicator::{Kind, Relation},
    intel::Report,
};

const OTHER: &str = "fedcba9876543210fedcba9876543210";

fn package(indicators: &str) -> Report {
    read(&format!("<STIX_Package version='1.2'><Indicators>{indicators}</Indicators></STIX_Package>"))
}

fn object(kind: &str, properties: &str) -> String {
    format!("<Observable><Object><Properties type='{kind}ObjectType'>{properties}</Properties></Object></Observable>")
}

fn file(hash: &str) -> String {
    let kind = if hash.len() == 32 { "MD5" } else { "SHA1" };
    let hash = format!("<Type>{kind}</Type><Simple_Hash_Value>{hash}</Simple_Hash_Value>");
    object("File", &format!("<Hashes><Hash>{hash}</Hash></Hashes>"))
}

fn name(name: &str) -> String {
    object("File", &format!("<File_Name>{name}</File_Name>"))
}

fn domain(name: &str) -> String {
    object("DomainName", &format!("<Value>{name}</Value>"))
}

fn composite(operator: &str, members: &str) -> String {
    format!("<Composite_Indicator_Expression operator='{operator}'>{members}</Composite_Indicator_Expression>")
}

fn indicator(id: &str, inner: &str) -> String {
    format!("<Indicator id='{id}'>{inner}</Indicator>")
}

/// Positions and reasons of what is left out.
fn issues(report: &Report) -> Vec<(&str, &str)> {
    report.issues.iter().map(|i| (i.position.as_str(), i.reason.as_str())).collect()
}

#[test]
fn several_files_that_belong_together_are_no_alternatives() {
    let of = |operator: &str, files: &[String]| {
        let files = files.concat();
        let all = format!("<Observable_Composition operator='{operator}'>{files}</Observable_Composition>");
        package(&indicator("i", &format!("<Observable>{all}</Observable>")))
    };
    let both = of("AND", &[file(MD5), file(OTHER)]);
    assert_eq!(all(&both), []);
    assert_eq!(both.rules, Vec::<String>::new());
    let [("i", why)] = issues(&both)[..] else { panic!("{:?}", both.issues) };
    assert!(why.contains("several files") && why.contains(MD5) && why.contains(OTHER), "{why}");
    // Either of them, and one file by two kinds of hash, or by one twice.
    let md5 = |value| (Kind::Md5, Relation::Equals, value);
    assert_eq!(all(&of("OR", &[file(MD5), file(OTHER)])), [md5(MD5), md5(OTHER)]);
    let sha1 = "0123456789".repeat(4);
    let one = of("AND", &[file(MD5), file(&sha1), file(MD5)]);
    assert_eq!(all(&one), [md5(MD5), (Kind::Sha1, Relation::Equals, sha1.as_str())]);
    assert_eq!(one.issues, []);
}

#[test]
fn a_part_of_a_composite_is_no_indicator_of_its_own() {
    let (a, b) = (indicator("a", &name("svchost.exe")), indicator("b", &domain("evil.example")));
    let both = package(&indicator("i", &composite("AND", &format!("{a}{b}"))));
    assert_eq!(all(&both), []);
    assert_eq!(named(&both, 11, &[("TargetFilename", r"C:\Windows\System32\svchost.exe")]), Vec::<String>::new());
    assert_eq!(issues(&both), [("i", "2 observations, each of its own: no single event shows them")]);
    // A choice between other things stays a part of the whole.
    let either = indicator("o", &composite("OR", &format!("{a}{b}")));
    let c = indicator("c", &domain("other.example"));
    let nested = package(&indicator("i", &composite("AND", &format!("{either}{c}"))));
    assert_eq!((all(&nested), nested.issues.len()), (vec![], 1), "{:?}", nested.issues);
    let unknown = package(&indicator("i", &composite("XOR", &format!("{a}{b}"))));
    assert_eq!((all(&unknown), unknown.issues.len()), (vec![], 1), "{:?}", unknown.issues);
    let nothing = package(&indicator("i", &composite("AND", "")));
    assert_eq!((all(&nothing), nothing.issues.len()), (vec![], 1), "{:?}", nothing.issues);
}

#[test]
fn what_stands_beside_a_composite_is_told_by_itself() {
    let (a, b) = (indicator("a", &name("bad.exe")), indicator("b", &domain("evil.example")));
    let found = [(Kind::FileName, Relation::Equals, "bad.exe"), (Kind::Domain, Relation::Equals, "evil.example")];
    // Either, written inside or referred to, and each listed for itself.
    let either = package(&indicator("i", &composite("OR", &format!("{a}{b}"))));
    assert_eq!((all(&either), either.issues.len()), (found.to_vec(), 0), "{:?}", either.issues);
    let references = composite("AND", "<Indicator idref='a'/><Indicator idref='b'/>");
    let listed = package(&format!("{a}{b}{}", indicator("i", &references)));
    assert_eq!((all(&listed), listed.issues.len()), (found.to_vec(), 1), "{:?}", listed.issues);
    // Related ones are no part of what they are related to.
    let related = format!("<Related_Indicators><Related_Indicator>{a}</Related_Indicator></Related_Indicators>");
    let c = indicator("c", &format!("{}{related}", domain("other.example")));
    let report = package(&indicator("i", &composite("AND", &format!("{b}{c}"))));
    assert_eq!((all(&report), report.issues.len()), (found[..1].to_vec(), 1), "{:?}", report.issues);
}

#[test]
fn a_negation_of_a_composite_reaches_its_parts() {
    let (a, b) = (indicator("a", &name("good.exe")), indicator("b", &domain("evil.example")));
    let negated = |indicator: &str| indicator.replacen(" id=", " negate='true' id=", 1);
    let none = package(&negated(&indicator("i", &composite("OR", &format!("{a}{b}")))));
    assert_eq!((all(&none), none.issues.len()), (vec![], 1), "{:?}", none.issues);
    let not_good = package(&indicator("i", &composite("OR", &format!("{}{b}", negated(&a)))));
    assert_eq!(all(&not_good), [(Kind::Domain, Relation::Equals, "evil.example")]);
    assert!(issues(&not_good).iter().all(|(_, why)| why.contains("good.exe")), "{:?}", not_good.issues);
    assert!(!not_good.issues.is_empty());
}
