use std::collections::BTreeMap;

use end_to_end::{event, until};
use interop::{Sender, WrongInput, map, prove, wrong_input};

use crate::cases::{Case, cases};
use crate::drivers::Drivers;
use crate::installation::{dropped, events_of};

pub(crate) const CASES: &[Case] = cases![
    wrong_input_of_a_foreign_publisher_is_counted_by_cause_and_the_link_stays,
    what_is_no_hello_proves_no_link,
    what_is_wrong_at_one_publisher_does_not_touch_the_link_to_another,
];

fn wrong_input_of_a_foreign_publisher_is_counted_by_cause_and_the_link_stays(drivers: Drivers) {
    let folder = drivers.folder();
    let mut publisher = Sender::publisher(&folder, "pub");
    let agent = folder.agent_launch("agent", publisher.address()).args(["--pattern", "#"]).start();
    prove(&mut publisher, "D", &agent);
    let mut counted: BTreeMap<String, u64> = BTreeMap::new();
    let cases = wrong_input();
    for (number, WrongInput { what, frames, cause }) in cases.iter().enumerate() {
        publisher.send_frames(frames);
        let key = format!("after-{number}");
        publisher.send_map(&map(&key, b"\xa1v"));
        agent.wait_for(&format!("the event after {what}"), |line| line["key"] == key.as_str());
        *counted.entry((*cause).to_owned()).or_default() += 1;
        assert_eq!(dropped(&folder, "agent"), counted, "{what} is counted as {cause}");
    }
    assert_eq!(events_of(&agent, cases.len()).len(), cases.len(), "nothing wrong was delivered");
    assert_eq!(agent.notices(), ["ready", "link_up"]);
    assert!(agent.events().iter().all(|event| event["action"] != "sync"));
}

fn what_is_no_hello_proves_no_link(drivers: Drivers) {
    let folder = drivers.folder();
    let mut publisher = Sender::publisher(&folder, "pub");
    let agent = folder.agent_launch("agent", publisher.address()).start();
    prove(&mut publisher, "D", &agent);
    // The agent places `$hello` last: what comes before it is there is filtered.
    until("both counted", || {
        publisher.send_frames(&[&b"$hello"[..], b"junk"]);
        publisher.send_frames(&[&b"$hello"[..], &map("hello", b"\xc0")]);
        let causes: Vec<String> = dropped(&folder, "agent").into_keys().collect();
        (causes == ["not_a_map", "topic_mismatch"]).then_some(())
    });
    assert_eq!(agent.notices(), ["ready", "link_up"]);
}

fn what_is_wrong_at_one_publisher_does_not_touch_the_link_to_another(drivers: Drivers) {
    let folder = drivers.folder();
    let mut wrong = Sender::publisher(&folder, "wrong");
    let mut good = Sender::publisher(&folder, "good");
    let addresses = format!("{},{}", wrong.address(), good.address());
    let agent = folder.agent_launch("agent", &addresses).start();
    prove(&mut wrong, "D", &agent);
    prove(&mut good, "D", &agent);
    let cases = wrong_input();
    for (number, case) in cases.iter().enumerate() {
        wrong.send_frames(&case.frames);
        good.send(&event("lport", &format!("good-{number}"), "set", "v", "D"));
    }
    assert_eq!(events_of(&agent, cases.len()).len(), cases.len());
    assert_eq!(agent.notices().iter().filter(|name| *name == "link_down").count(), 0);
}
