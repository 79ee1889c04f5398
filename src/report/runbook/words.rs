//! The commands of a release about its cluster.
//!
//! Facts: docs/facts/resources.md#maintenance, docs/facts/resources.md#stopping-everything,
//! docs/facts/membership.md#starting-alone, docs/facts/membership.md#starting-together, docs/facts/storage.md#generations.

use crate::platform::Manager;
use crate::site::Site;
use crate::site::tables::machines::Start;

/// The words of a cluster's release, with the names that they need.
#[derive(Clone, Debug)]
pub(super) struct Words {
    /// The members.
    pub(super) members: Vec<String>,
    /// The resource manager.
    pub(super) manager: Manager,
    /// The mirrors.
    pub(super) mirrors: Vec<String>,
    /// The guests.
    pub(super) guests: Vec<String>,
    /// DRBD's version.
    drbd: String,
    /// The shared filesystems.
    pub(super) shared: Vec<String>,
    /// Whether members join when they boot.
    pub(super) at_boot: bool,
}

impl Words {
    /// Of a site with a cluster of two at least.
    pub(super) fn of(site: &Site) -> Option<Self> {
        let members: Vec<String> = site.members().into_iter().map(Into::into).collect();
        let first = members.first().filter(|_| members.len() > 1)?;
        let drbd = site.versions_of(first).drbd;
        let mirrors = &site.inventory.mirror;
        let cluster = site.inventory.cluster.as_ref();
        Some(Self {
            manager: site.platform_of(first).manager(),
            mirrors: mirrors.keys().map(ToString::to_string).collect(),
            guests: site
                .inventory
                .guest
                .keys()
                .map(ToString::to_string)
                .collect(),
            drbd: drbd.map(|v| v.to_string()).unwrap_or_default(),
            shared: mirrors
                .values()
                .filter_map(|m| Some(m.gfs2.as_ref()?.to_string()))
                .collect(),
            at_boot: cluster.is_some_and(|c| c.start == Start::AtBoot),
            members,
        })
    }

    /// Whether the cluster is cman's with rgmanager.
    pub(super) fn is_cman(&self) -> bool {
        self.manager == Manager::Rgmanager
    }

    /// The other members.
    pub(super) fn others(&self, member: &str) -> Vec<String> {
        self.members
            .iter()
            .filter(|m| *m != member)
            .cloned()
            .collect()
    }

    /// The questions about the state, each with what a healthy cluster answers.
    pub(super) fn questions(&self) -> Vec<(&'static str, &'static str)> {
        let mut all = if self.is_cman() {
            vec![
                (
                    "cman_tool status",
                    "`Nodes:` has all members; no `Activity blocked` behind `Quorum:`",
                ),
                ("cman_tool nodes", "`M` beside each member"),
                ("fence_tool ls", "`victim count 0`, `wait state none`"),
                (
                    "clustat",
                    "each member `Online, rgmanager`; the services `started` on their owners",
                ),
            ]
        } else {
            vec![
                (
                    "corosync-quorumtool -s",
                    "`Quorate: Yes`, and all members in the list",
                ),
                (
                    "crm_mon -1rf",
                    "all members `online`; no `UNCLEAN`, no failed action; fence devices `Started`",
                ),
            ]
        };
        if !self.mirrors.is_empty() {
            all.push(("dlm_tool ls", "no `wait` in any lockspace"));
            all.push(if self.drbd.starts_with('9') {
                (
                    "drbdadm status",
                    "`disk:UpToDate` and `peer-disk:UpToDate` of every mirror",
                )
            } else {
                (
                    "cat /proc/drbd",
                    "`cs:Connected` and `ds:UpToDate/UpToDate` in each line",
                )
            });
        }
        if !self.guests.is_empty() {
            all.push(("virsh list --all", "each guest `running` on one node alone"));
        }
        all
    }

    /// The state of the mirrors alone.
    pub(super) fn mirror_state(&self) -> &'static str {
        if self.drbd.starts_with('9') {
            "drbdadm status"
        } else {
            "cat /proc/drbd"
        }
    }

    /// The name of a guest for the resource manager.
    pub(super) fn service(&self, guest: &str) -> String {
        if self.is_cman() {
            format!("vm:{guest}")
        } else {
            format!("guest_{guest}")
        }
    }

    /// Connects a mirror again, without what this end wrote apart from the other one.
    pub(super) fn discard(&self, mirror: &str) -> String {
        if self.drbd.starts_with("8.3") {
            format!("drbdadm -- --discard-my-data connect {mirror}")
        } else {
            format!("drbdadm connect --discard-my-data {mirror}")
        }
    }

    /// Makes this end's content the mirror's.
    pub(super) fn force(&self, mirror: &str) -> String {
        if self.drbd.starts_with("8.3") {
            format!("drbdadm -- --overwrite-data-of-peer primary {mirror}")
        } else {
            format!("drbdadm primary --force {mirror}")
        }
    }

    /// Starts the cluster's services on a node, without its resources.
    pub(super) fn join(&self) -> Vec<String> {
        if self.is_cman() {
            vec!["service cman start".to_owned()]
        } else {
            vec![
                "systemctl start corosync".to_owned(),
                "systemctl start pacemaker".to_owned(),
            ]
        }
    }
}
