//! `nodewright guest`.

use crate::exit::Exit;
use crate::kind::Resource;
use crate::operate::Ending;
use crate::operate::guest::list::{GuestList, GuestQuery};
use crate::operate::guest::screen::{ConsoleQuery, FoundConsole, GuestConsole};
use crate::operate::guest::{Action, FirstDevice, GuestOperation};
use crate::report::{self, Align, OutputStyle, TextTable, Tone, json_line};
use crate::workplace::completers::{guest_names, node_names};
use crate::workplace::{self, Context, Usage, Values, Workplace};
use anyhow::Context as _;
use clap::{Subcommand, ValueEnum};
use clap_complete::ArgValueCompleter;
use serde_json::json;
use std::time::Duration;

/// Arguments of `guest`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A guest that Pacemaker or rgmanager has is started, stopped and moved by the manager alone; any other one by libvirt on its
node. No guest is started before libvirt on every member has said that it does not run there: a member that does not answer
is a reason to refuse. Each of these commands shows its plan, asks, holds the locks of all members while it acts, and looks
whether it came about. Where service is interrupted, the name of the guest is typed, also with --yes (a program writes it to
standard input). docs/guests.md has more.

Exit codes: 0 done, or it was so already; 1 failed, or not in time; 2 not agreed to; 3 refused; 4 a member does not answer; 7
another run is at work; 64 no guest of the site, or no member.

Examples:
  nodewright guest list
  nodewright guest stop web
  nodewright guest migrate web node2")]
pub struct Args {
    /// The command.
    #[command(subcommand)]
    pub command: GuestCommand,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum GuestCommand {
    /// List the guests of the site and where each runs, and guests that the site does not have; changes nothing.
    List(Asking),
    /// Show a guest: each value with its place in the site, and where it runs; changes nothing.
    Show {
        #[command(flatten)]
        guest: Named,
        #[command(flatten)]
        asking: Asking,
    },
    /// Start a guest.
    Start {
        #[command(flatten)]
        guest: Named,
        #[command(flatten)]
        manner: GuestOptions,
    },
    /// Ask a guest to shut down (ACPI) and wait until it is off; `--now` cuts its power.
    Stop {
        #[command(flatten)]
        guest: Named,
        /// Cut its power: what it has not written to its disks is lost.
        #[arg(long)]
        now: bool,
        #[command(flatten)]
        manner: GuestOptions,
    },
    /// Shut a guest down and start it where it ran: it gets what changed in its definition.
    Restart {
        #[command(flatten)]
        guest: Named,
        #[command(flatten)]
        manner: GuestOptions,
    },
    /// Start a guest that is off from another device first, this once.
    BootOnce {
        #[command(flatten)]
        guest: Named,
        /// The device.
        #[arg(value_name = "cdrom|network")]
        from: BootFrom,
        #[command(flatten)]
        manner: GuestOptions,
    },
    /// Move a guest to another member: live, or with `--outage` by stop and start.
    Migrate {
        #[command(flatten)]
        guest: Named,
        /// The member. Default: the only other one.
        #[arg(value_name = "NODE", add = ArgValueCompleter::new(node_names))]
        node: Option<String>,
        /// Stop it here and start it there, where it does not move live.
        #[arg(long)]
        outage: bool,
        #[command(flatten)]
        manner: GuestOptions,
    },
    /// Sit at the serial console of a guest that runs; Ctrl-] leaves it.
    Console {
        #[command(flatten)]
        guest: Named,
    },
    /// Forward the screen of a guest that runs to a port of this machine, until Ctrl-C.
    Vnc {
        #[command(flatten)]
        guest: Named,
        /// The port on 127.0.0.1. Default: one that is free.
        #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
        port: Option<u16>,
    },
}

/// A device to boot from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BootFrom {
    /// Its CD drive.
    Cdrom,
    /// Its first card, by PXE.
    Network,
}

/// The guest.
#[derive(Clone, Debug, clap::Args)]
pub struct Named {
    /// The guest.
    #[arg(value_name = "GUEST", add = ArgValueCompleter::new(guest_names))]
    pub guest: String,
}

/// The way in which it is asked.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Asking {
    /// Seconds that a node may take to answer, 1 to 600.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub timeout: u64,
}

/// The way in which it is done.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct GuestOptions {
    /// Do it without asking, where nothing is interrupted.
    #[arg(long, short)]
    pub yes: bool,
    /// The number of seconds it may take. Default: what the site gives the guest to shut down (`shutdown`), 900 for the
    /// rest.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub within: Option<u64>,
}

/// Runs the command.
///
/// # Errors
/// An unsound site, a name of no guest or no member.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let place = workplace::open_sound(context)?;
    match &args.command {
        GuestCommand::List(asking) => {
            let list = ask(&place, context, None, *asking)?;
            let text = if context.global.json {
                let mut event = json!(list);
                event["event"] = json!("guests");
                json_line(&event)
            } else {
                page(&list, &context.style)
            };
            context.print(&text)?;
            Ok(exit(&list))
        }
        GuestCommand::Show { guest, asking } => {
            let name = &guest.guest;
            let list = ask(&place, context, Some(name), *asking)?;
            let (site, sources) = (&place.site, &place.sources);
            let text = if context.global.json {
                let mut event = report::guest_json(site, sources, name).unwrap_or_default();
                event["now"] = json!(list.guests.first());
                event["silent"] = json!(list.silent);
                json_line(&event)
            } else {
                let values = report::guest(site, sources, name, &context.style);
                values.unwrap_or_default() + "\n" + &page(&list, &context.style)
            };
            context.print(&text)?;
            Ok(exit(&list))
        }
        GuestCommand::Start { guest, manner } => {
            operate(&place, context, &guest.guest, Action::Start, *manner)
        }
        GuestCommand::Stop { guest, now, manner } => {
            let action = Action::Stop { now: *now };
            operate(&place, context, &guest.guest, action, *manner)
        }
        GuestCommand::Restart { guest, manner } => {
            operate(&place, context, &guest.guest, Action::Restart, *manner)
        }
        GuestCommand::BootOnce {
            guest,
            from,
            manner,
        } => {
            let device = match from {
                BootFrom::Cdrom => FirstDevice::Cdrom,
                BootFrom::Network => FirstDevice::Network,
            };
            operate(
                &place,
                context,
                &guest.guest,
                Action::BootOnce(device),
                *manner,
            )
        }
        GuestCommand::Migrate {
            guest,
            node,
            outage,
            manner,
        } => {
            let action = Action::Migrate {
                to: node.clone(),
                outage: *outage,
            };
            operate(&place, context, &guest.guest, action, *manner)
        }
        GuestCommand::Console { guest } => {
            let name = &guest.guest;
            let reached = match reach(&place, context, name, GuestConsole::Serial)? {
                Ok(reached) => reached,
                Err(ending) => return workplace::conclude(context, ending),
            };
            let node = &reached.node;
            context.note(&format!("console of {name} on {node}; Ctrl-] leaves it\n"));
            let mut open = reached.open;
            let status = open.status().context("cannot start ssh")?;
            Ok(if status.success() {
                Exit::Done
            } else {
                Exit::Failed
            })
        }
        GuestCommand::Vnc { guest, port } => {
            let port = match port {
                Some(port) => *port,
                None => workplace::free_port()?,
            };
            let mut reached =
                match reach(&place, context, &guest.guest, GuestConsole::Screen { port })? {
                    Ok(reached) => reached,
                    Err(ending) => return workplace::conclude(context, ending),
                };
            // ssh says why it cannot.
            if !reached.open.status().context("cannot start ssh")?.success() {
                return Ok(Exit::Failed);
            }
            let address = format!("vnc://127.0.0.1:{port}");
            context.print(&if context.global.json {
                json_line(&json!({"event": "screen", "guest": guest.guest, "node": reached.node, "at": address}))
            } else {
                format!("{address} is the screen of {} on {}, until Ctrl-C\n", guest.guest, reached.node)
            })?;
            workplace::until_interrupted()?;
            if let Some(close) = &mut reached.close {
                close.status().context("cannot start ssh")?;
            }
            Ok(Exit::Done)
        }
    }
}

/// Finds a guest that runs, and the commands that lead to it.
fn reach(
    place: &Workplace,
    context: &Context,
    guest: &str,
    console: GuestConsole,
) -> anyhow::Result<Result<FoundConsole, Ending>> {
    let reach = ConsoleQuery::new(&place.site, guest, console).map_err(Usage)?;
    let mut setup = place.setup_whole(context, reach.nodes(), Values::Needed)?;
    reach.prepare(&mut setup);
    let order = &reach;
    let mut reporter = context.progress_lines();
    workplace::with_engine(
        &mut reporter,
        setup,
        |_| (),
        async move |engine| order.find(engine).await,
    )
}

/// The resources that the roles of a node want of a guest.
fn resources(place: &Workplace, guest: &str, node: &str) -> Vec<Resource> {
    let all = place
        .nodes
        .get(node)
        .map_or(&[][..], |e| e.resources.as_slice());
    let own = |r: &&Resource| r.address.kind == "guest" && r.address.name == guest;
    all.iter().filter(own).cloned().collect()
}

/// Carries an operation out.
fn operate(
    place: &Workplace,
    context: &Context,
    guest: &str,
    action: Action,
    manner: GuestOptions,
) -> anyhow::Result<Exit> {
    let own = |node: &str| resources(place, guest, node);
    let operation = GuestOperation::new(&place.site, guest, action, manner.within, own);
    let operation = operation.map_err(Usage)?;
    workplace::operate_in(place, context, manner.yes, &operation)
}

/// Asks where the guests run.
fn ask(
    place: &Workplace,
    context: &Context,
    only: Option<&str>,
    asking: Asking,
) -> anyhow::Result<GuestList> {
    let query = GuestQuery::new(&place.site, only).map_err(Usage)?;
    let mut setup = place.setup_whole(context, query.nodes(), Values::Unused)?;
    query.prepare(&mut setup, Duration::from_secs(asking.timeout));
    let order = &query;
    let mut reporter = context.progress_lines();
    let list = workplace::with_engine(
        &mut reporter,
        setup,
        |_| (),
        async move |engine| order.ask(engine).await,
    )?;
    Ok(list)
}

/// The exit code that a list ends with.
fn exit(list: &GuestList) -> Exit {
    if list.guests.iter().any(|g| g.on.len() > 1) {
        Exit::Findings
    } else if list.silent.is_empty() {
        Exit::Done
    } else {
        Exit::Unreachable
    }
}

/// The list for people.
fn page(list: &GuestList, style: &OutputStyle) -> String {
    let mut table = TextTable::new(&[
        ("guest", Align::Left),
        ("lives on", Align::Left),
        ("runs on", Align::Left),
        ("state", Align::Left),
        ("manager", Align::Left),
        ("moves", Align::Left),
        ("memory", Align::Right),
        ("cpus", Align::Right),
    ]);
    let silent = !list.silent.is_empty();
    for guest in &list.guests {
        let on: Vec<&str> = guest.on.keys().map(String::as_str).collect();
        let tone = match on.len() {
            0 => Tone::Dim,
            1 => Tone::Good,
            _ => Tone::Bad,
        };
        let moves = if !guest.failover {
            "never"
        } else if guest.migrate == "live" {
            "live"
        } else {
            "by an outage"
        };
        table.toned_row([
            (Tone::Strong, guest.guest.clone()),
            (Tone::Plain, guest.node.clone()),
            (Tone::Plain, on.join(", ")),
            (tone, guest.words(silent)),
            (Tone::Plain, guest.resource.clone().unwrap_or_default()),
            (Tone::Plain, moves.to_owned()),
            (Tone::Plain, guest.memory.clone()),
            (Tone::Plain, guest.cpus.to_string()),
        ]);
    }
    let mut text = table.text(style);
    for (node, guests) in &list.unknown {
        for (name, state) in guests {
            text.push_str(&style.wrap(
                0,
                Tone::Plain,
                &format!("{node} has guest {name} ({state}), which the site does not know."),
            ));
        }
    }
    for (node, why) in &list.silent {
        text.push_str(&style.wrap(
            0,
            Tone::Bad,
            &format!("{node} did not say which guests it has: {why}"),
        ));
    }
    text
}
