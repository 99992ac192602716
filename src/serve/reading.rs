//! Threat reports and rule packs are read a few at a time: some megabytes may take a gigabyte until they are stored.
use super::frame;
use crate::error::{Error, Result};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Lets some read at once; others wait.
pub struct Readers(Arc<Semaphore>);

/// The turn of one of them. It stays with the work, which goes on when its caller has gone away.
pub struct Turn {
    _permit: OwnedSemaphorePermit,
}

impl Readers {
    pub fn new(most: usize) -> Self {
        Self(Arc::new(Semaphore::new(most)))
    }

    /// Waits for a turn.
    pub async fn turn(&self) -> Result<Turn> {
        let permit = self.0.clone().acquire_owned().await.map_err(Error::internal)?;
        Ok(Turn { _permit: permit })
    }
}

impl Turn {
    /// What is read, with the turn in which it is to be stored.
    pub async fn read<T: Send + 'static>(self, read: impl FnOnce() -> Result<T> + Send + 'static) -> Result<(Self, T)> {
        tokio::task::spawn_blocking(move || read().map(|found| (self, found))).await?
    }

    /// Stores what was read, to its end, and ends the turn.
    pub async fn store<T: Send + 'static>(self, store: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
        let work = async move {
            let stored = store.await;
            drop(self);
            stored
        };
        tokio::spawn(frame::under(frame::request_id(), work)).await?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{sync::mpsc, time::Duration};
    use tokio::{sync::oneshot, time::timeout};

    const WHILE: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn a_turn_lasts_as_long_as_its_work() {
        let readers = Readers::new(1);
        let turn = readers.turn().await.unwrap();
        let (end, ended) = mpsc::channel::<()>();
        let read = turn.read(move || ended.recv().map_err(Error::internal));
        assert!(timeout(WHILE, read).await.is_err(), "its caller goes away");
        assert!(timeout(WHILE, readers.turn()).await.is_err());
        end.send(()).unwrap();

        let (turn, found) = readers.turn().await.unwrap().read(|| Ok(7)).await.unwrap();
        assert_eq!(found, 7);
        let (end, ended) = oneshot::channel::<()>();
        let store = turn.store(async move { ended.await.map_err(Error::internal) });
        assert!(timeout(WHILE, store).await.is_err(), "and again");
        assert!(timeout(WHILE, readers.turn()).await.is_err());
        end.send(()).unwrap();

        let failed = readers.turn().await.unwrap().read(|| Err::<(), _>(Error::bad_input("no report"))).await;
        assert!(failed.is_err());
        readers.turn().await.unwrap();
    }
}
