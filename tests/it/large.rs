//! Large and hostile files of rules and indicators, sent to the real program: each is refused or its parts are told, what is
//! stored before stays as it is, and memory stays within a bound, by the program's own high-water mark.
use crate::cli::{Server, call};
use futures_util::stream;
use reqwest::{Body, Client};
use serde_json::{Value, json};
use std::{
    fmt::Write as _,
    io::{Read as _, Write as _},
    path::Path,
};

/// MiB that the program may take at any time. Its start and its rules are in it.
const MOST_MIB: u64 = 1_200;
/// A file that is just small enough to be read.
const FULL: usize = 31 << 20;
const RULE_FILE: usize = 4_100_000;

/// MiB of memory that a process had at most since the last call.
fn high_water(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let kib = status.lines().find_map(|l| l.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse::<u64>().ok());
    // Where that is not permitted, the mark goes on to count.
    let _ = std::fs::write(format!("/proc/{process}/clear_refs"), "5");
    kib.unwrap() >> 10
}

/// `unit` again and again between two texts.
fn full(before: &str, unit: &str, after: &str) -> Vec<u8> {
    let count = (FULL - before.len() - after.len()) / unit.len();
    [before, &unit.repeat(count), after].concat().into_bytes()
}

/// As [`full`], with a unit that counts.
fn counted(size: usize, before: &str, unit: impl Fn(usize) -> String, after: &str) -> Vec<u8> {
    let mut out = before.to_owned();
    for n in 0.. {
        out.push_str(&unit(n));
        if out.len() + after.len() >= size {
            break;
        }
    }
    out.push_str(after);
    out.into_bytes()
}

const STIX1: &str = "<stix:STIX_Package xmlns:stix='s' version='1.2'>";
const OPENIOC: &str =
    "<ioc xmlns='http://schemas.mandiant.com/2010/ioc' id='x'><definition><Indicator operator='OR' id='i'>";
const BUNDLE: &str = r#"{"type": "bundle", "id": "b", "objects": ["#;

/// Name, content, and a part of the answer; of a file that is imported, nothing.
fn reports() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let nested = |open: &str, inner: &str, close: &str| [&open.repeat(90), inner, &close.repeat(90)].concat();
    let hash = |name: &str| {
        format!(
            "<IndicatorItem id='{name}' condition='is'><Context search='FileItem/Md5sum'/><Content>{:032x}</Content></IndicatorItem>",
            name.len()
        )
    };
    let or_of_or = nested("<Indicator operator='OR'>", &hash("a"), &format!("{}</Indicator>", hash("bb")));
    let refers = "<Observable idref='a'/>".repeat(300_000);
    let large = "v".repeat(20 << 20);
    vec![
        ("elements.xml", full(STIX1, "<x/>", "</stix:STIX_Package>"), "more than 1000000 elements"),
        ("attributes.ioc", counted(FULL, "<ioc ", |n| format!("a{n}='' "), "/>"), "more than 1000000 elements"),
        ("entities.xml", full("<!DOCTYPE a [<!ENTITY a 'a'>", "<!ENTITY b '&a;&a;&a;'>", "]><a/>"), "document type"),
        ("deep.xml", full("", "<a>", ""), "elements in each other"),
        ("text.xml", full(STIX1, "text ", "</stix:STIX_Package>"), ""),
        (
            "references.xml",
            format!(
                "{STIX1}<Indicators><Indicator id='i'>{refers}</Indicator></Indicators><Observables><Observable id='a'>\
                 <Object><Properties type='DomainNameObjectType'><Value>{large}</Value></Properties></Object></Observable>\
                 </Observables></stix:STIX_Package>"
            )
            .into_bytes(),
            "",
        ),
        (
            "or-of-or.ioc",
            format!("{OPENIOC}<Indicator operator='AND' id='a'>{or_of_or}{}</Indicator></Indicator></definition></ioc>", hash("ccc"))
                .into_bytes(),
            "",
        ),
        ("objects.json", full("[", "{},", "{}]"), "more than 500000 objects"),
        ("empty-indicators.json", full(BUNDLE, r#"{"type":"indicator","id":"indicator--00000000-0000","name":"a name that is said"},"#, "{}]}"), ""),
        ("deep.json", full("", "[", ""), "not JSON of STIX 2"),
        (
            "title.json",
            counted(
                20 << 20,
                &format!(r#"{{"Event": {{"info": "{}", "Attribute": ["#, "long ".repeat(2 << 20)),
                |n| format!(r#"{{"type":"ip-dst","value":"10.{}.{}.{}"}},"#, n >> 16, n >> 8 & 255, n & 255),
                r#"{"type":"md5","value":"x"}]}}"#,
            ),
            "",
        ),
        ("mutexes.csv", counted(FULL, "type,value\n", |n| format!("mutex,m{n}\n"), ""), "more than 100000 parts"),
        ("pipes.csv", format!("type,value\n{},{}\n", "a|".repeat(4 << 20), "b|".repeat(4 << 20)).into_bytes(), ""),
        ("domains.csv", counted(FULL, "value,type\n", |n| format!("h{n}.example,domain\n"), ""), "more than 500000 indicators"),
        ("words.txt", full("x.example\n", "word\n", ""), "more than 100000 parts"),
        ("zeros.txt", vec![0; FULL], "neither XML nor JSON"),
    ]
}

fn rule(detection: &str) -> String {
    format!(
        "title: t\nid: i\nlogsource: {{product: windows, service: sysmon}}\ndetection:\n{detection}\n  condition: s\n"
    )
}

fn tar_gz(name: &str, size: u64) -> Vec<u8> {
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    let mut header = tar::Header::new_ustar();
    header.set_size(size);
    tar.append_data(&mut header, name, std::io::repeat(0).take(size)).unwrap();
    tar.into_inner().unwrap().finish().unwrap()
}

fn zip(names: usize) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for n in 0..names {
        zip.start_file(format!("{n}.yml"), zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(b"{}").unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// As [`reports`]. Where nothing is refused as a whole, the answer tells of no rule that is matched.
fn rules() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let yaml = |text: String| text.into_bytes();
    let many = |unit: &str| unit.repeat(RULE_FILE / unit.len());
    let values = |name: &str| {
        let list = String::from_utf8(counted(RULE_FILE, "", |n| format!("      - v{n}\n"), "")).unwrap();
        yaml(rule(&format!("  s:\n    {name}:\n{list}")))
    };
    let bomb = (1..40).fold("a0: &a0 [x, x]\n".to_owned(), |mut text, n| {
        let _ = writeln!(text, "a{n}: &a{n} [*a{0}, *a{0}]", n - 1);
        text
    });
    vec![
        ("plain.yml", vec![b' '; 60 << 20], "larger than 4 MiB"),
        ("bomb.yml", yaml(format!("{bomb}{}", rule("  s: *a39"))), "repetition"),
        ("brackets.yml", yaml(many("[")), "are open"),
        ("braces.yml", yaml(many("{a: ")), "are open"),
        ("dashes.yml", yaml(many("- ")), "are open"),
        ("questions.yml", yaml(many("? ")), "are open"),
        ("documents.yml", yaml(many("a: b\n---\n")), "more than 20000"),
        ("rules.yml", counted(RULE_FILE, "", |n| format!("title: {n}\n---\n"), ""), "more than 20000"),
        (
            "expressions.yml",
            yaml(rule(&format!("  s:\n    Image|re:\n{}", many("      - 'a.*b[0-9]'\n")))),
            "are compared",
        ),
        ("wildcards.yml", yaml(rule(&format!("  s:\n    Image:\n{}", many("      - 'a*b*c'\n")))), "are compared"),
        ("expression.yml", yaml(rule(&format!("  s:\n    Image|re: '{}'", many(r"\w{9}")))), "KiB"),
        ("contains.yml", values("CommandLine|contains"), "kinds of events"),
        ("equals.yml", values("CommandLine"), ""),
        ("gzip.gz", tar_gz("a.yml", 300 << 20), "more than 256 MiB"),
        ("zstd.zst", zstd::encode_all(std::io::repeat(b'a').take(300 << 20), 1).unwrap(), "larger than 4 MiB"),
        ("entries.zip", zip(400_000), "more than 20000"),
    ]
}

struct Sender {
    client: Client,
    url: String,
    token: String,
    process: u32,
}

impl Sender {
    /// Status and text of the answer, with the memory that it took.
    async fn post(&self, path: &str, body: Body) -> (u16, String, u64) {
        let request = self.client.post(format!("{}{path}", self.url)).bearer_auth(&self.token).body(body);
        let answer = match request.send().await {
            // It may go away before all is sent.
            Err(e) if e.is_request() || e.is_body() => return (413, e.to_string(), high_water(self.process)),
            answer => answer.unwrap(),
        };
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap_or_else(|e| e.to_string());
        (status, text, high_water(self.process))
    }

    async fn ask(&self, query: &str) -> Value {
        let request = self.client.post(format!("{}/graphql", self.url)).bearer_auth(&self.token);
        request.json(&json!({"query": query})).send().await.unwrap().json::<Value>().await.unwrap()["data"].take()
    }
}

async fn sender(server: &Server) -> Sender {
    let client = Client::new();
    let url = server.url.trim_end_matches('/').to_owned();
    let login = json!({
        "query": "mutation($i: LoginInput!) { login(input: $i) { token } }",
        "variables": {"i": {"name": "admin", "password": server.password}},
    });
    let answer: Value = client.post(format!("{url}/graphql")).json(&login).send().await.unwrap().json().await.unwrap();
    let token = answer["data"]["login"]["token"].as_str().unwrap().to_owned();
    Sender { client, url, token, process: server.child.id() }
}

const STORED: &str = "{ indicatorImports { importId name } rules { nodes { title } } hunts { id } }";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes long, and is asked for by name"]
async fn hostile_files_are_refused_within_bounds() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), "serve");
    let to = sender(&server).await;
    let before = to.ask(STORED).await;
    let mut worst = 0;
    let mut done = |name: &str, status: u16, text: &str, mib: u64| {
        let shown: String = text.chars().take(160).collect();
        println!("{name:<24} {status} {mib:>5} MiB  {shown}");
        worst = worst.max(mib);
    };
    // 200 MB of each kind, of which the length is not told before.
    for (path, head) in [
        ("/api/indicators?name=a.xml", STIX1),
        ("/api/indicators?name=a.json", BUNDLE),
        ("/api/indicators?name=a.ioc", OPENIOC),
        ("/api/indicators?name=a.csv", "type,value\n"),
        ("/api/rules?name=a.yml", "title: t\n"),
        ("/api/rules?name=a.zip", "PK\x03\x04"),
    ] {
        let pieces = std::iter::once(head.as_bytes().to_vec()).chain((0..200).map(|_| vec![b'a'; 1 << 20]));
        let body = Body::wrap_stream(stream::iter(pieces.map(Ok::<_, std::io::Error>)));
        let (status, text, mib) = to.post(path, body).await;
        done(path, status, &text, mib);
        assert_eq!(status, 413, "{path}: {text}");
    }
    for (name, content, part) in reports() {
        let (status, text, mib) = to.post(&format!("/api/indicators?name={name}"), content.into()).await;
        done(name, status, &text, mib);
        assert!(
            if part.is_empty() { status == 200 } else { status >= 400 && text.contains(part) },
            "{name}: {status} {text}"
        );
        if status == 200 {
            let id = serde_json::from_str::<Value>(&text).unwrap()["importId"].as_str().unwrap().to_owned();
            to.ask(&format!("mutation {{ removeIndicators(input: {{importId: {id:?}}}) {{ removedId }} }}")).await;
        }
    }
    for (name, content, part) in rules() {
        let (status, text, mib) = to.post(&format!("/api/rules?name={name}"), content.into()).await;
        done(name, status, &text, mib);
        assert!(text.contains(part), "{name}: {status} {text}");
        if part.is_empty() {
            assert_eq!(status, 200, "{name}: {text}");
        }
        to.ask("mutation { deleteRule(input: {id: \"i\"}) { errors { code } } }").await;
    }
    assert_eq!(to.ask(STORED).await, before, "nothing is half imported");
    assert!(worst < MOST_MIB, "{worst} MiB");
    let left: Vec<_> = std::fs::read_dir(data.path().join("spool")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_command_line_refuses_large_files_too() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| {
        let path = dir.path().join(name);
        // Sparse on the disk.
        std::fs::File::create(&path).unwrap().set_len(200 << 20).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let data: &Path = &dir.path().join("data");
    let indicators = call(data, &["indicators", "import", &file("a.csv")]);
    assert!(indicators.code == 1 && indicators.err.contains("more than 32 MiB of indicators"), "{indicators:#?}");
    let rules = call(data, &["rules", "import", &file("a.yml")]);
    assert!(rules.code == 1 && rules.err.contains("larger than 64 MiB"), "{rules:#?}");
    assert!(call(data, &["rules", "list"]).ok().out.ends_with("0 rules\n"));
    assert!(call(data, &["indicators", "list"]).ok().out.ends_with("0 imports\n"));
}
