//! Any argument without NUL reaches the node's shell as the same bytes.

use crate::shells::SHELLS;
use nodewright::kind::{Answer, Observe};
use nodewright::sh::Call;
use proptest::prelude::*;

/// Texts that shells have stumbled over, among any others.
fn argument() -> impl Strategy<Value = String> {
    let nasty = prop::sample::select(vec![
        "",
        "'",
        "''",
        "\"",
        "\\",
        "\\'",
        "`id`",
        "$(id)",
        "$HOME",
        "${x}",
        "$'\\n'",
        "-n",
        "--",
        "-e",
        "\\c",
        "\\0",
        "\n",
        "\n\n",
        "\r\n",
        "\t",
        " ",
        "*",
        "?",
        "[a-z]",
        "~",
        "~root",
        "!",
        "!!",
        "#",
        "%s",
        "%",
        "&",
        ";",
        "|",
        "<",
        ">",
        "(",
        ")",
        "{a,b}",
        "=",
        "a=b",
        "\u{7f}",
        "\u{1}",
        "\u{1b}[31m",
        "\u{85}",
        "\u{a0}",
        "ä",
        "日本",
        "\u{202e}",
        "\u{feff}",
        "\u{fffd}",
        "\u{10ffff}",
        "EOF",
        "main",
        "'\n'",
        "\\\n",
        "$'",
        "\u{81}\u{88}",
    ]);
    let any = prop::collection::vec(
        any::<char>().prop_filter("no argument holds NUL", |c| *c != '\0'),
        0..12,
    )
    .prop_map(String::from_iter);
    let ascii = prop::collection::vec(1u8..128, 0..12)
        .prop_map(|bytes| bytes.into_iter().map(char::from).collect::<String>());
    let joined = prop::collection::vec(nasty.clone(), 1..6).prop_map(|parts| parts.concat());
    prop_oneof![nasty.prop_map(str::to_owned), any, ascii, joined]
}

fn joined(words: &[String]) -> Vec<u8> {
    words.iter().flat_map(|w| w.bytes().chain([0])).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_argument_arrives_as_it_was(words in prop::collection::vec(argument(), 1..9), utf8 in any::<bool>()) {
        let locale = if utf8 { "C.UTF-8" } else { "C" };
        let call = Call::new("show").args(words.iter().cloned()).to_shell();
        let script = format!("LC_ALL={locale}\nexport LC_ALL\nshow() {{ printf '%s\\000' \"$@\"; }}\nmain() {{\n{call}\n}}\nmain\n");
        for shell in SHELLS {
            let output = shell.run(&script, None);
            prop_assert_eq!(&output.stdout, &joined(&words), "{:?}: {}", shell, String::from_utf8_lossy(&output.stderr));
            prop_assert!(output.stderr.is_empty(), "{:?}: {}", shell, String::from_utf8_lossy(&output.stderr));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_observation_brings_back_what_was_asked(words in prop::collection::vec(argument(), 1..5)) {
        let mut observe = Observe::default();
        observe.functions(nodewright::shell::Shell::new("show() { printf '%s\\000' \"$@\"; return 7; }\n"));
        observe.section("words", Call::new("show").args(words.iter().cloned()));
        observe.section("after", Call::new("printf").args(["%s", "whole"]));
        let script = observe.script("zzsentinelzz");
        for shell in SHELLS {
            let output = shell.run(&script, None);
            let answer = Answer::parse(&output.stdout, "zzsentinelzz", &observe);
            let answer = answer.map_err(|e| TestCaseError::fail(format!("{shell:?}: {e}")))?;
            let section = answer.get("words").expect("the node was observed");
            prop_assert_eq!(&section.output, &joined(&words), "{:?}", shell);
            prop_assert_eq!(section.status, 7);
            prop_assert_eq!(answer.text("after"), "whole");
        }
    }
}
