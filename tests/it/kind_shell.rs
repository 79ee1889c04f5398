//! The shell of kinds, run by the shells that nodes have, on real files and with real tools where these are here.

use crate::shells::{SHELLS, Shell};
use nodewright::kinds::kind_named;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder of its own for one shell.
struct Place {
    root: tempfile::TempDir,
    shell: Shell,
}

/// What came of a script.
struct Ran {
    ok: bool,
    out: String,
    err: String,
}

impl Place {
    fn each(test: impl Fn(&Self)) {
        for shell in SHELLS {
            test(&Self {
                root: tempfile::tempdir().unwrap(),
                shell,
            });
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// A program of this name that runs this shell text.
    fn program(&self, name: &str, text: &str) {
        let path = self.write(&format!("bin/{name}"), &format!("#!/bin/sh\n{text}\n"));
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs the functions of a kind and then these lines; `@` is this folder.
    fn run(&self, kind: &str, lines: &str) -> Ran {
        self.run_by(self.shell, kind, lines)
    }

    /// The same in a UTS namespace of its own, where a node's name can be set without harm.
    fn run_apart(&self, kind: &str, lines: &str) -> Ran {
        self.run_by(self.shell.apart(), kind, lines)
    }

    fn run_by(&self, shell: Shell, kind: &str, lines: &str) -> Ran {
        let root = self.root.path().display().to_string();
        let script = format!(
            "set -u\numask 077\nNW_RUN=r1 NW_DIR={root} NW_STATE={root} NW_BLOB={root}/blob TMPDIR={root}\nexport TMPDIR\n{}\n{}\n",
            kind_named(kind).unwrap().shell().text(),
            lines.replace('@', &root)
        );
        let output = shell.run(&script, Some(&self.path("bin")));
        Ran {
            ok: output.status.success(),
            out: String::from_utf8(output.stdout)
                .unwrap()
                .replace(&root, "@"),
            err: String::from_utf8(output.stderr)
                .unwrap()
                .replace(&root, "@"),
        }
    }

    /// The names in a folder.
    fn names(&self, folder: &str) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.path(folder))
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

const REPLACE: &str = r#"nw_tree_replace @/etc/drbd.d 0750 root root 0640 '' "$(nw_tree_seen sum @/etc/drbd.d)" 2 b.conf "$NW_BLOB/0" "a b.res" "$NW_BLOB/1""#;

fn tree(place: &Place) {
    place.write("blob/0", "first\n");
    place.write("blob/1", "second\n");
    place.write("etc/drbd.d/old.res", "old\n");
    place.write("etc/drbd.d/.hidden", "h\n");
}

#[test]
fn a_tree_is_swapped_and_its_former_files_are_kept() {
    Place::each(|place| {
        tree(place);
        let ran = place.run("tree", REPLACE);
        assert!(ran.ok, "{:?}: {}", place.shell, ran.err);
        assert_eq!(place.names("etc/drbd.d"), ["a b.res", "b.conf"]);
        assert_eq!(
            fs::read_to_string(place.path("etc/drbd.d/a b.res")).unwrap(),
            "second\n"
        );
        assert_eq!(mode(&place.path("etc/drbd.d")), 0o750);
        assert_eq!(mode(&place.path("etc/drbd.d/b.conf")), 0o640);
        assert_eq!(place.names("etc"), ["drbd.d"], "nothing is left beside it");
        let kept = format!("kept{}", place.path("etc/drbd.d").display());
        assert_eq!(place.names(&kept), [".hidden", "old.res"]);
    });
}

#[test]
fn a_tree_that_changed_meanwhile_is_left_as_it_is() {
    Place::each(|place| {
        tree(place);
        let call = REPLACE.replace("$(nw_tree_seen sum @/etc/drbd.d)", "$seen");
        let seen = place.run("tree", "nw_tree_seen sum @/etc/drbd.d").out;
        let with = |seen: &str| {
            let quoted = format!("seen='{}'\n{call}", seen.trim_end());
            place.run("tree", &format!("{quoted}\necho \"$?\""))
        };
        let refused = "@/etc/drbd.d was changed since the plan was made\n3\n";
        let first = seen.lines().next().unwrap();
        for other in [
            "",
            first,
            &seen.replace('0', "1"),
            &seen.replace("old", "new"),
        ] {
            assert_eq!(with(other).out, refused, "{:?}: {other}", place.shell);
        }
        place.write("etc/drbd.d/more", "x");
        assert_eq!(with(&seen).out, refused);
        assert_eq!(place.names("etc/drbd.d"), [".hidden", "more", "old.res"]);
        fs::remove_file(place.path("etc/drbd.d/more")).unwrap();
        assert_eq!(with(&seen).out, "0\n");
        assert_eq!(place.names("etc/drbd.d"), ["a b.res", "b.conf"]);
    });
}

#[test]
fn a_tree_goes_whole_while_it_is_as_it_was_written() {
    // In a folder with these two files: sha256sum -- * | sha256sum
    const WRITTEN: &str = "0154fd0dbe7964558480701baa5e1fbbdbc36892c127fe264209c5c592c723a4";
    let remove =
        |keep: &str| format!("LC_ALL=C\nnw_tree_remove @/etc/t {WRITTEN} {keep}\necho \"$?\"");
    Place::each(|place| {
        place.write("etc/t/b.conf", "first\n");
        place.write("etc/t/a b.res", "second\n");
        let refused = |what: &str| {
            let ran = place.run("tree", &remove("yes"));
            assert!(
                ran.out.ends_with("\n3\n"),
                "{:?}: {what}: {}",
                place.shell,
                ran.out
            );
        };
        for theirs in ["etc/t/.theirs", "etc/t/zz"] {
            let path = place.write(theirs, "");
            refused(theirs);
            fs::remove_file(path).unwrap();
        }
        symlink("b.conf", place.path("etc/t/link")).unwrap();
        refused("a link");
        fs::remove_file(place.path("etc/t/link")).unwrap();
        place.write("etc/t/b.conf", "changed\n");
        refused("changed");
        place.write("etc/t/b.conf", "first\n");

        let ran = place.run("tree", &remove("yes"));
        assert_eq!(ran.out, "0\n", "{:?}: {}", place.shell, ran.err);
        assert_eq!(
            place.names("etc"),
            [] as [&str; 0],
            "nothing is left beside it"
        );
        let kept = format!("kept{}", place.path("etc/t").display());
        assert_eq!(place.names(&kept), ["a b.res", "b.conf"]);
        // Gone already is as wanted; what held a secret is not kept.
        assert_eq!(place.run("tree", &remove("yes")).out, "0\n");
        fs::remove_dir_all(place.path(&kept)).unwrap();
        place.write("etc/t/b.conf", "first\n");
        place.write("etc/t/a b.res", "second\n");
        assert_eq!(place.run("tree", &remove("no")).out, "0\n");
        assert!(!place.path(&kept).exists());
    });
}

#[test]
fn contents_of_a_tree_travel_where_they_may_and_matter() {
    Place::each(|place| {
        // printf 'same\n' | sha256sum
        let same = "a6328afc76e9db71da297ebff4b0d3e7a7eb3b01d917c05a6573fef121b6ecb6";
        place.write("etc/t/same", "same\n");
        place.write("etc/t/other one", "no newline");
        place.write("etc/t/key", "hunter2\n");
        place.write("etc/t/long", &"x".repeat(131_073));
        place.write("etc/t/just", &"x".repeat(131_072));
        place.write("etc/was/once", "hunter3\n");
        let root = place.root.path().display().to_string();
        place.write(
            "manifest",
            &format!("r/tree:{root}/etc/was\t\tx\tr0\tsecret\n"),
        );
        let call = format!(
            "nw_tree_read '{same}  @/etc/t/same\n-  @/etc/t/key' @/etc/t @/etc/was @/etc/none"
        );
        let ran = place.run("tree", &format!("NW_SENTINEL=zz\n{call}"));
        assert!(ran.ok, "{:?}: {}", place.shell, ran.err);
        let (sums, contents) = ran.out.split_once("\n\nzz content ").unwrap();
        assert_eq!(sums.lines().count(), 6, "{sums}");
        // head -c 131072 /dev/zero | tr '\\0' x | sha256sum
        let digest = "15601535eca4a38b7e31ad6494861121cb9f84ccf55d4beb6a707d4f7a87813d";
        assert!(
            sums.starts_with(&format!("{digest}  @/etc/t/just\n")),
            "{sums}"
        );
        let just = format!("@/etc/t/just\n{}", "x".repeat(131_072));
        assert_eq!(
            contents,
            format!("{just}\nzz content @/etc/t/other one\nno newline")
        );
    });
}

#[test]
fn of_a_tree_with_a_secret_the_other_files_travel() {
    Place::each(|place| {
        place.write("etc/t/key", "hunter2\n");
        place.write("etc/t/rules", "open\n");
        let root = place.root.path().display().to_string();
        place.write(
            "manifest",
            &format!("r/tree:{root}/etc/t\t{root}/etc/t\tx\tr0\tsecret\n"),
        );
        place.write("secret-files", &format!("{root}/etc/t/key\n"));
        let ran = place.run("tree", "NW_SENTINEL=zz\nnw_tree_read '' @/etc/t");
        let (_, contents) = ran.out.split_once("\n\nzz content ").unwrap();
        assert_eq!(contents, "@/etc/t/rules\nopen\n", "{:?}", place.shell);
    });
}

#[test]
fn no_more_than_a_mebibyte_of_a_tree_travels() {
    Place::each(|place| {
        for at in 0..9 {
            place.write(&format!("etc/t/{at}"), &"x".repeat(120_000));
        }
        let ran = place.run("tree", "NW_SENTINEL=zz\nnw_tree_read '' @/etc/t");
        let contents = ran.out.matches("\nzz content ").count();
        assert_eq!((ran.ok, contents), (true, 8), "{:?}", place.shell);
    });
}

#[test]
fn a_tree_that_held_a_secret_is_not_kept() {
    Place::each(|place| {
        for (call, manifest) in [
            (REPLACE.replace(" '' ", " @/etc/drbd.d/b.conf "), ""),
            (REPLACE.to_owned(), "r/tree:@/etc/drbd.d\t\tx\tr0\tsecret\n"),
        ] {
            tree(place);
            let root = place.root.path().display().to_string();
            place.write("manifest", &manifest.replace('@', &root));
            let ran = place.run("tree", &call);
            assert!(ran.ok, "{:?}: {}", place.shell, ran.err);
            assert_eq!(place.names("etc/drbd.d"), ["a b.res", "b.conf"]);
            assert!(!place.path("kept").exists());
            let listed = fs::read_to_string(place.path("secret-files")).unwrap_or_default();
            let wanted = if manifest.is_empty() {
                format!("{root}/etc/drbd.d/b.conf\n")
            } else {
                String::new()
            };
            assert_eq!(listed, wanted, "{:?}", place.shell);
        }
        // The last word counts, and only that of this very folder.
        tree(place);
        let root = place.root.path().display().to_string();
        let manifest = "r/tree:@/etc/drbd.d\t\tx\tr0\tsecret\nr/tree:@/etc/drbd.d\t\tx\tr1\tplain\nr/tree:@/etc/drbd.d2\t\tx\tr1\tsecret\n";
        place.write("manifest", &manifest.replace('@', &root));
        assert!(place.run("tree", REPLACE).ok);
        assert!(place.path("kept").exists());
    });
}

#[test]
fn a_tree_is_made_where_nothing_is() {
    Place::each(|place| {
        tree(place);
        fs::remove_dir_all(place.path("etc/drbd.d")).unwrap();
        let ran = place.run("tree", REPLACE);
        assert!(ran.ok, "{}", ran.err);
        assert_eq!(place.names("etc/drbd.d"), ["a b.res", "b.conf"]);
        assert!(!place.path("kept").exists());
    });
}

#[test]
fn a_check_sees_the_folder_and_its_files_as_one() {
    Place::each(|place| {
        tree(place);
        place.program(
            "look",
            "ls \"$1\"; cat \"${2#--file=}\"; ls -l \"${2#--file=}\" | cut -c1-10",
        );
        let ran = place.run(
            "tree",
            &format!("{REPLACE} look '{{staged}}' '--file={{joined}}'"),
        );
        assert!(ran.ok, "{}", ran.err);
        assert_eq!(ran.out, "a b.res\nb.conf\nfirst\nsecond\n-rw-------\n");
        assert_eq!(place.names("etc"), ["drbd.d"]);
    });
}

#[test]
fn a_check_that_fails_changes_nothing() {
    Place::each(|place| {
        tree(place);
        place.program("look", "echo wrong >&2; exit 3");
        for call in [
            REPLACE.to_owned(),
            REPLACE.replace(
                "nw_tree_replace @/etc/drbd.d 0750 root root 0640 '' \"$(nw_tree_seen sum @/etc/drbd.d)\"",
                "nw_tree_check",
            ),
        ] {
            let ran = place.run("tree", &format!("{call} look '{{staged}}'"));
            assert!(!ran.ok, "{:?}", place.shell);
            assert_eq!(ran.err, "wrong\n");
            assert_eq!(place.names("etc/drbd.d"), [".hidden", "old.res"]);
            assert_eq!(place.names("etc"), ["drbd.d"]);
            assert_eq!(
                place.names("."),
                ["bin", "blob", "etc"],
                "nothing is left of the check"
            );
        }
    });
}

#[test]
fn a_check_that_is_not_there_yet_waits_but_not_for_the_swap() {
    Place::each(|place| {
        tree(place);
        let early = place.run(
            "tree",
            r#"nw_tree_check 1 b.conf "$NW_BLOB/0" nosuchtool '{joined}'"#,
        );
        assert!(early.ok, "{}", early.err);
        assert!(
            early.out.starts_with("nosuchtool is not there yet"),
            "{}",
            early.out
        );
        assert!(
            !place
                .run("tree", &format!("{REPLACE} nosuchtool '{{joined}}'"))
                .ok
        );
        assert_eq!(place.names("etc/drbd.d"), [".hidden", "old.res"]);
    });
}

#[test]
fn a_missing_content_changes_nothing() {
    Place::each(|place| {
        tree(place);
        fs::remove_file(place.path("blob/1")).unwrap();
        assert!(!place.run("tree", REPLACE).ok);
        assert_eq!(place.names("etc/drbd.d"), [".hidden", "old.res"]);
        assert_eq!(place.names("etc"), ["drbd.d"]);
    });
}

#[test]
fn folders_are_seen_with_all_that_is_in_them() {
    Place::each(|place| {
        tree(place);
        place.write("etc/drbd.d/sub/x", "");
        symlink("nowhere", place.path("etc/drbd.d/link")).unwrap();
        symlink("drbd.d", place.path("etc/alias")).unwrap();
        let stat = place.run(
            "tree",
            "nw_tree_seen stat @/etc/drbd.d @/etc/none @/etc/alias",
        );
        let mut names: Vec<_> = stat
            .out
            .lines()
            .map(|l| l.splitn(6, ' ').nth(5).unwrap())
            .collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "@/etc/alias",
                "@/etc/drbd.d",
                "@/etc/drbd.d/.hidden",
                "@/etc/drbd.d/link",
                "@/etc/drbd.d/old.res",
                "@/etc/drbd.d/sub"
            ]
        );
        let sum = place.run(
            "tree",
            "nw_tree_seen sum @/etc/drbd.d @/etc/none @/etc/alias",
        );
        // printf 'old\n' and printf 'h\n' | sha256sum
        assert_eq!(
            sum.out,
            "91ee5e9f42ba3d34e414443b36a27b797a56a47aad6bb1e4c1769e69c77ce0ca  @/etc/drbd.d/.hidden\n01d09d19c2139a46aebfb577780d123d7396e97201bc7ead210a2ebff8239dee  @/etc/drbd.d/old.res\n"
        );
        let none = place.run("tree", "nw_tree_seen sum @/etc/none");
        assert!(none.ok && none.out.is_empty(), "{}", none.err);
    });
}

/// A folder of packages as it was pushed, and two files that were brought for it.
fn packages(place: &Place) {
    place.write("p/own/a.rpm", "a\n");
    place.write("p/own/old.rpm", "old\n");
    place.write("p/own/repodata/repomd.xml", "old\n");
    place.write("incoming/b", "b\n");
    place.write("incoming/md", "new\n");
    fs::create_dir_all(place.path("blob")).unwrap();
    for (at, name) in [(0, "b"), (1, "md")] {
        let link = place.path(&format!("blob/{at}"));
        symlink(place.path("incoming").join(name), link).unwrap();
    }
}

const PUSH: &str =
    r#"nw_repository_folder own a.rpm - sub/b.rpm "$NW_BLOB/0" repodata/repomd.xml "$NW_BLOB/1""#;

#[test]
fn a_folder_of_packages_is_made_of_what_stays_and_what_was_brought() {
    Place::each(|place| {
        packages(place);
        let ran = place.run("repository", &format!("NW_PACKAGES=@/p\n{PUSH}"));
        assert!(
            ran.ok && ran.err.is_empty(),
            "{:?}: {}",
            place.shell,
            ran.err
        );
        assert_eq!(place.names("p"), ["own"], "nothing is left beside it");
        assert_eq!(place.names("p/own"), ["a.rpm", "repodata", "sub"]);
        let read = |name: &str| fs::read_to_string(place.path(name)).unwrap();
        assert_eq!(read("p/own/a.rpm"), "a\n");
        assert_eq!(read("p/own/sub/b.rpm"), "b\n");
        assert_eq!(read("p/own/repodata/repomd.xml"), "new\n");
        for folder in ["p", "p/own", "p/own/sub", "p/own/repodata"] {
            assert_eq!(mode(&place.path(folder)), 0o755, "{folder}");
        }
        for file in [
            "p/own/a.rpm",
            "p/own/sub/b.rpm",
            "p/own/repodata/repomd.xml",
        ] {
            assert_eq!(mode(&place.path(file)), 0o644, "{file}");
        }
    });
}

#[test]
fn a_folder_of_packages_is_made_where_nothing_or_a_link_is() {
    Place::each(|place| {
        for there in [false, true] {
            packages(place);
            fs::remove_dir_all(place.path("p")).unwrap();
            fs::create_dir_all(place.path("p")).unwrap();
            place.write("elsewhere/x", "x");
            if there {
                symlink(place.path("elsewhere"), place.path("p/own")).unwrap();
            }
            let call = PUSH.replace("a.rpm - ", "");
            let ran = place.run("repository", &format!("NW_PACKAGES=@/p\n{call}"));
            assert!(ran.ok, "{:?}: {}", place.shell, ran.err);
            assert_eq!(place.names("p/own"), ["repodata", "sub"]);
            assert_eq!(place.names("elsewhere"), ["x"]);
            for name in ["p", "blob"] {
                fs::remove_dir_all(place.path(name)).unwrap();
            }
        }
    });
}

#[test]
fn a_folder_of_packages_stays_when_a_file_is_missing() {
    Place::each(|place| {
        packages(place);
        fs::remove_file(place.path("incoming/md")).unwrap();
        let ran = place.run("repository", &format!("NW_PACKAGES=@/p\n{PUSH}"));
        assert!(!ran.ok, "{:?}", place.shell);
        assert_eq!(place.names("p/own"), ["a.rpm", "old.rpm", "repodata"]);
    });
}

#[test]
fn pushed_packages_are_reported_by_digest_and_rights() {
    Place::each(|place| {
        packages(place);
        let look = "NW_PACKAGES=@/p\nnw_repository_files none own link";
        symlink(place.path("p/own"), place.path("p/link")).unwrap();
        for path in ["p/own", "p/own/repodata"] {
            fs::set_permissions(place.path(path), fs::Permissions::from_mode(0o755)).unwrap();
        }
        for path in ["p/own/a.rpm", "p/own/old.rpm", "p/own/repodata/repomd.xml"] {
            fs::set_permissions(place.path(path), fs::Permissions::from_mode(0o644)).unwrap();
        }
        let lines = || {
            let ran = place.run("repository", look);
            assert!(
                ran.ok && ran.err.is_empty(),
                "{:?}: {}",
                place.shell,
                ran.err
            );
            let mut lines: Vec<String> = ran.out.lines().map(ToOwned::to_owned).collect();
            lines.sort();
            lines
        };
        // printf 'old\\n' and printf 'a\\n' | sha256sum
        let old = "01d09d19c2139a46aebfb577780d123d7396e97201bc7ead210a2ebff8239dee";
        let a = "87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7";
        let sums = [
            format!("{old}  @/p/own/old.rpm"),
            format!("{old}  @/p/own/repodata/repomd.xml"),
            format!("{a}  @/p/own/a.rpm"),
        ];
        assert_eq!(lines(), sums);
        fs::set_permissions(place.path("p/own"), fs::Permissions::from_mode(0o700)).unwrap();
        fs::set_permissions(place.path("p/own/a.rpm"), fs::Permissions::from_mode(0o600)).unwrap();
        symlink("a.rpm", place.path("p/own/b.rpm")).unwrap();
        let odd = ["odd  @/p/own", "odd  @/p/own/a.rpm", "odd  @/p/own/b.rpm"];
        assert_eq!(lines()[3..], odd);
        let none = place.run("repository", "NW_PACKAGES=@/p\nnw_repository_files none");
        assert!(none.ok && none.out.is_empty(), "{}", none.err);
    });
}

#[test]
fn a_hash_reaches_chpasswd_by_standard_input_alone() {
    Place::each(|place| {
        place.write("blob/0", "$6$salt$h`id`$(id)\n");
        place.program("chpasswd", "echo \"args: $*\"; cat");
        let ran = place.run("user", r#"nw_user_password anna "$NW_BLOB/0""#);
        assert!(ran.ok, "{}", ran.err);
        assert_eq!(ran.out, "args: -e\nanna:$6$salt$h`id`$(id)\n");
        assert!(
            !place
                .run("user", r#"nw_user_password anna "$NW_BLOB/1""#)
                .ok
        );
    });
}

#[test]
fn passwords_are_reported_by_kind_and_digest() {
    Place::each(|place| {
        place.program(
            "getent",
            r#"[ "$*" = "shadow a b c d" ] || exit 1
printf '%s\n' 'a:$6$s$h:19000:0:99999:7:::' 'b:!$6$s$h:19000::::::' 'c:*:::::::' 'd::::::::'"#,
        );
        let ran = place.run("user", "nw_user_shadow a b c d");
        // printf %s '$6$s$h' | sha256sum, and of the other fields alike
        assert_eq!(
            ran.out,
            "a set 294f84c0555df77619e857ee93f0a667a57424db2f889ea1ee61e65d37ce96a9\nb locked 70dc9e00d844585d44fa499f7aa6f540ced5da0d3da69ab8b947d7a6988cdf7f\nc none 684888c0ebb17f374298b65ee2807526c066094c701bcc7ebbe1c1095f494fc1\nd empty e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"
        );
        assert!(!ran.out.contains("$6$"));
    });
}

/// In a namespace of its own: the shell's built-in `hostname` (busybox) goes before any program in the path, so a
/// program that only pretends would not keep this machine's name safe.
#[test]
fn a_name_is_set_at_once() {
    let before = fs::read("/proc/sys/kernel/hostname").unwrap();
    Place::each(|place| {
        let ran = place.run_apart("hostname", "nw_hostname_set n1.example.net\nuname -n");
        assert!(
            ran.ok && ran.err.is_empty(),
            "{:?}: {}",
            place.shell,
            ran.err
        );
        assert_eq!(ran.out, "n1.example.net\n");
    });
    assert_eq!(fs::read("/proc/sys/kernel/hostname").unwrap(), before);
}

/// A repository with two commits, by the real git; gives their names.
fn repository(place: &Place) -> [String; 2] {
    let at = place.path("origin");
    fs::create_dir(&at).unwrap();
    let git = |words: &[&str]| {
        let output = Command::new("git")
            .args([
                "-c",
                "user.name=t",
                "-c",
                "user.email=t@example.net",
                "-c",
                "init.defaultBranch=main",
            ])
            .args(words)
            .current_dir(&at)
            .env("HOME", "/nonexistent")
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    git(&["init", "-q"]);
    ["one", "two"].map(|content| {
        fs::write(at.join("file"), content).unwrap();
        git(&["add", "-A"]);
        git(&["commit", "-q", "-m", content]);
        git(&["rev-parse", "HEAD"])
    })
}

#[test]
fn a_checkout_is_made_moved_and_reported() {
    Place::each(|place| {
        let [one, two] = repository(place);
        let seen = |what: &str| {
            let ran = place.run("git", "nw_git_seen @/co");
            assert!(ran.ok, "{what}: {}", ran.err);
            ran.out
        };
        assert_eq!(seen("nothing there"), "state absent\n");
        for (commit, content) in [(&one, "one"), (&two, "two"), (&one, "one")] {
            let ran = place.run("git", &format!("nw_git_checkout @/co @/origin {commit}"));
            assert!(ran.ok, "{:?}: {}", place.shell, ran.err);
            assert_eq!(
                seen("checked out"),
                format!("state checkout\nhead {commit}\nurl @/origin\n")
            );
            assert_eq!(fs::read_to_string(place.path("co/file")).unwrap(), content);
        }
        place.write("co/file", "by hand");
        place.write("co/new", "");
        assert_eq!(
            seen("changed by hand"),
            format!("state checkout\nhead {one}\nurl @/origin\nchange  M file\nchange ?? new\n")
        );
        assert!(
            !place
                .run(
                    "git",
                    &format!("nw_git_checkout @/co @/origin {}", "0".repeat(40))
                )
                .ok
        );
    });
}

#[test]
fn what_is_no_checkout_is_reported() {
    Place::each(|place| {
        place.write("full/x", "");
        fs::create_dir(place.path("empty")).unwrap();
        let state = |name: &str| place.run("git", &format!("nw_git_seen @/{name}")).out;
        assert_eq!(state("full"), "state full\n");
        assert_eq!(state("empty"), "state empty\n");
        assert_eq!(state("full/x"), "state other\n");
    });
}

#[test]
fn a_cluster_conf_is_the_same_whatever_its_layout_and_its_version_are() {
    // Worked out by hand.
    let canonical = "<cluster name=\"c\">\n<cman two_node=\"1\" expected_votes=\"1\"/>\n<fencedevice name=\"a\" passwd=\"hunter2\"/>\n\
                     </cluster>\n";
    Place::each(|place| {
        place.program("cman_tool", "echo '6.2.0 config 12'");
        place.write(
            "one.conf",
            "<?xml version=\"1.0\"?>\n<!-- by hand -->\n<cluster name=\"c\" config_version=\"7\">\n  <cman two_node=\"1\"\n\t\
             expected_votes=\"1\" />\n  <fencedevice name=\"a\" passwd=\"hunter2\"/>\n</cluster>\n",
        );
        place.write(
            "two.conf",
            "<?xml version=\"1.0\"?><cluster config_version=\"8\" name=\"c\"><cman two_node=\"1\" expected_votes=\"1\"/>\
             <fencedevice name=\"a\" passwd=\"hunter2\"/></cluster>",
        );
        for name in ["one", "two"] {
            let ran = place.run(
                "cluster_conf",
                &format!("nw_cluster_conf_canonical @/{name}.conf | nw_cluster_conf_unversioned"),
            );
            assert_eq!(
                (ran.ok, ran.out.as_str()),
                (true, canonical),
                "{name}: {}",
                ran.err
            );
        }
        let ran = place.run(
            "cluster_conf",
            "nw_cluster_conf_seen @/one.conf 'cluster|cman'",
        );
        assert!(ran.out.starts_with("running 12\nfile "), "{}", ran.out);
        let told = "tag <cluster name=\"c\" config_version=\"7\">\ntag <cman two_node=\"1\" expected_votes=\"1\"/>\n";
        assert!(
            ran.out.ends_with(told) && !ran.out.contains("hunter2"),
            "{}",
            ran.out
        );
        let ran = place.run("cluster_conf", "nw_cluster_conf_seen @/none.conf cluster");
        assert_eq!(
            (ran.ok, ran.out.as_str()),
            (true, "running 12\n"),
            "{}",
            ran.err
        );
    });
}

#[test]
fn rules_of_others_are_reported_or_the_filter_is_not() {
    Place::each(|place| {
        place.program("iptables", "echo '-P INPUT ACCEPT'");
        let save = "echo '*nat'; echo '-A POSTROUTING -j MASQUERADE'";
        place.program("iptables-save", save);
        let told = place.run("packet_filter", "nw_packet_filter_kernel iptables");
        assert!(told.ok, "{}", told.err);
        assert_eq!(
            told.out,
            "-P INPUT ACCEPT\n\n*nat\n-A POSTROUTING -j MASQUERADE\n"
        );
        // Those of a Shorewall that runs are its own.
        place.program("iptables", "echo '-N shorewall'");
        let own = place.run("packet_filter", "nw_packet_filter_kernel iptables");
        assert_eq!(own.out, "-N shorewall\n\n");
        place.program("iptables", "echo '-P INPUT ACCEPT'");
        // What was killed on its way has not told all of them.
        place.program("iptables-save", &format!("{save}; kill -9 $$"));
        let killed = place.run("packet_filter", "nw_packet_filter_kernel iptables");
        assert!(!killed.ok, "{}", killed.out);
    });
}

/// The words of `status` in EL6's script: it is sourced from initscripts ("NAME (pid  PIDS) is running...", 3 where it is
/// stopped, 2 where it left its lock file), in docs/facts/resources.md#resource-managers.
#[test]
fn rgmanager_runs_if_its_script_says_so() {
    Place::each(|place| {
        let seen = |said: &str, code: u8| {
            place.program(
                "service",
                &format!("[ \"$*\" = 'rgmanager status' ] || exit 9\necho \"{said}\"\nexit {code}"),
            );
            let lines = "nw_systemd() { return 1; }; nw_resource_manager_seen rgmanager";
            place.run("resource_manager", lines).out
        };
        let two = format!("rgmanager (pid  {} 1) is running...", std::process::id());
        assert_eq!(seen(&two, 0), "running\n");
        assert_eq!(seen("rgmanager (pid  1) is running...", 0), "running\n");
        assert_eq!(seen("rgmanager is stopped", 3), "");
        assert_eq!(seen("rgmanager dead but subsys locked", 2), "");
        place.write("resource_manager/started", "");
        let trace = "trace @/resource_manager/started\n";
        assert_eq!(seen("rgmanager is stopped", 3), trace);
        assert_eq!(seen(&two, 0), format!("{trace}running\n"));
    });
}
