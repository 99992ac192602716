//! One value of a rule as tests that the engine gets right.
//!
//! Done here and not left to the engine: wildcards (its `*` stops at line ends, and with `startswith` or
//! `endswith` it anchors the wrong end), `windash`, `base64offset`, numbers and typed texts.
use crate::event::{fields::Type, normal_value, text};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rsigma_parser::{Modifier, SigmaString, SpecialChar, StringPart};

/// How text is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Exact,
    Contains,
    StartsWith,
    EndsWith,
}

/// One comparison with one field.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// The event has no such value: Sysmon's `-`, empty and null are one.
    Absent,
    Present,
    Text(Op, String),
    /// A pattern over the same form of the value as `Text`; `literal` is a text that every match contains.
    Pattern {
        regex: String,
        literal: String,
    },
}

/// Modifiers that change the text of a value.
#[derive(Debug, Clone, Copy, Default)]
pub struct Encoding {
    pub windash: bool,
    pub utf16: Option<Utf16>,
    pub base64: bool,
    pub base64offset: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Utf16 {
    LittleEndian,
    BigEndian,
    /// Little-endian behind a byte order mark.
    Marked,
}

impl Encoding {
    pub fn of(modifiers: &[Modifier]) -> Self {
        let mut e = Self::default();
        for m in modifiers {
            match m {
                Modifier::WindAsh => e.windash = true,
                Modifier::Wide => e.utf16 = Some(Utf16::LittleEndian),
                Modifier::Utf16be => e.utf16 = Some(Utf16::BigEndian),
                Modifier::Utf16 => e.utf16 = Some(Utf16::Marked),
                Modifier::Base64 => e.base64 = true,
                Modifier::Base64Offset => e.base64offset = true,
                _ => {}
            }
        }
        e
    }
}

/// Piece of a value: text, or a wildcard.
#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Text(String),
    /// One of the characters that count as a dash.
    Dash,
    Any,
    One,
}

/// What stands for a dash under `windash`: hyphen, slash, en dash, em dash, horizontal bar.
const DASHES: [char; 5] = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];
/// Above this number of spellings a pattern is used instead of a list.
const MAX_SPELLINGS: usize = 125;

/// Tests of which any must hold for `value` to match. `folded` when case is ignored.
pub fn tests(value: &SigmaString, op: Op, encoding: Encoding, ty: Type, folded: bool) -> Result<Vec<Test>, String> {
    if encoding.base64 || encoding.base64offset {
        let plain = value.as_plain().ok_or("base64 of a value with wildcards")?;
        let bytes = utf16(&plain, encoding.utf16);
        let (op, texts) = if encoding.base64offset {
            (Op::Contains, base64_offsets(&bytes))
        } else {
            (op, vec![STANDARD.encode(bytes)])
        };
        if texts.iter().any(String::is_empty) {
            return Err("value too short for base64".into());
        }
        return Ok(texts.into_iter().map(|t| Test::Text(op, fold_if(folded, t))).collect());
    }
    let mut pieces: Vec<Piece> = value
        .parts
        .iter()
        .map(|p| match p {
            StringPart::Plain(t) => Piece::Text(t.clone()),
            StringPart::Special(SpecialChar::WildcardMulti) => Piece::Any,
            StringPart::Special(SpecialChar::WildcardSingle) => Piece::One,
        })
        .collect();
    if encoding.windash {
        pieces = with_dashes(pieces);
    }
    let (mut start, mut end) = (matches!(op, Op::Contains | Op::EndsWith), matches!(op, Op::Contains | Op::StartsWith));
    let empty = pieces.is_empty();
    while pieces.first() == Some(&Piece::Any) {
        pieces.remove(0);
        start = true;
    }
    while pieces.last() == Some(&Piece::Any) {
        pieces.pop();
        end = true;
    }
    if pieces.is_empty() {
        return Ok(vec![if empty && op == Op::Exact { Test::Absent } else { Test::Present }]);
    }
    let op = match (start, end) {
        (false, false) => Op::Exact,
        (true, true) => Op::Contains,
        (false, true) => Op::StartsWith,
        (true, false) => Op::EndsWith,
    };
    if let Some(spellings) = spellings(&pieces) {
        return Ok(spellings.into_iter().map(|t| text_test(op, t, ty, folded)).collect());
    }
    Ok(vec![pattern(&pieces, start, end, folded)])
}

fn text_test(op: Op, value: String, ty: Type, folded: bool) -> Test {
    if op != Op::Exact {
        return Test::Text(op, fold_if(folded, value));
    }
    match normal_value(ty, &value) {
        None => Test::Absent,
        Some(v) => Test::Text(op, fold_if(folded, v.into())),
    }
}

fn fold_if(folded: bool, text: String) -> String {
    if folded { text::fold(&text) } else { text }
}

/// Marks the dashes that `windash` means: one that begins a word and does not stand inside of one.
fn with_dashes(pieces: Vec<Piece>) -> Vec<Piece> {
    let word = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric() || *c == '_');
    let mut out = Vec::new();
    for piece in pieces {
        let Piece::Text(t) = piece else {
            out.push(piece);
            continue;
        };
        let chars: Vec<char> = t.chars().collect();
        let mut run = String::new();
        for (i, c) in chars.iter().enumerate() {
            let before = i.checked_sub(1).and_then(|p| chars.get(p));
            if matches!(c, '-' | '/') && !word(before) && word(chars.get(i + 1)) {
                if !run.is_empty() {
                    out.push(Piece::Text(std::mem::take(&mut run)));
                }
                out.push(Piece::Dash);
            } else {
                run.push(*c);
            }
        }
        if !run.is_empty() {
            out.push(Piece::Text(run));
        }
    }
    out
}

/// All spellings of a value without wildcards, where they are few.
fn spellings(pieces: &[Piece]) -> Option<Vec<String>> {
    let mut all = vec![String::new()];
    for piece in pieces {
        match piece {
            Piece::Text(t) => all.iter_mut().for_each(|s| s.push_str(t)),
            Piece::Dash => {
                all = all.iter().flat_map(|s| DASHES.map(|d| format!("{s}{d}"))).collect();
                if all.len() > MAX_SPELLINGS {
                    return None;
                }
            }
            Piece::Any | Piece::One => return None,
        }
    }
    Some(all)
}

fn pattern(pieces: &[Piece], start: bool, end: bool, folded: bool) -> Test {
    let mut regex = String::from(if start { "(?s)" } else { "(?s)^" });
    let mut literal = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(t) => {
                let t = fold_if(folded, t.clone());
                regex.push_str(&regex::escape(&t));
                if t.len() > literal.len() {
                    literal = t;
                }
            }
            Piece::Dash => regex.push_str("[-/\u{2013}\u{2014}\u{2015}]"),
            Piece::Any => regex.push_str(".*"),
            Piece::One => regex.push('.'),
        }
    }
    if !end {
        regex.push('$');
    }
    Test::Pattern { regex, literal }
}

fn utf16(text: &str, encoding: Option<Utf16>) -> Vec<u8> {
    match encoding {
        None => text.as_bytes().to_vec(),
        Some(Utf16::LittleEndian) => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        Some(Utf16::BigEndian) => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        Some(Utf16::Marked) => [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect(),
    }
}

/// The part of the base64 text that depends on `bytes` alone, for each of the three alignments they can have
/// inside a longer encoded text (Sigma specification, `base64offset`).
fn base64_offsets(bytes: &[u8]) -> Vec<String> {
    (0..3)
        .map(|offset| {
            let padded: Vec<u8> = std::iter::repeat_n(b' ', offset).chain(bytes.iter().copied()).collect();
            let encoded = STANDARD.encode(&padded);
            let first = [0, 2, 3][offset];
            // A last group of one or two bytes ends in a character that shares bits with what follows.
            let cut = [0, 3, 2][padded.len() % 3];
            encoded.get(first..encoded.len().saturating_sub(cut)).unwrap_or_default().to_owned()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: &str, op: Op, encoding: Encoding) -> Vec<Test> {
        tests(&SigmaString::new(value), op, encoding, Type::Text, true).unwrap()
    }

    #[test]
    fn wildcards_at_the_ends_choose_the_comparison() {
        let plain = Encoding::default();
        assert_eq!(of(r"*\Cmd.exe", Op::Exact, plain), [Test::Text(Op::EndsWith, r"\cmd.exe".into())]);
        assert_eq!(of("*a*", Op::StartsWith, plain), [Test::Text(Op::Contains, "a".into())]);
        assert_eq!(of("", Op::Exact, plain), [Test::Absent]);
        assert_eq!(of("-", Op::Exact, plain), [Test::Absent]);
        assert_eq!(of("*", Op::Exact, plain), [Test::Present]);
        let Test::Pattern { regex, literal } = &of("pass*.TXT", Op::EndsWith, plain)[0] else { panic!() };
        assert_eq!((regex.as_str(), literal.as_str()), (r"(?s)pass.*\.txt$", "pass"));
    }

    #[test]
    fn windash_makes_every_dash_of_an_option() {
        let dash = Encoding { windash: true, ..Default::default() };
        let texts = of(" -foo a-b", Op::Contains, dash);
        assert_eq!(texts.len(), 5);
        assert!(texts.contains(&Test::Text(Op::Contains, " /foo a-b".into())));
        assert_eq!(of(" /foo", Op::Contains, dash), of(" -foo", Op::Contains, dash));
        assert!(matches!(of("-a -b -c -d", Op::Contains, dash)[0], Test::Pattern { .. }));
    }

    #[test]
    fn base64_offsets_occur_in_every_longer_text() {
        for text in ["http://", "IEX", "New-Object", "ab", "FromBase64String(", "http:/"] {
            for utf in [None, Some(Utf16::LittleEndian)] {
                let patterns = base64_offsets(&utf16(text, utf));
                for before in 0..6 {
                    for after in 0..4 {
                        let whole = format!("{}{text}{}", "x".repeat(before), "y".repeat(after));
                        let encoded = STANDARD.encode(utf16(&whole, utf));
                        assert!(
                            patterns.iter().any(|p| !p.is_empty() && encoded.contains(p.as_str())),
                            "{whole} {patterns:?}"
                        );
                    }
                }
            }
        }
    }
}
