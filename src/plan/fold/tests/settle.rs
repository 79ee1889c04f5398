//! Folding again, over the result of folding.

use super::*;
use proptest::prelude::*;

fn content() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "a=1",
        "a=2",
        "b=1",
        " a=1",
        "#a=1",
        "[s]",
        "[t]",
        "k x",
        "k y",
        "",
        "w",
        "# BEGIN nodewright b",
        "# END nodewright b",
        "\r",
        "a",
        "\u{e4}",
        "  more",
    ]);
    let end = prop::sample::select(vec!["\n", "\n", "\n", "\r\n", ""]);
    prop::collection::vec((piece, end), 0..12).prop_map(|lines| {
        let mut bytes: Vec<u8> = lines
            .into_iter()
            .flat_map(|(l, e)| [l, e])
            .collect::<String>()
            .into_bytes();
        for byte in &mut bytes {
            if *byte == 0xc3 {
                *byte = 0xff;
            }
        }
        bytes
    })
}

fn request() -> impl Strategy<Value = Edit> {
    let value = || prop::option::of(prop::sample::select(vec!["1", "2", "x", ""]));
    prop_oneof![
        (
            prop::sample::select(vec!["a=1", "a=3", "w", "", "k z", "  more"]),
            prop::option::of(prop::sample::select(vec!["^a=", "a", "^w?$", ".", "k"])),
            any::<bool>()
        )
            .prop_map(|(l, m, absent)| if absent { no_line(l, m) } else { line(l, m) }),
        (
            prop::option::of(prop::sample::select(vec!["a=1", "k q", "w"])),
            prop::sample::select(vec!["^a", "^k ", "w"])
        )
            .prop_map(|(l, m)| only(l, m)),
        (
            prop::sample::select(vec!["b", "c"]),
            prop::option::of(prop::sample::select(vec!["", "a=1\n", "w\nv", "[s]\n"]))
        )
            .prop_map(|(n, c)| block(n, c)),
        (
            prop::sample::select(vec!["", "s", "u"]),
            prop::sample::select(vec!["a", "b", "k"]),
            value()
        )
            .prop_map(|(s, k, v)| ini(s, k, v)),
        (prop::sample::select(vec!["k", "a", "#"]), value()).prop_map(|(k, v)| keyed(k, v)),
        prop::sample::select(vec!["", "a=1\n[s]\nb=1", "w\r\n"]).prop_map(whole),
        prop::sample::select(vec!["", "a=1\n"]).prop_map(once),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn folding_again_changes_nothing(bytes in content(), edits in prop::collection::vec(request(), 1..5)) {
        let seen = file(&bytes);
        let Ok(out) = fold_with(&edits, &seen, &Vault::new()) else { return Ok(()); };
        let Some(new) = out.content else { prop_assert!(out.same); return Ok(()); };
        prop_assert_eq!(out.same, new == bytes);
        let again = fold_with(&edits, &file(&new), &Vault::new()).unwrap();
        prop_assert!(again.same, "{:?} became {:?}", String::from_utf8_lossy(&new), again.content.map(|c| String::from_utf8_lossy(&c).into_owned()));
        prop_assert_eq!(out.same, out.changed_by.is_empty());
    }

    #[test]
    fn a_single_edit_always_settles(bytes in content(), edit in request()) {
        match fold_with(std::slice::from_ref(&edit), &file(&bytes), &Vault::new()) {
            Err(FoldError::Unsettled { .. }) => prop_assert!(false, "{edit:?}"),
            Err(FoldError::Bad { .. } | FoldError::File { .. }) | Ok(_) => {}
            Err(error) => prop_assert!(false, "{error}"),
        }
    }

    #[test]
    fn taking_lines_apart_loses_nothing(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(Lines::of(&bytes).bytes(), bytes);
    }
}
