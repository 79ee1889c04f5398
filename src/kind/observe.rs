//! The script of an observation: sections, each one command with its output framed.

use crate::sh::Call;
use crate::shell::{ENV, Pieces, Shell};
use std::collections::BTreeSet;

/// The head of every observation. Its output is for each section `SENTINEL begin NAME`, the bytes,
/// `SENTINEL end NAME STATUS`, and at the end `SENTINEL done`. The sentinel is random, so no output of a node can be
/// taken for a frame.
const OBSERVE: Shell = Shell::new(include_str!("observe.sh")).needing(&[ENV]);

/// The way in which a section is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    /// To its end.
    Quick,
    /// A few seconds.
    Slow,
    /// Beside all others, for so many seconds longer than these.
    Beside(u32),
}

/// Tenths of a second that a slow section may take.
const SLOW: u32 = 50;

/// Seconds that sections which run beside the others may take longer than these.
const BESIDE: u32 = 35;

/// Collects the sections of one observation. One script, one trip, however many kinds and resources.
#[derive(Debug, Default)]
pub struct Observe {
    functions: Pieces,
    sections: Vec<(String, Call, Pace)>,
    names: BTreeSet<String>,
}

impl Observe {
    /// Adds shell functions that sections call, once.
    pub fn functions(&mut self, shell: Shell) {
        self.functions.add(shell);
    }

    /// Adds a section: the call's standard output and exit status come back under this name.
    ///
    /// Standard error is dropped, standard input is empty. The name is made of `[a-z0-9_.-]`; the first section of a
    /// name wins.
    pub fn section(&mut self, name: impl Into<String>, call: Call) {
        self.add(name.into(), call, Pace::Quick);
    }

    /// Adds a section that may block in the kernel (lvs, blkid, anything on a shared filesystem): it runs in the
    /// background with an output file of its own and is given up, and reported as late, after a few seconds.
    pub fn slow_section(&mut self, name: impl Into<String>, call: Call) {
        self.add(name.into(), call, Pace::Slow);
    }

    /// Adds a section about what may never answer (a fence device, a node that is off): it runs in the background from
    /// the beginning, beside all others, and is given up as late half a minute after these.
    pub fn beside_section(&mut self, name: impl Into<String>, call: Call) {
        self.beside_section_for(BESIDE, name, call);
    }

    /// Adds a section as `beside_section` does, which is given up so many seconds after all others.
    pub fn beside_section_for(&mut self, seconds: u32, name: impl Into<String>, call: Call) {
        self.add(name.into(), call, Pace::Beside(seconds));
    }

    fn add(&mut self, name: String, call: Call, pace: Pace) {
        debug_assert!(
            name.bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_.-".contains(&b)),
            "section name {name}"
        );
        if self.names.insert(name.clone()) {
            self.sections.push((name, call, pace));
        }
    }

    /// Whether there is a section of this name.
    pub fn has_section(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// The names of all sections that were asked.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// The whole script. `sentinel` frames the answer: a random word of `[a-z0-9]`, new for every observation.
    ///
    /// Only its last line calls anything, so that a script that was cut off does nothing at all.
    pub fn script(&self, sentinel: &str) -> String {
        let mut script = format!("NW_SENTINEL={sentinel}\n");
        script.push_str(&OBSERVE.text());
        script.push_str(&self.functions.text());
        script.push_str("main() {\nnw_observe_begin\n");
        let (beside, others): (Vec<_>, Vec<_>) = self
            .sections
            .iter()
            .partition(|(_, _, pace)| matches!(pace, Pace::Beside(_)));
        for (name, call, pace) in beside.iter().chain(&others) {
            let verb = match pace {
                Pace::Quick => "nw_section",
                Pace::Slow | Pace::Beside(_) => "nw_begin",
            };
            script.push_str(&format!("{verb} {name} {}\n", call.to_shell()));
            if *pace == Pace::Slow {
                script.push_str(&format!("nw_i=0\nnw_end {name} {SLOW}\n"));
            }
        }
        script.push_str("nw_i=0\n");
        for (name, _, pace) in beside {
            if let Pace::Beside(seconds) = pace {
                script.push_str(&format!("nw_end {name} {}\n", seconds * 10));
            }
        }
        script.push_str("nw_observe_end\n}\nmain\n");
        script
    }
}
