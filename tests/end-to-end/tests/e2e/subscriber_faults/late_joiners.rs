//! F43 of docs/guarantees.md: a subscriber that comes at any time during a burst.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::thread;
use std::time::Duration;

use end_to_end::Program;

use super::agents::{assert_converges, is_long, launch, patient};
use super::load::{Load, turns};

#[test]
fn an_agent_that_joins_at_any_time_during_a_burst_ends_with_the_correct_table() {
    let joiners = if is_long() { 100 } else { 10 };
    let folder = patient("");
    let service = folder.service();
    let load = Load::start(&folder, 500, turns(300));
    let agents: Vec<Program> = (0..joiners)
        .map(|number| {
            let random = RandomState::new().hash_one(number);
            #[expect(clippy::disallowed_methods, reason = "each agent joins at a random moment of the load")]
            thread::sleep(Duration::from_millis(random % 500));
            launch(&folder, &format!("joiner-{number}"), service.address()).start()
        })
        .collect();
    for agent in &agents {
        agent.wait_for_notice(0, "live");
    }
    let published = load.end();
    for agent in &agents {
        assert_converges(agent, &published);
        let reported = agent.notices();
        let is_calm = |name: &String| !matches!(name.as_str(), "resync" | "gap" | "link_down" | "stale");
        assert!(reported.iter().all(is_calm), "{reported:?}");
    }
}
