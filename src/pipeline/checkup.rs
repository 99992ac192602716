//! Whether the engines are well, and how far the followers are.
use super::Engines;
use crate::{
    checkup::{Finding, State},
    event::Position,
};

/// Events that a follower may be behind without a word.
const USUAL_LAG: u64 = super::MAX_LAG;

impl Engines {
    /// What the engines find about themselves, then how far each follower is. An engine that does not answer is a
    /// finding, not an error.
    pub async fn checkup(&self) -> Vec<Finding> {
        let (store, graph, catalog) = tokio::join!(self.store.checkup(), self.graph.checkup(), self.catalog.checkup());
        let works = |found: &[Finding]| found.iter().all(|f| f.state != State::Bad);
        let (reads, graphs, catalogs) = (works(&store), works(&graph), works(&catalog));
        let mut all: Vec<Finding> = store.into_iter().chain(graph).chain(catalog).collect();
        if !reads {
            return all;
        }
        match self.store.head().await {
            Err(e) => all.push(Finding::failed("event store", &e)),
            Ok(head) => {
                if graphs {
                    all.push(match self.graph.checkpoint().await {
                        Ok(at) => lag("follower of the graph", &head, &at),
                        Err(e) => Finding::failed("follower of the graph", &e),
                    });
                }
                if catalogs {
                    all.push(match self.catalog.detect_checkpoint().await {
                        Ok(at) => lag("follower of the rules", &head, &at),
                        Err(e) => Finding::failed("follower of the rules", &e),
                    });
                }
            }
        }
        all
    }
}

fn lag(part: &'static str, head: &Position, at: &Position) -> Finding {
    match head.lag(at) {
        0 => Finding::good(part, "has read everything"),
        n if n <= USUAL_LAG => Finding::good(part, format!("{n} entries of the log are ahead of it")),
        n => Finding::warning(
            part,
            format!("{n} entries of the log are ahead of it"),
            "ask again in a minute: if the number does not shrink, look whether a server runs and into its log",
        ),
    }
}
