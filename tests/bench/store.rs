//! The event store by itself: appending, CPU of each thread, CPU of searches and how it grows with the events.
//!
//! `cargo bench --bench store -- 300000 1000000` on the real `json-nxlog-flat` logs, told apart by host when they
//! are repeated.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench")]
mod support;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    time::{Duration, Instant},
};
use sysmonsearch::{
    event::{
        Condition, Event, EventId, Field, Key, Period, Scope, Time,
        condition::{Match, Operator},
    },
    store::{
        EventStore, Interval, Order, Query, TermOrder,
        embedded::{Settings, Tantivy},
    },
};

/// The same story on other machines: host, GUIDs, process ids, record numbers and times differ.
fn replica(events: &[Event], n: u64) -> Vec<Event> {
    let mix = |text: &str| uuid::Uuid::new_v5(&uuid::Uuid::from_u128(n.into()), text.as_bytes());
    let shift = 3_600_000 * n as i64;
    let change = |(key, value): &(Key, Box<str>)| {
        use sysmonsearch::event::fields::Type;
        let Key::Field(field) = key else { return (key.clone(), value.clone()) };
        let value = match field.ty() {
            Type::Guid => format!("{{{}}}", mix(value)).into(),
            Type::Time => Time::parse(value).map_or_else(|| value.clone(), |t| Time(t.0 + shift).sysmon().into()),
            Type::UInt if field.name().ends_with("ProcessId") => {
                value.parse::<u64>().map_or_else(|_| value.clone(), |p| ((p + n * 52) % 65_536).to_string().into())
            }
            // Half of these are unique in real logs.
            _ if matches!(field, Field::CommandLine | Field::TargetFilename) && value.len() % 2 == 0 => {
                format!("{value} {}", mix(value).simple()).into()
            }
            _ => value.clone(),
        };
        (key.clone(), value)
    };
    events
        .iter()
        .map(|e| {
            let mut e = e.clone();
            if n > 0 {
                e.id = EventId(mix(&e.id.to_string()).as_u128());
                e.time = Time(e.time.0 + shift);
                e.system.computer = format!("{}-{n}", e.system.computer).into();
                e.system.record_id = e.system.record_id.map(|r| r + n * 7_777_777);
                e.data = e.data.iter().map(change).collect();
            }
            e
        })
        .collect()
}

const ENDED: &str = "ended: indexing, merging";

/// CPU seconds of each thread of this process, by name; of threads that have ended in one sum.
fn cpu() -> BTreeMap<String, f64> {
    let read = |path: PathBuf| -> Option<(String, f64)> {
        let stat = std::fs::read_to_string(path).ok()?;
        let (head, rest) = stat.rsplit_once(") ")?;
        let ticks: u64 = rest.split(' ').skip(11).take(2).filter_map(|t| t.parse::<u64>().ok()).sum();
        Some((head.split_once('(')?.1.to_owned(), ticks as f64 / 100.0))
    };
    let mut out = BTreeMap::new();
    for task in std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        if let Some((name, seconds)) = read(task.path().join("stat")) {
            *out.entry(name).or_insert(0.0) += seconds;
        }
    }
    let live: f64 = out.values().sum();
    let total = read("/proc/self/stat".into()).map_or(0.0, |(_, s)| s);
    out.insert(ENDED.into(), total - live);
    out
}

/// CPU time of the whole process.
fn busy() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let nanos = |t: std::fs::DirEntry| {
        let text = std::fs::read_to_string(t.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    };
    Duration::from_nanos(tasks.filter_map(nanos).sum())
}

fn memory(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with(name)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0) / 1024
}

fn bytes(dir: &std::path::Path, extension: &str) -> u64 {
    let files = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let wanted = files.filter(|f| extension.is_empty() || f.path().extension().is_some_and(|e| e == extension));
    wanted.filter_map(|f| f.metadata().ok()).map(|m| m.len()).sum::<u64>() >> 20
}

fn query(name: &str, operator: Operator, operand: &str) -> Query {
    let m = Match::new(name, operator, &[operand.to_owned()]).unwrap();
    Query { condition: Condition::Match(m), period: Period::default() }
}

#[tokio::main]
async fn main() {
    let sizes: Vec<usize> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![300_000, 1_000_000] } else { sizes };
    let real = support::events_of(&support::files());
    let base = memory("RssAnon");
    println!("{} real events, {base} MiB of memory for them", real.len());
    let mut before: BTreeMap<String, Duration> = BTreeMap::new();
    let dir = tempfile::tempdir().unwrap();
    let store = Tantivy::open(dir.path(), Settings::default()).unwrap();
    let mut stored = 0;
    for size in sizes {
        let (start, begin) = (cpu(), Instant::now());
        let (mut appending, mut preparing) = (Duration::ZERO, Duration::ZERO);
        let added = size - stored;
        while stored < size {
            let clock = Instant::now();
            let from = stored % real.len();
            let to = real.len().min(from + 2_000).min(from + size - stored);
            let batch = replica(&real[from..to], (stored / real.len()) as u64);
            stored += batch.len();
            preparing += clock.elapsed();
            let clock = Instant::now();
            store.append(batch).await.unwrap();
            appending += clock.elapsed();
        }
        store.refresh().await.unwrap();
        let wall = begin.elapsed() - preparing;
        println!(
            "\n== {size} events: {added} appended at {:.0}/s, searchable at {:.0}/s",
            added as f64 / appending.as_secs_f64(),
            added as f64 / wall.as_secs_f64()
        );
        let mut sum = 0.0;
        for (name, seconds) in cpu() {
            let spent = seconds - start.get(&name).copied().unwrap_or(0.0);
            if spent > 0.05 && !name.starts_with("store-") {
                sum += spent;
                println!("   CPU {name:24} {:6.1} us/event", spent * 1e6 / added as f64);
            }
        }
        println!(
            "   CPU of the store         {:6.1} us/event = {:.0} events/s on one core",
            sum * 1e6 / added as f64,
            added as f64 / sum
        );
        println!(
            "   log {} MiB, index {} MiB (terms {}, postings {}, columns {}), anonymous memory without the input {} MiB",
            bytes(dir.path(), "db"),
            bytes(&dir.path().join("index"), ""),
            bytes(&dir.path().join("index"), "term"),
            bytes(&dir.path().join("index"), "idx"),
            bytes(&dir.path().join("index"), "fast"),
            memory("RssAnon").saturating_sub(base)
        );
        // Merges end, and are seen.
        loop {
            let before = busy();
            tokio::time::sleep(Duration::from_secs(3)).await;
            if busy().saturating_sub(before) < Duration::from_millis(50) {
                break;
            }
        }
        measure(&*store, &real, &mut before).await;
    }
}

async fn measure(store: &dyn EventStore, real: &[Event], before: &mut BTreeMap<String, Duration>) {
    let all = Query { condition: Condition::All, period: Period::default() };
    let guid = real.iter().find_map(|e| e.get(Field::ProcessGuid)).unwrap();
    let searches = [
        ("all".to_owned(), all.clone()),
        ("Image contains 'powershell'".into(), query("Image", Operator::Contains, "powershell")),
        ("CommandLine contains 'mimikatz'".into(), query("CommandLine", Operator::Contains, "mimikatz")),
        ("CommandLine regex".into(), query("CommandLine", Operator::Regex, r"-enc[a-z]* [a-z0-9+/=]{20,}")),
        ("TargetObject contains '\\run\\'".into(), query("TargetObject", Operator::Contains, r"\run\")),
        ("TargetFilename contains '.exe'".into(), query("TargetFilename", Operator::Contains, ".exe")),
        ("CallTrace contains 'unknown'".into(), query("CallTrace", Operator::Contains, "unknown")),
        ("process contains 'lsass'".into(), query("process", Operator::Contains, "lsass")),
        ("ProcessGuid equals".into(), query("ProcessGuid", Operator::Equals, guid)),
        ("ip cidr 10.0.0.0/8".into(), query("ip", Operator::Cidr, "10.0.0.0/8")),
        ("host starts 'w'".into(), query("Computer", Operator::StartsWith, "w")),
        ("UtcTime from 2020".into(), query("UtcTime", Operator::Gte, "2020-06-01 00:00:00")),
        ("EventRecordID above".into(), query("EventRecordID", Operator::Gt, "500000")),
    ];
    let mut report = |name: String, took: Duration, note: String| {
        let ratio = before
            .insert(name.clone(), took)
            .map_or(String::new(), |b| format!("x{:.2}", took.as_secs_f64() / b.as_secs_f64().max(1e-6)));
        println!("   {name:45} {:9.2} ms {ratio:7} {note}", took.as_secs_f64() * 1e3);
    };
    for (name, q) in searches {
        let clock = busy();
        let page = store.search(&Scope::All, &q, Order::NewestFirst, None, 50).await.unwrap();
        let cold = busy() - clock;
        let clock = busy();
        store.search(&Scope::All, &q, Order::NewestFirst, None, 50).await.unwrap();
        let warm = busy() - clock;
        let n = store.count(&Scope::All, &q).await.unwrap();
        report(
            format!("search {name}"),
            cold,
            format!("{n} hits, {} shown, again {:.2} ms", page.events.len(), warm.as_secs_f64() * 1e3),
        );
    }
    let clock = busy();
    let s = store.summary(&Scope::All, &all, Interval::Buckets(60)).await.unwrap();
    report(
        "summary of all".into(),
        busy().saturating_sub(clock),
        format!("{} hosts, {} buckets", s.hosts, s.histogram.len()),
    );
    let clock = busy();
    store.hosts(&Scope::All, Period::default(), None, 100).await.unwrap();
    report("hosts".into(), busy().saturating_sub(clock), String::new());
    let few = query("Image", Operator::EndsWith, r"\whoami.exe");
    for field in [Field::Image, Field::DestinationIp, Field::CommandLine, Field::ProcessGuid, Field::TargetObject] {
        for (name, q) in [("all", &all), ("few", &few)] {
            let clock = busy();
            let t = store.terms(&Scope::All, q, field, TermOrder::Rare, 20).await.unwrap();
            report(
                format!("terms {} of {name}", field.name()),
                busy().saturating_sub(clock),
                format!("{} distinct of {}", t.distinct, t.events),
            );
        }
    }
    let (m, clock) = (Match::new("CommandLine", Operator::Contains, &["mimikatz".to_owned()]).unwrap(), busy());
    let n = real.iter().filter(|e| m.is_match(e)).count();
    report("for comparison: naive contains over the input".into(), busy().saturating_sub(clock), format!("{n} hits"));
}
