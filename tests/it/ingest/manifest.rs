//! Every file of the real logs gives the events that the manifest counts.
use crate::support::{data, read};
use std::collections::{BTreeMap, HashSet};

struct Row {
    file: String,
    events: usize,
    /// `1:8 7:1`; empty where the manifest does not say.
    codes: String,
}

/// The rows of `manifest.csv` with Sysmon events.
fn rows(folder: &str) -> Vec<Row> {
    let Some(data) = data() else { return Vec::new() };
    let text = std::fs::read_to_string(data.join("manifest.csv")).unwrap();
    text.lines()
        .skip(1)
        .filter_map(|line| {
            let c = columns(line);
            let events = c[6].parse().ok()?;
            Some(Row { file: c[0].clone(), events, codes: c[8].clone() })
        })
        .filter(|r| r.file.starts_with(folder))
        .collect()
}

/// Columns of a CSV line with quotes.
fn columns(line: &str) -> Vec<String> {
    let (mut out, mut quoted) = (vec![String::new()], false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => out.push(String::new()),
            c => out.last_mut().unwrap().push(c),
        }
    }
    out
}

/// Names that are no field of Sysmon's manifest, in all of the real logs: what shippers add is not among them.
#[test]
fn unknown_names() {
    let Some(events) = crate::support::real_events(1) else { return };
    let mut names = BTreeMap::<(u32, String), usize>::new();
    for e in &events {
        let order = sysmonsearch::event::EventCode::get(e.code).map_or(&[][..], |c| c.fields);
        for (key, _) in &e.data {
            if !matches!(key, sysmonsearch::event::Key::Field(f) if order.contains(f)) {
                *names.entry((e.code, key.name().to_owned())).or_default() += 1;
            }
        }
    }
    assert_eq!(names, BTreeMap::new());
}

/// Reads all files of a folder; (files, events).
fn check(folder: &str) -> (usize, usize) {
    let Some(data) = data() else { return (0, 0) };
    let rows = rows(folder);
    let mut wrong = Vec::new();
    for row in &rows {
        let all = read(&data.join(&row.file));
        let mut codes = BTreeMap::<u32, usize>::new();
        all.events.iter().for_each(|e| *codes.entry(e.code).or_default() += 1);
        let counted: Vec<String> = codes.iter().map(|(c, n)| format!("{c}:{n}")).collect();
        let ids: HashSet<_> = all.events.iter().map(|e| e.id).collect();
        if all.events.len() != row.events
            || (!row.codes.is_empty() && counted.join(" ") != row.codes)
            || ids.len() != all.events.len()
            || !all.issues.is_empty()
        {
            wrong.push(format!(
                "{}: {} events of {}, {} ids, codes {} of {}, issues {:?}",
                row.file,
                all.events.len(),
                row.events,
                ids.len(),
                counted.join(" "),
                row.codes,
                all.issues.first(),
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    (rows.len(), rows.iter().map(|r| r.events).sum())
}

#[test]
fn evtx() {
    println!("evtx: {:?}", check("evtx/"));
}

#[test]
fn sigma_regression() {
    println!("sigma-regression: {:?}", check("sigma-regression/"));
}

#[test]
fn nxlog() {
    println!("nxlog: {:?}", check("json-nxlog-flat/"));
}

#[test]
fn winlogbeat() {
    println!("winlogbeat: {:?}", check("json-winlogbeat"));
    println!("winlogbeat golden: {:?}", check("winlogbeat-golden/"));
}

#[test]
fn event_data_array() {
    println!("EventData array: {:?}", check("json-event-data-array/"));
}

#[test]
fn xml() {
    println!("xml: {:?}", check("xml/"));
}
