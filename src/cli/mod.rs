//! The command line: one file a command, arguments in, report out.

pub mod apply;
mod ask;
pub mod attach;
pub mod capture;
mod check;
mod completions;
mod confirm_fenced;
mod demo_progress;
mod eject;
pub mod enroll;
pub mod facts;
pub mod forget;
mod graph;
mod help;
mod init;
mod init_from;
mod kinds;
mod knock;
mod lab;
pub mod log;
mod man;
pub mod plan;
mod render;
mod roles;
mod rules;
pub mod run;
mod schema;
mod secret;
pub mod unlock;
pub mod verify;

use crate::exit::Exit;
use crate::workplace::{Context, Global};
use clap::{FromArgMatches as _, Parser, Subcommand};
use std::process::ExitCode;

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "nodewright", version, about, long_about = None)]
pub struct Cli {
    /// What holds for every command.
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
    /// Write a commented starter site into a new folder.
    Init(init::Args),
    /// First contact: show and pin host keys, install your key, lift sudo's requiretty for you.
    Enroll(enroll::Args),
    /// Show what a node is made of, and whether that is what the site declares.
    Facts(facts::Args),
    /// Keep every read-only observation of a node, as specimens for tests.
    Capture(capture::Args),
    /// Show what `apply` would change, with a diff for each file.
    Plan(plan::Args),
    /// Show the plan, ask, carry it out, and look again at what it changed.
    Apply(apply::Args),
    /// Ask the checks of all roles.
    Verify(verify::Args),
    /// Run a command on nodes; one node of a cluster at a time.
    Run(run::Args),
    /// Knock at nodes, for ssh by hand; other commands knock by themselves.
    Knock(knock::Args),
    /// Tell the cluster that a member it cannot fence is off, once no proof says that it is on.
    ConfirmFenced(confirm_fenced::Args),
    /// Follow a run that this machine lost sight of.
    Attach(attach::Args),
    /// Take away the lock that a run which is gone left behind.
    Unlock(unlock::Args),
    /// Forget what nothing asks for any more and a run leaves where it is.
    Forget(forget::Args),
    /// Earlier runs, from the nodes' own journals.
    Log(log::Args),
    /// Say everything that is wrong with the site, without any node.
    Check(check::Args),
    /// Render every file of every node, without any node.
    Render(render::Args),
    /// Draw the site: nodes, cards, bonds, VLANs, bridges and the wires between them.
    Graph(graph::Args),
    /// Copy a shipped role or template into the site, to change it.
    Eject(eject::Args),
    /// The site's encrypted file: passwords and keys.
    Secret(secret::Args),
    /// Local nodes to rehearse on.
    Lab(lab::Args),
    /// Print what makes a shell complete commands, options and node names.
    Completions(completions::Args),
    /// Print the JSON Schema of inventories or role files, for editors.
    Schema(schema::Args),
    /// Write the manual pages.
    Man(man::Args),
    /// Print the reference of all kinds of steps.
    Kinds(kinds::Args),
    /// Print the reference of all roles: what they are for, and what a site may set.
    Roles(roles::Args),
    /// Print the reference of all rules: what makes a site sound.
    Rules(rules::Args),
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

impl Command {
    fn run(self, context: &Context) -> anyhow::Result<Exit> {
        match self {
            Self::Init(args) => init::run(&args, context),
            Self::Enroll(args) => enroll::run(&args, context),
            Self::Facts(args) => facts::run(&args, context),
            Self::Capture(args) => capture::run(&args, context),
            Self::Plan(args) => plan::run(&args, context),
            Self::Apply(args) => apply::run(&args, context),
            Self::Verify(args) => verify::run(&args, context),
            Self::Run(args) => run::run(&args, context),
            Self::Knock(args) => knock::run(&args, context),
            Self::ConfirmFenced(args) => confirm_fenced::run(&args, context),
            Self::Attach(args) => attach::run(&args, context),
            Self::Unlock(args) => unlock::run(&args, context),
            Self::Forget(args) => forget::run(&args, context),
            Self::Log(args) => log::run(&args, context),
            Self::Check(args) => check::run(&args, context),
            Self::Schema(args) => schema::run(&args, context),
            Self::Render(args) => render::run(&args, context),
            Self::Graph(args) => graph::run(&args, context),
            Self::Secret(args) => secret::run(&args, context),
            Self::Eject(args) => eject::run(&args, context),
            Self::Completions(args) => completions::run(&args, context),
            Self::Man(args) => man::run(&args, context),
            Self::Kinds(args) => kinds::run(&args, context),
            Self::Roles(args) => roles::run(&args, context),
            Self::Rules(args) => rules::run(&args, context),
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
            ended.unwrap_or_else(|error| crate::workplace::outcome::tell(&error, &context))
        }
        Err(error) => {
            // Nobody to read the help is no failure.
            let _ = error.print();
            if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Done
            }
        }
    }
}
