//! Output of steps is reported while they run.

use super::*;

/// Receives a batch; `on_line` is called with each line of its spool as it comes in.
fn listen(local: &Local, batch: &Batch, mut on_line: impl FnMut(&str)) -> Vec<SpoolEvent> {
    let mut child = local.receive(batch, &batch.bundle().bytes);
    let dir = local.run_dir(batch);
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if line == "ready" {
            fs::rename(dir.join("armed"), dir.join("go")).unwrap();
        }
        on_line(&line);
    }
    child.wait().unwrap();
    let spool = local.spool(batch);
    spool.lines().map(SpoolEvent::parse).collect()
}

/// The lines that a step printed, in order.
fn lines_of(events: &[SpoolEvent], step: usize) -> Vec<&str> {
    let lines = events.iter().filter_map(|e| match e {
        SpoolEvent::Progress(n, line) if *n == step => Some(line.as_str()),
        _ => None,
    });
    lines.collect()
}

#[test]
fn the_output_of_a_step_is_shown_while_it_runs_and_without_secrets() {
    // Busybox alone has no usable `tail`: there the output of a step is reported at its end.
    for words in &SHELLS[..3] {
        let local = Local::new(words);
        let gate = local.path("gate");
        let mut batch = batch(
            vec![
                step(
                    "long",
                    vec![Call::new("nw_talk").arg(gate.to_str().unwrap())],
                ),
                step("next", vec![Call::new("echo").arg("s3cr.t*[x\\ again")]),
            ],
            &[],
        );
        // Gives up after half a minute, so that a line that does not come fails here and hangs nowhere.
        batch.functions = vec![Shell::new(
            r#"nw_talk() {
  printf 'one s3cr.t*[x\\s3cr.t*[x\\ %%s\\n\n\tabbed\n'
  nw_i=0
  while [ ! -e "$1" ]; do nw_i=$((nw_i + 1)); [ "$nw_i" -lt 300 ] || return 9; sleep 0.1; done
  printf 'two\nthree\nno end'
}
"#,
        )];
        batch.secrets = vec![Secret::new("s3cr.t*[x\\"), Secret::new("abc")];
        let events = listen(&local, &batch, |line| {
            if line == "say 0 \tabbed" {
                fs::write(&gate, "").unwrap();
            }
        });
        assert_eq!(
            lines_of(&events, 0),
            ["one ****** %s\\n", "\tabbed", "two", "three", "no end"],
            "{words:?}"
        );
        assert_eq!(lines_of(&events, 1), ["*** again"], "{words:?}");
        let ends: Vec<_> = events
            .iter()
            .filter(|e| !matches!(e, SpoolEvent::Progress(..)))
            .skip(2)
            .collect();
        assert_eq!(
            ends,
            [
                &SpoolEvent::Begin(0, "long".into()),
                &SpoolEvent::End(0, 0),
                &SpoolEvent::Begin(1, "next".into()),
                &SpoolEvent::End(1, 0),
                &SpoolEvent::Done(Outcome::Finished)
            ],
            "{words:?}"
        );
        // The output of a step is between its begin and its end.
        let at = |wanted: &SpoolEvent| events.iter().position(|e| e == wanted).unwrap();
        assert!(at(&SpoolEvent::Progress(0, "three".into())) < at(&SpoolEvent::End(0, 0)));
        assert!(
            at(&SpoolEvent::Begin(1, "next".into()))
                < at(&SpoolEvent::Progress(1, "*** again".into()))
        );
        let left = local.run_dir(&batch);
        for name in ["live", "emitted", "out", "secrets"] {
            assert!(!left.join(name).exists(), "{words:?}: {name}");
        }
    }
}

#[test]
fn what_a_step_says_has_its_bounds() {
    for words in SHELLS {
        let local = Local::new(words);
        for long in [true, false] {
            let mut batch = batch(
                vec![BatchStep {
                    title: "chatter".into(),
                    calls: vec![Call::new("nw_chatter")],
                    long,
                }],
                &[],
            );
            batch.functions = vec![Shell::new(
                "nw_chatter() { head -c 3000 /dev/zero | tr '\\0' x; echo; seq 1 5000; \
                 head -c 20000000 /dev/zero | tr '\\0' y; }\n",
            )];
            let events = listen(&local, &batch, |_| ());
            let lines = lines_of(&events, 0);
            assert_eq!(lines.len(), 1001, "{words:?}");
            assert_eq!((lines[0].len(), lines[1], lines[999]), (500, "1", "999"));
            assert_eq!(lines[1000], "(it says more, which is shown if it fails)");
            assert_eq!(events.last(), Some(&SpoolEvent::Done(Outcome::Finished)));
        }
        // Nor does a line without end get further.
        let mut batch = batch(vec![step("endless", vec![Call::new("nw_endless")])], &[]);
        batch.functions = vec![Shell::new(
            "nw_endless() { head -c 20000000 /dev/zero | tr '\\0' y; }\n",
        )];
        let events = listen(&local, &batch, |_| ());
        assert_eq!(lines_of(&events, 0), ["y".repeat(500)], "{words:?}");
    }
}

#[test]
fn a_daemon_that_keeps_the_output_of_its_step_holds_nothing_up() {
    for words in SHELLS {
        let local = Local::new(words);
        let (end, over) = (local.path("end"), local.path("over"));
        let made = Command::new("mkfifo").arg(&over).status().unwrap();
        assert!(made.success());
        let both = fs::OpenOptions::new().read(true).write(true).open(&over);
        let mut last_words = BufReader::new(both.unwrap());
        let mut batch = batch(
            vec![
                step(
                    "start",
                    vec![
                        Call::new("nw_daemon")
                            .args([end.to_str().unwrap(), over.to_str().unwrap()]),
                    ],
                ),
                step("next", vec![Call::new("echo").arg("well")]),
            ],
            &[],
        );
        // The process goes on printing, and ends on request, or after half a minute.
        batch.functions = vec![Shell::new(
            "nw_daemon() { echo started; ( nw_i=0; while [ ! -e \"$1\" ] && [ \"$nw_i\" -lt 300 ]; do \
             nw_i=$((nw_i + 1)); echo alive; sleep 0.1; done; echo \"$nw_i\" >\"$2\" ) & }\n",
        )];
        let events = listen(&local, &batch, |_| ());
        fs::write(&end, "").unwrap();
        let mut turns = String::new();
        last_words.read_line(&mut turns).unwrap();
        let turns: u32 = turns.trim().parse().unwrap();
        assert!(turns < 300, "{words:?}: the batch waited for the daemon");
        assert_eq!(lines_of(&events, 0)[0], "started", "{words:?}");
        assert_eq!(lines_of(&events, 1), ["well"], "{words:?}");
        assert_eq!(events.last(), Some(&SpoolEvent::Done(Outcome::Finished)));
    }
}

#[test]
fn the_output_of_steps_that_are_over_at_once_is_shown_whole() {
    for words in SHELLS {
        let local = Local::new(words);
        let one = |n: usize| step("quick", vec![Call::new("echo").arg(n.to_string())]);
        let batch = batch((0..60).map(one).collect(), &[]);
        let events = listen(&local, &batch, |_| ());
        for n in 0..60 {
            assert_eq!(lines_of(&events, n), [n.to_string()], "{words:?}");
        }
        assert_eq!(events.last(), Some(&SpoolEvent::Done(Outcome::Finished)));
    }
}
