//! Made events against made rules.
use sysmonsearch::{
    event::{Event, EventBuilder, Ordinals, SYSMON_CHANNEL, SYSMON_PROVIDER},
    rules::{self, RuleSet},
};

struct Once;
impl Ordinals for Once {
    fn next(&mut self, _: u128) -> u64 {
        0
    }
}

pub fn event(code: u32, data: &[(&str, &str)]) -> Event {
    let mut b = EventBuilder::default();
    b.code = code;
    b.system.provider = SYSMON_PROVIDER.into();
    b.system.channel = SYSMON_CHANNEL.into();
    b.system.computer = "ws1.example".into();
    for (name, value) in data {
        b.data(name, value);
    }
    b.finish(&mut Once)
}

/// A rule of which only the detection matters.
pub fn rule(category: &str, detection: &str) -> String {
    let detection: String = detection.lines().map(|l| format!("  {l}\n")).collect();
    format!(
        "title: made\nid: made-{category}\nlogsource:\n  product: windows\n  category: {category}\ndetection:\n{detection}"
    )
}

pub fn compiled(text: &str) -> RuleSet {
    let loaded = rules::parse(text, "made.yml");
    assert_eq!(loaded.issues, []);
    assert_eq!(loaded.rules.iter().filter_map(|r| r.refused.as_deref()).collect::<Vec<_>>(), Vec::<&str>::new());
    let (set, failed) = RuleSet::compile(&loaded.rules);
    assert_eq!(failed, []);
    set
}

#[test]
fn a_rule_matches_an_event() {
    let set = compiled(&rule("process_creation", "sel:\n  Image|endswith: '\\CMD.exe'\ncondition: sel"));
    let hits = set.matches(&event(1, &[("Image", r"C:\Windows\System32\cmd.exe")]));
    assert_eq!(hits.len(), 1);
    assert_eq!((&*hits[0].rule_id, &*hits[0].title, &*hits[0].level), ("made-process_creation", "made", "medium"));
    assert_eq!(set.matches(&event(5, &[("Image", r"C:\Windows\System32\cmd.exe")])), []);
    let mut other = event(1, &[("Image", r"C:\Windows\System32\cmd.exe")]);
    other.system.provider = "Microsoft-Windows-Security-Auditing".into();
    assert_eq!(set.matches(&other), []);
}
