//! The serial console and the screen of a guest that runs, over the connection that exists (`nodewright guest console`,
//! `nodewright guest vnc`). The node's journal records who asked for them; no lock is held meanwhile.
//!
//! Facts: docs/facts/guests.md#console.

use super::{Ending, OperatedGuest};
use crate::exit::Exit;
use crate::kind::Resource;
use crate::kinds::guests::power;
use crate::plan::Intent;
use crate::run::{Engine, Event, Setup};
use crate::sh::{Call, ShellWord};
use crate::site::Site;
use std::process::Command;

/// The serial console or the screen of a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuestConsole {
    /// Its serial console.
    Serial,
    /// Its screen, at this port of the operator's machine.
    Screen {
        /// The port on the loopback address.
        port: u16,
    },
}

/// The question where a guest's console is.
#[derive(Debug)]
pub struct ConsoleQuery {
    subject: OperatedGuest,
    console: GuestConsole,
}

/// The commands by which a guest is reached.
#[derive(Debug)]
pub struct FoundConsole {
    /// The node that it runs on.
    pub node: String,
    /// The command that leads to it, or opens its port.
    pub open: Command,
    /// The command that closes it; a console closes itself.
    pub close: Option<Command>,
}

impl ConsoleQuery {
    /// For this guest of the site.
    ///
    /// # Errors
    ///
    /// A name of no guest.
    pub fn new(site: &Site, name: &str, console: GuestConsole) -> Result<Self, String> {
        let subject = OperatedGuest::new(site, name, |_| Vec::<Resource>::new(), false)?;
        Ok(Self { subject, console })
    }

    /// The nodes that are asked.
    pub fn nodes(&self) -> &[String] {
        &self.subject.cluster.members
    }

    /// Sets a run up for this.
    pub fn prepare(&self, setup: &mut Setup) {
        self.subject.cluster.prepare(setup, Intent::Guest);
    }

    /// The wish as the journal has it.
    fn shown(&self) -> String {
        let name = &self.subject.name;
        match self.console {
            GuestConsole::Serial => format!("console {name}"),
            GuestConsole::Screen { .. } => format!("vnc {name}"),
        }
    }

    /// Finds the guest, writes into the journal of its node, and gives the commands.
    ///
    /// # Errors
    ///
    /// The way in which it ended without them.
    pub async fn find(&self, engine: &mut Engine) -> Result<FoundConsole, Ending> {
        let subject = &self.subject;
        let name = &subject.name;
        let refused = |what: String| Ending::refused(Exit::Findings, what);
        let look = subject.cluster.look(engine).await;
        let found = subject.whereabouts(&look);
        let Some((node, _)) = subject.place(&found)? else {
            subject.known(&found)?;
            return Err(refused(format!(
                "{name} is off: `nodewright guest start {name}` starts it"
            )));
        };
        // For both a harmless question, between two lines of the journal.
        let call = match self.console {
            GuestConsole::Serial => power::state(name),
            GuestConsole::Screen { .. } => power::screen(name),
        };
        let recorded = engine
            .recorded(vec![node.clone()], &self.shown(), &words(&call))
            .await;
        let (Some(session), Some(said)) = (engine.sessions().get(node), recorded.get(node)) else {
            let failed = engine.failures().get(node);
            let exit = failed.map_or(Exit::Failed, |f| f.exit);
            let why = failed.map_or("it was not asked", |f| f.why.as_str());
            return Err(Ending::failed(exit, format!("{node}: {why}")));
        };
        if !said.noted {
            engine.send(Event::Note {
                node: Some(node.clone()),
                text: "its journal could not be written: this is missing there".to_owned(),
            });
        }
        let mut open = session.ssh().await;
        let mut close = None;
        match self.console {
            GuestConsole::Serial => {
                open.args(["-tt", session.way()]);
                open.arg(session.as_root(&power::console(name)));
            }
            GuestConsole::Screen { port } => {
                let Some(there) = power::screen_port(&said.output) else {
                    return Err(refused(format!(
                        "{name} has no screen on the loopback address of {node} (`video`): `nodewright guest console {name}`"
                    )));
                };
                let forward = format!("127.0.0.1:{port}:127.0.0.1:{there}");
                let mut end = session.ssh().await;
                open.args(["-O", "forward", "-L", &forward, session.way()]);
                end.args(["-O", "cancel", "-L", &forward, session.way()]);
                close = Some(end);
            }
        }
        Ok(FoundConsole {
            node: node.clone(),
            open,
            close,
        })
    }
}

/// The words of a call without contents.
fn words(call: &Call) -> Vec<String> {
    let words = call.words().iter().map(|word| match word {
        ShellWord::Text(text) => text.clone(),
        ShellWord::Blob(index) => index.to_string(),
    });
    words.collect()
}
