//! cluster.conf of EL6 and Proxmox VE 3 as it is rendered: what it says, and whether the elements and attributes are those
//! that cman's schema knows. xmllint judges that by a grammar made of the names that the schema has.

use crate::fencing::content;
use nodewright::platform::Platform;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;

/// Elements with their attributes and children: `?` is optional, `*` any number of them, `=` a type or values.
///
/// Names of cluster 3.0.12's successors in Debian (config/tools/xml/cluster.rng.in.head); `vm` has those of vm.sh of 3.0.12,
/// of which the schema is made on a node. What this project never writes is left out, except for the siblings of what it does.
const KNOWN: [&str; 18] = [
    "cluster name config_version > cman? totem? fence_daemon? clusternodes fencedevices? rm?",
    "cman two_node? expected_votes?=positiveInteger upgrading? disallowed? transport?=udp|udpb|udpu|rdma broadcast? keyfile? \
     > multicast? altmulticast?",
    "multicast addr? ttl? port?=nonNegativeInteger",
    "altmulticast addr? ttl? port?=nonNegativeInteger",
    "totem token? consensus? join? rrp_mode? rrp_problem_count_threshold? secauth? keyfile?",
    "fence_daemon post_join_delay? post_fail_delay? override_path? override_time? clean_start? skip_undefined?",
    "clusternodes > clusternode*",
    "clusternode name nodeid=positiveInteger votes?=positiveInteger weight? > altname? fence?",
    "altname name port? mcast? ttl?",
    "fence > method*",
    "method name > device*",
    "device name=IDREF ~",
    "fencedevices > fencedevice*",
    "fencedevice name=ID agent ~",
    "rm log_level?=integer status_child_max?=integer status_poll_interval?=integer log_facility? disabled?=integer \
     > failoverdomains? resources? vm*",
    "failoverdomains > failoverdomain*",
    "failoverdomain name ordered? restricted? nofailback? > failoverdomainnode*",
    "failoverdomainnode name priority?",
];
const MORE: [&str; 2] = [
    "resources",
    "vm name domain? autostart? hardrecovery? exclusive? recovery? migration_mapping? use_virsh? xmlfile? migrate? path? \
     snapshot? depend? depend_mode? max_restarts? restart_expire_time? status_program? hypervisor? hypervisor_uri? migration_uri?",
];

/// The grammar in RELAX NG.
fn grammar() -> String {
    let mut out = String::from(
        "<grammar xmlns=\"http://relaxng.org/ns/structure/1.0\" datatypeLibrary=\"http://www.w3.org/2001/XMLSchema-datatypes\">\
         <start><ref name=\"cluster\"/></start>",
    );
    for line in KNOWN.iter().chain(&MORE) {
        let (head, children) = line.split_once(" > ").unwrap_or((line, ""));
        let mut words = head.split_whitespace();
        let element = words.next().unwrap();
        let _ = write!(
            out,
            "<define name=\"{element}\"><element name=\"{element}\">"
        );
        for word in words {
            if word == "~" {
                out.push_str(
                    "<zeroOrMore><attribute><anyName><except><name>name</name><name>agent</name></except></anyName></attribute></zeroOrMore>",
                );
                continue;
            }
            let (name, form) = word.split_once('=').unwrap_or((word, ""));
            let value = match form.split('|').collect::<Vec<_>>().as_slice() {
                [""] => "<text/>".to_owned(),
                [data] => format!("<data type=\"{data}\"/>"),
                values => format!(
                    "<choice><value>{}</value></choice>",
                    values.join("</value><value>")
                ),
            };
            let attribute = |name| format!("<attribute name=\"{name}\">{value}</attribute>");
            out += &match name.strip_suffix('?') {
                Some(name) => format!("<optional>{}</optional>", attribute(name)),
                None => attribute(name),
            };
        }
        out.push_str(if children.is_empty() {
            "<empty/>"
        } else {
            "<interleave>"
        });
        for child in children.split_whitespace() {
            let name = child.trim_end_matches(['?', '*']);
            let child_of = format!("<ref name=\"{name}\"/>");
            out += &match child.strip_prefix(name) {
                Some("?") => format!("<optional>{child_of}</optional>"),
                Some("*") => format!("<zeroOrMore>{child_of}</zeroOrMore>"),
                _ => child_of,
            };
        }
        out.push_str(if children.is_empty() {
            ""
        } else {
            "</interleave>"
        });
        out.push_str("</element></define>");
    }
    out + "</grammar>"
}

/// Whether xmllint takes a file by the grammar, and what it says.
fn judged(conf: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let (schema, file) = (folder.path().join("c.rng"), folder.path().join("c.conf"));
    fs::write(&schema, grammar()).unwrap();
    fs::write(&file, conf).unwrap();
    let said = Command::new("xmllint")
        .args(["--noout", "--relaxng"])
        .args([&schema, &file])
        .output()
        .expect("xmllint is installed (scripts/setup.sh)");
    let text = String::from_utf8(said.stderr).unwrap();
    if said.status.success() {
        Ok(())
    } else {
        Err(text)
    }
}

const CMAN: [Platform; 2] = [Platform::El6, Platform::Pve3];
const FAILBACK: &str = "failback  = false";
const GUESTS: (&str, &str) = (
    "roles = [\"membership\"]",
    "roles = [\"membership\", \"guests\"]",
);

fn rendered(platform: Platform, edits: &[(&str, &str)]) -> String {
    content(platform, "membership", "cluster_conf", edits)
}

#[test]
fn elements_and_attributes_are_those_of_cmans_schema() {
    let multicast = format!("{FAILBACK}\nmulticast = \"239.192.7.7\"");
    let unicast = format!("{FAILBACK}\ntransport = \"udpu\"\nfail = \"3s\"");
    let ring = (
        "ring      = \"yellow\"",
        "ring      = \"yellow\"\nsecond_ring = \"serial\"",
    );
    for platform in CMAN {
        for edits in [
            &[][..],
            &[GUESTS],
            &[(FAILBACK, multicast.as_str()), GUESTS],
            &[(FAILBACK, unicast.as_str())],
            &[ring],
        ] {
            let conf = rendered(platform, edits);
            assert_eq!(judged(&conf), Ok(()), "{platform}: {conf}");
        }
        // It refuses what cman does not know, wherever it stands.
        let conf = rendered(platform, &[(FAILBACK, &multicast), GUESTS]);
        for (from, to) in [
            ("post_fail_delay=", "post_fail_dely="),
            ("clean_start=", "cleanstart="),
            ("<multicast addr=", "<multicast address="),
            ("transport=\"udp\"", "transport=\"tcp\""),
            ("nodeid=\"1\"", "nodeid=\"0\""),
            ("nofailback=", "failback="),
            ("use_virsh=", "virsh="),
            ("<device name=\"fence_node1", "<device name=\"fence_nodex"),
            ("<failoverdomains>", "<failoverdomain/><failoverdomains>"),
        ] {
            assert!(conf.contains(from), "{from}: {conf}");
            let said = judged(&conf.replacen(from, to, 1));
            assert!(said.is_err(), "{platform}: {to} was taken");
        }
    }
}

/// fenced starts by fencing whoever is not there, at once after a failure, and after the site's delays.
#[test]
fn the_times_of_fenced_are_the_sites() {
    let daemon = |platform, edits: &[(&str, &str)]| {
        let conf = rendered(platform, edits);
        let line = conf.lines().find(|l| l.contains("<fence_daemon"));
        line.unwrap().trim().to_owned()
    };
    for platform in CMAN {
        assert_eq!(
            daemon(platform, &[]),
            "<fence_daemon clean_start=\"0\" post_fail_delay=\"0\" post_join_delay=\"30\"/>"
        );
        let more = format!("{FAILBACK}\nfail = \"3s\"\njoin = \"2m\"");
        assert_eq!(
            daemon(platform, &[(FAILBACK, &more)]),
            "<fence_daemon clean_start=\"0\" post_fail_delay=\"3\" post_join_delay=\"120\"/>"
        );
    }
}

/// Without the role `guests` the resource manager has no service; with it one for each guest, at home where it belongs.
#[test]
fn the_resource_manager_is_filled_by_the_guests() {
    let virtual_machines = |conf: &str| -> Vec<String> {
        let lines = conf.lines().filter(|l| l.contains("<vm "));
        let word = |line: &str, key: &str| {
            let rest = line.split_once(&format!(" {key}=\"")).unwrap().1;
            rest.split('"').next().unwrap().to_owned()
        };
        lines
            .map(|l| {
                format!(
                    "{} {} {}",
                    word(l, "name"),
                    word(l, "domain"),
                    word(l, "recovery")
                )
            })
            .collect()
    };
    for platform in CMAN {
        let conf = rendered(platform, &[]);
        assert_eq!(virtual_machines(&conf), [""; 0]);
        assert_eq!(conf.matches("<failoverdomain name=").count(), 4, "{conf}");
        assert_eq!(
            virtual_machines(&rendered(platform, &[GUESTS])),
            [
                "shell1 only_node1 restart",
                "shell2 only_node2 restart",
                "dns1 only_node1 restart",
                "knox only_node2 restart",
                "auth1 only_node1 restart",
                "auth2 only_node2 restart",
                "web prefer_node1 relocate",
                "mail prefer_node1 relocate",
                "files prefer_node1 relocate",
                "watch prefer_node2 relocate",
                "syslog prefer_node1 relocate",
            ],
            "{platform}"
        );
    }
}
