//! The command line: one file a command, arguments in, report out.

pub mod apply;
pub mod attach;
pub mod capture;
mod check;
mod completions;
mod confirm_fenced;
mod demo_progress;
mod drain;
pub mod drift;
mod eject;
pub mod enroll;
mod explain;
pub mod facts;
mod fence;
pub mod forget;
mod graph;
mod guest;
mod help;
mod init;
mod init_from;
mod kickstart;
mod kinds;
mod knock;
mod lab;
pub mod log;
mod maintenance;
mod man;
mod observe;
pub mod plan;
mod reference;
mod render;
mod report;
mod resume;
mod review;
mod roles;
mod rules;
pub mod run;
mod runbook;
mod schema;
mod secret;
mod show;
mod start;
mod status;
mod stop;
pub mod unlock;
pub mod verify;

use crate::exit::Exit;
use crate::workplace::{Context, Global};
use clap::{FromArgMatches as _, Parser, Subcommand};
use std::process::ExitCode;

/// The version, and the commit that the program was built from, as `build.rs` found it.
const VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (",
    env!("NODEWRIGHT_BUILT"),
    ")"
);

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "nodewright", version = VERSION, about, long_about = None)]
pub struct Cli {
    /// The options of every command.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// Every command.
#[derive(Debug, Subcommand)]
#[command(disable_help_subcommand = true)]
pub enum Command {
    /// Create a commented starter site in a new folder; contacts no node unless `--from` names some.
    Init(init::Args),
    /// Make first contact: pin host keys in the site; install your key and lift requiretty for you on the nodes.
    Enroll(enroll::Args),
    /// Show the facts of nodes and compare them with the site; changes nothing.
    Facts(facts::Args),
    /// Save all read-only observations of a node as test specimens; changes nothing on it.
    Capture(capture::Args),
    /// Show what `apply` would change, with a diff for each file; changes nothing.
    Plan(plan::Args),
    /// Sign a saved plan of another operator, where the site demands a review; contacts no node, writes the signature's file.
    Review(review::Args),
    /// Show a plan that was saved, or a guest with the places of its values; contacts no node.
    Show(show::Args),
    /// Converge the nodes: show the plan, ask, carry it out, observe the result.
    Apply(apply::Args),
    /// Run the checks of all roles; changes nothing.
    Verify(verify::Args),
    /// Look for drift and failed checks, for cron: one line when all is well; changes nothing.
    Drift(drift::Args),
    /// Write the site as it is on one page of HTML: drawing, checks, drift, runs, guests; changes nothing.
    Report(report::Args),
    /// Show the state of the cluster: who is in, what runs where, what is degraded or frozen and why; changes nothing.
    Status(status::Args),
    /// Run a command on nodes, one member of a cluster at a time; changes what the command changes, and the journal.
    Run(run::Args),
    /// Send the port knock, to use ssh yourself (other commands do it for you); changes no file.
    Knock(knock::Args),
    /// Move what runs on a member to the others, and keep it off; `--storage` stops its storage too.
    Drain(drain::Args),
    /// Let a drained member carry again; `--return` brings back what prefers it.
    Resume(resume::Args),
    /// List, start, stop, restart and move guests, or reach their consoles; what changes something shows its plan and asks.
    Guest(guest::Args),
    /// Put the cluster in maintenance, or end it: nothing is started, stopped, moved or watched meanwhile.
    Maintenance(maintenance::Args),
    /// Stop the whole cluster, layer by layer on all members at once.
    Stop(stop::Args),
    /// Start the whole cluster; members that are off are switched on.
    Start(start::Args),
    /// Have the cluster fence a member, and measure how long the others take to take over.
    Fence(fence::Args),
    /// Declare a lost member to be off; refused if anything shows it running.
    ConfirmFenced(confirm_fenced::Args),
    /// Follow a run that goes on without a connection; changes nothing.
    Attach(attach::Args),
    /// Remove a stale lock of a node; changes nothing else.
    Unlock(unlock::Args),
    /// Stop tracking an orphaned resource; it stays on the node.
    Forget(forget::Args),
    /// Show earlier runs from the journals of the nodes; changes nothing.
    Log(log::Args),
    /// Check the site for errors; contacts no node.
    Check(check::Args),
    /// Render the files of all nodes; contacts no node.
    Render(render::Args),
    /// Write the file from which a node's installer works, kickstart or preseed; contacts no node.
    Kickstart(kickstart::Args),
    /// Draw the network of the site, or print its cluster as a tree; contacts no node.
    Graph(graph::Args),
    /// Write daily operation and emergencies of the site on one page, to be printed; contacts no node.
    Runbook(runbook::Args),
    /// Copy a shipped role or template into the site, to change it there.
    Eject(eject::Args),
    /// Manage the encrypted secrets of the site: passwords and keys.
    Secret(secret::Args),
    /// Manage local nodes to rehearse on: containers or virtual machines.
    Lab(lab::Args),
    /// Print the shell completion script.
    Completions(completions::Args),
    /// Print the JSON Schema of inventories or role files, for editors.
    Schema(schema::Args),
    /// Write the manual pages.
    Man(man::Args),
    /// Print the reference: inventory, role files, templates, checks, kinds; contacts no node.
    Reference(reference::Args),
    /// Print the reference of kinds: what a step can be.
    Kinds(kinds::Args),
    /// Print the reference of roles: purpose and variables.
    Roles(roles::Args),
    /// Print the reference of rules: what `check` requires of a site.
    Rules(rules::Args),
    /// Explain codes of findings, rules and checks.
    Explain(explain::Args),
    /// The way into a lab's network, for ssh.
    #[command(hide = true)]
    LabPipe(crate::lab::pipe::Args),
    /// A management controller of a lab's machine, and what it does to the machine's power.
    #[command(hide = true)]
    LabBmc(crate::lab::BmcArgs),
    /// Show progress lines of an invented run.
    #[command(hide = true)]
    DemoProgress(demo_progress::Args),
}

/// The commands as `--help` groups them. A test holds it complete.
const GROUPS: &[(&str, &[&str])] = &[
    ("Begin", &["init", "enroll", "lab"]),
    (
        "Site (contacts no node)",
        &[
            "check",
            "render",
            "kickstart",
            "graph",
            "runbook",
            "secret",
            "eject",
        ],
    ),
    (
        "Nodes",
        &[
            "plan",
            "review",
            "show",
            "apply",
            "verify",
            "drift",
            "status",
            "report",
            "log",
            "facts",
            "run",
            "knock",
            "attach",
            "unlock",
            "forget",
            "drain",
            "resume",
            "guest",
            "maintenance",
            "stop",
            "start",
            "fence",
            "confirm-fenced",
            "capture",
        ],
    ),
    (
        "Reference",
        &[
            "explain",
            "reference",
            "roles",
            "kinds",
            "rules",
            "schema",
            "completions",
            "man",
        ],
    ),
];

impl Command {
    fn run(self, context: &Context) -> anyhow::Result<Exit> {
        match self {
            Self::Init(args) => init::run(&args, context),
            Self::Enroll(args) => enroll::run(&args, context),
            Self::Facts(args) => facts::run(&args, context),
            Self::Capture(args) => capture::run(&args, context),
            Self::Plan(args) => plan::run(&args, context),
            Self::Review(args) => review::run(&args, context),
            Self::Show(args) => show::run(&args, context),
            Self::Apply(args) => apply::run(&args, context),
            Self::Verify(args) => verify::run(&args, context),
            Self::Drift(args) => drift::run(&args, context),
            Self::Report(args) => report::run(&args, context),
            Self::Run(args) => run::run(&args, context),
            Self::Knock(args) => knock::run(&args, context),
            Self::Status(args) => status::run(&args, context),
            Self::Stop(args) => stop::run(&args, context),
            Self::Start(args) => start::run(&args, context),
            Self::Fence(args) => fence::run(&args, context),
            Self::Drain(args) => drain::run(&args, context),
            Self::Resume(args) => resume::run(&args, context),
            Self::Guest(args) => guest::run(&args, context),
            Self::Maintenance(args) => maintenance::run(&args, context),
            Self::ConfirmFenced(args) => confirm_fenced::run(&args, context),
            Self::Attach(args) => attach::run(&args, context),
            Self::Unlock(args) => unlock::run(&args, context),
            Self::Forget(args) => forget::run(&args, context),
            Self::Log(args) => log::run(&args, context),
            Self::Check(args) => check::run(&args, context),
            Self::Schema(args) => schema::run(&args, context),
            Self::Render(args) => render::run(&args, context),
            Self::Kickstart(args) => kickstart::run(&args, context),
            Self::Graph(args) => graph::run(&args, context),
            Self::Runbook(args) => runbook::run(&args, context),
            Self::Secret(args) => secret::run(&args, context),
            Self::Eject(args) => eject::run(&args, context),
            Self::Completions(args) => completions::run(&args, context),
            Self::Man(args) => man::run(&args, context),
            Self::Reference(args) => reference::run(&args, context),
            Self::Kinds(args) => kinds::run(&args, context),
            Self::Roles(args) => roles::run(&args, context),
            Self::Rules(args) => rules::run(&args, context),
            Self::Explain(args) => explain::run(&args, context),
            Self::Lab(args) => lab::run(&args, context),
            Self::LabPipe(args) => crate::lab::pipe::run(&args).map(|()| Exit::Done),
            Self::LabBmc(args) => {
                context.print(&crate::lab::run_bmc(&args)?)?;
                Ok(Exit::Done)
            }
            Self::DemoProgress(args) => demo_progress::run(&args, context),
        }
    }
}

/// The whole program: reads the arguments, carries the command out, says how it ended.
pub fn main() -> ExitCode {
    // The caller's open files are not ours: no process that we start inherits them, however long it lives.
    close_fds::set_fds_cloexec(3, &[]);
    clap_complete::CompleteEnv::with_factory(help::command)
        .bin("nodewright")
        .complete();
    crate::workplace::outcome::hook_panics();
    std::panic::catch_unwind(carry_out)
        .unwrap_or(Exit::Failed)
        .into()
}

fn carry_out() -> Exit {
    let matches = help::command().try_get_matches();
    match matches.and_then(|m| Cli::from_arg_matches(&m)) {
        Ok(cli) => {
            let context = Context::new(cli.global);
            let ended = cli.command.run(&context);
            ended.unwrap_or_else(|error| crate::workplace::outcome::report_error(&error, &context))
        }
        Err(error) => {
            // A closed pipe is no failure of the help.
            let _ = error.print();
            if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Done
            }
        }
    }
}
