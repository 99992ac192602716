//! The generated intrusion: the same each time, every event code, well-formed, and with a story in it.
use std::collections::{BTreeMap, HashMap, HashSet};
use sysmonsearch::{
    demo,
    event::{Event, EventCode, Field, Key, Time},
    rules::{self, RuleSet},
};

const UNTIL: Time = Time(1_790_000_000_000);

fn history() -> Vec<Event> {
    demo::history(7, UNTIL).collect()
}

#[test]
fn the_same_seed_gives_the_same_events() {
    assert!(demo::history(7, UNTIL).eq(demo::history(7, UNTIL)));
    assert!(demo::history(8, UNTIL).take(5_000).ne(demo::history(7, UNTIL).take(5_000)));
    assert!(demo::live(7, UNTIL).take(2_000).eq(demo::live(7, UNTIL).take(2_000)));
}

#[test]
fn a_day_of_forty_hosts_holds_every_code_in_order_of_time() {
    let events = history();
    assert!((60_000..120_000).contains(&events.len()), "{} events", events.len());
    assert!(events.is_sorted_by_key(|e| e.time));
    assert!(events.iter().all(|e| e.time < UNTIL && e.time.0 >= UNTIL.0 - demo::HISTORY_MS));
    let mut codes = BTreeMap::<u32, u64>::new();
    for e in &events {
        *codes.entry(e.code).or_default() += 1;
    }
    assert_eq!(codes.keys().copied().collect::<Vec<_>>(), (1..=29).chain([255]).collect::<Vec<_>>(), "{codes:?}");
    assert_eq!(events.iter().map(Event::host).collect::<HashSet<_>>().len(), 40);
}

#[test]
fn every_event_has_the_fields_of_its_code() {
    use Field::{ClientInfo, DestinationPortName, ParentCommandLine, QueryResults, RuleName, SourcePortName};
    use Field::{Company, Description, FileVersion, OriginalFileName, Product, Signature, StartFunction, StartModule};
    let optional = [
        RuleName,
        ClientInfo,
        DestinationPortName,
        ParentCommandLine,
        QueryResults,
        SourcePortName,
        Company,
        Description,
        FileVersion,
        OriginalFileName,
        Product,
        Signature,
        StartFunction,
        StartModule,
    ];
    let live = demo::live(7, UNTIL).take(5_000).map(|(_, e)| e);
    for e in history().into_iter().chain(live) {
        let code = EventCode::get(e.code).unwrap();
        for (key, _) in &e.data {
            assert!(matches!(key, Key::Field(f) if code.fields.contains(f)), "{key:?} in {e:?}");
        }
        for field in code.fields {
            assert!(optional.contains(field) || e.get(*field).is_some(), "no {} in {e:?}", field.name());
        }
        assert_eq!(e.get(Field::UtcTime), Some(e.time.sysmon().as_str()));
    }
}

#[test]
fn ids_record_numbers_and_process_guids_are_consistent() {
    let (mut ids, mut records) = (HashSet::new(), HashMap::new());
    let mut started: HashMap<String, (String, String)> = HashMap::new();
    let live = demo::live(7, UNTIL).take(5_000).map(|(_, e)| e);
    for e in history().into_iter().chain(live) {
        assert!(ids.insert(e.id), "{e:?} has the id of another event");
        let last = records.insert(e.host(), e.system.record_id);
        assert!(last.flatten() < e.system.record_id, "record numbers of {} go up", e.host());
        let get = |f| e.get(f).unwrap_or_default().to_owned();
        for (guid, image) in [
            (Field::ProcessGuid, Field::Image),
            (Field::ParentProcessGuid, Field::ParentImage),
            (Field::SourceProcessGuid, Field::SourceImage),
            (Field::TargetProcessGuid, Field::TargetImage),
        ] {
            let Some(guid_text) = e.get(guid) else { continue };
            if e.code == 1 && guid == Field::ProcessGuid {
                let new = started.insert(guid_text.to_owned(), (get(image), e.host()));
                assert!(new.is_none(), "a process starts once: {e:?}");
            } else if get(image) != "System" {
                let known = started.get(guid_text);
                assert_eq!(known, Some(&(get(image), e.host())), "{} of {e:?}", guid.name());
            }
        }
    }
}

#[test]
fn one_hash_or_one_address_leads_to_all_hosts_of_the_intrusion() {
    let events = history();
    let implant = events
        .iter()
        .find(|e| e.code == 1 && e.get(Field::Image).is_some_and(|i| i.ends_with("hb_sync.exe")))
        .and_then(|e| e.values(Field::Sha256).first().map(|v| v.to_string()))
        .expect("the implant starts");
    let hosts: HashSet<String> =
        events.iter().filter(|e| e.values(Field::Sha256).iter().any(|v| **v == *implant)).map(Event::host).collect();
    assert_eq!(hosts.len(), 5, "{hosts:?}");
    let talked = events.iter().filter(|e| e.get(Field::DestinationIp) == Some("203.0.113.77")).map(Event::host);
    assert_eq!(talked.collect::<HashSet<_>>(), hosts);
}

#[test]
fn live_starts_at_once_and_the_intruder_comes_back() {
    let minutes: Vec<(u64, Event)> = demo::live(7, UNTIL).take_while(|(ms, _)| *ms < 240_000).collect();
    assert!(minutes.is_sorted_by_key(|(ms, _)| *ms));
    let rate = minutes.len() / 240;
    assert!((12..40).contains(&rate), "{rate} events/s");
    let implant = |from: u64, to: u64| {
        minutes
            .iter()
            .filter(|(ms, _)| (from..to).contains(ms))
            .any(|(_, e)| e.code == 1 && e.get(Field::Image).is_some_and(|i| i.ends_with("wuauxsync.exe")))
    };
    assert!(implant(5_000, 15_000) && implant(75_000, 120_000) && implant(150_000, 200_000));
}

/// The demo's rules, compiled, and all of them must be.
fn rule_set() -> RuleSet {
    let mut all = Vec::new();
    for (name, text) in demo::rules() {
        let loaded = rules::parse(text, name);
        assert!(loaded.issues.is_empty(), "{name}: {:?}", loaded.issues);
        assert!(loaded.rules.iter().all(|r| r.refused.is_none()), "{name}: {:?}", loaded.rules);
        all.extend(loaded.rules);
    }
    assert!((12..=20).contains(&all.len()));
    assert_eq!(all.iter().map(|r| &r.id).collect::<HashSet<_>>().len(), all.len(), "each rule has an id of its own");
    let (set, failed) = RuleSet::compile(&all);
    assert!(failed.is_empty(), "{failed:?}");
    set
}

#[test]
fn every_rule_finds_the_intrusion_and_little_else() {
    let set = rule_set();
    let mut hits = BTreeMap::<String, u64>::new();
    let mut hosts = HashSet::new();
    for event in history() {
        for rule in set.matches(&event) {
            *hits.entry(rule.title.to_string()).or_default() += 1;
            hosts.insert(event.host());
        }
    }
    assert_eq!(hits.len(), set.len(), "{hits:#?}");
    assert_eq!(hosts.len(), 5, "{hosts:?}: a rule hits where nobody broke in");
    let others: u64 = hits.iter().filter(|(title, _)| !title.contains("control server")).map(|(_, n)| n).sum();
    assert!(others < 100, "{hits:#?}");
}

#[test]
fn alerts_come_within_the_first_half_minute_of_live_and_keep_coming() {
    let set = rule_set();
    let hits: Vec<u64> = demo::live(7, UNTIL)
        .take_while(|(ms, _)| *ms < 300_000)
        .flat_map(|(ms, e)| set.matches(&e).into_iter().map(move |_| ms))
        .collect();
    assert!(hits.iter().filter(|ms| **ms < 30_000).count() >= 10, "{hits:?}");
    let gap = hits.windows(2).map(|w| w[1] - w[0]).max();
    assert!(gap < Some(30_000), "{gap:?} ms without an alert");
}
