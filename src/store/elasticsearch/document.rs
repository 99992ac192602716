//! An event as a document of the index, and back.
use super::mapping;
use crate::{
    error::{Error, Result},
    event::{Event, EventId, Field, Key, System, Time, arrange, condition, document, fields::Type, text},
    store::Order,
};
use serde_json::{Map, Value, json};
use std::{net::IpAddr, sync::Arc};

/// The index of an event: that of its own month, so that one id always falls into one index. Clocks that are wrong must not
/// fill the cluster: before the first Sysmon (2014) there is nothing, and far ahead a year shares one index. The rule depends
/// on nothing but the event, as the same event may come again in ten years: it is part of the stored form.
pub fn index(prefix: &str, time: Time) -> String {
    let text = time.rfc3339();
    match (text.get(..4), text.get(5..7)) {
        (Some(year), Some(month)) if ("2014"..="2035").contains(&year) => format!("{prefix}-{year}.{month}"),
        (Some(year), _) if ("2036"..="2099").contains(&year) => format!("{prefix}-{year}"),
        _ => format!("{prefix}-other"),
    }
}

pub fn write(event: &Event) -> Value {
    let mut doc = document::document(event);
    doc["t"] = event.time.0.into();
    doc["s"] = searched(event);
    doc
}

/// The document of an item of a bulk request, without what is there for searches.
pub fn of_item(item: &str) -> String {
    let text = item.split_once('\n').map_or(item, |(_, document)| document).trim_end();
    let Ok(Value::Object(mut doc)) = serde_json::from_str(text) else { return text.to_owned() };
    doc.remove("s");
    doc.remove("t");
    Value::Object(doc).to_string()
}

fn searched(event: &Event) -> Value {
    let (mut has, mut big, mut other) = (Vec::new(), Vec::new(), Vec::new());
    let (mut v, mut n, mut o) = (Map::new(), Map::new(), Map::new());
    let (mut i4, mut i6) = (Map::new(), Map::new());
    for field in Field::all() {
        let values = event.values(field);
        if values.is_empty() {
            continue;
        }
        has.push(field.name().to_owned());
        for value in values {
            let folded = text::fold(&value);
            if mapping::is_number(field.ty())
                && let Some(number) = condition::parse_number(field.ty(), &value)
            {
                add(&mut n, field, mapping::number(field.ty(), number).into());
            }
            match text::ip(&value).filter(|_| field.ty() == Type::Ip) {
                Some(IpAddr::V4(ip)) => add(&mut i4, field, ip.to_string().into()),
                Some(IpAddr::V6(ip)) => add(&mut i6, field, ip.to_string().into()),
                None => {}
            }
            if folded.len() > mapping::MAX_TERM || folded.contains([mapping::START, mapping::END]) {
                big.push(field.name().to_owned());
            }
            if folded.len() <= mapping::MAX_TERM {
                add(&mut v, field, folded.into());
            }
        }
    }
    for field in Field::all().filter(|f| mapping::has_order(*f)) {
        for value in Order::fields(field).into_iter().flat_map(|f| event.values(f)) {
            let value = mapping::order_value(field, &text::fold(&value));
            if value.len() <= mapping::MAX_TERM {
                add(&mut o, field, value.into());
            }
        }
    }
    for (key, value) in &event.data {
        if let Key::Other(name) = key {
            has.push(mapping::name(key));
            let term = mapping::other_prefix(name) + &text::fold(value);
            if term.len() > mapping::MAX_TERM {
                big.push(mapping::name(key));
            } else {
                other.push(term);
            }
        }
    }
    has.retain(|name| name.len() <= mapping::MAX_TERM);
    big.retain(|name| name.len() <= mapping::MAX_TERM);
    let host = Some(event.host()).filter(|h| h.len() <= mapping::MAX_TERM);
    json!({
        "id": event.id.to_string(), "code": event.code, "host": host,
        "has": has, "big": big, "x": other, "v": v, "n": n, "o": o, "i4": i4, "i6": i6,
    })
}

fn add(of: &mut Map<String, Value>, field: Field, value: Value) {
    if let Value::Array(list) = of.entry(field.name()).or_insert_with(|| json!([])) {
        list.push(value);
    }
}

/// The event of a hit of a search.
///
/// # Errors
/// `INTERNAL` for a document that is not ours.
pub fn read(hit: &Value) -> Result<Arc<Event>> {
    let doc = &hit["_source"];
    event(doc)
        .map(Arc::new)
        .ok_or_else(|| Error::internal(format!("no event of ours: {} {}", hit["_index"], hit["_id"])))
}

fn event(doc: &Value) -> Option<Event> {
    let w = &doc["winlog"];
    let shared = |v: &Value| -> Arc<str> { v.as_str().unwrap_or_default().into() };
    let small = |v: &Value| v.as_u64().and_then(|n| u32::try_from(n).ok());
    let named = |v: &Value, names: &[(&str, u32)]| {
        let text = v.as_str()?;
        names.iter().find(|(n, _)| *n == text).map(|(_, n)| *n).or_else(|| text.parse().ok())
    };
    let levels = [("critical", 1), ("error", 2), ("warning", 3), ("information", 4), ("verbose", 5)];
    let keywords = w["keywords"][0].as_str().and_then(|k| k.strip_prefix("0x"));
    let mut data = Vec::new();
    for (name, value) in w["event_data"].as_object().into_iter().flatten() {
        let key = Key::parse(name);
        match value {
            Value::Array(list) => {
                data.extend(list.iter().filter_map(Value::as_str).map(|v| (key.clone(), Box::from(v))));
            }
            one => data.push((key, Box::from(one.as_str()?))),
        }
    }
    let code = doc["event"]["code"].as_str()?.parse().ok()?;
    // OpenSearch gives the names of a document in any order.
    arrange(code, &mut data);
    Some(Event {
        id: EventId::parse(doc["event"]["id"].as_str()?)?,
        code,
        time: Time(doc["t"].as_i64()?),
        system: System {
            provider: shared(&w["provider_name"]),
            channel: shared(&w["channel"]),
            computer: shared(&w["computer_name"]),
            record_id: w["record_id"].as_str().and_then(|n| n.parse().ok()),
            version: small(&w["version"]),
            level: named(&doc["log"]["level"], &levels),
            task: named(&w["task"], &[]),
            opcode: named(&w["opcode"], &[("Info", 0)]),
            keywords: keywords.and_then(|k| u64::from_str_radix(k, 16).ok()),
            time_created: w["time_created"].as_str().and_then(Time::parse),
            process_id: small(&w["process"]["pid"]),
            thread_id: small(&w["process"]["thread"]["id"]),
            user_id: w["user"]["identifier"].as_str().map(Arc::from),
        },
        data,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_falls_into_the_index_of_its_month() {
        assert_eq!(index("events", Time(1_700_000_000_000)), "events-2023.11");
        for odd in [i64::MIN, -1, 1_388_534_399_999, 4_200_000_000_000, i64::MAX] {
            assert_eq!(index("events", Time(odd)), "events-other", "{odd}");
        }
        assert_eq!(index("events", Time(1_388_534_400_000)), "events-2014.01");
        // Every day that a clock can show.
        let day = |n: i64| index("events", Time((n - 800_000) * 86_400_000));
        let all: std::collections::BTreeSet<String> = (0..4_000_000).step_by(9).map(day).collect();
        assert_eq!(all.len(), 22 * 12 + 64 + 1);
    }
}
