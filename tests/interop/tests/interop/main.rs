//! Skimmer's programs with pyzmq and msgpack on the other end, in both directions, on both hops.
//!
//! Which cases of dragonflow-pubsub.md 13 stand where (`end-to-end` is the package of that name):
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
#![expect(clippy::indexing_slicing, clippy::expect_used, reason = "a test ends where an expectation fails")]

mod golden;
mod heartbeats;
mod installation;
mod odd_but_good;
mod publisher_to_agent;
mod restarts;
mod service_to_node;
mod topics;
mod values;
mod worker_to_service;
mod wrong_from_publishers;
mod wrong_from_workers;
