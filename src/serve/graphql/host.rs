//! Hosts and lists of them.
use super::{
    enums::HostOrder,
    load::Loaders,
    node::GraphNode,
    page::List,
    scalar::{DateTime, Long, PageInfo, Total},
    session::viewer,
    statistics::{CodeCount, codes},
};
use crate::{
    error::{Code, Error, Result},
    event::{Field, Period, Scope, text},
    graph::NodeId,
    serve::Core,
    store::HostCount,
};
use async_graphql::{Context, InputObject, Object, SimpleObject};

/// Sysmon's code of a change of its service's state, which tells its version.
const SERVICE_STATE: u32 = 4;
/// Sysmon's code of a change of its configuration.
const CONFIGURATION: u32 = 16;

pub struct Host {
    pub count: HostCount,
    pub period: Period,
}

/// A machine, with numbers about its events in the period asked.
#[Object]
impl Host {
    /// Name in normal form.
    async fn name(&self) -> &str {
        &self.count.host
    }
    /// Events.
    async fn events(&self) -> Long {
        Long(self.count.events)
    }
    /// Time of its first event.
    async fn first_seen(&self) -> DateTime {
        DateTime(self.count.first)
    }
    /// Time of its last event.
    async fn last_seen(&self) -> DateTime {
        DateTime(self.count.last)
    }
    /// Events per code, ascending by code.
    async fn codes(&self) -> Vec<CodeCount> {
        codes(self.count.codes.clone())
    }
    /// Number of hits on its events in the period.
    #[graphql(guard = "viewer")]
    async fn hits(&self, ctx: &Context<'_>) -> Result<Long> {
        Loaders::of(ctx)?.host_hits(self.count.host.clone(), self.period).await.map(Long)
    }
    /// Version of Sysmon by its last report of all time; absent where the host has sent none.
    #[graphql(guard = "viewer")]
    async fn sysmon_version(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        let event = Loaders::of(ctx)?.latest(self.count.host.clone(), SERVICE_STATE).await?;
        Ok(event.and_then(|e| e.get(Field::Version).map(str::to_owned)))
    }
    /// Changes of Sysmon's configuration in the period.
    async fn configuration_changes(&self) -> Long {
        Long(self.count.codes.iter().find(|(code, _)| *code == CONFIGURATION).map_or(0, |(_, n)| *n))
    }
    /// The last change of Sysmon's configuration of all time; absent where the host has sent none.
    #[graphql(guard = "viewer")]
    async fn last_configuration(&self, ctx: &Context<'_>) -> Result<Option<ConfigurationChange>> {
        let event = Loaders::of(ctx)?.latest(self.count.host.clone(), CONFIGURATION).await?;
        Ok(event.map(|e| ConfigurationChange {
            time: DateTime(e.time),
            configuration: e.get(Field::Configuration).map(str::to_owned),
            hash: e.get(Field::ConfigurationFileHash).map(str::to_owned),
        }))
    }
    /// The host in the graph.
    #[graphql(guard = "viewer")]
    async fn node(&self, ctx: &Context<'_>) -> Result<Option<GraphNode>> {
        let id = NodeId::host(&self.count.host);
        Ok(Loaders::of(ctx)?.node(id).await?.map(GraphNode))
    }
}

/// A change of Sysmon's configuration.
#[derive(SimpleObject)]
pub struct ConfigurationChange {
    /// When.
    time: DateTime,
    /// The configuration, as Sysmon names it.
    configuration: Option<String>,
    /// Hash of the configuration file.
    hash: Option<String>,
}

/// Which hosts.
#[derive(Debug, Clone, Default, InputObject)]
pub struct HostFilterInput {
    /// A part of the name.
    name: Option<String>,
    /// Only hosts whose last event in the period is before this time: those that have fallen silent.
    silent_since: Option<DateTime>,
}

impl HostFilterInput {
    fn is_match(&self, host: &HostCount) -> bool {
        self.name.as_ref().is_none_or(|n| host.host.contains(&text::fold(n)))
            && self.silent_since.is_none_or(|t| host.last < t.0)
    }
}

/// One page of hosts.
#[derive(SimpleObject)]
pub struct HostConnection {
    /// Hosts of this page.
    nodes: Vec<Host>,
    /// Where this page ends.
    page_info: PageInfo,
    /// Hosts of the list in all.
    total: Total,
}

/// What a list of hosts asks.
pub struct Wanted {
    pub period: Period,
    pub filter: HostFilterInput,
    pub order: HostOrder,
    pub descending: bool,
    pub first: usize,
}

/// Hosts of one installation at most, as far as lists of them go.
const MAX_HOSTS: usize = 100_000;

/// Hosts are few, and a list in any other order than by name needs them all; so all are read and one page is shown.
pub async fn page(core: &Core, scope: &Scope, wanted: Wanted, after: Option<&str>) -> Result<HostConnection> {
    let Wanted { period, filter, order, descending, first } = wanted;
    let after = List::Hosts.read_with(after, |body| {
        let (key, name) = body.split_once(':')?;
        Some((key.parse::<i128>().ok()?, name.to_owned()))
    })?;
    let counts = core.store.hosts(scope, period, None, MAX_HOSTS + 1).await?;
    if counts.len() > MAX_HOSTS {
        return Err(Error::new(Code::TooLarge, format!("more than {MAX_HOSTS} hosts: ask for a shorter period")));
    }
    let key = |h: &HostCount| {
        let key = match order {
            HostOrder::Name => 0,
            HostOrder::Events => i128::from(h.events),
            HostOrder::FirstSeen => i128::from(h.first.0),
            HostOrder::LastSeen => i128::from(h.last.0),
        };
        if descending { -key } else { key }
    };
    let by_name = |a: &str, b: &str| if descending && order == HostOrder::Name { b.cmp(a) } else { a.cmp(b) };
    let mut counts: Vec<HostCount> = counts.into_iter().filter(|h| filter.is_match(h)).collect();
    counts.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| by_name(&a.host, &b.host)));
    let total = Total::of(counts.len() as u64);
    if let Some((at, name)) = after {
        counts.retain(|h| key(h).cmp(&at).then_with(|| by_name(&h.host, &name)).is_gt());
    }
    let has_next_page = counts.len() > first;
    counts.truncate(first);
    let end_cursor = counts.last().map(|h| List::Hosts.cursor(format_args!("{}:{}", key(h), h.host)));
    let nodes = counts.into_iter().map(|count| Host { count, period }).collect();
    Ok(HostConnection { nodes, page_info: PageInfo { has_next_page, end_cursor }, total })
}
