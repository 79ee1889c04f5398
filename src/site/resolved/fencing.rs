//! The fencing of members, resolved: methods in order, each with its devices, their parameters as the agents call them,
//! and where their secrets lie on the nodes that fence. It is the only source of a device's parameters for
//! cluster.conf, a CIB, the role `fencing` and checks.
//!
//! Facts: docs/facts/fencing.md#crossed-controllers, docs/facts/fencing.md#delay, docs/facts/fencing.md#agents,
//! docs/facts/fencing.md#secrets.

use super::super::Site;
use super::super::tables::machines::FenceDevice;
use indexmap::IndexMap;
use serde::Serialize;
use std::fmt::Write as _;

/// The folder of the scripts that give agents a secret. Root alone gets there; under `sbin` SELinux's policies of EL
/// let `fenced` start them.
pub const SECRETS: &str = "/usr/local/sbin/fence-secrets";

/// The way in which a member is fenced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Fencing {
    /// Ways to do it, in the order in which they are tried.
    pub methods: Vec<Method>,
    /// All devices of all methods.
    pub devices: Vec<FencingDevice>,
}

/// The files and devices with which a node fences the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shoots {
    /// The place where its files lie.
    pub folder: &'static str,
    /// All devices of the other members.
    pub devices: Vec<FencingDevice>,
    /// Whether there is anything to ask: a rehearsal in containers has no controllers.
    pub asked: bool,
    /// All scripts of these.
    pub scripts: Vec<Script>,
    /// Whether one of them is spoken to over SNMP.
    pub snmp: bool,
}

/// One way to fence a member: all its devices have to do their part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Method {
    /// Its name.
    pub name: String,
    /// Its number, from 1.
    pub level: usize,
    /// The names of its devices, in order.
    pub devices: Vec<String>,
    /// The actions of cman on the device, in order.
    pub steps: Vec<FencingStep>,
}

/// One action on one device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FencingStep {
    /// The device.
    pub device: String,
    /// `reboot`; where several devices feed one node, first each `off`, then each `on`.
    pub action: &'static str,
    /// Seconds that it waits before.
    pub delay: Option<u64>,
}

/// A fence device of a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FencingDevice {
    /// Its name in cluster.conf and in a CIB, which is an XML ID: `fence_node1_ipmilan`.
    pub name: String,
    /// The member that it switches.
    pub node: String,
    /// The program.
    pub agent: String,
    /// Its parameters, by the agent's names, without secrets; for those it is given the script.
    pub parameters: IndexMap<String, String>,
    /// Secrets that a script gives it.
    pub scripts: Vec<Script>,
    /// Secrets for which the agent has no script: their values are in the cluster's configuration.
    pub values: IndexMap<String, String>,
    /// The file with all parameters for the agent's standard input, for queries without the cluster.
    pub input: String,
    /// Seconds to wait before it switches: only on the first device of the preferred member.
    pub delay: Option<u64>,
}

/// A secret as a script that prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Script {
    /// The place where it lies.
    pub path: String,
    /// The secret's name in the site's encrypted file.
    pub secret: String,
}

/// Secret parameters that agents also take by a script, whose name is that of the parameter and `_script`.
const BY_SCRIPT: &[&str] = &["passwd", "password", "snmp_priv_passwd"];

/// Whether an agent takes a secret parameter by a script.
pub fn by_script(parameter: &str) -> bool {
    BY_SCRIPT.contains(&parameter)
}

/// Whether an option is a secret by its name, whichever agent takes it.
pub fn is_secret(option: &str) -> bool {
    by_script(option)
        || ["community", "passw", "passphrase", "secret"]
            .iter()
            .any(|part| option.contains(part))
}

/// Whether an option has Pacemaker switch nothing where it should: an action of the agent's that only looks, or turns on.
pub fn switches_nothing(option: &str, value: &str) -> bool {
    let switches = matches!(option, "pcmk_reboot_action" | "pcmk_off_action");
    switches && !matches!(value, "reboot" | "off" | "cycle")
}

/// Whether the site declares this option by a key of its own, or decides it itself: then it is no free option.
pub fn decided(option: &str) -> bool {
    matches!(
        option,
        "action"
            | "option"
            | "delay"
            | "ip"
            | "ipaddr"
            | "login"
            | "username"
            | "passwd"
            | "password"
            | "plug"
            | "port"
            | "pcmk_host_list"
            | "pcmk_host_check"
            | "pcmk_host_map"
            | "pcmk_host_argument"
            | "pcmk_delay_base"
            | "pcmk_delay_max"
    ) || option.ends_with("_script")
}

impl Site {
    /// The fencing of a node; empty where it cannot be fenced.
    pub fn fencing(&self, node: &str) -> Fencing {
        let Some(found) = self.node(node) else {
            return Fencing::default();
        };
        let mut fencing = Fencing::default();
        for device in found.bmc.iter().chain(&found.fence) {
            let short = device.agent.as_str().trim_start_matches("fence_");
            let written = device.method.as_ref().map(ToString::to_string);
            let name = free(&format!("fence_{node}_{short}"), '_', |name| {
                fencing.devices.iter().any(|d| d.name == name)
            });
            let device = self.device(node, name, device, fencing.devices.is_empty());
            let last = fencing.methods.last_mut();
            if let Some(method) = last.filter(|m| written.as_deref() == Some(m.name.as_str())) {
                method.devices.push(device.name.clone());
            } else {
                let word = written.unwrap_or_else(|| short.to_owned());
                let name = free(&word, '-', |name| {
                    fencing.methods.iter().any(|m| m.name == name)
                });
                fencing.methods.push(Method {
                    name,
                    level: fencing.methods.len() + 1,
                    devices: vec![device.name.clone()],
                    steps: Vec::new(),
                });
            }
            fencing.devices.push(device);
        }
        let delays: IndexMap<_, _> = fencing.devices.iter().map(|d| (&d.name, d.delay)).collect();
        for method in &mut fencing.methods {
            let actions: &[_] = if method.devices.len() == 1 {
                &["reboot"]
            } else {
                &["off", "on"]
            };
            method.steps = actions
                .iter()
                .flat_map(|action| method.devices.iter().map(move |device| (device, action)))
                .map(|(device, action)| FencingStep {
                    device: device.clone(),
                    action,
                    delay: delays[device].filter(|_| *action != "on"),
                })
                .collect();
        }
        fencing
    }

    /// The files and devices with which this node fences the other members.
    pub fn shoots(&self, node: &str) -> Shoots {
        let peers = self.peers_of(node).into_iter();
        let devices: Vec<FencingDevice> = peers.flat_map(|p| self.fencing(p).devices).collect();
        Shoots {
            folder: SECRETS,
            asked: !self.in_containers(),
            snmp: devices.iter().any(|d| {
                d.agent.ends_with("_snmp")
                    || matches!(
                        d.agent.as_str(),
                        "fence_intelmodular" | "fence_ibmblade" | "fence_ifmib" | "fence_ipdu"
                    )
            }),
            scripts: devices.iter().flat_map(|d| d.scripts.clone()).collect(),
            devices,
        }
    }

    fn device(&self, node: &str, name: String, device: &FenceDevice, first: bool) -> FencingDevice {
        let words = self.platform_of(node).fence_words();
        let mut parameters = IndexMap::new();
        let mut put = |key: &str, value: &dyn ToString| {
            parameters.insert(key.to_owned(), value.to_string());
        };
        if let Some(address) = &device.address {
            put(words.address, address);
        }
        if let Some(user) = &device.user {
            put(words.user, user);
        }
        if let Some(plug) = &device.plug {
            put(words.plug, plug);
        }
        // A controller that speaks 1.5 alone has to be asked for: 2.0 is the one with an encrypted password.
        if device.agent == "fence_ipmilan" && !device.options.contains_key("lanplus") {
            put("lanplus", &"1");
        }
        for (option, value) in &device.options {
            put(option.as_str(), value);
        }
        let mut scripts = Vec::new();
        let mut values = IndexMap::new();
        let password = device.password.iter().map(|p| (words.password, p));
        let others = device.secrets.iter().map(|(key, s)| (key.as_str(), s));
        for (parameter, secret) in password.chain(others) {
            let secret = secret.secret.to_string();
            if by_script(parameter) {
                let path = format!("{SECRETS}/{name}-{parameter}");
                put(&format!("{parameter}_script"), &path);
                scripts.push(Script { path, secret });
            } else {
                values.insert(parameter.to_owned(), secret);
            }
        }
        let cluster = self.inventory.cluster.as_ref();
        let cluster = cluster.filter(|c| c.preferred.as_ref().is_some_and(|p| p == node));
        let delay = cluster.map(|c| c.delay.get().as_secs());
        FencingDevice {
            input: format!("{SECRETS}/{name}.options"),
            name,
            node: node.to_owned(),
            agent: device.agent.to_string(),
            parameters,
            scripts,
            values,
            delay: delay.filter(|seconds| first && *seconds > 0),
        }
    }
}

/// A name that is not taken: the word itself, else the word with a number from 2.
fn free(word: &str, between: char, taken: impl Fn(&str) -> bool) -> String {
    let mut name = word.to_owned();
    let mut number = 2;
    while taken(&name) {
        name.truncate(word.len());
        let _ = write!(name, "{between}{number}");
        number += 1;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::load_str;
    use serde_json::json;

    const SITE: &str = include_str!("../../../inventory/crosslink/inventory.toml");

    /// The shipped site on a release, with other text for the BMC of a node.
    fn fencing(platform: &str, node: &str, bmc: &str) -> Fencing {
        let head = format!("platform = \"{platform}\"");
        let text = SITE.replacen("platform = \"el7\"", &head, 1);
        let own = r#"bmc      = { agent = "fence_ipmilan", address = "10.0.3.6", user = "fence", password = { secret = "bmc-node1" } }"#;
        assert!(text.contains(own));
        let loaded = load_str(&text.replacen(own, bmc, 1));
        let shown: String = loaded
            .findings
            .iter()
            .map(|f| f.render(&loaded.sources, false))
            .collect();
        assert_eq!(shown, "");
        loaded.site.unwrap().fencing(node)
    }

    const BMC: &str = r#"bmc = { agent = "fence_ipmilan", address = "10.0.3.6", user = "fence", password = { secret = "bmc-node1" } }"#;

    #[test]
    fn shooting_the_preferred_member_waits_and_the_other_does_not() {
        assert_eq!(
            json!(fencing("el6", "node1", BMC)),
            json!({
                "methods": [{
                    "name": "ipmilan",
                    "level": 1,
                    "devices": ["fence_node1_ipmilan"],
                    "steps": [{ "device": "fence_node1_ipmilan", "action": "reboot", "delay": 15 }],
                }],
                "devices": [{
                    "name": "fence_node1_ipmilan",
                    "node": "node1",
                    "agent": "fence_ipmilan",
                    "parameters": {
                        "ipaddr": "10.0.3.6",
                        "login": "fence",
                        "lanplus": "1",
                        "passwd_script": "/usr/local/sbin/fence-secrets/fence_node1_ipmilan-passwd",
                    },
                    "scripts": [{
                        "path": "/usr/local/sbin/fence-secrets/fence_node1_ipmilan-passwd",
                        "secret": "bmc-node1",
                    }],
                    "values": {},
                    "input": "/usr/local/sbin/fence-secrets/fence_node1_ipmilan.options",
                    "delay": 15,
                }],
            })
        );
        let other = fencing("el6", "node2", BMC);
        assert_eq!(other.devices[0].delay, None);
        assert_eq!(other.methods[0].steps[0].delay, None);
    }

    #[test]
    fn newer_agents_are_spoken_to_in_their_own_words() {
        for (platform, words) in [
            ("el7", ["ipaddr", "login", "lanplus", "passwd_script"]),
            ("el8", ["ip", "username", "lanplus", "password_script"]),
            ("debian12", ["ip", "username", "lanplus", "password_script"]),
        ] {
            let fencing = fencing(platform, "node1", BMC);
            let keys: Vec<_> = fencing.devices[0].parameters.keys().collect();
            assert_eq!(keys, words, "{platform}");
        }
    }

    #[test]
    fn outlets_of_one_method_are_all_off_before_one_is_on() {
        let bmc = r#"
bmc   = { agent = "fence_ipmilan", address = "10.0.3.6", user = "fence", password = { secret = "b" }, options = { lanplus = "0", auth = "md5" } }
fence = [
  { agent = "fence_apc", address = "10.0.4.1", user = "apc", password = { secret = "p" }, plug = "1", method = "power" },
  { agent = "fence_apc", address = "10.0.4.2", user = "apc", password = { secret = "p" }, plug = "1", method = "power" },
  { agent = "fence_apc_snmp", address = "10.0.4.3", plug = "1", secrets = { community = { secret = "c" } } },
  { agent = "fence_apc_snmp", address = "10.0.4.4", plug = "1" },
]"#;
        let fencing = fencing("el6", "node1", bmc);
        let methods: Vec<_> = fencing
            .methods
            .iter()
            .map(|m| (m.level, m.name.as_str(), m.devices.join(" ")))
            .collect();
        assert_eq!(
            methods,
            [
                (1, "ipmilan", "fence_node1_ipmilan".to_owned()),
                (2, "power", "fence_node1_apc fence_node1_apc_2".to_owned()),
                (3, "apc_snmp", "fence_node1_apc_snmp".to_owned()),
                (4, "apc_snmp-2", "fence_node1_apc_snmp_2".to_owned()),
            ]
        );
        let steps: Vec<_> = fencing.methods[1]
            .steps
            .iter()
            .map(|s| format!("{} {} {:?}", s.device, s.action, s.delay))
            .collect();
        assert_eq!(
            steps,
            [
                "fence_node1_apc off None",
                "fence_node1_apc_2 off None",
                "fence_node1_apc on None",
                "fence_node1_apc_2 on None",
            ]
        );
        // Only the first device waits, and options win over what is usual.
        let delays: Vec<_> = fencing.devices.iter().map(|d| d.delay).collect();
        assert_eq!(delays, [Some(15), None, None, None, None]);
        assert_eq!(fencing.devices[0].parameters["lanplus"], "0");
        assert_eq!(fencing.devices[3].values["community"], "c");
        assert!(fencing.devices[3].scripts.is_empty());
    }

    #[test]
    fn snmp_version_three_tells_both_of_its_secrets_by_scripts() {
        let bmc = r#"fence = [{ agent = "fence_intelmodular", address = "10.0.3.6", user = "fence", password = { secret = "auth" }, plug = "3",
  options = { snmp_version = "3", snmp_sec_level = "authPriv", snmp_auth_prot = "SHA", snmp_priv_prot = "AES" }, secrets = { snmp_priv_passwd = { secret = "priv" } } }]"#
            .replace("\n ", "");
        let fencing = fencing("el6", "node1", &bmc);
        let device = &fencing.devices[0];
        assert_eq!(device.parameters["port"], "3");
        assert_eq!(device.parameters["snmp_sec_level"], "authPriv");
        let secrets: Vec<_> = device.scripts.iter().map(|s| s.secret.as_str()).collect();
        assert_eq!(secrets, ["auth", "priv"]);
        assert_eq!(
            device.parameters["snmp_priv_passwd_script"],
            device.scripts[1].path
        );
        assert!(device.values.is_empty());
    }
}
