//! A disk in memory that outlives the node that writes on it.

use std::io::{Error, Result};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::StorageBackend;

/// Bytes that a database lies in.
#[derive(Debug, Clone, Default)]
pub struct Disk(Arc<Mutex<Vec<u8>>>);

impl Disk {
    /// What is on it now, as it is found after the node was killed.
    pub fn after_a_kill(&self) -> Self {
        Self(Arc::new(Mutex::new(self.bytes().clone())))
    }

    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a read or a write begins and ends.
fn range(offset: u64, length: usize) -> Result<std::ops::Range<usize>> {
    let start = usize::try_from(offset).map_err(Error::other)?;
    Ok(start..start.saturating_add(length))
}

impl StorageBackend for Disk {
    fn len(&self) -> Result<u64> {
        Ok(self.bytes().len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        let bytes = self.bytes();
        let found = bytes.get(range(offset, out.len())?).ok_or_else(|| Error::other("read beyond the end"))?;
        out.copy_from_slice(found);
        Ok(())
    }

    fn set_len(&self, length: u64) -> Result<()> {
        self.bytes().resize(usize::try_from(length).map_err(Error::other)?, 0);
        Ok(())
    }

    fn sync_data(&self) -> Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        let mut bytes = self.bytes();
        let place = range(offset, data.len())?;
        bytes.get_mut(place).ok_or_else(|| Error::other("written beyond the end"))?.copy_from_slice(data);
        Ok(())
    }
}
