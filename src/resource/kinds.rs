//! The registry: one line a kind.

use super::adapter::Adapter;
use super::kind::Erased;

/// Every kind, by name.
pub static KINDS: &[&dyn Erased] = &[
    &Adapter::<super::package::Package>::new(),
    &Adapter::<super::repository::Repository>::new(),
    &Adapter::<super::service::Service>::new(),
    &Adapter::<super::sysctl::Sysctl>::new(),
    &Adapter::<super::kernel_module::KernelModule>::new(),
    &Adapter::<super::kernel_args::KernelArgs>::new(),
    &Adapter::<super::mount::Mount>::new(),
    &Adapter::<super::selinux::Selinux>::new(),
    &Adapter::<super::selinux_boolean::SelinuxBoolean>::new(),
    &Adapter::<super::file::File>::new(),
    &Adapter::<super::directory::Directory>::new(),
    &Adapter::<super::symlink::Symlink>::new(),
    &Adapter::<super::line::Line>::new(),
    &Adapter::<super::block::Block>::new(),
    &Adapter::<super::ini::Ini>::new(),
    &Adapter::<super::hosts::Hosts>::new(),
    &Adapter::<super::authorized_key::AuthorizedKey>::new(),
    &Adapter::<super::known_host::KnownHost>::new(),
    &Adapter::<super::cron::Cron>::new(),
    &Adapter::<super::tree::Tree>::new(),
    &Adapter::<super::user::User>::new(),
    &Adapter::<super::group::Group>::new(),
    &Adapter::<super::timezone::Timezone>::new(),
    &Adapter::<super::hostname::Hostname>::new(),
    &Adapter::<super::command::Command>::new(),
    &Adapter::<super::git::Git>::new(),
    &Adapter::<super::clock::Clock>::new(),
    &Adapter::<super::peer::Peer>::new(),
    &Adapter::<super::interface::Interface>::new(),
    &Adapter::<super::etckeeper::Etckeeper>::new(),
    &Adapter::<super::packet_filter::PacketFilter>::new(),
    &Adapter::<super::membership::ClusterConf>::new(),
    &Adapter::<super::membership::Membership>::new(),
    &Adapter::<super::fence_device::FenceDevice>::new(),
    &Adapter::<super::cib::Cib>::new(),
    &Adapter::<super::resource_manager::ResourceManager>::new(),
];

/// The kind of this name.
pub fn kind_named(name: &str) -> Option<&'static dyn Erased> {
    KINDS.iter().copied().find(|k| k.name() == name)
}
