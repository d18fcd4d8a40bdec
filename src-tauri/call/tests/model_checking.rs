//! Two people with two devices each: every interleaving of a call, within bounds.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod model;

#[test]
fn no_interleaving_of_a_call_breaks_a_rule() {
    std::thread::scope(|threads| {
        let runs = model::SMALL.map(|scope| (scope.name, threads.spawn(move || model::explore(scope, 70_000))));
        for (name, run) in runs {
            let found = run.join().unwrap();
            println!("{name}: {found}");
            assert!(found.violation.is_none(), "{name}: {found}");
            assert!(found.states > 1_000, "{name}: the world has become small: {found}");
        }
    });
}
