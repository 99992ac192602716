//! Imports of indicators, with their rules and issues. An import is one change for who looks, whatever its size: its
//! indicators are written first, some at a time, and stand in no list until the rest is there.
use super::{
    Cluster,
    documents::{all_of, any_of, one, seen},
    jobs,
    nodes::{self, Kind, Row, properties, things, to_bolt},
    rules::{self, CHANGES},
    state::Counter,
};
use crate::{
    catalog::{IndicatorFilter, StoredIndicator},
    error::{Issue, Result},
    event::{
        Scope, Time,
        detection::Rule,
        indicator::{Import, Indicator, Kind as Value},
        text::fold,
    },
    neo4j::{Transaction, cypher, transact, transact_most},
};
use neo4rs::{BoltType, Query};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Numbers indicators.
const NUMBERS: &str = "indicators";
/// Indicators of an import that takes longer are of one that was interrupted, in milliseconds.
const STAGED: i64 = 6 * 3_600_000;
/// Indicators written in one transaction.
const PIECE: usize = 5_000;
/// Searches of one request.
const SEARCHES: usize = 100;

#[derive(Clone, Serialize, Deserialize)]
struct StoredImport {
    #[serde(flatten)]
    import: Import,
    /// Names its indicators.
    call: String,
    /// Ids of its rules.
    of_rules: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Staged {
    call: String,
    number: i64,
}

impl Cluster {
    fn import_key(&self, id: &str) -> String {
        self.space.key(Kind::Import, &[id])
    }

    fn staged_key(&self, call: &str) -> String {
        self.space.key(Kind::Staged, &[call])
    }

    fn of_import(&self, call: &str) -> String {
        self.space.list_of(Kind::Import, &["call", call])
    }

    fn indicator_list(&self) -> String {
        self.space.list_of(Kind::Import, &["indicators"])
    }

    pub(super) async fn put_import(
        &self,
        import: &Import,
        indicators: &[Indicator],
        new_rules: &[Rule],
        issues: &[Issue],
    ) -> Result<()> {
        self.sweep().await?;
        let call = uuid::Uuid::now_v7().simple().to_string();
        let first = self.stage(&call, indicators.len() as u64).await?;
        for (n, some) in indicators.chunks(PIECE).enumerate() {
            let rows = some.iter().zip(first + (n * PIECE) as u64..);
            let rows = rows.map(|(i, number)| self.row(&call, import, i, number)).collect::<Result<Vec<_>>>()?;
            let from = to_bolt(first + (n * PIECE) as u64);
            let write = async |t: &mut Transaction| {
                // Those of an attempt whose answer was lost.
                let query = cypher!("cypher/write/catalog_delete_numbers.cypher").param("of", self.of_import(&call));
                t.run(query.param("from", from).param("to", from + rows.len() as i64)).await?;
                t.each(cypher!("cypher/write/catalog_indicators.cypher"), rows.clone()).await
            };
            transact!(self.neo4j, t => write(&mut t).await)?;
        }
        let mut of_rules: Vec<String> = indicators.iter().map(|i| i.rule_id.clone()).collect();
        of_rules.sort();
        of_rules.dedup();
        let stored = StoredImport { import: import.clone(), call, of_rules };
        let work = async |t: &mut Transaction| {
            let keep: Vec<&str> = new_rules.iter().map(|r| r.id.as_str()).collect();
            let mut changes = Counter::lock(t, &self.space, CHANGES).await?;
            let (_, gone) = self.drop_import_in(t, &import.id, &stored.call, &keep).await?;
            let row = Row::new(self.import_key(&import.id), Kind::Import, &stored)?;
            nodes::put(t, vec![row.list(self.space.list(Kind::Import)).number(0)]).await?;
            self.list_indicators(t, &stored.call, Some(self.indicator_list())).await?;
            nodes::delete(t, [self.staged_key(&stored.call)]).await?;
            if gone + rules::put(t, &self.space, new_rules).await? > 0 {
                changes.next();
                changes.save(t, &self.space, CHANGES).await?;
            }
            jobs::put_letters(t, &self.space, Some(&import.id), issues, &stored.call).await
        };
        let done = transact!(self.neo4j, t => work(&mut t).await);
        done?;
        self.sweep_behind().await;
        Ok(())
    }

    /// Announces indicators that are about to be written. Returns the number of the first one.
    async fn stage(&self, call: &str, indicators: u64) -> Result<u64> {
        let work = async |t: &mut Transaction| {
            let mut numbers = Counter::lock(t, &self.space, NUMBERS).await?;
            let first = numbers.value + 1;
            numbers.value += indicators;
            numbers.save(t, &self.space, NUMBERS).await?;
            self.put_staged(t, call, Time::now().0).await.map(|()| first)
        };
        transact!(self.neo4j, t => work(&mut t).await)
    }

    fn row(&self, call: &str, import: &Import, indicator: &Indicator, number: u64) -> Result<BoltType> {
        let stored = StoredIndicator { number, import_id: import.id.clone(), indicator: indicator.clone() };
        let folded = fold(&format!("{}\n{}", indicator.value, indicator.title));
        Ok(properties(&stored)?.with("folded", folded).with("of", self.of_import(call)).into())
    }

    /// Removes what imports have written that never came to their end, and what removed imports have left, in pieces.
    async fn sweep(&self) -> Result<()> {
        let staged: Vec<Staged> = nodes::all(&self.neo4j, self.space.list(Kind::Staged)).await?;
        for Staged { call, .. } in staged.into_iter().filter(|s| s.number < Time::now().0 - STAGED) {
            let query = cypher!("cypher/write/catalog_delete_indicators.cypher").param("of", self.of_import(&call));
            nodes::delete_all(&self.neo4j, query).await?;
            let key = self.staged_key(&call);
            transact!(self.neo4j, t => nodes::delete(&mut t, [key.clone()]).await)?;
        }
        Ok(())
    }

    /// Removes what is hidden already. What cannot be now goes with the next import.
    async fn sweep_behind(&self) {
        if let Err(e) = self.sweep().await {
            tracing::warn!(error = ?e, "indicators of a removed import are still in Neo4j, hidden");
        }
    }

    async fn put_staged(&self, t: &mut Transaction, call: &str, number: i64) -> Result<()> {
        let row = Row::new(self.staged_key(call), Kind::Staged, &Staged { call: call.to_owned(), number })?;
        nodes::put(t, vec![row.list(self.space.list(Kind::Staged))]).await
    }

    /// Puts the indicators of a call into the list of all, or takes them out of it.
    async fn list_indicators(&self, t: &mut Transaction, call: &str, list: Option<String>) -> Result<()> {
        let query = cypher!("cypher/write/catalog_list_indicators.cypher");
        t.run(query.param("of", self.of_import(call)).param("list", list)).await
    }

    /// Takes an import back, unless it is that of `call`; of its rules those in `keep` stay. Returns whether there was one,
    /// and how many rules are gone.
    async fn drop_import_in(&self, t: &mut Transaction, id: &str, call: &str, keep: &[&str]) -> Result<(bool, u64)> {
        let found = nodes::known::<StoredImport>(t, vec![self.import_key(id)]).await?;
        let Some(old) = found.into_iter().flatten().find(|i| i.call != call) else { return Ok((false, 0)) };
        let drop: Vec<String> = old.of_rules.into_iter().filter(|r| !keep.contains(&r.as_str())).collect();
        let gone = rules::delete(t, &self.space, &drop).await?;
        // Hidden at once, and removed behind the transaction.
        self.list_indicators(t, &old.call, None).await?;
        self.put_staged(t, &old.call, 0).await?;
        jobs::drop_letters(t, &self.space, id).await?;
        nodes::delete(t, [self.import_key(id)]).await?;
        Ok((true, gone))
    }

    pub(super) async fn drop_import(&self, id: &str) -> Result<bool> {
        let work = async |t: &mut Transaction| {
            let mut changes = Counter::lock(t, &self.space, CHANGES).await?;
            let (found, gone) = self.drop_import_in(t, id, "", &[]).await?;
            if gone > 0 {
                changes.next();
                changes.save(t, &self.space, CHANGES).await?;
            }
            Ok(found)
        };
        let done = transact_most!(self.neo4j, t => work(&mut t).await);
        let found = done?;
        self.sweep_behind().await;
        Ok(found)
    }

    pub(super) async fn imports(&self) -> Result<Vec<Import>> {
        let stored: Vec<StoredImport> = nodes::all(&self.neo4j, self.space.list(Kind::Import)).await?;
        let mut imports: Vec<Import> = stored.into_iter().map(|s| s.import).collect();
        imports.sort_by(|a, b| b.imported.cmp(&a.imported).then_with(|| a.id.cmp(&b.id)));
        Ok(imports)
    }

    /// Adds the filter to a statement. `None`: there is no such import.
    async fn asking(&self, query: Query, filter: &IndicatorFilter) -> Result<Option<Query>> {
        let of = match &filter.import_id {
            None => None,
            Some(id) => {
                let found = nodes::by_keys::<StoredImport>(&self.neo4j, vec![self.import_key(id)]).await?;
                let Some(import) = found.into_iter().flatten().next() else { return Ok(None) };
                Some(self.of_import(&import.call))
            }
        };
        let time = |wanted| filter.expired.filter(|(ended, _)| *ended == wanted).map(|(_, at)| at.0);
        let query = query
            .param("list", self.indicator_list())
            .param("of", of)
            .param("kind", filter.kind.map(Value::as_str))
            .param("text", filter.text.as_deref().map(fold))
            .param("ended", time(true))
            .param("lasting", time(false));
        Ok(Some(query))
    }

    pub(super) async fn indicator_page(
        &self,
        filter: &IndicatorFilter,
        after: Option<u64>,
        first: usize,
    ) -> Result<Vec<StoredIndicator>> {
        let query = if filter.import_id.is_some() {
            cypher!("cypher/read/catalog_indicators_of.cypher")
        } else {
            cypher!("cypher/read/catalog_indicators.cypher")
        };
        let Some(query) = self.asking(query, filter).await? else { return Ok(Vec::new()) };
        let query = query.param("after", after.map_or(i64::MIN, to_bolt)).param("limit", nodes::limit(first));
        things(self.neo4j.rows(query).await?)
    }

    pub(super) async fn indicator_count(&self, filter: &IndicatorFilter) -> Result<u64> {
        let query = cypher!("cypher/read/catalog_count_indicators.cypher");
        match self.asking(query, filter).await? {
            None => Ok(0),
            Some(query) => nodes::count(&self.neo4j, query).await,
        }
    }

    pub(super) async fn count_hits_of(&self, scope: &Scope, indicators: &[Indicator]) -> Result<Vec<u64>> {
        let visible = seen(&self.state().await?, scope, None, None);
        let body = |i: &Indicator| {
            let mut filters = visible.clone();
            filters.push(one("rule", &i.rule_id));
            // A composite has a rule of its own.
            if i.kind != Value::Composite {
                filters.push(any_of("matched", &[i.term()]));
            }
            json!({ "query": all_of(&filters), "size": 0, "track_total_hits": true })
        };
        let mut counts = Vec::with_capacity(indicators.len());
        for some in indicators.chunks(SEARCHES) {
            let bodies: Vec<_> = some.iter().map(body).collect();
            let answers = self.elastic.searches(&self.index, &bodies).await?;
            counts.extend(answers.iter().map(|a| a["hits"]["total"]["value"].as_u64().unwrap_or(0)));
        }
        Ok(counts)
    }
}
