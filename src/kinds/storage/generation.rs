//! Generations of a mirror's data: the identifiers in DRBD's meta-data, and how two ends compare.
//!
//! Facts: docs/facts/storage.md#generations.

/// The generation identifiers of one end, without the lowest bit, which says whether it was primary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    current: u64,
    bitmap: u64,
    history: Vec<u64>,
}

/// The relation of this end's data to the peer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Neither ever had any.
    BothNew,
    /// This end never had any, the peer has.
    OwnNew,
    /// This end has data, the peer never had any.
    PeerNew,
    /// The same generation.
    Same,
    /// One end's generation is an ancestor of the other's.
    Related,
    /// Both descend from the same generation, apart from each other.
    SplitBrain,
    /// The two have no generation in common.
    Unrelated,
}

/// The current generation of meta-data that was just created.
const JUST_CREATED: u64 = 4;

impl Generation {
    /// Parses the output of `drbdadm get-gi`: `CURRENT:BITMAP:HISTORY:HISTORY:FLAG:…`, the first four in hexadecimal.
    pub fn read(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.trim().split(':').collect();
        let value = |word: &&str| {
            let right = word.len() == 16;
            let value = u64::from_str_radix(word, 16).ok();
            value.filter(|_| right).map(|value| value & !1)
        };
        let ids: Option<Vec<u64>> = words.get(..4)?.iter().map(value).collect();
        let ids = ids?;
        Some(Self {
            current: ids[0],
            bitmap: ids[1],
            history: ids[2..].iter().copied().filter(|id| *id != 0).collect(),
        })
    }

    /// Whether the meta-data was made and never had data yet.
    pub fn is_new(&self) -> bool {
        self.current == JUST_CREATED
    }

    /// Its name for display.
    pub fn shown(&self) -> String {
        format!("{:016X}", self.current)
    }

    /// The relation of this end's data to the peer's.
    pub fn to(&self, peer: &Self) -> Relation {
        match (self.is_new(), peer.is_new()) {
            (true, true) => return Relation::BothNew,
            (true, false) => return Relation::OwnNew,
            (false, true) => return Relation::PeerNew,
            (false, false) => {}
        }
        let knows = |one: &Self, other: &Self| {
            one.bitmap == other.current || one.history.contains(&other.current)
        };
        if self.current == peer.current {
            Relation::Same
        } else if knows(self, peer) || knows(peer, self) {
            Relation::Related
        } else if self.bitmap != 0 && self.bitmap == peer.bitmap
            || self.history.iter().any(|id| peer.history.contains(id))
        {
            Relation::SplitBrain
        } else {
            Relation::Unrelated
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(current: &str, bitmap: &str, history: &str) -> Generation {
        let line = format!("{current}:{bitmap}:{history}:0000000000000000:1:1:0:1:0:0:0\n");
        Generation::read(&line).expect("generation identifiers")
    }

    const NONE: &str = "0000000000000000";
    const A: &str = "0C3E5A1B2C3D4E5F";
    const B: &str = "75E7112233445566";
    const C: &str = "92F9B5559109C70C";

    #[test]
    fn two_ends_compare_by_their_generations() {
        // drbdmeta of drbd-utils 9.22, right after create-md.
        let new = "0000000000000004:0000000000000000:0000000000000000:0000000000000000:0:0:0:0:1:0:0:0:0:0:0:0";
        let new = Generation::read(new).unwrap();
        assert!(new.is_new());
        let (a, b) = (end(A, NONE, NONE), end(B, NONE, NONE));
        assert_eq!(new.to(&new), Relation::BothNew);
        assert_eq!(new.to(&a), Relation::OwnNew);
        assert_eq!(a.to(&new), Relation::PeerNew);
        assert_eq!(a.to(&a), Relation::Same);
        assert_eq!(a.to(&b), Relation::Unrelated);
        // An end that was primary has the lowest bit set.
        let primary = end("0C3E5A1B2C3D4E5E", NONE, NONE);
        assert_eq!(a.to(&primary), Relation::Same);
        // The survivor goes on from what the other one has.
        assert_eq!(end(B, A, NONE).to(&a), Relation::Related);
        assert_eq!(a.to(&end(B, C, A)), Relation::Related);
        // Seen on two machines: other currents, one bitmap.
        assert_eq!(
            end(A, C, NONE).to(&end(B, "92F9B5559109C70D", NONE)),
            Relation::SplitBrain
        );
        assert_eq!(end(A, NONE, C).to(&end(B, NONE, C)), Relation::SplitBrain);
    }

    #[test]
    fn what_is_no_generation_is_none() {
        for line in [
            "",
            "4:0:0:0",
            "0000000000000004",
            "x000000000000004:0:0:0",
            "\u{1b}[0m",
        ] {
            assert_eq!(Generation::read(line), None, "{line:?}");
        }
    }
}
