//! The operation of a cluster, as its CIB says: maintenance, what may move, and the constraints by which a member is
//! drained. And the calls that change that.
//!
//! Facts: docs/facts/resources.md#maintenance, docs/facts/resources.md#draining, docs/facts/guests.md#power.

use super::element::Element;
use crate::sh::Call;
use std::collections::{BTreeMap, BTreeSet};

/// IDs of constraints that keep what moves off a drained member begin with this.
const DRAINED: &str = "nodewright-drain-";

/// IDs of constraints that bring a resource back to its own member, until it is there, begin with this.
const RETURNING: &str = "nodewright-return-";

/// IDs of constraints that `crm_resource --move` and `--ban` leave begin with these.
const BY_HAND: [&str; 2] = ["cli-prefer-", "cli-ban-"];

/// The way in which a cluster is operated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operated {
    /// Whether the cluster is in maintenance.
    pub maintenance: bool,
    /// Whether everything is to be stopped.
    pub stopped: bool,
    /// The movable ones: resources and groups that are neither fence devices nor clones.
    pub movable: Vec<Movable>,
    /// By member, what a drain keeps off it.
    pub drained: BTreeMap<String, BTreeSet<String>>,
    /// By member, what is being brought back to it.
    pub returning: BTreeMap<String, BTreeSet<String>>,
}

/// A resource or a group that may run on one member or another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Movable {
    /// Its ID.
    pub name: String,
    /// The resources that it is made of: itself, or the members of a group.
    pub parts: Vec<String>,
    /// Whether it moves without an interruption.
    pub live: bool,
    /// Whether somebody wants it to be stopped: `target-role`.
    pub disabled: bool,
    /// The members that a constraint of somebody else's keeps it off.
    pub kept_off: BTreeSet<String>,
    /// The members that it would rather be on, and how much. A move by hand says nothing of that.
    pub prefers: BTreeMap<String, i64>,
    /// The constraints that `crm_resource --move` or `--ban` left.
    pub by_hand: Vec<String>,
    /// The strength by which it would rather stay where it is.
    pub stickiness: i64,
    /// Whether somebody keeps the resource manager from starting and stopping it: `is-managed`.
    pub unmanaged: bool,
    /// The file of a guest's definition; nothing where it is no guest.
    pub definition: Option<String>,
}

impl Movable {
    /// Whether it is the guest of this name.
    pub fn is_guest(&self, name: &str) -> bool {
        let file = self
            .definition
            .as_deref()
            .and_then(|f| f.rsplit('/').next());
        file.and_then(|file| file.strip_suffix(".xml")) == Some(name)
    }
}

/// Whether a value says yes, as Pacemaker reads it.
fn is_yes(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    ["true", "on", "yes", "y", "1"].contains(&value.as_str())
}

/// Whether a value says no, as Pacemaker reads it.
fn is_no(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    ["false", "off", "no", "n", "0"].contains(&value.as_str())
}

/// The value of a property or a meta attribute among the sets of an element.
fn property<'a>(of: &'a Element, sets: &str, name: &str) -> &'a str {
    let sets = of.children.iter().filter(|c| c.tag == sets);
    let mut pairs = sets.flat_map(|s| &s.children);
    pairs
        .find(|p| p.get("name") == name)
        .map_or("", |p| p.get("value"))
}

/// The meta attribute that says how much a resource would rather stay where it is.
const STICKINESS: &str = "resource-stickiness";

/// INFINITY as Pacemaker counts it.
const INFINITY: i64 = 1_000_000;

/// A score as a number: `-INFINITY`, `50`. One that cannot be read counts for nothing.
fn score(text: &str) -> i64 {
    match text.to_ascii_uppercase().trim_start_matches('+') {
        "-INFINITY" => -INFINITY,
        "INFINITY" => INFINITY,
        number => number.parse().unwrap_or(0),
    }
}

impl Operated {
    /// Reads the element `configuration` of a CIB.
    pub(super) fn of(configuration: &Element) -> Self {
        let section = |tag: &str| {
            let found = configuration.child(tag);
            found.map_or(&[][..], |s| s.children.as_slice())
        };
        let cluster = configuration.child("crm_config");
        let says =
            |name: &str| is_yes(cluster.map_or("", |c| property(c, "cluster_property_set", name)));
        let defaults = configuration.child("rsc_defaults");
        let usual = defaults.map_or("", |d| property(d, "meta_attributes", STICKINESS));
        let mut operated = Self {
            maintenance: says("maintenance-mode"),
            stopped: says("stop-all-resources"),
            movable: section("resources")
                .iter()
                .filter_map(|resource| movable(resource, usual))
                .collect(),
            ..Self::default()
        };
        let constraints = section("constraints");
        for constraint in constraints.iter().filter(|c| c.tag == "rsc_location") {
            let (node, resource) = (constraint.get("node"), constraint.get("rsc"));
            let by_member = if constraint.id().starts_with(DRAINED) {
                &mut operated.drained
            } else if constraint.id().starts_with(RETURNING) {
                &mut operated.returning
            } else {
                let score = score(constraint.get("score"));
                let of = |m: &&mut Movable| m.name == resource;
                if let Some(one) = operated.movable.iter_mut().find(of) {
                    let by_hand = BY_HAND.iter().any(|head| constraint.id().starts_with(head));
                    if by_hand {
                        one.by_hand.push(constraint.id().to_owned());
                    }
                    if score <= -INFINITY {
                        one.kept_off.insert(node.to_owned());
                    } else if score > 0 && !by_hand {
                        one.prefers.insert(node.to_owned(), score);
                    }
                }
                continue;
            };
            let resources = by_member.entry(node.to_owned()).or_default();
            resources.insert(resource.to_owned());
        }
        // A resource that has to be where another movable one is waits until that one has stopped and started.
        let names: BTreeSet<String> = operated.movable.iter().map(|m| m.name.clone()).collect();
        for constraint in constraints.iter().filter(|c| c.tag == "rsc_colocation") {
            let always = score(constraint.get("score")) >= INFINITY;
            if always && names.contains(constraint.get("with-rsc")) {
                let of = |m: &&mut Movable| m.name == constraint.get("rsc");
                if let Some(one) = operated.movable.iter_mut().find(of) {
                    one.live = false;
                }
            }
        }
        operated
    }
}

/// A child of `resources` that may move; `usual` is the stickiness of those that do not say their own.
fn movable(resource: &Element, usual: &str) -> Option<Movable> {
    let name = resource.id().to_owned();
    let meta = |name| property(resource, "meta_attributes", name);
    let disabled = meta("target-role").eq_ignore_ascii_case("stopped");
    let stickiness = match meta(STICKINESS) {
        "" => score(usual),
        own => score(own),
    };
    match resource.tag.as_str() {
        "primitive" if resource.get("class") != "stonith" => Some(Movable {
            parts: vec![name.clone()],
            name,
            disabled,
            live: is_yes(meta("allow-migrate")),
            stickiness,
            unmanaged: is_no(meta("is-managed")),
            definition: (resource.get("type") == "VirtualDomain")
                .then(|| property(resource, "instance_attributes", "config").to_owned()),
            ..Movable::default()
        }),
        "group" => {
            let parts = resource.children.iter().filter(|c| c.tag == "primitive");
            Some(Movable {
                parts: parts.map(|p| p.id().to_owned()).collect(),
                name,
                disabled,
                stickiness,
                ..Movable::default()
            })
        }
        _ => None,
    }
}

/// A command that a cluster which does not answer cannot hold up for long.
fn bounded(command: &str) -> Call {
    Call::new("timeout").args(["60", command])
}

/// The call that puts the cluster in maintenance, or ends it.
pub fn maintain(on: bool) -> Call {
    set("maintenance-mode", on)
}

/// The call that has the cluster stop everything that it runs, in order, or start it again.
pub fn stop_all(on: bool) -> Call {
    set("stop-all-resources", on)
}

/// Sets a property of the cluster, or takes it back.
fn set(property: &str, on: bool) -> Call {
    let property = ["--type", "crm_config", "--name", property];
    let call = bounded("crm_attribute").args(property);
    if on {
        call.args(["--update", "true"])
    } else {
        call.arg("--delete")
    }
}

/// The call that keeps these resources off a member, until [`opened`].
pub fn closed(node: &str, resources: &[&str]) -> Call {
    located(DRAINED, node, resources, "-INFINITY")
}

/// The call that has these resources run on a member and nowhere else while they can, until [`let_go`].
pub fn returned(node: &str, resources: &[&str]) -> Call {
    located(RETURNING, node, resources, "INFINITY")
}

/// The call that takes back what [`closed`] did to a member.
pub fn opened(node: &str) -> Call {
    unlocated(DRAINED, node)
}

/// The call that takes back what [`returned`] did: the resources stay where they are.
pub fn let_go(node: &str) -> Call {
    unlocated(RETURNING, node)
}

/// The call that takes back what [`returned`] did to one resource.
pub fn let_go_of(node: &str, resource: &str) -> Call {
    let path = format!("//rsc_location[@id='{RETURNING}{node}-{resource}']");
    bounded("cibadmin").args(["--delete-all", "--force", "--xpath", &path])
}

/// The call that removes the constraints which `crm_resource --move` or `--ban` left on a resource.
pub fn cleared(resource: &str) -> Call {
    bounded("crm_resource").args(["--clear", "--resource", resource])
}

/// The call that has the cluster run a resource, or keep it stopped: `target-role`. It does not wait.
pub fn enabled(resource: &str, on: bool) -> Call {
    let call = bounded("crm_resource").args(["--resource", resource, "--meta"]);
    if on {
        call.args(["--delete-parameter", "target-role"])
    } else {
        let words = ["--set-parameter", "target-role", "--parameter-value"];
        call.args(words).arg("Stopped")
    }
}

/// The call that sets constraints in one change, so that the cluster acts once.
fn located(kind: &str, node: &str, resources: &[&str], score: &str) -> Call {
    let children = resources.iter().map(|resource| Element {
        tag: "rsc_location".to_owned(),
        attributes: BTreeMap::from(
            [
                ("id", format!("{kind}{node}-{resource}").as_str()),
                ("rsc", resource),
                ("node", node),
                ("score", score),
            ]
            .map(|(key, value)| (key.to_owned(), value.to_owned())),
        ),
        ..Element::default()
    });
    let constraints = Element {
        tag: "constraints".to_owned(),
        children: children.collect(),
        ..Element::default()
    };
    bounded("cibadmin").args([
        "--modify",
        "--allow-create",
        "--scope",
        "constraints",
        "--xml-text",
        &constraints.text(),
    ])
}

fn unlocated(kind: &str, node: &str) -> Call {
    let path = format!("//rsc_location[starts-with(@id,'{kind}') and @node='{node}']");
    // Without --force it holds any deletion of several elements for dangerous, and does nothing.
    bounded("cibadmin").args(["--delete-all", "--force", "--xpath", &path])
}

/// The call that puts a member in standby, or takes it out.
pub fn stand_by(node: &str, on: bool) -> Call {
    let call = bounded("crm_standby").args(["--node", node]);
    if on {
        call.args(["--update", "on"])
    } else {
        call.arg("--delete")
    }
}

/// The call that has failures forgotten, and what failed tried again.
pub fn forgotten() -> Call {
    bounded("crm_resource").arg("--cleanup")
}

/// The call that waits until the cluster has nothing left to start, stop or move.
pub fn settled(seconds: u64) -> Call {
    Call::new("crm_resource").args(["--wait".to_owned(), format!("--timeout={seconds}s")])
}

#[cfg(test)]
mod tests {
    use super::*;

    // Constructed in the form of what `cibadmin --query` of Pacemaker 2.1.5 prints, with this project's resources.
    const CONFIGURATION: &str = r#"<configuration>
  <crm_config>
    <cluster_property_set id="cib-bootstrap-options">
      <nvpair id="m" name="maintenance-mode" value="True"/>
      <nvpair id="s" name="stonith-enabled" value="true"/>
    </cluster_property_set>
  </crm_config>
  <resources>
    <primitive id="fence_node1_ipmilan" class="stonith" type="fence_ipmilan"/>
    <clone id="gfs2_r0-clone"><primitive id="gfs2_r0" class="ocf" provider="heartbeat" type="Filesystem"/></clone>
    <primitive id="guest_web" class="ocf" provider="heartbeat" type="VirtualDomain">
      <meta_attributes id="w"><nvpair id="w-a" name="allow-migrate" value="true"/></meta_attributes>
    </primitive>
    <primitive id="guest_db" class="ocf" provider="heartbeat" type="VirtualDomain">
      <meta_attributes id="d"><nvpair id="d-a" name="allow-migrate" value="true"/></meta_attributes>
    </primitive>
    <primitive id="volume_db" class="ocf" provider="heartbeat" type="LVM-activate"/>
    <primitive id="guest_mail" class="ocf" provider="heartbeat" type="VirtualDomain">
      <instance_attributes id="i"><nvpair id="i-c" name="config" value="/shared/definitions/mail.xml"/></instance_attributes>
      <meta_attributes id="m"><nvpair id="m-t" name="target-role" value="stopped"/><nvpair id="m-s" name="resource-stickiness" value="0"/><nvpair id="m-m" name="is-managed" value="FALSE"/></meta_attributes>
    </primitive>
    <group id="both"><primitive id="ip" class="ocf" provider="heartbeat" type="IPaddr2"/><primitive id="www" class="systemd" type="nginx"/></group>
  </resources>
  <constraints>
    <rsc_location id="guest_web-prefers-node1" rsc="guest_web" node="node1" score="50"/>
    <rsc_location id="both-not-on-node2" rsc="both" node="node2" score="-INFINITY"/>
    <rsc_location id="cli-prefer-guest_mail" rsc="guest_mail" node="node2" score="INFINITY"/>
    <rsc_location id="guest_db-rather-not" rsc="guest_db" node="node2" score="-5"/>
    <rsc_colocation id="c1" rsc="guest_db" with-rsc="volume_db" score="INFINITY"/>
    <rsc_colocation id="c2" rsc="guest_web" with-rsc="gfs2_r0-clone" score="INFINITY"/>
    <rsc_location id="nodewright-drain-node2-guest_web" rsc="guest_web" node="node2" score="-INFINITY"/>
    <rsc_location id="nodewright-return-node1-guest_db" rsc="guest_db" node="node1" score="INFINITY"/>
  </constraints>
  <rsc_defaults><meta_attributes id="rd"><nvpair id="rd-s" name="resource-stickiness" value="1000"/></meta_attributes></rsc_defaults>
</configuration>"#;

    fn operated(text: &str) -> Operated {
        Operated::of(&Element::read(text).unwrap())
    }

    #[test]
    fn a_cib_says_what_may_move_and_how() {
        let seen = operated(CONFIGURATION);
        assert!(seen.maintenance);
        let all: Vec<_> = seen
            .movable
            .iter()
            .map(|m| {
                let off = m.kept_off.iter().cloned().collect::<Vec<_>>().join(",");
                let on = m.prefers.keys().cloned().collect::<Vec<_>>().join(",");
                format!(
                    "{} [{}] live={} off={off} on={on}",
                    m.name,
                    m.parts.join(","),
                    m.live
                )
            })
            .collect();
        assert_eq!(
            all,
            [
                "guest_web [guest_web] live=true off= on=node1",
                // Its volume has to be free on the one before it is there on the other.
                "guest_db [guest_db] live=false off= on=",
                "volume_db [volume_db] live=false off= on=",
                "guest_mail [guest_mail] live=false off= on=",
                "both [ip,www] live=false off=node2 on=",
            ]
        );
        let set = |name: &str| BTreeSet::from([name.to_owned()]);
        // The constraint of a drain is none of somebody else's.
        assert_eq!(
            seen.drained,
            BTreeMap::from([("node2".to_owned(), set("guest_web"))])
        );
        assert_eq!(
            seen.returning,
            BTreeMap::from([("node1".to_owned(), set("guest_db"))])
        );
    }

    #[test]
    fn a_guest_is_known_by_its_definition_and_what_somebody_set_by_hand_is_seen() {
        let seen = operated(CONFIGURATION);
        let one = |name: &str| seen.movable.iter().find(|m| m.name == name).unwrap();
        let mail = one("guest_mail");
        assert!(mail.is_guest("mail") && !mail.is_guest("ail") && !one("volume_db").is_guest(""));
        assert!(mail.disabled && mail.unmanaged);
        assert_eq!(mail.by_hand, ["cli-prefer-guest_mail"]);
        // Its own word, and that of all.
        assert_eq!((mail.stickiness, one("both").stickiness), (0, 1000));
        let web = one("guest_web");
        assert!(!web.disabled && !web.unmanaged && web.by_hand.is_empty());
        assert_eq!(web.prefers["node1"], 50);
    }

    #[test]
    fn only_words_that_say_yes_are_maintenance() {
        for (value, maintenance) in [
            ("on", true),
            ("1", true),
            ("false", false),
            ("", false),
            ("2", false),
        ] {
            let text = CONFIGURATION.replace("value=\"True\"", &format!("value=\"{value}\""));
            assert_eq!(operated(&text).maintenance, maintenance, "{value}");
        }
        assert_eq!(operated("<configuration/>"), Operated::default());
    }

    #[test]
    fn calls_are_one_change_each_and_words_of_a_node_stay_data() {
        assert_eq!(
            closed("node1", &["a&b", "guest_web"]).to_shell(),
            "timeout 60 cibadmin --modify --allow-create --scope constraints --xml-text '<constraints>\n  \
             <rsc_location id=\"nodewright-drain-node1-a&amp;b\" node=\"node1\" rsc=\"a&amp;b\" score=\"-INFINITY\"/>\n  \
             <rsc_location id=\"nodewright-drain-node1-guest_web\" node=\"node1\" rsc=\"guest_web\" score=\"-INFINITY\"/>\n\
             </constraints>\n'"
        );
        assert_eq!(
            opened("node1").to_shell(),
            "timeout 60 cibadmin --delete-all --force --xpath '//rsc_location[starts-with(@id,'\\''nodewright-drain-'\\'') and @node='\\''node1'\\'']'"
        );
    }
}
