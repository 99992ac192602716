//! Registry keys and values.
use super::{acting, reference};
use crate::{
    event::{Field::*, text},
    graph::{
        batch::{Local, Writer},
        key,
        model::{EdgeType, NodeId},
        property::Prop,
    },
};

/// Codes 12, 13, 14.
pub fn changed(w: &mut Writer<'_>) {
    let e = w.event;
    let p = acting(w);
    let Some((path, value)) = e.registry_path() else { return };
    let kind = e.get(EventType).map(text::fold).unwrap_or_default();
    let object = node(w, path, value);
    let edge = match (e.code, value.is_some(), kind.as_str()) {
        (13, ..) => {
            w.set_some(object, Prop::Details, e.get(Details));
            refers(w, object, e.get(Details).unwrap_or_default());
            EdgeType::Set
        }
        (14, ..) => {
            renamed(w, object, path, value);
            EdgeType::Renamed
        }
        (_, false, k) if k.starts_with("create") => EdgeType::CreatedKey,
        (_, false, k) if k.starts_with("delete") => EdgeType::DeletedKey,
        (_, true, k) if k.starts_with("create") => EdgeType::CreatedValue,
        (_, true, k) if k.starts_with("delete") => EdgeType::DeletedValue,
        // The shipper lost the EventType: whether it was made or removed is not known.
        _ => EdgeType::ChangedKey,
    };
    if let Some(p) = p {
        let said = match e.code {
            13 => (Prop::Details, e.get(Details)),
            _ => (Prop::NewName, e.get(NewName)),
        };
        w.edge_with(p, edge, object, &[said]);
    }
}

/// The key, or the value in its key.
fn node(w: &mut Writer<'_>, path: &str, value: Option<&str>) -> Local {
    let shown = key::registry_path(path);
    let k = w.node(NodeId::registry_key(&w.host, path));
    w.set(k, Prop::Key, &shown);
    w.set_some(k, Prop::Autorun, autorun(&shown, ""));
    let Some(name) = value else { return k };
    let v = w.node(NodeId::registry_value(&w.host, path, name));
    w.set(v, Prop::Key, &shown);
    w.set(v, Prop::ValueName, name);
    w.set_some(v, Prop::Autorun, autorun(&shown, name));
    w.edge(v, EdgeType::In, k);
    v
}

/// `NewName` is a whole path, or a bare name beside the old one.
fn renamed(w: &mut Writer<'_>, old: Local, path: &str, value: Option<&str>) {
    let Some(new) = w.event.get(NewName) else { return };
    let whole = if new.contains('\\') { key::registry_path(new).into_owned() } else { beside(path, value, new) };
    let new = match (value, whole.rsplit_once('\\')) {
        (Some(_), Some((k, v))) => node(w, k, Some(v)),
        _ => node(w, &whole, None),
    };
    w.edge(old, EdgeType::RenamedTo, new);
}

fn beside(path: &str, value: Option<&str>, new: &str) -> String {
    let parent = match value {
        Some(_) => path,
        None => path.rsplit_once('\\').map_or("", |(parent, _)| parent),
    };
    format!("{parent}\\{new}")
}

fn refers(w: &mut Writer<'_>, from: Local, data: &str) {
    for path in reference::paths(data) {
        let f = w.reference(NodeId::file(&w.host, &path));
        w.set(f, Prop::Path, &key::path(&path));
        w.edge(from, EdgeType::RefersTo, f);
    }
}

/// What starts programs by itself: parts of the key (folded, in order) and the value, if one is meant.
const AUTORUNS: &[(&[&str], &str, &str)] = &[
    (&[r"\currentversion\run"], "", "run key"),
    (&[r"\currentversion\policies\explorer\run"], "", "run key"),
    (&[r"\windows nt\currentversion\winlogon"], "shell", "winlogon"),
    (&[r"\windows nt\currentversion\winlogon"], "userinit", "winlogon"),
    (&[r"\windows nt\currentversion\winlogon\notify"], "", "winlogon"),
    (&[r"\windows nt\currentversion\windows"], "appinit_dlls", "AppInit DLLs"),
    (&[r"\windows nt\currentversion\windows"], "load", "run key"),
    (&[r"\image file execution options\"], "debugger", "image file execution options"),
    (&[r"\silentprocessexit\"], "monitorprocess", "silent process exit"),
    (&[r"\services\"], "imagepath", "service"),
    (&[r"\services\", r"\parameters"], "servicedll", "service"),
    (&[r"\active setup\installed components\"], "stubpath", "active setup"),
    (&[r"\control\lsa"], "security packages", "LSA package"),
    (&[r"\control\lsa"], "authentication packages", "LSA package"),
    (&[r"\control\lsa"], "notification packages", "LSA package"),
    (&[r"\control\print\monitors\"], "driver", "print monitor"),
    (&[r"\control\session manager"], "bootexecute", "boot execute"),
    (&[r"\control\session manager\appcertdlls"], "", "AppCert DLLs"),
    (&[r"\clsid\", r"\inprocserver32"], "", "COM server"),
    (&[r"\clsid\", r"\localserver32"], "", "COM server"),
    (&[r"\environment"], "userinitmprlogonscript", "logon script"),
    (&[r"\control panel\desktop"], "scrnsave.exe", "screen saver"),
];

fn autorun(path: &str, value: &str) -> Option<&'static str> {
    let (path, value) = (text::fold(path), text::fold(value));
    AUTORUNS
        .iter()
        .find(|(parts, name, _)| {
            if !name.is_empty() && *name != value {
                return false;
            }
            let mut rest = path.as_str();
            parts.iter().all(|part| match rest.split_once(part) {
                Some((_, behind)) => {
                    rest = behind;
                    true
                }
                None => false,
            })
        })
        .map(|(.., class)| *class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_autoruns() {
        let a = |k, v| autorun(k, v);
        assert_eq!(a(r"HKU\S-1\Software\Microsoft\Windows\CurrentVersion\Run", "x"), Some("run key"));
        assert_eq!(a(r"HKLM\System\CurrentControlSet\Services\x", "ImagePath"), Some("service"));
        assert_eq!(a(r"HKLM\System\CurrentControlSet\Services\x", "Start"), None);
        assert_eq!(a(r"HKCR\CLSID\{1}\InprocServer32", ""), Some("COM server"));
        assert_eq!(a(r"HKLM\Software\Example", "x"), None);
    }

    #[test]
    fn names_beside() {
        assert_eq!(beside(r"HKLM\a\b", None, "c"), r"HKLM\a\c");
        assert_eq!(beside(r"HKLM\a\b", Some("v"), "c"), r"HKLM\a\b\c");
    }
}
