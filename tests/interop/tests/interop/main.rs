//! Skimmer's programs with pyzmq and msgpack on the other end, in both directions, on both hops.
//!
//! Where the cases of Dragonflow's own test of pub/sub are (docs/dragonflow.md#tests) (`end-to-end` is the package of that
//! name):
//!
//! | case | what it asks | test |
//! |---|---|---|
//! | 1 | each step of a port's life gives an event | `service_to_node::a_ports_life_reaches_a_node_step_by_step` |
//! | 2 | 100 renames give 100 events | the same |
//! | 3 | one `log` event is one, 100 are 100 | `publisher_to_agent::one_log_event_is_one_and_a_hundred_are_a_hundred` |
//! | 4 | a late topic, another topic, a topic given up | `service_to_node::a_late_topic_comes_and_a_topic_given_up_stays_away` |
//! | 5 | a second publisher, registered while running | `publisher_to_agent::a_second_publisher_is_taken_while_the_agent_runs` |
//! | 6 | all fields equal over the IPC hop | `worker_to_service::what_our_workers_send_is_what_a_foreign_service_reads` |
//! | 7 | table monitor | not here: needs the northbound database, which comes later |
//! | 8 | `log` events reach every node | as case 3, and `service_to_node` in probes |
//! | 9 | one send is one message of two frames | `golden::…`, byte for byte |
//! | 10 | without a topic the frame is `D` | `odd_but_good::what_lacks_a_topic_is_published_on_d` |
//! | 11 | a closed socket is bound again by the next send | does not apply: a closed publisher refuses; what reconnects is in `restarts` |
//! | 12 | registering and giving up topics | `conformance` (its answers), and case 4 here |
//! | 13, 14 | the Redis driver | not here: comes with that driver |
//!
//! Names are `drivers::module::test`: what is asked of both engines runs over the default drivers (`zmtp`) and over the
//! reference drivers (`zeromq`). What only one of them does is in `OF_ONE`. Beyond the cases above:
//!
//! | what | test |
//! |---|---|
//! | each engine with each, on both hops; lengths of frames and values at which ZMTP changes its form | `matrix::…` |
//! | libzmq's heartbeats in all four roles, idle and busy | `heartbeats` |
//! | subscriptions of ZMTP 3.0 and 3.1, two to one prefix, XSUB's raw frames | `subscriptions` |
//! | peers of one identity; DEALER in place of PUSH | `identities` |
//! | CURVE between our ends and those of libzmq, with right and wrong keys, restarts and heartbeats | `curve` |
//! | PLAIN and CURVE in all four roles, where Skimmer is set to NULL | `mechanisms` |
//! | a DEALER's requests, and the answers to it alone | `requests` |
//! | two services behind one XSUB and XPUB proxy | `proxies` |
//! | either side killed and started again, on either hop | `restarts`, `publisher_to_agent` |
#![expect(clippy::indexing_slicing, clippy::expect_used, reason = "a test ends where an expectation fails")]

mod cases;
mod drivers;
mod installation;

mod curve;
mod golden;
mod heartbeats;
mod identities;
mod matrix;
mod mechanisms;
mod odd_but_good;
mod proxies;
mod publisher_to_agent;
mod requests;
mod restarts;
mod service_to_node;
mod subscriptions;
mod topics;
mod values;
mod worker_to_service;
mod wrong_from_publishers;
mod wrong_from_workers;

use std::num::NonZero;
use std::process::ExitCode;
use std::thread::available_parallelism;

use libtest_mimic::{Arguments, Trial};

use crate::cases::{Case, trials};
use crate::drivers::Drivers;

/// What is asked of both engines.
const OF_BOTH: [(&str, &[Case]); 12] = [
    ("golden", golden::CASES),
    ("identities", identities::CASES),
    ("odd_but_good", odd_but_good::CASES),
    ("publisher_to_agent", publisher_to_agent::CASES),
    ("restarts", restarts::CASES),
    ("service_to_node", service_to_node::CASES),
    ("subscriptions", subscriptions::CASES),
    ("topics", topics::CASES),
    ("values", values::CASES),
    ("worker_to_service", worker_to_service::CASES),
    ("wrong_from_publishers", wrong_from_publishers::CASES),
    ("wrong_from_workers", wrong_from_workers::CASES),
];

/// What the reference drivers cannot do, and what they do instead.
const OF_ONE: [(Drivers, &str, &[Case]); 8] = [
    (Drivers::Zmtp, "curve", curve::CASES),
    (Drivers::Zmtp, "heartbeats", heartbeats::KEPT),
    (Drivers::Zeromq, "heartbeats", heartbeats::CUT),
    (Drivers::Zmtp, "identities", identities::OF_ZMTP),
    (Drivers::Zmtp, "mechanisms", mechanisms::CASES),
    (Drivers::Zmtp, "proxies", proxies::CASES),
    (Drivers::Zmtp, "requests", requests::CASES),
    (Drivers::Zmtp, "subscriptions", subscriptions::OF_ZMTP),
];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Most of a test is waiting for other processes.
    arguments.test_threads.get_or_insert(2 * available_parallelism().map_or(1, NonZero::get));
    let mut all: Vec<Trial> = matrix::trials().collect();
    for (module, cases) in OF_BOTH {
        all.extend(trials(&Drivers::ALL, module, cases));
    }
    for (drivers, module, cases) in OF_ONE {
        all.extend(trials(&[drivers], module, cases));
    }
    libtest_mimic::run(&arguments, all).exit_code()
}
