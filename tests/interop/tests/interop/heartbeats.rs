use std::thread;
use std::time::{Duration, Instant};

use end_to_end::{Program, counter, event, until};
use interop::{Receiver, Sender, fields, monitored, prove};
use serde_json::Value;

use crate::cases::{Case, cases};
use crate::drivers::Drivers;
use crate::installation::{Installation, dropped, events_of};

/// Of our own engine.
pub(crate) const KEPT: &[Case] = cases![heartbeats_in_all_four_roles_disconnect_nobody_idle_or_busy];

/// Of the reference drivers.
pub(crate) const CUT: &[Case] =
    cases![a_worker_with_heartbeats_is_disconnected_at_each_beat_and_harms_no_other];

/// A heartbeat of libzmq every 100 ms: it disconnects a peer that is silent for two seconds (ZMQ_HEARTBEAT_IVL, _TIMEOUT,
/// _TTL). The monitor reports that.
const BEATING: &[&str] = &["--heartbeat", "100", "--dead-after", "2000", "--monitor"];

/// Both sides beat: our engine as often as libzmq.
const BOTH_BEAT: &str = "dead_after = \"2s\"\n[drivers.zmtp]\nheartbeat_interval = \"100ms\"";

/// Beyond what either side puts up with.
const SILENCE: Duration = Duration::from_secs(5);

fn heartbeats_in_all_four_roles_disconnect_nobody_idle_or_busy(drivers: Drivers) {
    let folder = drivers.folder_with(BOTH_BEAT);
    let service = folder.service();
    let mut push = Sender::push_asked(&folder, "push", BEATING);
    let sub = Receiver::sub_asked(&folder, "sub", BEATING, service.network(), &["D"]);
    prove(&mut push, "D", &sub);
    let mut publisher = Sender::publisher_asked(&folder, "pub", BEATING);
    let agent = folder.agent_launch("agent", publisher.address()).start();
    prove(&mut publisher, "D", &agent);
    let foreign_service = drivers.folder_with(BOTH_BEAT);
    let pull = Receiver::pull_asked(&foreign_service, "pull", BEATING);
    let mut worker = foreign_service.worker("worker");
    worker.write_line(&numbered(0).to_string());
    pull.wait_for_own(1);

    #[expect(clippy::disallowed_methods, reason = "this silence is what is tested")]
    thread::sleep(SILENCE);
    let mut sent = vec![numbered(0)];
    let busy_until = Instant::now() + Duration::from_secs(2);
    while Instant::now() < busy_until {
        let next = numbered(sent.len());
        push.send(&next);
        publisher.send(&next);
        worker.write_line(&next.to_string());
        sent.push(next);
        // PUB drops what exceeds libzmq's 1,000 events: no subscriber may miss that many.
        if sent.len() % 200 == 0 {
            events_of(&agent, sent.len() - 1);
        }
    }
    assert_eq!(events_of(&agent, sent.len() - 1), sent[1..]);
    for (receiver, wanted) in [(&sub, &sent[1..]), (&pull, &sent)] {
        let came: Vec<Value> = receiver.wait_for_own(wanted.len()).iter().map(fields).collect();
        assert_eq!(came, wanted);
    }
    let peers: [(&str, &Program); 3] = [("PUSH", &push), ("SUB", &sub), ("PUB", &publisher)];
    for (role, peer) in peers {
        assert_eq!(monitored(peer), ["HANDSHAKE_SUCCEEDED"], "{role}: one connection all the time");
    }
    let after_a_dealer = ["DISCONNECTED", "HANDSHAKE_SUCCEEDED"];
    assert_eq!(
        monitored(&pull),
        after_a_dealer,
        "PULL: one connection all the time, of the PUSH that comes then"
    );
    assert_eq!(agent.notices(), ["ready", "link_up"], "{}", agent.stderr());
    assert!(dropped(&folder, "service").is_empty());
}

fn numbered(number: usize) -> Value {
    event("lport", &format!("k{number}"), "set", "v", "D")
}

/// A limit of the reference driver, from its capabilities ("peers with ZMTP heartbeats are disconnected at every
/// beat"): it must stay a limit for that peer only.
fn a_worker_with_heartbeats_is_disconnected_at_each_beat_and_harms_no_other(drivers: Drivers) {
    let Installation { folder, service: _service, mut worker, node } = Installation::new(drivers);
    let _beating = Sender::push_asked(&folder, "beating", &["--heartbeat", "100"]);
    let left = || counter(&folder.status("service"), "ipc", "peers_left");
    until("three disconnections", || (left() >= 3).then_some(()));
    let events: Vec<Value> = (0..500).map(numbered).collect();
    events.iter().for_each(|event| worker.send(event));
    let came: Vec<Value> = node.wait_for_own(events.len()).iter().map(fields).collect();
    assert_eq!(came, events);
    let before = left();
    until("one disconnection more", || (left() > before).then_some(()));
    node.assert_undisturbed();
}
