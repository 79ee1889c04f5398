//! The tables of an inventory about guests: each of them, their shared keys, and pools of images.

use super::super::words::types::{
    AbsolutePath, CpuCount, Duration, HostName, HypervisorName, KeyedTable, Line, MacAddress, Name,
    SitePath, Size, Url, Word as _, ZonePath,
};
use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::borrow::Cow;

/// A guest. Keys that it does not set are taken from its groups (`[guest_group]`, the last that sets them), else from
/// `[guest_defaults]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Guest {
    /// Its purpose.
    #[serde(default)]
    pub doc: Option<Line>,
    /// The node it lives on.
    pub node: HostName,
    /// Whether the other node starts it when its own is gone. Without fail-over it lives on its node's /local.
    #[serde(default)]
    pub failover: bool,
    /// The way in which it is moved to the other node. Without it: live where it has fail-over and both nodes can have
    /// its disks open, else by stop and start.
    #[serde(default)]
    pub migrate: Option<Migrate>,
    /// Its memory.
    pub memory: Size,
    /// Its processors.
    #[serde(default = "one_cpu")]
    pub cpus: CpuCount,
    /// The model of its processors: `host-model`, `host-passthrough`, or one that libvirt knows and both nodes can run.
    /// Without it, the hypervisor's default, which runs everywhere.
    #[serde(default)]
    pub cpu: Option<HypervisorName>,
    /// Its machine type: `pc`, `q35`, or one with a version, which both nodes must have.
    #[serde(default = "pc")]
    pub machine: HypervisorName,
    /// The size of its disk.
    pub disk: Size,
    /// Further disks: their sizes by names of your choice.
    #[serde(default)]
    pub disks: KeyedTable<Name, Size>,
    /// The pool in which its disks are images. Without it, a guest with fail-over has logical volumes in the group of
    /// its node, and one without has images under /local.
    #[serde(default)]
    pub pool: Option<Name>,
    /// The zones it is connected to, in the order of its interfaces; a project of a trunk as `ZONE.PROJECT`.
    #[serde(default)]
    pub zones: Vec<ZonePath>,
    /// The MAC addresses of its interfaces, in the order of `zones`. Without them they follow from the names of site,
    /// guest and zone.
    #[serde(default)]
    pub macs: Vec<MacAddress>,
    /// The project it belongs to, where none of its zones says so.
    #[serde(default)]
    pub project: Option<Name>,
    /// Whether it synchronises data with other guests of its project.
    #[serde(default)]
    pub sync: bool,
    /// Its boot devices, in this order.
    #[serde(default = "from_disk")]
    pub boot: Vec<BootDevice>,
    /// The image in its CD drive, where it has a drive.
    #[serde(default)]
    pub cdrom: Option<AbsolutePath>,
    /// Whether it has a serial console.
    #[serde(default = "yes")]
    pub console: bool,
    /// Its graphics card; the screen is reached by VNC on its node's loopback address alone.
    #[serde(default)]
    pub video: Video,
    /// Its operating system: a release such as `debian12`; a name that begins with `windows` or `other` has disks and
    /// cards that need no driver.
    #[serde(default = "linux")]
    pub os: HypervisorName,
    /// A raw image in the site that its first disk begins with when it is made. Without it, and without `install`, the
    /// disk is blank.
    #[serde(default)]
    pub image: Option<SitePath>,
    /// The way in which it is installed without anybody's help.
    #[serde(default)]
    pub install: Option<Install>,
    /// The time that it may take to shut down.
    #[serde(default = "shutdown")]
    pub shutdown: Duration,
    /// Guests with the same word here do the same work; they live on different nodes and need no fail-over.
    #[serde(default)]
    pub twin: Option<Name>,
}

fn one_cpu() -> CpuCount {
    CpuCount::new(1).expect("a number of processors")
}

fn pc() -> HypervisorName {
    HypervisorName::parse("pc").expect("a machine type")
}

fn linux() -> HypervisorName {
    HypervisorName::parse("linux").expect("a name")
}

fn from_disk() -> Vec<BootDevice> {
    vec![BootDevice::Disk]
}

fn yes() -> bool {
    true
}

fn shutdown() -> Duration {
    Duration::parse("3m").expect("a length of time")
}

/// The way in which a guest is moved to the other node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Migrate {
    /// While it runs.
    Live,
    /// It is stopped here and started there: an outage.
    Restart,
}

/// A device that a guest boots from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BootDevice {
    /// Its first disk.
    Disk,
    /// Its CD drive.
    Cdrom,
    /// Its first card, by PXE.
    Network,
}

/// A guest's graphics card.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Video {
    /// None: the serial console is the only one.
    None,
    /// A plain VGA card, which every release knows.
    #[default]
    Vga,
    /// The card of old guests.
    Cirrus,
    /// The paravirtual card.
    Virtio,
}

/// The way in which a guest is installed without anybody's help.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Install {
    /// The way.
    pub by: InstallBy,
    /// The installation tree or the mirror.
    pub from: Url,
}

/// The way in which a guest is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum InstallBy {
    /// Anaconda with a kickstart file.
    Kickstart,
    /// Debian's installer with a preseed file.
    Preseed,
    /// debootstrap on its node.
    Debootstrap,
}

/// The keys that guests share: any key of a guest but its description and its MAC addresses.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GuestDefaults(pub IndexMap<String, Json>);

/// The keys of a guest that several cannot have in common.
const OWN: [&str; 2] = ["doc", "macs"];

impl JsonSchema for GuestDefaults {
    fn schema_name() -> Cow<'static, str> {
        "GuestDefaults".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Guest::json_schema(generator);
        schema.remove("required");
        schema.insert(
            "description".to_owned(),
            "The keys that guests share: any key of a guest but its description and its MAC addresses.".into(),
        );
        if let Some(Json::Object(keys)) = schema.get_mut("properties") {
            for (_, key) in keys.iter_mut() {
                if let Json::Object(key) = key {
                    key.remove("default");
                }
            }
            keys.retain(|key, _| !OWN.contains(&key.as_str()));
        }
        schema
    }
}

/// Guests that have keys in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GuestGroup {
    /// The guests.
    pub guests: Vec<HostName>,
    /// The keys that they share.
    #[serde(flatten)]
    pub common: IndexMap<String, Json>,
}

impl JsonSchema for GuestGroup {
    fn schema_name() -> Cow<'static, str> {
        "GuestGroup".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = GuestDefaults::json_schema(generator);
        schema.insert(
            "description".to_owned(),
            "Guests that have keys in common.".into(),
        );
        let mut guests = Vec::<HostName>::json_schema(generator);
        guests.insert("description".to_owned(), "The guests.".into());
        if let Some(Json::Object(keys)) = schema.get_mut("properties") {
            keys.insert("guests".to_owned(), guests.to_value());
        }
        schema.insert("required".to_owned(), serde_json::json!(["guests"]));
        schema
    }
}

/// A folder of images that all nodes have: of CDs, or of disks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// Its purpose.
    #[serde(default)]
    pub doc: Option<Line>,
    /// The folder.
    pub path: AbsolutePath,
}
