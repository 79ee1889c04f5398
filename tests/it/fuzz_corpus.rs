//! The seeds of the fuzz targets, as they are and changed a little: nothing of it makes the program panic.
//!
//! The changes come from a seed, so a failure is met again; it names target, file and number of the change.

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

#[path = "../../fuzz/src/lib.rs"]
mod targets;

/// How often each seed of the corpus is changed.
const CHANGES: u64 = 24;

/// Pieces that mean something to one of the formats.
const WORDS: [&str; 16] = [
    "",
    "\n",
    "\t",
    "\"",
    "'",
    "[",
    "]",
    "{{ ",
    " }}",
    "{% for x in y %}",
    "= ",
    "\u{fc}",
    "-1",
    "99999999999999999999",
    "zz end ",
    "\u{0}",
];

/// Numbers that look random and are not.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end.max(1)).unwrap()).unwrap()
    }
}

fn changed(seed: &[u8], number: u64) -> Vec<u8> {
    let mut dice = Dice((number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut bytes = seed.to_vec();
    for _ in 0..=dice.below(3) {
        let from = dice.below(bytes.len() + 1);
        let to = (from + dice.below(12)).min(bytes.len());
        let piece = match dice.below(3) {
            0 => Vec::new(),
            1 => WORDS[dice.below(WORDS.len())].as_bytes().to_vec(),
            _ => {
                let start = dice.below(seed.len());
                seed[start..(start + dice.below(40)).min(seed.len())].to_vec()
            }
        };
        bytes.splice(from..to, piece);
    }
    bytes
}

fn run(target: &str, feed: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let mut seeds: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    seeds.sort();
    assert!(seeds.len() >= 2, "{target} has no corpus");
    for path in seeds {
        let seed = fs::read(&path).unwrap();
        feed(&seed);
        for number in 0..CHANGES {
            let bytes = changed(&seed, number);
            let fed = catch_unwind(|| feed(&bytes));
            assert!(
                fed.is_ok(),
                "{target}, {}, change {number}:\n{}",
                path.display(),
                String::from_utf8_lossy(&bytes)
            );
        }
    }
}

#[test]
fn no_inventory_makes_it_panic() {
    run("inventory", targets::inventory);
}

#[test]
fn no_role_makes_it_panic() {
    run("role", targets::role);
}

#[test]
fn nothing_a_node_says_makes_it_panic() {
    run("event", targets::event);
}
