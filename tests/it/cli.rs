//! The real program, as a person calls it.
use crate::support;
use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

/// A small folder of real logs in several formats.
const LOGS: &str = "evtx/sbousseaden/Command_and_Control";

fn program(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sysmonsearch"));
    for (name, _) in std::env::vars_os().filter(|(n, _)| n.to_string_lossy().starts_with("SYSMONSEARCH_")) {
        command.env_remove(name);
    }
    command.env("SYSMONSEARCH_DATA", data).stdin(Stdio::null());
    command
}

/// What a call printed, and how it ended.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub out: String,
    pub err: String,
}

pub fn call(data: &Path, arguments: &[&str]) -> Ended {
    ended(program(data).args(arguments).output().unwrap())
}

fn ended(output: Output) -> Ended {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

impl Ended {
    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{self:#?}");
        self
    }
    /// Number behind a name in the summary.
    fn number(&self, name: &str) -> u64 {
        let line = self.out.lines().find_map(|l| l.trim_start().strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name}: {self:#?}")).trim().replace(',', "").parse().unwrap()
    }
}

/// A running server; killed when dropped.
pub struct Server {
    pub child: Child,
    pub url: String,
    pub password: String,
}

impl Server {
    pub fn start(data: &Path, command: &str) -> Self {
        let mut child = program(data)
            .args([command, "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut url, mut password) = (String::new(), String::new());
        let mut seen = String::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok) {
            let mut words = line.split_whitespace();
            match (words.next(), words.next()) {
                (Some("Open"), Some(word)) => url = word.to_owned(),
                (Some("Password"), Some(word)) => password = word.to_owned(),
                _ => {}
            }
            seen = seen + &line + "\n";
            if line.starts_with("Stop with") {
                break;
            }
        }
        if url.is_empty() {
            let mut err = String::new();
            child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
            panic!("the server did not start: {seen}{err}");
        }
        // So that log lines never fill the pipe.
        let mut log = child.stderr.take().unwrap();
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Self { child, url, password }
    }

    /// Ends it as a service manager does.
    #[cfg(unix)]
    fn terminate(mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn logs() -> Option<PathBuf> {
    support::data().map(|d| d.join(LOGS))
}

#[test]
fn ingest_twice_changes_nothing() {
    let Some(logs) = logs() else { return };
    let data = tempfile::tempdir().unwrap();
    let logs = logs.to_str().unwrap();
    let first = call(data.path(), &["ingest", logs]).ok();
    let stored = first.number("stored");
    assert!(stored > 70, "{first:#?}");
    assert_eq!(first.number("duplicates"), 0);
    assert_eq!(first.number("issues"), 0);
    assert!(first.out.contains("pc01.example.corp"), "events by host: {first:#?}");
    assert!(first.out.contains("Events by code"), "{first:#?}");
    let again = call(data.path(), &["ingest", logs]).ok();
    assert_eq!((again.number("stored"), again.number("duplicates")), (0, stored));

    assert_eq!(call(data.path(), &["rebuild", "index"]).ok().out, "done\n");
    assert_eq!(call(data.path(), &["rebuild", "graph"]).ok().out, "done\n");
    assert_eq!(call(data.path(), &["rebuild", "hits"]).ok().out, "done\n");
    let again = call(data.path(), &["ingest", logs]).ok();
    assert_eq!((again.number("stored"), again.number("duplicates")), (0, stored));
}

/// A file with one event that can be read and one line that cannot.
fn broken(dir: &Path) -> PathBuf {
    let event = r#"{"winlog":{"provider_name":"Microsoft-Windows-Sysmon","event_id":1,"record_id":7,"computer_name":"PC7","channel":"Microsoft-Windows-Sysmon/Operational","event_data":{"UtcTime":"2024-01-01 00:00:00.000","Image":"C:\\a.exe","ProcessId":"1","ProcessGuid":"{00000000-0000-0000-0100-000000000001}"}}}"#;
    let path = dir.join("broken.json");
    fs::write(&path, format!("{event}\n{{\"winlog\": this is no JSON\n")).unwrap();
    path
}

#[test]
fn a_broken_file_gives_issues_and_exit_code_2() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let file = broken(dir.path());
    let missing = dir.path().join("missing.evtx");
    let done = call(&data, &["ingest", file.to_str().unwrap(), missing.to_str().unwrap()]);
    assert_eq!(done.code, 2, "{done:#?}");
    assert_eq!(done.number("stored"), 1);
    assert_eq!(done.number("issues"), 2);
    assert!(done.err.contains("broken.json: line 2"), "{done:#?}");
    assert!(done.err.contains("missing.evtx"), "{done:#?}");

    let list = dir.path().join("issues.ndjson");
    let done = call(&data, &["ingest", "--issues", list.to_str().unwrap(), file.to_str().unwrap()]);
    assert_eq!((done.code, done.number("duplicates")), (2, 1));
    assert!(!done.err.contains("line 2"), "{done:#?}");
    let listed = fs::read_to_string(&list).unwrap();
    assert_eq!(listed.lines().count(), 1, "{listed}");
    assert!(listed.contains("this is no JSON"), "with the record: {listed}");

    let letters = call(&data, &["dead-letters", "list"]).ok();
    assert_eq!(letters.out.lines().count(), 2, "one of each import: {letters:#?}");
    assert!(letters.out.contains("this is no JSON"), "{letters:#?}");
}

#[test]
fn without_a_server_users_and_rules_are_kept_in_the_data_folder() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let added = call(&data, &["users", "add", "anna", "--role", "analyst"]).ok();
    assert!(added.out.contains("password (shown only this once): "), "{added:#?}");
    let again = call(&data, &["users", "add", "anna"]);
    assert_eq!(again.code, 1, "{again:#?}");
    assert!(again.err.contains("anna"), "{again:#?}");
    call(&data, &["users", "passwd", "anna"]).ok();
    call(&data, &["users", "disable", "anna"]).ok();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700, "for its owner only");
    }
    let users = call(&data, &["users", "list"]).ok();
    assert!(users.out.lines().any(|l| l.starts_with("anna") && l.contains("analyst") && l.ends_with("disabled")));
    let last = call(&data, &["users", "disable", "admin"]);
    assert!(last.code == 1 && last.err.contains("last administrator"), "{last:#?}");

    fs::write(dir.path().join("good.yml"), RULE).unwrap();
    fs::write(
        dir.path().join("bad.yml"),
        RULE.replace("Good", "Bad").replace("d1", "d2").replace("Image|endswith", "Image|nonsense"),
    )
    .unwrap();
    let rules = dir.path().to_str().unwrap();
    let imported = call(&data, &["rules", "import", rules]);
    assert!(imported.out.contains("loaded   5a4b1f0e-0000-4000-8000-0000000000d1  Good"), "{imported:#?}");
    assert!(imported.out.contains("refused  5a4b1f0e-0000-4000-8000-0000000000d2  Bad: "), "{imported:#?}");
    assert!(imported.out.contains("1 rules loaded, 1 refused, 2 new or changed"), "{imported:#?}");
    let id = "5a4b1f0e-0000-4000-8000-0000000000d1";
    call(&data, &["rules", "disable", id]).ok();
    let listed = call(&data, &["rules", "list"]).ok();
    assert!(listed.out.lines().any(|l| l.starts_with("disabled") && l.contains(id)), "{listed:#?}");
    call(&data, &["rules", "delete", id]).ok();
    assert_eq!(call(&data, &["rules", "enable", id]).code, 1);
}

#[test]
fn placeholders_of_rules_have_values_from_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let file = |name: &str, text: &str| {
        fs::write(dir.path().join(name), text).unwrap();
        dir.path().join(name).to_str().unwrap().to_owned()
    };
    let rule = file("rule.yml", &RULE.replace("Image|endswith: '\\a.exe'", "User|expand: '%admins%'"));
    let without = call(&data, &["rules", "import", &rule]);
    assert!(without.out.contains("'%admins%' has no values: see --placeholders"), "{without:#?}");
    let values = file("values.txt", "admins: [EXAMPLE\\ann]");
    let with = call(&data, &["rules", "import", &rule, "--placeholders", &values]).ok();
    assert!(with.out.contains("1 rules loaded, 0 refused, 0 new or changed"), "{with:#?}");
    let bad = call(&data, &["rules", "import", &rule, "--placeholders", &file("bad.txt", "admins: []")]);
    assert!(bad.code == 1 && bad.err.contains("'admins' has no values"), "{bad:#?}");
}

const RULE: &str = "title: Good
id: 5a4b1f0e-0000-4000-8000-0000000000d1
status: test
level: high
logsource:
    category: process_creation
    product: windows
detection:
    it:
        Image|endswith: '\\a.exe'
    condition: it
";

#[test]
fn through_a_running_server() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let server = Server::start(&data, "serve");
    assert!(server.password.len() > 10);

    fs::write(dir.path().join("good.yml"), RULE).unwrap();
    let imported = call(&data, &["rules", "import", dir.path().join("good.yml").to_str().unwrap()]).ok();
    assert!(imported.out.contains("1 rules loaded, 0 refused, 1 new or changed"), "{imported:#?}");

    let file = broken(dir.path());
    let done = call(&data, &["ingest", file.to_str().unwrap()]);
    assert_eq!(done.code, 2, "{done:#?}");
    assert_eq!((done.number("stored"), done.number("issues")), (1, 1));
    assert!(done.err.contains(&format!("{}: line 2", file.display())), "{done:#?}");
    assert!(done.out.contains("pc7"), "events by host: {done:#?}");
    if let Some(logs) = logs() {
        let done = call(&data, &["ingest", logs.to_str().unwrap()]).ok();
        assert!(done.number("stored") > 70, "{done:#?}");
        assert!(done.out.contains("pc01.example.corp"), "{done:#?}");
    }
    let jobs = call(&data, &["jobs", "list"]).ok();
    assert!(jobs.out.contains("done") && jobs.out.contains("broken.json"), "{jobs:#?}");
    call(&data, &["rebuild", "graph"]).ok();
    let busy = call(&data, &["rebuild", "index"]);
    assert!(busy.code == 1 && busy.err.contains("open in another process"), "{busy:#?}");

    // From elsewhere, by name and password.
    let elsewhere = dir.path().join("elsewhere");
    let password = dir.path().join("password");
    fs::write(&password, format!("{}\n", server.password)).unwrap();
    let login = ["--server", &server.url, "--user", "admin", "--password-file", password.to_str().unwrap()];
    let listed = call(&elsewhere, &[&["rules", "list"][..], &login].concat()).ok();
    assert!(listed.out.lines().any(|l| l.contains("Good") && l.split_whitespace().nth(2) == Some("1")), "{listed:#?}");
    call(&elsewhere, &[&["users", "add", "bert", "--role", "viewer"][..], &login].concat()).ok();
    fs::write(&password, "not the password\n").unwrap();
    let refused = call(&elsewhere, &[&["users", "list"][..], &login].concat());
    assert!(refused.code == 1 && refused.err.contains("wrong name or password"), "{refused:#?}");
    assert!(!elsewhere.exists(), "nothing was opened here");

    #[cfg(unix)]
    {
        server.terminate();
        assert!(!data.join("server.json").exists());
    }
    #[cfg(not(unix))]
    drop(server);
    let users = call(&data, &["users", "list"]).ok();
    assert!(users.out.contains("bert"), "{users:#?}");
}

#[test]
fn a_killed_server_leaves_the_data_folder_usable() {
    let data = tempfile::tempdir().unwrap();
    drop(Server::start(data.path(), "serve"));
    assert!(data.path().join("server.json").exists());
    call(data.path(), &["users", "list"]).ok();
    assert!(!data.path().join("server.json").exists());
}

#[test]
fn the_demo_brings_rules_and_events() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), "demo");
    assert!(!server.password.is_empty());
    let limit = std::time::Instant::now() + std::time::Duration::from_secs(120);
    loop {
        let rules = call(data.path(), &["rules", "list"]).ok();
        let hits = |l: &str| l.split_whitespace().nth(2).and_then(|n| n.replace(',', "").parse().ok()).unwrap_or(0u64);
        let hit = rules.out.lines().filter(|l| l.starts_with("enabled") && hits(l) > 0).count();
        if hit > 3 {
            break;
        }
        assert!(std::time::Instant::now() < limit, "{rules:#?}");
        std::thread::sleep(std::time::Duration::from_millis(300));
    }
}

#[test]
fn schema_prints_the_exported_contract() {
    let data = tempfile::tempdir().unwrap();
    let printed = call(data.path(), &["schema"]).ok();
    let contract = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/schema.graphql")).unwrap();
    assert!(printed.out == contract, "schema.graphql is old: write it anew with `sysmonsearch schema`");
}

#[test]
fn indicators_of_a_folder_are_imported_listed_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    let (data, reports) = (dir.path().join("data"), dir.path().join("reports"));
    fs::create_dir(&reports).unwrap();
    fs::write(reports.join("a.txt"), "bad.example\n198.51.100.7\n").unwrap();
    fs::write(reports.join("b.csv"), "type,value\nmutex,m\ndomain,worse.example\n").unwrap();
    fs::write(reports.join("c.xml"), "<html/>").unwrap();
    let imported = call(&data, &["indicators", "import", reports.to_str().unwrap()]);
    assert_eq!(imported.code, 2, "{imported:#?}");
    assert!(imported.err.contains("mutex 'm': not shown by Sysmon"), "{imported:#?}");
    assert!(
        imported.err.contains("c.xml: not imported") && imported.err.contains("its root is <html>"),
        "{imported:#?}"
    );
    let listed = call(&data, &["indicators", "list"]).ok();
    assert!(listed.out.contains("2 imports"), "{listed:#?}");
    let id = listed.out.lines().find(|l| l.ends_with("a.txt")).unwrap().split_whitespace().next().unwrap();
    call(&data, &["indicators", "remove", id]).ok();
    assert_eq!(call(&data, &["indicators", "remove", id]).code, 1);
    assert!(call(&data, &["indicators", "list"]).ok().out.contains("1 imports"));
    let rules = call(&data, &["rules", "list"]).ok();
    assert!(rules.out.contains("b.csv: domain") && !rules.out.contains("a.txt"), "{rules:#?}");
    let only = call(&data, &["indicators", "import", reports.join("c.xml").to_str().unwrap()]);
    assert_eq!(only.code, 1);
}

#[test]
fn the_past_is_hunted_with_rules_and_indicators() {
    const ID: &str = "5a4b1f0e-0000-4000-8000-0000000000d1";
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    call(&data, &["ingest", broken(dir.path()).to_str().unwrap()]);
    call(&data, &["rules", "import", &file("good.yml", RULE)]).ok();
    let hunted = call(&data, &["hunt", "start", ID]).ok();
    assert!(
        hunted.out.contains("DONE") && hunted.out.contains("1 hits") && hunted.out.contains("1 new"),
        "{hunted:#?}"
    );
    let again =
        call(&data, &["hunt", "start", ID, "--from", "2023-01-01T00:00:00Z", "--to", "2025-01-01T00:00:00Z"]).ok();
    assert!(again.out.contains("1 hits") && again.out.contains("0 new"), "{again:#?}");
    let later = call(&data, &["hunt", "start", ID, "--from", "2025-01-01T00:00:00Z"]).ok();
    assert!(later.out.contains("0 hits"), "{later:#?}");
    let rules = call(&data, &["rules", "list"]).ok();
    assert!(rules.out.lines().any(|l| l.contains("Good") && l.split_whitespace().nth(2) == Some("1")), "{rules:#?}");

    let imported = call(&data, &["indicators", "import", "--hunt", &file("list.txt", "a.exe\nbad.example\n")]).ok();
    assert!(imported.out.contains("DONE") && imported.out.contains("1 new"), "{imported:#?}");
    let import = imported.out.split_whitespace().next().unwrap();
    let of_import = call(&data, &["hunt", "start", "--import", import]).ok();
    assert!(of_import.out.contains("1 hits") && of_import.out.contains("0 new"), "{of_import:#?}");

    // A rule that is new, one that is switched off, and a filter.
    let pack = format!(
        "{}---\n{}---\ntitle: No\nid: no\nlogsource: {{product: windows}}\nfilter: {{rules: any, selection: {{Image: x}}, condition: not selection}}\n",
        RULE.replace("d1", "d2"),
        RULE
    );
    call(&data, &["rules", "disable", ID]).ok();
    let imported = call(&data, &["rules", "import", "--hunt", &file("pack.yml", &pack)]).ok();
    assert!(imported.out.contains("DONE") && imported.out.contains("1 hits"), "{imported:#?}");
    call(&data, &["rules", "enable", ID]).ok();

    let list = call(&data, &["hunt", "list"]).ok();
    assert_eq!(list.out.lines().filter(|l| l.contains("DONE")).count(), 6, "{list:#?}");
    let ended = list.out.split_whitespace().next().unwrap();
    let cancelled = call(&data, &["hunt", "cancel", ended]);
    assert!(cancelled.code == 1 && cancelled.err.contains("no"), "an ended hunt: {cancelled:#?}");
    let unknown = call(&data, &["hunt", "start", "nothing"]);
    assert!(unknown.code == 1 && unknown.err.contains("there is no rule nothing"), "{unknown:#?}");
    assert_eq!(call(&data, &["hunt", "start"]).code, 2, "neither a rule nor an import");
    let bad = call(&data, &["hunt", "start", ID, "--from", "yesterday"]);
    assert!(bad.code == 1 && bad.err.contains("yesterday"), "{bad:#?}");

    let ca = call(&data, &["serve", "--webhook-ca", &file("no.pem", "no certificate"), "--listen", "127.0.0.1:0"]);
    assert!(ca.code == 1 && ca.err.contains("no PEM"), "{ca:#?}");
}
