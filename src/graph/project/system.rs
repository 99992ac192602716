//! The host itself, its Sysmon, pipes and the clipboard.
use super::{acting, network, user};
use crate::{
    event::{Event, Field::*, normal_host},
    graph::{
        batch::{Local, Writer},
        model::{EdgeType, NodeId},
        property::Prop,
    },
};

/// The reporting host.
pub fn host(w: &mut Writer<'_>) -> Local {
    let h = w.node(NodeId::host(&w.host));
    let name = w.host.clone();
    w.set(h, Prop::Name, &name);
    h
}

/// Codes 4, 16, 255: properties of the host.
pub fn sysmon(w: &mut Writer<'_>, host: Local) {
    let e = w.event;
    w.set_some(host, Prop::State, e.get(State));
    w.set_some(host, Prop::SysmonVersion, e.get(Version));
    w.set_some(host, Prop::SchemaVersion, e.get(SchemaVersion));
    if e.code == 255 {
        let text: Vec<&str> = [e.get(Id), e.get(Description)].into_iter().flatten().map(str::trim).collect();
        w.set(host, Prop::Error, &text.join(": "));
    }
    if e.code == 16 {
        config(w, host);
    }
}

fn config(w: &mut Writer<'_>, host: Local) {
    let e = w.event;
    let (text, hash) = (e.get(Configuration), strongest(e));
    let id = match (&hash, text) {
        (Some(h), _) => NodeId::sysmon_config(h),
        (None, Some(t)) => NodeId::sysmon_config_text(&w.host, t),
        (None, None) => return,
    };
    let c = w.node(id);
    for node in [host, c] {
        w.set_some(node, Prop::Configuration, text);
        w.set_some(node, Prop::ConfigurationFileHash, hash.as_deref());
    }
    w.edge(host, EdgeType::UsesConfig, c);
}

/// `SHA256=..` of the hashes in the event, or what there is of the weaker ones.
fn strongest(e: &Event) -> Option<String> {
    let hashes = e.hashes();
    ["SHA256", "SHA1", "MD5", "IMPHASH"].iter().find_map(|wanted| {
        let (_, v) = hashes.iter().find(|(a, _)| a.eq_ignore_ascii_case(wanted))?;
        Some(format!("{wanted}={}", v.to_ascii_uppercase()))
    })
}

/// Codes 17 and 18.
pub fn pipe(w: &mut Writer<'_>) {
    let e = w.event;
    let p = acting(w);
    let Some(name) = e.get(PipeName) else { return };
    // Shippers write `<Anonymous Pipe>`, or with entities.
    let anonymous = name.to_ascii_lowercase().contains("anonymous pipe");
    let id = match (anonymous, super::acting_process(e)) {
        (true, Some(process)) => NodeId::anonymous_pipe(&w.host, process),
        _ => NodeId::pipe(&w.host, name),
    };
    let pipe = w.node(id);
    w.set(pipe, Prop::Name, if anonymous { "<Anonymous Pipe>" } else { name });
    if anonymous {
        w.set(pipe, Prop::Anonymous, "true");
    }
    if let Some(p) = p {
        w.edge(p, if e.code == 17 { EdgeType::CreatedPipe } else { EdgeType::ConnectedPipe }, pipe);
    }
}

/// Code 24.
pub fn clipboard(w: &mut Writer<'_>) {
    let e = w.event;
    let p = acting(w);
    let (session, hash) = (e.get(Session).unwrap_or_default(), strongest(e).unwrap_or_default());
    if session.is_empty() && hash.is_empty() {
        return;
    }
    let c = w.node(NodeId::clipboard(&w.host, session, &hash));
    w.set_some(c, Prop::Session, e.get(Session));
    w.set_some(c, Prop::ClientInfo, e.get(ClientInfo));
    w.set_some(c, Prop::Archived, e.get(Archived));
    for (algorithm, value) in e.hashes() {
        if algorithm.eq_ignore_ascii_case("SHA256") {
            w.set(c, Prop::Sha256, &value.to_ascii_lowercase());
        }
    }
    if let Some(p) = p {
        w.edge(p, EdgeType::CopiedToClipboard, c);
    }
    for (name, value) in client(e.get(ClientInfo).unwrap_or_default()) {
        let of = match name {
            "user" => Some(user(w, value)),
            "ip" => network::name_or_address(w, value),
            _ => {
                let h = w.reference(NodeId::host(value));
                w.set(h, Prop::Name, &normal_host(value));
                Some(h)
            }
        };
        if let Some(of) = of {
            w.edge(c, EdgeType::ClipboardOf, of);
        }
    }
}

/// `user: DOMAIN\name ip: 10.0.0.1 hostname: PC`; each part may be missing, and names may hold spaces.
fn client(info: &str) -> Vec<(&'static str, &str)> {
    let mut starts: Vec<(usize, usize, &'static str)> = Vec::new();
    for name in ["user", "ip", "hostname"] {
        let at = info.match_indices(name).find(|(i, _)| {
            let free = *i == 0 || info[..*i].ends_with(char::is_whitespace);
            free && info[i + name.len()..].starts_with(':')
        });
        if let Some((i, _)) = at {
            starts.push((i, i + name.len() + 1, name));
        }
    }
    starts.sort_unstable();
    let ends: Vec<usize> = starts.iter().skip(1).map(|s| s.0).chain([info.len()]).collect();
    starts
        .iter()
        .zip(ends)
        .map(|((_, from, name), to)| (*name, info[*from..to].trim()))
        .filter(|(_, v)| !v.is_empty() && *v != "-")
        .collect()
}

#[cfg(test)]
mod tests {
    use super::client;

    #[test]
    fn parts_of_client_info() {
        assert_eq!(
            client(r"user: A\the user ip: 10.0.0.1 hostname: PC"),
            [("user", r"A\the user"), ("ip", "10.0.0.1"), ("hostname", "PC")]
        );
        assert_eq!(client(r"user: A\b hostname: "), [("user", r"A\b")]);
        assert_eq!(client("something else"), []);
    }
}
