//! F67 of docs/guarantees.md: a service that gets a fifth of a core.

use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use end_to_end::{Service, event};
use serde_json::Value;

use super::scene::{Scene, reported};

/// Processes that want all of one core.
struct Busy(Vec<Child>);

impl Busy {
    fn on_core(core: &str, count: usize) -> Self {
        let spin = |_| {
            Command::new("taskset").args(["-c", core, "sh", "-c", "while :; do :; done"]).spawn().unwrap()
        };
        Self((0..count).map(spin).collect())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn a_service_without_cpu_time_is_not_considered_dead() {
    const LASTS: Duration = Duration::from_secs(10);
    let scene = Scene::with_settings("dead_after = \"3s\"");
    let service = Service::ready(scene.launch().under("taskset", &["-c", "0"]).start());
    let agent = scene.live_agent("idle");
    scene.folder.publish(&[event("t", "before", "set", "v", "D")]);
    agent.wait_for_events(1);
    let mark = agent.mark();
    let busy = Busy::on_core("0", 4);
    #[expect(clippy::disallowed_methods, reason = "how long the starvation lasts")]
    thread::sleep(LASTS);
    assert_eq!(reported(&agent, mark, &["stale", "link_down"]), [] as [Value; 0], "at {}", service.network());
    scene.folder.publish(&[event("t", "after", "set", "v", "D")]);
    agent.wait_for_events(2);
    drop(busy);
}
