//! The log: the truth on disk. SQLite file `events.db` with blocks of events in order of arrival, and the
//! position of every event id, which makes appends idempotent.
//!
//! One thread writes. It takes all appends that wait, stores them in one transaction (group commit), and
//! answers only after the commit is on disk.
use super::{
    PART, Seq,
    codec::{self, Encoder},
    recent::Recent,
};
use crate::{
    checkup::Finding,
    error::{Code, Error, Result},
    event::{Event, EventId, Position},
    store::Appended,
};
use lru::LruCache;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
};
use tokio::sync::{mpsc, oneshot, watch};

/// Version of the file's layout.
const FORMAT: i64 = 1;
const APPLICATION_ID: i64 = 0x5359_534d;
/// Events in a block.
const BLOCK_EVENTS: usize = 128;
/// Bytes of events after which a block is closed early.
const BLOCK_BYTES: usize = 1 << 20;
/// Largest block that is read; a single event may be big.
const MAX_BLOCK: usize = 1 << 30;
/// Events after which a group is committed even while more wait.
const GROUP_EVENTS: usize = 16_384;
/// Appends that wait; each is bounded by who makes it.
const QUEUE: usize = 16;
/// Bytes of events after which a read ends, even if more were asked for.
const READ_BYTES: usize = 16 << 20;

type Block = (Seq, Arc<[Arc<Event>]>);

struct Append {
    events: Vec<Event>,
    reply: oneshot::Sender<Result<Appended>>,
}

pub struct Log {
    queue: Mutex<Option<mpsc::Sender<Append>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    shared: Arc<Shared>,
}

/// What the writer thread and readers share.
struct Shared {
    path: PathBuf,
    head: AtomicU64,
    moved: watch::Sender<Seq>,
    recent: Recent,
    readers: Mutex<Vec<Connection>>,
    blocks: Mutex<LruCache<Seq, Block>>,
}

impl Log {
    pub fn open(path: &Path, recent_bytes: usize, cached_blocks: usize) -> Result<Self> {
        let db = Connection::open(path)?;
        let format: i64 = db.query_row("PRAGMA user_version", [], |r| r.get(0))?;
        if format > FORMAT {
            return Err(Error::new(
                Code::Conflict,
                format!("the event log has format {format}, this program knows {FORMAT}: use a newer version of it"),
            ));
        }
        db.execute_batch(&format!(
            "PRAGMA page_size = 4096; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536;
             PRAGMA wal_autocheckpoint = 16000; PRAGMA journal_size_limit = 67108864;
             BEGIN;
             CREATE TABLE IF NOT EXISTS block(first INTEGER PRIMARY KEY, count INTEGER NOT NULL, data BLOB NOT NULL);
             CREATE TABLE IF NOT EXISTS event(id BLOB PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
             PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT};
             COMMIT;"
        ))?;
        let head = db
            .query_row("SELECT first + count - 1 FROM block ORDER BY first DESC LIMIT 1", [], |r| r.get::<_, i64>(0))
            .optional()?
            .map_or(0, i64::cast_unsigned);
        let blocks = std::num::NonZeroUsize::new(cached_blocks).unwrap_or(std::num::NonZeroUsize::MIN);
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            head: AtomicU64::new(head),
            moved: watch::Sender::new(head),
            recent: Recent::new(recent_bytes, head + 1),
            readers: Mutex::default(),
            blocks: Mutex::new(LruCache::new(blocks)),
        });
        let (queue, waiting) = mpsc::channel(QUEUE);
        let mut writer = Writer { db, encoder: Encoder::new()?, shared: shared.clone() };
        let thread = std::thread::Builder::new().name("event-log".into()).spawn(move || writer.run(waiting))?;
        Ok(Self { queue: Mutex::new(Some(queue)), writer: Mutex::new(Some(thread)), shared })
    }

    pub async fn append(&self, events: Vec<Event>) -> Result<Appended> {
        let closed = || Error::new(Code::Unavailable, "the event store is shutting down");
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or_else(closed)?;
        let (reply, answer) = oneshot::channel();
        queue.send(Append { events, reply }).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    pub fn head(&self) -> Seq {
        self.shared.head.load(Ordering::Acquire)
    }

    /// Follows the head.
    pub fn watch(&self) -> watch::Receiver<Seq> {
        self.shared.moved.subscribe()
    }

    /// Events after `after`, at most `max` and not many more than [`READ_BYTES`], if they are in memory or there are none.
    pub fn recent(&self, after: Seq, max: usize) -> Option<Vec<(Seq, Arc<Event>)>> {
        if after >= self.head() || max == 0 {
            return Some(Vec::new());
        }
        self.shared.recent.read(after, max, READ_BYTES)
    }

    /// Events after `after`, at most `max` and not many more than [`READ_BYTES`], from memory where they are recent.
    pub fn read(&self, after: Seq, max: usize) -> Result<Vec<(Seq, Arc<Event>)>> {
        if let Some(recent) = self.recent(after, max) {
            return Ok(recent);
        }
        let max = max.min(usize::try_from(self.head().saturating_sub(after)).unwrap_or(usize::MAX));
        let mut out = Vec::with_capacity(max.min(1 << 16));
        let mut bytes = 0;
        while out.len() < max && bytes < READ_BYTES {
            let next = after + 1 + out.len() as Seq;
            let (first, events) = self.shared.block(next)?;
            let skip = usize::try_from(next - first).unwrap_or(usize::MAX);
            let before = out.len();
            out.extend(events.iter().skip(skip).take(max - out.len()).zip(next..).map(|(e, seq)| (seq, e.clone())));
            if out.len() == before {
                return Err(lost(next));
            }
            bytes += out[before..].iter().map(|(_, e)| e.size()).sum::<usize>();
        }
        Ok(out)
    }

    /// The events at these positions.
    pub fn at(&self, seqs: &[Seq]) -> Result<Vec<Arc<Event>>> {
        let mut order: Vec<usize> = (0..seqs.len()).collect();
        order.sort_by_key(|i| seqs[*i]);
        let mut out: Vec<Option<Arc<Event>>> = vec![None; seqs.len()];
        let mut current: Option<Block> = None;
        for i in order {
            let seq = seqs[i];
            let found = |b: &Block| usize::try_from(seq.checked_sub(b.0)?).ok().and_then(|n| b.1.get(n)).cloned();
            let mut event = current.as_ref().and_then(found);
            if event.is_none() {
                let block = self.shared.block(seq)?;
                event = found(&block);
                current = Some(block);
            }
            out[i] = Some(event.ok_or_else(|| lost(seq))?);
        }
        Ok(out.into_iter().flatten().collect())
    }

    /// As [`Self::at`], with `None` where there is no position.
    pub fn at_each(&self, seqs: Vec<Option<Seq>>) -> Result<Vec<Option<Arc<Event>>>> {
        let known: Vec<Seq> = seqs.iter().copied().flatten().collect();
        let mut events = self.at(&known)?.into_iter();
        Ok(seqs.into_iter().map(|s| s.and_then(|_| events.next())).collect())
    }

    /// Positions of ids, in the order asked.
    pub fn positions(&self, ids: &[EventId]) -> Result<Vec<Option<Seq>>> {
        self.shared.reading(|db| {
            let mut find = db.prepare_cached("SELECT seq FROM event WHERE id = ?1")?;
            ids.iter()
                .map(|id| {
                    let seq = find.query_row([id.0.to_be_bytes()], |r| r.get::<_, i64>(0)).optional()?;
                    Ok(seq.map(i64::cast_unsigned))
                })
                .collect()
        })
    }

    pub fn checkup(&self) -> Result<Finding> {
        self.shared.reading(|db| Finding::of_file("event log", db))
    }

    /// Ends the writer thread after what waits is stored.
    pub fn close(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the event log ended by a panic");
        }
    }
}

fn lost(seq: Seq) -> Error {
    Error::internal(format!("event {seq} is missing in the event log"))
}

impl Shared {
    fn reading<T>(&self, f: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let db = match idle {
            Some(db) => db,
            None => {
                let db = Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
                db.busy_timeout(std::time::Duration::from_secs(10))?;
                db
            }
        };
        let out = f(&db);
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).push(db);
        out
    }

    /// The block that holds `seq`.
    fn block(&self, seq: Seq) -> Result<Block> {
        self.reading(|db| {
            let first: i64 = db
                .prepare_cached("SELECT first FROM block WHERE first <= ?1 ORDER BY first DESC LIMIT 1")?
                .query_row([seq.cast_signed()], |r| r.get(0))
                .optional()?
                .ok_or_else(|| lost(seq))?;
            let key = first.cast_unsigned();
            if let Some(b) = self.blocks.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
                return Ok(b.clone());
            }
            let events = db
                .prepare_cached("SELECT data FROM block WHERE first = ?1")?
                .query_row([first], |r| Ok(codec::decode(r.get_ref(0)?.as_blob()?, MAX_BLOCK)))?
                .map_err(Error::internal)?;
            let block: Block = (key, events.into());
            self.blocks.lock().unwrap_or_else(PoisonError::into_inner).put(key, block.clone());
            Ok(block)
        })
    }
}

struct Writer {
    db: Connection,
    encoder: Encoder,
    shared: Arc<Shared>,
}

impl Writer {
    fn run(&mut self, mut waiting: mpsc::Receiver<Append>) {
        while let Some(first) = waiting.blocking_recv() {
            let mut size = first.events.len();
            let mut group = vec![first];
            while size < GROUP_EVENTS {
                let Ok(next) = waiting.try_recv() else { break };
                size += next.events.len();
                group.push(next);
            }
            let (batches, replies): (Vec<_>, Vec<_>) = group.into_iter().map(|a| (a.events, a.reply)).unzip();
            match self.store(batches) {
                Ok(done) => replies.into_iter().zip(done).for_each(|(reply, a)| drop(reply.send(Ok(a)))),
                Err(e) => {
                    tracing::error!(error = &e as &dyn std::error::Error, "could not store events");
                    for reply in replies {
                        let e = Error::new(Code::Unavailable, "the events could not be stored; send them again later");
                        drop(reply.send(Err(e)));
                    }
                }
            }
        }
    }

    fn store(&mut self, batches: Vec<Vec<Event>>) -> Result<Vec<Appended>> {
        let head = self.shared.head.load(Ordering::Acquire);
        let mut new: Vec<Arc<Event>> = Vec::new();
        let mut done = Vec::with_capacity(batches.len());
        let tx = self.db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        {
            let mut add_id = tx.prepare_cached("INSERT OR IGNORE INTO event(id, seq) VALUES(?1, ?2)")?;
            for batch in batches {
                let mut appended = Appended::default();
                for event in batch {
                    let seq = head + new.len() as Seq + 1;
                    if add_id.execute(params![event.id.0.to_be_bytes(), seq.cast_signed()])? == 1 {
                        appended.stored += 1;
                        new.push(Arc::new(event));
                    } else {
                        appended.duplicates += 1;
                    }
                }
                appended.head = Position::at(PART, head + new.len() as Seq);
                done.push(appended);
            }
            let mut add_block = tx.prepare_cached("INSERT INTO block(first, count, data) VALUES(?1, ?2, ?3)")?;
            let mut first = head + 1;
            let mut rest = &new[..];
            while !rest.is_empty() {
                let (block, after) = rest.split_at(block_len(rest));
                let data = self.encoder.block(block)?;
                add_block.execute(params![first.cast_signed(), block.len() as i64, data])?;
                first += block.len() as Seq;
                rest = after;
            }
        }
        tx.commit()?;
        let head = head + new.len() as Seq;
        self.shared.recent.push(new);
        self.shared.head.store(head, Ordering::Release);
        self.shared.moved.send_replace(head);
        Ok(done)
    }
}

fn block_len(events: &[Arc<Event>]) -> usize {
    let mut bytes = 0;
    let full = events.iter().take(BLOCK_EVENTS).position(|e| {
        bytes += e.size();
        bytes > BLOCK_BYTES
    });
    full.unwrap_or(events.len().min(BLOCK_EVENTS)).max(1)
}
