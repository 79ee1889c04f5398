//! Whole files or none.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Writes a file atomically: afterwards it is new and whole, or as before. Its mode is `mode`, whatever the umask.
///
/// # Errors
/// Those of the file system.
pub fn write_whole(path: &Path, content: &[u8], mode: u32) -> std::io::Result<()> {
    let followed = followed(path)?;
    let path = followed.as_path();
    // A device or a pipe is somebody's to read, not ours to replace.
    if std::fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return std::fs::OpenOptions::new()
            .write(true)
            .open(path)?
            .write_all(content);
    }
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let mut file = tempfile::Builder::new()
        .prefix(".nw-")
        .tempfile_in(folder)?;
    file.write_all(content)?;
    file.as_file()
        .set_permissions(std::fs::Permissions::from_mode(mode))?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}

/// The end that a path leads to: a link is followed, also one whose end is not there yet.
fn followed(path: &Path) -> std::io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..40 {
        match std::fs::read_link(&path) {
            Ok(to) => path = path.parent().unwrap_or(Path::new("")).join(to),
            Err(_) => return Ok(path),
        }
    }
    Err(std::io::Error::other("its links lead in a circle"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_with_its_mode() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        std::fs::write(&path, "old").unwrap();
        write_whole(&path, b"new", 0o600).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_is_followed_and_what_is_no_file_is_written_to() {
        use std::os::unix::fs::FileTypeExt as _;
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::create_dir(at("wiki")).unwrap();
        std::os::unix::fs::symlink("wiki/there", at("link")).unwrap();
        for text in ["new", "again"] {
            write_whole(&at("link"), text.as_bytes(), 0o644).unwrap();
            assert_eq!(std::fs::read_to_string(at("wiki/there")).unwrap(), text);
            assert!(std::fs::symlink_metadata(at("link")).unwrap().is_symlink());
        }
        std::os::unix::fs::symlink("circle", at("circle")).unwrap();
        assert!(write_whole(&at("circle"), b"x", 0o644).is_err());
        let made = std::process::Command::new("mkfifo")
            .arg(at("pipe"))
            .status();
        assert!(made.unwrap().success());
        let pipe = at("pipe");
        let reader = std::thread::spawn(move || std::fs::read_to_string(pipe).unwrap());
        write_whole(&at("pipe"), b"read", 0o644).unwrap();
        assert_eq!(reader.join().unwrap(), "read");
        assert!(std::fs::metadata(at("pipe")).unwrap().file_type().is_fifo());
        assert!(write_whole(&at("wiki"), b"x", 0o644).is_err(), "a folder");
    }
}
