use super::super::library::Library;
use super::{all_unknown, unknown_names};
use crate::site::{Finding, Sources, load_str};

const SITE: &str = include_str!("../../../inventory/crosslink/inventory.toml");

fn told(role: &str, template: &str) -> Vec<String> {
    let loaded = load_str(SITE);
    assert_eq!(loaded.findings, [] as [Finding; 0]);
    let site = loaded.site.unwrap();
    let mut sources = Sources::default();
    let mut findings = Vec::new();
    let role =
        format!("description = 'x'\n[vars.speed]\ntype = 'int'\ndefault = 3\ndoc = 'd'\n{role}");
    let files = [
        ("roles/mine.toml", role.as_str()),
        ("templates/mine/a", template),
    ];
    let library = Library::bare(files, &mut sources, &mut findings);
    assert_eq!(findings, [] as [Finding; 0]);
    let found = unknown_names(&site, &library, &sources);
    let line = |f: &Finding| format!("{} {}", f.location(&sources).unwrap(), f.message);
    found.iter().map(line).collect()
}

/// A step that is never rendered, with one value.
fn never(value: &str) -> Vec<String> {
    told(
        &format!(
            "[[step]]\nfor_each = \"name, m in site.mirror\"\nwhen = \"false\"\nfile = '/etc/x'\ncontent = \"{value}\"\n"
        ),
        "",
    )
}

#[test]
fn a_name_in_a_step_that_is_never_rendered_is_found_where_it_is_written() {
    for (value, column, what) in [
        ("{{ nmae }}", 15, "`nmae` is not defined"),
        ("{{ vars.sped }}", 15, "`vars.sped` is not defined"),
        ("{{ platform.x }}", 15, "`platform.x` is not defined"),
        ("{{ node.nmae }}", 15, "`node.nmae` is not defined"),
        (
            "{{ site.cluster.nmae }}",
            15,
            "`site.cluster.nmae` is not defined",
        ),
        ("{{ m.prt }}", 15, "`m.prt` is not defined"),
        (
            "{% for p in members %}{{ p.fqnd }}{% endfor %}",
            37,
            "`p.fqnd` is not defined",
        ),
        (
            "{% for n, z in site.zone | items %}{{ z.nci }}{% endfor %}",
            50,
            "`z.nci` is not defined",
        ),
        (
            "{% if false %}{{ vars.sped }}{% endif %}",
            29,
            "`vars.sped` is not defined",
        ),
        (
            "{{ 'a' | uper }}",
            21,
            "there is no such filter: filter uper is unknown",
        ),
    ] {
        let line = format!("roles/mine.toml:10:{column} {what}");
        assert_eq!(never(value), [line], "{value}");
    }
}

#[test]
fn what_is_there_is_not_reported() {
    for value in [
        "{{ name }} {{ m.device }} {{ m.port }} {{ vars.speed }} {{ secret('x') }}",
        "{% for e in m.ends %}{{ e.node }} {{ loop.index }}{% endfor %}",
        "{% if vars.none is defined %}x{% endif %}{{ vars.none | default('x') }}",
        "{% set a = 1 %}{{ a }} {% macro f(b) %}{{ b }}{% endmacro %}{{ f(1) }}",
        "{{ members | map(attribute='name') | join(',') }} {{ node.address.red }}",
        "{{ site.cluster.totem }} {{ site.domain }} {{ site.vars.anything }} {{ range(3) | list | length }}",
    ] {
        assert_eq!(never(value), [""; 0], "{value}");
    }
}

#[test]
fn heads_conditions_tests_attributes_and_functions_have_names_too() {
    for (step, what) in [
        (
            "for_each = \"m in site.mirrors\"",
            "`site.mirrors` is not defined",
        ),
        (
            "when = \"false and vars.sped\"",
            "`vars.sped` is not defined",
        ),
        (
            "when = \"false and node is ipv66\"",
            "there is no such test: test ipv66 is unknown",
        ),
        (
            "when = \"members | selectattr('membr') | list\"",
            "`'membr'` is not defined",
        ),
        (
            "when = \"false and sercet('x')\"",
            "there is no such function: sercet is unknown",
        ),
    ] {
        let found = told(
            &format!("[[step]]\nfile = '/etc/x'\ncontent = ''\n{step}\n"),
            "",
        );
        let found: Vec<_> = found.iter().filter_map(|f| f.split_once(' ')).collect();
        assert_eq!(found.len(), 1, "{step}: {found:?}");
        assert_eq!(found[0].1, what, "{step}");
    }
}

#[test]
fn a_template_is_read_with_the_names_of_the_step_that_renders_it() {
    let step = "[[step]]\nfor_each = \"m in site.hook\"\nfile = '/etc/x'\ntemplate = 'mine/a'\n";
    let step = step.replace("site.hook", "[]");
    let found = told(
        &step,
        "{{ m }}\n{% if false %}{{ node.nmae }}{{ n }}{% endif %}\n",
    );
    assert_eq!(
        found,
        [
            "templates/mine/a:2:18 `node.nmae` is not defined",
            "templates/mine/a:2:33 `n` is not defined",
        ]
    );
    let missing = told(
        "[[step]]\nwhen = \"false\"\nfile = '/etc/x'\ntemplate = 'mine/b'\n",
        "",
    );
    assert_eq!(
        missing,
        ["roles/mine.toml:9:12 there is no file templates/mine/b"]
    );
    let included = told(&step, "{% if false %}{% include 'mine/c' %}{% endif %}");
    assert_eq!(
        included,
        ["templates/mine/a:1:26 there is no template `mine/c`"]
    );
}

#[test]
fn shipped_roles_name_nothing_that_is_not_there() {
    let site = load_str(SITE).site.unwrap();
    let mut sources = Sources::default();
    let library = Library::of([], &mut sources, &mut Vec::new());
    let found = all_unknown(&site, &library, &sources);
    let found: Vec<String> = found.iter().map(|f| f.render(&sources, false)).collect();
    assert_eq!(found.join("\n"), "");
}

#[test]
fn the_model_adds_to_the_inventory_what_is_documented() {
    let site = load_str(SITE).site.unwrap();
    let (model, schema) = (site.model(), crate::site::schema());
    let added = |table: &serde_json::Value, of: &str| -> Vec<String> {
        let known = schema["$defs"][of]["properties"].as_object().unwrap();
        let keys = table.as_object().unwrap().keys();
        keys.filter(|k| !known.contains_key(*k)).cloned().collect()
    };
    let subset = |keys: Vec<String>, all: &[&str]| {
        assert!(keys.iter().all(|k| all.contains(&k.as_str())), "{keys:?}");
    };
    subset(
        added(&model["cluster"], "Cluster"),
        &crate::site::MODEL_OF_CLUSTER,
    );
    let mirror = model["mirror"]
        .as_object()
        .unwrap()
        .values()
        .next()
        .unwrap();
    subset(added(mirror, "Mirror"), &crate::site::MODEL_OF_MIRROR);
    let site = load_str(include_str!("../../../inventory/crosslink/inventory.toml")).site;
    let model = site.unwrap().model();
    subset(
        added(&model["guest"]["web"], "Guest"),
        &crate::site::MODEL_OF_GUEST,
    );
}
