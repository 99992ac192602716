//! Import jobs, the records that could not be imported, saved searches, and leases.
use super::{
    Cluster,
    nodes::{self, Kind, Row, Space, limit, things, to_bolt},
    state::Counter,
};
use crate::{
    catalog::{DeadLetter, Job, JobKind, JobState, MAX_SAVED, SavedSearch},
    error::{Code, Error, Issue, Result},
    event::Time,
    neo4j::{Transaction, cypher, transact, transact_most},
};
use serde::Deserialize;
use std::{collections::HashMap, time::Duration};

/// Numbers dead letters; writers hold its lock.
const LETTERS: &str = "letters";
/// Whose lock writers of jobs take.
const JOBS: &str = "jobs";
/// Whose lock writers of saved searches take.
const SEARCHES: &str = "searches";
/// No lease is longer.
const MAX_LIFE: Duration = Duration::from_secs(10 * 365 * 86_400);

fn letters_of(space: &Space, job_id: &str) -> String {
    space.list_of(Kind::Letter, &["job", job_id])
}

/// A letter that is there already is not stored again: one that says the same of the job, or has its place in the call.
pub async fn put_letters(
    t: &mut Transaction,
    space: &Space,
    job_id: Option<&str>,
    issues: &[Issue],
    call: &str,
) -> Result<()> {
    if issues.is_empty() {
        return Ok(());
    }
    let mut number = Counter::lock(t, space, LETTERS).await?;
    let key = |i: &Issue, place: usize| match job_id {
        Some(job) => space.key(Kind::Letter, &["of", job, &i.source, &i.position, &i.reason]),
        None => space.key(Kind::Letter, &["call", call, &place.to_string()]),
    };
    let at = Time::now();
    let mut place = 0..;
    for some in issues.chunks(crate::neo4j::ROWS) {
        let keys: Vec<String> = some.iter().zip(&mut place).map(|(i, n)| key(i, n)).collect();
        let known = nodes::known::<DeadLetter>(t, keys.clone()).await?;
        let mut rows: HashMap<String, Row> = HashMap::new();
        for ((issue, key), _) in some.iter().zip(keys).zip(known).filter(|(_, known)| known.is_none()) {
            if rows.contains_key(&key) {
                continue;
            }
            let letter =
                DeadLetter { number: number.next(), issue: issue.clone(), at, job_id: job_id.map(str::to_owned) };
            let mut row = Row::new(key.clone(), Kind::Letter, &letter)?.list(space.list(Kind::Letter));
            if let Some(job) = job_id {
                row = row.of(letters_of(space, job));
            }
            rows.insert(key, row);
        }
        nodes::put(t, rows.into_values().collect()).await?;
    }
    number.save(t, space, LETTERS).await
}

pub async fn drop_letters(t: &mut Transaction, space: &Space, job_id: &str) -> Result<()> {
    t.run(cypher!("cypher/write/catalog_delete_of.cypher").param("of", letters_of(space, job_id))).await
}

/// The list of all jobs of a kind, or of those in a state.
fn jobs_of(space: &Space, kind: JobKind, state: Option<JobState>) -> Result<String> {
    let kind = match kind {
        JobKind::Import => "import",
        JobKind::Hunt => "hunt",
    };
    let state = state.map(|s| serde_json::to_string(&s)).transpose()?;
    Ok(space.list_of(Kind::Job, &[&[kind], state.as_deref().as_slice()].concat()))
}

/// A job, that nobody else changes until the end of the transaction.
async fn locked(t: &mut Transaction, space: &Space, id: &str) -> Result<Option<Job>> {
    Counter::lock(t, space, JOBS).await?;
    Ok(nodes::known::<Job>(t, vec![space.key(Kind::Job, &[id])]).await?.into_iter().flatten().next())
}

async fn write_job(t: &mut Transaction, space: &Space, job: &Job) -> Result<()> {
    let row = Row::new(space.key(Kind::Job, &[&job.id]), Kind::Job, job)?
        .list(jobs_of(space, job.kind(), None)?)
        .of(jobs_of(space, job.kind(), Some(job.state))?)
        .with("number", job.started.0);
    nodes::put(t, vec![row]).await
}

/// One that was cancelled stays as it is.
pub async fn put_job(t: &mut Transaction, space: &Space, job: &Job) -> Result<bool> {
    if locked(t, space, &job.id).await?.is_some_and(|known| known.state == JobState::Cancelled) {
        return Ok(false);
    }
    write_job(t, space, job).await.map(|()| true)
}

impl Cluster {
    pub(super) async fn store_job(&self, job: &Job) -> Result<bool> {
        transact!(self.neo4j, t => put_job(&mut t, &self.space, job).await)
    }

    pub(super) async fn end_job(&self, id: &str, at: Time) -> Result<bool> {
        let work = async |t: &mut Transaction| {
            let Some(job) = locked(t, &self.space, id).await?.filter(|j| j.state == JobState::Running) else {
                return Ok(false);
            };
            let job = Job { state: JobState::Cancelled, finished: Some(at), ..job };
            write_job(t, &self.space, &job).await.map(|()| true)
        };
        transact_most!(self.neo4j, t => work(&mut t).await)
    }

    pub(super) async fn job_by_id(&self, id: &str) -> Result<Option<Job>> {
        let found = nodes::by_keys(&self.neo4j, vec![self.space.key(Kind::Job, &[id])]).await?;
        Ok(found.into_iter().flatten().next())
    }

    pub(super) async fn newest_jobs(&self, kind: JobKind, state: Option<JobState>, first: usize) -> Result<Vec<Job>> {
        let query = match state {
            Some(state) => {
                cypher!("cypher/read/catalog_newest_of.cypher").param("of", jobs_of(&self.space, kind, Some(state))?)
            }
            None => cypher!("cypher/read/catalog_newest.cypher").param("list", jobs_of(&self.space, kind, None)?),
        };
        things(self.neo4j.rows(query.param("before", i64::MAX).param("limit", limit(first))).await?)
    }

    pub(super) async fn store_letters(&self, job_id: Option<&str>, issues: &[Issue]) -> Result<()> {
        let call = uuid::Uuid::now_v7().to_string();
        transact!(self.neo4j, t => put_letters(&mut t, &self.space, job_id, issues, &call).await)
    }

    pub(super) async fn letters(
        &self,
        job_id: Option<&str>,
        before: Option<u64>,
        first: usize,
    ) -> Result<Vec<DeadLetter>> {
        let query = match job_id {
            Some(job) => cypher!("cypher/read/catalog_newest_of.cypher").param("of", letters_of(&self.space, job)),
            None => cypher!("cypher/read/catalog_newest.cypher").param("list", self.space.list(Kind::Letter)),
        };
        let query = query.param("before", before.map_or(i64::MAX, to_bolt)).param("limit", limit(first));
        things(self.neo4j.rows(query).await?)
    }

    pub(super) async fn count_letters(&self, job_id: Option<&str>) -> Result<u64> {
        let query = match job_id {
            Some(job) => cypher!("cypher/read/catalog_count_of.cypher").param("of", letters_of(&self.space, job)),
            None => cypher!("cypher/read/catalog_count.cypher").param("list", self.space.list(Kind::Letter)),
        };
        nodes::count(&self.neo4j, query).await
    }

    pub(super) async fn searches_of(&self, user_id: &str) -> Result<Vec<SavedSearch>> {
        let query = cypher!("cypher/read/catalog_searches.cypher")
            .param("list", self.space.list(Kind::Search))
            .param("user", user_id);
        let mut searches: Vec<SavedSearch> = things(self.neo4j.rows(query).await?)?;
        let names: HashMap<String, String> = self.all_users().await?.into_iter().map(|u| (u.id, u.name)).collect();
        searches.retain_mut(|s| match names.get(&s.owner_id) {
            Some(name) => {
                s.owner_name.clone_from(name);
                true
            }
            None => false,
        });
        searches.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        Ok(searches)
    }

    pub(super) async fn store_search(&self, search: &SavedSearch, is_new: bool) -> Result<()> {
        let key = self.space.key(Kind::Search, &[&search.id]);
        let of = self.space.list_of(Kind::Search, &["owner", &search.owner_id]);
        let work = async |t: &mut Transaction| {
            Counter::lock(t, &self.space, SEARCHES).await?;
            let own = t.rows::<nodes::Count>(cypher!("cypher/read/catalog_count_of.cypher").param("of", &*of)).await?;
            let full = own.first().is_some_and(|c| c.count >= to_bolt(MAX_SAVED));
            let known = nodes::known::<SavedSearch>(t, vec![key.clone()]).await?.into_iter().flatten().next();
            match &known {
                None if is_new && full => {
                    let text = format!("more than {MAX_SAVED} saved searches: delete some first");
                    return Err(Error::new(Code::TooMany, text));
                }
                None if is_new => {}
                Some(known) if known.owner_id == search.owner_id => {}
                _ => return Err(Error::not_found("the caller has no such saved search")),
            }
            let row = Row::new(key.clone(), Kind::Search, search)?;
            nodes::put(t, vec![row.list(self.space.list(Kind::Search)).of(&*of).number(0)]).await
        };
        transact!(self.neo4j, t => work(&mut t).await)
    }

    pub(super) async fn drop_search(&self, id: &str, owner_id: &str) -> Result<bool> {
        let key = self.space.key(Kind::Search, &[id]);
        let work = async |t: &mut Transaction| {
            Counter::lock(t, &self.space, SEARCHES).await?;
            let known = nodes::known::<SavedSearch>(t, vec![key.clone()]).await?;
            if !known.iter().flatten().any(|s| s.owner_id == owner_id) {
                return Ok(false);
            }
            nodes::delete(t, [key.clone()]).await.map(|()| true)
        };
        transact_most!(self.neo4j, t => work(&mut t).await)
    }

    pub(super) async fn take_lease(&self, name: &str, owner: &str, life: Duration, force: bool) -> Result<Option<u64>> {
        #[derive(Deserialize)]
        struct Taken {
            epoch: i64,
        }
        let query = cypher!("cypher/write/catalog_lease.cypher")
            .param("key", self.space.key(Kind::Lease, &[name]))
            .param("name", name)
            .param("owner", owner)
            .param("life", i64::try_from(life.min(MAX_LIFE).as_millis()).unwrap_or(i64::MAX))
            .param("force", force);
        let taken = self.neo4j.change::<Taken>(query).await?;
        Ok(taken.first().map(|t| u64::try_from(t.epoch).unwrap_or(0)))
    }

    pub(super) async fn give_back(&self, name: &str, owner: &str) -> Result<()> {
        let key = self.space.key(Kind::Lease, &[name]);
        self.neo4j.run(cypher!("cypher/write/catalog_release.cypher").param("key", key).param("owner", owner)).await
    }
}
