//! The context of a command: where the site is, who runs, the style of output.

use super::pager::Pager;
use super::{Color, Global, OutputClosed, Usage};
use crate::platform::Platform;
use crate::report::{self, OutputStyle, ProgressView, Reporter};
use crate::run::today;
use crate::site::words::types::{Date, Word as _};
use crate::site::{Overrides, Severity};
use crate::survey::{Survey, SurveyError};
use anstream::AutoStream;
use anyhow::anyhow;
use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// The context of a command.
#[derive(Debug)]
pub struct Context {
    /// Options of every command.
    pub global: Global,
    /// The looks of standard output.
    pub style: OutputStyle,
    /// The looks of standard error.
    pub err_style: OutputStyle,
    /// When the command began.
    pub begun: Instant,
}

/// The site's commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its full id.
    pub id: String,
    /// Whether files of the site differ from it.
    pub dirty: bool,
}

impl Context {
    /// Reads from the terminal what the options leave open.
    pub fn new(global: Global) -> Self {
        let width = terminal_size::terminal_size().map_or(80, |(w, _)| usize::from(w.0));
        let colour = |auto: anstream::ColorChoice| match global.color {
            Color::Auto => auto != anstream::ColorChoice::Never,
            Color::Always => true,
            Color::Never => false,
        };
        let style = OutputStyle {
            colour: colour(AutoStream::choice(&std::io::stdout())),
            width: width.clamp(40, 100),
            verbose: global.verbose,
            quiet: global.quiet,
            diffs: global.diff > 0 || !std::io::stdout().is_terminal(),
        };
        let err_style = OutputStyle {
            colour: colour(AutoStream::choice(&std::io::stderr())),
            ..style
        };
        Self {
            global,
            style,
            err_style,
            begun: Instant::now(),
        }
    }

    /// The same for this site.
    #[must_use]
    pub fn of_site(&self, dir: &Path) -> Self {
        Self {
            global: Global {
                site: vec![dir.to_owned()],
                ..self.global.clone()
            },
            style: self.style,
            err_style: self.err_style,
            begun: self.begun,
        }
    }

    /// The site's folder.
    ///
    /// # Errors
    /// [`Usage`] when there is none, or several are named.
    pub fn site_dir(&self) -> anyhow::Result<PathBuf> {
        match &*self.global.site {
            [] => {}
            [dir] if is_site(dir) => return Ok(dir.clone()),
            [dir] => {
                let dir = dir.display();
                return Err(Usage(format!("{dir} is no site: neither inventory.toml nor inventory/*.toml is in it\n  `nodewright init DIR` writes a starter")).into());
            }
            several => {
                let dirs: Vec<_> = several.iter().map(|d| d.display().to_string()).collect();
                return Err(Usage(format!(
                    "this command is about one site, and --site names {}; only `status` takes several",
                    dirs.join(", ")
                ))
                .into());
            }
        }
        let here = std::env::current_dir()?;
        let Some(up) = here.ancestors().position(is_site) else {
            return Err(Usage(format!(
                "no site in {} or above it: no inventory.toml and no inventory/*.toml\n  name one with -C DIR, or write a starter with `nodewright init DIR`",
                here.display()
            ))
            .into());
        };
        Ok(match up {
            0 => PathBuf::from("."),
            up => std::iter::repeat_n("..", up).collect(),
        })
    }

    /// The platform that the site declares, as far as it can be read.
    fn declared(&self) -> Option<Platform> {
        let dir = self.site_dir().ok()?;
        let loaded = crate::site::load(&dir, &Overrides::default());
        Some(loaded.site?.inventory.site.platform)
    }

    /// The values of this run besides the site.
    fn overrides(&self) -> Overrides {
        let lab = self
            .global
            .lab
            .then(crate::workplace::lab::current)
            .flatten();
        let nodes: BTreeMap<String, Platform> = lab
            .iter()
            .flat_map(crate::workplace::lab::platforms)
            .collect();
        // The site's own platform is that of the lab's first node, or without a lab that is up, the one that `lab up`
        // would choose.
        let first = lab.as_ref().and_then(|lab| {
            let mut names = lab.nodes.iter();
            names.find_map(|node| nodes.get(&node.name).copied())
        });
        let platform = self
            .global
            .lab
            .then(|| first.unwrap_or_else(|| crate::lab::platform_for(self.declared())));
        Overrides {
            platform,
            nodes,
            containers: self.global.lab && crate::workplace::lab::containers(),
            known_hosts: lab.as_ref().map(|lab| lab.known_hosts.clone()),
            root_keys: lab.as_ref().map(crate::lab::root_keys),
        }
    }

    /// Reads the site, right or wrong.
    ///
    /// # Errors
    /// [`Usage`] when there is none.
    pub fn survey(&self) -> anyhow::Result<Survey> {
        let today = Date::parse(&today()).map_err(|e| anyhow!("the clock gives no date: {e}"))?;
        Ok(Survey::of(&self.site_dir()?, &self.overrides(), &today))
    }

    /// Reads a site without errors, which are printed on standard error; with `-v`, warnings are, too.
    ///
    /// # Errors
    /// When there is no site or something in it is an error.
    pub fn sound(&self) -> anyhow::Result<Survey> {
        let survey = self.survey()?;
        let errors = survey.count().0;
        let shown = survey.findings.iter();
        let shown = shown.filter(|f| f.severity == Severity::Error || self.global.verbose > 0);
        let findings = report::findings(shown, &survey.sources, &self.err_style);
        if errors > 0 {
            self.warn(&(findings + "\n"));
            return Err(SurveyError::NotSound.into());
        }
        self.note(&findings);
        Ok(survey)
    }

    /// Writes to standard output, as [`report::leaving`] lets it.
    ///
    /// # Errors
    /// [`OutputClosed`] when the reader closed it.
    pub fn print(&self, text: &str) -> anyhow::Result<()> {
        self.hand_over(&report::leaving(text, self.style.colour))
    }

    /// Writes the operator's own data, the value of a secret, to standard output, as it is.
    ///
    /// # Errors
    /// [`OutputClosed`] when the reader closed it.
    pub fn hand_over(&self, text: &str) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Err(OutputClosed.into()),
            written => Ok(written?),
        }
    }

    /// Writes a remark to standard error, unless `-q` was given.
    pub fn note(&self, text: &str) {
        if !self.global.quiet {
            self.warn(text);
        }
    }

    /// Writes to standard error, as [`report::leaving`] lets it. A failure to write there is ignored: there is no other
    /// place to report it.
    pub fn warn(&self, text: &str) {
        let text = report::leaving(text, self.err_style.colour);
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }

    /// Asks on the terminal; no answer is no.
    pub fn agrees(&self, question: &str) -> bool {
        self.warn(question);
        let mut line = String::new();
        let read = std::io::stdin().read_line(&mut line);
        read.is_ok() && matches!(line.trim(), "y" | "Y" | "yes")
    }

    /// Whether a person types exactly this word.
    pub fn types(&self, question: &str, word: &str) -> bool {
        self.warn(question);
        let mut line = String::new();
        let read = std::io::stdin().read_line(&mut line);
        read.is_ok() && line.trim_end_matches(['\n', '\r']) == word
    }

    /// The receiver of events that fits the terminal and the options.
    pub fn reporter(&self) -> Reporter {
        let progress = if std::io::stderr().is_terminal() {
            ProgressView::live(self.err_style)
        } else {
            ProgressView::lines(self.err_style, Box::new(std::io::stderr()))
        };
        let out = Box::new(std::io::stdout());
        let reporter = Reporter::new(self.style, self.global.json, out, progress);
        if std::io::stdout().is_terminal() {
            reporter.timed(self.begun)
        } else {
            reporter
        }
    }

    /// The same for a command that ends with a long result: it is shown by a pager where a person reads it.
    pub fn paged_reporter(&self) -> Reporter {
        let reporter = self.reporter();
        match self.pager() {
            Some(pager) => reporter.writing_to(Box::new(pager)),
            None => reporter,
        }
    }

    /// Writes a long result to standard output, by a pager where a person reads it.
    ///
    /// # Errors
    /// [`OutputClosed`] when the reader closed it.
    pub fn print_paged(&self, text: &str) -> anyhow::Result<()> {
        match self.pager() {
            Some(mut pager) => {
                Ok(pager.write_all(report::leaving(text, self.style.colour).as_bytes())?)
            }
            None => self.print(text),
        }
    }

    /// The pager, where a person reads standard output.
    fn pager(&self) -> Option<Pager> {
        let out = std::io::stdout();
        let read = out.is_terminal() && !self.global.json;
        read.then(|| Pager::before(Box::new(out))).flatten()
    }

    /// A receiver that shows remarks and failures as plain lines, and no results: the command prints them itself.
    pub fn progress_lines(&self) -> Reporter {
        let progress = ProgressView::lines(self.err_style, Box::new(std::io::stderr()));
        Reporter::new(self.style, false, Box::new(std::io::sink()), progress)
    }

    /// The operator of this command, for locks and journals: `anna@desk`. Under sudo it is the user who called it.
    pub fn operator() -> String {
        let named = |key: &str| std::env::var(key).ok().filter(|v| !v.is_empty());
        let user = named("SUDO_USER")
            .or_else(|| named("USER"))
            .or_else(|| named("LOGNAME"))
            .unwrap_or_else(|| "unknown".into());
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        format!("{user}@{}", host.trim())
    }
}

/// Whether a folder is a site: it has inventory.toml, or TOML files in inventory/.
fn is_site(dir: &Path) -> bool {
    let toml = |entry: std::fs::DirEntry| entry.path().extension().is_some_and(|e| e == "toml");
    dir.join("inventory.toml").is_file()
        || std::fs::read_dir(dir.join("inventory")).is_ok_and(|entries| entries.flatten().any(toml))
}

impl Commit {
    /// The commit of a site's folder; none where git or a repository is missing, or nothing is committed yet.
    pub fn of(site: &Path) -> Option<Self> {
        let git = |words: &[&str]| {
            let output = Command::new("git")
                .arg("-C")
                .arg(site)
                .args(words)
                .stdin(Stdio::null())
                .stderr(Stdio::null())
                .output()
                .ok()?;
            output.status.success().then_some(output.stdout)
        };
        let id = String::from_utf8(git(&["rev-parse", "--verify", "HEAD"])?).ok()?;
        let changes = git(&["status", "--porcelain", "--", "."])?;
        Some(Self {
            id: id.trim().to_owned(),
            dirty: !changes.is_empty(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git(dir: &Path, words: &[&str]) {
        let status = Command::new("git")
            .arg("-C")
            .arg(dir)
            .args(["-c", "user.name=t", "-c", "user.email=t@example.net"])
            .args(words)
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "git {words:?}");
    }

    #[test]
    fn the_commit_of_a_site_is_known_and_whether_it_differs() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Commit::of(dir.path()), None);
        git(dir.path(), &["init", "-q"]);
        assert_eq!(Commit::of(dir.path()), None);
        std::fs::write(dir.path().join("inventory.toml"), "a").unwrap();
        git(dir.path(), &["add", "."]);
        git(dir.path(), &["commit", "-q", "-m", "x"]);
        let clean = Commit::of(dir.path()).unwrap();
        assert_eq!((clean.id.len(), clean.dirty), (40, false));
        std::fs::write(dir.path().join("inventory.toml"), "b").unwrap();
        assert!(Commit::of(dir.path()).unwrap().dirty);
    }

    #[test]
    fn a_folder_with_an_inventory_is_a_site() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!is_site(dir.path()));
        std::fs::create_dir(dir.path().join("inventory")).unwrap();
        assert!(!is_site(dir.path()));
        std::fs::write(dir.path().join("inventory/nodes.toml"), "").unwrap();
        assert!(is_site(dir.path()));
    }
}
