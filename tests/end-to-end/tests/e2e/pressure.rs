//! What the programs do when a reader does not read what they send.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use end_to_end::{Folder, Signal, event, until};
use rustix::process::{Pid, kill_process};

#[test]
fn a_paused_agent_does_not_affect_the_others_even_with_more_events_than_any_queue_holds() {
    // More than a queue of events holds anywhere on the way.
    const EVENTS: usize = 110_000;
    let folder = Folder::new();
    let service = folder.service();
    let stopped = folder.subscribed_agent("stopped", &service);
    let counting = |name: &str| {
        let agent = folder.agent_launch(name, service.address()).args(["--output", "none"]).start();
        agent.wait_for_notice(0, "subscribed");
        agent
    };
    let _others = [counting("one"), counting("two")];
    stopped.signal(Signal::STOP);
    let events: Vec<_> = (0..EVENTS).map(|n| event("t", &n.to_string(), "set", "v", "D")).collect();
    folder.publish(&events);
    for name in ["one", "two"] {
        until("everything at the others", || {
            let applied = end_to_end::counter(&folder.status(name), "agent", "events_applied");
            (applied == EVENTS as u64).then_some(())
        });
    }
    let status = folder.status("service");
    assert_eq!(end_to_end::counter(&status, "service", "events_published"), EVENTS as u64);
    stopped.signal(Signal::CONT);
}

#[test]
fn sigterm_ends_an_agent_with_a_stuck_handler_and_reports_it() {
    let folder = Folder::with_settings("[agent]\ndrain_timeout = \"500ms\"\nhandler_queue_events = 1");
    let service = folder.service();
    let agent = folder.agent_launch("agent", service.address()).args(["--exec", "sleep 600"]);
    let mut agent = agent.start();
    agent.wait_for_notice(0, "subscribed");
    let events: Vec<_> = (0..10).map(|n| event("t", &n.to_string(), "set", "v", "D")).collect();
    folder.publish(&events);
    // One is in the handler's hands, one waits, and with the third the agent itself waits.
    agent.wait_for_events(1);
    agent.signal(Signal::TERM);
    assert_eq!(agent.wait_for_end().code(), Some(69), "{}", agent.stderr());
    assert!(agent.stderr().contains("agent.drain_timeout"), "{}", agent.stderr());
}

#[test]
fn a_service_whose_reader_has_gone_handles_signals_and_exits_with_success() {
    let folder = Folder::new();
    let state_dir = folder.state_dir("piped.state");
    let mut service = Command::new(end_to_end::binary("publisher-service"))
        .args(["--config".as_ref(), folder.config().as_os_str()])
        .args(["--set", &format!("state_dir={}", state_dir.display())])
        .env_remove("SKIMMER_BIN_DIR")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the service starts");
    let mut ready = String::new();
    BufReader::new(service.stdout.take().expect("piped")).read_line(&mut ready).expect("a line");
    assert!(ready.starts_with("{\"ready\":true"), "{ready}");
    let pid = Pid::from_child(&service);
    kill_process(pid, Signal::USR1).expect("it runs");
    folder.publish(&[event("t", "k", "set", "v", "D")]);
    assert!(service.try_wait().expect("a child").is_none(), "it lives on");
    kill_process(pid, Signal::TERM).expect("it runs");
    let status = until("the service's end", || service.try_wait().expect("a child"));
    assert_eq!(status.code(), Some(0));
}
