//! Answers in pieces that are all of one moment, whatever is written or dropped meanwhile: a point in time of the cluster.
use super::{Client, Method, WHOLE, failure};
use crate::error::{Error, Result};
use serde_json::{Value, json};

/// How long the cluster keeps a moment between two pieces.
const KEPT: &str = "2m";

/// A point in time that a cluster keeps.
struct Moment {
    id: String,
    by: Way,
}

/// How a point in time is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Elasticsearch,
    OpenSearch,
}

impl Way {
    fn path(self) -> &'static str {
        match self {
            Self::Elasticsearch => "_pit",
            Self::OpenSearch => "_search/point_in_time",
        }
    }
}

impl Client {
    /// Searches piece by piece. `take` gets each answer and makes the body of the next search of it; `is_last` tells of the
    /// first answer that no other one will be asked for, so that it needs no point in time.
    pub async fn in_pieces(
        &self,
        indices: &str,
        first: Value,
        is_last: impl Fn(&Value) -> bool,
        mut take: impl FnMut(Value) -> Result<Option<Value>> + Send,
    ) -> Result<()> {
        let answer = self.search(indices, &first).await?;
        if is_last(&answer) {
            return take(answer).map(drop);
        }
        let mut moment = self.moment(indices).await?;
        let done = self.pieces(&mut moment, first, &mut take).await;
        if let Err(e) = self.forget(&moment).await {
            tracing::debug!(error = %e, "a point in time stays open in the cluster until its time is over");
        }
        done
    }

    async fn pieces(
        &self,
        moment: &mut Moment,
        first: Value,
        take: &mut (dyn FnMut(Value) -> Result<Option<Value>> + Send),
    ) -> Result<()> {
        let mut next = Some(first);
        while let Some(mut body) = next {
            body["pit"] = json!({ "id": moment.id, "keep_alive": KEPT });
            let answer = self.ask(Method::Post, &format!("_search?{WHOLE}"), &body).await?;
            // The cluster may name the same moment otherwise from one answer to the next.
            if let Some(id) = answer["pit_id"].as_str() {
                id.clone_into(&mut moment.id);
            }
            next = take(answer)?;
        }
        Ok(())
    }

    async fn moment(&self, indices: &str) -> Result<Moment> {
        let by = self.way().await?;
        let whole = match by {
            Way::Elasticsearch => "",
            Way::OpenSearch => "&allow_partial_pit_creation=false",
        };
        let path = format!("{indices}/{}?keep_alive={KEPT}&ignore_unavailable=true{whole}", by.path());
        let answer = self.ask(Method::Post, &path, &Value::Null).await?;
        let id = answer["id"].as_str().or_else(|| answer["pit_id"].as_str());
        let id = id.ok_or_else(|| Error::internal("a point in time without an id"))?.to_owned();
        Ok(Moment { id, by })
    }

    /// Which of the two the cluster is.
    pub async fn way(&self) -> Result<Way> {
        self.way.get_or_try_init(|| self.ask_way()).await.copied()
    }

    /// A cluster has one of the two, and refuses the path of the other one. What says neither is not remembered.
    async fn ask_way(&self) -> Result<Way> {
        let path = format!("{}/_all", Way::OpenSearch.path());
        let (status, answer) = self.send(Method::Get, &path, "application/json", String::new()).await?;
        told(status).ok_or_else(|| failure(status, &answer))
    }

    async fn forget(&self, moment: &Moment) -> Result<()> {
        let body = match moment.by {
            Way::Elasticsearch => json!({ "id": moment.id }),
            Way::OpenSearch => json!({ "pit_id": [moment.id] }),
        };
        self.ask(Method::Delete, moment.by.path(), &body).await.map(drop)
    }
}

fn told(status: u16) -> Option<Way> {
    match status {
        200 => Some(Way::OpenSearch),
        400 | 405 => Some(Way::Elasticsearch),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_that_is_ill_tells_nothing() {
        assert_eq!(
            (told(200), told(400), told(405)),
            (Some(Way::OpenSearch), Some(Way::Elasticsearch), Some(Way::Elasticsearch))
        );
        assert!([401, 403, 429, 500, 503].into_iter().all(|status| told(status).is_none()));
    }
}
