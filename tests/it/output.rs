//! What a long step says reaches the operator while it runs.

use crate::nodes;
use crate::rig::Rig;

/// Says a line, waits for a gate (half a minute at most), says two more; the first and last hold what must not be seen.
const STEP: &str = r#"
[[step]]
command = ["sh", "-c", """
printf 'first hunter2-hunter2\\n\\033[32m\\033]0;title\\007green\\033[0m\\n'
i=0
while [ ! -e /run/gate ] && [ $i -lt 300 ]; do i=$((i + 1)); sleep 0.1; done
echo "$i turns"; echo 10%; touch /run/made"""]
creates = "/run/made"
"#;

fn lines(said: &crate::rig::Said) -> Vec<&str> {
    let all = said.of("step-output").into_iter();
    all.map(|e| e["line"].as_str().unwrap()).collect()
}

#[test]
fn what_a_long_step_says_is_seen_while_it_runs() {
    let rig = Rig::new(nodes::debian(1));
    rig.role(STEP);
    let mut live = rig.start(&["apply", "--yes"]);
    live.until(|e| e["event"] == "step-output" && e["line"].to_string().contains("green"));
    // It waits for this; had the line come at its end only, all turns would be over.
    rig.nodes.ok("node1", "touch /run/gate");
    let said = live.end();
    assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
    let lines = lines(&said);
    assert_eq!(lines[0], "first hunter2-hunter2");
    let turns: u32 = lines[2].trim_end_matches(" turns").parse().unwrap();
    assert!(turns < 300, "{lines:?}");
    assert_eq!(lines[3], "10%");
    assert!(
        said.of("step-output")
            .iter()
            .all(|e| e["node"] == "node1" && e["step"].is_u64())
    );
}

#[test]
fn with_v_all_lines_are_shown_as_they_are_harmless() {
    let rig = Rig::new(nodes::debian(1));
    rig.nodes.ok("node1", "touch /run/gate");
    rig.role(STEP);
    let (code, _, err) = rig.run(&["-v", "apply", "--yes"]);
    assert_eq!(code, 0, "{err}");
    let at = |line: &str| {
        let found = err.lines().position(|l| l == line);
        found.unwrap_or_else(|| panic!("no line `{line}`: {err}"))
    };
    let first = at("node1:   first hunter2-hunter2");
    let before = err.lines().nth(first - 1).unwrap();
    assert!(before.starts_with("node1: 1/1 command sh "), "{before}");
    assert_eq!(at("node1:   \\u{1b}]0;title\\u{7}green"), first + 1);
    assert_eq!(at("node1:   0 turns"), first + 2);

    rig.nodes.ok("node1", "rm /run/made");
    let (_, _, err) = rig.run(&["apply", "--yes"]);
    assert!(!err.contains("turns"), "without -v: {err}");
}
