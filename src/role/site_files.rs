//! Files of the site that roles name: keys as text, folders of packages with what lies in them.

use super::packages::PackageFolder;
use crate::kind::SiteFile;
use crate::platform::PackageTool;
use crate::site::shown;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A file that is read as text may have this many bytes.
const LONGEST: u64 = 1 << 20;

/// The content of a folder, or why it could not be read.
type FolderResult = Result<Arc<PackageFolder>, String>;

/// The files of a site that roles may name. A folder is read when it is first named.
#[derive(Debug, Default)]
pub struct SiteFiles {
    root: Option<PathBuf>,
    folders: Mutex<BTreeMap<String, FolderResult>>,
}

impl SiteFiles {
    /// The files below the folder of a site.
    pub(super) fn of(root: &Path) -> Self {
        Self {
            root: Some(root.to_owned()),
            folders: Mutex::default(),
        }
    }

    /// The packages in a folder, with their metadata, for this tool.
    ///
    /// # Errors
    /// A sentence that says what is wrong and what would be right.
    pub fn packages(&self, folder: &str, tool: PackageTool) -> Result<Vec<SiteFile>, String> {
        let root = self.root(folder)?;
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        let read = folders
            .entry(folder.to_owned())
            .or_insert_with(|| PackageFolder::read(root, folder).map(Arc::new));
        read.as_ref().map_err(Clone::clone)?.files(tool)
    }

    /// A file as text.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn text(&self, path: &str) -> Result<String, String> {
        let full = self.root(path)?.join(path);
        let wrong = |why: &str| format!("the site's file {} {why}", shown(path));
        match std::fs::metadata(&full) {
            Ok(meta) if !meta.is_file() => return Err(wrong("is no file")),
            Ok(meta) if meta.len() > LONGEST => return Err(wrong("is longer than a mebibyte")),
            Ok(_) => {}
            Err(_) => return Err(wrong("is not there")),
        }
        let bytes = std::fs::read(&full).map_err(|e| wrong(&format!("cannot be read: {e}")))?;
        String::from_utf8(bytes).map_err(|_| wrong("is not text in UTF-8"))
    }

    /// The folder of the site, for a path within it.
    fn root(&self, path: &str) -> Result<&Path, String> {
        let within = |part: &str| !part.is_empty() && part != "." && part != "..";
        if !path.split('/').all(within) || path.contains(|c: char| c.is_control()) {
            return Err(format!(
                "{} is not a path within the site, such as `packages/el6`",
                shown(path)
            ));
        }
        self.root
            .as_deref()
            .ok_or_else(|| format!("there is no folder of a site that {} is in", shown(path)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_within_the_site() {
        let dir = tempfile::tempdir().unwrap();
        let files = SiteFiles::of(dir.path());
        for path in ["../x", "/etc/passwd", "a/../../x", "a//b", "", ".", "a\nb"] {
            let why = files.text(path).unwrap_err();
            assert!(why.contains("not a path within the site"), "{path}: {why}");
            assert!(files.packages(path, PackageTool::Yum).is_err(), "{path}");
        }
    }

    #[test]
    fn a_file_is_read_as_text_or_the_reason_is_given() {
        let dir = tempfile::tempdir().unwrap();
        let files = SiteFiles::of(dir.path());
        std::fs::write(dir.path().join("key"), "text\n").unwrap();
        std::fs::write(dir.path().join("binary"), b"\xff\xfe").unwrap();
        std::fs::write(dir.path().join("long"), vec![b'x'; (1 << 20) + 1]).unwrap();
        std::fs::create_dir(dir.path().join("dir")).unwrap();
        assert_eq!(files.text("key").unwrap(), "text\n");
        for (path, why) in [
            ("none", "the site's file `none` is not there"),
            ("dir", "the site's file `dir` is no file"),
            ("long", "the site's file `long` is longer than a mebibyte"),
            ("binary", "the site's file `binary` is not text in UTF-8"),
        ] {
            assert_eq!(files.text(path).unwrap_err(), why);
        }
    }
}
