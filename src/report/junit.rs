//! Checks as a `JUnit` file, for build servers: one suite a node and one for the cluster, one case a check.

use super::CheckResult;
use std::fmt::Write as _;

/// The whole file.
pub(super) fn document(checks: &[CheckResult]) -> String {
    let mut nodes: Vec<&str> = checks.iter().map(CheckResult::of_whom).collect();
    nodes.dedup();
    nodes.sort_unstable();
    nodes.dedup();
    let failures = checks.iter().filter(|c| c.fails()).count();
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"nodewright verify\" tests=\"{}\" failures=\"{failures}\">\n",
        checks.len()
    );
    for node in nodes {
        let of_node: Vec<_> = checks.iter().filter(|c| c.of_whom() == node).collect();
        let failures = of_node.iter().filter(|c| c.fails()).count();
        let _ = writeln!(
            xml,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\">",
            escape(node),
            of_node.len()
        );
        for check in of_node {
            let (class, name) = (escape(node), escape(&check.code));
            if check.ok {
                let _ = writeln!(xml, "    <testcase classname=\"{class}\" name=\"{name}\"/>");
                continue;
            }
            if check.skipped {
                let _ = writeln!(
                    xml,
                    "    <testcase classname=\"{class}\" name=\"{name}\">\n      <skipped message=\"{}\"/>\n    </testcase>",
                    escape(&check.message)
                );
                continue;
            }
            let _ = writeln!(
                xml,
                "    <testcase classname=\"{class}\" name=\"{name}\">\n      <failure type=\"{}\" message=\"{}\">{}</failure>\n    </testcase>",
                escape(&check.severity),
                escape(&check.message),
                escape(&check.remedy)
            );
        }
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

/// Text for an attribute or an element. Characters that XML 1.0 cannot hold are replaced by U+FFFD.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            c if c.is_control() || ('\u{FFFE}'..='\u{FFFF}').contains(&c) => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_are_nodes_and_cases_are_checks() {
        insta::assert_snapshot!(document(&super::super::samples::checks()), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="nodewright verify" tests="4" failures="2">
          <testsuite name="node1" tests="2" failures="1">
            <testcase classname="node1" name="TIME-SYNC"/>
            <testcase classname="node1" name="DRBD-STATE">
              <failure type="critical" message="r0: connection: wanted Connected, seen StandAlone; disk: wanted UpToDate, seen &quot;UpToDate&quot;/&lt;DUnknown&gt; &amp; more">StandAlone is a split brain: `nodewright log` shows who did what since.</failure>
            </testcase>
          </testsuite>
          <testsuite name="node2" tests="2" failures="1">
            <testcase classname="node2" name="TIME-SYNC">
              <failure type="warning" message="offset: wanted below 1 s, seen 7.2 s">chronyc makestep, then look at the servers with chronyc sources.</failure>
            </testcase>
            <testcase classname="node2" name="SSH-ROOT"/>
          </testsuite>
        </testsuites>
        "#);
    }

    #[test]
    fn what_xml_cannot_hold_is_replaced() {
        assert_eq!(
            escape("a<b>&\"\u{1b}\n"),
            "a&lt;b&gt;&amp;&quot;\u{FFFD}&#10;"
        );
    }
}
