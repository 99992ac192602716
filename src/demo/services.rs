//! What machines do by themselves: logons, updates, scans, inventory, and the work of servers.
use super::{
    company::{self as c, DOMAIN, Role, UPDATES, hashes},
    noise::{background_task, run_one},
    scene::Scene,
};
use rand::Rng;

type Activity = (u32, fn(&mut Scene<'_>));

const EVERYWHERE: &[Activity] = &[
    (20, talk_to_domain),
    (12, background_task),
    (10, scan),
    (8, telemetry),
    (7, inventory),
    (4, update),
    (4, print),
    (3, defragment),
    (2, management_subscription),
    (2, driver),
    (2, refuse_program),
    (1, sysmon_itself),
];

pub fn anywhere(scene: &mut Scene<'_>) {
    run_one(scene, EVERYWHERE);
}

/// What a server is there for.
pub fn serve(s: &mut Scene<'_>) {
    match s.machine().host.role {
        Role::DomainController => answer_domain(s),
        Role::FileServer | Role::Backup => share_files(s),
        Role::WebServer | Role::Mail => answer_web(s),
        Role::Database => answer_queries(s),
        Role::Workstation => anywhere(s),
    }
}

/// Machines start: every standing process, and Sysmon itself.
pub fn start_up(s: &mut Scene<'_>) {
    s.emit(
        16,
        &[("Configuration", r"C:\ProgramData\Sysmon\hollowbrook.xml"), ("ConfigurationFileHash", &config_hash())],
    );
    s.emit(4, &[("State", "Started"), ("Version", "15.15"), ("SchemaVersion", "4.90")]);
    let standing: Vec<_> = s.machine().standing.iter().map(|x| (x.process.clone(), x.parent.clone())).collect();
    for (process, parent) in standing {
        s.started(&process, &parent);
        s.wait(20..400);
    }
    load_driver(s, &c::NETDRIVER, true);
}

fn config_hash() -> String {
    hashes("hollowbrook.xml").split(',').nth(1).unwrap_or_default().to_owned()
}

/// A random workstation or server of the company as a peer.
fn peer(s: &mut Scene<'_>) -> (String, String) {
    let n = s.world.machines.len();
    let i = s.rng().random_range(0..n);
    let host = &s.world.machines[i].host;
    (host.name.clone(), host.ip.clone())
}

fn talk_to_domain(s: &mut Scene<'_>) {
    let (name, ip) = if s.chance(0.5) { ("HBI-DC01", "10.20.8.10") } else { ("HBI-DC02", "10.20.8.11") };
    let name = format!("{name}.{DOMAIN}");
    let lsass = s.standing("lsass");
    s.lookup(&lsass, &format!("_ldap._tcp.dc._msdcs.{DOMAIN}"), Some(ip));
    s.connect(&lsass, (&name, ip), 88);
    s.connect(&lsass, (&name, ip), 389);
    let cache = s.standing("dnscache");
    if s.chance(0.5) {
        s.connect(&cache, (&name, ip), 53);
    }
    if s.chance(0.15) {
        s.lookup(&cache, &format!("wpad.{DOMAIN}"), None);
    }
}

fn scan(s: &mut Scene<'_>) {
    let (defender, svc, explorer) = (s.standing("defender"), s.standing("netsvcs"), s.standing("explorer"));
    let lsass = s.standing("lsass");
    s.open(&defender, &explorer, "0x1000", r"C:\Program Files\Windows Defender\mpengine.dll+4d1170");
    s.open(&svc, &lsass, "0x1000", r"C:\Windows\System32\lsm.dll+f1d8");
    if s.chance(0.3) {
        let svc_wmi = s.standing("wmi");
        s.load(&svc_wmi, &c::WMIUTILS);
        s.open(&svc_wmi, &lsass, "0x1400", r"C:\Windows\System32\wbem\cimwin32.dll+2d1f0");
    }
}

fn telemetry(s: &mut Scene<'_>) {
    let (svc, site) = (s.standing("bits"), s.pick(UPDATES));
    s.visit(&svc, site, 443);
    if s.chance(0.5) {
        s.set(&svc, r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\BITS\StateIndex", "DWORD (0x00000001)");
    }
}

fn inventory(s: &mut Scene<'_>) {
    let agent = s.standing("agent");
    s.create_pipe(&agent, r"\lanternwatch-inventory");
    let command = r"powershell.exe -NoLogo -NonInteractive -File C:\ProgramData\Lanternwatch\scripts\inventory.ps1";
    let p = s.spawn(&agent, &c::POWERSHELL, command);
    s.run(&p, &c::CONHOST, r"\??\C:\Windows\system32\conhost.exe 0xffffffff -ForceV1");
    s.load(&p, &c::AUTOMATION);
    s.load(&p, &c::AMSI);
    let marker = format!(r"C:\Windows\Temp\__PSScriptPolicyTest_{}.ps1", s.hex(8));
    s.create(&p, &marker);
    s.delete(&p, &marker, "policytest.ps1", false);
    s.connect_pipe(&p, r"\lanternwatch-inventory");
    s.run(&p, &c::IPCONFIG, "ipconfig /all");
    s.wait(1_000..8_000);
    s.end(&p);
    s.connect(&agent, (&format!("HBI-WEB02.{DOMAIN}"), "10.20.8.15"), 443);
}

fn update(s: &mut Scene<'_>) {
    let (svc, services) = (s.standing("netsvcs"), s.standing("services"));
    let orchestrator = s.spawn(&svc, &c::UPDATE_WORKER, &format!("{} -Embedding", c::UPDATE_WORKER.path));
    s.visit(&orchestrator, UPDATES[0], 443);
    let installer = s.spawn(&services, &c::INSTALLER, c::INSTALLER.path);
    let dcom = s.standing("dcom");
    let worker = s.spawn(&dcom, &c::TIWORKER, &format!("{} -Embedding", c::TIWORKER.path));
    for _ in 0..s.rng().random_range(2..6) {
        let part = s.hex(16);
        let path = format!(r"C:\Windows\WinSxS\Temp\InFlight\{part}\crypt32.dll");
        s.drop_executable(&worker, &path, &c::CRYPT32);
        s.set(&worker, &format!(r"HKLM\COMPONENTS\DerivedData\Components\amd64_{part}\c!crypt32"), "Binary Data");
        s.delete(&worker, &path, c::CRYPT32.path, true);
        s.wait(500..4_000);
    }
    s.end(&worker);
    s.end(&installer);
    s.end(&orchestrator);
}

fn print(s: &mut Scene<'_>) {
    let spooler = s.standing("spooler");
    let file = format!(r"C:\Windows\System32\spool\PRINTERS\{:05}.SPL", s.rng().random_range(2..90_000));
    s.connect_pipe(&spooler, r"\spoolss");
    s.create(&spooler, &file);
    s.wait(500..5_000);
    s.delete(&spooler, &file, "printout.spl", false);
}

fn defragment(s: &mut Scene<'_>) {
    let (schedule, services) = (s.standing("schedule"), s.standing("services"));
    let p = s.spawn(&schedule, &c::DEFRAG, r"C:\Windows\system32\defrag.exe -c -h -k -g -$");
    s.load(&p, &c::TASKSCHD);
    s.act(9, &p, &[("Device", r"\Device\HarddiskVolume3")]);
    let vss = s.spawn(&services, &c::VSSVC, r"C:\Windows\system32\vssvc.exe");
    s.act(9, &vss, &[("Device", r"\Device\HarddiskVolume3")]);
    s.wait(10_000..60_000);
    s.end(&vss);
    s.end(&p);
}

/// The inventory agent watches for USB disks by WMI: a subscription that is allowed.
fn management_subscription(s: &mut Scene<'_>) {
    let (user, operation) = (r"NT AUTHORITY\SYSTEM", if s.chance(0.8) { "Created" } else { "Modified" });
    s.emit(
        19,
        &[
            ("EventType", "WmiFilterEvent"),
            ("Operation", operation),
            ("User", user),
            ("EventNamespace", r#""root\\cimv2""#),
            ("Name", r#""LanternwatchDisk""#),
            (
                "Query",
                r#""SELECT * FROM __InstanceCreationEvent WITHIN 30 WHERE TargetInstance ISA 'Win32_LogicalDisk'""#,
            ),
        ],
    );
    s.emit(
        20,
        &[
            ("EventType", "WmiConsumerEvent"),
            ("Operation", operation),
            ("User", user),
            ("Name", r#""LanternwatchLog""#),
            ("Type", "Log File"),
            ("Destination", r#""C:\\ProgramData\\Lanternwatch\\disks.log""#),
        ],
    );
    s.emit(
        21,
        &[
            ("EventType", "WmiBindingEvent"),
            ("Operation", operation),
            ("User", user),
            ("Consumer", r#""LogFileEventConsumer.Name=\"LanternwatchLog\"""#),
            ("Filter", r#""__EventFilter.Name=\"LanternwatchDisk\"""#),
        ],
    );
}

fn driver(s: &mut Scene<'_>) {
    load_driver(s, &c::USBDRIVER, true);
}

pub fn load_driver(s: &mut Scene<'_>, driver: &'static c::Binary, signed: bool) {
    s.emit(
        6,
        &[
            ("ImageLoaded", driver.path),
            ("Hashes", &hashes(driver.path)),
            ("Signed", if signed { "true" } else { "false" }),
            ("Signature", if signed { "Microsoft Windows Hardware Compatibility Publisher" } else { "-" }),
            ("SignatureStatus", if signed { "Valid" } else { "Unavailable" }),
        ],
    );
}

/// The company lets nobody write programs to the desktop, nor shred what lies in the archive.
fn refuse_program(s: &mut Scene<'_>) {
    let p = s.standing("explorer");
    let home = s.machine().home();
    if s.chance(0.5) {
        let name = s.pick(&["gamebox.exe", "screensaver.exe", "printer-setup.exe"]);
        s.act(27, &p, &[("TargetFilename", &format!(r"{home}\Desktop\{name}")), ("Hashes", &hashes(name))]);
    } else {
        let name = s.pick(&["old offers.zip", "scan 0042.pdf", "setup.exe"]);
        s.act(
            28,
            &p,
            &[
                ("TargetFilename", &format!(r"{home}\Archive\{name}")),
                ("Hashes", &hashes(name)),
                ("IsExecutable", if name.ends_with(".exe") { "true" } else { "false" }),
            ],
        );
    }
}

fn sysmon_itself(s: &mut Scene<'_>) {
    match s.rng().random_range(0..3) {
        0 => s.emit(255, &[("ID", "QUEUE"), ("Description", "Events dropped from driver queue: ImageLoad:14 ")]),
        1 => s.emit(
            16,
            &[("Configuration", r"C:\ProgramData\Sysmon\hollowbrook.xml"), ("ConfigurationFileHash", &config_hash())],
        ),
        _ => s.emit(4, &[("State", "Started"), ("Version", "15.15"), ("SchemaVersion", "4.90")]),
    }
}

fn answer_domain(s: &mut Scene<'_>) {
    let (name, ip) = peer(s);
    let (lsass, dns) = (s.standing("lsass"), s.standing("dns"));
    for port in [88, 389] {
        s.accept(&lsass, (&name, &ip), port);
    }
    s.accept(&dns, (&name, &ip), 53);
    if s.chance(0.2) {
        s.create(&lsass, r"C:\Windows\NTDS\edbtmp.log");
    }
    if s.chance(0.2) {
        let system = s.standing("System");
        s.accept(&system, (&name, &ip), 445);
        s.connect_pipe(&system, r"\lsarpc");
    }
}

fn share_files(s: &mut Scene<'_>) {
    let (name, ip) = peer(s);
    let system = s.standing("System");
    s.accept(&system, (&name, &ip), 445);
    s.connect_pipe(&system, r"\srvsvc");
    let share = s.pick(&["projects", "finance", "public"]);
    let file = format!(r"D:\Shares\{share}\{}.docx", s.pick(&["Offer draft", "Test protocol", "Project plan"]));
    s.create(&system, &file);
    if s.chance(0.3) {
        s.delete(&system, &format!(r"D:\Shares\{share}\~$draft.docx"), "owner.tmp", false);
    }
}

fn answer_web(s: &mut Scene<'_>) {
    let (name, ip) = peer(s);
    let system = s.standing("System");
    let web = s.standing("web");
    s.accept(&system, (&name, &ip), 443);
    s.connect(&web, (&format!("HBI-SQL01.{DOMAIN}"), "10.20.8.16"), 1433);
    let compressed = format!(r"C:\inetpub\temp\IIS Temporary Compressed Files\{}.tmp", s.hex(8));
    s.create(&web, &compressed);
}

fn answer_queries(s: &mut Scene<'_>) {
    let sql = s.standing("sql");
    s.accept(&sql, (&format!("HBI-WEB01.{DOMAIN}"), "10.20.8.14"), 1433);
    s.connect_pipe(&sql, r"\sql\query");
    if s.chance(0.3) {
        let log = format!(r"E:\Backup\portal_{}.trn", s.hex(6));
        s.create(&sql, &log);
    }
}
