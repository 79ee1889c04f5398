use super::super::samples::{MAINTENANCE, NODES, cib, libvirt, look, says, site};
use super::*;
use crate::kind::Answer;

/// Two guests that fail over, one of them live, on node1; one that lives on node1 alone and Pacemaker does not have.
const ON_NODE1: &str = " 1    web      running\n 2    files    running\n 3    dns1     running\n -    shell1   shut off\n";
const ON_NODE2: &str = " 1    watch    running\n";

const MEMINFO: &str = "MemTotal:       32000000 kB\nMemAvailable:   16000000 kB\n";

/// The paths of all disks, as `find` prints them.
const DISKS: &str = "15 /dev/vg_node1/web\n17 /dev/vg_node1/files\n";

/// A member whose cluster is whole and whose libvirt has these guests, but for these sections.
fn has(guests: &str, own: &[(&str, &str)]) -> Answer {
    let lists = libvirt(guests);
    let mut sections = vec![
        ("libvirt", lists.as_str()),
        ("hypervisor.flags", "vmx\n"),
        ("hypervisor.device", ""),
        ("hypervisor.memory", MEMINFO),
        ("disk_image", DISKS),
        ("libvirt-peer-node1", "qemu:///system\n"),
        ("libvirt-peer-node2", "qemu:///system\n"),
    ];
    sections.retain(|(name, _)| !own.iter().any(|(n, _)| n == name));
    sections.extend(own);
    says(&sections)
}

fn order(platform: &str, guest: &str, action: Action) -> GuestOperation {
    GuestOperation::new(&site(platform), guest, action, None, |_| Vec::new()).unwrap()
}

/// Each call of each round, with the member that makes it; the effects and notes.
#[derive(Debug, PartialEq)]
struct Told {
    calls: Vec<String>,
    effects: Vec<String>,
    interrupts: bool,
}

fn told(plan: &GuestPlan) -> Told {
    let calls = plan.rounds.iter().enumerate().flat_map(|(i, round)| {
        let parts = round.parts.iter();
        parts.flat_map(move |part| {
            let calls = part.calls.iter();
            calls.map(move |call| {
                let text = call.to_shell();
                let line = text.lines().next().unwrap_or_default();
                let line = line.strip_prefix("timeout 60 ").unwrap_or(line);
                format!("{} {}: {line}", i + 1, part.node)
            })
        })
    });
    let effects = plan.operation.effects.iter();
    Told {
        calls: calls.collect(),
        effects: effects.map(|e| format!("{}: {}", e.name, e.what)).collect(),
        interrupts: plan.operation.interrupts,
    }
}

fn decided(
    platform: &str,
    (guest, action): (&str, Action),
    node1: Answer,
    node2: Result<Answer, &str>,
) -> Result<Told, (Exit, String)> {
    let order = order(platform, guest, action);
    let look = look(&order.subject.cluster, node1, node2);
    let plan = order.decide(&look);
    plan.map(|plan| told(&plan)).map_err(|e| (e.exit, e.what))
}

const STOP: Action = Action::Stop { now: false };
const NOW: Action = Action::Stop { now: true };

fn migrate(to: Option<&str>, outage: bool) -> Action {
    Action::Migrate {
        to: to.map(str::to_owned),
        outage,
    }
}

/// `web` was stopped on purpose, and runs nowhere.
fn web_is_off() -> (String, String, String) {
    let stopped = cib("", "").replace(
        "name=\"allow-migrate\" value=\"true\"/></meta_attributes>\n</primitive>\n      <primitive id=\"guest_files\"",
        "name=\"allow-migrate\" value=\"true\"/><nvpair id=\"t\" name=\"target-role\" value=\"Stopped\"/></meta_attributes>\n</primitive>\n      <primitive id=\"guest_files\"",
    );
    assert!(stopped.contains("target-role"));
    let guests = ON_NODE1.replace(" 1    web      running\n", "");
    (stopped, guests, ON_NODE2.to_owned())
}

#[test]
fn a_guest_of_pacemaker_is_started_and_stopped_by_pacemaker_alone() {
    let (stopped, one, two) = web_is_off();
    let off = || {
        (
            has(&one, &[("cib", &stopped)]),
            Ok(has(&two, &[("cib", &stopped)])),
        )
    };
    let (node1, node2) = off();
    let start = decided("debian12", ("web", Action::Start), node1, node2).unwrap();
    assert_eq!(
        start.calls,
        [
            "1 node1: crm_resource --resource guest_web --meta --delete-parameter target-role",
            "1 node1: crm_resource --wait --timeout=900s",
        ]
    );
    assert!(!start.interrupts);
    let (node1, node2) = off();
    assert_eq!(
        decided("debian12", ("web", STOP), node1, node2),
        Err((Exit::Done, "web is off".to_owned()))
    );

    let on = || (has(ON_NODE1, &[]), Ok(has(ON_NODE2, &[])));
    let (node1, node2) = on();
    let stop = decided("debian12", ("web", STOP), node1, node2).unwrap();
    assert_eq!(
        stop.calls,
        [
            "1 node1: crm_resource --resource guest_web --meta --set-parameter target-role --parameter-value Stopped",
            // The three minutes that the site gives it, and as much for the agent.
            "1 node1: crm_resource --wait --timeout=360s",
        ]
    );
    assert_eq!(stop.effects, ["web: is shut down: an outage"]);
    assert!(stop.interrupts);
    let (node1, node2) = on();
    assert_eq!(
        decided("debian12", ("web", Action::Start), node1, node2),
        Err((Exit::Done, "web runs on node1".to_owned()))
    );
    // Pacemaker knows of it before the power goes.
    let (node1, node2) = on();
    let now = decided("debian12", ("watch", NOW), node1, node2).unwrap();
    assert_eq!(
        now.calls,
        [
            "1 node1: crm_resource --resource guest_watch --meta --set-parameter target-role --parameter-value Stopped",
            "2 node2: virsh -q -c qemu:///system destroy watch",
            "2 node1: crm_resource --wait --timeout=360s",
        ]
    );
    let (node1, node2) = on();
    let again = decided("debian12", ("web", Action::Restart), node1, node2).unwrap();
    assert_eq!(
        again.calls,
        [
            "1 node1: crm_resource --resource guest_web --meta --set-parameter target-role --parameter-value Stopped",
            "1 node1: crm_resource --wait --timeout=360s",
            "2 node1: crm_resource --resource guest_web --meta --delete-parameter target-role",
            "2 node1: crm_resource --wait --timeout=900s",
        ]
    );
}

#[test]
fn a_guest_that_no_manager_has_is_started_and_stopped_by_libvirt_of_its_node() {
    let start = decided(
        "debian12",
        ("shell1", Action::Start),
        has(ON_NODE1, &[]),
        Ok(has(ON_NODE2, &[])),
    );
    assert_eq!(
        start.unwrap().calls,
        ["1 node1: virsh -q -c qemu:///system start shell1"]
    );
    let runs = ON_NODE1.replace("-    shell1   shut off", "7    shell1   running");
    let stop = |action| {
        let told = decided(
            "debian12",
            ("shell1", action),
            has(&runs, &[]),
            Ok(has(ON_NODE2, &[])),
        );
        told.unwrap().calls
    };
    let asked = [
        "1 node1: virsh -q -c qemu:///system shutdown shell1",
        "1 node1: nw_await 180 'the end of shell1' nw_shows '^shut off$' virsh -q -c qemu:///system domstate shell1",
    ];
    assert_eq!(stop(STOP), asked);
    assert_eq!(
        stop(NOW),
        ["1 node1: virsh -q -c qemu:///system destroy shell1"]
    );
    let mut again = asked.to_vec();
    again.push("2 node1: virsh -q -c qemu:///system start shell1");
    assert_eq!(stop(Action::Restart), again);
    // One that libvirt has no definition of.
    let (exit, why) = decided(
        "debian12",
        ("shell2", Action::Start),
        has(ON_NODE1, &[]),
        Ok(has(ON_NODE2, &[])),
    )
    .unwrap_err();
    assert_eq!(exit, Exit::Findings);
    assert_eq!(
        why,
        "libvirt on node2 does not know shell2: `nodewright apply node2` defines it"
    );
}

/// A member that does not answer may run it.
#[test]
fn no_guest_is_started_before_every_member_has_said_that_it_does_not_run_there() {
    let (stopped, one, two) = web_is_off();
    let start = |guest, node2| {
        let node1 = has(&one, &[("cib", &stopped)]);
        decided("debian12", (guest, Action::Start), node1, node2).unwrap_err()
    };
    for guest in ["web", "shell1"] {
        let (exit, why) = start(guest, Err("no answer"));
        assert_eq!(exit, Exit::Unreachable);
        assert_eq!(
            why,
            format!(
                "whether {guest} runs is not known everywhere: node2 does not answer: no answer"
            )
        );
        // libvirt alone is silent there.
        let (exit, why) = start(guest, Ok(has(&two, &[("cib", &stopped), ("libvirt", "")])));
        assert_eq!(exit, Exit::Findings);
        assert!(why.ends_with("libvirt on node2 does not answer"), "{why}");
    }
    // It runs where it should not.
    let stray = format!("{two} 9    web      running\n");
    let (exit, why) = start("web", Ok(has(&stray, &[("cib", &stopped)])));
    assert_eq!((exit, why.as_str()), (Exit::Done, "web runs on node2"));
    // A pause holds its disks open.
    let paused = stray.replace("web      running", "web      paused");
    let (exit, why) = start("web", Ok(has(&paused, &[("cib", &stopped)])));
    assert_eq!(exit, Exit::Findings);
    assert!(why.starts_with("web is paused on node2"), "{why}");
}

#[test]
fn two_owners_are_told_and_no_command_makes_it_worse() {
    let stray = format!("{ON_NODE2} 9    web      running\n");
    for action in [
        Action::Start,
        STOP,
        NOW,
        Action::Restart,
        migrate(None, true),
    ] {
        let (exit, why) = decided(
            "debian12",
            ("web", action),
            has(ON_NODE1, &[]),
            Ok(has(&stray, &[])),
        )
        .unwrap_err();
        assert_eq!(exit, Exit::Findings);
        assert!(
            why.starts_with("web runs on node1 and on node2 at once"),
            "{why}"
        );
    }
}

#[test]
fn nothing_is_done_beside_a_manager_that_is_told_to_leave_it_alone() {
    let maintenance = cib(MAINTENANCE, "");
    let unmanaged = cib("", "").replace(
        "name=\"allow-migrate\" value=\"true\"/>",
        "name=\"allow-migrate\" value=\"true\"/><nvpair id=\"u\" name=\"is-managed\" value=\"false\"/>",
    );
    for (cib, begins) in [
        (&maintenance, "the cluster is in maintenance"),
        (&unmanaged, "somebody keeps Pacemaker's hands off guest_web"),
    ] {
        for action in [STOP, Action::Restart, migrate(None, false)] {
            let says = |guests| has(guests, &[("cib", cib)]);
            let (exit, why) = decided(
                "debian12",
                ("web", action),
                says(ON_NODE1),
                Ok(says(ON_NODE2)),
            )
            .unwrap_err();
            assert_eq!(exit, Exit::Findings);
            assert!(why.starts_with(begins), "{why}");
        }
    }
    // Pacemaker runs nowhere: neither it nor anybody else starts it.
    let down = [("resource_manager", ""), ("cib", "installed\n")];
    let guests = ON_NODE1.replace(" 1    web      running\n", "");
    let (exit, why) = decided(
        "debian12",
        ("web", Action::Start),
        has(&guests, &down),
        Ok(has(ON_NODE2, &down)),
    )
    .unwrap_err();
    assert_eq!(exit, Exit::Findings);
    assert!(
        why.starts_with("the resource manager runs on no member"),
        "{why}"
    );
    // It may run, and does not: an action failed.
    let failed = format!(
        "{NODES}<failure op_key=\"guest_web_start_0\" node=\"node1\" exitstatus=\"error\" exitreason=\"\" exitcode=\"1\" call=\"9\" status=\"complete\"/>\n"
    );
    let (exit, why) = decided(
        "debian12",
        ("web", Action::Start),
        has(&guests, &[("resource_manager.nodes", &failed)]),
        Ok(has(ON_NODE2, &[])),
    )
    .unwrap_err();
    assert_eq!(exit, Exit::Findings);
    assert!(
        why.starts_with(
            "nobody stopped web, and Pacemaker does not run it: guest_web_start_0 on node1"
        ),
        "{why}"
    );
}

#[test]
fn a_guest_moves_live_and_is_let_go_again_whatever_became_of_it() {
    let order = order("debian12", "web", migrate(None, false));
    let look = look(
        &order.subject.cluster,
        has(ON_NODE1, &[]),
        Ok(has(ON_NODE2, &[])),
    );
    let plan = order.decide(&look).unwrap();
    let told = told(&plan);
    assert_eq!(
        told.calls,
        [
            "1 node1: cibadmin --modify --allow-create --scope constraints --xml-text '<constraints>",
            "1 node1: crm_resource --wait --timeout=900s",
            "2 node1: cibadmin --delete-all --force --xpath '//rsc_location[@id='\\''nodewright-return-node2-guest_web'\\'']'",
            "2 node1: crm_resource --wait --timeout=900s",
        ]
    );
    assert_eq!(told.effects, ["web: moves live from node1 to node2"]);
    assert!(!told.interrupts);
    let goal = Goal::OnNode("node2".to_owned());
    let goals: Vec<_> = plan.rounds.iter().map(|r| (&r.goal, r.always)).collect();
    assert_eq!(goals, [(&goal, false), (&goal, true)]);
    // It is there, and nowhere else.
    let reached = |one: &str, two: &str| {
        let look =
            super::super::samples::look(&order.subject.cluster, has(one, &[]), Ok(has(two, &[])));
        order.subject.reached(&look, &goal)
    };
    let there = format!("{ON_NODE2} 9    web      running\n");
    let left = ON_NODE1.replace(" 1    web      running\n", "");
    assert!(reached(&left, &there));
    assert!(
        !reached(ON_NODE1, &there) && !reached(ON_NODE1, ON_NODE2) && !reached(&left, ON_NODE2)
    );
}

#[test]
fn a_guest_that_does_not_move_live_needs_the_word_outage() {
    let decided = |outage| {
        decided(
            "debian12",
            ("files", migrate(Some("node2"), outage)),
            has(ON_NODE1, &[]),
            Ok(has(ON_NODE2, &[])),
        )
    };
    let (exit, why) = decided(false).unwrap_err();
    assert_eq!(exit, Exit::Findings);
    assert_eq!(
        why,
        "files does not move live: with --outage it is stopped on node1 and started on node2"
    );
    let plan = decided(true).unwrap();
    assert!(plan.interrupts);
    assert_eq!(
        plan.effects,
        ["files: is stopped on node1 and started on node2: an outage"]
    );
}

/// Each reason by itself, before anything moves.
#[test]
fn a_move_is_verified_before() {
    let why = |guest: &str, one: &[(&str, &str)], two: &[(&str, &str)]| {
        let (node1, node2) = (has(ON_NODE1, one), Ok(has(ON_NODE2, two)));
        let error = decided("debian12", (guest, migrate(None, false)), node1, node2);
        let (exit, why) = error.unwrap_err();
        assert_eq!(exit, Exit::Findings, "{why}");
        why
    };
    let full = MEMINFO.replace("16000000", "4000000");
    assert_eq!(
        why("web", &[], &[("hypervisor.memory", &full)]),
        "node2 has 3.8 GiB of memory left, and web needs 4.0 GiB"
    );
    assert_eq!(
        why("web", &[], &[("disk_image", "17 /dev/vg_node1/files\n")]),
        "node2 does not have its disk /dev/vg_node1/web"
    );
    let sticky = cib("", "").replace("value=\"1000\"", "value=\"20\"");
    assert_eq!(
        why("web", &[("cib", &sticky)], &[]),
        "guest_web would go back by itself: it prefers node1 by 50, and stays on node2 by 20; raise `resource-stickiness` above that"
    );
    let kept = cib(
        "",
        "<rsc_location id=\"mine\" rsc=\"guest_web\" node=\"node2\" score=\"-INFINITY\"/>",
    );
    assert_eq!(
        why("web", &[("cib", &kept)], &[]),
        "a constraint keeps guest_web off node2"
    );
    assert_eq!(
        why("dns1", &[], &[]),
        "a constraint keeps guest_dns1 off node2"
    );
    let standby = NODES.replacen(
        "name=\"node2\" id=\"2\" online=\"true\" standby=\"false\"",
        "name=\"node2\" id=\"2\" online=\"true\" standby=\"true\"",
        1,
    );
    assert_eq!(
        why("web", &[], &[("resource_manager.nodes", &standby)]),
        "node2 is in standby"
    );
    assert_eq!(
        why("shell1", &[], &[]),
        "shell1 is off: `nodewright guest start shell1` starts it where it belongs"
    );
    // The constraint of an earlier move by hand goes with the move.
    let by_hand = cib(
        "",
        "<rsc_location id=\"cli-prefer-guest_web\" rsc=\"guest_web\" node=\"node1\" score=\"INFINITY\"/>",
    );
    let plan = decided(
        "debian12",
        ("web", migrate(None, false)),
        has(ON_NODE1, &[("cib", &by_hand)]),
        Ok(has(ON_NODE2, &[])),
    )
    .unwrap();
    assert_eq!(
        plan.calls[0],
        "1 node1: crm_resource --clear --resource guest_web"
    );
}

/// Three guests as rgmanager has them, constructed in the form of clustat 3.0.12.
const SERVICES: &str = "\
<node name=\"node1\" state=\"1\" rgmanager=\"1\"/>
<node name=\"node2\" state=\"1\" rgmanager=\"1\"/>
<group name=\"vm:web\" state=\"112\" state_str=\"started\" flags=\"0\" flags_str=\"\" owner=\"node1\" last_owner=\"none\"/>
<group name=\"vm:mail\" state=\"119\" state_str=\"disabled\" flags=\"0\" flags_str=\"\" owner=\"none\" last_owner=\"node2\"/>
<group name=\"vm:syslog\" state=\"114\" state_str=\"failed\" flags=\"0\" flags_str=\"\" owner=\"none\" last_owner=\"node1\"/>
<group name=\"vm:watch\" state=\"112\" state_str=\"started\" flags=\"1\" flags_str=\"frozen\" owner=\"node2\" last_owner=\"none\"/>
";

#[test]
fn a_guest_of_rgmanager_is_operated_by_clusvcadm() {
    let decided = |guest, action| {
        let says = |guests| has(guests, &[("resource_manager.nodes", SERVICES)]);
        decided("el6", (guest, action), says(ON_NODE1), Ok(says(ON_NODE2)))
    };
    let calls = |guest, action| decided(guest, action).unwrap().calls;
    assert_eq!(
        calls("mail", Action::Start),
        ["1 node1: timeout 900 clusvcadm -e vm:mail -m node1"]
    );
    assert_eq!(
        calls("syslog", Action::Start),
        [
            "1 node1: timeout 900 clusvcadm -d vm:syslog",
            "1 node1: timeout 900 clusvcadm -e vm:syslog -m node1",
        ]
    );
    assert_eq!(
        calls("web", STOP),
        ["1 node1: timeout 360 clusvcadm -d vm:web"]
    );
    assert_eq!(
        calls("web", Action::Restart),
        [
            "1 node1: timeout 360 clusvcadm -d vm:web",
            "2 node1: timeout 900 clusvcadm -e vm:web -m node1",
        ]
    );
    assert_eq!(
        calls("web", migrate(None, false)),
        ["1 node1: timeout 900 clusvcadm -M vm:web -m node2"]
    );
    let why = |guest, action| decided(guest, action).unwrap_err().1;
    assert_eq!(why("mail", STOP), "mail is off");
    assert!(why("web", NOW).ends_with("leave out --now"));
    assert!(why("watch", STOP).starts_with("vm:watch is frozen"));
    assert_eq!(
        why("files", STOP),
        "files has fail-over, and rgmanager does not have it: `nodewright plan` says why"
    );
}

#[test]
fn names_are_checked_before_a_node_is_asked() {
    let error = |guest: &str, action| {
        let made = GuestOperation::new(&site("debian12"), guest, action, None, |_| Vec::new());
        made.unwrap_err()
    };
    assert_eq!(
        error("wep", Action::Start),
        "`wep` is no guest of the site; did you mean web?"
    );
    assert_eq!(
        error("web", migrate(Some("node3"), false)),
        "`node3` is no member of the cluster: its members are node1, node2"
    );
}

/// The resource by which a role defines a guest, in a file or in libvirt.
fn defined(guest: &str, file: bool) -> Vec<Resource> {
    let content = format!("<domain><name>{guest}</name></domain>");
    let mut step = json!({ "guest": guest, "content": content });
    if file {
        step["file"] = json!(format!("/shared/definitions/{guest}.xml"));
        step["mount"] = json!("/shared");
    }
    let kind = crate::kinds::kind_named("guest").unwrap();
    let target = site("debian12").target("node1");
    let step = step.as_object().cloned().unwrap();
    kind.read("guests", step, &std::sync::Arc::default(), &target)
        .unwrap()
}

const DEFINITION: &str = "<domain><name>X</name><os><boot dev=\"hd\"/></os><devices>\
    <disk device=\"cdrom\"><source file=\"/srv/iso/x.iso\"/></disk></devices></domain>";

/// Once means that the definition which is there stays, whatever became of the start.
#[test]
fn a_guest_boots_once_from_its_cd_and_keeps_its_definition() {
    let plan = |guest: &str, file: bool, sections: &[(&str, &str)], guests: &str| {
        let action = Action::BootOnce(FirstDevice::Cdrom);
        let own = |_: &str| defined(guest, file);
        let order = GuestOperation::new(&site("debian12"), guest, action, None, own).unwrap();
        let look = look(
            &order.subject.cluster,
            has(guests, sections),
            Ok(has(ON_NODE2, sections)),
        );
        order.decide(&look).map_err(|e| e.what)
    };
    let dumped = format!("@nodewright:shell1:\n{}", DEFINITION.replace('X', "shell1"));
    let of_node = plan("shell1", false, &[("guest", &dumped)], ON_NODE1).unwrap();
    assert_eq!(
        told(&of_node).calls,
        ["1 node1: virsh -q -c qemu:///system create \"$NW_BLOB/0\""]
    );
    let text = |part: &OperationPart| match part.contents.as_slice() {
        [crate::plan::Content::Bytes(bytes)] => String::from_utf8(bytes.clone()).unwrap(),
        other => panic!("{other:?}"),
    };
    let boots = |part: &OperationPart| {
        let text = text(part);
        let places = ["cdrom\"", "hd\""].map(|word| text.find(&format!("<boot dev=\"{word}")));
        (places[0].is_some_and(|cd| Some(cd) < places[1]), text)
    };
    assert!(boots(&of_node.rounds[0].parts[0]).0);

    let (stopped, guests, _) = web_is_off();
    let file = DEFINITION.replace('X', "web");
    let sections = [
        ("cib", stopped.as_str()),
        ("guest.file.web", file.as_str()),
        (
            "guest.mounts",
            "1 2 3:4 / /shared rw - gfs2 /dev/drbd0 rw\n",
        ),
    ];
    let managed = plan("web", true, &sections, &guests).unwrap();
    assert_eq!(
        told(&managed).calls,
        [
            "1 node1: nw_guest_file /shared/definitions/web.xml \"$NW_BLOB/0\"",
            "2 node1: crm_resource --resource guest_web --meta --delete-parameter target-role",
            "2 node1: crm_resource --wait --timeout=900s",
            "3 node1: nw_guest_file /shared/definitions/web.xml \"$NW_BLOB/0\"",
        ]
    );
    assert!(boots(&managed.rounds[0].parts[0]).0);
    let (cd_first, text) = boots(&managed.rounds[2].parts[0]);
    assert!(!cd_first && text.contains("<boot dev=\"hd\"/>"), "{text}");
    assert!(managed.rounds[2].always && !managed.rounds[1].always);

    let why = plan("web", true, &sections, ON_NODE1).unwrap_err();
    assert_eq!(why, "web runs on node1: `nodewright guest stop web` first");
    let none = dumped
        .replace(" file=\"/srv/iso/x.iso\"", "")
        .replace("<source/>", "");
    let why = plan("shell1", false, &[("guest", &none)], ON_NODE1).unwrap_err();
    assert_eq!(why, "it has no CD drive with an image (`cdrom`)");
    let why = plan("shell1", false, &[("guest", "")], ON_NODE1).unwrap_err();
    assert!(
        why.starts_with("node1 has no definition of shell1"),
        "{why}"
    );
}
