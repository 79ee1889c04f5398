use super::super::super::testing;
use super::*;
use serde_json::json;

fn verdict(found: &str) -> Verdict {
    let step = json!({ "disk_image": "/local/images/web.img", "bytes": 1_048_576 });
    testing::verdict(&step, &[(SECTION, found, 0)])
}

#[test]
fn an_image_is_made_once_and_never_touched_again() {
    assert!(matches!(verdict(""), Verdict::Change(_)));
    assert_eq!(verdict("1048576 /local/images/web.img\n"), Verdict::Same);
    assert_eq!(verdict("9948576 /local/images/web.img\n"), Verdict::Same);
    assert!(matches!(
        verdict("512 /local/images/web.img\n"),
        Verdict::Finding { .. }
    ));
    // Another image's size is not its own.
    assert!(matches!(
        verdict("1048576 /local/images/web.img2\n"),
        Verdict::Change(_)
    ));
}

/// Where something lies by now it is not cut.
#[test]
fn the_shell_makes_no_image_over_another() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.img");
    let run = |bytes: &str| {
        let script = format!("{}nw_disk_image \"$1\" \"$2\"", DiskImageKind::SHELL.text());
        let mut sh = std::process::Command::new("sh");
        sh.args(["-c", &script, "sh"]).arg(&path).arg(bytes);
        sh.output().unwrap().status.success()
    };
    assert!(run("1024"));
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 1024);
    assert!(!run("512"));
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 1024);
}
