//! Which process this is: the one that has the folder of the installation, or one beside it, as a command beside the server.
use crate::error::{Error, Result};
use std::{
    fs::{File, TryLockError},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

pub(super) struct Node {
    /// Of the process that has the folder, the name of the installation; it holds leases and goes on with imports under it,
    /// also after a restart. Of one beside it, a name of its own.
    pub(super) name: Arc<str>,
    owns: bool,
    /// Held as long as the process works.
    lock: Mutex<Option<File>>,
}

impl Node {
    /// `shared`: the engines can be open in several processes, so the folder needs a lock of its own.
    pub(super) async fn new(spool: &Path, shared: bool) -> Result<Self> {
        if !shared {
            return Ok(Self { name: installation(spool).await?, owns: true, lock: Mutex::new(None) });
        }
        let file = File::create(spool.with_file_name("server.lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { name: installation(spool).await?, owns: true, lock: Mutex::new(Some(file)) }),
            Err(TryLockError::WouldBlock) => {
                tracing::debug!("another process has the data folder: this one leaves its uploads and imports alone");
                Ok(Self { name: uuid::Uuid::new_v4().to_string().into(), owns: false, lock: Mutex::new(None) })
            }
            Err(TryLockError::Error(e)) => Err(Error::from(e)),
        }
    }

    pub(super) const fn owns(&self) -> bool {
        self.owns
    }

    /// Lets the next process have the folder.
    pub(super) fn release(&self) {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// The name of this installation: made up at its first start, kept in its folder.
async fn installation(spool: &Path) -> Result<Arc<str>> {
    let path = spool.with_file_name("node");
    match tokio::fs::read_to_string(&path).await {
        Ok(name) if !name.trim().is_empty() => Ok(name.trim().into()),
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e.into()),
        _ => {
            let name = uuid::Uuid::new_v4().to_string();
            tokio::fs::write(&path, &name).await?;
            Ok(name.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_process_has_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let spool = folder.path().join("spool");
        let server = Node::new(&spool, true).await.unwrap();
        let command = Node::new(&spool, true).await.unwrap();
        assert!(server.owns() && !command.owns() && server.name != command.name);
        server.release();
        let next = Node::new(&spool, true).await.unwrap();
        assert!(next.owns() && next.name == server.name);
    }
}
