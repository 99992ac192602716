//! One machine of the company: its standing processes, logon sessions and counters.
use super::company::{self as c, Binary, Host, NETBIOS, Role};
use crate::event::Time;
use std::sync::Arc;

#[derive(Debug)]
pub struct Account {
    pub name: String,
    pub logon_guid: String,
    pub logon_id: String,
    pub session: u32,
    pub integrity: &'static str,
}

#[derive(Debug)]
pub struct Process {
    pub guid: String,
    pub pid: u32,
    /// What the file is; it may lie elsewhere than at `binary.path`.
    pub binary: &'static Binary,
    pub image: String,
    pub command: String,
    pub account: Arc<Account>,
}
pub type Proc = Arc<Process>;

/// A process that runs all day, with its parent.
#[derive(Debug)]
pub struct Standing {
    pub name: &'static str,
    pub process: Proc,
    pub parent: Proc,
}

#[derive(Debug)]
pub struct Machine {
    pub host: Host,
    pub computer: Arc<str>,
    pub system: Arc<Account>,
    pub user: Arc<Account>,
    pub standing: Vec<Standing>,
    root: Proc,
    number: u32,
    records: u64,
    pids: u32,
    births: u64,
}

impl Machine {
    /// `start` and `live` keep record numbers and process GUIDs of a day before and a live run apart.
    pub fn new(index: usize, host: Host, start: Time, live: bool) -> Self {
        let number = 0x4b1d_0000 + u32::try_from(index).unwrap_or(0) * 0x0101;
        let account = |name: String, logon: u64, session, integrity| {
            Arc::new(Account {
                name,
                logon_guid: guid(number, 0, logon),
                logon_id: format!("{logon:#x}"),
                session,
                integrity,
            })
        };
        let service = |name: &str, logon| account(format!(r"NT AUTHORITY\{name}"), logon, 0, "System");
        let system = service("SYSTEM", 0x3e7);
        let user = account(format!(r"{NETBIOS}\{}", host.user), 0x4_a000 + u64::from(number & 0xffff), 1, "Medium");
        let root = Arc::new(Process {
            guid: guid(number, 1, 1),
            pid: 4,
            binary: &c::SYSTEM,
            image: "System".into(),
            command: String::new(),
            account: system.clone(),
        });
        let mut machine = Self {
            computer: host.name.as_str().into(),
            standing: Vec::new(),
            root,
            number,
            records: u64::try_from(start.0 / 1000).unwrap_or(0) % 1_000_000_000,
            pids: 5000 + number % 997 * 4,
            births: if live { 0x8000_0000 } else { 0x1000 },
            host,
            system,
            user,
        };
        machine.stand(&service("NETWORK SERVICE", 0x3e4), &service("LOCAL SERVICE", 0x3e5));
        machine
    }

    fn stand(&mut self, network: &Arc<Account>, local: &Arc<Account>) {
        let (system, user) = (self.system.clone(), self.user.clone());
        let desk = r"C:\Program Files\";
        let mut plan: Vec<(&'static str, &'static str, &'static Binary, String, &Arc<Account>)> = vec![
            ("smss", "System", &c::SMSS, r"\SystemRoot\System32\smss.exe".into(), &system),
            ("csrss", "smss", &c::CSRSS, r"%SystemRoot%\system32\csrss.exe ObjectDirectory=\Windows".into(), &system),
            ("wininit", "smss", &c::WININIT, "wininit.exe".into(), &system),
            ("winlogon", "smss", &c::WINLOGON, "winlogon.exe".into(), &system),
            ("services", "wininit", &c::SERVICES, r"C:\Windows\system32\services.exe".into(), &system),
            ("lsass", "wininit", &c::LSASS, r"C:\Windows\system32\lsass.exe".into(), &system),
            ("sysmon", "services", &c::SYSMON, r"C:\Windows\Sysmon64.exe".into(), &system),
            ("defender", "services", &c::DEFENDER, format!("\"{}\"", c::DEFENDER.path), &system),
            ("agent", "services", &c::AGENT, format!("\"{}\" --service", c::AGENT.path), &system),
            ("spooler", "services", &c::SPOOLSV, r"C:\Windows\System32\spoolsv.exe".into(), &system),
            ("indexer", "services", &c::INDEXER, r"C:\Windows\system32\SearchIndexer.exe /Embedding".into(), &system),
            ("userinit", "winlogon", &c::USERINIT, r"C:\Windows\system32\userinit.exe".into(), &user),
            ("explorer", "userinit", &c::EXPLORER, r"C:\Windows\Explorer.EXE".into(), &user),
        ];
        for (name, group, account) in [
            ("netsvcs", "netsvcs -p", &system),
            ("schedule", "netsvcs -p -s Schedule", &system),
            ("dcom", "DcomLaunch -p", &system),
            ("dnscache", "NetworkService -p -s Dnscache", network),
            ("bits", "netsvcs -p -s BITS", &system),
            ("events", "LocalServiceNetworkRestricted -p -s EventLog", local),
        ] {
            plan.push((name, "services", &c::SVCHOST, format!(r"C:\Windows\system32\svchost.exe -k {group}"), account));
        }
        plan.push(("wmi", "dcom", &c::WMIPRVSE, r"C:\Windows\system32\wbem\wmiprvse.exe".into(), network));
        match self.host.role {
            Role::Workstation => {
                plan.push(("outlook", "explorer", &c::OUTLOOK, format!("\"{}\"", c::OUTLOOK.path), &user));
                plan.push(("browser", "explorer", &c::BROWSER, format!("\"{}\"", c::BROWSER.path), &user));
                plan.push((
                    "sync",
                    "explorer",
                    &c::SYNC,
                    format!("\"{desk}Cloudbridge\\CloudbridgeSync.exe\" /tray"),
                    &user,
                ));
            }
            Role::DomainController => {
                plan.push(("dns", "services", &c::DNS_SERVER, r"C:\Windows\system32\dns.exe".into(), &system));
            }
            Role::WebServer | Role::Mail => {
                plan.push((
                    "web",
                    "netsvcs",
                    &c::W3WP,
                    r#"c:\windows\system32\inetsrv\w3wp.exe -ap "Portal""#.into(),
                    network,
                ));
            }
            Role::Database => {
                plan.push((
                    "sql",
                    "services",
                    &c::SQLSERVR,
                    format!("\"{}\" -sMSSQLSERVER", c::SQLSERVR.path),
                    network,
                ));
            }
            Role::FileServer | Role::Backup => {}
        }
        for (i, (name, parent, binary, command, account)) in plan.into_iter().enumerate() {
            let i = u32::try_from(i).unwrap_or(0);
            let process = Arc::new(Process {
                guid: guid(self.number, 1, u64::from(i) + 0x10),
                pid: 340 + i * 68 + self.number % 13 * 4,
                binary,
                image: binary.path.into(),
                command,
                account: account.clone(),
            });
            self.standing.push(Standing { name, process, parent: self.process(parent) });
        }
    }

    /// A standing process by name; `System` where the machine has none of that name.
    pub fn process(&self, name: &str) -> Proc {
        self.standing.iter().find(|s| s.name == name).map_or_else(|| self.root.clone(), |s| s.process.clone())
    }

    pub fn born(
        &mut self,
        at: Time,
        binary: &'static Binary,
        image: &str,
        command: &str,
        account: &Arc<Account>,
    ) -> Proc {
        self.births += 1;
        self.pids = 5000 + (self.pids - 5000 + 28) % 60_000;
        Arc::new(Process {
            guid: guid(self.number, u32::try_from(at.0 / 1000).unwrap_or(0), self.births),
            pid: self.pids,
            binary,
            image: image.into(),
            command: command.into(),
            account: account.clone(),
        })
    }

    /// The number of the next record in the channel.
    pub fn record(&mut self) -> u64 {
        self.records += 1;
        self.records
    }

    /// `C:\Users\NAME`
    pub fn home(&self) -> String {
        format!(r"C:\Users\{}", self.host.user)
    }

    /// The user's part of the registry, as Sysmon writes it.
    pub fn hive(&self) -> String {
        format!(r"HKU\{}", self.host.sid)
    }
}

/// Laid out as Sysmon does: machine, start in seconds, a running number.
fn guid(machine: u32, seconds: u32, n: u64) -> String {
    format!("{{{machine:08x}-{:04x}-{:04x}-{:04x}-{:012x}}}", seconds & 0xffff, seconds >> 16, n & 0xffff, n << 16)
}
