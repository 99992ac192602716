//! Hits per file and rule over the real logs, against what four other engines and the rules' authors say.
use crate::support::{data, file_events};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};
use sysmonsearch::rules::{self, Loaded, RuleSet};

type Counts = BTreeMap<(String, String), u64>;

/// File, rule, count agreed on by the other engines (0: none of them), our count, and why ours is right.
type Difference = (&'static str, &'static str, u64, u64, &'static str);

const DELETED: &str =
    "registry_delete is about deletions; the other engines take it for every event of code 12, also CreateKey";
const DELETED_26: &str = "file_delete is code 26 (delete not archived) too, the other engines look at code 23 only";
const HASH_15: &str = "the field is called Hash in code 15; of the other engines only rsigma sees it";
const START_MODULE: &str =
    "StartModule is '-' in the event, which is what null in the rule means; only zircolite sees it";
const WINDASH: &str = "windash takes -accepteula for /accepteula; only zircolite sees it";
const CREATE_KEY: &str = "TargetObject and EventType CreateKey are those of the rule, in another case of letters";
const MESSAGE: &str = "nxlog left Destination in the message text only, from where it is read back here";

const EXPLAINED: &[Difference] = &[
    (
        "evtx/sbousseaden/Defense_Evasion/Sysmon_12_DE_AntiForensics_MRU_DeleteKey.evtx",
        "3a9b8c1e-5b2e-4f7a-9d1c-2a7f3b6e1c55",
        3,
        1,
        DELETED,
    ),
    (
        "evtx/sbousseaden/Lateral_Movement/LM_sysmon_1_12_13_3_tsclient_SharpRdp.evtx",
        "3a9b8c1e-5b2e-4f7a-9d1c-2a7f3b6e1c55",
        4,
        0,
        DELETED,
    ),
    (
        "json-nxlog-flat/lateral_movement__empire_dcom_shellwindows_stager.json.zst",
        "96f697b0-b499-4e5d-9908-a67bec11cdb6",
        2,
        0,
        DELETED,
    ),
    (
        "evtx/sbousseaden/AutomatedTestingTools/Malware/sideloading_uacbypass_rundll32_injection_c2.evtx",
        "2e4e488a-6164-4811-9ea1-f960c7359c40",
        0,
        1,
        START_MODULE,
    ),
    (
        "evtx/sbousseaden/AutomatedTestingTools/PanacheSysmon_vs_AtomicRedTeam01.evtx",
        "4a0b2c7e-7cb2-495d-8b63-5f268e7bfd67",
        0,
        1,
        WINDASH,
    ),
    (
        "json-nxlog-flat/compound-LSASS_campaign_01__metasploit_logonpasswords_lsass_memory_dump.json.zst",
        "b69888d4-380c-45ce-9cf9-d9ce46e67821",
        0,
        3,
        HASH_15,
    ),
    (
        "json-nxlog-flat/compound-LSASS_campaign_03__metasploit_comsvcs_lsass_memory_dump.json.zst",
        "b69888d4-380c-45ce-9cf9-d9ce46e67821",
        0,
        3,
        HASH_15,
    ),
    (
        "json-nxlog-flat/compound-LSASS_campaign_03__metasploit_comsvcs_lsass_memory_dump.json.zst",
        "63c779ba-f638-40a0-a593-ddd45e8b1ddc",
        0,
        1,
        DELETED_26,
    ),
    (
        "json-nxlog-flat/defense_evasion__cmd_stop_event_logging_controlset001_minint_key.json.zst",
        "919f2ef0-be2d-4a7a-b635-eb2b41fde044",
        0,
        1,
        CREATE_KEY,
    ),
    (
        "json-nxlog-flat/defense_evasion__psh_stop_event_logging_controlset_minint_key.json.zst",
        "919f2ef0-be2d-4a7a-b635-eb2b41fde044",
        0,
        1,
        CREATE_KEY,
    ),
    (
        "json-nxlog-flat/defense_evasion__reg_stop_event_logging_controlset_minint_key.json.zst",
        "919f2ef0-be2d-4a7a-b635-eb2b41fde044",
        0,
        1,
        CREATE_KEY,
    ),
    (
        "json-nxlog-flat/lateral_movement__covenant_wmi_remote_event_subscription_ActiveScriptEventConsumers.json.zst",
        "83844185-1c5b-45bc-bcf3-b5bf3084ca5b",
        0,
        2,
        MESSAGE,
    ),
    (
        "json-nxlog-flat/lateral_movement__covenant_wmi_remote_event_subscription_ActiveScriptEventConsumers.json.zst",
        "fe21810c-2a8c-478f-8dd3-5a287fb2a0e0",
        0,
        2,
        MESSAGE,
    ),
];

/// Rows of a CSV file with quoted fields, without its head.
fn rows(name: &str) -> Option<Vec<Vec<String>>> {
    let text = std::fs::read_to_string(data()?.join(name)).unwrap();
    let row = |line: &str| {
        let (mut fields, mut quoted) = (vec![String::new()], false);
        for c in line.chars() {
            match c {
                '"' => quoted = !quoted,
                ',' if !quoted => fields.push(String::new()),
                c => fields.last_mut().unwrap().push(c),
            }
        }
        fields
    };
    Some(text.lines().skip(1).map(row).collect())
}

/// The published rules, and those of them that are matched.
fn published() -> &'static (Loaded, RuleSet) {
    static RULES: OnceLock<(Loaded, RuleSet)> = OnceLock::new();
    RULES.get_or_init(|| {
        let loaded = rules::load(&data().unwrap().join("rules/sigma-rules-windows.tar.xz")).unwrap();
        let (set, failed) = RuleSet::compile(&loaded.rules);
        assert_eq!(failed, []);
        (loaded, set)
    })
}

fn is_matched(id: &str) -> bool {
    published().0.rules.iter().any(|r| r.id == id && r.refused.is_none())
}

fn count(files: &BTreeSet<String>) -> Counts {
    let mut counts = Counts::new();
    for file in files {
        for event in file_events(file).unwrap() {
            for hit in published().1.matches(&event) {
                *counts.entry((file.clone(), hit.rule_id.to_string())).or_default() += 1;
            }
        }
    }
    counts
}

/// Logs that the other engines have read: those of the manifest in the layouts they know.
fn logs() -> BTreeSet<String> {
    let known = ["evtx/", "json-nxlog-flat/", "json-winlogbeat6/", "sigma-regression/"];
    let is_log = |f: &String| {
        known.iter().any(|k| f.starts_with(k))
            && (f.ends_with(".evtx") || !f.contains("evtx") && !f.contains("regression"))
    };
    let manifest = rows("manifest.csv").unwrap();
    manifest
        .into_iter()
        .map(|mut r| r.swap_remove(0))
        .filter(is_log)
        .filter(|f| data().unwrap().join(f).is_file())
        .collect()
}

#[test]
fn hits_equal_what_other_engines_agree_on() {
    let Some(agreed) = rows("expected-sigma-agreed.csv") else { return };
    let mut files = logs();
    files.extend(agreed.iter().map(|r| r[0].clone()));
    let ours = count(&files);
    let mut expected = Counts::new();
    let mut not_published = 0;
    for row in &agreed {
        if is_matched(&row[1]) {
            expected.insert((row[0].clone(), row[1].clone()), row[6].parse().unwrap());
        } else {
            assert!(row[5].starts_with("th/") || row[5].starts_with("et/"), "{row:?} is in the archive");
            not_published += 1;
        }
    }
    let found = |counts: &Counts, key| counts.get(key).copied().unwrap_or_default();
    let keys: BTreeSet<_> = ours.keys().chain(expected.keys()).collect();
    let (mut matched, mut missing, mut extra) = (0, Vec::new(), Vec::new());
    let mut differences = BTreeSet::new();
    for key in keys {
        let (theirs, mine) = (found(&expected, key), found(&ours, key));
        if theirs == mine {
            matched += 1;
            continue;
        }
        let why = EXPLAINED.iter().find(|d| (d.0, d.1, d.2, d.3) == (key.0.as_str(), key.1.as_str(), theirs, mine));
        let line =
            format!("{} {} agreed {theirs}, found {mine}: {}", key.0, key.1, why.map_or("NOT EXPLAINED", |d| d.4));
        if mine < theirs {
            missing.push(line)
        } else {
            extra.push(line)
        }
        differences.insert((key.0.as_str(), key.1.as_str(), theirs, mine));
    }
    println!("{} files; matched {matched}, missing {}, extra {}", files.len(), missing.len(), extra.len());
    println!("{not_published} rows are of rules that are not in the archive");
    missing.iter().for_each(|l| println!("missing: {l}"));
    extra.iter().for_each(|l| println!("extra: {l}"));
    assert_eq!(matched, 826);
    assert_eq!(differences, EXPLAINED.iter().map(|d| (d.0, d.1, d.2, d.3)).collect());
}

#[test]
fn hits_equal_what_the_authors_of_the_rules_expect() {
    let Some(expected) = rows("expected-regression.csv") else { return };
    let (rows, other): (Vec<_>, Vec<_>) = expected.into_iter().partition(|r| is_matched(&r[1]));
    let ours = count(&rows.iter().map(|r| r[0].clone()).collect());
    let mut wrong = Vec::new();
    let mut without_count = 0;
    for row in &rows {
        let found = ours.get(&(row[0].clone(), row[1].clone())).copied().unwrap_or_default();
        match row[2].parse::<u64>() {
            Ok(n) if n != found => wrong.push(format!("{} {}: authors {n}, found {found}", row[0], row[1])),
            Ok(_) => {}
            // The authors give no number; the other engines do.
            Err(_) => {
                without_count += 1;
                assert_eq!(row[3], found.to_string(), "{row:?}");
            }
        }
    }
    println!("matched {}, without a count of the authors {without_count}", rows.len() - wrong.len() - without_count);
    wrong.iter().for_each(|w| println!("{w}"));
    assert!(wrong.is_empty());
    let other: BTreeSet<&str> = other.iter().map(|r| r[1].as_str()).collect();
    let not_matched = [
        // Emerging threats: not in the archive.
        "9b4e7c2a-3f6d-4a8b-b5e9-1c7d3f2e6a4b",
        "a7c3e5f2-8b1d-4e9a-b6c2-3d7f5e8a9b4c",
        "af688c76-4ce4-4309-bfdd-e896f01acf27",
        // Windows' own channels, not Sysmon: security and wmi.
        "d4f1a2b3-7c8e-4d5f-b6a9-1e0c2d3f4e5b",
        "e3c6d245-7b8f-4e2a-c17f-a9d0e5b38f62",
    ];
    assert_eq!(other, BTreeSet::from(not_matched));
}
