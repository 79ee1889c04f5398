//! Plans that another operator has to sign before they are carried out.

use std::path::Path;
use std::process::Command;

use crate::support::Desk;
use crate::yard::{Said, Yard};

/// Makes a key of this name in the desk's home and gives its public half.
fn key(desk: &Desk, name: &str) -> String {
    let file = desk.home().join(name);
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"])
        .arg(&file)
        .status();
    assert!(made.unwrap().success());
    let public = std::fs::read_to_string(file.with_extension("pub")).unwrap();
    public.trim().to_owned()
}

/// `review` of a plan of anna, with a key of the desk's home.
fn review(yard: &Yard, key: &str, says: &str) -> Said {
    let key = yard.desk.home().join(key);
    let words = ["review", "change.plan", "--key", key.to_str().unwrap()];
    yard.run_with(&words, says)
}

#[track_caller]
fn refused(said: &Said, why: &str) {
    assert_eq!(said.code, 64, "{}{}", said.out, said.err);
    assert!(said.err.contains(why), "{}", said.err);
}

#[test]
fn a_plan_is_carried_out_once_another_operator_has_signed_it() {
    let mut yard = Yard::new("root", "none", "");
    let (bob, mallory) = (key(&yard.desk, "bob"), key(&yard.desk, "mallory"));
    assert_ne!(bob, mallory);
    let text = yard.desk.read("inventory.toml");
    let text = text.replacen("[site]\n", "[site]\nreview = true\n", 1);
    let alone = format!("{text}[group.all]\nnodes = [\"node1\"]\nroles = [\"demo\"]\n");
    yard.write(
        "roles/demo.toml",
        "description = \"demo\"\n[[step]]\nfile = \"/etc/demo\"\ncontent = \"new\\n\"\n",
    );
    yard.write("inventory.toml", &alone);
    let said = yard.run(&["check"]);
    assert_eq!(said.code, 64, "{}{}", said.out, said.err);
    assert!(said.out.contains("REVIEW-TWO"), "{}", said.out);
    let two = alone.replacen(
        "[operator]\n",
        &format!("[operator]\nbob = {{ key = \"{bob}\" }}\n"),
        1,
    );
    yard.write("inventory.toml", &two);
    let changed = |yard: &Yard| yard.nodes.ok("node1", "cat /etc/demo 2>/dev/null || :");

    // Without a review nothing is done, also where nobody is asked.
    refused(&yard.run(&["apply", "--yes"]), "the site demands a review");
    let said = yard.run(&["plan", "--out", "change.plan"]);
    assert_eq!(said.code, 2, "{}{}", said.out, said.err);
    assert!(
        said.err.contains("nodewright review change.plan"),
        "{}",
        said.err
    );
    let apply = ["apply", "./change.plan"];
    refused(&yard.run(&apply), "there is no ./change.plan.sig");

    // Neither its author reviews it, nor somebody whom the site does not know, nor one who says no.
    refused(
        &review(&yard, ".ssh/id_ed25519", "y\n"),
        "`anna` made this plan",
    );
    refused(
        &review(&yard, "mallory", "y\n"),
        "no operator of the site has the key",
    );
    let said = review(&yard, "bob", "\n");
    assert_eq!(said.code, 2, "{}{}", said.out, said.err);
    let signature = yard.desk.site().join("change.plan.sig");
    assert!(!signature.exists());

    let said = review(&yard, "bob", "y\n");
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(
        said.out.contains("/etc/demo") && said.err.contains("Signed by bob"),
        "{}{}",
        said.out,
        said.err
    );
    // The signature is of these bytes and for this purpose.
    let plan = yard.desk.read("change.plan");
    yard.write("change.plan", &plan.replacen("anna@", "anna@another-", 1));
    refused(&yard.run(&apply), "no operator's signature of this plan");
    yard.write("change.plan", &plan);
    let good = yard.desk.read("change.plan.sig");
    for (what, forged) in [
        ("file", "mallory"),
        ("nodewright-plan", "mallory"),
        ("file", "bob"),
    ] {
        yard.write(
            "change.plan.sig",
            &signed(&yard.desk, "change.plan", forged, what),
        );
        refused(&yard.run(&apply), "no operator's signature of this plan");
    }
    yard.write(
        "change.plan.sig",
        &signed(
            &yard.desk,
            "change.plan",
            ".ssh/id_ed25519",
            "nodewright-plan",
        ),
    );
    refused(&yard.run(&apply), "`anna` made this plan");
    assert_eq!(changed(&yard), "");

    yard.write("change.plan.sig", &good);
    let said = yard.run(&apply);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(said.err.contains("reviewed by bob"), "{}", said.err);
    assert_eq!(changed(&yard), "new\n");

    // Who is no operator makes no plan that could be reviewed.
    yard.desk.env("USER", "root");
    let (code, _, err) = yard.desk.output(&["plan", "--out", "other.plan"]);
    assert!(
        code == 64 && err.contains("`root` is no operator with a key"),
        "{err}"
    );
}

/// A signature by plain ssh-keygen.
fn signed(desk: &Desk, file: &str, key: &str, purpose: &str) -> String {
    let input = std::fs::File::open(desk.site().join(file)).unwrap();
    let output = Command::new("ssh-keygen")
        .args(["-Y", "sign", "-n", purpose, "-f"])
        .arg(desk.home().join(Path::new(key)))
        .stdin(input)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}
