//! Events for tests, made of a small vocabulary so that conditions hit.
use std::collections::HashMap;
use sysmonsearch::event::{Event, EventBuilder, Ordinals, Time, codes::EventCode, fields::Type};

#[derive(Default)]
pub struct Count(HashMap<u128, u64>);

impl Ordinals for Count {
    fn next(&mut self, content: u128) -> u64 {
        let n = self.0.entry(content).or_default();
        *n += 1;
        *n - 1
    }
}

/// A small deterministic generator of numbers.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % sides as u64) as usize
    }
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.roll(of.len())]
    }
}

const HOSTS: &[&str] = &["WS-01.corp.example", "ws-02.corp.example.", "DC-01", "Büro-7", ""];
const TEXTS: &[&str] = &[
    r"C:\Windows\System32\cmd.exe",
    r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe",
    r#""C:\Program Files\A B\tool.exe" -x %TEMP%\*.tmp"#,
    r"HKLM\Software\Microsoft\Windows\CurrentVersion\Run\Updater",
    r"HKU\S-1-5-21\Keys\",
    "DWORD (0x00000001)",
    "Straße İstanbul ΣΑΣ",
    "SetValue",
    "line one\nline two",
    "marks \u{2}in\u{3} it",
    "MD5=0123456789ABCDEF0123456789ABCDEF,SHA256=00000000000000000000000000000000000000000000000000000000000000AA",
    "::ffff:10.1.2.3;type:  5 www.example.org;192.0.2.7;",
];
const IPS: &[&str] = &["10.0.0.1", "10.1.2.3", "192.0.2.7", "fe80::1%4", "::ffff:10.9.9.9", "2001:db8::5", "not-an-ip"];

/// `n` events over all codes, with known and unknown fields, spread over some days.
pub fn events(seed: u64, n: usize) -> Vec<Event> {
    let mut dice = Dice(seed);
    let mut ordinals = Count::default();
    (0..n)
        .map(|i| {
            let code = dice.pick(EventCode::all());
            let mut b = EventBuilder::default();
            b.code = code.code;
            b.system.computer = (*dice.pick(HOSTS)).into();
            b.system.channel = sysmonsearch::event::SYSMON_CHANNEL.into();
            b.system.provider = sysmonsearch::event::SYSMON_PROVIDER.into();
            b.system.record_id = (dice.roll(3) > 0).then_some(seed * 1_000_000 + i as u64);
            b.system.version = Some(5);
            let time = Time(1_700_000_000_000 + 977 * dice.roll(200_000) as i64);
            b.system.time_created = Some(time);
            for field in code.fields {
                if dice.roll(6) == 0 {
                    continue;
                }
                let value = match field.ty() {
                    Type::Time => time.sysmon(),
                    Type::UInt | Type::Hex => ["7", "0x3e7", "443", "65535", "4242", "none"][dice.roll(6)].to_owned(),
                    Type::Bool => ["true", "false"][dice.roll(2)].to_owned(),
                    Type::Guid => format!("{{00000000-0000-0000-0000-0000000000{:02x}}}", 1 + dice.roll(40)),
                    Type::Ip => (*dice.pick(IPS)).to_owned(),
                    Type::Text if dice.roll(4) == 0 => format!("{} {}", dice.pick(TEXTS), dice.roll(1000)),
                    Type::Text => (*dice.pick(TEXTS)).to_owned(),
                };
                b.data(field.name(), &value);
            }
            if dice.roll(5) == 0 {
                b.data("Brand-new", dice.pick::<&str>(TEXTS));
                b.data("Brand", "new");
            }
            if dice.roll(200) == 0 {
                b.data("CommandLine", &format!("{}Long{}", "x".repeat(40_000), i % 3));
                b.data("Blob", &"Y".repeat(70_000));
            }
            b.finish(&mut ordinals)
        })
        .collect()
}
