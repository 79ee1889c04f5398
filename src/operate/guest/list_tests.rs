use super::super::super::samples::{libvirt, look, says, site};
use super::*;

#[test]
fn guests_are_listed_with_where_they_run_and_who_is_not_known() {
    let query = GuestQuery::new(&site("debian12"), None).unwrap();
    let one = libvirt(" 1    web      running\n -    shell1   shut off\n -    stray    shut off\n");
    let two = libvirt(" 4    web      paused\n 1    watch    running\n");
    let node1 = says(&[("libvirt", &one), ("hypervisor.device", "")]);
    let node2 = says(&[("libvirt", &two), ("hypervisor.device", "")]);
    let list = query.read(&look(&query.cluster, node1, Ok(node2)));
    let of = |name: &str| list.guests.iter().find(|g| g.guest == name).unwrap();
    let web = of("web");
    assert_eq!(web.on.keys().collect::<Vec<_>>(), ["node1", "node2"]);
    assert_eq!(web.words(false), "runs twice");
    assert_eq!(web.resource.as_deref(), Some("Started"));
    assert_eq!(
        (web.migrate.as_str(), web.memory.as_str(), web.cpus),
        ("live", "4G", 1)
    );
    let shell = of("shell1");
    assert_eq!(
        (shell.words(false), shell.words(true)),
        ("off".to_owned(), "unknown".to_owned())
    );
    assert_eq!(
        (shell.defined.as_slice(), &shell.resource),
        (&["node1".to_owned()][..], &None)
    );
    assert_eq!(of("watch").words(true), "running");
    let stray = BTreeMap::from([("stray".to_owned(), "shut off".to_owned())]);
    assert_eq!(list.unknown, BTreeMap::from([("node1".to_owned(), stray)]));
    assert_eq!(list.silent, BTreeMap::new());
}

#[test]
fn a_node_that_says_nothing_is_named() {
    let query = GuestQuery::new(&site("debian12"), Some("web")).unwrap();
    let silent = libvirt("").replace("qemu:///system", "");
    let node1 = says(&[("libvirt", &silent), ("hypervisor.device", "")]);
    let list = query.read(&look(&query.cluster, node1, Err("no route")));
    let why: Vec<_> = list.silent.values().map(String::as_str).collect();
    assert_eq!(why, ["libvirt does not answer", "no route"]);
    assert_eq!(list.guests.len(), 1);
}
