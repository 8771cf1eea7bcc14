//! F15 of docs/guarantees.md: two services that claim one id.

use std::thread;
use std::time::Duration;

use end_to_end::{Folder, History, Service, event, notice, until};
use serde_json::Value;

use super::scene::reported;

#[test]
fn two_services_with_one_id_are_reported_once_and_tracked_separately() {
    const ROUNDS: usize = 40;
    let folders = [Folder::new(), Folder::new()];
    let service = |folder: &Folder| {
        let launch = folder.launch("publisher-service", "service").set("publisher_id", "cloned");
        Service::ready(launch.start())
    };
    let services = [service(&folders[0]), service(&folders[1])];
    let addresses = format!("{},{}", services[0].address(), services[1].address());
    let agent = folders[0].agent_launch("agent", &addresses).args(["--pattern", "#", "--stamps"]).start();
    let notices = agent.wait_for_notice(0, "duplicate_publisher");
    let mut named: Vec<&str> =
        notices["publishers"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let mut both = [services[0].network(), services[1].network()];
    named.sort_unstable();
    both.sort_unstable();
    assert_eq!(named, both);

    let mut workers = [folders[0].worker("worker"), folders[1].worker("worker")];
    for round in 0..ROUNDS {
        for (of, worker) in workers.iter_mut().enumerate() {
            worker.write_line(&event("t", &format!("{of}-{round}"), "set", "v", "D").to_string());
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "spreads the rounds over several hellos of both services"
        )]
        thread::sleep(Duration::from_millis(100));
    }
    until("both streams", || (agent.events().len() == 2 * ROUNDS).then_some(()));
    for of in 0..2 {
        let start = format!("{of}-");
        let keys: Vec<String> =
            agent.events().iter().filter_map(|event| event["key"].as_str().map(str::to_owned)).collect();
        let came: Vec<&String> = keys.iter().filter(|key| key.starts_with(&start)).collect();
        let wanted: Vec<String> = (0..ROUNDS).map(|round| format!("{start}{round}")).collect();
        assert_eq!(came, wanted.iter().collect::<Vec<_>>());
    }
    let lines = agent.lines();
    let _ = History::of(&lines).assert_sound();
    assert_eq!(lines.iter().filter(|line| notice(line) == Some("duplicate_publisher")).count(), 1);
    let resyncs = reported(&agent, 0, &["resync", "gap"]);
    assert!(resyncs.len() <= 3, "{resyncs:?}");
}
