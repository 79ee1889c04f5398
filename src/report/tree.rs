//! Rendered files as a folder.

use super::write_whole;
use crate::survey::RenderedFile;
use std::io::{Error, ErrorKind, Result};
use std::path::{Component, Path, PathBuf};

/// Marks a folder whose content is made anew each time.
const MARK: &str = ".rendered-by-nodewright";

/// Writes the files of nodes to DIR/NODE/PATH, with their modes; what is edited of others to DIR/NODE/PATH.edit. A folder that was written so before is emptied first.
///
/// # Errors
/// When the folder holds anything else, a path leads out of it, or something cannot be written.
pub fn write_tree(dir: &Path, nodes: &[(&str, Vec<RenderedFile>)]) -> Result<()> {
    std::fs::create_dir_all(dir)?;
    let mark = dir.join(MARK);
    let entries: Vec<_> = std::fs::read_dir(dir)?.collect::<Result<_>>()?;
    if !entries.is_empty() && !mark.is_file() {
        let message = "it is not empty and was not written by `render`: name a new folder";
        return Err(Error::new(ErrorKind::DirectoryNotEmpty, message));
    }
    write_whole(
        &mark,
        b"Made by nodewright; replaced as a whole the next time.\n",
        0o644,
    )?;
    for entry in entries.iter().filter(|e| e.path() != mark) {
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            std::fs::remove_dir_all(path)?;
        } else {
            std::fs::remove_file(path)?;
        }
    }
    for (node, files) in nodes {
        for file in files {
            let mut path = dir.join(node).join(inside(&file.path)?);
            if file.edit {
                path.as_mut_os_string().push(".edit");
            }
            let mode = u32::from_str_radix(&file.mode, 8).unwrap_or(0o644);
            std::fs::create_dir_all(path.parent().expect("a file is in a folder"))?;
            write_whole(&path, file.content.as_bytes(), mode & 0o777 | 0o400)?;
        }
    }
    Ok(())
}

/// An absolute path as one within a folder.
fn inside(path: &str) -> Result<PathBuf> {
    let mut kept = PathBuf::new();
    for part in Path::new(path).components() {
        match part {
            Component::RootDir | Component::CurDir => {}
            Component::Normal(name) => kept.push(name),
            Component::ParentDir | Component::Prefix(_) => {
                let message = format!("`{}` would lead out of the folder", path.escape_debug());
                return Err(Error::new(ErrorKind::InvalidInput, message));
            }
        }
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn file(path: &str, mode: &str) -> RenderedFile {
        RenderedFile {
            path: path.into(),
            mode: mode.into(),
            content: "x\n".into(),
            edit: false,
        }
    }

    #[test]
    fn a_tree_is_replaced_as_a_whole() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        write_tree(&out, &[("node1", vec![file("/etc/a", "0600")])]).unwrap();
        let mode = std::fs::metadata(out.join("node1/etc/a"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o7777, 0o600);
        write_tree(&out, &[("node2", vec![file("/etc/b", "0644")])]).unwrap();
        assert!(!out.join("node1").exists() && out.join("node2/etc/b").exists());
    }

    #[test]
    fn what_others_wrote_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("thesis"), "").unwrap();
        let error = write_tree(dir.path(), &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DirectoryNotEmpty);
        assert!(dir.path().join("thesis").exists());
    }

    #[test]
    fn no_path_leads_out() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        let error = write_tree(&out, &[("node1", vec![file("/../../x", "0644")])]).unwrap_err();
        assert!(error.to_string().contains("lead out"), "{error}");
    }
}
