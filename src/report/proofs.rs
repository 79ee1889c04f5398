//! Prints the proofs that a lost member is off, or on: a line each.

use crate::run::Proof;
use std::fmt::Write as _;

/// The proofs: the source, the evidence and the observation of each.
pub fn proofs(proofs: &[Proof]) -> String {
    proofs.iter().fold(String::new(), |mut text, proof| {
        let Proof { by, says, what } = proof;
        let _ = writeln!(text, "{by}: {:<6} {what}", says.word());
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Evidence;

    #[test]
    fn each_proof_is_a_line_with_its_word() {
        let proof = |by: &str, says, what: &str| Proof {
            by: by.to_owned(),
            says,
            what: what.to_owned(),
        };
        let text = proofs(&[
            proof("from here", Evidence::Silent, "ssh: no answer"),
            proof("node1", Evidence::On, "ssh gets in"),
            proof(
                "node1",
                Evidence::Note,
                "the fence domain waits for fencing",
            ),
        ]);
        assert_eq!(
            text,
            "from here: silent ssh: no answer\nnode1: on     ssh gets in\nnode1: -      the fence domain waits for fencing\n"
        );
    }
}
