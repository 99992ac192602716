//! STIX 2.0 and 2.1 as JSON: a bundle, a list of objects, or one object.
mod observed;
mod property;

use super::{Findings, Found, expr::Expr, pattern, tlp};
use crate::event::indicator::Tlp;
use observed::{MAX_REFERRED, Scope};
use property::{Lax, Text};
use serde::{
    Deserialize, Deserializer,
    de::{
        IgnoredAny, MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};
use std::{cell::Cell, collections::BTreeMap, fmt};

/// The parts of an object that are looked at; what else it has is read over without being kept.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Object {
    #[serde(rename = "type")]
    kind: String,
    id: String,
    spec_version: Option<String>,
    name: String,
    pattern: Option<String>,
    pattern_type: Option<String>,
    valid_from: Option<String>,
    valid_until: Option<String>,
    revoked: bool,
    object_marking_refs: Vec<String>,
    definition: Option<Definition>,
    objects: Option<Objects>,
    object_refs: Lax<Vec<Option<String>>>,
    // Properties of observed things.
    value: Text,
    hashes: Lax<BTreeMap<String, Option<String>>>,
    path: Text,
    key: Text,
    values: Lax<Vec<BTreeMap<String, Option<String>>>>,
    command_line: Text,
    src_port: Text,
    dst_port: Text,
    protocols: Lax<Vec<Option<String>>>,
    extensions: Lax<BTreeMap<String, ()>>,
    parent_directory_ref: Text,
    binary_ref: Text,
    image_ref: Text,
    src_ref: Text,
    dst_ref: Text,
    // Of these it only counts that they are there.
    size: Option<IgnoredAny>,
    mime_type: Option<IgnoredAny>,
    magic_number_hex: Option<IgnoredAny>,
    content_ref: Option<IgnoredAny>,
    arguments: Option<IgnoredAny>,
    cwd: Option<IgnoredAny>,
    environment_variables: Option<IgnoredAny>,
    parent_ref: Option<IgnoredAny>,
    creator_user_ref: Option<IgnoredAny>,
    src_payload_ref: Option<IgnoredAny>,
    dst_payload_ref: Option<IgnoredAny>,
}

/// Objects of a bundle, or of what was observed.
enum Objects {
    List(Vec<Object>),
    Observed(BTreeMap<String, Object>),
}

/// By hand, because serde's untagged enums hold all of the input in memory first.
impl<'de> Deserialize<'de> for Objects {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Objects;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list or a map of objects")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Objects, A::Error> {
                Deserialize::deserialize(SeqAccessDeserializer::new(list)).map(Objects::List)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Objects, A::Error> {
                Deserialize::deserialize(MapAccessDeserializer::new(map)).map(Objects::Observed)
            }
        }
        input.deserialize_any(Either)
    }
}

#[derive(Deserialize)]
struct Definition {
    tlp: Option<String>,
}

/// # Errors
/// When it is no JSON of STIX 2, or of another version.
pub fn read(text: &str) -> Result<Findings, String> {
    let objects = if text.trim_start().starts_with('[') {
        serde_json::from_str::<Vec<Object>>(text).map_err(|e| broken(&e))?
    } else {
        let top: Object = serde_json::from_str(text).map_err(|e| broken(&e))?;
        if top.kind.is_empty() {
            return Err("JSON that is neither STIX nor MISP: it has no type".into());
        }
        if top.kind == "bundle" {
            version(top.spec_version.as_deref())?;
            match top.objects {
                Some(Objects::List(objects)) => objects,
                _ => return Err("a STIX bundle without objects".into()),
            }
        } else {
            vec![top]
        }
    };
    if objects.iter().all(|o| o.kind.is_empty()) && !objects.is_empty() {
        return Err("JSON that is neither STIX nor MISP: its objects have no type".into());
    }
    Ok(findings(&objects))
}

fn broken(e: &serde_json::Error) -> String {
    format!("line {}, column {}: not JSON of STIX 2: {e}", e.line(), e.column())
}

fn version(version: Option<&str>) -> Result<(), String> {
    match version {
        None | Some("2.0" | "2.1") => Ok(()),
        Some(other) => Err(format!("STIX of version {other}: 2.0 and 2.1 are read as JSON")),
    }
}

fn findings(objects: &[Object]) -> Findings {
    let marks: BTreeMap<&str, Tlp> = objects
        .iter()
        .filter_map(|o| Some((o.id.as_str(), o.definition.as_ref()?.tlp.as_deref().and_then(tlp)?)))
        .chain(WELL_KNOWN.iter().copied())
        .collect();
    let mut findings = Findings::default();
    let indicators = objects.iter().any(|o| o.kind == "indicator");
    let left = Cell::new(MAX_REFERRED);
    let scope = Scope::new(objects.iter().map(|o| (o.id.as_str(), o)), &left);
    for object in objects {
        let expr = match version(object.spec_version.as_deref()).and_then(|()| told(object, &scope, indicators)) {
            Ok(Some(expr)) => expr,
            Ok(None) => continue,
            Err(why) => {
                findings.issue(&object.id, why);
                continue;
            }
        };
        let (from, until) = (object.valid_from.as_deref(), object.valid_until.as_deref());
        let Some((valid_from, valid_until)) = findings.validity(&object.id, from, until) else { continue };
        findings.push(Found {
            origin: object.id.clone(),
            title: object.name.clone(),
            valid_from,
            valid_until,
            tlp: object.object_marking_refs.iter().find_map(|m| marks.get(m.as_str()).copied()),
            expr,
        });
    }
    findings
}

/// What an object tells; `None` where it only describes, or is told with others.
fn told(object: &Object, scope: &Scope<'_>, indicators: bool) -> Result<Option<Expr>, String> {
    match object.kind.as_str() {
        "indicator" => indicator(object).map(Some),
        // Observed things are what the file has to tell only where it has no indicators.
        kind if indicators && (kind == "observed-data" || observed::is_thing(kind)) => {
            Err("observed, but part of no indicator".into())
        }
        "observed-data" => scope.data(object),
        _ => Ok(scope.thing(&object.id, object)),
    }
}

fn indicator(object: &Object) -> Result<Expr, String> {
    if object.revoked {
        return Err("the indicator was revoked".into());
    }
    match (object.pattern_type.as_deref(), object.pattern.as_deref()) {
        (_, None) => Err("an indicator without a pattern".into()),
        (None | Some("stix"), Some(pattern)) => pattern::parse(pattern),
        (Some(other), Some(_)) => {
            Err(format!("a pattern of type '{other}', which Sysmon events cannot be matched with"))
        }
    }
}

/// Marking definitions that the specification itself makes, and bundles need not contain.
const WELL_KNOWN: [(&str, Tlp); 9] = [
    ("marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9", Tlp::Clear),
    ("marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da", Tlp::Green),
    ("marking-definition--f88d31f6-486f-44da-b317-01333bde0b82", Tlp::Amber),
    ("marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed", Tlp::Red),
    ("marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487", Tlp::Clear),
    ("marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb", Tlp::Green),
    ("marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421", Tlp::Amber),
    ("marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003", Tlp::AmberStrict),
    ("marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1", Tlp::Red),
];
