//! Which values of a rule an event has: a hit of an indicator names the indicator.
use super::{
    value::{Encoding, Op, Test, tests},
    view::key,
};
use crate::event::{Event, Field, Key, condition::key_type, indicator, text};
use ipnet::IpNet;
use regex::Regex;
use rsigma_parser::{Detection, DetectionItem, Modifier, SigmaRule, SigmaValue};
use std::sync::Arc;

/// The values of a rule of indicators, each with its comparison.
pub struct Named(Vec<(Key, How, Arc<str>)>);

enum How {
    Text(Op, String),
    Regex(Regex),
    Inside(IpNet),
}

impl Named {
    /// `None` for rules of other origin.
    pub fn of(rule: &SigmaRule) -> Option<Self> {
        rule.tags.iter().any(|t| t == indicator::TAG).then(|| Self::all(rule))
    }

    pub fn all(rule: &SigmaRule) -> Self {
        let mut out = Vec::new();
        for detection in rule.detection.named.values() {
            collect(detection, &mut out);
        }
        Self(out)
    }

    /// In the order of the rule, none twice.
    pub fn values(&self, event: &Event) -> Vec<Arc<str>> {
        let mut out: Vec<Arc<str>> = Vec::new();
        for (key, how, value) in &self.0 {
            if !out.contains(value) && event.key_values(key).iter().any(|v| how.holds(v)) {
                out.push(value.clone());
            }
        }
        out
    }
}

impl How {
    fn holds(&self, value: &str) -> bool {
        match self {
            Self::Inside(net) => text::ip(value).is_some_and(|ip| net.contains(&ip)),
            Self::Regex(r) => r.is_match(value),
            Self::Text(op, t) => {
                let value = text::fold(value);
                match op {
                    Op::Exact => value == *t,
                    Op::Contains => value.contains(t.as_str()),
                    Op::StartsWith => value.starts_with(t.as_str()),
                    Op::EndsWith => value.ends_with(t.as_str()),
                }
            }
        }
    }
}

fn collect(detection: &Detection, out: &mut Vec<(Key, How, Arc<str>)>) {
    match detection {
        Detection::AllOf(items) => items.iter().for_each(|i| of_item(i, out)),
        Detection::AnyOf(parts) | Detection::And(parts) => parts.iter().for_each(|p| collect(p, out)),
        _ => {}
    }
}

fn of_item(item: &DetectionItem, out: &mut Vec<(Key, How, Arc<str>)>) {
    let Some(key) = item.field.name.as_deref().map(key) else { return };
    let has = |m| item.field.modifiers.contains(&m);
    if has(Modifier::Lt) || key == Key::Field(Field::UtcTime) {
        return;
    }
    let op = match (has(Modifier::Contains), has(Modifier::StartsWith), has(Modifier::EndsWith)) {
        (true, ..) => Op::Contains,
        (_, true, _) => Op::StartsWith,
        (.., true) => Op::EndsWith,
        _ => Op::Exact,
    };
    for value in &item.values {
        let SigmaValue::String(s) = value else { continue };
        if has(Modifier::Re) {
            let regex = regex::RegexBuilder::new(&s.original).case_insensitive(has(Modifier::IgnoreCase)).build();
            out.extend(regex.ok().map(|r| (key.clone(), How::Regex(r), s.original.as_str().into())));
        } else if has(Modifier::Cidr) {
            out.extend(s.original.parse().ok().map(|n| (key.clone(), How::Inside(n), s.original.as_str().into())));
        } else if let (Some(plain), Ok(found)) = (s.as_plain(), tests(s, op, Encoding::default(), key_type(&key), true))
        {
            let value: Arc<str> = plain.into();
            out.extend(found.into_iter().filter_map(|t| match t {
                Test::Text(op, t) => Some((key.clone(), How::Text(op, t), value.clone())),
                _ => None,
            }));
        }
    }
}
