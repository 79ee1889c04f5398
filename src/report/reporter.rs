//! The one receiver of events.

use super::checks::Coverage;
use super::drift::DriftPage;
use super::{CheckResult, OutputStyle, ProgressView, checks, json, junit, prometheus};
use crate::run::{Event, Events};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// The place that text goes to.
pub type Sink = Box<dyn Write + Send>;

/// Files that results are written to as well.
#[derive(Clone, Debug, Default)]
pub struct CheckFiles {
    /// As `JUnit` XML.
    pub junit: Option<PathBuf>,
    /// For Prometheus.
    pub prometheus: Option<PrometheusFile>,
}

/// A file for Prometheus.
#[derive(Clone, Debug)]
pub struct PrometheusFile {
    /// The place where it is.
    pub path: PathBuf,
    /// The site that its metrics name.
    pub site: String,
}

/// The progress of a command with a plan.
#[derive(Clone, Copy, PartialEq, Eq)]
enum PlanShown {
    /// It has none.
    None,
    /// It was shown.
    Only,
    /// It was carried out.
    CarriedOut,
}

/// Receives all events of a command and shows them: results on one side, progress on the other.
pub struct Reporter {
    style: OutputStyle,
    json: bool,
    out: Sink,
    /// The reader of the results closed the pipe (`… | head`): the work goes on, and no result is printed.
    closed: bool,
    progress: ProgressView,
    checks: Vec<CheckResult>,
    coverage: Coverage,
    /// Whether a screen of checks is owed even when none comes.
    verify: bool,
    /// The progress of the command with a plan.
    plan: PlanShown,
    files: CheckFiles,
    /// The results for the page about drift, where the command shows one.
    drift: Option<DriftPage>,
    /// When the command began, until it is said how long it took.
    begun: Option<Instant>,
}

impl Reporter {
    /// Shows results on `out`, as one JSON object a line with `json`.
    pub fn new(style: OutputStyle, json: bool, out: Sink, progress: ProgressView) -> Self {
        Self {
            style,
            json,
            out,
            closed: false,
            progress,
            checks: Vec::new(),
            coverage: Coverage::default(),
            verify: false,
            plan: PlanShown::None,
            files: CheckFiles::default(),
            drift: None,
            begun: None,
        }
    }

    /// Shows results there instead.
    #[must_use]
    pub fn writing_to(mut self, out: Sink) -> Self {
        self.out = out;
        self
    }

    /// Says at the end of a run how long the command took, from this moment on. A log has times of its own.
    #[must_use]
    pub fn timed(mut self, begun: Instant) -> Self {
        self.begun = Some(begun);
        self
    }

    /// Says that this command is about checks: [`finish`](Self::finish) sums them up, and writes them to these files.
    #[must_use]
    pub fn of_checks(mut self, files: CheckFiles) -> Self {
        self.verify = true;
        self.files = files;
        self
    }

    /// Says that this command is about drift: plan, checks and failed nodes are shown on one page by
    /// [`finish`](Self::finish), and written to these files.
    #[must_use]
    pub fn of_drift(mut self, files: CheckFiles) -> Self {
        self.drift = Some(DriftPage::default());
        self.files = files;
        self
    }

    /// Shows one event.
    pub fn show(&mut self, event: &Event) {
        if matches!(
            event,
            Event::Planned { .. }
                | Event::Recap { .. }
                | Event::Forget { .. }
                | Event::Proofs { .. }
                | Event::Operation { .. }
                | Event::Operated { .. }
        ) {
            self.progress.clear();
        }
        match (&mut self.drift, event) {
            // Its page names the node, on the side of the results.
            (Some(page), Event::Failed { node, why }) => {
                page.failed.push((node.clone(), why.clone()));
            }
            _ => self.progress.show(event),
        }
        match event {
            Event::Planned { .. } => self.plan = PlanShown::Only,
            Event::Recap { .. } => self.plan = PlanShown::CarriedOut,
            _ => {}
        }
        if let (Some(page), Event::Planned { plan }) = (&mut self.drift, event) {
            page.plan = plan.clone();
        }
        if let Event::Check {
            node,
            scope: _,
            code,
            severity,
            ok,
            skipped,
            message,
            remedy,
        } = event
        {
            self.checks.push(CheckResult {
                node: node.clone(),
                code: code.clone(),
                severity: severity.clone(),
                ok: *ok,
                skipped: *skipped,
                message: message.clone(),
                remedy: remedy.clone(),
            });
        }
        if let Event::Verified {
            nodes,
            unseen,
            unreachable,
            left_out,
        } = event
        {
            self.verify = true;
            self.coverage = Coverage {
                nodes: nodes.clone(),
                unseen: unseen.clone(),
                unreachable: unreachable.clone(),
                left_out: *left_out,
            };
        }
        let text = match event {
            _ if self.json => json::line(event),
            _ if self.drift.is_some() => return,
            Event::Planned { plan } => super::plan(plan, &self.style),
            Event::Recap { nodes } => super::recap(nodes, &self.style),
            Event::Forget { nodes } => super::forget(nodes, &self.style),
            Event::Proofs { proofs, .. } => super::proofs(proofs),
            Event::Operation { operation } => super::operation(operation, &self.style),
            _ => return,
        };
        self.write(&text);
    }

    /// Shows the parts that needed all events, and removes the progress.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn finish(&mut self) -> std::io::Result<()> {
        self.progress.clear();
        let text = match &self.drift {
            _ if self.json => None,
            Some(page) => Some(page.text(&self.checks, &self.coverage, &self.style)),
            None if self.shows_checks() => {
                Some(checks::screen(&self.checks, &self.coverage, &self.style))
            }
            None => None,
        };
        if let Some(text) = text {
            self.write(&text);
        }
        let is_run = self.plan == PlanShown::CarriedOut && !self.json;
        if let Some(begun) = self.begun.take().filter(|_| is_run) {
            self.write(&took(begun.elapsed()));
        }
        if let Some(path) = &self.files.junit {
            write(path, &junit::document(&self.checks))?;
        }
        if let Some(PrometheusFile { path, site }) = &self.files.prometheus {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            let text = prometheus::document(&prometheus::Measurements {
                site,
                plan: self.drift.as_ref().map(|page| &page.plan),
                checks: &self.checks,
                coverage: &self.coverage,
                at: now.map_or(0, |since| since.as_secs()),
            });
            write(path, &text)?;
        }
        self.checks.clear();
        Ok(())
    }

    /// Whether the checks have a screen. Those that end an `apply` have none where it has said in one line that there is
    /// nothing to do, and all of them hold.
    fn shows_checks(&self) -> bool {
        match self.plan {
            PlanShown::None => self.verify || !self.checks.is_empty(),
            PlanShown::Only => self.checks.iter().any(CheckResult::counts),
            PlanShown::CarriedOut => !self.checks.is_empty(),
        }
    }

    /// Whether the reader of the results closed the pipe.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    fn write(&mut self, text: &str) {
        let Self {
            out,
            progress,
            closed,
            style,
            ..
        } = self;
        if !*closed {
            let written = progress.suspend(|| {
                out.write_all(super::leaving(text, style.colour).as_bytes())?;
                out.flush()
            });
            *closed = written.is_err();
        }
    }
}

/// The time that a run took, in a line.
fn took(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, _) => format!("Took {:.1} s.\n", time.as_secs_f64()),
        (0, minutes, rest) => format!("Took {minutes} min {rest} s.\n"),
        (hours, minutes, _) => format!("Took {hours} h {minutes} min.\n"),
    }
}

/// Writes a file of results whole, for everybody to read; an error names it.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    super::write_whole(path, text.as_bytes(), 0o644)
        .map_err(|e| std::io::Error::new(e.kind(), format!("cannot write {}: {e}", path.display())))
}

/// Does work on a thread of its own while its events are shown on this one; gives what the work gave.
///
/// Ends when the work has ended and has dropped every sender. A panic of the work goes on here.
pub fn follow<T: Send>(reporter: &mut Reporter, work: impl FnOnce(Events) -> T + Send) -> T {
    let (events, receiver) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let worker = scope.spawn(move || work(events));
        for event in receiver {
            reporter.show(&event);
        }
        match worker.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use crate::plan::Plan;
    use std::sync::{Arc, Mutex};

    /// A writer that collects the output.
    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Page {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// A writer whose pipe is closed.
    struct ClosedPipe;

    impl Write for ClosedPipe {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// Results and progress of these events.
    fn shown(events: &[Event], style: OutputStyle, json: bool) -> (String, String) {
        let (out, err) = (Page::default(), Page::default());
        let progress = ProgressView::lines(style, Box::new(err.clone()));
        let mut reporter = Reporter::new(style, json, Box::new(out.clone()), progress);
        let seen = follow(&mut reporter, |sender| {
            for event in events {
                sender.send(event.clone()).unwrap();
            }
            events.len()
        });
        assert_eq!(seen, events.len());
        reporter.finish().unwrap();
        (out.text(), err.text())
    }

    fn verbose(verbose: u8) -> OutputStyle {
        OutputStyle {
            verbose,
            ..OutputStyle::default()
        }
    }

    fn quiet() -> OutputStyle {
        OutputStyle {
            quiet: true,
            ..OutputStyle::default()
        }
    }

    #[test]
    fn a_run_says_how_long_it_took_where_a_person_watches() {
        for (seconds, line) in [
            (0.26, "Took 0.3 s.\n"),
            (72.9, "Took 1 min 12 s.\n"),
            (7_380.0, "Took 2 h 3 min.\n"),
        ] {
            assert_eq!(took(Duration::from_secs_f64(seconds)), line);
        }
        let ended = |timed: bool| {
            let out = Page::default();
            let err = Box::new(Page::default());
            let style = OutputStyle::default();
            let mut reporter = Reporter::new(
                style,
                false,
                Box::new(out.clone()),
                ProgressView::lines(style, err),
            );
            if timed {
                reporter = reporter.timed(Instant::now());
            }
            for event in &samples::run() {
                reporter.show(event);
            }
            reporter.finish().unwrap();
            out.text()
        };
        let last = |text: &str| text.lines().next_back().unwrap().to_owned();
        assert!(last(&ended(true)).starts_with("Took "), "{}", ended(true));
        assert!(!ended(false).contains("Took "));
    }

    #[test]
    fn a_log_says_when_a_node_begins_fails_and_ends() {
        let (out, err) = shown(&samples::run(), OutputStyle::default(), false);
        insta::assert_snapshot!(out, @r"
        node   as wanted  changed  not run  findings
        node1        103        3        0         1  done
        node2         90        0        2         0  failed

        node2: base/package:chrony: install chrony ended with exit status 1; is the
        repository reachable from the node?
          not run:
            base/hosts:node1
            base/service:chronyd
        ");
        insta::assert_snapshot!(err, @r"
        node1: begins 3 steps (run 20261121-0903-a1)
        node2: begins 3 steps (run 20261121-0903-a1)
        node1: connection lost (no answer for 30 s); the run goes on by itself there
        node2: install chrony: exit status 1
          E: Unable to locate package chrony
          E: gave up
        node2: failed: install chrony ended with 1.
          Is the repository reachable from the node?
        node1: connected again
        node1: 3 steps done
        node1: guard: on; what follows is rolled back unless a new connection confirms it
        node1: guard: rolling back in 90 s; no new connection yet (direct: connection refused)
        node1: guard: confirmed anew by node1
        The site's last commit is 3 days old.
        ");
    }

    #[test]
    fn a_verbose_log_has_a_line_a_step() {
        let (_, err) = shown(&samples::run(), verbose(1), false);
        insta::assert_snapshot!(err, @r"
        node1: connected: direct, already open
        node2: connected: peer yellow
        node1: 115 resources observed
        node2: 1 resource observed
        node1: begins 3 steps (run 20261121-0903-a1)
        node2: begins 3 steps (run 20261121-0903-a1)
        node1: 1/3 install chrony
        node1:   Unpacking chrony (4.3-2+deb12u1) ...
        node1:   Setting up chrony
        node2: 1/3 install chrony
        node2:   E: Unable to locate package chrony
        node2:   E: gave up
        node1: connection lost (no answer for 30 s); the run goes on by itself there
        node2: install chrony: exit status 1
        node2: failed: install chrony ended with 1.
          Is the repository reachable from the node?
        node1: connected again
        node1: 2/3 replace /etc/hosts
        node1: 3/3 start chronyd
        node1: 3 steps done
        node1: guard: on; what follows is rolled back unless a new connection confirms it
        node1: guard: rolling back in 90 s; no new connection yet (direct: connection refused)
        node1: guard: confirmed anew by node1
        The site's last commit is 3 days old.
        ");
    }

    #[test]
    fn quiet_says_only_what_failed() {
        let (_, err) = shown(&samples::run(), quiet(), false);
        insta::assert_snapshot!(err, @r"
        node2: install chrony: exit status 1
          E: Unable to locate package chrony
          E: gave up
        node2: failed: install chrony ended with 1.
          Is the repository reachable from the node?
        ");
    }

    #[test]
    fn json_is_one_object_a_line_and_progress_stays_on_the_other_side() {
        let (out, err) = shown(&samples::run(), OutputStyle::default(), true);
        assert_eq!(out.lines().count(), samples::run().len());
        for line in out.lines() {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(value["event"].is_string(), "{line}");
        }
        assert!(err.starts_with("node1: begins 3 steps"), "{err}");
    }

    #[test]
    fn checks_show_what_does_not_hold() {
        let (out, _) = shown(&samples::check_events(), OutputStyle::default(), false);
        insta::assert_snapshot!(out, @r#"
        node1
          ✗ DRBD-STATE  critical
              r0: connection: wanted Connected, seen StandAlone; disk: wanted UpToDate,
              seen "UpToDate"/<DUnknown> & more
              StandAlone is a split brain: `nodewright log` shows who did what since.

        node2
          ! TIME-SYNC  warning
              offset: wanted below 1 s, seen 7.2 s
              chronyc makestep, then look at the servers with chronyc sources.

        2 nodes: 2 checks do not hold, 2 hold.
        "#);
        let (out, _) = shown(&samples::check_events(), verbose(1), false);
        insta::assert_snapshot!(out, @r#"
        node1
          ✓ TIME-SYNC  clock is synchronised
          ✗ DRBD-STATE  critical
              r0: connection: wanted Connected, seen StandAlone; disk: wanted UpToDate,
              seen "UpToDate"/<DUnknown> & more
              StandAlone is a split brain: `nodewright log` shows who did what since.

        node2
          ! TIME-SYNC  warning
              offset: wanted below 1 s, seen 7.2 s
              chronyc makestep, then look at the servers with chronyc sources.
          ✓ SSH-ROOT  root logs in with keys only

        2 nodes: 2 checks do not hold, 2 hold.
        "#);
    }

    #[test]
    fn checks_that_all_hold_are_one_line() {
        let mut events = samples::check_events();
        events.retain(|e| !matches!(e, Event::Check { ok: false, .. }));
        let (out, _) = shown(&events, OutputStyle::default(), false);
        insta::assert_snapshot!(out, @"All 2 checks on 2 nodes hold.");
    }

    #[test]
    fn checks_that_end_an_apply_are_shown_where_something_was_done_or_one_fails() {
        let planned = Event::Planned {
            plan: Plan::default(),
        };
        let recap = Event::Recap { nodes: Vec::new() };
        let told = |before: &[&Event], failing: bool| {
            let mut events: Vec<Event> = before.iter().map(|e| (*e).clone()).collect();
            let checks = samples::check_events();
            let kept = |e: &Event| failing || !matches!(e, Event::Check { ok: false, .. });
            events.extend(checks.into_iter().filter(kept));
            shown(&events, OutputStyle::default(), false).0
        };
        let holds = "All 2 checks on 2 nodes hold.
";
        assert!(!told(&[&planned], false).contains(holds));
        assert!(told(&[&planned, &recap], false).ends_with(holds));
        let fails = "2 nodes: 2 checks do not hold, 2 hold.
";
        assert!(told(&[&planned], true).ends_with(fails));
        assert!(told(&[&planned, &recap], true).ends_with(fails));
    }

    #[test]
    fn checks_say_whom_and_what_they_did_not_reach() {
        let ends = |unseen: &[&str], left_out| {
            let end = Event::Verified {
                nodes: vec!["node1".into(), "node2".into()],
                unseen: unseen.iter().map(|n| (*n).to_owned()).collect(),
                unreachable: Vec::new(),
                left_out,
            };
            let mut events = samples::check_events();
            events.retain(|e| matches!(e, Event::Check { ok: true, .. }));
            let all = shown(
                &[&events[..], std::slice::from_ref(&end)].concat(),
                OutputStyle::default(),
                false,
            );
            let none = shown(&[end], OutputStyle::default(), false);
            [all.0, none.0].map(|text| text.lines().last().unwrap_or_default().to_owned())
        };
        assert_eq!(
            ends(&[], 3)[0],
            "All 2 checks on 2 nodes hold; 3 checks were left out."
        );
        assert_eq!(
            ends(&["node2"], 0)[0],
            "All 2 checks on 1 of 2 nodes hold; not observed: node2."
        );
        assert_eq!(
            ends(&["node1", "node2"], 0)[1],
            "No node was observed: node1, node2."
        );
    }

    #[test]
    fn checks_go_to_a_junit_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("checks.xml");
        let sink = || Box::new(std::io::sink());
        let progress = ProgressView::lines(quiet(), sink());
        let mut reporter = Reporter::new(quiet(), false, sink(), progress).of_checks(CheckFiles {
            junit: Some(file.clone()),
            prometheus: None,
        });
        for event in samples::check_events() {
            reporter.show(&event);
        }
        reporter.finish().unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(text.matches("<testcase").count(), samples::checks().len());
    }

    #[test]
    fn when_nobody_reads_the_work_goes_on() {
        let progress = ProgressView::lines(quiet(), Box::new(std::io::sink()));
        let mut reporter = Reporter::new(quiet(), false, Box::new(ClosedPipe), progress);
        let done = follow(&mut reporter, |sender| {
            for event in samples::run() {
                sender.send(event).unwrap();
            }
            true
        });
        assert!(done && reporter.is_closed());
    }
}
