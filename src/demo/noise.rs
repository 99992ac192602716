//! What people at their desks do all day.
use super::{
    company::{self as c, SITES},
    scene::Scene,
};
use crate::event::Time;
use rand::Rng;

const DOCUMENTS: &[&str] = &[
    "Budget overview",
    "Meeting notes",
    "Calibration report",
    "Supplier list",
    "Travel request",
    "Project plan",
    "Test protocol",
    "Offer draft",
    "Holiday calendar",
    "Quality manual",
];
const SHARES: &[&str] = &[r"\\HBI-FS01\projects", r"\\HBI-FS01\finance", r"\\HBI-FS02\public"];

type Activity = (u32, fn(&mut Scene<'_>));

const DESK: &[Activity] = &[
    (30, browse),
    (14, write_document),
    (9, mail),
    (10, background_task),
    (8, synchronise),
    (7, search_index),
    (6, settings),
    (4, copy_text),
    (3, download),
    (2, remote_desktop),
    (2, crash),
    (2, notes),
];

/// Something a person does; what machines do by themselves is in [`super::services`].
pub fn at_desk(scene: &mut Scene<'_>) {
    run_one(scene, DESK);
}

/// Runs one of the activities, by weight.
pub fn run_one(scene: &mut Scene<'_>, activities: &[Activity]) {
    let total: u32 = activities.iter().map(|a| a.0).sum();
    let mut at = scene.rng().random_range(0..total);
    for (weight, activity) in activities {
        if at < *weight {
            return activity(scene);
        }
        at -= weight;
    }
}

fn browse(s: &mut Scene<'_>) {
    let browser = s.standing("browser");
    let command = format!("\"{}\" --type=renderer --lang=en-GB --renderer-client-id={}", c::BROWSER.path, s.hex(2));
    let tab = s.spawn(&browser, &c::BROWSER, &command);
    let pipe = format!(r"\mojo.{}.{}.{}", browser.pid, tab.pid, s.hex(12));
    s.create_pipe(&browser, &pipe);
    s.connect_pipe(&tab, &pipe);
    if s.chance(0.04) {
        // Browsers replace the image of their sandboxed children: a false alarm that people know.
        s.act(25, &tab, &[("Type", "Image is replaced")]);
    }
    for _ in 0..s.rng().random_range(1..5) {
        let site = s.pick(SITES);
        s.visit(&browser, site, 443);
        s.wait(80..2_500);
    }
    let cache = format!(
        r"{}\AppData\Local\Google\Chrome\User Data\Default\Cache\Cache_Data\f_{}",
        s.machine().home(),
        s.hex(6)
    );
    s.create(&browser, &cache);
    s.wait(5_000..90_000);
    s.end(&tab);
}

fn write_document(s: &mut Scene<'_>) {
    let explorer = s.standing("explorer");
    let (binary, ending) = if s.chance(0.6) { (&c::WORD, "docx") } else { (&c::EXCEL, "xlsx") };
    let (name, share) = (s.pick(DOCUMENTS), s.pick(SHARES));
    let path = format!(r"{share}\{name}.{ending}");
    let office = s.spawn(&explorer, binary, &format!("\"{}\" /n \"{path}\"", binary.path));
    s.load(&office, &c::KERNEL32);
    s.load(&office, &c::CRYPT32);
    s.connect(&office, ("HBI-FS01.corp.hollowbrook.example", "10.20.8.12"), 445);
    s.create(&office, &format!(r"{share}\~${name}.{ending}"));
    let hive = s.machine().hive();
    let app = if ending == "docx" { "Word" } else { "Excel" };
    s.set(
        &office,
        &format!(r"{hive}\Software\Microsoft\Office\16.0\{app}\File MRU\Item 1"),
        &format!("[F00000000]*{path}"),
    );
    s.wait(20_000..240_000);
    let temporary = format!(r"{}\AppData\Local\Temp\~WRS{{{}}}.tmp", s.machine().home(), s.hex(8));
    s.create(&office, &temporary);
    s.delete(&office, &temporary, "temporary.tmp", false);
    s.create(&office, &path);
    s.delete(&office, &format!(r"{share}\~${name}.{ending}"), "owner.tmp", false);
    s.end(&office);
}

fn mail(s: &mut Scene<'_>) {
    let outlook = s.standing("outlook");
    s.visit(&outlook, ("mail.hollowbrook.example", "192.0.2.40"), 443);
    let ost = format!(r"{}\AppData\Local\Microsoft\Outlook\~outlook.ost.tmp", s.machine().home());
    s.create(&outlook, &ost);
    if s.chance(0.3) {
        let name = s.pick(DOCUMENTS);
        let path = attachment(s, &format!("{name}.pdf"));
        s.create(&outlook, &path);
        s.mark(&outlook, &path, "about:internet");
    }
    s.delete(&outlook, &ost, "outlook.tmp", false);
}

/// Where Outlook puts what a person opens.
pub fn attachment(s: &mut Scene<'_>, name: &str) -> String {
    let folder = s.hex(8).to_uppercase();
    format!(r"{}\AppData\Local\Microsoft\Windows\INetCache\Content.Outlook\{folder}\{name}", s.machine().home())
}

pub fn background_task(s: &mut Scene<'_>) {
    let parent = s.standing("dcom");
    let user = s.machine().user.clone();
    let (binary, command) = match s.rng().random_range(0..4) {
        0 => (&c::BACKGROUND, format!("\"{}\" -ServerName:App.AppX{}.mca", c::BACKGROUND.path, s.hex(24))),
        1 => (&c::BROKER, format!("{} -Embedding", c::BROKER.path)),
        2 => (&c::DLLHOST, format!("{} /Processid:{{{}}}", c::DLLHOST.path, s.hex(8))),
        _ => (&c::TASKHOST, "taskhostw.exe".to_owned()),
    };
    let p = s.spawn_as(&parent, binary, binary.path, &command, &user);
    s.load(&p, &c::NTDLL);
    if s.chance(0.4) {
        let hive = s.machine().hive();
        s.key(&p, "CreateKey", &format!(r"{hive}\Software\Microsoft\Windows\CurrentVersion\PushNotifications\Backup"));
    }
    s.wait(2_000..60_000);
    s.end(&p);
}

fn synchronise(s: &mut Scene<'_>) {
    let sync = s.standing("sync");
    s.visit(&sync, ("files.cloudbridge.example", "192.0.2.62"), 443);
    for _ in 0..s.rng().random_range(1..4) {
        let name = s.pick(DOCUMENTS);
        let path = format!(r"{}\Cloudbridge\{name}.docx", s.machine().home());
        s.create(&sync, &path);
        if s.chance(0.1) {
            let original = Time(s.now.0 - s.rng().random_range(1..60) * 86_400_000).sysmon();
            s.act(
                2,
                &sync,
                &[
                    ("TargetFilename", &path),
                    ("CreationUtcTime", &original),
                    ("PreviousCreationUtcTime", &s.now.sysmon()),
                ],
            );
        }
    }
}

fn search_index(s: &mut Scene<'_>) {
    let indexer = s.standing("indexer");
    let command = format!("\"{}\" Global\\UsGthrFltPipeMssGthrPipe{} 1 -2147483646", c::PROTOCOL_HOST.path, s.hex(3));
    let p = s.spawn(&indexer, &c::PROTOCOL_HOST, &command);
    s.connect_pipe(&p, r"\MsFteWds");
    s.load(&p, &c::KERNEL32);
    s.wait(10_000..120_000);
    s.end(&p);
}

fn settings(s: &mut Scene<'_>) {
    let explorer = s.standing("explorer");
    let hive = s.machine().hive();
    let base = format!(r"{hive}\Software\Microsoft\Windows\CurrentVersion\Explorer");
    match s.rng().random_range(0..4) {
        0 => s.key(&explorer, "DeleteValue", &format!(r"{base}\RunMRU\b")),
        1 => s.act(
            14,
            &explorer,
            &[
                ("EventType", "RenameKey"),
                ("TargetObject", &format!(r"{base}\MountPoints2\New Key #1")),
                ("NewName", &format!(r"{base}\MountPoints2\##HBI-FS02#public")),
            ],
        ),
        2 => s.key(&explorer, "CreateKey", &format!(r"{base}\RecentDocs\.pdf")),
        _ => s.set(&explorer, &format!(r"{base}\RecentDocs\MRUListEx"), "Binary Data"),
    }
    s.set(
        &explorer,
        &format!(r"{base}\UserAssist\{{CEBFF5CD-ACE2-4F4F-9178-9926F41749EA}}\Count\Abgrcnq"),
        "Binary Data",
    );
}

fn copy_text(s: &mut Scene<'_>) {
    let p = if s.chance(0.5) { s.standing("browser") } else { s.standing("outlook") };
    let text = s.hex(12);
    s.act(
        24,
        &p,
        &[
            ("Session", "1"),
            ("ClientInfo", &format!(r"user: {}", p.account.name)),
            ("Hashes", &super::company::hashes(&text)),
            ("Archived", "true"),
        ],
    );
}

fn download(s: &mut Scene<'_>) {
    let browser = s.standing("browser");
    let site = s.pick(SITES);
    s.visit(&browser, site, 443);
    let name = s.pick(DOCUMENTS);
    let path = format!(r"{}\Downloads\{name}.pdf", s.machine().home());
    s.create(&browser, &format!("{path}.crdownload"));
    let url = format!("https://{}/files/{}.pdf", site.0, s.hex(8));
    s.mark(&browser, &path, &url);
}

fn remote_desktop(s: &mut Scene<'_>) {
    let explorer = s.standing("explorer");
    let p = s.spawn(&explorer, &c::MSTSC, &format!("\"{}\" /v:HBI-FS02", c::MSTSC.path));
    s.connect(&p, ("HBI-FS02.corp.hollowbrook.example", "10.20.8.13"), 3389);
    s.wait(60_000..300_000);
    s.end(&p);
}

fn crash(s: &mut Scene<'_>) {
    let (explorer, service) = (s.standing("explorer"), s.standing("netsvcs"));
    let p = s.spawn(&service, &c::WERFAULT, &format!("{} -u -p {} -s 2044", c::WERFAULT.path, explorer.pid));
    let thread = (s.rng().random_range(500..4000) * 4).to_string();
    s.load(&p, &c::DBGHELP);
    s.open(&p, &explorer, "0x1fffff", r"C:\Windows\System32\faultrep.dll+1e2a9");
    s.reach(
        8,
        &p,
        &explorer,
        &[
            ("NewThreadId", &thread),
            ("StartAddress", "0x00007FFB1C4A0E10"),
            ("StartModule", r"C:\Windows\System32\ntdll.dll"),
            ("StartFunction", "DbgUiRemoteBreakin"),
        ],
    );
    let report = format!(r"C:\ProgramData\Microsoft\Windows\WER\Temp\WER{}.tmp.dmp", s.hex(4).to_uppercase());
    s.create(&p, &report);
    s.end(&p);
}

fn notes(s: &mut Scene<'_>) {
    let explorer = s.standing("explorer");
    let path = format!(r"{}\Desktop\notes.txt", s.machine().home());
    let p = s.spawn(&explorer, &c::NOTEPAD, &format!("\"{}\" {path}", c::NOTEPAD.path));
    s.create(&p, &path);
    s.wait(5_000..60_000);
    s.end(&p);
}
