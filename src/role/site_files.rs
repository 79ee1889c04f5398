//! Files of the site that roles name: keys as text, raw images of disks, folders of packages with what lies in them.

use super::packages::PackageFolder;
use crate::digest::sha256_of;
use crate::kind::SiteFile;
use crate::platform::PackageTool;
use crate::site::shown;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A file that is read as text may have this many bytes.
const LONGEST: u64 = 1 << 20;

/// The first bytes of files that hold a disk in another form than raw, and the name of that form (file(1)).
const OTHER_FORMS: [(&[u8], &str); 8] = [
    (b"QFI\xfb", "qcow2"),
    (b"KDMV", "VMDK"),
    (b"conectix", "VHD"),
    (b"vhdxfile", "VHDX"),
    (b"\x1f\x8b", "gzip"),
    (b"\xfd7zXZ", "xz"),
    (b"BZh", "bzip2"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
];

/// The content of a folder, or why it could not be read.
type FolderResult = Result<Arc<PackageFolder>, String>;

/// The files of a site that roles may name. A folder is read when it is first named.
#[derive(Debug, Default)]
pub struct SiteFiles {
    root: Option<PathBuf>,
    folders: Mutex<BTreeMap<String, FolderResult>>,
    images: Mutex<BTreeMap<String, Result<SiteFile, String>>>,
}

impl SiteFiles {
    /// The files below the folder of a site.
    pub(super) fn of(root: &Path) -> Self {
        Self {
            root: Some(root.to_owned()),
            folders: Mutex::default(),
            images: Mutex::default(),
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

    /// The raw image of a disk: its size and its digest, for which it is read once.
    ///
    /// # Errors
    /// A sentence that says what is wrong and what would be right.
    pub fn image(&self, path: &str) -> Result<SiteFile, String> {
        let full = self.root(path)?.join(path);
        let mut images = self.images.lock().unwrap_or_else(PoisonError::into_inner);
        let read = images.entry(path.to_owned());
        read.or_insert_with(|| read_image(path, &full)).clone()
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

fn read_image(path: &str, full: &Path) -> Result<SiteFile, String> {
    let wrong = |why: &str| format!("the site's image {} {why}", shown(path));
    let cannot = |error: std::io::Error| wrong(&format!("cannot be read: {error}"));
    match std::fs::metadata(full) {
        Ok(meta) if !meta.is_file() => return Err(wrong("is no file")),
        Ok(meta) if meta.len() == 0 => return Err(wrong("is empty")),
        Ok(_) => {}
        Err(_) => return Err(wrong("is not there")),
    }
    let mut first = Vec::new();
    let image = File::open(full).map_err(cannot)?;
    image.take(8).read_to_end(&mut first).map_err(cannot)?;
    let form = OTHER_FORMS
        .iter()
        .find(|(start, _)| first.starts_with(start));
    match form {
        Some((_, form @ ("gzip" | "xz" | "bzip2" | "zstd"))) => {
            return Err(wrong(&format!("is packed by {form}: unpack it")));
        }
        Some((_, form)) => {
            return Err(wrong(&format!(
                "is {form}, not raw: `qemu-img convert -O raw {path} NEW` makes a raw one of it"
            )));
        }
        None => {}
    }
    let (bytes, sha256) = sha256_of(File::open(full).map_err(cannot)?).map_err(cannot)?;
    Ok(SiteFile {
        path: path.to_owned(),
        bytes,
        sha256,
    })
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
    fn an_image_is_raw_or_the_reason_is_given() {
        let dir = tempfile::tempdir().unwrap();
        let files = SiteFiles::of(dir.path());
        std::fs::write(dir.path().join("raw"), b"boot").unwrap();
        std::fs::write(dir.path().join("empty"), b"").unwrap();
        std::fs::write(dir.path().join("q"), b"QFI\xfb\0\0\0\x03").unwrap();
        std::fs::write(dir.path().join("z"), b"\x1f\x8b\x08").unwrap();
        // printf boot | sha256sum
        let sha256 = "4509beb0ab401d71fa4a5cd94a55c9a74f13332776ae4019c5bfc4c2005157ff";
        let raw = files.image("raw").unwrap();
        assert_eq!((raw.path.as_str(), raw.bytes), ("raw", 4));
        assert_eq!(raw.sha256, sha256);
        for (path, why) in [
            ("none", "the site's image `none` is not there"),
            ("empty", "the site's image `empty` is empty"),
            (
                "q",
                "the site's image `q` is qcow2, not raw: `qemu-img convert -O raw q NEW` makes a raw one of it",
            ),
            ("z", "the site's image `z` is packed by gzip: unpack it"),
        ] {
            assert_eq!(files.image(path).unwrap_err(), why);
        }
        assert!(files.image("../raw").is_err());
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
