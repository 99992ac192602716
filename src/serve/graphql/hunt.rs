//! Retro-hunts, and the end of jobs.
use super::{
    audit,
    enums::JobState,
    id::{self, GlobalId},
    scalar::{DateTime, Long, PeriodInput, UserError, period},
    session,
};
use crate::{
    catalog,
    error::{Error, Result},
    serve::Core,
};
use async_graphql::{ComplexObject, Context, ID, InputObject, SimpleObject};
use serde_json::json;

/// Rules over events that are stored already. What is found becomes hits, as if the rules had been there before.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct HuntJob {
    #[graphql(skip)]
    key: String,
    /// Title of the first rule.
    name: String,
    /// Whether it still runs, and how it ended.
    state: JobState,
    /// Own ids of the rules.
    rule_ids: Vec<String>,
    /// First point in time of the period.
    from: Option<DateTime>,
    /// First point in time after the period.
    to: Option<DateTime>,
    /// Who started it.
    by: String,
    /// Events that there are to look at: those that a search cannot rule out.
    events_total: Long,
    /// Events that were looked at.
    events: Long,
    /// Hits found, known ones too.
    hits: Long,
    /// Hits that were not known.
    new_hits: Long,
    /// When it was started.
    started_at: DateTime,
    /// When it ended.
    finished_at: Option<DateTime>,
    /// Why it failed.
    message: Option<String>,
}

#[ComplexObject]
impl HuntJob {
    /// Global id.
    pub async fn id(&self) -> ID {
        GlobalId::Hunt(self.key.clone()).into()
    }
}

impl HuntJob {
    /// `None` for a job of another kind.
    pub fn of(job: catalog::Job) -> Option<Self> {
        let hunt = job.hunt?;
        Some(Self {
            key: job.id,
            name: job.name,
            state: job.state.into(),
            rule_ids: hunt.rules,
            from: hunt.period.from.map(DateTime),
            to: hunt.period.to.map(DateTime),
            by: hunt.by,
            events_total: Long(hunt.total),
            events: Long(hunt.events),
            hits: Long(hunt.hits),
            new_hits: Long(hunt.new),
            started_at: DateTime(job.started),
            finished_at: job.finished.map(DateTime),
            message: job.message,
        })
    }
}

/// A retro-hunt to start.
#[derive(InputObject)]
pub struct StartHuntInput {
    /// Rules: global ids or `ruleId`.
    #[graphql(default)]
    rules: Vec<ID>,
    /// Also all rules of an import of indicators, by its id.
    import_id: Option<ID>,
    /// Time of the events; absent means all that are stored.
    period: Option<PeriodInput>,
}

/// Answer of `startHunt`.
#[derive(SimpleObject)]
pub struct StartHuntResult {
    /// The hunt.
    job: Option<HuntJob>,
    /// Why there is none.
    errors: Vec<UserError>,
}

/// A job to cancel.
#[derive(InputObject)]
pub struct CancelJobInput {
    /// Global id of an import job or a retro-hunt.
    id: ID,
}

/// Answer of `cancelJob`.
#[derive(SimpleObject)]
pub struct CancelJobResult {
    /// Global id of the job, which does no more.
    cancelled_id: Option<ID>,
    /// Why it failed.
    errors: Vec<UserError>,
}

pub async fn start(ctx: &Context<'_>, input: StartHuntInput) -> Result<StartHuntResult> {
    session::all_hosts(ctx)?;
    let core = session::core(ctx)?;
    let pipeline = &core.pipeline;
    let by = &session::caller(ctx)?.user.name;
    let begin = async {
        let mut rules = input.rules.iter().map(id::rule_id).collect::<Result<Vec<_>>>()?;
        if let Some(import) = &input.import_id {
            let set = pipeline.rule_set();
            let known = core.catalog.rules_by_id(&pipeline.rules_of_import(import).await?).await?;
            let matched = known
                .into_iter()
                .flatten()
                .filter(|r| r.enabled && r.refused.is_none() && set.blocked(&r.id).is_none());
            rules.extend(matched.map(|r| r.id));
        }
        let job = pipeline.plan_hunt(rules, period(input.period)?, by).await?;
        audit::hunt(core, by, &job).await?;
        Ok(job)
    };
    Ok(match UserError::split(None, begin.await)? {
        Ok(job) => StartHuntResult { job: HuntJob::of(job), errors: Vec::new() },
        Err(errors) => StartHuntResult { job: None, errors },
    })
}

/// Hunts with rules that were just made, where that is asked.
pub async fn at_once(ctx: &Context<'_>, asked: bool, rules: &[String]) -> Result<Option<HuntJob>> {
    if !asked {
        return Ok(None);
    }
    let job = begin_at_once(session::core(ctx)?, &session::caller(ctx)?.user.name, rules).await?;
    Ok(job.and_then(HuntJob::of))
}

/// The same for a caller of another endpoint.
pub async fn begin_at_once(core: &Core, by: &str, rules: &[String]) -> Result<Option<catalog::Job>> {
    let job = core.pipeline.plan_hunt_at_once(rules, by).await?;
    if let Some(job) = &job {
        audit::hunt(core, by, job).await?;
    }
    Ok(job)
}

pub async fn list(ctx: &Context<'_>, first: usize) -> Result<Vec<HuntJob>> {
    session::all_hosts(ctx)?;
    let jobs = session::core(ctx)?.catalog.jobs(catalog::JobKind::Hunt, None, first).await?;
    Ok(jobs.into_iter().filter_map(HuntJob::of).collect())
}

pub async fn cancel(ctx: &Context<'_>, input: CancelJobInput) -> Result<CancelJobResult> {
    session::all_hosts(ctx)?;
    let cancelled = match GlobalId::parse(&input.id) {
        Some(GlobalId::Job(key) | GlobalId::Hunt(key)) => {
            let core = session::core(ctx)?;
            match core.catalog.job(&key).await?.filter(|j| j.state == catalog::JobState::Running) {
                Some(job) => {
                    audit::record(ctx, "cancelJob", &input.id, &json!({"name": job.name})).await?;
                    // One that has ended in this moment does no more either.
                    core.pipeline.cancel_job(&key).await.map(drop)
                }
                None => Err(Error::not_found("there is no such job, or it has ended")),
            }
        }
        _ => Err(Error::bad_input("not the id of a job")),
    };
    Ok(match UserError::split(Some("id"), cancelled)? {
        Ok(()) => CancelJobResult { cancelled_id: Some(input.id), errors: Vec::new() },
        Err(errors) => CancelJobResult { cancelled_id: None, errors },
    })
}
