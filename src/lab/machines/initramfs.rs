//! The files that a machine's kernel starts with: a busybox, a script, the modules of its disk; and what is its own.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

/// The script that runs first.
pub const INIT: &str = include_str!("guest/init");

/// Modules that the root disk and the network cards need, besides those that they need themselves.
const MODULES: [&str; 6] = [
    "virtio_pci",
    "virtio_blk",
    "crc32c_generic",
    "ext4",
    "virtio_net",
    "virtio-rng",
];

/// An archive as `cpio -H newc` writes it. The kernel reads several in a row.
#[derive(Default)]
pub struct Archive {
    bytes: Vec<u8>,
    folders: HashSet<String>,
    number: u32,
}

impl Archive {
    /// Adds a folder, after those above it; each has the mode it is first given.
    pub fn folder(&mut self, path: &str, mode: u32) {
        if path.is_empty() || self.folders.contains(path) {
            return;
        }
        if let Some((above, _)) = path.rsplit_once('/') {
            self.folder(above, 0o755);
        }
        self.folders.insert(path.to_owned());
        self.entry(path, 0o040_000 | mode, &[]);
    }

    /// Adds a file, after the folders above it.
    pub fn file(&mut self, path: &str, mode: u32, content: &[u8]) {
        if let Some((above, _)) = path.rsplit_once('/') {
            self.folder(above, 0o755);
        }
        self.entry(path, 0o100_000 | mode, content);
    }

    fn entry(&mut self, path: &str, mode: u32, content: &[u8]) {
        self.number += 1;
        let size = u32::try_from(content.len()).expect("a file of less than 4 GiB");
        let name = u32::try_from(path.len() + 1).expect("a short path");
        // Number, mode, owner, group, links, time, size, four device numbers, length of the name, checksum.
        let fields = [self.number, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name, 0];
        self.bytes.extend(b"070701");
        for field in fields {
            self.bytes.extend(format!("{field:08X}").bytes());
        }
        self.bytes.extend(path.bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend(content);
        self.pad();
    }

    fn pad(&mut self) {
        while !self.bytes.len().is_multiple_of(4) {
            self.bytes.push(0);
        }
    }

    /// The archive's bytes.
    pub fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, &[]);
        self.bytes
    }
}

/// The part that all machines of an image share. `modules` is the folder of the kernel's modules.
pub fn of_image(busybox: &Path, modules: &Path) -> Result<Vec<u8>> {
    let mut archive = Archive::default();
    for folder in ["dev", "proc", "sys", "root", "seed"] {
        archive.folder(folder, 0o755);
    }
    let program =
        fs::read(busybox).with_context(|| format!("cannot read {}", busybox.display()))?;
    archive.file("bin/busybox", 0o755, &program);
    archive.file("init", 0o755, INIT.as_bytes());
    let index = fs::read_to_string(modules.join("modules.dep"))?;
    let builtin = fs::read_to_string(modules.join("modules.builtin"))?;
    let mut list = String::new();
    for path in with_needs(&index, &builtin, &MODULES)? {
        let name = path.rsplit('/').next().unwrap_or(path);
        archive.file(
            &format!("modules/{name}"),
            0o644,
            &fs::read(modules.join(path))?,
        );
        list.push_str(name);
        list.push('\n');
    }
    archive.file("modules/list", 0o644, list.as_bytes());
    Ok(archive.finish())
}

/// The paths of some modules and all they need, in an order in which they can be loaded; those that are built into the
/// kernel have none.
fn with_needs<'a>(index: &'a str, builtin: &str, names: &[&str]) -> Result<Vec<&'a str>> {
    let plain = |name: &str| name.replace('-', "_");
    let is = |path: &str, name: &str| {
        let file = path.rsplit('/').next().unwrap_or(path);
        plain(file) == format!("{}.ko", plain(name))
    };
    let mut order: Vec<&str> = Vec::new();
    for name in names {
        if builtin.lines().any(|path| is(path, name)) {
            continue;
        }
        let (path, needs) = index
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(path, _)| is(path, name))
            .with_context(|| format!("the kernel has no module {name}"))?;
        // In the index the modules that one needs follow it; they are loaded before it, so in reverse.
        for path in needs.split_whitespace().rev().chain([path]) {
            if !order.contains(&path) {
                order.push(path);
            }
        }
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    #[test]
    fn modules_come_after_those_they_need() {
        let index = "kernel/a/virtio.ko:\nkernel/a/virtio_ring.ko: kernel/a/virtio.ko\n\
                     kernel/b/virtio_pci.ko: kernel/a/virtio_ring.ko kernel/a/virtio.ko\n\
                     kernel/c/virtio-rng.ko: kernel/a/virtio_ring.ko kernel/a/virtio.ko\n";
        assert_eq!(
            with_needs(index, "", &["virtio_pci", "virtio_rng"]).unwrap(),
            [
                "kernel/a/virtio.ko",
                "kernel/a/virtio_ring.ko",
                "kernel/b/virtio_pci.ko",
                "kernel/c/virtio-rng.ko"
            ]
        );
        let message = with_needs(index, "", &["ext4"]).unwrap_err().to_string();
        assert_eq!(message, "the kernel has no module ext4");
        let builtin = "kernel/fs/ext4/ext4.ko\nkernel/b/virtio-pci.ko\n";
        assert_eq!(
            with_needs(index, builtin, &["ext4", "virtio_pci"]).unwrap(),
            [""; 0]
        );
    }

    #[test]
    fn busybox_reads_the_archive() {
        let mut archive = Archive::default();
        archive.folder("seed/root", 0o700);
        archive.file("seed/root/.ssh/keys", 0o600, b"key\n");
        archive.file("odd", 0o755, b"abcde");
        let bytes = archive.finish();
        let mut child = Command::new("busybox")
            .args(["cpio", "-tv"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(&bytes).unwrap();
        let output = child.wait_with_output().unwrap();
        let listed: Vec<String> = String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(|line| {
                let words: Vec<&str> = line.split_whitespace().collect();
                format!("{} {} {}", words[0], words[2], words[words.len() - 1])
            })
            .collect();
        assert_eq!(
            listed,
            [
                "drwxr-xr-x 0 seed",
                "drwx------ 0 seed/root",
                "drwxr-xr-x 0 seed/root/.ssh",
                "-rw------- 4 seed/root/.ssh/keys",
                "-rwxr-xr-x 5 odd"
            ]
        );
    }
}
