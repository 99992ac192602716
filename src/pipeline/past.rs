//! Some rules over events that are stored: for hunts, and for trials.
use super::processes::of_sysmon;
use crate::{
    error::Result,
    event::{Condition, Period, Time, detection::Rule},
    rules::{Placeholders, RuleSet, superset::superset},
    store::Query,
};
use std::{collections::BTreeSet, sync::Arc};

pub(super) struct Past {
    pub(super) rules: Arc<RuleSet>,
    /// By id, why some are not matched.
    pub(super) failed: Vec<(String, String)>,
    /// Finds all events that they may be about.
    pub(super) query: Query,
    /// How far before the period that query begins, in milliseconds: 0 without correlations.
    pub(super) span: i64,
}

impl Past {
    /// The rules `wanted` of `all`, with those that they are made of, over a period.
    ///
    /// # Errors
    /// When the condition of the query is too large.
    pub(super) async fn of(
        all: Vec<Rule>,
        wanted: BTreeSet<String>,
        placeholders: Arc<Placeholders>,
        period: Period,
    ) -> Result<Self> {
        let prepared = tokio::task::spawn_blocking(move || {
            let condition = superset(&RuleSet::needed(&all, &wanted));
            (RuleSet::part(&all, &wanted, &placeholders), condition)
        });
        let ((rules, failed), condition) = prepared.await?;
        // A window that ends in the period can begin before it, and where correlations build on each other, each goes back
        // by its own span.
        let span = rules.correlations().all().iter().fold(0_i64, |sum, c| sum.saturating_add(c.span()));
        let from = period.from.map(|t| Time(t.0.saturating_sub(span)));
        let condition = of_sysmon(condition.unwrap_or(Condition::All))?;
        let query = Query { condition, period: Period { from, to: period.to } };
        Ok(Self { rules: Arc::new(rules), failed, query, span })
    }
}
