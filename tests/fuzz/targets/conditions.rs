//! A comparison as a stranger may send it, on a value as a log may hold it: one byte for the operator, one for the field,
//! then two texts divided by a zero byte.
#![no_main]
use libfuzzer_sys::fuzz_target;
use sysmonsearch::event::condition::{Match, Operator, key_type};

const OPERATORS: [Operator; 11] = [
    Operator::Equals,
    Operator::Contains,
    Operator::StartsWith,
    Operator::EndsWith,
    Operator::Wildcard,
    Operator::Regex,
    Operator::Cidr,
    Operator::Gt,
    Operator::Gte,
    Operator::Lt,
    Operator::Lte,
];
const FIELDS: [&str; 6] = ["CommandLine", "SourceIp", "SourcePort", "GrantedAccess", "ProcessGuid", "UtcTime"];

fuzz_target!(|input: &[u8]| {
    let [operator, field, texts @ ..] = input else { return };
    let Ok(texts) = std::str::from_utf8(texts) else { return };
    let (operand, value) = texts.split_once('\0').unwrap_or((texts, texts));
    let operator = OPERATORS[usize::from(*operator) % OPERATORS.len()];
    let field = FIELDS[usize::from(*field) % FIELDS.len()];
    if let Ok(comparison) = Match::new(field, operator, &[operand.to_owned()]) {
        for key in &comparison.keys {
            comparison.test.is_match(key_type(key), value);
        }
    }
});
