//! `kill -9` at every step of a call, by injection into its system calls.

use e2e::kill::{Step, all_over, at_every_step};
use e2e::postgres::Postgres;
use tokio::runtime::Runtime;

/// How many services are killed at once: most of their time they wait for a telephone.
const AT_ONCE: usize = 8;
/// The same on PostgreSQL, where a dead process's orders wait for the end of their lease.
const AT_ONCE_ON_POSTGRESQL: usize = 16;

/// How often each step is to be hit, where that is asked for.
fn runs() -> Option<usize> {
    std::env::var("KILL_RUNS").ok().and_then(|runs| runs.parse().ok())
}

#[test]
fn whatever_step_a_kill_hits_the_order_is_settled_and_nobody_is_rung_twice() {
    println!("{}", at_every_step(&|_| runs().unwrap_or(1), AT_ONCE, &|| None));
}

#[test]
fn the_same_on_postgresql() {
    let runtime = Runtime::new().unwrap();
    let server = runtime.block_on(Postgres::start());
    let databases = || Some(runtime.block_on(server.database()));
    let tally = match runs() {
        Some(runs) => {
            // Between a commit of PostgreSQL's and what follows it there is hardly a system call to die at.
            let is_narrow = |step| matches!(step, Step::Intent | Step::Answered);
            let wanted = |step| if is_narrow(step) { runs.div_ceil(5) } else { runs };
            at_every_step(&wanted, AT_ONCE_ON_POSTGRESQL, &databases)
        }
        None => all_over(AT_ONCE_ON_POSTGRESQL, AT_ONCE_ON_POSTGRESQL, &databases),
    };
    println!("{tally}");
}
