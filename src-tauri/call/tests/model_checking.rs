//! Two people with two devices each: every interleaving of a call, within bounds.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod model;

#[test]
fn no_interleaving_of_a_call_breaks_a_rule() {
    for scope in model::SMALL {
        let found = model::explore(scope, 60_000);
        println!("{}: {found}", scope.name);
        assert!(found.violation.is_none(), "{}: {found}", scope.name);
        assert!(found.states > 1_000, "{}: the world has become small: {found}", scope.name);
    }
}
