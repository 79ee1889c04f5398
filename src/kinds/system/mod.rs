//! One system: services, accounts, kernel, clock.

mod clock;
mod command;
mod cron;
mod etckeeper;
mod git;
mod group;
mod hostname;
mod kernel_args;
mod kernel_module;
mod mount;
mod selinux;
mod selinux_boolean;
mod service;
mod sysctl;
mod timezone;
mod user;

use crate::kind::{Adapter, Erased};

/// The kinds of this wing.
pub(super) static KINDS: &[&dyn Erased] = &[
    &Adapter::<service::Service>::new(),
    &Adapter::<sysctl::Sysctl>::new(),
    &Adapter::<kernel_module::KernelModule>::new(),
    &Adapter::<kernel_args::KernelArgs>::new(),
    &Adapter::<mount::Mount>::new(),
    &Adapter::<selinux::Selinux>::new(),
    &Adapter::<selinux_boolean::SelinuxBoolean>::new(),
    &Adapter::<cron::Cron>::new(),
    &Adapter::<user::User>::new(),
    &Adapter::<group::Group>::new(),
    &Adapter::<timezone::Timezone>::new(),
    &Adapter::<hostname::Hostname>::new(),
    &Adapter::<clock::Clock>::new(),
    &Adapter::<command::Command>::new(),
    &Adapter::<git::Git>::new(),
    &Adapter::<etckeeper::Etckeeper>::new(),
];
