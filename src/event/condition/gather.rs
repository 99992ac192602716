//! A list of alternatives in the words of the search form.
use super::{CRITERIA, Condition, Criterion, Match, Operator};
use crate::event::{Field, Key};
use std::collections::HashSet;

impl Condition {
    /// The members of a disjunction, those of disjunctions inside of it included. Where several ask all fields of
    /// a criterion the same, one of the criterion stands for them. Means what the whole does.
    pub fn alternatives(self) -> Vec<Self> {
        let mut parts = Vec::new();
        flatten(self, &mut parts);
        gathered(parts)
    }
}

fn flatten(condition: Condition, out: &mut Vec<Condition>) {
    match condition {
        Condition::Or(parts) => parts.into_iter().for_each(|p| flatten(p, out)),
        other => out.push(other),
    }
}

/// A comparison of one field, alone or with further ones that must hold as well.
#[derive(PartialEq)]
struct Asked<'c> {
    operator: Operator,
    operands: &'c [String],
    further: Vec<(&'c str, Operator, &'c [String])>,
}

fn asked(condition: &Condition) -> Option<(Field, Asked<'_>)> {
    let (first, rest) = match condition {
        Condition::Match(m) => (m, &[][..]),
        Condition::And(parts) => match parts.split_first()? {
            (Condition::Match(m), rest) => (m, rest),
            _ => return None,
        },
        _ => return None,
    };
    let [Key::Field(field)] = first.keys.as_slice() else { return None };
    let mut further = Vec::new();
    for condition in rest {
        let Condition::Match(m) = condition else { return None };
        further.push((m.name.as_str(), m.operator, m.operands.as_slice()));
    }
    Some((*field, Asked { operator: first.operator, operands: &first.operands, further }))
}

fn gathered(parts: Vec<Condition>) -> Vec<Condition> {
    let mut replaced: Vec<Option<Condition>> = vec![None; parts.len()];
    let mut dropped = HashSet::new();
    let all: Vec<_> = parts.iter().map(asked).collect();
    for (at, one) in all.iter().enumerate() {
        let Some((_, one)) = one else { continue };
        let place = |f: &Field| {
            let is =
                |o: &Option<(Field, Asked<'_>)>| o.as_ref().is_some_and(|(field, other)| field == f && other == one);
            all.iter().enumerate().find(|(i, o)| !dropped.contains(i) && is(o)).map(|(i, _)| i)
        };
        let of = |c: &&Criterion| c.fields.len() > 1;
        let found = CRITERIA.iter().filter(of).find_map(|c| {
            let places = c.fields.iter().map(place).collect::<Option<Vec<_>>>()?;
            places.contains(&at).then_some((c.name, places))
        });
        let Some((name, places)) = found else { continue };
        let Ok(criterion) = Match::new(name, one.operator, one.operands) else { continue };
        let criterion = Condition::Match(criterion);
        replaced[at] = Some(match &parts[at] {
            Condition::And(old) => {
                Condition::And(std::iter::once(criterion).chain(old.iter().skip(1).cloned()).collect())
            }
            _ => criterion,
        });
        dropped.extend(places);
    }
    drop(all);
    let kept = parts.into_iter().zip(replaced).enumerate();
    kept.filter_map(|(i, (old, new))| new.or((!dropped.contains(&i)).then_some(old))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, operator: Operator, operand: &str) -> Condition {
        Condition::Match(Match::new(name, operator, &[operand.to_owned()]).unwrap())
    }

    fn names(condition: Condition) -> Vec<String> {
        let name = |c: &Condition| match c {
            Condition::Match(m) => m.name.clone(),
            Condition::And(parts) => format!("{} AND {}", names(parts[0].clone()).join(""), parts.len() - 1),
            _ => "?".into(),
        };
        condition.alternatives().iter().map(name).collect()
    }

    #[test]
    fn all_fields_of_a_criterion_are_the_criterion() {
        let ip = |name, operand| one(name, Operator::Equals, operand);
        let three = || ["SourceIp", "DestinationIp", "ResolvedIp"].map(|f| ip(f, "10.0.0.1")).to_vec();
        let inner = Condition::Or(three());
        assert_eq!(names(Condition::Or(vec![one("MD5", Operator::Equals, "00"), inner])), ["MD5", "ip"]);
        let mut other = three();
        other[2] = ip("ResolvedIp", "10.0.0.2");
        assert_eq!(names(Condition::Or(other)), ["SourceIp", "DestinationIp", "ResolvedIp"]);
        let until = |c| Condition::And(vec![c, one("UtcTime", Operator::Lt, "2026-01-01 00:00:00.000")]);
        assert_eq!(names(Condition::Or(three().into_iter().map(until).collect())), ["ip AND 1"]);
        let image = |op| one("Image", op, r"\a.exe");
        let files = ["TargetFilename", "ImageLoaded"].map(|f| one(f, Operator::EndsWith, r"\a.exe"));
        let mut parts = files.to_vec();
        parts.push(image(Operator::Contains));
        assert_eq!(names(Condition::Or(parts.clone())), ["TargetFilename", "ImageLoaded", "Image"]);
        parts.push(image(Operator::EndsWith));
        assert_eq!(names(Condition::Or(parts)), ["file", "Image"]);
        assert_eq!(names(one("Image", Operator::Contains, "x")), ["Image"]);
    }
}
