//! Fencing and the CIB on real nodes: a real agent asks a simulated controller, and Pacemaker's own tools take what is
//! rendered. What EL alone has is played by fakes, and called so.

use crate::nodes::{self, Nodes};
use crate::rig::Rig;
use nodewright::kind::Resource;
use nodewright::lab::LabSpec;
use nodewright::platform::Platform;
use nodewright::role::{Library, expand};
use nodewright::site::{Overrides, load};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};

/// A management controller at the operator's end of the lab's network: `ipmi_sim`, which ends with this value.
struct Controller {
    process: Child,
    folder: tempfile::TempDir,
    address: String,
}

impl Drop for Controller {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Controller {
    fn new(nodes: &Nodes) -> Self {
        let state = nodes.state();
        let space = format!("--net=/run/netns/{}", state.namespace);
        let node = state.nodes[0].address().to_string();
        let route = Command::new("nsenter")
            .arg(&space)
            .args(["ip", "-o", "route", "get", &node])
            .output()
            .unwrap();
        let route = String::from_utf8(route.stdout).unwrap();
        let mut words = route.split_whitespace();
        let address = words.find(|w| *w == "src").and_then(|_| words.next());
        let address = address.expect("the operator's address").to_owned();
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("state")).unwrap();
        fs::write(path("power"), "1").unwrap();
        let switch = format!(
            "#!/bin/sh\n[ \"$1 $2\" != 'get power' ] || echo \"power:$(cat {})\"\n",
            path("power").display()
        );
        fs::write(path("switch"), switch).unwrap();
        fs::set_permissions(path("switch"), fs::Permissions::from_mode(0o700)).unwrap();
        let mut conf = String::from(
            "name \"bmc\"\nset_working_mc 0x20\nstartlan 1\naddr 0.0.0.0 623\npriv_limit admin\n",
        );
        for level in ["callback", "user", "operator", "admin"] {
            conf.push_str(&format!("allowed_auths_{level} md2 md5\n"));
        }
        conf.push_str(&format!(
            "guid a123456789abcdefa123456789abcdef\nendlan\nchassis_control \"{}\"\n\
             user 2 true \"fence\" \"lab'$(id)\" admin 10 md2 md5\n",
            path("switch").display()
        ));
        fs::write(path("lan.conf"), conf).unwrap();
        let commands = "mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02\nmc_enable 0x20\n";
        fs::write(path("commands"), commands).unwrap();
        let process = Command::new("nsenter")
            .arg(&space)
            .args(["ipmi_sim", "-n", "-c"])
            .arg(path("lan.conf"))
            .arg("-f")
            .arg(path("commands"))
            .arg("-s")
            .arg(path("state"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("ipmi_sim starts");
        Self {
            process,
            folder,
            address,
        }
    }

    fn power(&self, on: bool) {
        fs::write(self.folder.path().join("power"), if on { "1" } else { "0" }).unwrap();
    }
}

/// The role: as the shipped one, for one device. The password would be expanded by a shell.
fn role(address: &str, parameters: &str) -> String {
    let agents: Vec<String> = nodes::package("fence-agents")
        .split(' ')
        .map(|name| format!("\"{name}\""))
        .collect();
    let agents = agents.join(", ");
    format!(
        r##"
[[step]]
package = [{agents}, "ipmitool"]
[[step]]
directory = "/usr/local/sbin/fence-secrets"
mode = "0700"
[[step]]
file = "/usr/local/sbin/fence-secrets/d-password"
content = "#!/usr/bin/tail -n+2\nlab'$(id)\n"
mode = "0700"
[[step]]
file = "/usr/local/sbin/fence-secrets/d.options"
content = "ip={address}\nusername=fence\nlanplus=1\ncipher=3\npassword_script=/usr/local/sbin/fence-secrets/d-password\n"
mode = "0600"
[[step]]
fence_device = "d"
node = "node2"
agent = "fence_ipmilan"
input = "/usr/local/sbin/fence-secrets/d.options"
scripts = ["/usr/local/sbin/fence-secrets/d-password"]
parameters = [{parameters}]
[[check]]
code = "ANSWERS"
severity = "critical"
of = "fence_device:d"
expect = {{ answered = true, unknown = [] }}
remedy = "look"
"##
    )
}

#[test]
fn a_device_answers_before_anything_leans_on_it() {
    let rig = Rig::new(nodes::debian(1));
    let mut controller = Controller::new(&rig.nodes);
    let known = r#""ip", "username", "lanplus", "cipher", "password_script""#;
    rig.role(&role(&controller.address, known));
    rig.apply_as_planned();
    let (code, out, err) = rig.run(&["verify"]);
    assert_eq!(code, 0, "{out}{err}");

    // It speaks for a machine that is off, and the node that is being set up runs.
    controller.power(false);
    let page = rig.plan().page();
    assert_eq!(
        page,
        "query the status of d [fence_device:d]; status: off -> on\n"
    );
    let said = rig.apply();
    assert_eq!(said.code, 1, "{}", said.err);
    let all = format!("{:?}{}", said.events, said.err);
    assert!(
        all.contains("is it the device of another machine?"),
        "{all}"
    );

    // Where there was a cluster, a member that is off was fenced.
    rig.nodes.ok(
        "node1",
        "mkdir -p /var/lib/corosync; touch /var/lib/corosync/ringid_1",
    );
    rig.nothing_to_do();
    let _ = controller.process.kill();
    let _ = controller.process.wait();
    let plan = rig.plan();
    assert!(
        plan.page()
            .starts_with("findings: fence_device:d: node2 may not be fenced by d: it did not report its status within 20 seconds"),
        "{}",
        plan.page()
    );
    let (code, out, _) = rig.run(&["verify"]);
    assert!(code == 3 && out.contains("ANSWERS"), "exit {code}: {out}");

    // The agent's own metadata says what it knows.
    rig.nodes.ok("node1", "rm /var/lib/corosync/ringid_1");
    rig.role(&role(&controller.address, &format!("{known}, \"bogus\"")));
    let said = rig.apply();
    let all = format!("{:?}{}", said.events, said.err);
    assert!(
        said.code == 1 && all.contains("fence_ipmilan on this node does not know `bogus`"),
        "exit {}: {all}",
        said.code
    );
}

/// What the shipped role wants of the CIB of the example site on a release.
fn wanted(platform: Platform) -> String {
    content(platform, "resources", "cib", &[])
}

/// How the example site says what switches its first node.
const BMC: &str = r#"bmc      = { agent = "fence_ipmilan", address = "10.0.3.6", user = "fence", password = { secret = "bmc-node1" } }"#;

/// The content that a shipped role wants of its one resource of a kind, for the example site with words replaced.
pub fn content(platform: Platform, role: &str, kind: &str, edits: &[(&str, &str)]) -> String {
    let found = resources(platform, role, "node1", edits);
    let found = found.iter().find(|r| r.address.kind == kind);
    let found = found.unwrap_or_else(|| panic!("{role} has no {kind}"));
    found.value["content"].as_str().unwrap().to_owned()
}

/// What a shipped role wants of a node of the example site with words replaced.
fn resources(platform: Platform, role: &str, node: &str, edits: &[(&str, &str)]) -> Vec<Resource> {
    let dir = tempfile::tempdir().unwrap();
    let text = include_str!("../../inventory/crosslink/inventory.toml");
    let roles = text.lines().find(|l| l.starts_with("roles = ["));
    let text = text.replace(roles.unwrap(), &format!("roles = [\"{role}\"]"));
    let text = crate::wired::replaced(&text, edits);
    fs::write(dir.path().join("inventory.toml"), text).unwrap();
    let dir = dir.path();
    let overrides = Overrides {
        platform: Some(platform),
        ..Overrides::default()
    };
    let mut loaded = load(dir, &overrides);
    let mut findings = std::mem::take(&mut loaded.findings);
    let site = loaded.site.take().expect("the example is a site");
    let library = Library::load(dir, &mut loaded.sources, &mut findings);
    let expansion = expand(&site, &library, node, &loaded.sources);
    let wrong: Vec<_> = findings.iter().chain(&expansion.findings).collect();
    assert!(!expansion.resources.is_empty(), "{wrong:#?}");
    expansion.resources
}

/// Where each agent is a package, the role asks for those of the site's agents, each once.
#[test]
fn agents_that_are_packages_are_asked_for_by_name() {
    let more = r#"bmc      = { agent = "fence_idrac", address = "10.0.3.6", user = "fence", password = { secret = "bmc-node1" } }
fence = [
  { agent = "fence_ipmilan", address = "198.51.100.40", user = "fence", password = { secret = "blade" } },
  { agent = "fence_apc_snmp", address = "198.51.100.42", plug = "1", secrets = { community = { secret = "c" } } },
  { agent = "fence_xvm", plug = "node1" },
]"#;
    for (platform, packages) in [
        (Platform::El9, &["fence-agents-all"][..]),
        (Platform::Debian12, &["fence-agents", "ipmitool", "snmp"]),
        (
            Platform::Debian13,
            &[
                "fence-agents-ipmilan",
                "fence-agents-apc-snmp",
                "fence-virt",
                "snmp",
            ],
        ),
    ] {
        let asked = resources(platform, "fencing", "node2", &[(BMC, more)]);
        let asked = asked.iter().filter(|r| r.address.kind == "package");
        let asked: Vec<&str> = asked.map(|r| r.address.name.as_str()).collect();
        assert_eq!(asked, packages, "{platform}");
    }
}

/// Agents that people use, each with what it is told here.
const AGENTS: [&str; 4] = [
    "fence_ipmilan",
    "fence_bladecenter",
    "fence_intelmodular",
    "fence_apc_snmp",
];

/// A schema of fence devices around what Debian's agents say of themselves; on EL6 `ccs_update_schema` puts the same
/// fragments together.
const AROUND: [&str; 2] = [
    r#"<grammar xmlns="http://relaxng.org/ns/structure/1.0" xmlns:rha="urn:agents"
 datatypeLibrary="http://www.w3.org/2001/XMLSchema-datatypes">
<start><element name="fencedevices"><zeroOrMore><element name="fencedevice">
 <attribute name="name"><data type="ID"/></attribute>
 <attribute name="agent"/>
 <ref name="FENCEDEVICEOPTIONS"/>
</element></zeroOrMore></element></start>
"#,
    "</grammar>\n",
];

/// Whether xmllint takes the fence devices of a cluster.conf by that schema, and what it says.
fn takes(schema: &std::path::Path, conf: &str) -> Result<(), String> {
    let from = conf.find("<fencedevices>").unwrap();
    let to = conf.find("</fencedevices>").unwrap() + "</fencedevices>".len();
    let file = schema.with_file_name("devices.xml");
    fs::write(&file, &conf[from..to]).unwrap();
    let said = Command::new("xmllint")
        .args(["--noout", "--relaxng"])
        .args([schema, &file])
        .output()
        .expect("xmllint is installed (scripts/setup.sh)");
    let text = String::from_utf8(said.stderr).unwrap();
    if said.status.success() {
        Ok(())
    } else {
        Err(text)
    }
}

#[test]
fn devices_are_written_in_the_words_of_the_agents_own_schema() {
    let rig = Rig::new(nodes::debian(1));
    let sh = |script: &str| rig.nodes.ok("node1", script);
    let agents = nodes::package("fence-agents");
    sh(&format!(
        "apt-get -qq update; apt-get -qq install --no-install-recommends {agents} >/root/apt 2>&1"
    ));
    let folder = tempfile::tempdir().unwrap();
    let fragments = "/usr/share/cluster/relaxng";
    let mut schema = AROUND[0].to_owned() + &sh(&format!("cat {fragments}/fence.rng.head"));
    let sheet = folder.path().join("fence2rng.xsl");
    fs::write(&sheet, sh(&format!("cat {fragments}/fence2rng.xsl"))).unwrap();
    for agent in AGENTS {
        let metadata = folder.path().join(agent);
        fs::write(&metadata, sh(&format!("{agent} -o metadata"))).unwrap();
        let made = Command::new("xsltproc").args([&sheet, &metadata]).output();
        let made = made.expect("xsltproc is installed (scripts/setup.sh)");
        assert!(made.status.success(), "{agent}");
        schema += &String::from_utf8(made.stdout).unwrap();
    }
    schema += &sh(&format!("cat {fragments}/fence.rng.tail"));
    schema += AROUND[1];
    let path = folder.path().join("devices.rng");
    fs::write(&path, schema).unwrap();

    let all = format!(
        "{BMC}\n{}",
        r#"fence = [
  { agent = "fence_bladecenter", address = "198.51.100.40", user = "fence", password = { secret = "blade" }, plug = "1", options = { secure = "1" } },
  { agent = "fence_intelmodular", address = "198.51.100.41", user = "fence", password = { secret = "imm" }, plug = "1", options = { snmp_version = "3", snmp_auth_prot = "SHA", snmp_sec_level = "authNoPriv" }, secrets = { snmp_priv_passwd = { secret = "priv" } } },
  { agent = "fence_apc_snmp", address = "198.51.100.42", plug = "1", secrets = { community = { secret = "c" } } },
]"#
    );
    for platform in [Platform::El6, nodes::release()] {
        let conf = match platform {
            Platform::El6 => content(platform, "membership", "cluster_conf", &[(BMC, &all)]),
            // What a CIB tells them, as attributes of one element.
            _ => devices(&content(
                platform,
                "resources",
                "cib",
                &[(
                    BMC,
                    &all.replace(", secrets = { community = { secret = \"c\" } }", ""),
                )],
            )),
        };
        for agent in AGENTS {
            assert!(conf.contains(&format!("agent=\"{agent}\"")), "{conf}");
        }
        assert_eq!(takes(&path, &conf), Ok(()), "{platform}: {conf}");
        // The schema does refuse what the agents of this age no longer know, and what nobody knows.
        for (from, to) in [
            (
                "agent=\"fence_bladecenter\"",
                "agent=\"fence_bladecenter\" blade=\"1\"",
            ),
            (
                "fencedevice name=\"fence_node1_ipmilan\"",
                "fencedevice name=\"1_ipmilan\"",
            ),
            ("lanplus=", "lanpus="),
        ] {
            assert!(conf.contains(from), "{from}: {conf}");
            let said = takes(&path, &conf.replacen(from, to, 1));
            assert!(said.is_err(), "{to} was taken");
        }
    }
}

/// The fence devices of a CIB as cluster.conf would have them: what Pacemaker itself reads of them is left out.
fn devices(cib: &str) -> String {
    let mut text = String::from("<fencedevices>");
    for primitive in cib.split("<primitive ").skip(1) {
        let primitive = primitive.split("</primitive>").next().unwrap();
        let word = |line: &str, key: &str| {
            let (_, rest) = line.split_once(&format!("{key}=\"")).unwrap();
            rest.split('"').next().unwrap().to_owned()
        };
        text.push_str(&format!(
            "<fencedevice name=\"{}\" agent=\"{}\"",
            word(primitive, "id"),
            word(primitive, "type")
        ));
        for pair in primitive.lines().filter(|l| l.contains("<nvpair ")) {
            let name = word(pair, " name");
            if !name.starts_with("pcmk_") {
                text.push_str(&format!(" {name}=\"{}\"", word(pair, " value")));
            }
        }
        text.push_str("/>");
    }
    text + "</fencedevices>"
}

/// An empty CIB as Pacemaker of Debian 12 and as that of EL7 makes one, with a node in standby.
fn empty(schema: &str, feature: &str) -> String {
    format!(
        r#"<cib crm_feature_set="{feature}" validate-with="{schema}" epoch="3" num_updates="0" admin_epoch="0" dc-uuid="1">
  <configuration>
    <crm_config>
      <cluster_property_set id="cib-bootstrap-options">
        <nvpair id="cib-bootstrap-options-cluster-name" name="cluster-name" value="crosslink"/>
      </cluster_property_set>
    </crm_config>
    <nodes>
      <node id="1" uname="node1"/>
      <node id="2" uname="node2">
        <instance_attributes id="nodes-2">
          <nvpair id="nodes-2-standby" name="standby" value="on"/>
        </instance_attributes>
      </node>
    </nodes>
    <resources/>
    <constraints/>
  </configuration>
  <status/>
</cib>
"#
    )
}

#[test]
fn pacemakers_own_tools_take_the_cib_and_only_what_differs_is_pushed() {
    let rig = Rig::new(nodes::debian(1));
    let sh = |script: &str| rig.nodes.ok("node1", script);
    sh(
        "apt-get -qq update; apt-get -qq install --no-install-recommends pacemaker-cli-utils >/root/apt 2>&1",
    );
    // The real cibadmin, on a file instead of a cluster.
    sh("printf '#!/bin/sh\\nCIB_file=/root/cib.xml exec /usr/sbin/cibadmin \"$@\"\\n' >/usr/local/sbin/cibadmin
        chmod 755 /usr/local/sbin/cibadmin");
    rig.role(
        "[[step]]\ncib = \"cluster\"\ntemplate = \"demo/cib\"\nmembers = [\"node1\", \"node2\"]\n",
    );
    for (platform, schema, feature) in [
        (Platform::El7, "pacemaker-2.10", "3.0.14"),
        (Platform::El9, "pacemaker-3.9", "3.16.1"),
        (nodes::release(), "pacemaker-3.9", "3.16.1"),
    ] {
        let content = wanted(platform);
        rig.write("templates/demo/cib", &content);
        let put = |path: &str, text: &str| {
            let quoted = nodewright::sh::quote(text);
            sh(&format!("printf %s {quoted} >{path}"));
        };
        sh("rm -f /root/cib.xml*");
        put("/root/cib.xml", &empty(schema, feature));
        let page = rig.apply_as_planned();
        for line in [
            "cib-bootstrap-options no-quorum-policy:  -> freeze",
            "cib-bootstrap-options stonith-enabled:  -> true",
            "fence_node1_ipmilan pcmk_delay_base:  -> 15s",
            "fence_node2_ipmilan-avoids-node2:  -> node=node2 rsc=fence_node2_ipmilan score=-INFINITY",
            "fence_node2_level_1:  -> devices=fence_node2_ipmilan index=1 target=node2",
        ] {
            assert!(page.contains(line), "{line} in {page}");
        }
        assert!(
            !page.contains("fence_node2_ipmilan pcmk_delay_base"),
            "{page}"
        );
        let live = sh("cibadmin --query");
        assert!(live.contains("name=\"standby\" value=\"on\""), "{live}");
        // It warns of nodes that nobody hears, since there are none; Pacemaker 3 in other words.
        let said = sh("crm_verify --xml-file /root/cib.xml 2>&1 || :");
        let warned = [
            "crm_verify: Warnings found",
            "Configuration invalid (with warnings)",
        ];
        assert!(warned.iter().any(|words| said.starts_with(words)), "{said}");
        // Somebody's hand, and what is operated.
        sh("cibadmin --modify --xml-text '<nvpair id=\"cib-bootstrap-options-stonith-enabled\" name=\"stonith-enabled\" value=\"false\"/>'
            cibadmin --create --scope resources --xml-text '<primitive id=\"web\" class=\"ocf\" provider=\"pacemaker\" type=\"Dummy\"/>'
            cp /root/cib.xml /root/before.xml");
        let page = rig.apply_as_planned();
        assert_eq!(
            page,
            "push what differs of the CIB [cib:cluster]; cib-bootstrap-options stonith-enabled: false -> true\n"
        );
        // What crm_diff says of before and after is this one word.
        let told =
            sh("crm_diff --no-version --original /root/before.xml --new /root/cib.xml; [ $? = 1 ]");
        assert_eq!(told.matches("<change ").count(), 1, "{told}");
        assert!(told.contains("stonith-enabled"), "{told}");
    }
    // What Pacemaker would not take is not pushed.
    let wrong =
        wanted(nodes::release()).replace("score=\"-INFINITY\"", "score=\"-INFINITY\" wrong=\"1\"");
    rig.write("templates/demo/cib", &wrong);
    let before = sh("sha256sum </root/cib.xml");
    let said = rig.apply();
    let all = format!("{:?}{}", said.events, said.err);
    assert!(
        said.code == 1 && all.contains("Pacemaker would not take this configuration"),
        "exit {}: {all}",
        said.code
    );
    assert_eq!(sh("sha256sum </root/cib.xml"), before);
}

/// Two nodes of the example's cluster, one of which is lost: its machine is taken off the wire.
fn lost(nodes: Nodes) -> Rig {
    let rig = Rig::cluster(nodes);
    let state = rig.nodes.state();
    let space = format!("--net=/run/netns/{}", state.namespace_of("node2"));
    let links = Command::new("nsenter")
        .arg(&space)
        .args([
            "sh",
            "-c",
            "for l in $(ip -o link | sed 's/^[0-9]*: \\([^:@]*\\).*/\\1/'); do [ $l = lo ] || ip link set $l down || exit; done",
        ])
        .status();
    assert!(links.unwrap().success());
    rig
}

fn spec() -> LabSpec {
    let text = include_str!("../../inventory/crosslink/inventory.toml");
    let model = nodewright::site::load_str(text).site.expect("a site");
    LabSpec::of_site(nodes::fresh_name(), &model)
}

#[test]
fn a_member_is_confirmed_by_its_name_and_by_nothing_else() {
    let mut rig = lost(nodes::up(spec()));
    // Fakes: there is no Pacemaker without corosync, and these say what crm_mon 2.1.5 and stonith_admin say.
    rig.nodes.ok(
        "node1",
        r#"printf '%s\n' '#!/bin/sh' 'echo "<nodes>"' 'cat /root/nodes' 'mv /root/next /root/nodes 2>/dev/null || :' >/usr/local/sbin/crm_mon
printf '%s\n' '#!/bin/sh' 'echo "$*" >>/root/said' 'sed -i s/unclean=.true/unclean=\"false/ /root/nodes' >/usr/local/sbin/stonith_admin
chmod 755 /usr/local/sbin/crm_mon /usr/local/sbin/stonith_admin"#,
    );
    let told = |rig: &Rig, file: &str, online: &str, unclean: &str| {
        let line = |name: &str, online: &str, unclean: &str| {
            format!(
                "    <node name=\"{name}\" online=\"{online}\" standby=\"false\" pending=\"false\" unclean=\"{unclean}\"/>\n"
            )
        };
        let both = line("node1", "true", "false") + &line("node2", online, unclean);
        let script = format!("printf %s {} >/root/{file}", nodewright::sh::quote(&both));
        rig.nodes.ok("node1", &script);
    };
    let node2 = |rig: &Rig, online: &str, unclean: &str| told(rig, "nodes", online, unclean);
    node2(&rig, "true", "false");
    rig.desk.input("node2\n");
    let (code, out, err) = rig.run(&["confirm-fenced", "node2"]);
    assert_eq!(code, 5, "{out}{err}");
    assert!(
        out.contains("node1: on     Pacemaker has it as online\n"),
        "{out}"
    );
    assert!(
        err.contains("Refused: node2 is on by one of these proofs"),
        "{err}"
    );

    node2(&rig, "false", "true");
    for typed in ["", "node1\n", "node2 \n"] {
        rig.desk.input(typed);
        let (code, out, err) = rig.run(&["confirm-fenced", "node2"]);
        assert_eq!(code, 2, "{typed:?}: {out}{err}");
        assert!(err.ends_with("Nothing was confirmed.\n"), "{err}");
    }
    // It comes up while the question stands there.
    told(&rig, "next", "true", "false");
    rig.desk.input("node2\n");
    let (code, out, err) = rig.run(&["confirm-fenced", "node2"]);
    assert_eq!(code, 5, "{out}{err}");
    assert!(
        out.contains("node1: waits  Pacemaker waits for it to be fenced\n")
            && out.ends_with("node1: on     Pacemaker has it as online\n"),
        "{out}"
    );
    let said = rig.nodes.ok("node1", "cat /root/said 2>/dev/null || :");
    assert_eq!(said, "");

    // A run is at work on the member that is left.
    node2(&rig, "false", "true");
    rig.nodes.ok(
        "node1",
        "setsid sleep 600 </dev/null >/dev/null 2>&1 &
pid=$!; sleep 0.2; read -r boot </proc/sys/kernel/random/boot_id
echo $pid >/root/holder; mkdir -p -m 700 /var/lib/nodewright
ln -sn \"20261120T235959-9f3a $pid $(cut -d ' ' -f 22 /proc/$pid/stat) $boot 2026-11-20T23:59:59Z bob@desk\" /var/lib/nodewright/lock",
    );
    rig.desk.input("node2\n");
    let (code, out, err) = rig.run(&["confirm-fenced", "node2"]);
    assert_eq!(code, 7, "{out}{err}");
    let holder = "run 20261120T235959-9f3a of bob@desk since 2026-11-20T23:59:59Z";
    assert!(
        err.contains(&format!("held by {holder}")) && err.contains("Nothing was confirmed."),
        "{err}"
    );
    assert!(!err.contains("Type the node's name"), "{err}");
    // A command of the operator's own does not wait for it.
    let (code, out, err) = rig.run(&["run", "node1", "--", "sh", "-c", "echo seen; exit 3"]);
    assert_eq!((code, out.as_str()), (1, "node1: seen\n"), "{err}");
    assert!(
        err.contains(&format!("held right now by {holder}")),
        "{err}"
    );
    rig.nodes.ok("node1", "kill $(cat /root/holder)");
    let said = rig.nodes.ok("node1", "cat /root/said 2>/dev/null || :");
    assert_eq!(said, "");

    rig.desk.input("node2\n");
    let (code, out, err) = rig.run(&["confirm-fenced", "node2"]);
    assert_eq!(code, 0, "{out}{err}");
    for line in [
        "from here: silent ssh: the jump host or proxy on the way gave no connection to it. ",
        "node1: silent 10.0.2.2 in zone yellow answers no ping\n",
        "node1: silent ssh gets no answer\n",
        "node1: waits  Pacemaker waits for it to be fenced\n",
        "node1: `stonith_admin --confirm node2` was taken: the cluster waits for node2 no more\n",
    ] {
        assert!(out.contains(line), "{line}{out}");
    }
    assert_eq!(rig.nodes.ok("node1", "cat /root/said"), "--confirm node2\n");
    // The recap, and the record on the node.
    assert!(
        out.contains("node1          0        1        0         0  done\n"),
        "{out}"
    );
    let (code, out, err) = rig.run(&["log", "node1"]);
    assert_eq!(code, 0, "{err}");
    for line in [
        "  failed 0 3, 0 steps\n",
        " for run: sh -c 'echo seen; exit 3'\n",
        "  ok, 1 step\n",
        " for confirm-fenced\n",
    ] {
        assert!(out.contains(line), "{line}{out}");
    }
    let manifest = "cat /var/lib/nodewright/manifest 2>/dev/null || :";
    assert_eq!(rig.nodes.ok("node1", manifest), "");

    // Nothing to confirm any more, and nobody else's name will do.
    let (code, _, err) = rig.run(&["confirm-fenced", "node2"]);
    assert!(
        code == 0 && err.contains("there is nothing to confirm"),
        "{err}"
    );
    let (code, _, err) = rig.run(&["confirm-fenced", "node3"]);
    assert!(
        code == 64 && err.contains("is no member of the cluster"),
        "{err}"
    );
}

#[test]
fn a_member_that_answers_is_never_confirmed() {
    let rig = Rig::cluster(nodes::up(spec()));
    let (code, out, err) = rig.run(&["confirm-fenced", "node2"]);
    assert_eq!(code, 5, "{out}{err}");
    assert!(
        out.contains("node1: on     10.0.2.2 in zone yellow answers a ping\n"),
        "{out}"
    );
    assert!(
        out.starts_with("from here: on     ssh is answered: a login works\n"),
        "{out}"
    );
    // Where the members cannot see each other and the operator sees both, that alone is enough.
    let links = "for l in /sys/class/net/*; do l=${l##*/}; [ $l = lo ] || [ $l = eth0 ] || ip link set $l down; done";
    rig.nodes.ok(
        "node2",
        &format!("{links}; ip route add blackhole 192.0.2.5/32"),
    );
    let (code, out, err) = rig.run(&["confirm-fenced", "node2"]);
    assert_eq!(code, 5, "{out}{err}");
    assert!(!out.contains("node1: on"), "{out}");
    assert!(
        out.contains("from here: on     ssh is answered: a login works\n"),
        "{out}"
    );
    // Whoever refuses the operator lives as well.
    // The connection that does it ends as well.
    rig.nodes.sh(
        "node2",
        "mv /root/.ssh/authorized_keys /root/.ssh/kept; pkill -f '^sshd(-session)?: root'",
    );
    let (code, out, err) = rig.run(&["confirm-fenced", "node2"]);
    assert_eq!(code, 5, "{out}{err}");
    assert!(!out.contains("node1: on"), "{out}");
    assert!(
        out.contains("from here: on     ssh is answered: no key was accepted for root@192.0.2.6"),
        "{out}"
    );
}
