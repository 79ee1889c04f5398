//! Answers of the example's members, for the tests of operations.

use super::cluster::{Look, OperatedCluster};
use crate::exit::Exit;
use crate::kind::Answer;
use crate::site::{Site, load_str};
use std::collections::BTreeMap;

/// The example on a release.
pub fn site(platform: &str) -> Site {
    let text = include_str!("../../inventory/crosslink/inventory.toml");
    let text = text.replacen("\"el7\"", &format!("\"{platform}\""), 1);
    load_str(&text).site.expect("a site")
}

// Constructed in the form of crm_mon 2.1.5, as far as it is read.
pub const NODES: &str = "\
<node name=\"node1\" id=\"1\" online=\"true\" standby=\"false\" pending=\"false\" unclean=\"false\" type=\"member\"/>
<node name=\"node2\" id=\"2\" online=\"true\" standby=\"false\" pending=\"false\" unclean=\"false\" type=\"member\"/>
<resource id=\"guest_web\" resource_agent=\"ocf:heartbeat:VirtualDomain\" role=\"Started\" active=\"true\" failed=\"false\" nodes_running_on=\"1\">
<node name=\"node1\" id=\"1\" cached=\"true\"/>
<resource id=\"guest_files\" resource_agent=\"ocf:heartbeat:VirtualDomain\" role=\"Started\" active=\"true\" failed=\"false\" nodes_running_on=\"1\">
<node name=\"node1\" id=\"1\" cached=\"true\"/>
<resource id=\"guest_dns1\" resource_agent=\"ocf:heartbeat:VirtualDomain\" role=\"Started\" active=\"true\" failed=\"false\" nodes_running_on=\"1\">
<node name=\"node1\" id=\"1\" cached=\"true\"/>
<resource id=\"guest_watch\" resource_agent=\"ocf:heartbeat:VirtualDomain\" role=\"Started\" active=\"true\" failed=\"false\" nodes_running_on=\"1\">
<node name=\"node2\" id=\"2\" cached=\"true\"/>
";

/// A CIB with the four guests of [`NODES`], of which `files` is not moved live and `dns1` may not leave node1, with more
/// properties and constraints.
pub fn cib(properties: &str, constraints: &str) -> String {
    let guest = |name: &str, live: bool| {
        format!(
            "      <primitive id=\"guest_{name}\" class=\"ocf\" provider=\"heartbeat\" type=\"VirtualDomain\">\n\
             <instance_attributes id=\"{name}-i\"><nvpair id=\"{name}-c\" name=\"config\" value=\"/shared/definitions/{name}.xml\"/></instance_attributes>\n\
             <meta_attributes id=\"{name}-m\"><nvpair id=\"{name}-a\" name=\"allow-migrate\" value=\"{live}\"/></meta_attributes>\n\
             </primitive>\n"
        )
    };
    let guests = [
        guest("web", true),
        guest("files", false),
        guest("dns1", true),
        guest("watch", true),
    ];
    format!(
        "trace /var/lib/pacemaker/cib/cib.xml\ninstalled\nrunning\n\
         <cib crm_feature_set=\"3.16.2\" validate-with=\"pacemaker-3.9\" epoch=\"7\" num_updates=\"0\" admin_epoch=\"0\" dc-uuid=\"1\">\n  \
         <configuration>\n\
         <crm_config><cluster_property_set id=\"o\"><nvpair id=\"o-s\" name=\"stonith-enabled\" value=\"true\"/>{properties}</cluster_property_set></crm_config>\n\
         <resources>\n{}</resources>\n\
         <constraints>\n\
         <rsc_location id=\"guest_web-prefers-node1\" rsc=\"guest_web\" node=\"node1\" score=\"50\"/>\n\
         <rsc_location id=\"guest_files-prefers-node1\" rsc=\"guest_files\" node=\"node1\" score=\"50\"/>\n\
         <rsc_location id=\"guest_dns1-not-on-node2\" rsc=\"guest_dns1\" node=\"node2\" score=\"-INFINITY\"/>\n\
         <rsc_location id=\"guest_watch-prefers-node2\" rsc=\"guest_watch\" node=\"node2\" score=\"50\"/>\n\
         {constraints}</constraints>\n\
         <rsc_defaults><meta_attributes id=\"r\"><nvpair id=\"r-s\" name=\"resource-stickiness\" value=\"1000\"/></meta_attributes></rsc_defaults>\n  \
         </configuration>\n",
        guests.concat()
    )
}

/// The property that says maintenance.
pub const MAINTENANCE: &str = "<nvpair id=\"o-m\" name=\"maintenance-mode\" value=\"true\"/>";

const MEMBERS: &str = "name node1\nrunning\nruntime.totem.pg.mrp.srp.members.1.status (str) = joined\n\
                       runtime.totem.pg.mrp.srp.members.2.status (str) = joined\n\
                       Quorate:          Yes\nFlags:            2Node Quorate WaitForAll \n";

pub const MIRRORS: &str = "version: 8.4.11 (api:1/proto:86-101)\n \
    0: cs:Connected ro:Primary/Primary ds:UpToDate/UpToDate C r-----\n    oos:0\n \
    1: cs:Connected ro:Primary/Primary ds:UpToDate/UpToDate C r-----\n    oos:0\n \
    2: cs:Connected ro:Primary/Primary ds:UpToDate/UpToDate C r-----\n    oos:0\n";

/// The sections of a member on which nothing of the cluster runs.
pub const DOWN: [(&str, &str); 6] = [
    ("membership", "name node1\n"),
    ("resource_manager", ""),
    ("resource_manager.nodes", ""),
    ("cib", "installed\n"),
    ("drbd.state", ""),
    ("dlm", ""),
];

/// The answer of a member whose cluster is whole, but for these sections.
pub fn says(own: &[(&str, &str)]) -> Answer {
    let own: Vec<_> = own.iter().map(|(name, text)| (*name, *text, 0)).collect();
    says_with(&own)
}

/// The same of sections with their status.
pub fn says_with(own: &[(&str, &str, i32)]) -> Answer {
    let cib = cib("", "");
    let mut sections = vec![
        ("membership", MEMBERS, 0),
        ("membership.map", "", 0),
        ("membership.links", "", 0),
        ("membership.domain", "", 0),
        ("resource_manager", "running\n", 0),
        ("resource_manager.nodes", NODES, 0),
        ("drbd", "", 0),
        ("drbd.state", MIRRORS, 0),
        (
            "dlm",
            "name          shared\nflags         0x00000000 \nmembers       1 2 \n",
            0,
        ),
        ("cib", cib.as_str(), 0),
    ];
    for section in own {
        sections.retain(|(name, ..)| *name != section.0);
        sections.push(*section);
    }
    Answer::from_sections(sections)
}

/// The answer of libvirt on a node with these guests, each a line of `virsh list --all`.
pub fn libvirt(guests: &str) -> String {
    format!("@nodewright:\nqemu:///system\n@nodewright:\n{guests}@nodewright:\n@nodewright:\n")
}

/// The look that these answers make.
pub(super) fn look(cluster: &OperatedCluster, node1: Answer, node2: Result<Answer, &str>) -> Look {
    let node2 = node2.map_err(ToOwned::to_owned);
    let answers = [("node1".to_owned(), Ok(node1)), ("node2".to_owned(), node2)];
    cluster.read(BTreeMap::from(answers), Exit::Unreachable)
}
