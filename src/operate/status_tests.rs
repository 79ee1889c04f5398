use super::*;
use crate::site::load_str;

/// The example as Debian 12 with /shared on r0.
fn observation() -> StatusQuery {
    let text = include_str!("../../inventory/crosslink/inventory.toml");
    let text = text.replacen("\"el7\"", "\"debian12\"", 1);
    StatusQuery::new(&load_str(&text).site.expect("a site")).expect("what it asks")
}

// crm_mon 2.1.5 on two virtual machines, shortened: two of its resources, and the attributes that are read.
const NODES: &str = "\
<node name=\"node1\" id=\"1\" online=\"true\" standby=\"false\" pending=\"false\" unclean=\"false\" type=\"member\"/>
<node name=\"node2\" id=\"2\" online=\"true\" standby=\"false\" pending=\"false\" unclean=\"false\" type=\"member\"/>
<resource id=\"fence_node1_ipmilan\" resource_agent=\"stonith:fence_ipmilan\" role=\"Started\" active=\"true\" failed=\"false\" nodes_running_on=\"1\">
<node name=\"node2\" id=\"2\" cached=\"true\"/>
<resource id=\"gfs2_r0\" resource_agent=\"ocf:heartbeat:Filesystem\" role=\"Started\" active=\"true\" failed=\"false\" nodes_running_on=\"1\">
<node name=\"node2\" id=\"2\" cached=\"true\"/>
<resource id=\"gfs2_r0\" resource_agent=\"ocf:heartbeat:Filesystem\" role=\"Started\" active=\"true\" failed=\"false\" nodes_running_on=\"1\">
<node name=\"node1\" id=\"1\" cached=\"true\"/>
<node name=\"node1\">
<node name=\"node2\">
";
const MEMBERS: &str = "name node1\nrunning\nruntime.totem.pg.mrp.srp.members.1.status (str) = joined\n\
                       runtime.totem.pg.mrp.srp.members.2.status (str) = joined\n\
                       Quorate:          Yes\nFlags:            2Node Quorate WaitForAll \n";

fn proc(first: &str) -> String {
    let whole = "cs:Connected ro:Primary/Primary ds:UpToDate/UpToDate C r-----\n    oos:0\n";
    let others = [1, 2].map(|n| format!(" {n}: {whole}")).concat();
    format!("version: 8.4.11 (api:1/proto:86-101)\n 0: {first}\n    oos:0\n{others}")
}

const WHOLE: &str = "cs:Connected ro:Primary/Primary ds:UpToDate/UpToDate C r-----";
const LOCKS: &str = "name          shared\nflags         0x00000000 \nmembers       1 2 \n";
const MOUNTED: &str = "30 22 147:0 / /shared rw,noatime shared:5 - gfs2 /dev/drbd0 rw,rgrplvb\n";

/// The answer of a member whose cluster is healthy, but for these sections.
fn says(own: &[(&str, &str)]) -> Answer {
    let proc = proc(WHOLE);
    let mut sections = vec![
        ("membership", MEMBERS, 0),
        ("membership.map", "", 0),
        ("membership.links", "", 0),
        ("resource_manager", "running\n", 0),
        ("resource_manager.nodes", NODES, 0),
        ("drbd", "", 0),
        ("drbd.state", proc.as_str(), 0),
        ("dlm", LOCKS, 0),
        ("cib", "installed\n", 0),
        ("mount_point.mounts", MOUNTED, 0),
        ("mount_point.folders", "mounted /shared\n", 0),
    ];
    for (name, text) in own {
        sections.retain(|(n, ..)| n != name);
        sections.push((name, text, 0));
    }
    Answer::from_sections(sections)
}

fn status(node1: Answer, node2: Result<Answer, String>) -> Status {
    let answers = [("node1".to_owned(), Ok(node1)), ("node2".to_owned(), node2)];
    observation().read(&answers.into())
}

/// State, description and command of each point.
fn points(status: &Status) -> Vec<String> {
    let points = status.points.iter();
    points
        .map(|p| format!("{}: {} [{}]", p.state.word(), p.what, p.next))
        .collect()
}

#[test]
fn a_healthy_cluster_says_where_everything_is() {
    let status = status(says(&[]), Ok(says(&[])));
    assert_eq!(
        (points(&status), status.state),
        (Vec::new(), State::Healthy)
    );
    let words = "Primary UpToDate Connected";
    assert_eq!(status.mirrors["r0"]["node2"], words);
    assert_eq!(status.mounts["/shared"], ["node1", "node2"]);
    let places: Vec<_> = status
        .resources
        .iter()
        .map(|p| (&*p.name, p.nodes.join(" ")))
        .collect();
    assert_eq!(places, [("gfs2_r0", "node1 node2".to_owned())]);
    let node = &status.nodes[1];
    assert_eq!((&*node.cluster, node.quorate), ("online", Some(true)));
}

#[test]
fn a_lost_member_that_is_not_fenced_freezes_what_waits_for_it() {
    let lost = NODES.replacen(
        "\"node2\" id=\"2\" online=\"true\" standby=\"false\" pending=\"false\" unclean=\"false\"",
        "\"node2\" id=\"2\" online=\"false\" standby=\"false\" pending=\"false\" unclean=\"true\"",
        1,
    );
    let frozen = proc("cs:WFConnection ro:Primary/Unknown ds:UpToDate/DUnknown C s-----");
    let locks = "name          shared\nflags         0x00000004 kern_stop\nmembers       1 2 \n\
                 new status    wait fencing\n";
    let node1 = says(&[
        ("resource_manager.nodes", &lost),
        ("drbd.state", &frozen),
        ("dlm", locks),
    ]);
    let status = status(node1, Err("No route to host".to_owned()));
    assert_eq!(status.state, State::Frozen);
    assert_eq!(
        points(&status),
        [
            "frozen: node2 is not fenced yet: everything waits for that [nodewright confirm-fenced node2]",
            "frozen: DLM gives no locks in shared: it waits for fencing [nodewright confirm-fenced node2]",
            "frozen: all writes to mirror r0 wait on node1 [nodewright confirm-fenced node2]",
            "degraded: node2 does not answer: No route to host [nodewright facts node2]",
        ]
    );
    assert_eq!(status.nodes[1].cluster, "unclean");
    assert!(!status.nodes[1].answered);
}

#[test]
fn each_of_these_is_degraded_and_names_what_leads_on() {
    let standby = NODES.replacen("standby=\"false\"", "standby=\"true\"", 1);
    let alone = proc("cs:StandAlone ro:Primary/Unknown ds:UpToDate/DUnknown   r-----");
    let syncs = "version: 8.4.11\n 0: cs:SyncSource ro:Primary/Secondary ds:UpToDate/Inconsistent C r-----\n    oos:1\n\
                 \t[=>....] sync'ed: 11.5% (928/1048)M\n\tfinish: 0:01:34 speed: 10,000 (10,000) K/sec\n";
    let syncs = format!(
        "{syncs}{}",
        proc(WHOLE)
            .split_once(" 1: ")
            .map(|(_, rest)| format!(" 1: {rest}"))
            .unwrap()
    );
    for (section, text, what) in [
        (
            "resource_manager.nodes",
            standby.as_str(),
            "node1 is in standby: it carries nothing [nodewright resume node1]",
        ),
        (
            "drbd.state",
            &alone,
            "mirror r0 is alone on node1 (StandAlone) [nodewright run node1 node2 -- drbdadm get-gi r0]",
        ),
        (
            "drbd.state",
            &syncs,
            "mirror r0 is synced: 11 %, 9.7 MiB/s, 1 min left [nodewright status --watch]",
        ),
        (
            "mount_point.folders",
            "immutable /shared\n",
            "/shared is not mounted on node1 [nodewright run node1 -- crm_mon -1rf]",
        ),
        (
            "membership",
            "name node1\n",
            "node1 is not in the cluster [nodewright plan node1]",
        ),
    ] {
        let status = status(says(&[(section, text)]), Ok(says(&[])));
        let points = points(&status);
        assert!(points.contains(&format!("degraded: {what}")), "{points:#?}");
        assert_eq!(status.state, State::Degraded, "{points:#?}");
    }
}

#[test]
fn without_quorum_everything_waits() {
    let none = MEMBERS.replace("Yes", "No");
    let status = status(says(&[("membership", &none)]), Ok(says(&[])));
    assert_eq!(status.state, State::Frozen);
    assert_eq!(status.nodes[0].quorate, Some(false));
}

/// The rows of a schema's object and of what it holds: key, type, meaning.
fn rows(
    schema: &serde_json::Value,
    definitions: &serde_json::Value,
    before: &str,
    all: &mut Vec<String>,
) {
    let properties = schema["properties"].as_object().expect("an object");
    for (key, value) in properties {
        let mut path = format!("{before}{key}");
        let mut inner = value;
        let mut word = None;
        while word.is_none() {
            if inner["anyOf"].is_array() {
                // A table that stands on the page already, or null.
                word = Some("object or null".to_owned());
            } else if let Some(name) = inner["$ref"].as_str() {
                let name = name.rsplit('/').next().expect("a name");
                inner = &definitions[name];
            } else if inner["items"].is_object() {
                path += "[]";
                inner = &inner["items"];
            } else if inner["additionalProperties"].is_object() {
                path += ".NAME";
                inner = &inner["additionalProperties"];
            } else if let Some(values) = inner["oneOf"].as_array() {
                let values = values.iter().filter_map(|v| v["const"].as_str());
                let values: Vec<String> = values.map(|v| format!("`{v}`")).collect();
                word = Some(values.join(", "));
            } else {
                word = Some(match &inner["type"] {
                    serde_json::Value::String(one) => one.clone(),
                    several => {
                        let several = several.as_array().expect("types");
                        let words = several.iter().filter_map(serde_json::Value::as_str);
                        words.collect::<Vec<_>>().join(" or ")
                    }
                });
            }
        }
        let word = word.expect("a type");
        let meaning = value["description"].as_str().expect("a meaning");
        all.push(format!("| `{path}` | {word} | {meaning} |"));
        if inner["properties"].is_object() {
            rows(inner, definitions, &format!("{path}."), all);
        }
    }
}

/// docs/status.md has every key of `status --json`, with its type and meaning, and no other.
#[test]
fn the_page_of_its_json_is_true() {
    let schema = schemars::schema_for!(Status).to_value();
    let mut wanted = Vec::new();
    rows(&schema, &schema["$defs"], "", &mut wanted);
    let several = schemars::schema_for!(SiteStatus).to_value();
    rows(&several, &several["$defs"], "[].", &mut wanted);
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/status.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let found: Vec<&str> = page.lines().filter(|l| l.starts_with("| `")).collect();
    assert_eq!(found, wanted, "\n{}\n", wanted.join("\n"));
}

#[test]
fn maintenance_and_a_drain_are_said_with_the_command_that_ends_them() {
    use super::super::samples::{MAINTENANCE, cib};
    let drained = cib(
        MAINTENANCE,
        "<rsc_location id=\"nodewright-drain-node2-guest_web\" rsc=\"guest_web\" node=\"node2\" score=\"-INFINITY\"/>\n\
         <rsc_location id=\"nodewright-return-node1-guest_web\" rsc=\"guest_web\" node=\"node1\" score=\"INFINITY\"/>",
    );
    let member = || says(&[("cib", &drained)]);
    assert_eq!(
        points(&status(member(), Ok(member()))),
        [
            "degraded: the cluster is in maintenance: nothing is started, stopped, moved or watched [nodewright maintenance off]",
            "degraded: node2 is drained: nothing moves to it, whatever becomes of the others [nodewright resume node2]",
            "degraded: what was being brought back to node1 is still bound to it [nodewright resume node1]",
        ]
    );
    let property = "<nvpair id=\"o-x\" name=\"stop-all-resources\" value=\"true\"/>";
    let stopped = cib(property, "");
    let member = || says(&[("cib", &stopped)]);
    assert_eq!(
        points(&status(member(), Ok(member()))),
        ["degraded: the cluster was stopped: nothing is started [nodewright start]"]
    );
}
