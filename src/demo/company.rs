//! The invented company: its hosts, people, addresses, and the programs that run there.
//! Addresses are of RFC 1918 and RFC 5737, names outside the company end in `.example`.
use rand::{RngCore, SeedableRng, rngs::StdRng};

pub const DOMAIN: &str = "corp.hollowbrook.example";
pub const NETBIOS: &str = "HOLLOWBROOK";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Workstation,
    FileServer,
    WebServer,
    Database,
    Mail,
    Backup,
    DomainController,
}

#[derive(Debug, Clone)]
pub struct Host {
    /// Fully qualified, as Sysmon writes `Computer`.
    pub name: String,
    pub ip: String,
    pub role: Role,
    /// Who sits in front of it, or administers it.
    pub user: &'static str,
    pub sid: String,
}

const PEOPLE: &[&str] = &[
    "a.lindqvist",
    "b.okafor",
    "c.marchetti",
    "d.yilmaz",
    "e.tanaka",
    "f.oduya",
    "g.halvorsen",
    "h.castellan",
    "i.brankov",
    "j.sorensen",
    "k.abernathy",
    "l.dufresne",
    "m.ishikawa",
    "n.petrova",
    "o.mbeki",
    "p.quigley",
    "q.zhaoming",
    "r.vandermeer",
    "s.thistle",
    "t.karlsen",
    "u.fairweather",
    "v.morozova",
    "w.hagiwara",
    "x.delacroix",
    "y.nakagawa",
    "z.whitlock",
    "a.romanelli",
    "b.steinbach",
    "c.oyelaran",
    "d.fitzroy",
];
pub const ADMIN: &str = "adm.kestrel";

const SERVERS: &[(&str, Role)] = &[
    ("HBI-DC01", Role::DomainController),
    ("HBI-DC02", Role::DomainController),
    ("HBI-FS01", Role::FileServer),
    ("HBI-FS02", Role::FileServer),
    ("HBI-WEB01", Role::WebServer),
    ("HBI-WEB02", Role::WebServer),
    ("HBI-SQL01", Role::Database),
    ("HBI-SQL02", Role::Database),
    ("HBI-MAIL01", Role::Mail),
    ("HBI-BKP01", Role::Backup),
];

/// Servers first (two domain controllers ahead), then the workstations.
pub fn hosts() -> Vec<Host> {
    let sid = |n: usize| format!("S-1-5-21-1840573926-2719405518-903628147-{}", 1100 + n);
    let server = |(i, (name, role)): (usize, &(&str, Role))| Host {
        name: format!("{name}.{DOMAIN}"),
        ip: format!("10.20.8.{}", 10 + i),
        role: *role,
        user: ADMIN,
        sid: sid(0),
    };
    let desk = |(i, user): (usize, &&'static str)| Host {
        name: format!("HBI-{}{}.{DOMAIN}", if i % 4 == 3 { "LT" } else { "WS" }, 101 + i),
        ip: format!("10.20.{}.{}", 1 + i / 15, 21 + (i % 15) * 3),
        role: Role::Workstation,
        user,
        sid: sid(1 + i),
    };
    SERVERS.iter().enumerate().map(server).chain(PEOPLE.iter().enumerate().map(desk)).collect()
}

/// A name that people's programs look up, and its address.
pub const SITES: &[(&str, &str)] = &[
    ("www.lantern-search.example", "192.0.2.10"),
    ("static.lantern-search.example", "192.0.2.11"),
    ("news.morningpost.example", "192.0.2.24"),
    ("img.morningpost.example", "192.0.2.25"),
    ("mail.hollowbrook.example", "192.0.2.40"),
    ("meet.cloudbridge.example", "192.0.2.61"),
    ("files.cloudbridge.example", "192.0.2.62"),
    ("login.cloudbridge.example", "192.0.2.63"),
    ("crm.orchardsoft.example", "192.0.2.81"),
    ("weather.skycast.example", "192.0.2.97"),
    ("maps.wayfinder.example", "192.0.2.115"),
    ("video.streamloft.example", "192.0.2.130"),
    ("shop.papertrail.example", "192.0.2.152"),
    ("wiki.toolmakers.example", "192.0.2.171"),
    ("travel.blueferry.example", "192.0.2.188"),
    ("bank.stonegate.example", "192.0.2.203"),
];
pub const UPDATES: &[(&str, &str)] = &[
    ("updates.windmill.example", "198.51.100.140"),
    ("telemetry.windmill.example", "198.51.100.141"),
    ("definitions.windmill.example", "198.51.100.142"),
    ("packages.cloudbridge.example", "198.51.100.155"),
];

/// The intruder's names and addresses.
pub const C2: (&str, &str) = ("cdn.northgale-metrics.example", "203.0.113.77");
pub const DELIVERY: (&str, &str) = ("docs.northgale-billing.example", "203.0.113.64");
pub const DROP: (&str, &str) = ("share.tidewater-box.example", "198.51.100.23");

/// A program or library file with what its version resource says. The same on all hosts.
#[derive(Debug)]
pub struct Binary {
    pub path: &'static str,
    pub version: &'static str,
    pub description: &'static str,
    pub product: &'static str,
    pub company: &'static str,
    pub original: &'static str,
}

const WINDOWS: (&str, &str) = ("Microsoft® Windows® Operating System", "Microsoft Corporation");
const OFFICE: (&str, &str) = ("Microsoft Office", "Microsoft Corporation");
const SQL: (&str, &str) = ("Microsoft SQL Server", "Microsoft Corporation");
const CHROME: (&str, &str) = ("Google Chrome", "Google LLC");
const SEVEN: (&str, &str) = ("7-Zip", "Igor Pavlov");
const LANTERN: (&str, &str) = ("Lanternwatch", "Lanternwatch Systems");
const BRIDGE: (&str, &str) = ("Cloudbridge Desktop", "Cloudbridge Ltd");
const NONE: (&str, &str) = ("-", "-");

const WIN10: &str = "10.0.19041.4522 (WinBuild.160101.0800)";
const OFF16: &str = "16.0.16731.20600";

macro_rules! binaries {
    ($($name:ident $path:literal $version:expr, $description:literal $maker:ident $original:literal;)*) => {
        $(pub static $name: Binary = Binary {
            path: $path, version: $version, description: $description,
            product: $maker.0, company: $maker.1, original: $original,
        };)*
    };
}

binaries! {
    SYSTEM "System" "-", "-" NONE "-";
    SMSS r"C:\Windows\System32\smss.exe" WIN10, "Windows Session Manager" WINDOWS "smss.exe";
    CSRSS r"C:\Windows\System32\csrss.exe" WIN10, "Client Server Runtime Process" WINDOWS "CSRSS.Exe";
    WININIT r"C:\Windows\System32\wininit.exe" WIN10, "Windows Start-Up Application" WINDOWS "WinInit.exe";
    WINLOGON r"C:\Windows\System32\winlogon.exe" WIN10, "Windows Logon Application" WINDOWS "WINLOGON.EXE";
    SERVICES r"C:\Windows\System32\services.exe" WIN10, "Services and Controller app" WINDOWS "services.exe";
    LSASS r"C:\Windows\System32\lsass.exe" WIN10, "Local Security Authority Process" WINDOWS "lsass.exe";
    SVCHOST r"C:\Windows\System32\svchost.exe" WIN10, "Host Process for Windows Services" WINDOWS "svchost.exe";
    SPOOLSV r"C:\Windows\System32\spoolsv.exe" WIN10, "Spooler SubSystem App" WINDOWS "spoolsv.exe";
    SYSMON r"C:\Windows\Sysmon64.exe" "15.15", "System activity monitor" WINDOWS "-";
    DEFENDER r"C:\ProgramData\Microsoft\Windows Defender\Platform\4.18.24050.7-0\MsMpEng.exe" "4.18.24050.7", "Antimalware Service Executable" WINDOWS "MsMpEng.exe";
    INDEXER r"C:\Windows\System32\SearchIndexer.exe" WIN10, "Microsoft Windows Search Indexer" WINDOWS "SearchIndexer.exe";
    PROTOCOL_HOST r"C:\Windows\System32\SearchProtocolHost.exe" WIN10, "Microsoft Windows Search Protocol Host" WINDOWS "SearchProtocolHost.exe";
    EXPLORER r"C:\Windows\explorer.exe" WIN10, "Windows Explorer" WINDOWS "EXPLORER.EXE";
    WMIPRVSE r"C:\Windows\System32\wbem\WmiPrvSE.exe" WIN10, "WMI Provider Host" WINDOWS "Wmiprvse.exe";
    USERINIT r"C:\Windows\System32\userinit.exe" WIN10, "Userinit Logon Application" WINDOWS "USERINIT.EXE";
    TASKHOST r"C:\Windows\System32\taskhostw.exe" WIN10, "Host Process for Windows Tasks" WINDOWS "taskhostw.exe";
    BACKGROUND r"C:\Windows\System32\backgroundTaskHost.exe" WIN10, "Background Task Host" WINDOWS "backgroundTaskHost.exe";
    BROKER r"C:\Windows\System32\RuntimeBroker.exe" WIN10, "Runtime Broker" WINDOWS "RuntimeBroker.exe";
    DLLHOST r"C:\Windows\System32\dllhost.exe" WIN10, "COM Surrogate" WINDOWS "dllhost.exe";
    CONHOST r"C:\Windows\System32\conhost.exe" WIN10, "Console Window Host" WINDOWS "CONHOST.EXE";
    UPDATE_WORKER r"C:\Windows\UUS\amd64\MoUsoCoreWorker.exe" WIN10, "MoUSO Core Worker Process" WINDOWS "MoUsoCoreWorker.exe";
    INSTALLER r"C:\Windows\servicing\TrustedInstaller.exe" WIN10, "Windows Modules Installer" WINDOWS "TrustedInstaller.exe";
    TIWORKER r"C:\Windows\WinSxS\amd64_microsoft-windows-servicingstack_31bf3856ad364e35_10.0.19041.4467_none_7e1c4f0a8b9d2c35\TiWorker.exe" WIN10, "Windows Modules Installer Worker" WINDOWS "TiWorker.exe";
    WERFAULT r"C:\Windows\System32\WerFault.exe" WIN10, "Windows Problem Reporting" WINDOWS "WerFault.exe";
    VSSVC r"C:\Windows\System32\VSSVC.exe" WIN10, "Microsoft Volume Shadow Copy Service" WINDOWS "VSSVC.EXE";
    DEFRAG r"C:\Windows\System32\Defrag.exe" WIN10, "Disk Defragmenter Module" WINDOWS "Defrag.EXE";
    CMD r"C:\Windows\System32\cmd.exe" WIN10, "Windows Command Processor" WINDOWS "Cmd.Exe";
    POWERSHELL r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe" WIN10, "Windows PowerShell" WINDOWS "PowerShell.EXE";
    RUNDLL32 r"C:\Windows\System32\rundll32.exe" WIN10, "Windows host process (Rundll32)" WINDOWS "RUNDLL32.EXE";
    SCHTASKS r"C:\Windows\System32\schtasks.exe" WIN10, "Task Scheduler Configuration Tool" WINDOWS "schtasks.exe";
    WHOAMI r"C:\Windows\System32\whoami.exe" WIN10, "whoami - displays logged on user information" WINDOWS "whoami.exe";
    NET r"C:\Windows\System32\net.exe" WIN10, "Net Command" WINDOWS "net.exe";
    NLTEST r"C:\Windows\System32\nltest.exe" WIN10, "Microsoft® Logon Server Test Utility" WINDOWS "nltestrk.exe";
    IPCONFIG r"C:\Windows\System32\ipconfig.exe" WIN10, "IP Configuration Utility" WINDOWS "ipconfig.exe";
    WMIC r"C:\Windows\System32\wbem\WMIC.exe" WIN10, "WMI Commandline Utility" WINDOWS "wmic.exe";
    SC r"C:\Windows\System32\sc.exe" WIN10, "Service Control Manager Configuration Tool" WINDOWS "sc.exe";
    WEVTUTIL r"C:\Windows\System32\wevtutil.exe" WIN10, "Eventing Command Line Utility" WINDOWS "wevtutil.exe";
    VSSADMIN r"C:\Windows\System32\vssadmin.exe" WIN10, "Command Line Interface for Microsoft® Volume Shadow Copy Service" WINDOWS "VSSADMIN.EXE";
    CURL r"C:\Windows\System32\curl.exe" "8.7.1", "The curl executable" WINDOWS "curl.exe";
    NOTEPAD r"C:\Windows\System32\notepad.exe" WIN10, "Notepad" WINDOWS "NOTEPAD.EXE";
    MSTSC r"C:\Windows\System32\mstsc.exe" WIN10, "Remote Desktop Connection" WINDOWS "mstsc.exe";
    DNS_SERVER r"C:\Windows\System32\dns.exe" WIN10, "Domain Name System (DNS) Server" WINDOWS "dns.exe";
    W3WP r"C:\Windows\System32\inetsrv\w3wp.exe" WIN10, "IIS Worker Process" WINDOWS "w3wp.exe";
    SQLSERVR r"C:\Program Files\Microsoft SQL Server\MSSQL15.MSSQLSERVER\MSSQL\Binn\sqlservr.exe" "2019.0150.4375.04", "SQL Server Windows NT - 64 Bit" SQL "SQLSERVR.EXE";
    OUTLOOK r"C:\Program Files\Microsoft Office\root\Office16\OUTLOOK.EXE" OFF16, "Microsoft Outlook" OFFICE "Outlook.exe";
    WORD r"C:\Program Files\Microsoft Office\root\Office16\WINWORD.EXE" OFF16, "Microsoft Word" OFFICE "WinWord.exe";
    EXCEL r"C:\Program Files\Microsoft Office\root\Office16\EXCEL.EXE" OFF16, "Microsoft Excel" OFFICE "Excel.exe";
    BROWSER r"C:\Program Files\Google\Chrome\Application\chrome.exe" "126.0.6478.127", "Google Chrome" CHROME "chrome.exe";
    SYNC r"C:\Program Files\Cloudbridge\CloudbridgeSync.exe" "5.12.0.388", "Cloudbridge file synchronisation" BRIDGE "CloudbridgeSync.exe";
    AGENT r"C:\Program Files\Lanternwatch\lwagent.exe" "3.4.1.0", "Lanternwatch inventory agent" LANTERN "lwagent.exe";
    SEVENZIP r"C:\Program Files\7-Zip\7z.exe" "23.01", "7-Zip Console" SEVEN "7z.exe";
    NTDLL r"C:\Windows\System32\ntdll.dll" WIN10, "NT Layer DLL" WINDOWS "ntdll.dll";
    KERNEL32 r"C:\Windows\System32\kernel32.dll" WIN10, "Windows NT BASE API Client DLL" WINDOWS "kernel32";
    WININET r"C:\Windows\System32\wininet.dll" WIN10, "Internet Extensions for Win32" WINDOWS "wininet.dll";
    AMSI r"C:\Windows\System32\amsi.dll" WIN10, "Anti-Malware Scan Interface" WINDOWS "amsi.dll";
    CRYPT32 r"C:\Windows\System32\crypt32.dll" WIN10, "Crypto API32" WINDOWS "CRYPT32.DLL";
    TASKSCHD r"C:\Windows\System32\taskschd.dll" WIN10, "Task Scheduler COM API" WINDOWS "taskschd.dll";
    WMIUTILS r"C:\Windows\System32\wbem\wmiutils.dll" WIN10, "WMI" WINDOWS "wmiutils.dll";
    DBGHELP r"C:\Windows\System32\dbghelp.dll" WIN10, "Windows Image Helper" WINDOWS "DBGHELP.DLL";
    COMSVCS r"C:\Windows\System32\comsvcs.dll" WIN10, "COM+ Services" WINDOWS "COMSVCS.DLL";
    VBE r"C:\Program Files\Common Files\Microsoft Shared\VBA\VBA7.1\VBE7.DLL" "7.01.1136", "Visual Basic Design Time Environment" OFFICE "VBE7.DLL";
    AUTOMATION r"C:\Windows\assembly\NativeImages_v4.0.30319_64\System.Manaa57fc8cc#\8c1e5b0f7a6d4f21b0d9c3e7f5a2164b\System.Management.Automation.ni.dll" WIN10, "System.Management.Automation" WINDOWS "System.Management.Automation.dll";
    NETDRIVER r"C:\Windows\System32\drivers\netadapt64.sys" WIN10, "Network adapter driver" WINDOWS "netadapt64.sys";
    USBDRIVER r"C:\Windows\System32\drivers\usbaudio2.sys" WIN10, "USB Audio 2.0 Class Driver" WINDOWS "usbaudio2.sys";
    EVILDRIVER r"C:\Windows\Temp\hwprobe64.sys" "1.2.0.0", "Hardware probe" NONE "hwprobe64.sys";
    IMPLANT r"C:\Users\Public\Libraries\wuauxsync.exe" "1.0.4.2", "Update auxiliary synchronisation" NONE "wuauxsync.exe";
}

/// `Hashes` of a file: made up from its name, well-formed, the same wherever the file lies.
pub fn hashes(name: &str) -> String {
    let mut r = StdRng::seed_from_u64(
        name.bytes().fold(0xcbf2_9ce4_8422_2325, |h: u64, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)),
    );
    let mut hex = |words: usize| (0..words).map(|_| format!("{:016X}", r.next_u64())).collect::<String>();
    format!("MD5={},SHA256={},IMPHASH={}", hex(2), hex(4), hex(2))
}
