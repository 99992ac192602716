//! What a reader finds: each statement becomes indicators and issues at once, within bounds, so that no form of a file
//! takes much more memory than the file itself.
use super::expr::Expr;
use crate::event::{
    Time,
    indicator::{Indicator, Kind, Relation, Tlp},
    text,
};
use std::collections::{HashMap, HashSet};

/// Indicators of one import.
const MAX_INDICATORS: usize = 500_000;
/// Parts of one import that cannot be used. Whoever has more has no report before him.
const MAX_ISSUES: usize = 100_000;
/// Characters of what is taken over from a report to name a thing.
const MAX_NAME: usize = 400;
const MAX_REASON: usize = 2_000;

/// One statement of a report.
pub struct Found {
    /// Id of the object, or its line.
    pub origin: String,
    pub title: String,
    pub valid_from: Option<Time>,
    pub valid_until: Option<Time>,
    pub tlp: Option<Tlp>,
    pub expr: Expr,
}

#[derive(Default)]
pub struct Findings {
    indicators: Vec<Indicator>,
    composites: Vec<(Indicator, Expr)>,
    /// Where the indicator of a value stands in its list.
    known: HashMap<(Kind, Relation, String), usize>,
    /// Position and reason.
    issues: Vec<(String, String)>,
    told: HashSet<(String, String)>,
    /// Why the file is refused as a whole.
    over: Option<String>,
}

/// All of a file.
pub struct Settled {
    /// No two of one kind, relation and value; in that order.
    pub indicators: Vec<Indicator>,
    /// By their text.
    pub composites: Vec<(Indicator, Expr)>,
    /// Position and reason.
    pub issues: Vec<(String, String)>,
}

impl Findings {
    pub fn issue(&mut self, position: impl Into<String>, reason: impl Into<String>) {
        if self.over.is_some() {
            return;
        }
        // A part that is referred to many times is one issue for each that refers to it.
        let issue = (shortened(position.into(), MAX_NAME), shortened(reason.into(), MAX_REASON));
        if self.told.contains(&issue) {
            return;
        }
        if self.issues.len() >= MAX_ISSUES {
            self.over = Some(format!("more than {MAX_ISSUES} parts of it are of no use here: split the file"));
            return;
        }
        self.told.insert(issue.clone());
        self.issues.push(issue);
    }

    /// From when and until when an object holds; a day that ends it belongs to it. `None` where its end cannot be read:
    /// it would hold for ever.
    pub fn validity(
        &mut self,
        position: &str,
        from: Option<&str>,
        until: Option<&str>,
    ) -> Option<(Option<Time>, Option<Time>)> {
        let mut read = |text: Option<&str>, end: bool, what: &str, then: &str| {
            let Some(text) = text.map(str::trim).filter(|t| !t.is_empty()) else { return Ok(None) };
            let day = Time::day(text).map(|(begin, behind)| if end { behind } else { begin });
            let time = Time::parse(text).or(day);
            if time.is_none() {
                self.issue(position, format!("{what} '{}' is no time{then}", shown(text)));
            }
            time.map(Some).ok_or(())
        };
        let until = read(until, true, "the end of validity", ": left out, as it would hold for ever").ok()?;
        Some((read(from, false, "the beginning of validity", "").ok().flatten(), until))
    }

    pub fn is_empty(&self) -> bool {
        self.indicators.is_empty() && self.composites.is_empty()
    }

    /// Takes over what Sysmon can see of a statement.
    pub fn push(&mut self, mut found: Found) {
        if self.over.is_some() {
            return;
        }
        found.origin = shortened(found.origin, MAX_NAME);
        found.title = shortened(found.title, MAX_NAME);
        let mut lost = Vec::new();
        let seen = std::mem::replace(&mut found.expr, Expr::Or(Vec::new())).seen(&mut lost);
        let parts = match seen {
            None => Vec::new(),
            Some(Expr::Or(parts)) => parts,
            Some(one) => vec![one],
        };
        for part in parts {
            match part.check() {
                Ok(()) => self.part(&found, part),
                Err(why) => lost.push(why),
            }
        }
        for why in lost {
            self.issue(&found.origin, why);
        }
    }

    fn part(&mut self, found: &Found, part: Expr) {
        let (kind, relation, value) = match &part {
            Expr::Leaf(l) => (l.kind, l.relation, l.value.clone()),
            composite => (Kind::Composite, Relation::Equals, composite.to_string()),
        };
        let key = (kind, relation, text::fold(&value));
        if let Some(&at) = self.known.get(&key) {
            let known = match kind {
                Kind::Composite => self.composites.get_mut(at).map(|(i, _)| i),
                _ => self.indicators.get_mut(at),
            };
            if let Some(known) = known {
                widen(known, found);
            }
            return;
        }
        if self.known.len() >= MAX_INDICATORS {
            self.over = Some(format!("more than {MAX_INDICATORS} indicators: split the file"));
            return;
        }
        let indicator = Indicator {
            kind,
            relation,
            value,
            origin: found.origin.clone(),
            title: found.title.clone(),
            valid_from: found.valid_from,
            valid_until: found.valid_until,
            tlp: found.tlp,
            rule_id: String::new(),
        };
        let at = if kind == Kind::Composite {
            self.composites.push((indicator, part));
            self.composites.len() - 1
        } else {
            self.indicators.push(indicator);
            self.indicators.len() - 1
        };
        self.known.insert(key, at);
    }

    /// # Errors
    /// Why the file is too large.
    pub fn settled(mut self) -> Result<Settled, String> {
        if let Some(why) = self.over {
            return Err(why);
        }
        self.indicators.sort_by(|a, b| (a.kind, a.relation, &a.value).cmp(&(b.kind, b.relation, &b.value)));
        self.composites.sort_by(|(a, _), (b, _)| a.value.cmp(&b.value));
        Ok(Settled { indicators: self.indicators, composites: self.composites, issues: self.issues })
    }
}

/// Said twice, a value holds whenever one of the two does, and is as secret as the more secret one.
fn widen(known: &mut Indicator, found: &Found) {
    known.valid_from = known.valid_from.zip(found.valid_from).map(|(a, b)| a.min(b));
    known.valid_until = known.valid_until.zip(found.valid_until).map(|(a, b)| a.max(b));
    known.tlp = known.tlp.max(found.tlp);
}

/// What a report calls a thing, to be shown.
pub fn shown(text: &str) -> String {
    // Four bytes are one character at least; a longer text is not copied as a whole.
    let most = text.floor_char_boundary(4 * (MAX_NAME + 1));
    shortened(text.get(..most).unwrap_or_default().to_owned(), MAX_NAME)
}

fn shortened(mut text: String, most: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(most) {
        text.truncate(end);
        text.push('…');
        text.shrink_to_fit();
    }
    text
}
