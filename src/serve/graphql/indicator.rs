//! Indicators, their imports, and lists of them.
use super::{
    audit,
    hunt::{self, HuntJob},
    page::{self, List},
    scalar::{DateTime, Long, PageInfo, Total, UserError},
    session::{self, viewer},
};
use crate::{
    catalog::{IndicatorFilter, StoredIndicator},
    error::{Code, Error, Result},
    event::{
        Time,
        indicator::{Import, Kind, Tlp},
    },
    intel,
};
use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use serde_json::json;

/// Bytes of a report in a request; larger ones are uploaded.
pub const MAX_TEXT: usize = 900 << 10;

/// One value of a threat report.
#[derive(SimpleObject)]
pub struct Indicator {
    /// Follows from kind, relation and value: the same in every import.
    indicator_id: ID,
    /// What the value is: file name, MD5, domain, composite and so on.
    kind: &'static str,
    /// How it is compared: equals, contains, starts with, ends with, matches.
    relation: &'static str,
    /// The value; of a composite its parts with AND, OR and NOT.
    value: String,
    /// The value as hits name it in `matched`.
    term: String,
    /// Id of the import.
    import_id: ID,
    /// Id of the object in the file, or its line.
    origin: String,
    /// Title of the object.
    title: String,
    /// Since when it is meant to be valid.
    valid_from: Option<DateTime>,
    /// Until when it is; later events do not match.
    valid_until: Option<DateTime>,
    /// Whether its validity has ended.
    expired: bool,
    /// Traffic light protocol: clear, green, amber, amber+strict, red.
    tlp: Option<&'static str>,
    /// Own id of the rule that finds it.
    rule_id: String,
    /// Number of its hits; absent unless the list is asked for it.
    hits: Option<Long>,
}

impl Indicator {
    fn new(stored: StoredIndicator, hits: Option<u64>) -> Self {
        let i = stored.indicator;
        Self {
            indicator_id: i.id().into(),
            kind: i.kind.as_str(),
            relation: i.relation.as_str(),
            term: i.term(),
            import_id: stored.import_id.into(),
            origin: i.origin,
            title: i.title,
            valid_from: i.valid_from.map(DateTime),
            valid_until: i.valid_until.map(DateTime),
            expired: i.valid_until.is_some_and(|t| t <= Time::now()),
            tlp: i.tlp.map(Tlp::as_str),
            rule_id: i.rule_id,
            value: i.value,
            hits: hits.map(Long),
        }
    }
}

/// An import of one file of indicators.
#[derive(SimpleObject)]
pub struct IndicatorImport {
    /// Follows from the content: the same file again is the same import.
    import_id: ID,
    /// What the file is called.
    name: String,
    /// Format: STIX 1, STIX 2, OpenIOC, MISP, CSV, list.
    format: &'static str,
    /// When it was imported.
    imported_at: DateTime,
    /// Who imported it.
    by: String,
    /// Indicators in it.
    indicators: Long,
    /// Rules made of them.
    rules: Long,
    /// Parts that Sysmon cannot show or that cannot be read; see `deadLetters`, with the id of the import as `job`.
    issues: Long,
}

impl From<Import> for IndicatorImport {
    fn from(i: Import) -> Self {
        Self {
            import_id: i.id.into(),
            name: i.name,
            format: i.format.as_str(),
            imported_at: DateTime(i.imported),
            by: i.by,
            indicators: Long(i.indicators),
            rules: Long(i.rules),
            issues: Long(i.issues),
        }
    }
}

/// Which indicators.
#[derive(Debug, Clone, Default, InputObject)]
pub struct IndicatorFilterInput {
    /// Id of the import.
    import_id: Option<ID>,
    /// Kind, such as `domain`.
    kind: Option<String>,
    /// Part of the value or title.
    text: Option<String>,
    /// Whether the validity has ended.
    expired: Option<bool>,
}

pub struct IndicatorConnection {
    filter: IndicatorFilter,
    page: Vec<StoredIndicator>,
    more: bool,
}

impl IndicatorConnection {
    pub async fn new(ctx: &Context<'_>, input: IndicatorFilterInput, first: i32, after: Option<&str>) -> Result<Self> {
        let kind = |k: String| {
            let known = || Kind::ALL.iter().map(|k| k.as_str()).collect::<Vec<_>>().join(", ");
            Kind::parse(&k).ok_or_else(|| Error::bad_input(format!("unknown kind {k:?}: one of {}", known())))
        };
        let filter = IndicatorFilter {
            import_id: input.import_id.map(|i| i.to_string()),
            kind: input.kind.map(kind).transpose()?,
            text: input.text.filter(|t| !t.is_empty()),
            expired: input.expired.map(|e| (e, Time::now())),
        };
        let first = page::size(first)?;
        let after = List::Indicators.number(after)?;
        let mut page = session::core(ctx)?.catalog.indicators(&filter, after, first + 1).await?;
        let more = page.len() > first;
        page.truncate(first);
        Ok(Self { filter, page, more })
    }
}

/// One page of indicators, in the order of storing.
#[Object]
impl IndicatorConnection {
    /// Indicators of this page.
    #[graphql(guard = "viewer")]
    async fn nodes(&self, ctx: &Context<'_>) -> Result<Vec<Indicator>> {
        let hits = if ctx.look_ahead().field("hits").exists() {
            let (core, scope) = (session::core(ctx)?, session::scope(ctx)?);
            let asked: Vec<_> = self.page.iter().map(|i| i.indicator.clone()).collect();
            core.catalog.hits_of_indicators(scope, &asked).await?
        } else {
            Vec::new()
        };
        let nodes = self.page.iter().cloned().enumerate();
        Ok(nodes.map(|(n, i)| Indicator::new(i, hits.get(n).copied())).collect())
    }
    /// Where this page ends.
    async fn page_info(&self) -> PageInfo {
        let end_cursor = self.page.last().map(|i| List::Indicators.cursor(i.number));
        PageInfo { has_next_page: self.more, end_cursor }
    }
    /// All indicators that match.
    #[graphql(guard = "viewer")]
    async fn total(&self, ctx: &Context<'_>) -> Result<Total> {
        session::core(ctx)?.catalog.count_indicators(&self.filter).await.map(Total::of)
    }
}

/// A threat report.
#[derive(InputObject)]
pub struct ImportIndicatorsInput {
    /// What the file is called.
    name: String,
    /// Its content: STIX 1 or 2, OpenIOC, MISP, CSV, or a list with one value on each line. Larger files are
    /// uploaded by `POST /api/indicators?name=FILE`.
    text: String,
    /// Whether what is stored already is searched with them too.
    #[graphql(default)]
    hunt: bool,
}

/// Answer of `importIndicators`.
#[derive(SimpleObject)]
pub struct ImportIndicatorsResult {
    /// The import.
    import: Option<IndicatorImport>,
    /// The retro-hunt, where one was asked for and the report has indicators.
    hunt: Option<HuntJob>,
    /// Why nothing was imported.
    errors: Vec<UserError>,
}

/// An import to remove.
#[derive(InputObject)]
pub struct RemoveIndicatorsInput {
    /// Id of the import.
    import_id: ID,
}

/// Answer of `removeIndicators`.
#[derive(SimpleObject)]
pub struct RemoveIndicatorsResult {
    /// Id of the import that was removed.
    removed_id: Option<ID>,
    /// Why it failed.
    errors: Vec<UserError>,
}

pub async fn import(ctx: &Context<'_>, input: ImportIndicatorsInput) -> Result<ImportIndicatorsResult> {
    session::all_hosts(ctx)?;
    let by = session::caller(ctx)?.user.name.clone();
    let (core, asked) = (session::core(ctx)?, input.hunt);
    let read = if input.text.len() > MAX_TEXT {
        let message = format!("more than {MAX_TEXT} bytes in one request: upload the file");
        Err(Error::new(Code::TooLarge, message))
    } else {
        let turn = core.readers.turn().await?;
        turn.read(move || intel::read(input.text.into_bytes(), &input.name, &by)).await
    };
    Ok(match UserError::split(Some("text"), read)? {
        Ok((turn, report)) => {
            audit::indicators(core, &session::caller(ctx)?.user.name, &report.import).await?;
            let pipeline = core.pipeline.clone();
            let import = turn.store(async move { pipeline.import_indicators(report).await }).await?;
            let rules = if asked { core.pipeline.rules_of_import(&import.id).await? } else { Vec::new() };
            let hunt = hunt::at_once(ctx, asked, &rules).await?;
            ImportIndicatorsResult { import: Some(import.into()), hunt, errors: Vec::new() }
        }
        Err(errors) => ImportIndicatorsResult { import: None, hunt: None, errors },
    })
}

pub async fn remove(ctx: &Context<'_>, input: RemoveIndicatorsInput) -> Result<RemoveIndicatorsResult> {
    let core = session::core(ctx)?;
    session::all_hosts(ctx)?;
    let known = core.catalog.indicator_imports().await?.into_iter().find(|i| i.id == *input.import_id);
    let removed = match known {
        Some(import) => {
            let detail = json!({"name": import.name, "indicators": import.indicators, "rules": import.rules});
            audit::record(ctx, "removeIndicators", &import.id, &detail).await?;
            core.pipeline.remove_indicators(&import.id).await.map(drop)
        }
        None => Err(Error::not_found("there is no such import of indicators")),
    };
    Ok(match UserError::split(Some("importId"), removed)? {
        Ok(()) => RemoveIndicatorsResult { removed_id: Some(input.import_id), errors: Vec::new() },
        Err(errors) => RemoveIndicatorsResult { removed_id: None, errors },
    })
}
