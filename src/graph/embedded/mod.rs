//! The graph in one SQLite file: an own thread writes, a few connections read.
mod dump;
mod links;
mod read;
mod schema;
mod tree;
mod write;

use super::{
    Batch, Counts, Degree, GraphStore, Grouping, Groups, Lineage, Link, NeighbourFilter, Neighbours, Node, NodeId, Tree,
};
use crate::{
    checkup::Finding,
    error::{Code, Error, Result},
    event::{Fence, Period, Position, Scope},
};
use async_trait::async_trait;
use rusqlite::Connection;
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::{Semaphore, mpsc, oneshot};

/// Its name in a checkup.
const PART: &str = "graph";
/// Reads at once; each has its own connection and page cache.
const READERS: usize = 4;

enum Command {
    Upsert(Box<Batch>, Position, oneshot::Sender<Result<()>>),
    Clear(oneshot::Sender<Result<()>>),
}

/// [`GraphStore`] in one file.
pub struct Sqlite {
    path: PathBuf,
    writer: mpsc::Sender<Command>,
    idle: Arc<Mutex<Vec<Connection>>>,
    readers: Arc<Semaphore>,
}

impl Sqlite {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// `CONFLICT` when a newer program wrote it, or it is no graph.
    pub fn open(path: &Path) -> Result<Arc<Self>> {
        let mut writer = write::Writer::open(path)?;
        let (send, mut commands) = mpsc::channel(1);
        std::thread::Builder::new().name("graph-writer".to_owned()).spawn(move || {
            while let Some(command) = commands.blocking_recv() {
                // Who does not wait for the answer any more does not need it.
                match command {
                    Command::Upsert(batch, upto, done) => drop(done.send(writer.upsert(*batch, &upto))),
                    Command::Clear(done) => drop(done.send(writer.clear())),
                }
            }
        })?;
        Ok(Arc::new(Self {
            path: path.to_owned(),
            writer: send,
            idle: Arc::default(),
            readers: Arc::new(Semaphore::new(READERS)),
        }))
    }

    async fn write(&self, command: impl FnOnce(oneshot::Sender<Result<()>>) -> Command) -> Result<()> {
        let gone = || Error::new(Code::Unavailable, "the graph store has stopped");
        let (done, answer) = oneshot::channel();
        self.writer.send(command(done)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// Runs `f` on a reading connection, over one snapshot of the file.
    async fn read<T: Send + 'static>(&self, f: impl FnOnce(&Connection) -> Result<T> + Send + 'static) -> Result<T> {
        let permit = Arc::clone(&self.readers).acquire_owned().await.map_err(Error::internal)?;
        let (idle, path) = (Arc::clone(&self.idle), self.path.clone());
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let free = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let db = match free {
                Some(db) => db,
                None => schema::reader(&path)?,
            };
            let snapshot = db.unchecked_transaction()?;
            let answer = f(&db);
            drop(snapshot);
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(db);
            answer
        })
        .await?
    }

    /// Everything that the scope sees, a line for each node and edge, sorted by id: two graphs are equal
    /// when their lines are.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn dump(&self, scope: &Scope, line: impl FnMut(String) + Send + 'static) -> Result<()> {
        let scope = scope.clone();
        self.read(move |db| dump::dump(&read::View::new(db, &scope)?, line)).await
    }
}

#[async_trait]
impl GraphStore for Sqlite {
    async fn upsert(&self, batch: Batch, upto: &Position, _: Fence) -> Result<()> {
        self.write(|done| Command::Upsert(Box::new(batch), upto.clone(), done)).await
    }

    async fn checkpoint(&self) -> Result<Position> {
        self.read(|db| {
            let text: String = db.query_row("SELECT position FROM meta", [], |r| r.get(0))?;
            Position::parse(&text)
        })
        .await
    }

    async fn take_over(&self, _: Fence) -> Result<Position> {
        self.checkpoint().await
    }

    async fn clear(&self, _: Fence) -> Result<()> {
        self.write(Command::Clear).await
    }

    async fn nodes(&self, scope: &Scope, ids: &[NodeId]) -> Result<Vec<Option<Node>>> {
        let (scope, ids) = (scope.clone(), ids.to_vec());
        self.read(move |db| {
            let view = read::View::new(db, &scope)?;
            ids.iter()
                .map(|id| match view.number(*id)? {
                    Some(n) => view.node(n, *id),
                    None => Ok(None),
                })
                .collect()
        })
        .await
    }

    async fn degrees(&self, scope: &Scope, ids: &[NodeId], period: Period) -> Result<Vec<Vec<Degree>>> {
        let (scope, ids) = (scope.clone(), ids.to_vec());
        self.read(move |db| {
            let view = read::View::new(db, &scope)?;
            ids.iter()
                .map(|id| match view.number(*id)? {
                    Some(n) => view.degrees(n, period),
                    None => Ok(Vec::new()),
                })
                .collect()
        })
        .await
    }

    async fn neighbours(
        &self,
        scope: &Scope,
        id: NodeId,
        filter: &NeighbourFilter,
        after: Option<&str>,
        first: usize,
    ) -> Result<Neighbours> {
        let (scope, filter, after) = (scope.clone(), filter.clone(), after.map(str::to_owned));
        self.read(move |db| read::View::new(db, &scope)?.neighbours(id, &filter, after.as_deref(), first)).await
    }

    async fn first_neighbours(
        &self,
        scope: &Scope,
        ids: &[NodeId],
        filter: &NeighbourFilter,
        first: usize,
    ) -> Result<Vec<Neighbours>> {
        let (scope, ids, filter) = (scope.clone(), ids.to_vec(), filter.clone());
        self.read(move |db| {
            let view = read::View::new(db, &scope)?;
            ids.iter().map(|id| view.neighbours(*id, &filter, None, first)).collect()
        })
        .await
    }

    async fn groups(
        &self,
        scope: &Scope,
        id: NodeId,
        filter: &NeighbourFilter,
        by: Grouping,
        most: usize,
    ) -> Result<Groups> {
        let (scope, filter) = (scope.clone(), filter.clone());
        self.read(move |db| read::View::new(db, &scope)?.groups(id, &filter, by, most)).await
    }

    async fn links(&self, scope: &Scope, ids: &[NodeId], filter: &NeighbourFilter, most: usize) -> Result<Vec<Link>> {
        let (scope, ids, filter) = (scope.clone(), ids.to_vec(), filter.clone());
        self.read(move |db| read::View::new(db, &scope)?.links(&ids, &filter, most)).await
    }

    async fn tree(&self, scope: &Scope, host: &str, period: Period, after: Option<&str>, first: usize) -> Result<Tree> {
        let (scope, host, after) = (scope.clone(), host.to_owned(), after.map(str::to_owned));
        self.read(move |db| {
            if !scope.allows(&host) {
                return Ok(Tree { processes: Vec::new(), next: None, total: 0 });
            }
            read::View::new(db, &scope)?.tree(&host, period, after.as_deref(), first)
        })
        .await
    }

    async fn lineage(&self, scope: &Scope, process: NodeId, max_descendants: usize) -> Result<Lineage> {
        let scope = scope.clone();
        self.read(move |db| read::View::new(db, &scope)?.lineage(process, max_descendants)).await
    }

    async fn lineages(&self, scope: &Scope, processes: &[NodeId], max_descendants: usize) -> Result<Vec<Lineage>> {
        let (scope, processes) = (scope.clone(), processes.to_vec());
        self.read(move |db| {
            let view = read::View::new(db, &scope)?;
            processes.iter().map(|p| view.lineage(*p, max_descendants)).collect()
        })
        .await
    }

    async fn checkup(&self) -> Vec<Finding> {
        let looked = self.read(|db| Finding::of_file(PART, db)).await;
        vec![looked.unwrap_or_else(|e| Finding::failed(PART, &e))]
    }

    async fn counts(&self) -> Result<Counts> {
        self.read(read::counts).await
    }
}
