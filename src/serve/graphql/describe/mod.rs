//! One line about an event that a person can read, in the languages of the page.
mod japanese;

use super::enums::Language;
use crate::event::{Event, EventCode, Field, text};

/// Acting image: whichever field the code has it in.
pub fn image(event: &Event) -> Option<&str> {
    event.get(Field::Image).or_else(|| event.get(Field::SourceImage))
}

/// Acting user: whichever field the code has it in.
pub fn user(event: &Event) -> Option<&str> {
    event.get(Field::User).or_else(|| event.get(Field::SourceUser))
}

fn name(path: &str) -> &str {
    path.rsplit(['\\', '/']).next().filter(|n| !n.is_empty()).unwrap_or(path)
}

/// Name of the acting image.
fn acting(event: &Event) -> Option<&str> {
    image(event).map(name)
}

pub fn describe(event: &Event, language: Language) -> String {
    match language {
        Language::En => english(event),
        Language::Ja => japanese::describe(event),
    }
}

/// `powershell.exe connected to 10.0.0.5:443 (tcp)`
fn english(event: &Event) -> String {
    use Field as F;
    let get = |f: Field| event.get(f);
    let or = |f: Field, other: &'static str| event.get(f).map_or_else(|| other.to_owned(), str::to_owned);
    let who = acting(event).unwrap_or("a process");
    let file = |f: Field| get(f).unwrap_or("a file").to_owned();
    let target = get(F::TargetImage).map_or("a process", name);
    let object = || or(F::TargetObject, "the registry");
    let in_brackets = |f: Field| get(f).map(|v| format!(" ({v})")).unwrap_or_default();
    match event.code {
        1 => {
            let what = get(F::CommandLine).or_else(|| get(F::Image)).unwrap_or("a process");
            match get(F::ParentImage) {
                Some(parent) => format!("{} started {what}", name(parent)),
                None => format!("started {what}"),
            }
        }
        2 => format!(
            "{who} changed the creation time of {} to {}",
            file(F::TargetFilename),
            or(F::CreationUtcTime, "another time")
        ),
        3 => connection(event, who),
        4 => format!("Sysmon service is {}", or(F::State, "in an unknown state").to_lowercase()),
        5 => format!("{who} ended"),
        6 => format!("driver {} was loaded{}", file(F::ImageLoaded), signer(event)),
        7 => format!("{who} loaded {}{}", file(F::ImageLoaded), signer(event)),
        8 => {
            let at = get(F::StartFunction).or_else(|| get(F::StartModule)).or_else(|| get(F::StartAddress));
            format!("{who} started a thread in {target}{}", at.map(|a| format!(" at {a}")).unwrap_or_default())
        }
        9 => format!("{who} read {} directly", or(F::Device, "a volume")),
        10 => format!("{who} opened {target} with access {}", or(F::GrantedAccess, "unknown")),
        11 => format!("{who} created {}", file(F::TargetFilename)),
        12 => format!("{who} {} {}", registry_verb(event), object()),
        13 => format!("{who} set {}{}", object(), get(F::Details).map(|d| format!(" to {d}")).unwrap_or_default()),
        14 => format!("{who} renamed {} to {}", object(), or(F::NewName, "another name")),
        15 => format!("{who} wrote the stream {}", file(F::TargetFilename)),
        16 => format!("Sysmon configuration changed: {}", or(F::Configuration, "unknown")),
        17 => format!("{who} created the pipe {}", or(F::PipeName, "without a name")),
        18 => format!("{who} connected to the pipe {}", or(F::PipeName, "without a name")),
        19 => format!("WMI filter {} {}: {}", or(F::Name, "?"), done(event), or(F::Query, "no query")),
        20 => format!("WMI consumer {} {}: {}", or(F::Name, "?"), done(event), or(F::Destination, "no destination")),
        21 => {
            format!("WMI binding {}: {} to {}", done(event), or(F::Filter, "a filter"), or(F::Consumer, "a consumer"))
        }
        22 => {
            let answer = get(F::QueryResults).map(|r| format!(" -> {}", answers(r))).unwrap_or_default();
            format!("{who} asked for {}{answer}", or(F::QueryName, "a name"))
        }
        23 => format!("{who} deleted {} (archived)", file(F::TargetFilename)),
        24 => format!("{who} changed the clipboard{}", in_brackets(F::ClientInfo)),
        25 => format!("{who} was tampered with{}", in_brackets(F::Type)),
        26 => format!("{who} deleted {}", file(F::TargetFilename)),
        27 => format!("{who} was kept from writing the executable {}", file(F::TargetFilename)),
        28 => format!("{who} was kept from shredding {}", file(F::TargetFilename)),
        29 => format!("{who} created the executable {}", file(F::TargetFilename)),
        255 => format!("Sysmon error {}: {}", or(F::Id, "without id"), or(F::Description, "no description")),
        code => format!("{} {}", EventCode::get(code).map_or("event", |c| c.name), code),
    }
}

#[derive(Clone, Copy)]
enum Side {
    Source,
    Destination,
}

/// `10.0.0.5:443`, `[fe80::1]:5`, or the name where there is no address.
fn side(event: &Event, side: Side, unknown: &str) -> String {
    use Field as F;
    let (ip, host, port) = match side {
        Side::Source => (F::SourceIp, F::SourceHostname, F::SourcePort),
        Side::Destination => (F::DestinationIp, F::DestinationHostname, F::DestinationPort),
    };
    let place = event.get(ip).or_else(|| event.get(host)).unwrap_or(unknown);
    let place = if place.contains(':') { format!("[{place}]") } else { place.to_owned() };
    match event.get(port) {
        Some(port) => format!("{place}:{port}"),
        None => place,
    }
}

/// The other side began the connection.
fn is_incoming(event: &Event) -> bool {
    event.get(Field::Initiated) == Some("false")
}

fn connection(event: &Event, who: &str) -> String {
    let protocol = event.get(Field::Protocol).map(|p| format!(" ({p})")).unwrap_or_default();
    if is_incoming(event) {
        return format!("{who} accepted a connection from {}{protocol}", side(event, Side::Source, "an address"));
    }
    format!("{who} connected to {}{protocol}", side(event, Side::Destination, "an address"))
}

/// Addresses and names of an answer, each address in its canonical form.
fn answers(results: &str) -> String {
    let shown = |r: &str| text::ip(r).map_or_else(|| r.trim().to_owned(), |ip| ip.to_string());
    results.split(';').filter(|r| !r.trim().is_empty()).map(shown).collect::<Vec<_>>().join("; ")
}

fn signer(event: &Event) -> String {
    match (event.get(Field::Signed), event.get(Field::Signature)) {
        (Some("false"), _) => " (not signed)".into(),
        (_, Some(signer)) => format!(" (signed by {signer})"),
        _ => String::new(),
    }
}

fn registry_verb(event: &Event) -> &'static str {
    match event.get(Field::EventType) {
        Some("CreateKey") => "created the key",
        Some("DeleteKey") => "deleted the key",
        Some("CreateValue") => "created the value",
        Some("DeleteValue") => "deleted the value",
        _ => "created or deleted",
    }
}

fn done(event: &Event) -> String {
    event.get(Field::Operation).map_or_else(|| "changed".into(), str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{EventBuilder, Ordinals};

    struct First;
    impl Ordinals for First {
        fn next(&mut self, _: u128) -> u64 {
            0
        }
    }

    fn event(code: u32, data: &[(&str, &str)]) -> Event {
        let mut b = EventBuilder::default();
        b.code = code;
        for (name, value) in data {
            b.data(name, value);
        }
        b.finish(&mut First)
    }

    #[test]
    fn tells_who_did_what() {
        let image = ("Image", r"C:\Windows\powershell.exe");
        for (code, data, expected) in [
            (
                3,
                vec![image, ("DestinationIp", "10.0.0.5"), ("DestinationPort", "443"), ("Protocol", "tcp")],
                "powershell.exe connected to 10.0.0.5:443 (tcp)",
            ),
            (
                3,
                vec![image, ("Initiated", "false"), ("SourceIp", "fe80::1"), ("SourcePort", "5")],
                "powershell.exe accepted a connection from [fe80::1]:5",
            ),
            (11, vec![image, ("TargetFilename", r"C:\a.txt")], r"powershell.exe created C:\a.txt"),
            (
                10,
                vec![("SourceImage", "a.exe"), ("TargetImage", r"C:\lsass.exe"), ("GrantedAccess", "0x1410")],
                "a.exe opened lsass.exe with access 0x1410",
            ),
            (
                22,
                vec![
                    image,
                    ("QueryName", "a.example"),
                    ("QueryResults", "type:  5 b.example;::ffff:10.0.0.5;fe80::1;"),
                ],
                "powershell.exe asked for a.example -> type:  5 b.example; 10.0.0.5; fe80::1",
            ),
            (77, vec![], "event 77"),
        ] {
            assert_eq!(describe(&event(code, &data), Language::En), expected);
        }
    }

    #[test]
    fn tells_it_in_japanese_with_the_same_values() {
        let image = ("Image", r"C:\Windows\powershell.exe");
        let side = vec![image, ("Initiated", "false"), ("SourceIp", "fe80::1"), ("SourcePort", "5")];
        let line = |code, data: &[(&str, &str)]| describe(&event(code, data), Language::Ja);
        assert_eq!(line(3, &side), "powershell.exe が [fe80::1]:5 からの接続を受けた");
        let set = [image, ("TargetObject", r"HKLM\Run\a"), ("Details", "b.exe")];
        assert_eq!(line(13, &set), r"powershell.exe が HKLM\Run\a に b.exe を設定");
        let load = [image, ("ImageLoaded", r"C:\a.dll"), ("Signed", "false")];
        assert_eq!(line(7, &load), r"powershell.exe が C:\a.dll を読み込み（署名なし）");
        assert_eq!(line(77, &[]), "イベント 77");
    }

    #[test]
    fn every_code_has_a_line_of_its_own() {
        for language in [Language::En, Language::Ja] {
            for code in EventCode::all() {
                let line = describe(&event(code.code, &[]), language);
                assert!(!line.ends_with(&code.code.to_string()) || code.code == 255, "{line}");
            }
        }
    }
}
