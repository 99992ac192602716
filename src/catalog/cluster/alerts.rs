//! Alerts, comments and the audit log. Who changes them holds the lock of detect.
use super::{
    Cluster,
    documents::{self, one},
    hits::time,
    nodes::{self, All, Count, Kind, Row, Space, limit, thing, things, to_bolt},
    state::{Detected, lock_detected},
};
use crate::{
    catalog::{
        Alert, AlertChange, AlertFilter, AlertGroup, AlertPage, AuditEntry, Comment, StoredHit,
        grouping::{self, Latest, Left, Pair, Standing},
    },
    error::Result,
    event::{Scope, Time, detection::Hit, normal_host},
    neo4j::{Transaction, cypher, transact, transact_most},
};
use neo4rs::Query;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
};

/// Searches of one request.
const SEARCHES: usize = 100;

fn pair_list(space: &Space, rule: &str, host: &str) -> String {
    space.list_of(Kind::Pair, &[rule, host])
}

fn row(space: &Space, standing: &Standing) -> Result<Row> {
    let a = &standing.alert;
    let text = format!("{}\n{}\n{}", a.title, a.rule_id, a.host).to_ascii_lowercase();
    let row = Row::new(space.key(Kind::Alert, &[&a.id]), Kind::Alert, standing)?;
    let row = row.list(space.list(Kind::Alert)).with("text", text);
    // One that is gone takes no hits.
    Ok(if a.gone { row } else { row.of(pair_list(space, &a.rule_id, &a.host)) })
}

/// What belongs to a thing.
#[derive(Deserialize)]
struct Of {
    of: String,
    all: Value,
}

/// The alerts of each pair, by pair.
async fn of_pairs(
    t: &mut Transaction,
    space: &Space,
    pairs: impl IntoIterator<Item = Pair>,
) -> Result<BTreeMap<Pair, Vec<Standing>>> {
    let lists: HashMap<String, Pair> = pairs.into_iter().map(|p| (pair_list(space, &p.0, &p.1), p)).collect();
    let ofs: Vec<String> = lists.keys().cloned().collect();
    let mut found: BTreeMap<Pair, Vec<Standing>> = lists.values().map(|p| (p.clone(), Vec::new())).collect();
    for some in ofs.chunks(crate::neo4j::ROWS) {
        for Of { of, all } in t.rows(cypher!("cypher/read/catalog_of.cypher").param("ofs", some.to_vec())).await? {
            if let Some(of_pair) = lists.get(&of).and_then(|p| found.get_mut(p)) {
                of_pair.push(thing(all)?);
            }
        }
    }
    Ok(found)
}

/// Takes the hits that are gone from their alerts, and adds those that are new.
pub async fn change(
    cluster: &Cluster,
    t: &mut Transaction,
    state: &mut Detected,
    gone: &[&Hit],
    new: &[StoredHit],
) -> Result<()> {
    if gone.is_empty() && new.is_empty() {
        return Ok(());
    }
    let space = &cluster.space;
    let new = grouping::pairs(new, |s| &s.hit);
    let left_from = grouping::pairs(gone, |hit| *hit);
    let pairs: BTreeSet<Pair> = new.keys().chain(left_from.keys()).cloned().collect();
    let mut known = of_pairs(t, space, pairs).await?;
    let before = state.numbers();
    let mut now = before;

    let mut places: BTreeMap<u64, (&Pair, usize)> = BTreeMap::new();
    for (pair, hits) in &left_from {
        let Some(of_pair) = known.get(pair) else { continue };
        let ends: BTreeSet<Time> = hits.iter().map(|h| grouping::since(of_pair, h.time)).collect();
        let at = of_pair.iter().enumerate().filter(|(_, s)| ends.contains(&s.alert.since));
        places.extend(at.map(|(n, s)| (s.alert.number, (pair, n))));
    }
    let asked: Vec<&Alert> = places.values().filter_map(|(pair, n)| Some(&known.get(*pair)?.get(*n)?.alert)).collect();
    let left = cluster.left(state, &asked, gone).await?;
    for ((pair, n), left) in places.into_values().zip(left) {
        if let Some(standing) = known.get_mut(pair).and_then(|of_pair| of_pair.get_mut(n)) {
            grouping::shrink(standing, left, &mut now);
        }
    }
    remember(t, space, &new, &mut known).await?;

    let call = uuid::Uuid::now_v7().to_string();
    let mut entries = Vec::new();
    for (pair, hits) in &new {
        if let Some(of_pair) = known.get_mut(pair) {
            for entry in grouping::grow(of_pair, hits, before.changes, &mut now)? {
                entries.push(audit(space, state, &call, entry)?);
            }
        }
    }
    nodes::put(t, entries).await?;
    let changed = known.values().flatten().filter(|s| s.alert.change > before.changes);
    nodes::put(t, changed.map(|s| row(space, s)).collect::<Result<_>>()?).await?;
    state.set_numbers(now);
    Ok(())
}

/// Adds the alerts of new hits that are gone: they stand in no list of a pair.
async fn remember(
    t: &mut Transaction,
    space: &Space,
    new: &BTreeMap<Pair, Vec<&StoredHit>>,
    known: &mut BTreeMap<Pair, Vec<Standing>>,
) -> Result<()> {
    let mut asked: Vec<(&Pair, String)> = Vec::new();
    for (pair, hits) in new {
        let of_pair = known.get(pair).map(Vec::as_slice).unwrap_or_default();
        let places: BTreeSet<Time> = hits.iter().map(|h| grouping::since(of_pair, h.hit.time)).collect();
        for since in places.into_iter().filter(|since| !of_pair.iter().any(|s| s.alert.since == *since)) {
            asked.push((pair, space.key(Kind::Alert, &[&grouping::id(&pair.0, &pair.1, since)?])));
        }
    }
    for some in asked.chunks(crate::neo4j::ROWS) {
        let found = nodes::known::<Standing>(t, some.iter().map(|(_, key)| key.clone()).collect()).await?;
        for ((pair, _), standing) in some.iter().zip(found) {
            if let Some(of_pair) = known.get_mut(*pair) {
                of_pair.extend(standing.filter(|s| s.alert.gone));
            }
        }
    }
    Ok(())
}

/// Each alert is changed; those that nobody has worked on are gone.
pub async fn forget_hits(t: &mut Transaction, space: &Space, state: &mut Detected) -> Result<()> {
    let query = cypher!("cypher/write/catalog_forget_alerts.cypher")
        .param("list", space.list(Kind::Alert))
        .param("change", to_bolt(state.changes));
    let changed = t.rows::<Count>(query).await?.first().map_or(0, |c| u64::try_from(c.count).unwrap_or(0));
    state.changes += changed;
    Ok(())
}

/// Adds the scope and the filter to a statement over alerts.
fn asking(query: Query, space: &Space, scope: &Scope, filter: &AlertFilter) -> Query {
    let hosts = match scope {
        Scope::All => None,
        Scope::Hosts(hosts) => Some(hosts.to_vec()),
    };
    let some = |list: Vec<String>| (!list.is_empty()).then_some(list);
    query
        .param("list", space.list(Kind::Alert))
        .param("hosts", hosts)
        .param("ids", filter.ids.clone())
        .param("statuses", some(filter.statuses.iter().map(|s| s.as_str().to_owned()).collect()))
        .param("levels", some(filter.levels.clone()))
        .param("rule", filter.rule_id.clone())
        .param("host", filter.host.as_deref().map(normal_host))
        .param("assignee", filter.assignee.clone())
        .param("tag", filter.tag.clone())
        .param("from", filter.period.from.map(|t| t.0))
        .param("to", filter.period.to.map(|t| t.0))
        .param("text", filter.text.as_ref().map(|t| t.to_ascii_lowercase()))
}

fn newest(space: &Space, scope: &Scope, filter: &AlertFilter, before: Option<u64>, first: usize) -> Query {
    asking(cypher!("cypher/read/catalog_alerts.cypher"), space, scope, filter)
        .param("before", before.map_or(i64::MAX, to_bolt))
        .param("limit", limit(first))
}

fn alerts(rows: Vec<All>) -> Result<Vec<Alert>> {
    Ok(things::<Standing>(rows)?.into_iter().map(|s| s.alert).collect())
}

pub fn audit(space: &Space, state: &mut Detected, call: &str, mut entry: AuditEntry) -> Result<Row> {
    state.audit += 1;
    entry.number = state.audit;
    let row = Row::new(space.key(Kind::Audit, &[call, &entry.object]), Kind::Audit, &entry)?;
    Ok(row.list(space.list(Kind::Audit)))
}

#[derive(Serialize, Deserialize)]
struct StoredComment {
    alert_id: String,
    #[serde(flatten)]
    comment: Comment,
}

impl Cluster {
    /// What is left of each alert when the hits that are gone are left out.
    async fn left(&self, state: &Detected, alerts: &[&Alert], gone: &[&Hit]) -> Result<Vec<Left>> {
        let ids: Vec<&str> = gone.iter().map(|h| h.id.as_str()).collect();
        let body = |a: &Alert| {
            let mut filters = documents::seen(state, &Scope::All, None, None);
            let upto = a.until.map_or(i64::MAX, |t| t.0);
            filters.push(json!({ "range": { "time": { "gt": a.since, "lte": upto } } }));
            filters.extend([one("rule", &a.rule_id), one("host", &a.host)]);
            json!({
                "query": { "bool": { "filter": filters, "must_not": { "ids": { "values": ids } } } },
                "size": 1, "track_total_hits": true, "sort": [{ "time": "desc" }, { "id": "desc" }],
                "aggs": { "first": { "min": { "field": "time" } } },
            })
        };
        let mut left = Vec::with_capacity(alerts.len());
        for some in alerts.chunks(SEARCHES) {
            let bodies: Vec<Value> = some.iter().map(|a| body(a)).collect();
            for mut answer in self.elastic.searches(&self.index, &bodies).await? {
                let hits = answer["hits"]["total"]["value"].as_u64().unwrap_or(0);
                let first = time(&answer["aggregations"]["first"]["value"]);
                let latest = match answer["hits"]["hits"].get_mut(0) {
                    None => None,
                    Some(found) => {
                        let hit = documents::read(found)?.hit;
                        Some(Latest { id: hit.id, time: hit.time, title: hit.rule_title, level: hit.level })
                    }
                };
                left.push(Left { hits, first, latest });
            }
        }
        Ok(left)
    }

    pub(super) async fn alert_page(
        &self,
        scope: &Scope,
        filter: &AlertFilter,
        before: Option<u64>,
        first: usize,
    ) -> Result<AlertPage> {
        let query = newest(&self.space, scope, filter, before, first.saturating_add(1));
        let mut alerts = alerts(self.neo4j.rows(query).await?)?;
        let more = alerts.len() > first;
        alerts.truncate(first);
        Ok(AlertPage { alerts, more })
    }

    pub(super) async fn alerts_changed(
        &self,
        scope: &Scope,
        filter: &AlertFilter,
        after: u64,
        max: usize,
    ) -> Result<Vec<Alert>> {
        let query = asking(cypher!("cypher/read/catalog_alerts_since.cypher"), &self.space, scope, filter)
            .param("after", to_bolt(after))
            .param("limit", limit(max));
        alerts(self.neo4j.rows(query).await?)
    }

    /// Alerts per name; those of a group without a name have an empty one.
    async fn alert_groups(
        &self,
        scope: &Scope,
        filter: &AlertFilter,
        by: AlertGroup,
    ) -> Result<Vec<(Option<String>, u64)>> {
        #[derive(Deserialize)]
        struct Group {
            name: Option<String>,
            count: i64,
        }
        let by = match by {
            AlertGroup::Rule => "rule",
            AlertGroup::Host => "host",
            AlertGroup::Day => "day",
        };
        let query = asking(cypher!("cypher/read/catalog_alerts_per.cypher"), &self.space, scope, filter);
        let groups = self.neo4j.rows::<Group>(query.param("by", by)).await?;
        Ok(groups.into_iter().map(|g| (g.name, u64::try_from(g.count).unwrap_or(0))).collect())
    }

    pub(super) async fn alert_count(&self, scope: &Scope, filter: &AlertFilter) -> Result<u64> {
        Ok(self.alert_groups(scope, filter, AlertGroup::Rule).await?.iter().map(|g| g.1).sum())
    }

    pub(super) async fn alert_counts(
        &self,
        scope: &Scope,
        filter: &AlertFilter,
        by: AlertGroup,
    ) -> Result<Vec<(String, u64)>> {
        let groups = self.alert_groups(scope, filter, by).await?;
        let mut groups: Vec<(String, u64)> = groups.into_iter().filter_map(|(name, n)| Some((name?, n))).collect();
        match by {
            AlertGroup::Day => groups.sort(),
            AlertGroup::Rule | AlertGroup::Host => {
                groups.sort_by(|a, b| (Reverse(a.1), &a.0).cmp(&(Reverse(b.1), &b.0)))
            }
        }
        Ok(groups)
    }

    pub(super) async fn change_alerts(
        &self,
        scope: &Scope,
        filter: &AlertFilter,
        wanted: &AlertChange,
        by: &str,
        at: Time,
    ) -> Result<u64> {
        let call = uuid::Uuid::now_v7().to_string();
        transact_most!(self.neo4j, t => self.change_alerts_in(&mut t, scope, filter, wanted, (by, at, &call)).await)
    }

    async fn change_alerts_in(
        &self,
        t: &mut Transaction,
        scope: &Scope,
        filter: &AlertFilter,
        wanted: &AlertChange,
        (by, at, call): (&str, Time, &str),
    ) -> Result<u64> {
        let mut state = lock_detected(t, &self.space).await?;
        let found = t.rows(newest(&self.space, scope, filter, None, usize::MAX)).await?;
        let mut found: Vec<Standing> = things(found)?;
        found.sort_by_key(|s| s.alert.number);
        let ended = found.iter().map(|s| &s.alert).filter(|a| a.until.is_some());
        let ended: BTreeSet<Pair> = ended.map(|a| (a.rule_id.clone(), a.host.clone())).collect();
        let of_pairs = of_pairs(t, &self.space, ended).await?;
        let begins: BTreeSet<(&str, &str, Time)> = of_pairs
            .values()
            .flatten()
            .map(|s| (s.alert.rule_id.as_str(), s.alert.host.as_str(), s.alert.since))
            .collect();
        let mut now = state.numbers();
        let (mut rows, mut entries) = (Vec::new(), Vec::new());
        for old in found {
            let Alert { rule_id, host, until, .. } = &old.alert;
            let followed = until.is_some_and(|until| begins.contains(&(rule_id, host, until)));
            let mut new = grouping::changed(&old.alert, wanted, at, followed);
            if new == old.alert {
                continue;
            }
            new.change = now.change();
            let detail = grouping::difference(&old.alert, &new).to_string();
            let (by, action, object) = (by.to_owned(), "updateAlert".to_owned(), new.id.clone());
            entries.push(audit(
                &self.space,
                &mut state,
                call,
                AuditEntry { number: 0, at, by, action, object, detail },
            )?);
            rows.push(row(&self.space, &Standing { alert: new, touched: true, ..old })?);
        }
        let changed = rows.len() as u64;
        if changed > 0 {
            nodes::put(t, rows).await?;
            nodes::put(t, entries).await?;
            state.set_numbers(now);
            state.save(t, &self.space).await?;
        }
        Ok(changed)
    }

    pub(super) async fn add_comment(&self, scope: &Scope, alert_id: &str, comment: &Comment) -> Result<bool> {
        let call = uuid::Uuid::now_v7().to_string();
        transact!(self.neo4j, t => self.add_comment_in(&mut t, scope, alert_id, comment, &call).await)
    }

    async fn add_comment_in(
        &self,
        t: &mut Transaction,
        scope: &Scope,
        alert_id: &str,
        comment: &Comment,
        call: &str,
    ) -> Result<bool> {
        let space = &self.space;
        let mut state = lock_detected(t, space).await?;
        let found = nodes::known::<Standing>(t, vec![space.key(Kind::Alert, &[alert_id])]).await?;
        let found = found.into_iter().flatten().find(|s| !s.alert.gone && scope.allows(&s.alert.host));
        let Some(mut standing) = found else { return Ok(false) };
        standing.touched = true;
        let mut now = state.numbers();
        standing.alert.change = now.change();
        state.set_numbers(now);
        state.comments += 1;
        let stored = StoredComment { alert_id: alert_id.to_owned(), comment: comment.clone() };
        let comment_row = Row::new(space.key(Kind::Comment, &[call]), Kind::Comment, &stored)?
            .of(space.list_of(Kind::Comment, &[alert_id]))
            .number(state.comments);
        let entry = AuditEntry {
            number: 0,
            at: comment.at,
            by: comment.by.clone(),
            action: "commentAlert".into(),
            object: alert_id.to_owned(),
            detail: json!({ "text": comment.text }).to_string(),
        };
        let entry = audit(space, &mut state, call, entry)?;
        nodes::put(t, vec![row(space, &standing)?, comment_row, entry]).await?;
        state.save(t, space).await?;
        Ok(true)
    }

    pub(super) async fn comments(&self, scope: &Scope, alert_ids: &[String]) -> Result<Vec<Vec<Comment>>> {
        let keys = alert_ids.iter().map(|id| self.space.key(Kind::Alert, &[id])).collect();
        let alerts = nodes::by_keys::<Standing>(&self.neo4j, keys).await?;
        let seen: HashSet<String> =
            alerts.into_iter().flatten().map(|s| s.alert).filter(|a| scope.allows(&a.host)).map(|a| a.id).collect();
        let ofs: Vec<String> = seen.iter().map(|id| self.space.list_of(Kind::Comment, &[id])).collect();
        let rows = self.neo4j.rows::<All>(cypher!("cypher/read/catalog_of.cypher").param("ofs", ofs)).await?;
        let mut found: HashMap<String, Vec<Comment>> = HashMap::new();
        for stored in things::<StoredComment>(rows)? {
            found.entry(stored.alert_id).or_default().push(stored.comment);
        }
        Ok(alert_ids.iter().map(|id| found.get(id).cloned().unwrap_or_default()).collect())
    }

    pub(super) async fn alerts_of(&self, scope: &Scope, hits: &[Hit]) -> Result<Vec<Option<Alert>>> {
        let list = |h: &Hit| pair_list(&self.space, &h.rule_id, &h.host);
        let ofs: HashSet<String> = hits.iter().filter(|h| scope.allows(&h.host)).map(list).collect();
        let ofs: Vec<String> = ofs.into_iter().collect();
        let mut found: HashMap<String, Vec<Standing>> = HashMap::new();
        for some in ofs.chunks(crate::neo4j::ROWS) {
            let query = cypher!("cypher/read/catalog_of.cypher").param("ofs", some.to_vec());
            for Of { of, all } in self.neo4j.rows(query).await? {
                found.entry(of).or_default().push(thing(all)?);
            }
        }
        let alert = |hit: &Hit| {
            let of_pair = found.get(&list(hit))?;
            let since = grouping::since(of_pair, hit.time);
            of_pair.iter().find(|s| s.alert.since == since).map(|s| s.alert.clone())
        };
        Ok(hits.iter().map(alert).collect())
    }

    pub(super) async fn audit_entries(&self, before: Option<u64>, first: usize) -> Result<Vec<AuditEntry>> {
        let query = cypher!("cypher/read/catalog_newest.cypher")
            .param("list", self.space.list(Kind::Audit))
            .param("before", before.map_or(i64::MAX, to_bolt))
            .param("limit", limit(first));
        things(self.neo4j.rows(query).await?)
    }
}
