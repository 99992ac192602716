//! What can happen on a machine, each as the Sysmon record that it leaves.
use super::{
    company::{Binary, hashes},
    machine::{Account, Machine, Proc},
};
use crate::event::{EventBuilder, SYSMON_CHANNEL, SYSMON_PROVIDER, Time};
use rand::{Rng, rngs::StdRng};
use std::{cmp::Ordering, collections::BinaryHeap, ops::Range, sync::Arc};

/// A record that waits for its time; its number is given when the time comes.
#[derive(Debug)]
pub struct Draft {
    pub at: Time,
    serial: u64,
    pub machine: usize,
    pub record: EventBuilder,
}

impl Ord for Draft {
    /// The earliest is the greatest: a heap hands it out first.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.serial).cmp(&(self.at, self.serial))
    }
}
impl PartialOrd for Draft {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Draft {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Draft {}

/// All machines, and what is still to be written.
#[derive(Debug)]
pub struct World {
    pub rng: StdRng,
    pub machines: Vec<Machine>,
    pub pending: BinaryHeap<Draft>,
    serial: u64,
    provider: Arc<str>,
    channel: Arc<str>,
    service: Arc<str>,
}

impl World {
    pub fn new(rng: StdRng, machines: Vec<Machine>) -> Self {
        Self {
            rng,
            machines,
            pending: BinaryHeap::new(),
            serial: 0,
            provider: SYSMON_PROVIDER.into(),
            channel: SYSMON_CHANNEL.into(),
            service: "S-1-5-18".into(),
        }
    }

    /// Something that happens on one machine from `at` on.
    pub fn scene(&mut self, machine: usize, at: Time) -> Scene<'_> {
        let index = machine % self.machines.len();
        Scene { world: self, index, now: at }
    }
}

pub struct Scene<'a> {
    pub world: &'a mut World,
    index: usize,
    pub now: Time,
}

type Values<'v> = &'v [(&'v str, &'v str)];

impl Scene<'_> {
    pub fn machine(&self) -> &Machine {
        &self.world.machines[self.index]
    }
    pub fn rng(&mut self) -> &mut StdRng {
        &mut self.world.rng
    }
    pub fn standing(&self, name: &str) -> Proc {
        self.machine().process(name)
    }
    pub fn chance(&mut self, p: f64) -> bool {
        self.rng().random_bool(p)
    }
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let n = self.rng().random_range(0..from.len());
        from[n]
    }
    /// Lets a random number of milliseconds pass.
    pub fn wait(&mut self, ms: Range<i64>) {
        self.now.0 += self.world.rng.random_range(ms);
    }
    /// `n` random hexadecimal digits.
    pub fn hex(&mut self, n: usize) -> String {
        (0..n).map(|_| format!("{:x}", self.rng().random_range(0..16u8))).collect()
    }

    /// A record without a process.
    pub fn emit(&mut self, code: u32, values: Values<'_>) {
        self.wait(1..25);
        let w = &mut *self.world;
        let mut b = EventBuilder::default();
        b.code = code;
        let s = &mut b.system;
        (s.provider, s.channel) = (w.provider.clone(), w.channel.clone());
        s.computer = w.machines[self.index].computer.clone();
        (s.user_id, s.process_id) = (Some(w.service.clone()), Some(w.machines[self.index].process("sysmon").pid));
        s.thread_id = Some(w.rng.random_range(700..760) * 4);
        (s.version, s.level) = (Some(version(code)), Some(if code == 255 { 2 } else { 4 }));
        (s.task, s.opcode, s.keywords) = (Some(code), Some(0), Some(0x8000_0000_0000_0000));
        s.time_created = Some(Time(self.now.0 + w.rng.random_range(0..4)));
        b.data("UtcTime", &self.now.sysmon());
        for (name, value) in values {
            b.data(name, value);
        }
        w.serial += 1;
        w.pending.push(Draft { at: self.now, serial: w.serial, machine: self.index, record: b });
    }

    /// A record of a process.
    pub fn act(&mut self, code: u32, p: &Proc, values: Values<'_>) {
        let pid = p.pid.to_string();
        let mut all = vec![
            ("ProcessGuid", p.guid.as_str()),
            ("ProcessId", pid.as_str()),
            ("Image", p.image.as_str()),
            ("User", p.account.name.as_str()),
        ];
        all.extend_from_slice(values);
        self.emit(code, &all);
    }

    /// A record of one process reaching into another.
    pub fn reach(&mut self, code: u32, source: &Proc, target: &Proc, values: Values<'_>) {
        let (from, to) = (source.pid.to_string(), target.pid.to_string());
        let mut all = vec![
            ("SourceProcessGuid", source.guid.as_str()),
            ("SourceProcessId", from.as_str()),
            ("SourceImage", source.image.as_str()),
            ("SourceUser", source.account.name.as_str()),
            ("TargetProcessGuid", target.guid.as_str()),
            ("TargetProcessId", to.as_str()),
            ("TargetImage", target.image.as_str()),
            ("TargetUser", target.account.name.as_str()),
        ];
        all.extend_from_slice(values);
        self.emit(code, &all);
    }

    /// Writes that `p`, a child of `parent`, has started.
    pub fn started(&mut self, p: &Proc, parent: &Proc) {
        let b = p.binary;
        let (session, parent_pid) = (p.account.session.to_string(), parent.pid.to_string());
        self.act(
            1,
            p,
            &[
                ("FileVersion", b.version),
                ("Description", b.description),
                ("Product", b.product),
                ("Company", b.company),
                ("OriginalFileName", b.original),
                ("CommandLine", &p.command),
                ("CurrentDirectory", if p.account.session == 0 { r"C:\Windows\system32\" } else { r"C:\Users\" }),
                ("LogonGuid", &p.account.logon_guid),
                ("LogonId", &p.account.logon_id),
                ("TerminalSessionId", &session),
                ("IntegrityLevel", p.account.integrity),
                ("Hashes", &hashes(b.path)),
                ("ParentProcessGuid", &parent.guid),
                ("ParentProcessId", &parent_pid),
                ("ParentImage", &parent.image),
                ("ParentCommandLine", &parent.command),
                ("ParentUser", &parent.account.name),
            ],
        );
    }

    pub fn spawn(&mut self, parent: &Proc, binary: &'static Binary, command: &str) -> Proc {
        self.spawn_as(parent, binary, binary.path, command, &parent.account)
    }

    /// Starts a program that lies at `image`, under an account of its own.
    pub fn spawn_as(
        &mut self,
        parent: &Proc,
        binary: &'static Binary,
        image: &str,
        command: &str,
        account: &Arc<Account>,
    ) -> Proc {
        let now = self.now;
        let p = self.world.machines[self.index].born(now, binary, image, command, account);
        self.started(&p, parent);
        p
    }

    pub fn end(&mut self, p: &Proc) {
        self.act(5, p, &[]);
    }

    /// Runs a program to its end.
    pub fn run(&mut self, parent: &Proc, binary: &'static Binary, command: &str) {
        let p = self.spawn(parent, binary, command);
        self.wait(40..900);
        self.end(&p);
    }

    pub fn load(&mut self, p: &Proc, b: &'static Binary) {
        let signed = b.company.starts_with("Microsoft");
        self.act(
            7,
            p,
            &[
                ("ImageLoaded", b.path),
                ("FileVersion", b.version),
                ("Description", b.description),
                ("Product", b.product),
                ("Company", b.company),
                ("OriginalFileName", b.original),
                ("Hashes", &hashes(b.path)),
                ("Signed", if signed { "true" } else { "false" }),
                ("Signature", if signed { "Microsoft Windows" } else { "-" }),
                ("SignatureStatus", if signed { "Valid" } else { "Unavailable" }),
            ],
        );
    }

    /// A connection that `p` opens.
    pub fn connect(&mut self, p: &Proc, (name, ip): (&str, &str), port: u16) {
        self.connection(p, true, (name, ip), port);
    }

    /// A connection that `p` takes from `peer` on its own `port`.
    pub fn accept(&mut self, p: &Proc, peer: (&str, &str), port: u16) {
        self.connection(p, false, peer, port);
    }

    fn connection(&mut self, p: &Proc, initiated: bool, peer: (&str, &str), port: u16) {
        let (name, ip) = (self.machine().host.name.clone(), self.machine().host.ip.clone());
        let own = (name.as_str(), ip.as_str());
        let high = self.rng().random_range(49_152..65_535u16).to_string();
        let low = port.to_string();
        let service = match port {
            53 => "domain",
            80 => "http",
            88 => "kerberos",
            135 => "epmap",
            389 => "ldap",
            443 => "https",
            445 => "microsoft-ds",
            3389 => "ms-wbt-server",
            _ => "-",
        };
        // The side that opens the connection is the source.
        let (source, destination) = if initiated { (own, peer) } else { (peer, own) };
        self.act(
            3,
            p,
            &[
                ("Protocol", if port == 53 { "udp" } else { "tcp" }),
                ("Initiated", if initiated { "true" } else { "false" }),
                ("SourceIsIpv6", "false"),
                ("SourceIp", source.1),
                ("SourceHostname", source.0),
                ("SourcePort", &high),
                ("SourcePortName", "-"),
                ("DestinationIsIpv6", "false"),
                ("DestinationIp", destination.1),
                ("DestinationHostname", destination.0),
                ("DestinationPort", &low),
                ("DestinationPortName", service),
            ],
        );
    }

    /// Looks a name up; without an address it does not exist.
    pub fn lookup(&mut self, p: &Proc, name: &str, ip: Option<&str>) {
        let results = ip.map_or_else(|| "-".to_owned(), |ip| format!("::ffff:{ip};"));
        let status = if ip.is_some() { "0" } else { "9003" };
        self.act(22, p, &[("QueryName", name), ("QueryStatus", status), ("QueryResults", &results)]);
    }

    /// Looks up and connects.
    pub fn visit(&mut self, p: &Proc, site: (&str, &str), port: u16) {
        self.lookup(p, site.0, Some(site.1));
        self.connect(p, site, port);
    }

    pub fn create(&mut self, p: &Proc, path: &str) {
        let now = self.now.sysmon();
        self.act(11, p, &[("TargetFilename", path), ("CreationUtcTime", &now)]);
    }

    /// An executable file is written: `binary` is what it holds.
    pub fn drop_executable(&mut self, p: &Proc, path: &str, binary: &'static Binary) {
        self.create(p, path);
        self.act(29, p, &[("TargetFilename", path), ("Hashes", &hashes(binary.path))]);
    }

    /// The mark of the web on a file.
    pub fn mark(&mut self, p: &Proc, path: &str, url: &str) {
        let (now, hash) = (self.now.sysmon(), hashes(path));
        let contents = format!("[ZoneTransfer]  ZoneId=3  HostUrl={url}  ");
        let stream = format!("{path}:Zone.Identifier");
        self.act(
            15,
            p,
            &[("TargetFilename", &stream), ("CreationUtcTime", &now), ("Hash", &hash), ("Contents", &contents)],
        );
    }

    /// Deletes a file; an archived one keeps its content with Sysmon.
    pub fn delete(&mut self, p: &Proc, path: &str, holds: &str, archived: bool) {
        let hash = hashes(holds);
        let executable = if holds.ends_with(".exe") || holds.ends_with(".dll") { "true" } else { "false" };
        let common = [("TargetFilename", path), ("Hashes", hash.as_str()), ("IsExecutable", executable)];
        if archived {
            self.act(23, p, &[common[0], common[1], common[2], ("Archived", "true")]);
        } else {
            self.act(26, p, &common);
        }
    }

    pub fn set(&mut self, p: &Proc, value: &str, details: &str) {
        self.act(13, p, &[("EventType", "SetValue"), ("TargetObject", value), ("Details", details)]);
    }

    pub fn key(&mut self, p: &Proc, kind: &str, path: &str) {
        self.act(12, p, &[("EventType", kind), ("TargetObject", path)]);
    }

    pub fn create_pipe(&mut self, p: &Proc, name: &str) {
        self.act(17, p, &[("EventType", "CreatePipe"), ("PipeName", name)]);
    }

    pub fn connect_pipe(&mut self, p: &Proc, name: &str) {
        self.act(18, p, &[("EventType", "ConnectPipe"), ("PipeName", name)]);
    }

    pub fn open(&mut self, source: &Proc, target: &Proc, mask: &str, via: &str) {
        let thread = (self.rng().random_range(300..2400) * 4).to_string();
        let trace = format!(r"C:\Windows\SYSTEM32\ntdll.dll+9d4c4|C:\Windows\System32\KERNELBASE.dll+2c13e|{via}");
        self.reach(10, source, target, &[("SourceThreadId", &thread), ("GrantedAccess", mask), ("CallTrace", &trace)]);
    }
}

/// Version of the record's layout, by the manifest.
const fn version(code: u32) -> u32 {
    match code {
        17 | 18 => 1,
        8 | 9 | 11..=15 => 2,
        6 => 4,
        1..=3 | 22..=29 => 5,
        _ => 3,
    }
}
