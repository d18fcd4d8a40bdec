//! `cargo xtask bindings`: the border's types and commands as TypeScript.

use crate::command::{Failure, Step};
use crate::interface;
use crate::packages::{self, Purpose};

/// Writes `ui/src/bindings.ts` anew. The app's own test knows how: it is the one that finds it stale.
pub fn run() -> Result<(), Failure> {
    packages::ensure(Purpose::Run)?;
    interface::prepare()?;
    let step = Step::new("Writing ui/src/bindings.ts", "cargo").may_take("the first time some minutes");
    let step = step.env("PEAL_WRITE_BINDINGS", "1");
    step.args(["test", "--quiet", "--package", "peal", "bindings_are_current"]).run().map(|_| ())
}
