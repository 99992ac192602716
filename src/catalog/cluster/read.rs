//! Reading hits: those that are visible, by number.
use super::{
    Cluster,
    documents::{self, all_of, any_of, matching, seen},
};
use crate::{
    catalog::{HitFilter, HitPage, StoredHit},
    elastic::groups::by,
    error::Result,
    event::{EventId, Scope, Time, detection::Hit},
};
use serde_json::{Value, json};
use std::{cmp::Reverse, collections::HashMap};

/// Hits of one answer of the cluster.
const PIECE: usize = 2_000;
/// Searches of one request.
const SEARCHES: usize = 50;
/// Events asked for at once.
const EVENTS: usize = 1_000;

impl Cluster {
    /// The filters of a scope and a filter, on what is visible now.
    async fn filters(
        &self,
        scope: &Scope,
        filter: &HitFilter,
        after: Option<u64>,
        before: Option<u64>,
    ) -> Result<Value> {
        let filters = [seen(&self.state().await?, scope, after, before), matching(filter)].concat();
        Ok(all_of(&filters))
    }

    /// The first hits in the order of their numbers, or the last ones, downwards. Pages go on behind the number of the
    /// last hit; what is written meanwhile has a greater one, or is not looked for.
    async fn in_order(&self, query: &Value, descending: bool, first: usize) -> Result<Vec<StoredHit>> {
        let mut hits: Vec<StoredHit> = Vec::new();
        while hits.len() < first {
            let size = (first - hits.len()).min(PIECE);
            let order = if descending { "desc" } else { "asc" };
            let mut body =
                json!({ "query": query, "sort": [{ "number": order }], "size": size, "track_total_hits": false });
            if let Some(last) = hits.last() {
                body["search_after"] = json!([last.number]);
            }
            let mut answer = self.elastic.search(&self.index, &body).await?;
            let Value::Array(found) = answer["hits"]["hits"].take() else { break };
            let got = found.len();
            for mut found in found {
                hits.push(documents::read(&mut found)?);
            }
            if got < size {
                break;
            }
        }
        Ok(hits)
    }

    pub(super) async fn missed(
        &self,
        scope: &Scope,
        filter: &HitFilter,
        after: u64,
        max: usize,
    ) -> Result<Vec<StoredHit>> {
        let query = self.filters(scope, filter, Some(after), None).await?;
        self.in_order(&query, false, max).await
    }

    pub(super) async fn hit_page(
        &self,
        scope: &Scope,
        filter: &HitFilter,
        before: Option<u64>,
        first: usize,
    ) -> Result<HitPage> {
        let query = self.filters(scope, filter, None, before).await?;
        let mut hits = self.in_order(&query, true, first.saturating_add(1)).await?;
        let more = hits.len() > first;
        hits.truncate(first);
        Ok(HitPage { hits, more })
    }

    pub(super) async fn first_pages(&self, scope: &Scope, filters: &[HitFilter], first: usize) -> Result<Vec<HitPage>> {
        let visible = seen(&self.state().await?, scope, None, None);
        let size = first.saturating_add(1).min(PIECE);
        let body = |filter: &HitFilter| {
            let query = all_of(&[visible.clone(), matching(filter)].concat());
            json!({ "query": query, "sort": [{ "number": "desc" }], "size": size, "track_total_hits": false })
        };
        let mut pages = Vec::with_capacity(filters.len());
        for some in filters.chunks(SEARCHES) {
            let bodies: Vec<Value> = some.iter().map(body).collect();
            for mut answer in self.elastic.searches(&self.index, &bodies).await? {
                let mut hits = Vec::new();
                if let Value::Array(found) = answer["hits"]["hits"].take() {
                    hits = found.into_iter().map(|mut f| documents::read(&mut f)).collect::<Result<_>>()?;
                }
                let more = hits.len() > first;
                hits.truncate(first);
                pages.push(HitPage { hits, more });
            }
        }
        Ok(pages)
    }

    pub(super) async fn hit_count(&self, scope: &Scope, filter: &HitFilter) -> Result<u64> {
        self.elastic.count(&self.index, &self.filters(scope, filter, None, None).await?).await
    }

    pub(super) async fn of_events(&self, scope: &Scope, ids: &[EventId]) -> Result<Vec<Vec<Hit>>> {
        let visible = seen(&self.state().await?, scope, None, None);
        let mut found: HashMap<EventId, Vec<Hit>> = HashMap::new();
        let mut asked = ids.to_vec();
        asked.sort_unstable();
        asked.dedup();
        for some in asked.chunks(EVENTS) {
            let texts: Vec<String> = some.iter().map(ToString::to_string).collect();
            let filters = [visible.clone(), vec![any_of("event", &texts)]].concat();
            for StoredHit { hit, .. } in self.in_order(&all_of(&filters), false, usize::MAX).await? {
                found.entry(hit.event_id).or_default().push(hit);
            }
        }
        Ok(ids.iter().map(|id| found.get(id).cloned().unwrap_or_default()).collect())
    }

    pub(super) async fn last_of_rules(&self, scope: &Scope, ids: &[String]) -> Result<Vec<Option<Time>>> {
        let visible = seen(&self.state().await?, scope, None, None);
        let mut last: HashMap<String, Time> = HashMap::new();
        let filters = [visible, vec![any_of("rule", ids)]].concat();
        let keep = |g: crate::elastic::groups::Group| {
            last.insert(g.text("rule").to_owned(), Time(g.last));
            Ok(true)
        };
        self.elastic.groups(&self.index, &all_of(&filters), &[by("rule", "rule")], Some("time"), keep).await?;
        Ok(ids.iter().map(|id| last.get(&documents::term(id)).copied()).collect())
    }

    /// Hits per value of a field, most first.
    pub(super) async fn hits_per(&self, field: &str, scope: &Scope, filter: &HitFilter) -> Result<Vec<(String, u64)>> {
        let query = self.filters(scope, filter, None, None).await?;
        let mut counts = Vec::new();
        let keep = |g: crate::elastic::groups::Group| {
            counts.push((g.text(field).to_owned(), g.events));
            Ok(true)
        };
        self.elastic.groups(&self.index, &query, &[by(field, field)], None, keep).await?;
        counts.sort_by(|a, b| (Reverse(a.1), &a.0).cmp(&(Reverse(b.1), &b.0)));
        Ok(counts)
    }
}
