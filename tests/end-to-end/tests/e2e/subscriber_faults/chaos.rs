//! Everything at once, in random order: the histories of all subscribers are sound, and they end with the truth.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::thread;
use std::time::{Duration, Instant};

use end_to_end::{Folder, Program, Service, Signal, fixed_port};

use super::agents::{assert_converges, is_long, live_agent, notices_since};
use super::load::{Load, turns};
use super::proxy::{Fate, Link, Proxy, Way};

/// Random numbers (SplitMix64), from `SEED` if that is set: what was done can be done again, as far as processes allow.
struct Random(u64);

impl Random {
    fn seeded() -> Self {
        let given = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| RandomState::new().hash_one(()));
        println!("SEED={seed}");
        Self(seed)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % bound
    }

    fn millis(&mut self, most: u64) -> Duration {
        Duration::from_millis(self.below(most))
    }
}

struct Scene {
    folder: Folder,
    port: u16,
    service: Service,
    proxy: Proxy,
    agent: Program,
}

impl Scene {
    /// One fault, from its begin to its end.
    #[expect(clippy::disallowed_methods, reason = "how long the fault lasts")]
    fn happen(&mut self, random: &mut Random) {
        let time = random.millis(1500);
        match random.below(6) {
            0 => self.proxy.cut(),
            1 => {
                self.proxy.part();
                thread::sleep(4 * time);
                self.proxy.heal();
            }
            2 => {
                let link = if random.below(2) == 0 { Link::Events } else { Link::Requests };
                let way = if random.below(2) == 0 { Way::ToPublisher } else { Way::ToSubscriber };
                self.proxy.hold(link, way);
                thread::sleep(2 * time);
                self.proxy.heal();
            }
            3 => {
                self.agent.signal(Signal::STOP);
                thread::sleep(2 * time);
                self.agent.signal(Signal::CONT);
            }
            4 => {
                self.service.kill();
                thread::sleep(time);
                self.service = self.folder.service_at(self.port);
            }
            _ => thread::sleep(time),
        }
    }
}

#[test]
fn after_any_fault_a_subscriber_gets_notices_in_time_and_ends_with_the_correct_table() {
    let time = Duration::from_secs(if is_long() { 300 } else { 15 });
    let mut random = Random::seeded();
    let folder = Folder::with_settings(r#"dead_after = "2s""#);
    let port = fixed_port();
    let service = folder.service_at(port);
    let proxy = Proxy::before(service.address());
    let agent = live_agent(&folder, "agent", proxy.address());
    let other = live_agent(&folder, "other", service.address());
    let mark = other.mark();
    let mut fates = Random(random.below(u64::MAX));
    proxy.rule(move |link, way, message| match fates.below(200) {
        _ if link == Link::Requests || way == Way::ToPublisher || !message.is_event() => Fate::Pass,
        0 => Fate::Swallow,
        1 => Fate::Repeat,
        2 => Fate::Behind(1 + usize::try_from(fates.below(20)).unwrap_or_default()),
        _ => Fate::Pass,
    });
    let load = Load::start(&folder, 500, turns(200));
    let mut scene = Scene { folder, port, service, proxy, agent };
    let started = Instant::now();
    while started.elapsed() < time {
        #[expect(clippy::disallowed_methods, reason = "a random pause between two faults")]
        thread::sleep(random.millis(500));
        scene.happen(&mut random);
    }
    let published = load.end();
    for agent in [&scene.agent, &other] {
        assert_converges(agent, &published);
    }
    let reported = notices_since(&other, mark);
    assert!(!reported.iter().any(|name| name == "gap" || name == "resync"), "{reported:?}");
}
