//! What correlations keep: the events that their members have matched, by group and time. What belongs to an earlier era
//! than the present one was cleared.
use super::{
    Cluster,
    nodes::{self, Kind, Row, Space, limit},
    state::{Detected, lock_as, lock_detected},
};
use crate::{
    error::{Error, Result},
    event::{
        EventId, Fence, Time,
        correlated::{Change, Group, Kept, Sighting, Stretch},
    },
    neo4j::{Map, Transaction, cypher, transact},
};
use neo4rs::BoltType;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Serialize, Deserialize)]
struct StoredGroup {
    group: String,
    rule_id: String,
    rule_version: String,
}

#[derive(Serialize, Deserialize)]
struct Seen {
    event: String,
    member: u32,
    source: String,
    /// JSON, because most have nothing in it.
    values: String,
}

#[derive(Serialize, Deserialize)]
struct Fired {
    event: String,
}

fn hex(n: u128) -> String {
    format!("{n:032x}")
}

fn event_id(text: &str) -> Result<EventId> {
    EventId::parse(text).ok_or_else(|| Error::internal("what a correlation keeps has no event"))
}

/// Names of one era's things.
struct Era<'s>(&'s Space, String);

impl<'s> Era<'s> {
    fn new(space: &'s Space, era: u64) -> Self {
        Self(space, era.to_string())
    }

    fn groups(&self) -> String {
        self.0.list_of(Kind::Group, &[&self.1])
    }

    fn group(&self, group: &str) -> String {
        self.0.key(Kind::Group, &[&self.1, group])
    }

    fn list(&self, kind: Kind, group: &str) -> String {
        self.0.list_of(kind, &[&self.1, group])
    }

    fn sighting(&self, group: &str, s: &Sighting) -> String {
        let (time, event) = (s.time.0.to_string(), s.event_id.to_string());
        self.0.key(Kind::Sighting, &[&self.1, group, &time, &event, &s.member.to_string(), &hex(s.source)])
    }

    fn firing(&self, group: &str, (time, id): &(Time, EventId)) -> String {
        self.0.key(Kind::Firing, &[&self.1, group, &time.0.to_string(), &id.to_string()])
    }
}

pub async fn put(t: &mut Transaction, space: &Space, era: u64, changes: &[Change]) -> Result<()> {
    let era = Era::new(space, era);
    let (mut went, mut came) = (Vec::new(), Vec::new());
    for Change { group, came: seen, went: unseen, fired, unfired } in changes {
        let Group { rule_id, rule_version, .. } = group;
        let group = hex(group.key());
        let stored = StoredGroup { group: group.clone(), rule_id: rule_id.clone(), rule_version: rule_version.clone() };
        came.push(Row::new(era.group(&group), Kind::Group, &stored)?.list(era.groups()).number(0));
        went.extend(unseen.iter().map(|s| era.sighting(&group, s)));
        went.extend(unfired.iter().map(|f| era.firing(&group, f)));
        for s in seen {
            let values = serde_json::to_string(&s.values)?;
            let stored = Seen { event: s.event_id.to_string(), member: s.member, source: hex(s.source), values };
            let row = Row::new(era.sighting(&group, s), Kind::Sighting, &stored)?;
            came.push(row.list(era.list(Kind::Sighting, &group)).with("number", s.time.0));
        }
        for f in fired {
            let row = Row::new(era.firing(&group, f), Kind::Firing, &Fired { event: f.1.to_string() })?;
            came.push(row.list(era.list(Kind::Firing, &group)).with("number", f.0.0));
        }
    }
    nodes::delete(t, went).await?;
    nodes::put(t, came).await
}

impl Cluster {
    pub(super) async fn kept(&self, stretches: &[Stretch], most: usize) -> Result<Vec<Kept>> {
        #[derive(Deserialize)]
        struct Found {
            at: i64,
            all: Value,
        }
        let era = self.state().await?.era;
        let era = Era::new(&self.space, era);
        let mut kept = vec![Kept::default(); stretches.len()];
        for kind in [Kind::Sighting, Kind::Firing] {
            let row = |(n, s): (usize, &Stretch)| -> BoltType {
                Map::default()
                    .with("at", n as i64)
                    .with("list", era.list(kind, &hex(s.group)))
                    .with("from", s.from.0)
                    .with("to", s.to.0)
                    .into()
            };
            let rows: Vec<BoltType> = stretches.iter().enumerate().map(row).collect();
            for some in rows.chunks(crate::neo4j::ROWS) {
                let query = cypher!("cypher/read/catalog_stretches.cypher")
                    .param("rows", some.to_vec())
                    .param("most", limit(most).saturating_add(1));
                for Found { at, all } in self.neo4j.rows(query).await? {
                    let time = Time(all["number"].as_i64().unwrap_or_default());
                    let Some(kept) = usize::try_from(at).ok().and_then(|n| kept.get_mut(n)) else { continue };
                    if kind == Kind::Firing {
                        kept.fired.push((time, event_id(&nodes::thing::<Fired>(all)?.event)?));
                        continue;
                    }
                    let Seen { event, member, source, values } = nodes::thing(all)?;
                    kept.seen.push(Sighting {
                        time,
                        event_id: event_id(&event)?,
                        member,
                        source: u128::from_str_radix(&source, 16).map_err(Error::internal)?,
                        values: serde_json::from_str(&values)?,
                    });
                }
            }
        }
        for k in &mut kept {
            k.seen.sort_by_key(Sighting::key);
            k.fired.sort();
            k.cut(most);
        }
        Ok(kept)
    }

    /// Forgets all correlations but these, by id and version.
    pub(super) async fn retain(&self, versions: &[(String, String)], fence: Fence) -> Result<()> {
        let state = self.state().await?;
        sweep(self, &state).await?;
        let era = Era::new(&self.space, state.era);
        let groups: Vec<StoredGroup> = nodes::all(&self.neo4j, era.groups()).await?;
        let wanted = |g: &StoredGroup| versions.iter().any(|(id, v)| (id, v) == (&g.rule_id, &g.rule_version));
        let unwanted = groups.into_iter().filter(|g| !wanted(g)).map(|g| g.group).collect();
        drop_groups(self, &era, unwanted, Some(fence)).await
    }
}

/// Groups are dropped behind what they hold, so that an end in the middle leaves nothing that is not found again. What
/// others may use is dropped by the owner of the work only.
async fn drop_groups(cluster: &Cluster, era: &Era<'_>, groups: Vec<String>, fence: Option<Fence>) -> Result<()> {
    let guard = async |t: &mut Transaction| match fence {
        Some(fence) => lock_as(t, &cluster.space, fence).await.map(drop),
        None => Ok(()),
    };
    for some in groups.chunks(crate::neo4j::ROWS) {
        let lists = some.iter().flat_map(|g| [Kind::Sighting, Kind::Firing].map(|kind| era.list(kind, g)));
        let query = cypher!("cypher/write/catalog_delete_list.cypher").param("lists", lists.collect::<Vec<_>>());
        let piece = async |t: &mut Transaction| {
            guard(t).await?;
            nodes::delete_piece(t, query.clone()).await
        };
        while transact!(cluster.neo4j, t => piece(&mut t).await)? {}
    }
    let keys: Vec<String> = groups.iter().map(|g| era.group(g)).collect();
    let last = async |t: &mut Transaction| {
        guard(t).await?;
        nodes::delete(t, keys.clone()).await
    };
    transact!(cluster.neo4j, t => last(&mut t).await)
}

/// Removes what earlier eras have left.
pub async fn sweep(cluster: &Cluster, state: &Detected) -> Result<()> {
    if state.swept >= state.era {
        return Ok(());
    }
    for n in state.swept..state.era {
        let era = Era::new(&cluster.space, n);
        let groups: Vec<StoredGroup> = nodes::all(&cluster.neo4j, era.groups()).await?;
        drop_groups(cluster, &era, groups.into_iter().map(|g| g.group).collect(), None).await?;
    }
    let swept = async |t: &mut Transaction| {
        let mut now = lock_detected(t, &cluster.space).await?;
        now.swept = now.swept.max(state.era);
        now.save(t, &cluster.space).await
    };
    transact!(cluster.neo4j, t => swept(&mut t).await)
}
