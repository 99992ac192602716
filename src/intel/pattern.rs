//! STIX 2 patterns (STIX 2.1, part 9): observation expressions of comparison expressions.
use super::{
    expr::Expr,
    leaf::{Compare, What, host_type, leaf},
    wild,
};
use crate::event::indicator::{Kind, Relation};
use std::collections::{BTreeMap, BTreeSet};

/// Parentheses in each other.
const MAX_DEPTH: usize = 64;
const MAX_TOKENS: usize = 200_000;

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Sign(&'static str),
    /// Object path or key word.
    Word(String),
    Text(String),
    Number(String),
}

/// # Errors
/// With the position in characters, when it is no pattern.
pub fn parse(pattern: &str) -> Result<Expr, String> {
    let tokens = tokens(pattern)?;
    let mut parser = Parser { tokens, at: 0 };
    let expr = parser.followed(0)?;
    if parser.at < parser.tokens.len() { Err(parser.unexpected("the end")) } else { Ok(expr) }
}

fn tokens(pattern: &str) -> Result<Vec<(usize, Token)>, String> {
    const SIGNS: [&str; 13] = ["!=", "<>", "<=", ">=", "==", "[", "]", "(", ")", ",", "=", "<", ">"];
    let chars: Vec<char> = pattern.chars().collect();
    let mut out = Vec::new();
    let mut i = 0;
    while let Some(&c) = chars.get(i) {
        let start = i;
        let sign = |s: &&&str| s.chars().enumerate().all(|(n, c)| chars.get(i + n) == Some(&c));
        if c.is_whitespace() {
            i += 1;
            continue;
        }
        let token = if c == '\'' {
            Token::Text(text(&chars, &mut i)?)
        } else if let Some(s) = SIGNS.iter().find(sign) {
            i += s.len();
            Token::Sign(s)
        } else if matches!(c, 't' | 'h' | 'b') && chars.get(i + 1) == Some(&'\'') {
            i += 1;
            Token::Text(text(&chars, &mut i)?)
        } else if c.is_ascii_digit() || matches!(c, '-' | '+') {
            while chars.get(i).is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.')) {
                i += 1;
            }
            Token::Number(chars[start..i].iter().collect())
        } else if c.is_alphabetic() {
            Token::Word(path(&chars, &mut i)?)
        } else {
            return Err(format!("pattern, character {}: unexpected '{c}'", start + 1));
        };
        out.push((start, token));
        if out.len() > MAX_TOKENS {
            return Err(format!("pattern of more than {MAX_TOKENS} parts"));
        }
    }
    Ok(out)
}

fn text(chars: &[char], i: &mut usize) -> Result<String, String> {
    let start = *i;
    *i += 1;
    let mut out = String::new();
    loop {
        match chars.get(*i) {
            None => return Err(format!("pattern, character {}: the text does not end", start + 1)),
            Some('\'') => break,
            Some('\\') if matches!(chars.get(*i + 1), Some('\\' | '\'')) => {
                out.extend(chars.get(*i + 1));
                *i += 2;
            }
            Some(c) => {
                out.push(*c);
                *i += 1;
            }
        }
    }
    *i += 1;
    Ok(out)
}

/// `file:hashes.'SHA-256'`, `process:binary_ref.name`, `network-traffic:protocols[*]`, or a key word.
fn path(chars: &[char], i: &mut usize) -> Result<String, String> {
    let mut out = String::new();
    while let Some(&c) = chars.get(*i) {
        if c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':') {
            out.push(c);
            *i += 1;
        } else if c == '\'' && out.ends_with('.') {
            out.push_str(&text(chars, i)?);
        } else if c == '[' && out.contains(':') && chars.get(*i + 1).is_some_and(|c| *c == '*' || c.is_ascii_digit()) {
            while chars.get(*i).is_some_and(|c| *c != ']') {
                *i += 1;
            }
            out.push_str("[*]");
            *i += 1;
        } else {
            break;
        }
    }
    Ok(out)
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(_, t)| t)
    }

    fn next(&mut self) -> Option<Token> {
        self.at += 1;
        self.tokens.get(self.at - 1).map(|(_, t)| t.clone())
    }

    fn unexpected(&self, wanted: &str) -> String {
        match self.tokens.get(self.at) {
            Some((at, Token::Sign(s))) => format!("pattern, character {}: '{s}' instead of {wanted}", at + 1),
            Some((at, Token::Word(w) | Token::Number(w))) => {
                format!("pattern, character {}: '{w}' instead of {wanted}", at + 1)
            }
            Some((at, Token::Text(_))) => format!("pattern, character {}: a text instead of {wanted}", at + 1),
            None => format!("pattern: it ends where {wanted} should be"),
        }
    }

    fn sign(&mut self, sign: &str) -> bool {
        let is = matches!(self.peek(), Some(Token::Sign(s)) if *s == sign);
        self.at += usize::from(is);
        is
    }

    fn word(&mut self, word: &str) -> bool {
        let is = matches!(self.peek(), Some(Token::Word(w)) if w.eq_ignore_ascii_case(word));
        self.at += usize::from(is);
        is
    }

    fn list(
        &mut self,
        depth: usize,
        word: &str,
        inner: fn(&mut Self, usize) -> Result<Expr, String>,
    ) -> Result<Vec<Expr>, String> {
        let mut parts = vec![inner(self, depth)?];
        while self.word(word) {
            parts.push(inner(self, depth)?);
        }
        Ok(parts)
    }

    fn followed(&mut self, depth: usize) -> Result<Expr, String> {
        let parts = self.list(depth, "FOLLOWEDBY", Self::any)?;
        Ok(if parts.len() > 1 { Expr::Several { ordered: true, parts } } else { Expr::and(parts) })
    }

    fn any(&mut self, depth: usize) -> Result<Expr, String> {
        self.list(depth, "OR", Self::each).map(Expr::or)
    }

    fn each(&mut self, depth: usize) -> Result<Expr, String> {
        let parts = self.list(depth, "AND", Self::observation)?;
        Ok(if parts.len() > 1 { Expr::Several { ordered: false, parts } } else { Expr::and(parts) })
    }

    fn observation(&mut self, depth: usize) -> Result<Expr, String> {
        if depth > MAX_DEPTH {
            return Err(format!("pattern nested more than {MAX_DEPTH} deep"));
        }
        let mut expr = if self.sign("(") {
            let inner = self.followed(depth + 1)?;
            self.close(")")?;
            inner
        } else if self.sign("[") {
            let inner = self.either(depth + 1)?;
            self.close("]")?;
            inner
        } else {
            return Err(self.unexpected("'[' or '('"));
        };
        // The first reason is enough, and they may be many.
        let mut bound = false;
        loop {
            if self.word("WITHIN") {
                self.number()?;
                self.keyword("SECONDS")?;
            } else if self.word("REPEATS") {
                let times = self.number()?;
                self.keyword("TIMES")?;
                if times != "1" && !bound {
                    bound = true;
                    expr = Expr::hidden(format!("{expr} {times} times: a number of events"));
                }
            } else if self.word("START") {
                let from = self.next();
                self.keyword("STOP")?;
                let to = self.next();
                match (from, to) {
                    (Some(Token::Text(_)), Some(Token::Text(_))) if bound => {}
                    (Some(Token::Text(a)), Some(Token::Text(b))) => {
                        bound = true;
                        expr = Expr::hidden(format!("{expr} from {a} to {b}: bound to a time"));
                    }
                    _ => return Err("pattern: START and STOP take times".into()),
                }
            } else {
                return Ok(expr);
            }
        }
    }

    fn close(&mut self, sign: &str) -> Result<(), String> {
        if self.sign(sign) { Ok(()) } else { Err(self.unexpected(&format!("'{sign}'"))) }
    }

    fn keyword(&mut self, word: &str) -> Result<(), String> {
        if self.word(word) { Ok(()) } else { Err(self.unexpected(word)) }
    }

    fn number(&mut self) -> Result<String, String> {
        match self.peek() {
            Some(Token::Number(n)) => {
                let n = n.clone();
                self.at += 1;
                Ok(n)
            }
            _ => Err(self.unexpected("a number")),
        }
    }

    fn either(&mut self, depth: usize) -> Result<Expr, String> {
        self.list(depth, "OR", Self::both).map(Expr::or)
    }

    fn both(&mut self, depth: usize) -> Result<Expr, String> {
        let mut parts = Vec::new();
        let mut shown = BTreeMap::<String, BTreeSet<&'static str>>::new();
        loop {
            let at = self.at;
            let part = self.comparison(depth)?;
            let tokens = self.tokens.get(at..self.at).unwrap_or_default();
            if let Some((reference, types)) = shown_types(tokens) {
                shown.entry(reference.to_owned()).or_default().extend(types);
            }
            parts.push((part, asked_type(tokens).map(|(r, t)| (r.to_owned(), t.to_owned()))));
            if !self.word("AND") {
                break;
            }
        }
        let implied = |(reference, asked): &(String, String)| {
            shown.get(reference).is_some_and(|types| types.len() == 1 && types.contains(asked.as_str()))
        };
        let parts = parts.into_iter().filter(|(_, asked)| !asked.as_ref().is_some_and(implied));
        Ok(Expr::and(parts.map(|(part, _)| part).collect()))
    }

    fn comparison(&mut self, depth: usize) -> Result<Expr, String> {
        if depth > MAX_DEPTH {
            return Err(format!("pattern nested more than {MAX_DEPTH} deep"));
        }
        if self.sign("(") {
            let inner = self.either(depth + 1)?;
            self.close(")")?;
            return Ok(inner);
        }
        if self.word("NOT") {
            return self.comparison(depth + 1).map(|e| Expr::Not(Box::new(e)));
        }
        if self.word("EXISTS") {
            let path = self.path()?;
            return Ok(Expr::hidden(format!("EXISTS {path}: no value to look for")));
        }
        let path = self.path()?;
        let negated = self.word("NOT");
        let expr = self.test(&path)?;
        Ok(if negated { Expr::Not(Box::new(expr)) } else { expr })
    }

    fn path(&mut self) -> Result<String, String> {
        match self.peek() {
            Some(Token::Word(w)) if w.contains(':') => {
                let path = w.clone();
                self.at += 1;
                Ok(path)
            }
            _ => Err(self.unexpected("an object path such as file:name")),
        }
    }

    fn test(&mut self, path: &str) -> Result<Expr, String> {
        let what = what(path);
        if self.word("IN") {
            self.close("(")?;
            let mut parts = vec![leaf(path, what, Compare::Is(Relation::Equals), &self.value()?)];
            while self.sign(",") {
                parts.push(leaf(path, what, Compare::Is(Relation::Equals), &self.value()?));
            }
            self.close(")")?;
            return Ok(Expr::or(parts));
        }
        let compare = if self.sign("=") || self.sign("==") {
            Compare::Is(Relation::Equals)
        } else if self.sign("!=") || self.sign("<>") {
            Compare::Not(Relation::Equals)
        } else if self.word("MATCHES") {
            Compare::Is(Relation::Matches)
        } else if self.word("LIKE") {
            return Ok(wild::like(path, what, &self.value()?));
        } else if self.word("ISSUBSET") {
            let net = if what == What::Is(Kind::Ip) { What::Is(Kind::Network) } else { what };
            return Ok(leaf(path, net, Compare::Is(Relation::Equals), &self.value()?));
        } else if ["<=", ">=", "<", ">"].into_iter().any(|s| self.sign(s)) || self.word("ISSUPERSET") {
            Compare::Other
        } else {
            return Err(self.unexpected("a comparison"));
        };
        Ok(leaf(path, what, compare, &self.value()?))
    }

    fn value(&mut self) -> Result<String, String> {
        match self.peek() {
            Some(Token::Text(t) | Token::Number(t)) => {
                let value = t.clone();
                self.at += 1;
                Ok(value)
            }
            Some(Token::Word(w)) if matches!(w.as_str(), "true" | "false") => {
                let value = w.clone();
                self.at += 1;
                Ok(value)
            }
            _ => Err(self.unexpected("a value")),
        }
    }
}

/// The type that a comparison asks of what is referred to: `network-traffic:dst_ref.type = 'ipv4-addr'`.
fn asked_type(tokens: &[(usize, Token)]) -> Option<(&str, &str)> {
    match tokens {
        [(_, Token::Word(path)), (_, Token::Sign("=" | "==")), (_, Token::Text(asked))] => {
            path.strip_suffix(".type").filter(|r| r.ends_with("_ref")).map(|reference| (reference, asked.as_str()))
        }
        _ => None,
    }
}

/// The types of what is referred to that another comparison implies.
fn shown_types(tokens: &[(usize, Token)]) -> Option<(&str, BTreeSet<&'static str>)> {
    let [(_, Token::Word(path)), (_, sign), values @ ..] = tokens else { return None };
    let (reference, property) = path.rsplit_once("_ref.").map(|(r, p)| (path.get(..r.len() + 4).unwrap_or(r), p))?;
    let is = match sign {
        Token::Sign("=" | "==") => true,
        Token::Word(word) => ["IN", "ISSUBSET"].iter().any(|w| w.eq_ignore_ascii_case(word)),
        _ => false,
    };
    let types = match (reference.rsplit([':', '.']).next(), property) {
        (_, "type") => return None,
        // The specification knows no other.
        (Some("parent_directory_ref"), _) => BTreeSet::from(["directory"]),
        (Some("binary_ref" | "image_ref"), _) => BTreeSet::from(["file"]),
        (_, "value") if is => values.iter().filter_map(|(_, t)| text_of(t)).map(host_type).collect(),
        _ => return None,
    };
    Some((reference, types))
}

fn text_of(token: &Token) -> Option<&str> {
    match token {
        Token::Text(text) => Some(text),
        _ => None,
    }
}

/// What an object path of STIX 2 names.
pub fn what(path: &str) -> What {
    let (object, property) = path.split_once(':').unwrap_or((path, ""));
    let hash = |rest: &str| match rest.to_ascii_uppercase().replace(['-', '\''], "").as_str() {
        "MD5" => What::Is(Kind::Md5),
        "SHA1" => What::Is(Kind::Sha1),
        "SHA256" => What::Is(Kind::Sha256),
        "IMPHASH" => What::Is(Kind::Imphash),
        _ => What::Content,
    };
    match (object, property) {
        ("file", "name") => What::Is(Kind::FileName),
        ("file", "parent_directory_ref.path") | ("directory", "path") => What::Is(Kind::Folder),
        ("file", "size" | "magic_number_hex" | "mime_type" | "content_ref" | "extensions") => What::Content,
        ("file", p) if p.starts_with("hashes.") => hash(&p["hashes.".len()..]),
        ("file", p) if p.starts_with("extensions.") => What::Content,
        ("ipv4-addr" | "ipv6-addr", "value") => What::Is(Kind::Ip),
        ("domain-name", "value") => What::Is(Kind::Domain),
        ("url", "value") => What::Url,
        ("network-traffic", "src_ref.value") => What::HostAt(Kind::SourceIp),
        ("network-traffic", "dst_ref.value") => What::HostAt(Kind::DestinationIp),
        ("network-traffic", "src_port") => What::Is(Kind::SourcePort),
        ("network-traffic", "dst_port") => What::Is(Kind::DestinationPort),
        ("windows-registry-key", "key") => What::Is(Kind::RegistryKey),
        ("windows-registry-key", "values[*].name") => What::Is(Kind::RegistryValue),
        ("windows-registry-key", "values[*].data") => What::Is(Kind::RegistryData),
        ("process", "command_line") => What::Is(Kind::CommandLine),
        ("process", "name" | "binary_ref.name" | "image_ref.name") => What::Is(Kind::Process),
        ("process", p) => match p.split_once(".hashes.") {
            Some(("binary_ref" | "image_ref", rest)) => hash(rest),
            _ => What::Hidden,
        },
        _ => What::Hidden,
    }
}
