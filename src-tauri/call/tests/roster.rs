//! Rosters: of the same tales everyone makes the same, whatever their order.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use peal_call::{DeviceId, EndReason, RosterEntry, Standing, UserId};
use proptest::prelude::*;

const REASONS: [EndReason; 7] = [
    EndReason::Hangup,
    EndReason::Cancelled,
    EndReason::Rejected,
    EndReason::Busy,
    EndReason::NoResponse,
    EndReason::IceLost,
    EndReason::Transferred,
];

fn standing() -> impl Strategy<Value = Standing> {
    prop_oneof![
        ("[a-c]", any::<bool>())
            .prop_map(|(by, transfer)| Standing::Inviting { by: UserId::new(by).unwrap(), transfer }),
        "[a-c]".prop_map(|device| Standing::Joined { device: DeviceId::new(device).unwrap() }),
        (0..REASONS.len()).prop_map(|reason| Standing::Left { reason: REASONS[reason] }),
    ]
}

fn entry() -> impl Strategy<Value = RosterEntry> {
    (0_u32..3, standing()).prop_map(|(generation, standing)| RosterEntry {
        user: UserId::new("ann").unwrap(),
        generation,
        standing,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_merge_is_commutative(a in entry(), b in entry()) {
        prop_assert_eq!(a.merge(&b), b.merge(&a));
    }

    #[test]
    fn a_merge_is_associative(a in entry(), b in entry(), c in entry()) {
        prop_assert_eq!(a.merge(&b).merge(&c), a.merge(&b.merge(&c)));
    }

    #[test]
    fn a_merge_is_idempotent(a in entry(), b in entry()) {
        prop_assert_eq!(a.merge(&a), a.clone());
        prop_assert_eq!(a.merge(&b).merge(&b), a.merge(&b));
    }

    #[test]
    fn of_two_tales_one_is_told(a in entry(), b in entry()) {
        let merged = a.merge(&b);
        prop_assert!(merged == a || merged == b);
        prop_assert_eq!(a.supersedes(&b) || b.supersedes(&a), a != b);
    }

    #[test]
    fn the_same_tales_in_any_order_and_number_end_alike(
        tales in prop::collection::vec(entry(), 1..12),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..24),
    ) {
        let straight = tales.iter().skip(1).fold(tales[0].clone(), |all, tale| all.merge(tale));
        let mut shuffled = tales[order.first().map_or(0, |at| at.index(tales.len()))].clone();
        for at in &order {
            shuffled = shuffled.merge(&tales[at.index(tales.len())]);
        }
        // Every tale is told at least once.
        for tale in tales.iter().rev() {
            shuffled = shuffled.merge(tale);
        }
        prop_assert_eq!(straight, shuffled);
    }

    #[test]
    fn a_later_generation_or_a_further_standing_always_wins(a in entry(), b in entry()) {
        let rank = |entry: &RosterEntry| match entry.standing {
            Standing::Inviting { .. } => 0,
            Standing::Joined { .. } => 1,
            Standing::Left { .. } => 2,
        };
        if (a.generation, rank(&a)) > (b.generation, rank(&b)) {
            prop_assert_eq!(a.merge(&b), a);
        }
    }
}
