use super::*;
use minijinja::value::Serde;
use serde_json::json;

fn context() -> Value {
    Value::from(Serde(json!({
        "site": { "name": "x", "on": true, "nothing": null, "ports": [7788, 7789],
                  "mirror": { "r0": { "port": 7788 }, "r1": { "port": 7789 } } },
        "node": { "name": "node1" },
    })))
}

fn render(source: &str) -> Result<String, TemplateError> {
    render_as("t", source)
}

fn render_as(name: &str, source: &str) -> Result<String, TemplateError> {
    let (engine, errors) = Templates::new([(name.to_owned(), source.to_owned())]);
    if let Some(error) = errors.into_iter().next() {
        return Err(error);
    }
    engine
        .render(name, &context())
        .map(|t| t.as_marked().to_owned())
}

fn message(source: &str) -> String {
    render(source).unwrap_err().message
}

fn value(source: &str) -> Result<Option<Json>, TemplateError> {
    Templates::new([]).0.value(source, &context())
}

#[test]
fn the_trailing_newline_stays_and_nothing_is_escaped() {
    assert_eq!(render("{{ site.name }} & 'y'\n").unwrap(), "x & 'y'\n");
    assert_eq!(render("{{ '<&>' }}").unwrap(), "<&>");
    assert_eq!(render_as("t.xml", "{{ '<&>' }}").unwrap(), "&lt;&amp;&gt;");
    assert_eq!(
        render_as("t.xml", "{{ \"/a'\" ~ '\"' }}{{ 7 }}").unwrap(),
        "/a&apos;&quot;7"
    );
}

#[test]
fn a_secret_is_escaped_where_what_is_written_is_xml() {
    let vault = crate::text::Vault::from([("snmp".to_owned(), "a&\"b\"".to_owned())]);
    let revealed = |name: &str| {
        let marked = render_as(name, "<d community=\"{{ secret('snmp') }}\"/>").unwrap();
        Text::new(marked).unwrap().reveal(&vault).unwrap()
    };
    assert_eq!(revealed("t.xml"), "<d community=\"a&amp;&quot;b&quot;\"/>");
    assert_eq!(revealed("t.conf"), "<d community=\"a&\"b\"\"/>");
}

#[test]
fn what_would_print_nonsense_is_refused() {
    assert!(message("{{ site.on }}").contains("use an `if`"));
    assert!(message("{{ site.nothing }}").contains("none cannot be written"));
    assert!(message("{{ site.ports }}").contains("use `join`"));
    assert!(message("{{ site.mirror }}").contains("a table"));
    assert!(message("{{ site.on | string }}").contains("kind bool"));
    assert_eq!(
        render("{% if site.on %}yes{% endif %} {{ site.ports | join(',') }}").unwrap(),
        "yes 7788,7789"
    );
}

#[test]
fn what_is_undefined_is_named_and_placed() {
    let error = render("a\n{{ site.nmae }}\n").unwrap_err();
    assert_eq!(error.message, "`site.nmae` is not defined");
    assert_eq!(error.range, 5..14);
    assert_eq!(
        message("{% if nobody %}{% endif %}"),
        "`nobody` is not defined"
    );
    let help = |source: &str| render(source).unwrap_err().help.unwrap();
    assert!(help("{{ facts.disk }}").contains("made from the site alone"));
    assert_eq!(help("{{ site.nmae }}"), "did you mean `site.name`?");
    assert_eq!(help("{{ noed.name }}"), "did you mean `node`?");
    assert_eq!(
        help("{{ site.mirror.r7.port }}"),
        "did you mean `site.mirror.r0`?"
    );
}

#[test]
fn errors_show_no_values() {
    let (engine, _) = Templates::new([("t".to_owned(), "{{ vars.password + 1 }}".to_owned())]);
    let context = Value::from(Serde(json!({ "vars": { "password": "hunter2" } })));
    let error = engine.render("t", &context).unwrap_err();
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
}

#[test]
fn a_loop_without_end_is_stopped() {
    let source = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}";
    assert!(message(source).contains("too long"));
}

#[test]
fn a_secret_is_a_mark_that_cannot_be_quoted() {
    assert_eq!(
        render("k={{ secret('drbd') }}").unwrap(),
        format!("k={}", crate::text::mark("drbd"))
    );
    for filter in ["quote_sh", "quote_ini", "quote_toml"] {
        assert!(
            message(&format!("{{{{ secret('drbd') | {filter} }}}}"))
                .contains("cannot quote a secret"),
            "{filter}"
        );
    }
    assert!(message("{{ secret('drbd') | replace('d', ' ') }}").contains("filter was applied"));
    assert!(message("{{ secret('a b') }}").contains("letters, digits"));
}

#[test]
fn filters_for_networks() {
    let cases = [
        ("'192.0.2.5/24' | network", "192.0.2.0"),
        ("'192.0.2.5/24' | cidr", "192.0.2.0/24"),
        ("'192.0.2.5/24' | netmask", "255.255.255.0"),
        ("'192.0.2.5/24' | prefix", "24"),
        ("'192.0.2.5/24' | broadcast", "192.0.2.255"),
        ("'192.0.2.5/24' | address", "192.0.2.5"),
        ("'192.0.2.5' | address", "192.0.2.5"),
        ("'10.0.9.0/30' | host(2)", "10.0.9.2"),
        ("'10.0.9.0/30' | host(-1)", "10.0.9.2"),
        ("'fd00::/64' | host(16)", "fd00::10"),
    ];
    for (expression, want) in cases {
        assert_eq!(
            render(&format!("{{{{ {expression} }}}}")).unwrap(),
            want,
            "{expression}"
        );
    }
    assert!(message("{{ '10.0.9.0/30' | host(4) }}").contains("has no host 4"));
    assert!(message("{{ '10.0.9.1' | netmask }}").contains("no prefix length"));
    assert!(message("{{ 'x' | network }}").contains("no address or network"));
}

#[test]
fn filters_for_sizes_times_and_quotes() {
    let cases = [
        ("'1G' | bytes", "1073741824"),
        ("'1G' | mib", "1024"),
        ("'1M' | sectors", "2048"),
        ("'5m' | seconds", "300"),
        ("'10s' | milliseconds", "10000"),
        ("\"a'b c\" | quote_sh", r"'a'\''b c'"),
        ("'a;b' | quote_ini", "\"a;b\""),
        ("'a b' | quote_ini", "a b"),
        ("'a\"b' | quote_toml", "'a\"b'"),
        ("'a' | renamed({'a': 'b'})", "b"),
        ("['a', 'c'] | map('renamed', {'a': 'b'}) | join", "bc"),
    ];
    for (expression, want) in cases {
        assert_eq!(
            render(&format!("{{{{ {expression} }}}}")).unwrap(),
            want,
            "{expression}"
        );
    }
    assert!(message("{{ '1000' | mib }}").contains("no whole number of mebibytes"));
    assert!(message("{{ 'a\\nb' | quote_ini }}").contains("one line"));
}

#[test]
fn a_whole_value_keeps_its_type() {
    assert_eq!(
        value("{{ site.ports }}").unwrap(),
        Some(json!([7788, 7789]))
    );
    assert_eq!(
        value("{{ site.mirror.values() | map(attribute='port') | list }}").unwrap(),
        Some(json!([7788, 7789]))
    );
    assert_eq!(value("{{ site.on }}").unwrap(), Some(json!(true)));
    assert_eq!(value("{{ site.nothing }}").unwrap(), None);
    assert_eq!(value(" {{ node.name }} ").unwrap(), Some(json!("node1")));
    assert_eq!(value("{{ node.name }}\n").unwrap(), Some(json!("node1\n")));
    assert_eq!(
        value("{{ node.name }}-{{ site.name }}").unwrap(),
        Some(json!("node1-x"))
    );
    assert_eq!(value("plain }}").unwrap(), Some(json!("plain }}")));
    let error = value("{{ site.mirorr }}").unwrap_err();
    assert_eq!(error.message, "`site.mirorr` is not defined");
    assert_eq!(error.template, None);
}

#[test]
fn loops_go_through_lists_and_tables() {
    let (engine, _) = Templates::new([]);
    let each = |head: &str| {
        engine
            .each(&Head::parse(head).unwrap(), &context())
            .map(|rounds| {
                rounds
                    .into_iter()
                    .map(|r| {
                        r.into_iter()
                            .map(|(n, v)| format!("{n}={v}"))
                            .collect::<Vec<_>>()
                            .join(" ")
                    })
                    .collect::<Vec<_>>()
            })
    };
    assert_eq!(each("p in site.ports").unwrap(), ["p=7788", "p=7789"]);
    assert_eq!(each("m in site.mirror").unwrap(), ["m=r0", "m=r1"]);
    assert_eq!(
        each("name, m in site.mirror").unwrap(),
        ["name=r0 m={'port': 7788}", "name=r1 m={'port': 7789}"]
    );
    assert!(each("i, p in site.ports").is_err());
    assert!(
        each("x in site.name")
            .unwrap_err()
            .message
            .contains("a loop goes through")
    );
    assert_eq!(
        each("x in site.miror").unwrap_err().message,
        "`site.miror` is not defined"
    );
    for wrong in [
        "x",
        "x in ",
        "a, b, c in d",
        "1x in y",
        "site in y",
        "a, a in y",
    ] {
        assert!(Head::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn an_error_in_an_included_template_names_that_template() {
    let (engine, _) = Templates::new([
        ("outer".to_owned(), "a\n{% include 'inner' %}".to_owned()),
        ("inner".to_owned(), "{{ nobody }}".to_owned()),
    ]);
    let error = engine.render("outer", &context()).unwrap_err();
    assert_eq!(error.template.as_deref(), Some("inner"));
    assert_eq!(error.message, "`nobody` is not defined");
}
