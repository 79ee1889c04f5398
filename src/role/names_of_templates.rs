//! The names that templates see, with their meanings, for the reference. Tests hold the lists against the model of a site and
//! against the filters that there are.

/// The names at the top.
pub(super) const TOP: [(&str, &str); 8] = [
    ("site", "The whole site."),
    ("node", "The node that is rendered for."),
    (
        "members",
        "The members of the cluster, this node among them; without a cluster, all nodes.",
    ),
    ("peers", "The other members."),
    (
        "firewall",
        "What the firewall of the node lets in: `zones`, `knock`, and `families` with the lines of each Shorewall.",
    ),
    (
        "vars",
        "The variables of the role: its defaults, over them those of site, group and node.",
    ),
    (
        "platform",
        "The words of the role's `[platform]` that are right for the node's release.",
    ),
    ("NAME", "Each name of the role's `[let]`."),
];

/// The keys of `node`.
pub(super) const NODE: [(&str, &str); 28] = [
    ("name", "Its name, as `uname -n` prints it."),
    ("fqdn", "Its name with the site's domain."),
    ("doc", "The inventory's words about it."),
    ("platform", "Its release: `el9`, `debian12`."),
    (
        "versions",
        "The versions that decide a syntax, declared or by its release.",
    ),
    ("host_id", "Its number in the cluster."),
    ("memory", "Its memory, as the inventory says it."),
    (
        "address",
        "Its addresses by zone, without prefix: `node.address.ring`.",
    ),
    ("cidr", "The same with the length of the network's prefix."),
    ("mac", "The MAC addresses of its cards, by name."),
    ("disk", "Its disk: as written, with `path`."),
    ("disks", "Its further disks, by name."),
    (
        "partitions",
        "The partitions of its disk, each with `number` and `path`.",
    ),
    (
        "devices",
        "Its network devices in the order in which they start: each with `name`, `kind`, `zone`, `parent`, `ports`, `mtu` and more.",
    ),
    ("bmc", "Its management controller, as written."),
    ("fence", "The ways to fence it, as written."),
    (
        "fencing",
        "The same, resolved: the devices and levels by which the others fence it.",
    ),
    ("host_keys", "Its public host keys that the site pins."),
    (
        "root_key",
        "The public key of its root, where the site has one.",
    ),
    ("groups", "The groups that it is in."),
    ("roles", "Its roles, in order."),
    ("member", "Whether it is a member of the cluster."),
    (
        "ssh",
        "The login that it is reached by: `host`, `port`, `user`, `sudo`.",
    ),
    ("vars", "Its variables of all roles, by role."),
    ("peers", "The other members, as `peers` has them."),
    (
        "shoots",
        "The files and devices with which it fences the other members.",
    ),
    ("repositories", "The package repositories for its release."),
    ("NAME", "No other key: one that is not here is an error."),
];

/// The keys of `site` beside the inventory's.
pub(super) const SITE: [(&str, &str); 4] = [
    ("node", "Every node, by name, as `members` has them."),
    (
        "hosts",
        "The lines of /etc/hosts: `address` and `names` of each.",
    ),
    ("management", "The zone that nodes are reached in."),
    (
        "volumes",
        "The disks of all guests, each with its guest, node and fail-over.",
    ),
];

/// The functions.
pub(super) const FUNCTIONS: [(&str, &str); 1] = [(
    "secret(NAME)",
    "A mark in place of a secret of the site; the node gets the value, and no plan, log or filter does.",
)];

/// The filters.
pub(super) const FILTERS: [(&str, &str); 17] = [
    (
        "address",
        "The address of `10.0.1.5/24`, without its prefix.",
    ),
    ("network", "The first address of a network."),
    (
        "cidr",
        "A network in CIDR form, with no bit set behind its prefix.",
    ),
    ("netmask", "The netmask of a network."),
    ("prefix", "The length of a network's prefix."),
    ("broadcast", "The last address of a network."),
    (
        "host",
        "The nth address of a network: `net | host(1)`; a number below zero counts from its end.",
    ),
    ("bytes", "A size such as `30G` in bytes."),
    (
        "mib",
        "A size in MiB, of which it has to be a whole number.",
    ),
    ("sectors", "A size in sectors of 512 bytes."),
    (
        "milliseconds",
        "A length of time such as `10s` in milliseconds.",
    ),
    (
        "seconds",
        "A length of time in seconds, of which it has to be a whole number.",
    ),
    ("quote_sh", "Text or a number as one word of a shell."),
    ("quote_ini", "Text or a number as a value of an ini file."),
    ("quote_toml", "Text or a number as a string of TOML."),
    ("string", "A value as text; a boolean or none is refused."),
    (
        "renamed",
        "A text by its other name: `text | renamed({'a': 'b'})`; one that is not in the table stays.",
    ),
];

/// The tests.
pub(super) const TESTS: [(&str, &str); 1] = [("ipv6", "Whether an address is one of IPv6.")];

/// The methods of tables.
pub(super) const METHODS: [(&str, &str); 4] = [
    ("keys()", "Its keys."),
    ("values()", "Its values."),
    ("items()", "Its keys, each with its value."),
    (
        "get(KEY, OTHER)",
        "The value of a key; where there is none OTHER, or none.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::load_str;
    use serde_json::Value as Json;
    use std::collections::BTreeSet;

    fn keys(table: &Json) -> BTreeSet<&str> {
        table
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect()
    }

    #[test]
    fn the_names_are_those_of_the_model() {
        let loaded = load_str(include_str!("../../inventory/crosslink/inventory.toml"));
        let site = loaded.sound().unwrap();
        let node = site.node_model("node1");
        let told: BTreeSet<&str> = NODE.iter().map(|(name, _)| *name).collect();
        let mut there = keys(&node);
        there.insert("NAME");
        assert_eq!(told, there);
        let (model, schema) = (site.model(), crate::site::schema());
        let written = [
            &schema["properties"],
            &schema["$defs"]["SiteTable"]["properties"],
        ];
        let written: BTreeSet<&str> = written.into_iter().flat_map(keys).collect();
        let mut told: BTreeSet<&str> = SITE.iter().map(|(name, _)| *name).collect();
        told.extend(["node", "versions", "platform"]);
        for key in keys(&model) {
            assert!(written.contains(key) || told.contains(key), "{key}");
        }
        for (key, _) in SITE {
            assert!(model.get(key).is_some(), "{key}");
        }
    }

    #[test]
    fn the_filters_and_tests_are_those_that_there_are() {
        let source = include_str!("filters.rs");
        let added = |what: &str| -> Vec<&str> {
            let call = format!("env.add_{what}(\"");
            let calls = source.split(call.as_str()).skip(1);
            calls.map(|rest| rest.split('"').next().unwrap()).collect()
        };
        assert_eq!(added("filter"), FILTERS.map(|(name, _)| name));
        assert_eq!(added("test"), TESTS.map(|(name, _)| name));
    }
}
