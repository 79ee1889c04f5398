use super::*;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write as _;

/// A site with the folder `packages`.
struct PackageSite(tempfile::TempDir);

impl PackageSite {
    fn new() -> Self {
        let site = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(site.0.path().join("packages")).unwrap();
        site
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.0.path().join("packages").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    fn remove(&self, name: &str) {
        std::fs::remove_file(self.0.path().join("packages").join(name)).unwrap();
    }

    fn files(&self, tool: PackageTool) -> Result<Vec<String>, String> {
        let files = PackageFolder::read(self.0.path(), "packages")?.files(tool)?;
        Ok(files.into_iter().map(|f| f.path).collect())
    }

    fn wrong(&self, tool: PackageTool) -> String {
        self.files(tool).unwrap_err()
    }

    /// Metadata of these packages as `createrepo_c` 0.17.3 writes it, without the parts that no test reads.
    fn repodata(&self, packages: &[(&str, &str)]) {
        let mut primary = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<metadata xmlns=\"http://linux.duke.edu/metadata/common\" xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\" packages=\"1\">\n".to_owned();
        for (name, sha256) in packages {
            primary.push_str(&format!(
                "<package type=\"rpm\">\n  <name>x</name>\n  <checksum type=\"sha256\" pkgid=\"YES\">{sha256}</checksum>\n  <summary>a &amp; b</summary>\n  <location href=\"{name}\"/>\n  <format>\n    <rpm:license>MIT</rpm:license>\n  </format>\n</package>\n"
            ));
        }
        primary.push_str("</metadata>\n");
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(primary.as_bytes()).unwrap();
        let packed = packed.finish().unwrap();
        self.repomd("repodata/primary.xml.gz", &sha(&packed));
        self.write("repodata/primary.xml.gz", packed);
    }

    fn repomd(&self, href: &str, sha256: &str) {
        self.write(
            "repodata/repomd.xml",
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<repomd xmlns=\"http://linux.duke.edu/metadata/repo\">\n  <revision>1</revision>\n  <data type=\"primary\">\n    <checksum type=\"sha256\">{sha256}</checksum>\n    <open-checksum type=\"sha256\">00</open-checksum>\n    <location href=\"{href}\"/>\n    <timestamp>1</timestamp>\n  </data>\n</repomd>\n"
            ),
        );
    }
}

fn sha(bytes: &[u8]) -> String {
    crate::digest::sha256(bytes)
}

const MAKE_RPM: &str = "`createrepo_c --general-compress-type=gz packages` makes it";
const MAKE_DEB: &str = "`(cd packages && dpkg-scanpackages --multiversion . >Packages)` makes it";

#[test]
fn each_tool_is_brought_its_own() {
    let site = PackageSite::new();
    site.write("b/hello-1^2~3.el6.x86_64.rpm", "rpm");
    site.repodata(&[("b/hello-1^2~3.el6.x86_64.rpm", &sha(b"rpm"))]);
    site.write("hello_1%3a2.deb", "deb");
    site.write(
        "Packages",
        format!(
            "Package: hello\nFilename: ./hello_1%3a2.deb\nSHA256: {}\n\n",
            sha(b"deb")
        ),
    );
    for other in [
        "README",
        ".git/config",
        ".hidden.rpm",
        "repodata/.repomd.xml.swp",
    ] {
        site.write(other, "other");
    }
    for tool in [PackageTool::Yum, PackageTool::Dnf] {
        assert_eq!(
            site.files(tool).unwrap(),
            [
                "packages/b/hello-1^2~3.el6.x86_64.rpm",
                "packages/repodata/primary.xml.gz",
                "packages/repodata/repomd.xml"
            ]
        );
    }
    assert_eq!(
        site.files(PackageTool::Apt).unwrap(),
        ["packages/Packages", "packages/hello_1%3a2.deb"]
    );
}

#[test]
fn a_folder_without_packages_or_metadata_is_reported_what_to_run() {
    let site = PackageSite::new();
    let none = "`packages` holds no package for yum and dnf (*.rpm)";
    assert_eq!(site.wrong(PackageTool::Dnf), none);
    let none = "`packages` holds no package for apt (*.deb)";
    assert_eq!(site.wrong(PackageTool::Apt), none);
    site.write("a.rpm", "");
    site.write("a.deb", "");
    assert_eq!(
        site.wrong(PackageTool::Dnf),
        format!("`packages` has no metadata; {MAKE_RPM}")
    );
    assert_eq!(
        site.wrong(PackageTool::Apt),
        format!("`packages` has no metadata; {MAKE_DEB}")
    );
    let gone = PackageFolder::read(site.0.path(), "gone").unwrap_err();
    assert_eq!(gone, "the site has no folder `gone`");
}

#[test]
fn rpm_metadata_must_be_of_these_very_packages() {
    let site = PackageSite::new();
    let wrong = |why: &str| {
        let expected = format!("the metadata of `packages` {why}; {MAKE_RPM} anew");
        assert_eq!(site.wrong(PackageTool::Yum), expected);
    };
    let one = ("one.rpm", sha(b"one"));
    site.write("one.rpm", "one");
    site.repodata(&[(one.0, &one.1)]);
    assert_eq!(site.files(PackageTool::Yum).unwrap().len(), 3);

    site.write("two.rpm", "two");
    wrong("does not list `two.rpm`");
    site.remove("two.rpm");
    site.repodata(&[(one.0, &one.1), ("two.rpm", "00")]);
    wrong("lists `two.rpm`, which is not there");
    site.repodata(&[(one.0, &sha(b"other"))]);
    wrong("is of another `one.rpm`");

    site.repodata(&[(one.0, &one.1)]);
    site.write("repodata/primary.xml.gz", "not packed");
    wrong("names another `repodata/primary.xml.gz`");
    site.repomd("repodata/primary.xml.gz", &sha(b"not packed"));
    let shown = site.wrong(PackageTool::Yum);
    assert!(
        shown.contains("has `primary.xml.gz` that cannot be read: "),
        "{shown}"
    );
    site.remove("repodata/primary.xml.gz");
    wrong("names `repodata/primary.xml.gz`, which is not there");
    site.write("repodata/primary.xml.zst", "packed");
    site.repomd("repodata/primary.xml.zst", &sha(b"packed"));
    wrong("is compressed in a way that not every release reads (`repodata/primary.xml.zst`)");
    site.write("repodata/repomd.xml", "<repomd></repomd>");
    wrong("lists no packages");
    site.write("repodata/repomd.xml", "<repomd><data></repomd>");
    let shown = site.wrong(PackageTool::Yum);
    assert!(shown.contains("`packages` cannot be read: "), "{shown}");
}

#[test]
fn deb_metadata_must_be_of_these_very_packages() {
    let site = PackageSite::new();
    let packages = |list: &[(&str, &str)]| {
        let stanzas = list.iter().map(|(name, sha256)| {
            format!("Package: x\nFilename: ./{name}\nSize: 3\nSHA256: {sha256}\n\n")
        });
        site.write("Packages", stanzas.collect::<String>());
    };
    let wrong = |why: &str| {
        let expected = format!("the metadata of `packages` {why}; {MAKE_DEB} anew");
        assert_eq!(site.wrong(PackageTool::Apt), expected);
    };
    site.write("one.deb", "one");
    packages(&[("one.deb", &sha(b"one"))]);
    assert_eq!(site.files(PackageTool::Apt).unwrap().len(), 2);
    packages(&[]);
    wrong("does not list `one.deb`");
    packages(&[("one.deb", &sha(b"two"))]);
    wrong("is of another `one.deb`");
    packages(&[("one.deb", &sha(b"one")), ("two.deb", "00")]);
    wrong("lists `two.deb`, which is not there");

    packages(&[("one.deb", &sha(b"one"))]);
    site.write("Release", "SHA256:\n 00 7 Packages\n");
    assert!(
        site.wrong(PackageTool::Apt)
            .starts_with("`Release` in `packages` is not of the `Packages` beside it")
    );
    let index = std::fs::read(site.0.path().join("packages/Packages")).unwrap();
    let line = format!(" {}   {} Packages\n", sha(&index), index.len());
    site.write("Release", format!("Suite: x\nSHA256:\n{line}"));
    assert_eq!(site.files(PackageTool::Apt).unwrap().len(), 3);
}

#[test]
fn a_name_that_a_shell_could_read_is_refused() {
    for name in ["a b.rpm", "-a.rpm", "$(id).deb", "a'.rpm", "sub/-x.rpm"] {
        let site = PackageSite::new();
        site.write(name, "");
        let why = site.wrong(PackageTool::Dnf);
        assert!(why.contains("cannot be pushed"), "{name}: {why}");
    }
}
