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

/// If something lies by now it is not cut.
#[test]
fn the_shell_makes_no_image_over_another() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.img");
    let run = |bytes: &str, image: &str| {
        let script = format!("{}nw_disk_image \"$@\"", DiskImageKind::SHELL.text());
        let mut sh = std::process::Command::new("sh");
        sh.args(["-c", &script, "sh"])
            .arg(&path)
            .args([bytes, image]);
        sh.output().unwrap().status.success()
    };
    assert!(run("1024", "/dev/null"));
    assert_eq!(std::fs::read(&path).unwrap(), [0; 1024]);
    let image = dir.path().join("image");
    std::fs::write(&image, "boot").unwrap();
    assert!(!run("512", image.to_str().unwrap()));
    assert_eq!(std::fs::read(&path).unwrap(), [0; 1024]);

    // The leftover of a run that did not end is no image.
    std::fs::remove_file(&path).unwrap();
    std::fs::write(dir.path().join("x.img.new"), "half").unwrap();
    assert!(run("512", image.to_str().unwrap()));
    let made = std::fs::read(&path).unwrap();
    assert_eq!((made.len(), &made[..6]), (512, &b"boot\0\0"[..]));
    assert!(!dir.path().join("x.img.new").exists());
}
