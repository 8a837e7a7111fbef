//! Where recorders are found: a private folder with one socket `<id>.sock` per recorder.
//!
//! Health is an answer on the socket, so a file that nobody listens on is removed, but only under the
//! folder's lock, so that two programs cannot take each other's new socket for an old one. Speaks no messages.

use super::Error;
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// Longest path of a Unix socket: 108 bytes on Linux with the zero at its end.
pub const PATH_BYTES: usize = 107;
/// Names the folder for tests and odd setups.
pub const FOLDER_VARIABLE: &str = "MYOGRAPH_RUNTIME_DIR";

/// Mode bits by which others get into a folder.
const ENTRY: u32 = 0o077;
/// Mode bits by which others may change a folder's entries.
const CHANGE: u32 = 0o022;

/// Who may command a recorder; root always may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Its user.
    #[default]
    Owner,
    /// Its user and the members of its group.
    Group,
}

/// The folder of the sockets, made with mode 0700 if it is not there: `$MYOGRAPH_RUNTIME_DIR`, else
/// `$XDG_RUNTIME_DIR/myograph`, else `/tmp/myograph-UID`. Refused unless it is ours and no link; a named one
/// may be read by others, the rest must be closed to them.
pub fn folder(access: Access) -> Result<PathBuf, Error> {
    let named = named();
    let forbidden = if named.is_some() { CHANGE } else { ENTRY };
    let is_closed = named.is_none();
    let folder = choose(named, variable("XDG_RUNTIME_DIR"), own_uid());
    if is_closed && access == Access::Group {
        return Err(Error::Closed { path: folder });
    }
    secure(&folder, forbidden)?;
    Ok(folder)
}

/// The folder to look for recorders in: a named one may also be that of another user, e.g. of a service that lets its
/// group in, so long as nobody else can change it.
pub fn searched() -> Result<PathBuf, Error> {
    let is_others = |folder: &PathBuf| owner(folder).is_some_and(|uid| uid != own_uid());
    named().filter(is_others).map_or_else(|| folder(Access::Owner), Ok)
}

/// Whether a recorder of the user `uid` at `path` is believed: our own, root's, and whose folder we were told.
#[must_use]
pub fn is_believed(uid: u32, path: &Path) -> bool {
    let own = own_uid();
    let told = || named().filter(|folder| path.parent() == Some(folder)).and_then(|folder| owner(&folder));
    uid == own || uid == 0 || own == 0 || told() == Some(uid)
}

fn named() -> Option<PathBuf> {
    variable(FOLDER_VARIABLE)
}

fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Who alone can change a folder; none where it is a link, where several can, or where anybody could have made it.
fn owner(folder: &Path) -> Option<u32> {
    let alone = |meta: &fs::Metadata| meta.is_dir() && meta.mode() & CHANGE == 0;
    let meta = fs::symlink_metadata(folder).ok().filter(alone)?;
    let parent = fs::metadata(folder.parent()?).ok()?;
    (meta.uid() == own_uid() || parent.mode() & 0o002 == 0).then(|| meta.uid())
}

/// The socket of the recorder `id` in `folder`.
pub fn path(folder: &Path, id: &str) -> Result<PathBuf, Error> {
    let path = folder.join(format!("{id}.sock"));
    if path.as_os_str().len() > PATH_BYTES {
        return Err(Error::Path { path });
    }
    Ok(path)
}

/// The sockets in `folder` that somebody listens on, by id; those nobody listens on are removed.
pub fn sockets(folder: &Path) -> Result<Vec<(String, PathBuf)>, Error> {
    let failed = |source| Error::Folder { path: folder.to_owned(), source };
    let _lock = Lock::take(folder)?;
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let is_ours = is_socket(&path) && path.extension().is_some_and(|extension| extension == "sock");
        let Some(id) = path.file_stem().and_then(|stem| stem.to_str()).filter(|_| is_ours) else {
            continue;
        };
        if is_stale(&path) {
            // Whoever removed it first did what was wanted.
            let _ = fs::remove_file(&path);
        } else {
            found.push((id.to_owned(), path));
        }
    }
    found.sort();
    Ok(found)
}

/// Listens on `path` with mode 0600, in place of a socket nobody listens on; for a group, with 0660 in a folder it may
/// enter.
pub fn listen(path: &Path, access: Access) -> Result<UnixListener, Error> {
    if path.as_os_str().len() > PATH_BYTES {
        return Err(Error::Path { path: path.to_owned() });
    }
    let failed = |source| Error::Bind { path: path.to_owned(), source };
    let folder = path.parent().ok_or_else(|| failed(io::ErrorKind::InvalidInput.into()))?;
    secure(folder, CHANGE)?;
    let _lock = Lock::take(folder)?;
    if is_stale(path) {
        fs::remove_file(path).map_err(failed)?;
    }
    let listener = match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            return Err(Error::Taken { path: path.to_owned() });
        }
        bound => bound.map_err(failed)?,
    };
    // Until here the mask and the folder's mode keep others out, and the server's look at each peer.
    let allow = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    match access {
        Access::Owner => allow(path, 0o600),
        Access::Group => {
            let meta = fs::metadata(folder).map_err(failed)?;
            allow(path, 0o660).and_then(|()| allow(folder, meta.mode() & 0o777 | 0o050))
        }
    }
    .map_err(failed)?;
    Ok(listener)
}

/// Device and inode of the file at `path`; none where nothing is.
#[must_use]
pub fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|meta| (meta.dev(), meta.ino()))
}

/// Our user id.
#[must_use]
pub fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Which folder it is. A runtime folder of somebody else (`sudo -E`) is not used.
fn choose(named: Option<PathBuf>, runtime: Option<PathBuf>, uid: u32) -> PathBuf {
    let is_ours = |dir: &PathBuf| fs::metadata(dir).is_ok_and(|meta| meta.is_dir() && meta.uid() == uid);
    named
        .or_else(|| runtime.filter(is_ours).map(|dir| dir.join("myograph")))
        .unwrap_or_else(|| PathBuf::from(format!("/tmp/myograph-{uid}")))
}

/// Makes `folder` with mode 0700, or sees that what is there is a folder, ours, and without `forbidden` bits.
fn secure(folder: &Path, forbidden: u32) -> Result<(), Error> {
    let failed = |source| Error::Folder { path: folder.to_owned(), source };
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
        _ => {}
    }
    // Not followed: a link in /tmp may be anybody's.
    let meta = fs::symlink_metadata(folder).map_err(failed)?;
    let uid = own_uid();
    let reason = if !meta.is_dir() {
        "it is a link or a file, not a folder".to_owned()
    } else if meta.uid() != uid {
        format!("it belongs to user {}, not to user {uid}", meta.uid())
    } else if meta.mode() & forbidden != 0 {
        format!(
            "its mode {:o} lets others {}",
            meta.mode() & 0o777,
            if forbidden == CHANGE { "change it" } else { "in" }
        )
    } else {
        return Ok(());
    };
    Err(Error::Unsafe { path: folder.to_owned(), reason })
}

/// Whether `path` is a socket that nobody listens on.
fn is_stale(path: &Path) -> bool {
    is_socket(path)
        && UnixStream::connect(path).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

fn is_socket(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_socket())
}

/// The folder's lock, held until dropped. Only ever held for a moment.
struct Lock(#[expect(dead_code, reason = "closing the file gives the lock back")] File);

impl Lock {
    fn take(folder: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Folder { path: folder.to_owned(), source };
        let file = File::open(folder).map_err(failed)?;
        flock(&file, FlockOperation::LockExclusive).map_err(|errno| failed(errno.into()))?;
        Ok(Self(file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn the_folder_is_the_named_one_then_the_runtime_one_then_one_in_tmp() {
        let dir = tempfile::tempdir().unwrap();
        let (ours, uid) = (dir.path().to_owned(), own_uid());
        assert_eq!(choose(Some("/named".into()), Some(ours.clone()), uid), Path::new("/named"));
        assert_eq!(choose(None, Some(ours.clone()), uid), ours.join("myograph"));
        assert_eq!(choose(None, Some(ours.join("gone")), uid), PathBuf::from(format!("/tmp/myograph-{uid}")));
        assert_eq!(choose(None, Some(ours), uid + 1), PathBuf::from(format!("/tmp/myograph-{}", uid + 1)));
    }

    #[test]
    fn a_new_folder_is_private_and_an_open_one_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("myograph");
        secure(&folder, ENTRY).unwrap();
        assert_eq!(mode(&folder), 0o700);
        secure(&folder, ENTRY).unwrap();
        for (mode, forbidden, words) in
            [(0o755, ENTRY, "755 lets others in"), (0o775, CHANGE, "775 lets others change it")]
        {
            fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
            let refusal = secure(&folder, forbidden).unwrap_err().to_string();
            assert!(refusal.contains(words), "{refusal}");
        }
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        secure(&folder, CHANGE).unwrap();
    }

    #[test]
    fn a_link_is_refused_even_to_a_private_folder() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real"), dir.path().join("link"));
        secure(&real, ENTRY).unwrap();
        symlink(&real, &link).unwrap();
        assert!(matches!(secure(&link, ENTRY), Err(Error::Unsafe { .. })));
        fs::write(dir.path().join("file"), "").unwrap();
        assert!(matches!(secure(&dir.path().join("file"), ENTRY), Err(Error::Unsafe { .. })));
    }

    #[test]
    fn a_dead_recorders_socket_is_replaced_and_a_living_ones_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = path(dir.path(), "quiet-3f").unwrap();
        drop(listen(&path, Access::Owner).unwrap());
        assert!(path.exists(), "a recorder that dies leaves its socket behind");
        let living = listen(&path, Access::Owner).unwrap();
        assert_eq!(mode(&path), 0o600);
        assert!(matches!(listen(&path, Access::Owner), Err(Error::Taken { .. })));
        drop(living);
    }

    #[test]
    fn a_file_that_is_no_socket_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = path(dir.path(), "notes").unwrap();
        fs::write(&path, "mine").unwrap();
        assert!(matches!(listen(&path, Access::Owner), Err(Error::Taken { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    }

    #[test]
    fn the_listing_removes_what_nobody_listens_on() {
        let dir = tempfile::tempdir().unwrap();
        let at = |id| path(dir.path(), id).unwrap();
        let _living =
            (listen(&at("b-2"), Access::Owner).unwrap(), listen(&at("a-1"), Access::Owner).unwrap());
        drop(listen(&at("dead-0"), Access::Owner).unwrap());
        fs::write(dir.path().join("other.txt"), "").unwrap();
        let found = sockets(dir.path()).unwrap();
        assert_eq!(found, [("a-1".to_owned(), at("a-1")), ("b-2".to_owned(), at("b-2"))]);
        assert!(!at("dead-0").exists() && dir.path().join("other.txt").exists());
    }

    #[test]
    fn a_path_too_long_for_an_address_is_refused_with_advice() {
        let folder = PathBuf::from(format!("/tmp/{}", "x".repeat(100)));
        let error = path(&folder, "quiet-3f").unwrap_err();
        assert!(error.to_string().contains("107 bytes"), "{error}");
        assert!(error.advice().contains("MYOGRAPH_RUNTIME_DIR"));
        assert!(folder.as_os_str().len() < PATH_BYTES, "the folder alone would fit");
    }
}
