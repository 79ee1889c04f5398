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
mod selinux_port;
mod service;
mod sysctl;
mod timezone;
mod user;

use crate::kind::{Adapter, Erased};

/// The kinds of this wing.
pub(super) static KINDS: &[&dyn Erased] = &[
    &Adapter::<service::ServiceKind>::new(),
    &Adapter::<sysctl::SysctlKind>::new(),
    &Adapter::<kernel_module::KernelModuleKind>::new(),
    &Adapter::<kernel_args::KernelArgsKind>::new(),
    &Adapter::<mount::MountKind>::new(),
    &Adapter::<selinux::SelinuxKind>::new(),
    &Adapter::<selinux_boolean::SelinuxBooleanKind>::new(),
    &Adapter::<selinux_port::SelinuxPortKind>::new(),
    &Adapter::<cron::CronKind>::new(),
    &Adapter::<user::UserKind>::new(),
    &Adapter::<group::GroupKind>::new(),
    &Adapter::<timezone::TimezoneKind>::new(),
    &Adapter::<hostname::HostnameKind>::new(),
    &Adapter::<clock::ClockKind>::new(),
    &Adapter::<command::CommandKind>::new(),
    &Adapter::<git::GitKind>::new(),
    &Adapter::<etckeeper::EtckeeperKind>::new(),
];
