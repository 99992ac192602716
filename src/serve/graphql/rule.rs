//! Rules and lists of them.
use super::{
    burden::{self, Burdens, RuleCost, RuleThresholds, THRESHOLDS},
    id::GlobalId,
    load::Loaders,
    page::List,
    scalar::{DateTime, Long, PageInfo, Total},
    session::{self, viewer},
};
use crate::{
    catalog::RuleVersion,
    error::Result,
    event::{
        attack,
        detection::{Rule, levels},
        text,
    },
    rules::{RuleSet, related::Related},
};
use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

pub struct RuleObject(pub Rule);

/// A Sigma rule.
#[Object(name = "Rule")]
impl RuleObject {
    /// Global id.
    pub async fn id(&self) -> ID {
        GlobalId::Rule(self.0.id.clone()).into()
    }
    /// The rule's own id.
    async fn rule_id(&self) -> &str {
        &self.0.id
    }
    /// Digest of its text: a changed text is a new version.
    async fn version(&self) -> &str {
        &self.0.version
    }
    /// Title.
    async fn title(&self) -> &str {
        &self.0.title
    }
    /// Level: informational, low, medium, high, critical.
    async fn level(&self) -> &str {
        &self.0.level
    }
    /// Sigma's status, such as stable or experimental.
    async fn status(&self) -> &str {
        &self.0.status
    }
    /// What it finds.
    async fn description(&self) -> &str {
        &self.0.description
    }
    /// Tags, such as attack.t1059.
    async fn tags(&self) -> &[String] {
        &self.0.tags
    }
    /// Techniques of MITRE ATT&CK among its tags, such as T1059.001.
    async fn techniques(&self) -> Vec<String> {
        attack::of_tags(&self.0.tags)
    }
    /// Log source, such as process_creation.
    async fn logsource(&self) -> &str {
        &self.0.logsource
    }
    /// Sigma YAML.
    async fn text(&self) -> &str {
        &self.0.text
    }
    /// Where it was loaded from.
    async fn origin(&self) -> &str {
        &self.0.origin
    }
    /// Whether it is matched.
    async fn enabled(&self) -> bool {
        self.0.enabled
    }
    /// Why it cannot be matched, where it cannot.
    async fn refused(&self) -> Option<&str> {
        self.0.refused.as_deref()
    }
    /// Why it is not matched, or as a filter not applied, though it could be by itself: filters and other rules are in its
    /// way. Goes when they do.
    #[graphql(guard = "viewer")]
    async fn blocked(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        let set = session::core(ctx)?.pipeline.rule_set();
        Ok(set.blocked(&self.0.id).filter(|_| self.0.refused.is_none()).map(str::to_owned))
    }
    /// Other rules, as its text names them.
    async fn related(&self) -> Vec<RelatedRule> {
        Related::of(&self.0).into_iter().map(|r| RelatedRule { rule_id: r.id, relation: r.kind }).collect()
    }
    /// Own ids of the stored rules that stand in its place: they say that they are a renamed, merged or newer form of it.
    #[graphql(guard = "viewer")]
    async fn superseded_by(&self, ctx: &Context<'_>) -> Result<Vec<String>> {
        let set = session::core(ctx)?.pipeline.rule_set();
        Ok(set.succession().after(&self.0.id).map(str::to_owned).collect())
    }
    /// Number of its hits.
    #[graphql(guard = "viewer")]
    async fn hits(&self, ctx: &Context<'_>) -> Result<Long> {
        Loaders::of(ctx)?.rule_hits(self.0.id.clone()).await.map(Long)
    }
    /// Time of the newest event that it has hit.
    #[graphql(guard = "viewer")]
    async fn last_hit(&self, ctx: &Context<'_>) -> Result<Option<DateTime>> {
        Ok(Loaders::of(ctx)?.last_hit(self.0.id.clone()).await?.map(DateTime))
    }
    /// What it costs; absent where it is not matched, there is no event of its kinds, or it is not measured yet.
    #[graphql(guard = "viewer")]
    async fn cost(&self, ctx: &Context<'_>) -> Result<Option<RuleCost>> {
        burden::cost(ctx, &self.0.id).await
    }
    /// Whether it is not known yet what it costs: measuring many rules takes time, and goes on when somebody asks again.
    #[graphql(guard = "viewer")]
    async fn cost_pending(&self, ctx: &Context<'_>) -> Result<bool> {
        burden::is_unmeasured(ctx, &self.0.id).await
    }
    /// Whether it costs more than a rule should, as far as it is measured; it is matched all the same.
    #[graphql(guard = "viewer")]
    async fn slow(&self, ctx: &Context<'_>) -> Result<bool> {
        burden::is_slow(ctx, &self.0.id).await
    }
    /// Whether it hits more often than a rule should; it is matched all the same.
    #[graphql(guard = "viewer")]
    async fn noisy(&self, ctx: &Context<'_>) -> Result<bool> {
        burden::is_noisy(ctx, &self.0.id).await
    }
    /// For how long webhooks are not told of it again; absent where they are told of every alert or hit.
    #[graphql(guard = "viewer")]
    async fn suppression(&self, ctx: &Context<'_>) -> Result<Option<RuleSuppression>> {
        let found = Loaders::of(ctx)?.suppression(self.0.id.clone()).await?;
        Ok(found.map(|s| RuleSuppression {
            seconds: i32::try_from(s.seconds).unwrap_or(i32::MAX),
            fields: s.fields,
            set_by: s.set_by,
            set: DateTime(s.set),
        }))
    }
    /// What it was before, the present version first.
    #[graphql(guard = "viewer")]
    async fn history(&self, ctx: &Context<'_>) -> Result<Vec<RuleVersionObject>> {
        let versions = Loaders::of(ctx)?.rule_versions(self.0.id.clone()).await?;
        Ok(versions.iter().cloned().map(RuleVersionObject).collect())
    }
}

/// Another rule that a rule names.
#[derive(SimpleObject)]
pub struct RelatedRule {
    /// Its own id; it need not be stored.
    rule_id: String,
    /// How it is related: derived, obsolete (the other one is), merged (of the other one), renamed (from it), similar.
    relation: String,
}

/// For how long webhooks are not told of a rule again.
#[derive(SimpleObject)]
pub struct RuleSuppression {
    /// Seconds after webhooks were told.
    seconds: i32,
    /// Fields of the event: hits with other values in one of them are told.
    fields: Vec<String>,
    /// Name of the user who has set it.
    set_by: String,
    /// When.
    set: DateTime,
}

pub struct RuleVersionObject(RuleVersion);

/// What a rule was from some time on.
#[Object(name = "RuleVersion")]
impl RuleVersionObject {
    /// Digest of its text.
    async fn version(&self) -> &str {
        &self.0.version
    }
    /// Title.
    async fn title(&self) -> &str {
        &self.0.title
    }
    /// Sigma YAML.
    async fn text(&self) -> &str {
        &self.0.text
    }
    /// Where it was loaded from.
    async fn origin(&self) -> &str {
        &self.0.origin
    }
    /// When it was loaded.
    async fn loaded(&self) -> DateTime {
        DateTime(self.0.loaded)
    }
}

/// Which rules.
#[derive(Debug, Clone, Default, InputObject)]
pub struct RuleFilterInput {
    /// Part of the title, id, description or a tag.
    text: Option<String>,
    /// Levels, any of them.
    level: Option<Vec<String>>,
    /// Whether it is matched.
    enabled: Option<bool>,
    /// Whether it cannot be matched, or is blocked.
    refused: Option<bool>,
    /// Whether it costs more than a rule should.
    pub slow: Option<bool>,
    /// Whether it hits more often than a rule should.
    pub noisy: Option<bool>,
}

impl RuleFilterInput {
    fn is_match(&self, levels: &[String], (burdens, set): (&Burdens, &RuleSet), rule: &Rule) -> bool {
        let has = |t: &String| {
            let t = text::fold(t);
            [&rule.title, &rule.id, &rule.description].into_iter().chain(&rule.tags).any(|v| text::fold(v).contains(&t))
        };
        self.text.as_ref().is_none_or(has)
            && (levels.is_empty() || levels.contains(&rule.level))
            && self.enabled.is_none_or(|e| e == rule.enabled)
            && self.refused.is_none_or(|r| r == (rule.refused.is_some() || set.blocked(&rule.id).is_some()))
            && self.slow.is_none_or(|s| s == burdens.slow.contains(&rule.id))
            && self.noisy.is_none_or(|n| n == burdens.noisy.contains(&rule.id))
    }
}

/// One page of rules, by title.
#[derive(SimpleObject)]
pub struct RuleConnection {
    /// Rules of this page.
    nodes: Vec<RuleObject>,
    /// Where this page ends.
    page_info: PageInfo,
    /// All rules that match.
    total: Total,
    /// From when on a rule is slow or noisy.
    thresholds: RuleThresholds,
}

impl RuleConnection {
    pub fn new(
        rules: Vec<Rule>,
        (filter, burdens, set): (&RuleFilterInput, &Burdens, &RuleSet),
        first: usize,
        after: Option<&str>,
    ) -> Result<Self> {
        let after = List::Rules.read_with(after, |body| {
            let (id, title) = body.split_once('\0')?;
            Some((title.to_owned(), id.to_owned()))
        })?;
        let levels = levels(filter.level.as_deref().unwrap_or_default())?;
        let mut found: Vec<((String, String), Rule)> = rules
            .into_iter()
            .filter(|r| filter.is_match(&levels, (burdens, set), r))
            .map(|r| ((text::fold(&r.title), r.id.clone()), r))
            .collect();
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        let total = Total::of(found.len() as u64);
        let mut page: Vec<_> = found.into_iter().filter(|(k, _)| after.as_ref().is_none_or(|a| k > a)).collect();
        let has_next_page = page.len() > first;
        page.truncate(first);
        let end_cursor = page.last().map(|((title, id), _)| List::Rules.cursor(format_args!("{id}\0{title}")));
        let nodes = page.into_iter().map(|(_, r)| RuleObject(r)).collect();
        Ok(Self { nodes, page_info: PageInfo { has_next_page, end_cursor }, total, thresholds: THRESHOLDS })
    }
}
