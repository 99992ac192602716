//! Techniques of MITRE ATT&CK, as rules and Sysmon name them.

/// Prefix of the tags of Sigma rules.
const TAG: &str = "attack.";

/// `T1059` or `T1059.001`, in any case of the letter; `None` for anything else.
pub fn technique(text: &str) -> Option<String> {
    let text = text.trim();
    let digits = text.strip_prefix(['T', 't'])?;
    let (parent, sub) = digits.split_once('.').map_or((digits, None), |(p, s)| (p, Some(s)));
    let number = |t: &str, n: usize| t.len() == n && t.bytes().all(|b| b.is_ascii_digit());
    (number(parent, 4) && sub.is_none_or(|s| number(s, 3))).then(|| format!("T{digits}"))
}

/// Techniques among the tags of a rule, sorted, each once.
pub fn of_tags(tags: &[String]) -> Vec<String> {
    let of = |tag: &String| {
        let start = tag.get(..TAG.len()).filter(|s| s.eq_ignore_ascii_case(TAG))?;
        technique(&tag[start.len()..])
    };
    let mut found: Vec<String> = tags.iter().filter_map(of).collect();
    found.sort();
    found.dedup();
    found
}

/// Technique that a `RuleName` of Sysmon's configuration names: `technique_id=T1059,technique_name=…`.
pub fn of_rule_name(name: &str) -> Option<String> {
    name.split(',').find_map(|part| {
        let (key, value) = part.split_once('=')?;
        key.trim().eq_ignore_ascii_case("technique_id").then(|| technique(value)).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn techniques_are_read_from_tags_and_rule_names() {
        let tags = [
            "attack.t1059.001",
            "attack.execution",
            "ATTACK.T1003",
            "attack.t1059.001",
            "attack.t105",
            "car.2013",
            "é",
        ];
        let tags = tags.map(str::to_owned);
        assert_eq!(of_tags(&tags), ["T1003", "T1059.001"]);
        for (name, found) in [
            ("technique_id=T1059.001,technique_name=PowerShell", Some("T1059.001")),
            ("technique_name=Masquerading, technique_id=t1036", Some("T1036")),
            ("technique_id=T10", None),
            ("Usermode", None),
            ("", None),
            ("technique_id=T1059.01", None),
        ] {
            assert_eq!(of_rule_name(name).as_deref(), found, "{name}");
        }
    }
}
