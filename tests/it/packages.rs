//! Folders of packages in the site, pushed to nodes whose mirrors are gone, and used there by the real yum, dnf and apt.

use crate::nodes::{self, Nodes};
use crate::rig::Rig;
use insta::assert_snapshot;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// Makes the folder `packages` of the site of what a script on the node leaves in the folder it is run in.
fn fill(rig: &Rig, script: &str) {
    let packages = rig.desk.site().join("packages");
    let _ = fs::remove_dir_all(&packages);
    fs::create_dir(&packages).unwrap();
    let script = format!(
        "set -e; PATH=/opt/lab/bin:/opt/lab/sbin:$PATH; rm -rf /root/made; mkdir /root/made; cd /root/made; {{ {script}; }} >/dev/null; tar cf - ."
    );
    let made = rig.nodes.sh("node1", &script);
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "{said}");
    let mut unpack = Command::new("tar")
        .arg("xf")
        .arg("-")
        .current_dir(&packages)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = unpack.stdin.take().unwrap();
    pipe.write_all(&made.stdout).unwrap();
    drop(pipe);
    assert!(unpack.wait().unwrap().success());
}

/// What is pushed lies there whole, and nothing waits to be used.
fn lies(nodes: &Nodes) -> String {
    nodes.ok(
        "node1",
        "cd /var/lib/nodewright-packages && find . -type f ! -path '*/repodata/*' | sort; ls -A /var/lib/nodewright/incoming",
    )
}

/// Without digests and sizes, which are those of packages made on the spot.
fn page(plan: &str) -> String {
    let line = |line: &str| {
        let mut words: Vec<String> = line.split(' ').map(ToOwned::to_owned).collect();
        for at in 0..words.len() {
            let word = words[at].trim_end_matches(';');
            if word.len() == 12 && word.bytes().all(|b| b.is_ascii_hexdigit()) {
                words[at] = words[at].replace(word, "DIGEST");
            } else if at > 0 && ["KiB,", "bytes,"].contains(&word) {
                "SIZE".clone_into(&mut words[at - 1]);
            }
        }
        words.join(" ")
    };
    plan.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn rpms(names: &str) -> String {
    format!(
        "for n in {names}; do cp /srv/kept/$n-1.lab.noarch.rpm .; done; createrepo_c --general-compress-type=gz ."
    )
}

fn rpms_live(nodes: Nodes) {
    let rig = Rig::new(nodes);
    // What the test itself calls on a node like EL 6 is not what such a node has.
    let yum = "set -e; PATH=/opt/lab/bin:/opt/lab/sbin:$PATH";
    // The release's own mirror is gone.
    rig.nodes.ok(
        "node1",
        &format!("{yum}; cp -rL /srv/rpms/$(cat /etc/dnf/vars/releasever) /srv/kept; rm -r /srv/rpms /etc/yum.repos.d/*"),
    );
    let own = "[[step]]\nrepository = \"own\"\nfolder = \"packages\"\n";
    fill(&rig, &rpms("hello-1.0 labconf-1.0"));
    rig.role(&format!(
        "{own}[[step]]\npackage = [\"hello\", \"labconf\"]"
    ));
    assert_snapshot!(page(&rig.apply_as_planned()), @r"
    create /etc/yum.repos.d/own.repo [repository:own]; state: absent -> file
      +[own]
      +name=own
      +baseurl=file:///var/lib/nodewright-packages/own
      +enabled=1
      +gpgcheck=0
    repository own [repository:own]; hello-1.0-1.lab.noarch.rpm: absent -> SIZE KiB, sha256 DIGEST; labconf-1.0-1.lab.noarch.rpm: absent -> SIZE KiB, sha256 DIGEST; metadata: absent -> sha256 DIGEST; lists: of other repositories -> fetched
    install hello labconf [package:hello, package:labconf]; hello installed: no -> yes; labconf installed: no -> yes
    ");
    let from = format!(
        "{yum}; rpm -q hello labconf; yum -q repoquery --installed --qf '%{{from_repo}}' hello"
    );
    assert_eq!(
        rig.nodes.ok("node1", &from),
        "hello-1.0-1.lab.noarch\nlabconf-1.0-1.lab.noarch\nown\n"
    );
    assert_eq!(
        lies(&rig.nodes),
        "./own/hello-1.0-1.lab.noarch.rpm\n./own/labconf-1.0-1.lab.noarch.rpm\n"
    );

    // One is added, one is newer, one is gone.
    fill(&rig, &rpms("tree-1.0 labconf-1.1"));
    rig.role(&format!(
        "{own}[[step]]\npackage = \"tree\"\n[[step]]\npackage = \"labconf\"\nversion = \"1.1-1.lab\""
    ));
    assert_snapshot!(page(&rig.apply_as_planned()), @r"
    repository own [repository:own]; labconf-1.1-1.lab.noarch.rpm: absent -> SIZE KiB, sha256 DIGEST; tree-1.0-1.lab.noarch.rpm: absent -> SIZE KiB, sha256 DIGEST; hello-1.0-1.lab.noarch.rpm: there -> absent; labconf-1.0-1.lab.noarch.rpm: there -> absent; metadata: sha256 DIGEST -> sha256 DIGEST; lists: of other repositories -> fetched
    change tree labconf [package:tree, package:labconf]; tree installed: no -> yes; labconf version: 1.0-1.lab -> 1.1-1.lab
    orphans: package:hello: it stays installed
    ");
    assert_eq!(
        lies(&rig.nodes),
        "./own/labconf-1.1-1.lab.noarch.rpm\n./own/tree-1.0-1.lab.noarch.rpm\n"
    );

    // Changed by hand, it comes back; what is right is not sent again.
    rig.nodes.ok(
        "node1",
        "cd /var/lib/nodewright-packages/own; echo x >tree-1.0-1.lab.noarch.rpm; chmod 700 .; touch more.rpm",
    );
    let said = rig.apply();
    assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
    let sent: Vec<&str> = said
        .notes()
        .into_iter()
        .filter(|n| n.starts_with("sending"))
        .collect();
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert!(
        sent[0].starts_with("sending tree-1.0-1.lab.noarch.rpm, "),
        "{sent:?}"
    );
    rig.nothing_to_do();

    // Metadata that is not of these packages stops everything before any node is met.
    let extra = rig.desk.site().join("packages/extra.rpm");
    fs::write(&extra, "x").unwrap();
    let (code, _, err) = rig.run(&["apply", "--yes"]);
    assert_eq!(code, 64);
    assert!(
        err.contains("does not list `extra.rpm`; `createrepo_c"),
        "{err}"
    );
    fs::remove_file(extra).unwrap();

    rig.role("");
    rig.apply_as_planned();
    rig.nodes.ok(
        "node1",
        "test ! -e /etc/yum.repos.d/own.repo && test ! -e /var/lib/nodewright-packages/own",
    );
    // Nothing was called that a node like EL 6 does not have.
    assert_eq!(
        rig.nodes.ok("node1", "cat /run/refused 2>/dev/null || :"),
        ""
    );
}

#[test]
fn a_node_like_el9_installs_what_was_pushed() {
    rpms_live(nodes::el9(1));
}

#[test]
fn a_node_like_el6_installs_what_was_pushed() {
    rpms_live(nodes::el6(1));
}

/// Small packages `NAME-VERSION`, made on the spot, with the metadata of a flat repository.
fn debs(names: &str) -> String {
    format!(
        "for n in {names}; do \
           mkdir -p d/DEBIAN d/usr/share/lab; echo $n >d/usr/share/lab/${{n%-*}}; \
           printf 'Package: %s\\nVersion: %s\\nArchitecture: all\\nMaintainer: t <t@example.net>\\nDescription: x\\n' ${{n%-*}} ${{n##*-}} >d/DEBIAN/control; \
           dpkg-deb -b d $n.deb; rm -r d; \
         done; \
         for f in *.deb; do \
           dpkg-deb -f $f; printf 'Filename: ./%s\\nSize: %s\\n' $f $(stat -c %s $f); s=$(sha256sum <$f); printf 'SHA256: %s\\n\\n' ${{s%% *}}; \
         done >Packages"
    )
}

/// Signs the metadata in the folder with a new key, which it gives.
fn sign(rig: &Rig) -> String {
    let keys = tempfile::tempdir().unwrap();
    let script = "set -e; chmod 700 \"$GNUPGHOME\"; trap 'gpgconf --kill all' EXIT
         gpg --batch --quiet --passphrase '' --quick-generate-key packages@example.net default default never
         s=$(sha256sum <Packages)
         printf 'Date: Thu, 01 Jan 2026 00:00:00 UTC\\nSHA256:\\n %s %s Packages\\n' ${s%% *} $(stat -c %s Packages) >Release
         gpg --batch --quiet --clearsign -o InRelease Release; rm Release; gpg --armor --export";
    let signed = Command::new("sh")
        .args(["-c", script])
        .current_dir(rig.desk.site().join("packages"))
        .env("GNUPGHOME", keys.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&signed.stderr);
    assert!(signed.status.success(), "{said}");
    String::from_utf8(signed.stdout).unwrap()
}

#[test]
fn a_debian_node_installs_what_was_pushed() {
    let rig = Rig::new(nodes::debian(1));
    let own = "[[step]]\nrepository = \"own\"\nfolder = \"packages\"\n";
    fill(&rig, &debs("lab-one-1.0 lab-two-1.0"));
    rig.role(&format!(
        "{own}[[step]]\npackage = [\"lab-one\", \"lab-two\"]"
    ));
    assert_snapshot!(page(&rig.apply_as_planned()), @r"
    create /etc/apt/sources.list.d/own.sources [repository:own]; state: absent -> file
      +Types: deb
      +URIs: file:///var/lib/nodewright-packages/own
      +Suites: ./
      +Trusted: yes
    repository own [repository:own]; lab-one-1.0.deb: absent -> SIZE bytes, sha256 DIGEST; lab-two-1.0.deb: absent -> SIZE bytes, sha256 DIGEST; metadata: absent -> sha256 DIGEST; lists: of other repositories -> fetched
    install lab-one lab-two [package:lab-one, package:lab-two]; lab-one installed: no -> yes; lab-two installed: no -> yes
    ");
    let versions = "dpkg-query -W -f '${Package} ${Version}\\n' 'lab-*'";
    assert_eq!(
        rig.nodes.ok("node1", versions),
        "lab-one 1.0\nlab-two 1.0\n"
    );
    // apt reads as a user of its own.
    rig.nodes.ok(
        "node1",
        "setpriv --reuid=_apt --clear-groups cat /var/lib/nodewright-packages/own/lab-one-1.0.deb >/dev/null",
    );

    fill(&rig, &debs("lab-two-2.0 lab-three-1.0"));
    rig.role(&format!(
        "{own}[[step]]\npackage = \"lab-three\"\n[[step]]\npackage = \"lab-two\"\nversion = \"2.0\""
    ));
    assert_snapshot!(page(&rig.apply_as_planned()), @r"
    repository own [repository:own]; lab-three-1.0.deb: absent -> SIZE bytes, sha256 DIGEST; lab-two-2.0.deb: absent -> SIZE bytes, sha256 DIGEST; lab-one-1.0.deb: there -> absent; lab-two-1.0.deb: there -> absent; metadata: sha256 DIGEST -> sha256 DIGEST; lists: of other repositories -> fetched
    change lab-three lab-two [package:lab-three, package:lab-two]; lab-three installed: no -> yes; lab-two version: 1.0 -> 2.0
    orphans: package:lab-one: it stays installed
    ");
    assert_eq!(
        rig.nodes.ok("node1", versions),
        "lab-one 1.0\nlab-three 1.0\nlab-two 2.0\n"
    );
    assert_eq!(
        lies(&rig.nodes),
        "./own/Packages\n./own/lab-three-1.0.deb\n./own/lab-two-2.0.deb\n"
    );

    // Signed: apt checks it by the key that is in the site.
    fill(&rig, &debs("lab-four-1.0"));
    let key = sign(&rig);
    rig.write("keys/own.asc", &key);
    let own = own.to_owned() + "key_file = \"keys/own.asc\"\n";
    rig.role(&format!("{own}[[step]]\npackage = \"lab-four\""));
    rig.apply_as_planned();
    let sources = rig
        .nodes
        .ok("node1", "cat /etc/apt/sources.list.d/own.sources");
    assert!(
        sources.contains("Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----"),
        "{sources}"
    );
    assert!(!sources.contains("Trusted"), "{sources}");

    // By another key it is not taken.
    rig.nodes.ok("node1", "dpkg -P lab-four");
    fill(&rig, &debs("lab-four-1.1"));
    sign(&rig);
    let said = rig.apply();
    assert_eq!(said.code, 1, "{}", said.err);
    let failed = said.failed();
    assert!(
        failed[0].starts_with("node1: repository own: failed"),
        "{failed:?}"
    );
    assert!(!rig.nodes.sh("node1", "dpkg -s lab-four").status.success());

    rig.role("");
    rig.apply_as_planned();
    rig.nodes.ok(
        "node1",
        "test ! -e /etc/apt/sources.list.d/own.sources && test ! -e /var/lib/nodewright-packages/own",
    );
}

#[test]
fn what_one_member_has_no_room_for_begins_on_none() {
    let rig = Rig::cluster(nodes::debian(2));
    fill(
        &rig,
        "head -c 300000 /dev/urandom >big.deb; d=$(sha256sum <big.deb); \
         printf 'Package: big\\nVersion: 1\\nArchitecture: all\\nFilename: ./big.deb\\nSize: 300000\\nSHA256: %s\\n' ${d%% *} >Packages",
    );
    rig.role(
        "[[step]]\nfile = \"/etc/before\"\ncontent = \"x\"\n\
         [[step]]\nrepository = \"own\"\nfolder = \"packages\"\n",
    );
    let room = "mkdir -p /var/lib/nodewright/incoming && mount -t tmpfs -o size=64k none /var/lib/nodewright/incoming";
    rig.nodes.ok("node2", room);
    let said = rig.apply();
    assert_eq!(said.code, 1, "{}", said.err);
    assert_eq!(
        said.failed(),
        [
            "node2: a disk is full: /var/lib/nodewright/incoming: dd: error writing 'standard output': No space left on device. make room (df -h, df -i), then run again",
            "node1: node2 could not be prepared, so nothing is done here either",
        ]
    );
    for node in ["node1", "node2"] {
        rig.nodes.ok(
            node,
            "test ! -e /etc/before && test ! -e /var/lib/nodewright-packages/own/big.deb",
        );
    }
    rig.nodes.ok("node2", "umount /var/lib/nodewright/incoming");
    let said = rig.apply();
    assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
    rig.nothing_to_do();
}
