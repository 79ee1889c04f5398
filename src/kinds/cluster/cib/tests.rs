use super::super::super::testing;
use super::super::super::testing::{shown, verdict};
use super::element::Element;
use super::overlay::{differences, overlay};
use crate::kind::{Payload, Verdict};
use crate::text::mark;
use serde_json::{Value as Json, json};

// Constructed in the form of cibadmin 2.1.5: a cluster with one device, a property and a constraint set by hand.
const LIVE: &str = r#"<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" epoch="9" num_updates="0" admin_epoch="0" dc-uuid="1">
  <configuration>
    <crm_config>
      <cluster_property_set id="cib-bootstrap-options">
        <nvpair id="cib-bootstrap-options-dc-version" name="dc-version" value="2.1.5-a3f44794f94"/>
        <nvpair id="cib-bootstrap-options-stonith-enabled" name="stonith-enabled" value="false"/>
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
    <resources>
      <primitive class="stonith" id="fence_node1_apc" type="fence_apc">
        <instance_attributes id="fence_node1_apc-instance_attributes">
          <nvpair id="fence_node1_apc-instance_attributes-ip" name="ip" value="10.0.4.1"/>
        </instance_attributes>
        <meta_attributes id="fence_node1_apc-meta_attributes">
          <nvpair id="fence_node1_apc-meta_attributes-target-role" name="target-role" value="Stopped"/>
        </meta_attributes>
      </primitive>
      <primitive class="ocf" id="web" provider="heartbeat" type="Dummy"/>
    </resources>
    <constraints>
      <rsc_location id="cli-ban-web-on-node1" node="node1" rsc="web" score="-INFINITY"/>
    </constraints>
  </configuration>
"#;

const WANTED: &str = r#"<configuration>
  <crm_config>
    <cluster_property_set id="cib-bootstrap-options">
      <nvpair id="cib-bootstrap-options-stonith-enabled" name="stonith-enabled" value="true"/>
    </cluster_property_set>
  </crm_config>
  <resources>
    <primitive id="fence_node1_apc" class="stonith" type="fence_apc">
      <instance_attributes id="fence_node1_apc-instance_attributes">
        <nvpair id="fence_node1_apc-instance_attributes-ip" name="ip" value="10.0.4.1"/>
      </instance_attributes>
    </primitive>
  </resources>
  <fencing-topology>
    <fencing-level id="fence_node1_level_1" target="node1" index="1" devices="fence_node1_apc"/>
  </fencing-topology>
</configuration>
"#;

fn step(content: &str) -> Json {
    json!({ "cib": "cluster", "content": content, "members": ["node1", "node2"] })
}

fn judged(content: &str, live: &str) -> Verdict {
    verdict(
        &step(content),
        &[(
            "cib",
            format!("trace /var/lib/pacemaker/cib/cib.xml\ninstalled\nrunning\n{live}").as_str(),
            0,
        )],
    )
}

fn points(content: &str, live: &str) -> Vec<String> {
    match judged(content, live) {
        Verdict::Change(deltas) => deltas.iter().map(shown).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn elements_too_deep_in_one_another_are_no_cib() {
    let nested = |depth: usize| {
        let text = "<a>".repeat(depth) + &"</a>".repeat(depth);
        Element::read(&text).map(|top| top.canonical().text().len())
    };
    assert!(nested(100).is_ok());
    for depth in [101, 200_000] {
        assert!(nested(depth).unwrap_err().contains("deep"), "{depth}");
    }
}

#[test]
fn what_differs_is_reported_by_name_and_the_rest_stays() {
    assert_eq!(
        points(WANTED, LIVE),
        [
            "cib-bootstrap-options stonith-enabled: false -> true",
            "fence_node1_level_1:  -> devices=fence_node1_apc index=1 target=node1",
        ]
    );
    let step = step(WANTED);
    let live = format!("running\n{LIVE}");
    let contents = testing::contents(&step, &[("cib", live.as_str(), 0)]);
    let text = |at: usize| match &contents[at] {
        Payload::Text(text) => text.as_marked().to_owned(),
        other @ Payload::File(_) => panic!("{other:?}"),
    };
    // The first is what the node's CIB is compared with before it is changed, byte for byte.
    let (_, configuration) = LIVE.split_once('\n').unwrap();
    assert_eq!(text(0), configuration);
    let new = text(2);
    for kept in [
        r#"name="dc-version""#,
        r#"name="standby" value="on""#,
        r#"name="target-role" value="Stopped""#,
        r#"id="web""#,
        r#"id="cli-ban-web-on-node1""#,
        r#"epoch="9""#,
    ] {
        assert!(new.contains(kept), "{kept} in {new}");
    }
    // Read again, it is as wanted.
    let end = new.find("  <status/>").unwrap();
    assert_eq!(
        judged(WANTED, &new[..end].replace("><config", ">\n<config")),
        Verdict::Same
    );
}

#[test]
fn the_order_of_attributes_and_elements_is_no_difference() {
    let live = Element::read(WANTED).unwrap();
    let turned = WANTED
        .replace(
            r#"class="stonith" type="fence_apc""#,
            r#"type="fence_apc" class="stonith""#,
        )
        .replace("\n  ", "\n");
    let wanted = Element::read(&turned).unwrap();
    let new = overlay(&live, &wanted, &[]);
    assert_eq!(new.canonical(), live.canonical());
    assert_eq!(differences(&live, &new), []);
}

#[test]
fn a_device_that_is_not_wanted_any_more_goes_with_what_places_it() {
    let more = LIVE
        .replace(
            "      <primitive class=\"ocf\"",
            "      <primitive class=\"stonith\" id=\"fence_node2_ipmilan\" type=\"fence_ipmilan\"/>\n      \
             <primitive class=\"stonith\" id=\"fence_of_mine\" type=\"fence_apc\"/>\n      <primitive class=\"ocf\"",
        )
        .replace(
            "    </constraints>",
            "      <rsc_location id=\"fence_node2_ipmilan-avoids-node2\" node=\"node2\" rsc=\"fence_node2_ipmilan\" \
             score=\"-INFINITY\"/>\n    </constraints>",
        );
    let points = points(WANTED, &more);
    assert!(
        points.contains(&"fence_node2_ipmilan: class=stonith type=fence_ipmilan -> ".to_owned()),
        "{points:?}"
    );
    assert!(
        points
            .iter()
            .any(|t| t.starts_with("fence_node2_ipmilan-avoids-node2: ")),
        "{points:?}"
    );
    assert!(
        !points.iter().any(|t| t.contains("fence_of_mine")),
        "{points:?}"
    );
}

#[test]
fn nothing_is_decided_before_pacemaker_runs_and_nothing_done_where_it_is_stopped() {
    let content = step(WANTED);
    let before = verdict(&content, &[("cib", "installed\n", 0)]);
    assert!(matches!(before, Verdict::After { .. }), "{before:?}");
    let stopped = verdict(
        &content,
        &[(
            "cib",
            "trace /var/lib/pacemaker/cib/cib.xml\ninstalled\n",
            0,
        )],
    );
    assert_eq!(stopped, Verdict::Same);
}

#[test]
fn no_secret_gets_into_a_cib() {
    let secret = WANTED.replace("10.0.4.1", &mark("pdu"));
    let why = testing::error(&step(&secret));
    assert!(why.contains("no secret may stand in it"), "{why}");
}

#[test]
fn what_is_no_configuration_is_refused() {
    for (content, live) in [
        ("<cib/>", "its root is `cib`"),
        ("<configuration>", "`configuration` has no end"),
        (
            "<configuration>x</configuration>",
            "text where none belongs: `x`",
        ),
        (
            "<configuration><resources><primitive/></resources></configuration>",
            "`primitive` in `resources` has no ID",
        ),
    ] {
        let why = testing::error(&step(content));
        assert!(why.contains(live), "{why}");
    }
}

#[test]
fn a_cib_that_was_cut_off_is_an_error() {
    let live = format!("running\n{}", &LIVE[..LIVE.len() / 2]);
    let points = testing::verdict_on(
        &step(WANTED),
        crate::platform::Platform::Debian12,
        &[("cib", live.as_str(), 0)],
    );
    let why = points.unwrap_err();
    assert!(why.contains("cannot be read"), "{why}");
}
