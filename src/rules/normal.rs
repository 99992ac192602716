//! A parsed rule rewritten into the part of the engine's language that it evaluates rightly over a
//! [`View`](super::view::View): encoded field names, folded values, one meaning of "absent".
use super::{
    modifiers,
    value::{Encoding, Op, Test, tests},
    view::{Form, encoded, key},
    weight,
};
use crate::event::{Key, condition::parse_number, fields::Type};
use rsigma_parser::{
    ConditionExpr, Detection, DetectionItem, FieldSpec, Modifier, Quantifier, SigmaRule, SigmaString, SigmaValue,
};

type Result<T> = std::result::Result<T, String>;

/// The rule to compile, under the id `id` and without the parts that matching does not need.
pub fn normal(rule: &SigmaRule, id: String) -> Result<SigmaRule> {
    if rule.detection.timeframe.is_some() {
        return Err("timeframe without a correlation rule".into());
    }
    for condition in &rule.detection.conditions {
        check_condition(condition, rule)?;
    }
    let mut out = rule.clone();
    out.id = Some(id);
    for text in [&mut out.title].into_iter().chain(&mut out.description).chain(&mut out.author) {
        text.clear();
    }
    for list in [&mut out.tags, &mut out.references, &mut out.falsepositives, &mut out.fields] {
        list.clear();
    }
    out.related.clear();
    out.custom_attributes.clear();
    for detection in out.detection.named.values_mut() {
        *detection = normal_detection(detection)?;
    }
    let mut weight = 0;
    for detection in out.detection.named.values() {
        weight::patterns(detection, &mut weight)?;
    }
    Ok(out)
}

/// A selector that selects nothing would hold always or never: both are mistakes of the author.
pub(super) fn check_condition(condition: &ConditionExpr, rule: &SigmaRule) -> Result<()> {
    match condition {
        ConditionExpr::And(all) | ConditionExpr::Or(all) => all.iter().try_for_each(|c| check_condition(c, rule)),
        ConditionExpr::Not(inner) => check_condition(inner, rule),
        ConditionExpr::Identifier(name) if rule.detection.named.contains_key(name) => Ok(()),
        ConditionExpr::Identifier(name) => Err(format!("condition names '{name}', which the rule does not define")),
        ConditionExpr::Selector { quantifier, pattern } => {
            let found = rule.detection.named.keys().filter(|n| pattern.matches_detection_name(n)).count() as u64;
            let needed = match quantifier {
                Quantifier::Any | Quantifier::All => 1,
                Quantifier::Count(0) => return Err(format!("'0 of {pattern}' always holds")),
                Quantifier::Count(n) => *n,
            };
            if found < needed {
                return Err(format!("'{quantifier} of {pattern}' selects {found} parts of the rule"));
            }
            Ok(())
        }
    }
}

fn normal_detection(detection: &Detection) -> Result<Detection> {
    Ok(match detection {
        Detection::AllOf(items) => all_of(items.iter().map(named_item).collect::<Result<_>>()?),
        Detection::AnyOf(parts) => any_of(parts.iter().map(normal_detection).collect::<Result<_>>()?),
        Detection::And(parts) => all_of(parts.iter().map(normal_detection).collect::<Result<_>>()?),
        Detection::Keywords(values) => {
            normal_item(&DetectionItem { field: FieldSpec::new(None, Vec::new()), values: values.clone() })?
        }
        Detection::ArrayMatch { .. } | Detection::Conditional { .. } => {
            return Err("array matching: Sysmon events have no arrays".into());
        }
    })
}

fn all_of(parts: Vec<Detection>) -> Detection {
    let mut items = Vec::new();
    let mut rest = Vec::new();
    for part in parts {
        match part {
            Detection::AllOf(more) => items.extend(more),
            other => rest.push(other),
        }
    }
    match (items.is_empty(), rest.len()) {
        (_, 0) => Detection::AllOf(items),
        (true, 1) => rest.swap_remove(0),
        (true, _) => Detection::And(rest),
        (false, _) => {
            rest.insert(0, Detection::AllOf(items));
            Detection::And(rest)
        }
    }
}

fn any_of(mut parts: Vec<Detection>) -> Detection {
    if parts.len() == 1 { parts.swap_remove(0) } else { Detection::AnyOf(parts) }
}

/// Field, form and comparison under which items are grouped: the engine searches the values of one item together.
struct Target {
    /// `None` for keywords: any value of the event.
    key: Option<Key>,
    cased: bool,
    negated: bool,
}

impl Target {
    fn item(&self, form: Form, modifiers: &[Modifier], values: Vec<SigmaValue>) -> Detection {
        let mut modifiers = modifiers.to_vec();
        if self.negated {
            modifiers.push(Modifier::Neq);
        }
        let name = self.key.as_ref().map(|k| encoded(k, form));
        Detection::AllOf(vec![DetectionItem { field: FieldSpec::new(name, modifiers), values }])
    }

    fn form(&self) -> Form {
        if self.cased || self.key.is_none() { Form::Raw } else { Form::Folded }
    }

    fn ty(&self) -> Type {
        match &self.key {
            Some(Key::Field(f)) => f.ty(),
            _ => Type::Text,
        }
    }

    /// Whether any of `tests` holds; negated, that none does.
    fn any(&self, tests: Vec<Test>) -> Detection {
        let mut parts = Vec::new();
        for op in [Op::Exact, Op::Contains, Op::StartsWith, Op::EndsWith] {
            let values: Vec<SigmaValue> = tests
                .iter()
                .filter_map(|t| match t {
                    Test::Text(o, text) if *o == op => Some(raw(text)),
                    _ => None,
                })
                .collect();
            if !values.is_empty() {
                parts.push(self.text(op, values));
            }
        }
        for test in &tests {
            match test {
                Test::Pattern { regex, literal } => parts.push(self.pattern(regex, literal)),
                Test::Absent => parts.push(self.item(self.form(), &[], vec![SigmaValue::Null])),
                Test::Present => parts.push(self.present(!self.negated)),
                Test::Text(..) => {}
            }
        }
        if self.negated { all_of(parts) } else { any_of(parts) }
    }

    fn present(&self, expected: bool) -> Detection {
        let name = self.key.as_ref().map(|k| encoded(k, self.form()));
        let field = FieldSpec::new(name, vec![Modifier::Exists]);
        Detection::AllOf(vec![DetectionItem { field, values: vec![SigmaValue::Bool(expected)] }])
    }

    fn text(&self, op: Op, values: Vec<SigmaValue>) -> Detection {
        let mut modifiers = match op {
            Op::Exact => vec![],
            Op::Contains => vec![Modifier::Contains],
            Op::StartsWith => vec![Modifier::StartsWith],
            Op::EndsWith => vec![Modifier::EndsWith],
        };
        // Both sides are folded, so that the engine need not do it again for each rule.
        if self.key.is_some() || self.cased {
            modifiers.push(Modifier::Cased);
        }
        self.item(self.form(), &modifiers, values)
    }

    /// The literal beside the pattern lets the engine's index pass over events that cannot match.
    fn pattern(&self, regex: &str, literal: &str) -> Detection {
        let mut flags = vec![Modifier::Re];
        if self.key.is_none() && !self.cased {
            flags.push(Modifier::IgnoreCase);
        }
        let regex = self.item(self.form(), &flags, vec![raw(regex)]);
        if self.negated || self.key.is_none() || literal.len() < 3 {
            return regex;
        }
        all_of(vec![self.text(Op::Contains, vec![raw(literal)]), regex])
    }
}

fn raw(text: &str) -> SigmaValue {
    SigmaValue::String(SigmaString::from_raw(text))
}

/// With the field in the reason of a refusal.
fn named_item(item: &DetectionItem) -> Result<Detection> {
    normal_item(item).map_err(|why| match &item.field.name {
        Some(name) => format!("field '{name}': {why}"),
        None => why,
    })
}

fn normal_item(item: &DetectionItem) -> Result<Detection> {
    let modifiers = &item.field.modifiers;
    let has = |m: Modifier| modifiers.contains(&m);
    let target =
        Target { key: item.field.name.as_deref().map(key), cased: has(Modifier::Cased), negated: has(Modifier::Neq) };
    modifiers::check(modifiers)?;
    if item.values.is_empty() {
        return Err("a field without values".into());
    }
    if has(Modifier::Expand) {
        return Err("placeholders (expand) that are not expanded".into());
    }
    if has(Modifier::All) && item.values.len() < 2 {
        return Err("'all' needs more than one value".into());
    }
    if has(Modifier::Exists) {
        return exists(&target, &item.values);
    }
    if let Some(special) = special(&target, item)? {
        return Ok(special);
    }
    let op = match (has(Modifier::Contains), has(Modifier::StartsWith), has(Modifier::EndsWith)) {
        (false, false, false) if target.key.is_none() => Op::Contains,
        (false, false, false) => Op::Exact,
        (true, ..) => Op::Contains,
        (_, true, _) => Op::StartsWith,
        _ => Op::EndsWith,
    };
    let encoding = Encoding::of(modifiers);
    // A list of tests for each value: some values become several.
    let tests: Vec<Vec<Test>> =
        item.values.iter().map(|v| value_tests(v, op, encoding, &target)).collect::<Result<_>>()?;
    if !has(Modifier::All) {
        return Ok(target.any(tests.into_iter().flatten().collect()));
    }
    let parts = tests.into_iter().map(|t| target.any(t)).collect();
    Ok(if target.negated { any_of(parts) } else { all_of(parts) })
}

fn value_tests(value: &SigmaValue, op: Op, encoding: Encoding, target: &Target) -> Result<Vec<Test>> {
    let Some(text) = text_of(value, target.ty())? else {
        return if target.key.is_none() { Err("a keyword that is null".into()) } else { Ok(vec![Test::Absent]) };
    };
    let tests = tests(&text, op, encoding, target.ty(), !target.cased)?;
    if target.key.is_none() && tests.iter().any(|t| matches!(t, Test::Absent | Test::Present)) {
        return Err("a keyword that is empty".into());
    }
    Ok(tests)
}

/// The text as which a value is compared with those of a type; none of null.
///
/// # Errors
/// Of a number with a fraction it is not known how it was written.
pub(super) fn text_of(value: &SigmaValue, ty: Type) -> Result<Option<SigmaString>> {
    Ok(Some(match value {
        SigmaValue::Null => return Ok(None),
        SigmaValue::String(s) => s.clone(),
        // An unquoted 0x1410 has become a number; hexadecimal fields are compared as Sysmon writes them.
        SigmaValue::Integer(n) if ty == Type::Hex && *n >= 0 => SigmaString::from_raw(&format!("{n:#x}")),
        SigmaValue::Integer(n) => SigmaString::from_raw(&n.to_string()),
        SigmaValue::Float(n) => {
            return Err(format!("{n} is compared as text, and may be written otherwise: put it in quotes"));
        }
        SigmaValue::Bool(b) => SigmaString::from_raw(&b.to_string()),
    }))
}

fn exists(target: &Target, values: &[SigmaValue]) -> Result<Detection> {
    if target.key.is_none() {
        return Err("'exists' without a field".into());
    }
    let expected = match values {
        [SigmaValue::Bool(b)] => *b,
        [SigmaValue::String(s)] if s.original.eq_ignore_ascii_case("true") => true,
        [SigmaValue::String(s)] if s.original.eq_ignore_ascii_case("false") => false,
        _ => return Err("'exists' takes true or false".into()),
    };
    Ok(target.present(expected != target.negated))
}

/// Comparisons other than of text; `None` where the item has none of them.
fn special(target: &Target, item: &DetectionItem) -> Result<Option<Detection>> {
    const NUMBERS: [Modifier; 4] = [Modifier::Gt, Modifier::Gte, Modifier::Lt, Modifier::Lte];
    const TIMES: [Modifier; 6] =
        [Modifier::Minute, Modifier::Hour, Modifier::Day, Modifier::Week, Modifier::Month, Modifier::Year];
    let modifiers = &item.field.modifiers;
    let one_of = |set: &[Modifier]| modifiers.iter().find(|m| set.contains(m)).copied();
    let (form, mut keep): (Form, Vec<Modifier>) = if modifiers.contains(&Modifier::Re) {
        const FLAGS: [Modifier; 4] = [Modifier::Re, Modifier::IgnoreCase, Modifier::Multiline, Modifier::DotAll];
        (Form::Raw, modifiers.iter().filter(|m| FLAGS.contains(m)).copied().collect())
    } else if modifiers.contains(&Modifier::Cidr) {
        (Form::Raw, vec![Modifier::Cidr])
    } else if let Some(m) = one_of(&NUMBERS).or_else(|| one_of(&TIMES)) {
        (Form::Number, vec![m])
    } else if modifiers.contains(&Modifier::FieldRef) {
        const OPS: [Modifier; 3] = [Modifier::Contains, Modifier::StartsWith, Modifier::EndsWith];
        let op = modifiers.iter().filter(|m| OPS.contains(m)).copied();
        (target.form(), [Modifier::FieldRef, Modifier::Cased].into_iter().chain(op).collect())
    } else {
        return Ok(None);
    };
    if target.key.is_none() && !keep.contains(&Modifier::Re) {
        return Err("this comparison needs a field".into());
    }
    let reference = keep.contains(&Modifier::FieldRef);
    let value = |v: &SigmaValue| match v {
        SigmaValue::String(s) if reference => Ok(raw(&encoded(&key(&s.original), form))),
        // A time is compared as the view gives it: in milliseconds.
        SigmaValue::String(s) if form == Form::Number => {
            match parse_number(target.ty(), &s.original).or_else(|| s.original.parse().ok()) {
                Some(n) => i64::try_from(n).map(SigmaValue::Integer).map_err(|_| format!("{n} is too large")),
                None => Err(format!("'{}' is neither a number nor a time", s.original)),
            }
        }
        _ if reference => Err("'fieldref' takes the name of a field".to_owned()),
        SigmaValue::Null => Err("null is no value for this comparison".to_owned()),
        other => Ok(other.clone()),
    };
    let values = item.values.iter().map(value).collect::<Result<_>>()?;
    if modifiers.contains(&Modifier::All) {
        keep.push(Modifier::All);
    }
    Ok(Some(target.item(form, &keep, values)))
}
