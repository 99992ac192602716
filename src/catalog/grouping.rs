//! How hits make alerts, and what a change makes of one: the same in every catalog.
use super::{Alert, AlertChange, AlertStatus, AuditEntry, StoredHit};
use crate::{
    error::Result,
    event::{Time, detection::Hit},
};
use std::collections::BTreeMap;

/// `since` of the first alert of a rule and host; part of the stored form.
pub const START: Time = Time(-i64::MAX);

/// An alert with what only the catalog asks.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Standing {
    #[serde(flatten)]
    pub alert: Alert,
    /// Id of its latest hit.
    pub last_id: Option<String>,
    /// People have worked on it: a rebuild keeps it.
    #[serde(default)]
    pub touched: bool,
}

/// The greatest numbers given so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbers {
    pub alerts: u64,
    pub changes: u64,
}

impl Numbers {
    pub const fn change(&mut self) -> u64 {
        self.changes += 1;
        self.changes
    }
}

/// By rule and host.
pub type Pair = (String, String);

/// Hits by the pair that they belong to.
pub fn pairs<'h, H>(hits: impl IntoIterator<Item = &'h H>, of: impl Fn(&H) -> &Hit) -> BTreeMap<Pair, Vec<&'h H>> {
    let mut pairs = BTreeMap::<Pair, Vec<&H>>::new();
    for item in hits {
        let hit = of(item);
        pairs.entry((hit.rule_id.clone(), hit.host.clone())).or_default().push(item);
    }
    pairs
}

/// Which alert of a pair a time belongs to, by its `since`: one that may have to be made.
pub fn since(of_pair: &[Standing], time: Time) -> Time {
    of_pair
        .iter()
        .filter(|s| !s.alert.gone)
        .filter_map(|s| s.alert.until)
        .filter(|until| *until < time)
        .max()
        .unwrap_or(START)
}

/// Adds new hits of a pair to its alerts; those that are gone may be among them, also by changes of the same transaction,
/// which are those above `begun`. What is new or different has a change number above those given before. A closed alert
/// that gets a hit which nobody can have seen is open again; its span stays, so that the order of arrival does not decide
/// where later hits belong. Returns what the audit log says of such.
///
/// # Errors
/// Does not fail for texts.
pub fn grow(
    of_pair: &mut Vec<Standing>,
    hits: &[&StoredHit],
    begun: u64,
    numbers: &mut Numbers,
) -> Result<Vec<AuditEntry>> {
    let mut spans = BTreeMap::<Time, Vec<&StoredHit>>::new();
    let mut reopened = Vec::new();
    for stored in hits {
        spans.entry(since(of_pair, stored.hit.time)).or_default().push(stored);
    }
    for (since, hits) in spans {
        let at = match of_pair.iter().position(|s| s.alert.since == since) {
            Some(at) if of_pair[at].alert.gone => {
                numbers.alerts += 1;
                let gone = &of_pair[at].alert;
                // What goes and comes at once was always there.
                let lost = gone.lost - u64::from(gone.change > begun && gone.lost > 0);
                of_pair[at] = new(&hits[0].hit, since, numbers.alerts)?;
                of_pair[at].alert.lost = lost;
                at
            }
            Some(at) => at,
            None => {
                numbers.alerts += 1;
                of_pair.push(new(&hits[0].hit, since, numbers.alerts)?);
                of_pair.len() - 1
            }
        };
        let Standing { alert, last_id, .. } = &mut of_pair[at];
        alert.change = numbers.change();
        let news = hits.iter().find(|s| s.again.is_empty());
        if let Some(news) = news.filter(|_| alert.status == AlertStatus::Closed) {
            let closed = alert.clone();
            (alert.status, alert.reason) = (AlertStatus::New, None);
            alert.reopened += 1;
            let mut detail = difference(&closed, alert);
            detail["hit"] = news.hit.id.as_str().into();
            reopened.push(AuditEntry::new("", "reopenAlert", &alert.id, &detail));
        }
        for StoredHit { hit, .. } in hits {
            alert.hits += 1;
            alert.first_hit = Some(alert.first_hit.map_or(hit.time, |t| t.min(hit.time)));
            if (alert.last_hit, last_id.as_deref()) < (Some(hit.time), Some(&hit.id)) {
                (alert.last_hit, *last_id) = (Some(hit.time), Some(hit.id.clone()));
                (alert.title, alert.level) = (hit.rule_title.clone(), hit.level.clone());
            }
        }
    }
    Ok(reopened)
}

/// Id of the alert of a rule and host that begins at `since`; part of the stored form.
///
/// # Errors
/// Does not fail for texts.
pub fn id(rule_id: &str, host: &str, since: Time) -> Result<String> {
    Ok(serde_json::to_string(&(rule_id, host, since))?)
}

fn new(hit: &Hit, since: Time, number: u64) -> Result<Standing> {
    let alert = Alert {
        id: id(&hit.rule_id, &hit.host, since)?,
        number,
        change: 0,
        rule_id: hit.rule_id.clone(),
        host: hit.host.clone(),
        since,
        until: None,
        title: String::new(),
        level: String::new(),
        first_hit: None,
        last_hit: None,
        hits: 0,
        status: AlertStatus::New,
        reason: None,
        assignee: None,
        tags: Vec::new(),
        reopened: 0,
        lost: 0,
        gone: false,
    };
    Ok(Standing { alert, last_id: None, touched: false })
}

/// What is left of an alert's hits when some are withdrawn.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Left {
    pub hits: u64,
    pub first: Option<Time>,
    /// The latest, by time and then id.
    pub latest: Option<Latest>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Latest {
    pub id: String,
    pub time: Time,
    pub title: String,
    pub level: String,
}

/// Counts an alert anew. One without a hit that nobody has worked on is gone.
pub fn shrink(standing: &mut Standing, left: Left, numbers: &mut Numbers) {
    let Standing { alert, last_id, touched } = standing;
    alert.change = numbers.change();
    (alert.hits, alert.first_hit) = (left.hits, left.first);
    (alert.last_hit, *last_id) = (None, None);
    if let Some(latest) = left.latest {
        (alert.last_hit, *last_id) = (Some(latest.time), Some(latest.id));
        (alert.title, alert.level) = (latest.title, latest.level);
    }
    alert.gone = alert.hits == 0 && !*touched;
    alert.lost += u64::from(alert.gone);
}

/// What a change makes of an alert, with the number that it had; `followed`: there is a later alert of its pair, which
/// begins where this one ends.
pub fn changed(alert: &Alert, wanted: &AlertChange, at: Time, followed: bool) -> Alert {
    let mut new = alert.clone();
    if let Some((status, reason)) = &wanted.status {
        new.status = *status;
        new.reason = reason.clone().filter(|_| *status == AlertStatus::Closed);
        match (*status == AlertStatus::Closed, alert.until) {
            // A hit that belongs here keeps belonging here, also when it comes late.
            (true, None) => new.until = Some(alert.last_hit.unwrap_or(at)),
            // Later hits belong to it again, unless they have an alert of their own.
            (false, Some(_)) if !followed => new.until = None,
            _ => {}
        }
    }
    if let Some(assignee) = &wanted.assignee {
        new.assignee = Some(assignee.clone()).filter(|a| !a.is_empty());
    }
    new.tags.retain(|t| !wanted.remove_tags.contains(t));
    new.tags.extend(wanted.add_tags.iter().cloned());
    new.tags.sort();
    new.tags.dedup();
    new
}

/// What the audit log says of a change.
pub fn difference(from: &Alert, to: &Alert) -> serde_json::Value {
    let detail = |a: &Alert| {
        let (status, reason, assignee, tags) = (a.status, &a.reason, &a.assignee, &a.tags);
        serde_json::json!({"status": status, "reason": reason, "assignee": assignee, "tags": tags})
    };
    serde_json::json!({"from": detail(from), "to": detail(to)})
}
