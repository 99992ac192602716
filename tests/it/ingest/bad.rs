//! Bad input gives issues; everything else of it is read.
use crate::support::{Collected, data};
use proptest::prelude::*;
use std::{fmt::Write as _, io::Write as _};
use sysmonsearch::ingest::{Options, bulk::bulk, read_file};

/// Reads bytes as a file of their own.
pub fn read_bytes(bytes: &[u8]) -> Collected {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    let mut all = Collected::default();
    read_file("test", file, &Options::default(), &mut all).unwrap();
    all
}

/// A line as winlogbeat writes it.
pub fn line(record: u64) -> String {
    format!(
        r#"{{"@timestamp":"2024-05-01T10:00:00.500Z","event":{{"code":"11","provider":"Microsoft-Windows-Sysmon"}},"host":{{"name":"pc1"}},"winlog":{{"channel":"Microsoft-Windows-Sysmon/Operational","computer_name":"pc1","event_id":"11","record_id":{record},"event_data":{{"UtcTime":"2024-05-01 10:00:00.123","Image":"C:\\a.exe","TargetFilename":"C:\\{record}.txt"}}}}}}"#
    )
}

pub fn xml(record: u64) -> String {
    format!(
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider \
         Name='Microsoft-Windows-Sysmon' Guid='{{5770385f-c22a-43e0-bf4c-06f5698ffbd9}}'/><EventID>11</EventID>\
         <EventRecordID>{record}</EventRecordID><Channel>Microsoft-Windows-Sysmon/Operational</Channel>\
         <Computer>pc1</Computer></System><EventData><Data Name='UtcTime'>2024-05-01 10:00:00.123</Data>\
         <Data Name='Image'>C:\\a.exe</Data><Data Name='TargetFilename'>C:\\{record}.txt</Data></EventData></Event>"
    )
}

fn records(all: &Collected) -> Vec<u64> {
    all.events.iter().filter_map(|e| e.system.record_id).collect()
}

fn positions(all: &Collected) -> Vec<&str> {
    all.issues.iter().map(|i| i.position.as_str()).collect()
}

#[test]
fn garbage_between_json_lines() {
    let text = [
        line(1),
        "not json at all".into(),
        line(2),
        line(3)[..80].into(),
        line(4),
        "{\"a\": {\"b\": 1}".into(),
        line(5),
        "\u{fffd}{\"x\": 1}".into(),
        "42".into(),
        format!("{}{}", line(6), line(7)),
        r#"{"message": "no event"}"#.into(),
        line(8),
    ];
    let all = read_bytes(text.join("\r\n").as_bytes());
    assert_eq!(records(&all), [1, 2, 4, 5, 6, 7, 8]);
    assert_eq!(positions(&all), ["line 2", "line 4", "line 6", "line 8", "line 9", "line 11"]);
    assert_eq!(all.issues[0].record.as_deref(), Some("not json at all\r"));
    assert!(all.issues.iter().all(|i| i.source == "test"));
    let all = read_bytes(format!("a headline\n{}\n", line(1)).as_bytes());
    assert_eq!((records(&all), positions(&all)), (vec![1], vec!["line 1"]));
}

#[test]
fn bad_utf8_in_one_line() {
    let mut bytes = line(1).into_bytes();
    bytes.push(b'\n');
    let mut broken = line(2).into_bytes();
    broken[200] = 0xff;
    bytes.extend(broken);
    bytes.push(b'\n');
    bytes.extend(line(3).into_bytes());
    let all = read_bytes(&bytes);
    assert_eq!((records(&all), positions(&all)), (vec![1, 3], vec!["line 2"]));
}

#[test]
fn arrays_and_pretty_objects() {
    let pretty =
        |n| serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(&line(n)).unwrap()).unwrap();
    let array = format!("\u{feff}[\n{},\n{},\n{}\n]\n", pretty(1), pretty(2), line(3));
    assert_eq!(records(&read_bytes(array.as_bytes())), [1, 2, 3]);
    assert_eq!(records(&read_bytes(format!("[{},{}]", line(1), line(2)).as_bytes())), [1, 2]);
    assert_eq!(records(&read_bytes(format!("{}\n{}", pretty(1), pretty(2)).as_bytes())), [1, 2]);
    // A broken object in the middle is one issue, whatever its lines look like.
    let broken = pretty(2).replacen(':', "", 1);
    let all = read_bytes(format!("[\n{},\n{broken},\n{}\n]\n", pretty(1), pretty(3)).as_bytes());
    assert_eq!(records(&all), [1, 3]);
    assert_eq!(all.issues.len(), 1, "{:?}", all.issues);
}

#[test]
fn a_broken_object_of_a_one_line_array_costs_only_itself() {
    let broken = line(4).replacen("C:\\\\a.exe", "C:\\q}{.exe", 1);
    assert!(serde_json::from_str::<serde_json::Value>(&broken).is_err());
    let values = [line(1), line(2), line(3), broken.clone(), line(5), r#"{"foo": 1}"#.into(), line(6)];
    let all = read_bytes(format!("[{}]", values.join(",")).as_bytes());
    assert_eq!(records(&all), [1, 2, 3, 5, 6]);
    assert_eq!(all.issues.len(), 2, "{:?}", all.issues);
    assert_eq!(all.issues[0].record.as_deref(), Some(&*broken));
    assert_eq!(all.issues[1].record.as_deref(), Some(r#"{"foo": 1}"#));

    let indented = format!("[{broken},\n  {{\"foo\": 1}},\n  {{\"foo\": 2}},\n  {}]", line(1));
    let all = read_bytes(indented.as_bytes());
    assert_eq!((records(&all), positions(&all)), (vec![1], vec!["line 1", "line 2", "line 3"]));
}

#[test]
fn what_a_damaged_gzip_file_still_holds_is_read() {
    let mut whole = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    (1..=8).for_each(|n| writeln!(whole, "{}", line(n)).unwrap());
    let whole = whole.finish().unwrap();
    for damaged in [whole[..whole.len() - 4].to_vec(), [&whole[..], &[0; 100]].concat(), [&whole[..], b"junk"].concat()]
    {
        let all = read_bytes(&damaged);
        assert_eq!(records(&all), [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(all.issues.len(), 1, "{:?}", all.issues);
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_is_read_when_named_and_left_alone_in_a_folder() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let (found, issues) = sysmonsearch::ingest::files(&[dir.path().to_owned()]);
    assert_eq!((found.len(), issues.len()), (0, 1));

    let (found, _) = sysmonsearch::ingest::files(std::slice::from_ref(&pipe));
    let path = pipe.clone();
    let writer = std::thread::spawn(move || std::fs::write(path, line(1) + "\n" + &line(2)));
    let mut all = Collected::default();
    sysmonsearch::ingest::read_path(&found[0], &Options::default(), &mut all).unwrap();
    writer.join().unwrap().unwrap();
    assert_eq!((records(&all), all.issues.len()), (vec![1, 2], 0));
}

#[test]
fn oversized_records_are_skipped() {
    let huge = format!(r#"{{"a":"{}"}}"#, "x".repeat(5 << 20));
    let all = read_bytes([line(1), huge, line(2)].join("\n").as_bytes());
    assert_eq!((records(&all), positions(&all)), (vec![1, 2], vec!["line 2"]));
    assert!(all.issues[0].reason.contains("1 MiB"), "{}", all.issues[0].reason);
    assert!(all.issues[0].record.as_ref().unwrap().len() <= 64 * 1024);

    let huge = xml(2).replace("a.exe", &"x".repeat(5 << 20));
    let all = read_bytes([xml(1), huge, xml(3)].join("\n").as_bytes());
    assert_eq!(records(&all), [1, 3]);
    assert_eq!(all.issues.first().map(|i| i.position.as_str()), Some("line 2"));
}

#[test]
fn deep_nesting_is_an_issue() {
    let all = read_bytes(format!("{}{}\n{}", "{\"a\":".repeat(100_000), "}".repeat(100_000), line(1)).as_bytes());
    assert_eq!((records(&all), positions(&all)), (vec![1], vec!["line 1"]));
    let nested = xml(1).replace("C:\\a.exe", &format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000)));
    let all = read_bytes(format!("{nested}\n{}", xml(2)).as_bytes());
    assert_eq!((records(&all), positions(&all)), (vec![2], vec!["line 1"]));
}

#[test]
fn broken_xml_events() {
    let cut = &xml(2)[..300];
    let bad_tag = xml(4).replace("<Channel>", "<Channel");
    let text = [xml(1), cut.into(), xml(3), bad_tag, xml(5), xml(6)[7..].into(), xml(7), xml(8)[..400].into()];
    for (before, after) in [("", ""), ("<?xml version=\"1.0\"?>\n<Events>", "")] {
        let all = read_bytes(format!("{before}{}{after}", text.join("\n")).as_bytes());
        assert_eq!(records(&all), [1, 3, 5, 7]);
        let lines: Vec<u32> = positions(&all).iter().map(|p| p.trim_start_matches("line ").parse().unwrap()).collect();
        let first = u32::try_from(before.matches('\n').count()).unwrap();
        // The sixth lost its opening tag; its text begins behind the end of the fifth.
        assert_eq!(lines, [2, 4, 5, 8].map(|n| n + first), "{:?}", all.issues);
    }
}

#[test]
fn xml_without_a_root_and_in_utf16() {
    let text = format!("{}{}\r\n{}", xml(1), xml(2), xml(3));
    let utf8 = read_bytes(text.as_bytes());
    assert_eq!(records(&utf8), [1, 2, 3]);
    for mark in ["", "\u{feff}"] {
        let marked = format!("{mark}{text}");
        let le: Vec<u8> = marked.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = marked.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(read_bytes(&le).events, utf8.events);
        assert_eq!(read_bytes(&be).events, utf8.events);
    }
    let escaped = xml(1).replace("C:\\a.exe", "&quot;a &amp; b&#x41;&quot; &lt;é&gt; &#65536000; <![CDATA[<x>]]>");
    let all = read_bytes(escaped.as_bytes());
    assert_eq!(all.events[0].get(sysmonsearch::event::Field::Image), Some("\"a & bA\" <é> &#65536000; <x>"));
}

#[test]
fn damaged_evtx() {
    let Some(data) = data() else { return };
    let path = data.join("evtx/sbousseaden/AutomatedTestingTools/PanacheSysmon_vs_AtomicRedTeam01.evtx");
    let bytes = std::fs::read(path).unwrap();
    let whole = read_bytes(&bytes);
    assert_eq!((whole.events.len(), whole.issues.len()), (565, 0));
    let ids: std::collections::HashSet<_> = whole.events.iter().map(|e| e.id).collect();

    // The third chunk is not a chunk any more: the others are read.
    let mut broken = bytes.clone();
    let chunk = 4096 + 2 * 65536;
    broken[chunk..chunk + 8].fill(0xaa);
    let all = read_bytes(&broken);
    assert_eq!(positions(&all), ["chunk 2"]);
    assert!(all.events.len() > 450 && all.events.len() < 565, "{}", all.events.len());
    assert!(all.events.iter().all(|e| ids.contains(&e.id)));

    // Bytes flipped inside the records of one chunk.
    let mut broken = bytes.clone();
    broken[chunk + 20_000..chunk + 20_200].iter_mut().for_each(|b| *b ^= 0x5a);
    let all = read_bytes(&broken);
    assert!(!all.issues.is_empty());
    assert!(all.events.len() > 450, "{}", all.events.len());

    // Cut off within a chunk, and within the header.
    let all = read_bytes(&bytes[..4096 + 3 * 65536 + 40_000]);
    let short = read_bytes(&bytes[..4096 + 3 * 65536]);
    assert!(all.issues[0].reason.contains("ends inside"), "{:?}", all.issues);
    assert!(short.issues[0].reason.contains("ends inside"), "{:?}", short.issues);
    assert!(all.events.len() > short.events.len() + 10, "{} {}", all.events.len(), short.events.len());
    let all = read_bytes(&bytes[..100]);
    assert_eq!((all.events.len(), all.issues.len()), (0, 1));
}

#[test]
fn empty_and_unknown_files() {
    for (bytes, reason) in [
        (&b""[..], "empty file"),
        (b"   \n  ", "unknown format"),
        (b"hello", "unknown format"),
        (b"\x89PNG\r\n", "unknown format"),
        (b"<Sysmon schemaversion=\"4.90\"><EventFiltering/></Sysmon>", "without any <Event>"),
        (b"\x1f\x8b\x08broken", "cannot be read"),
        (b"\x28\xb5\x2f\xfdbroken", "cannot be read"),
        (b"PK\x03\x04broken", "zip"),
        (b"ElfFile\0broken", "event log"),
    ] {
        let all = read_bytes(bytes);
        assert_eq!(all.events.len(), 0);
        assert_eq!(all.issues.len(), 1, "{bytes:?}: {:?}", all.issues);
        assert!(all.issues[0].reason.contains(reason), "{}", all.issues[0].reason);
    }
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        out.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        out.write_all(bytes).unwrap();
    }
    out.finish().unwrap().into_inner()
}

#[test]
fn compressed_files_give_the_same_events() {
    let Some(data) = data() else { return };
    for file in [
        "evtx/sbousseaden/Credential_Access/babyshark_mimikatz_powershell.evtx",
        "xml/babyshark_mimikatz_powershell.xml",
        "json-winlogbeat7/babyshark_mimikatz_powershell.ndjson",
    ] {
        let bytes = std::fs::read(data.join(file)).unwrap();
        let plain = read_bytes(&bytes);
        assert_eq!(plain.events.len(), 33);
        assert_eq!(plain.events, read_bytes(&bytes).events, "the same file twice");
        let zst = zstd::encode_all(&bytes[..], 1).unwrap();
        for packed in [gz(&bytes), zst.clone(), zipped(&[("log", &bytes)]), zipped(&[("a.zst", &zst)]), gz(&gz(&bytes))]
        {
            let all = read_bytes(&packed);
            assert_eq!(all.issues, [], "{file}");
            assert_eq!(plain.events, all.events, "{file}");
        }
        // Cut: what was there before the cut is read, or an issue says why not.
        let cut = read_bytes(&gz(&bytes)[..2000]);
        assert!(!cut.issues.is_empty());
    }
    let both = zipped(&[("a/1.json", line(1).as_bytes()), ("bad", b"?"), ("b/2.xml", xml(2).as_bytes())]);
    let all = read_bytes(&both);
    assert_eq!(records(&all), [1, 2]);
    assert_eq!(all.issues[0].source, "test!bad");
}

#[test]
fn identical_lines_without_a_number_are_all_kept() {
    let nameless = line(1).replace(r#""record_id":1,"#, "");
    let text = [nameless.as_str(); 3].join("\n");
    let (a, b) = (read_bytes(text.as_bytes()), read_bytes(text.as_bytes()));
    let ids: std::collections::HashSet<_> = a.events.iter().map(|e| e.id).collect();
    assert_eq!((a.events.len(), ids.len()), (3, 3));
    assert_eq!(a.events, b.events, "the same file again gives the same ids");
}

#[test]
fn bombs_are_stopped() {
    // 200 MiB of white space inside 200 KiB.
    let mut spaces = vec![b' '; 200 << 20];
    spaces[0] = b'[';
    let bomb = gz(&spaces);
    let all = read_bytes(&zipped(&[("ok.json", line(1).as_bytes()), ("bomb.gz", &bomb), ("late.json", b"{}")]));
    assert_eq!(records(&all), [1]);
    assert!(all.issues.iter().any(|i| i.reason.contains("implausible size")), "{:?}", all.issues);
    let mut nested = line(1).into_bytes();
    for _ in 0..8 {
        nested = gz(&nested);
    }
    let all = read_bytes(&nested);
    assert!(all.issues[0].reason.contains("nested deeper"), "{:?}", all.issues);
}

#[test]
fn other_providers_are_counted_and_kept_on_request() {
    let other = line(1).replace("Microsoft-Windows-Sysmon\"", "Microsoft-Windows-Security-Auditing\"");
    assert_eq!(read_bytes(other.as_bytes()).skipped, ["Microsoft-Windows-Security-Auditing"]);
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(other.as_bytes()).unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    let mut all = Collected::default();
    read_file("test", file, &Options { keep_other: true }, &mut all).unwrap();
    assert!(!all.events[0].is_sysmon());
    // The channel alone does not make an event Sysmon's, nor does a forwarded one lose it.
    let forwarded = line(1).replace("Microsoft-Windows-Sysmon/Operational", "ForwardedEvents");
    assert!(read_bytes(forwarded.as_bytes()).events[0].is_sysmon());
    let linux = xml(1).replace("Microsoft-Windows-Sysmon'", "Linux-Sysmon'").replace("5770385f", "ff032593");
    let all = read_bytes(linux.as_bytes());
    assert_eq!((&*all.events[0].system.provider, all.events[0].is_sysmon()), ("Linux-Sysmon", true));
    let by_guid = xml(1).replace("Name='Microsoft-Windows-Sysmon' ", "");
    assert_eq!(read_bytes(by_guid.as_bytes()).events, read_bytes(xml(1).as_bytes()).events);
}

#[test]
fn bulk_items_in_order() {
    use sysmonsearch::ingest::bulk::{Action, Outcome};
    let mut body = String::new();
    for n in 1..=2 {
        writeln!(body, "{{\"create\":{{\"_index\":\"winlogbeat-8\",\"_id\":\"{n}\"}}}}\n{}", line(n)).unwrap();
    }
    body.push_str("{\"delete\":{\"_id\":\"1\"}}\n{\"update\":{\"_id\":\"1\"}}\n{\"doc\":{}}\n");
    body.push_str("{\"index\":{}}\n{\"broken\n{\"index\":{}}\n");
    body.push_str(&line(3).replace("Microsoft-Windows-Sysmon\"", "Other\""));
    body.push_str("\nnonsense\n{\"create\":{}}\n");
    let items: Vec<_> = bulk(body.as_bytes(), "request", &Options::default()).collect();
    let got: Vec<_> = items
        .iter()
        .map(|i| {
            let outcome = match &i.outcome {
                Outcome::Event(e) => e.system.record_id.unwrap().to_string(),
                Outcome::Skipped(provider) => provider.clone(),
                Outcome::Refused(issue) => issue.position.clone(),
            };
            (i.action, i.id.as_deref(), outcome)
        })
        .collect();
    let want = [
        (Action::Create, Some("1"), "1"),
        (Action::Create, Some("2"), "2"),
        (Action::Delete, Some("1"), "line 5"),
        (Action::Update, Some("1"), "line 6"),
        (Action::Index, None, "line 9"),
        (Action::Index, None, "Other"),
        (Action::Index, None, "line 12"),
        (Action::Create, None, "line 14"),
    ];
    assert_eq!(got, want.map(|(a, id, o)| (a, id, o.to_owned())));
    assert_eq!(items[0].index.as_deref(), Some("winlogbeat-8"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Random bytes behind every magic, and damaged real forms: no reader panics.
    #[test]
    fn no_bytes_panic(start in 0..9_usize, mut tail in prop::collection::vec(any::<u8>(), 0..2000), flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8)) {
        let text = format!("{}\n{}\n", line(1), line(2));
        let xml = format!("{}\n{}\n", xml(1), xml(2));
        let magic: Vec<u8> = match start {
            0 => b"ElfFile\0".to_vec(),
            1 => b"\x1f\x8b\x08\0".to_vec(),
            2 => b"\x28\xb5\x2f\xfd".to_vec(),
            3 => b"PK\x03\x04".to_vec(),
            4 => b"{\"Event\":".to_vec(),
            5 => text.into_bytes(),
            6 => xml.into_bytes(),
            7 => b"\xff\xfe<\0".to_vec(),
            _ => zipped(&[("a", xml.as_bytes())]),
        };
        let mut bytes = magic;
        bytes.append(&mut tail);
        for (at, value) in flips {
            let i = at.index(bytes.len());
            bytes[i] = value;
        }
        read_bytes(&bytes);
        bulk(&bytes, "request", &Options::default()).count();
    }

    /// Flipped bytes anywhere in a real event log.
    #[test]
    fn no_damage_to_evtx_panics(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..60)) {
        let Some(data) = data() else { return Ok(()) };
        let mut bytes = std::fs::read(data.join("evtx/sbousseaden/Credential_Access/babyshark_mimikatz_powershell.evtx")).unwrap();
        for (at, value) in flips {
            let i = at.index(bytes.len());
            bytes[i] = value;
        }
        read_bytes(&bytes);
    }
}
