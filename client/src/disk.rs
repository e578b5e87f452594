//! Files that only their owner may read, written so that a crash leaves the old content or the new, never half of either.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Why a file or folder could not be used. Names the path, never the content.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what} {}: {source}", path.display())]
pub struct DiskError {
    what: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl DiskError {
    /// Whether the file is simply not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }

    fn at<'a>(what: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Self { what, path: path.to_owned(), source }
    }
}

/// What a file that was written must survive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// A power cut: everything is flushed to the disk before it is relied on.
    #[default]
    PowerCut,
    /// The end of the process, however it comes, while the machine stays up: for folders that do not outlive a run.
    Process,
}

/// Makes a folder, with its parents, that only its owner may enter; an existing one is narrowed to that.
///
/// # Errors
/// [`DiskError`] when the folder cannot be made.
pub fn private_folder(path: &Path) -> Result<(), DiskError> {
    fs::create_dir_all(path).map_err(DiskError::at("create the folder", path))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(DiskError::at("set the mode of", path))?;
    }
    Ok(())
}

/// Replaces a file's content: written beside it, flushed to the disk, renamed over it, and the folder flushed as well. When this
/// returns, the content survives a power cut.
///
/// # Errors
/// [`DiskError`] when any step fails; the old content is then still there.
pub fn write_private(path: &Path, content: &[u8]) -> Result<(), DiskError> {
    write_durably(path, content, Durability::PowerCut)
}

/// The same for a chosen durability.
///
/// # Errors
/// As [`write_private`].
pub fn write_durably(path: &Path, content: &[u8], durability: Durability) -> Result<(), DiskError> {
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        // A device or a folder is not replaced by a file of its name.
        return Err(DiskError::at("replace", path)(io::Error::other("it is not a file")));
    }
    let temporary = beside(path);
    // What a crash left behind is nobody's record.
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(DiskError::at("remove", &temporary)(error));
        }
        _ => {}
    }
    create_and_fill(&temporary, content, durability)?;
    fs::rename(&temporary, path).map_err(DiskError::at("replace", path))?;
    flush_folder(path, durability)
}

/// Waits for the turn of this process among all that lock the same file, which is made if it is missing and stays; the turn ends when
/// what is answered goes.
///
/// # Errors
/// [`DiskError`] when the file cannot be made or locked.
pub fn lock(path: &Path) -> Result<File, DiskError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(DiskError::at("open", path))?;
    file.lock().map_err(DiskError::at("lock", path))?;
    Ok(file)
}

/// Where a file is written before it gets its name: no name that a person would have given to another file.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}

/// Writes a file that must not exist yet.
///
/// # Errors
/// [`DiskError`] when it exists or cannot be written.
pub fn create_private(path: &Path, content: &[u8]) -> Result<(), DiskError> {
    create_and_fill(path, content, Durability::PowerCut)?;
    flush_folder(path, Durability::PowerCut)
}

/// Reads a file, up to `limit` bytes.
///
/// # Errors
/// [`DiskError`] when it is missing, unreadable or longer.
pub fn read_limited(path: &Path, limit: u64) -> Result<Vec<u8>, DiskError> {
    let file = File::open(path).map_err(DiskError::at("read", path))?;
    let mut content = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut content).map_err(DiskError::at("read", path))?;
    if content.len() as u64 > limit {
        return Err(DiskError::at("read", path)(io::Error::other(format!("it is longer than {limit} bytes"))));
    }
    Ok(content)
}

/// Reads a file, `None` if there is none.
///
/// # Errors
/// [`DiskError`] when it is there and unreadable or longer than `limit`.
pub fn read_if_present(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, DiskError> {
    match read_limited(path, limit) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Overwrites a file with zeros and removes it; one that is not there is fine. Whether the old bytes leave the medium depends on the
/// file system. Of a link, a pipe or a device nothing but the name is removed: what is behind it is not this program's to overwrite.
///
/// # Errors
/// [`DiskError`] when it is there and cannot be removed.
pub fn erase(path: &Path, durability: Durability) -> Result<(), DiskError> {
    let length = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(DiskError::at("erase", path)(error)),
        Ok(found) if !found.is_file() => {
            fs::remove_file(path).map_err(DiskError::at("remove", path))?;
            return flush_folder(path, durability);
        }
        Ok(found) => filled(&found),
    };
    let overwrite = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).open(path)?;
        let zeros = [0u8; 4096];
        let mut left = length;
        while left > 0 {
            let now = left.min(zeros.len() as u64);
            file.write_all(&zeros[..usize::try_from(now).unwrap_or(zeros.len())])?;
            left -= now;
        }
        match durability {
            Durability::PowerCut => file.sync_data(),
            Durability::Process => Ok(()),
        }
    };
    overwrite().map_err(DiskError::at("erase", path))?;
    fs::remove_file(path).map_err(DiskError::at("remove", path))?;
    flush_folder(path, durability)
}

/// How many bytes of a file are overwritten: all of them, or of a huge one so many as its disk holds, since holes hold no secret and
/// filling them could fill the disk.
fn filled(found: &fs::Metadata) -> u64 {
    const HUGE: u64 = 64 * 1024 * 1024;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if found.len() > HUGE {
            return found.len().min(found.blocks().saturating_mul(512));
        }
    }
    found.len()
}

/// Removes a folder with all that is in it; one that is not there is fine. Files right in it are overwritten first, as [`erase`] does.
///
/// # Errors
/// [`DiskError`] when something of it cannot be removed.
pub fn erase_folder(folder: &Path) -> Result<(), DiskError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(DiskError::at("erase", folder))?,
    };
    for entry in entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file())) {
        erase(&entry.path(), Durability::Process)?;
    }
    fs::remove_dir_all(folder).map_err(DiskError::at("remove", folder))
}

fn create_and_fill(path: &Path, content: &[u8], durability: Durability) -> Result<(), DiskError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path).map_err(DiskError::at("create", path))?;
    let written = file.write_all(content).map_err(DiskError::at("write", path)).and_then(|()| match durability {
        Durability::PowerCut => file.sync_all().map_err(DiskError::at("flush", path)),
        Durability::Process => Ok(()),
    });
    if written.is_err() {
        // A full disk leaves half a file, which must not pass for one.
        let _ = fs::remove_file(path);
    }
    written
}

fn flush_folder(path: &Path, durability: Durability) -> Result<(), DiskError> {
    if durability == Durability::Process {
        return Ok(());
    }
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(DiskError::at("flush", folder))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_what_a_crash_left_is_no_obstacle() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("record");
        for durability in [Durability::PowerCut, Durability::Process] {
            fs::write(folder.path().join("record.new"), b"half a rec").unwrap();
            write_durably(&file, b"first", durability).unwrap();
            write_durably(&file, b"second", durability).unwrap();
            assert_eq!(read_limited(&file, 6).unwrap(), b"second");
            assert!(!folder.path().join("record.new").exists());
            erase(&file, durability).unwrap();
            assert!(!file.exists());
            erase(&file, durability).unwrap();
        }
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_a_file_or_enter_a_folder() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let private = folder.path().join("private");
        private_folder(&private).unwrap();
        write_private(&private.join("record"), b"secret").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&private), mode(&private.join("record"))), (0o700, 0o600));
    }

    #[test]
    fn a_file_of_a_similar_name_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let other = folder.path().join("model.new");
        fs::write(&other, b"somebody's").unwrap();
        write_private(&folder.path().join("model.safetensors"), b"a model").unwrap();
        assert_eq!(fs::read(&other).unwrap(), b"somebody's");
    }

    #[cfg(unix)]
    #[test]
    fn what_a_link_points_to_is_neither_overwritten_nor_removed() {
        let folder = tempfile::tempdir().unwrap();
        let (mine, link) = (folder.path().join("mine"), folder.path().join("update"));
        fs::write(&mine, b"precious").unwrap();
        for in_folder in [false, true] {
            let inner = folder.path().join("training");
            fs::create_dir_all(inner.join("below")).unwrap();
            let link = if in_folder { inner.join("update") } else { link.clone() };
            std::os::unix::fs::symlink(&mine, &link).unwrap();
            match in_folder {
                false => erase(&link, Durability::PowerCut).unwrap(),
                true => erase_folder(&inner).unwrap(),
            }
            assert!(fs::symlink_metadata(&link).is_err());
            assert_eq!(fs::read(&mine).unwrap(), b"precious");
        }
        erase_folder(&folder.path().join("nowhere")).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_is_mostly_a_hole_is_erased_without_filling_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("update");
        File::create(&file).unwrap().set_len(1 << 40).unwrap();
        erase(&file, Durability::Process).unwrap();
        assert!(!file.exists());
    }

    #[test]
    fn only_a_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let error = write_private(folder.path(), b"content").unwrap_err();
        assert!(error.to_string().contains("it is not a file"), "{error}");
        #[cfg(unix)]
        {
            let error = write_private(Path::new("/dev/null"), b"content").unwrap_err();
            assert!(error.to_string().contains("it is not a file"), "{error}");
        }
    }

    #[test]
    fn a_file_that_is_missing_or_too_long_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("record");
        assert!(read_if_present(&file, 10).unwrap().is_none());
        let error = read_limited(&file, 10).unwrap_err();
        assert!(error.is_not_found() && error.to_string().contains("record"), "{error}");
        write_private(&file, b"eleven byte").unwrap();
        assert!(read_limited(&file, 10).unwrap_err().to_string().contains("longer than 10 bytes"));
    }
}
