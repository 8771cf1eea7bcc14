//! Handlers as processes: what they write, what they inherit, and what remains of them.
#![expect(clippy::expect_used, reason = "a test ends where an expectation fails")]

use std::fs;
use std::path::Path;

use end_to_end::{Folder, Program, counter, event, until};
use rustix::process::{Pid, Signal, geteuid, kill_process};
use serde_json::Value;

fn events(count: usize) -> Vec<Value> {
    (0..count).map(|number| event("lport", &number.to_string(), "set", "v", "D")).collect()
}

fn wait_until_handled(folder: &Folder, count: u64) -> Value {
    until(&format!("{count} events are handled"), || {
        let status = folder.status("agent");
        (counter(&status, "handlers", "events_handled") == count).then_some(status)
    })
}

#[test]
fn the_output_of_a_handler_is_logged_within_bounds_and_the_rest_is_counted() {
    let folder = Folder::new();
    let service = folder.service();
    let command = "cat > /dev/null; echo begins; echo fails >&2; yes | head -c 500000; head -c 100000 /dev/zero | tr '\\0' x; echo";
    let agent = folder.agent_launch("agent", service.address()).args(["--exec", command]).start();
    agent.wait_for_notice(0, "subscribed");
    folder.publish(&events(5));
    let status = wait_until_handled(&folder, 5);
    assert_eq!(counter(&status, "handlers", "events_failed"), 0, "{status}");
    until("the rest is counted", || agent.stderr().contains("lines of the command's output").then_some(()));
    let log = agent.stderr();
    assert!(log.contains("begins") && log.contains("fails"), "{log}");
    assert!(log.len() < 200_000, "5 events make a log of {} bytes", log.len());
}

#[test]
fn a_handler_inherits_no_password_and_no_variable_for_systemd() {
    let folder = Folder::with_settings("[drivers.redis]\npassword_env = \"PASSWORD_OF_THE_TEST\"");
    let service = folder.service();
    let environment = folder.path().join("environment");
    let command = format!("cat > /dev/null; env > {}", environment.display());
    let agent = folder.agent_launch("agent", service.address()).args(["--exec", &command]);
    let agent = agent.env("PASSWORD_OF_THE_TEST", "hunter2").env("NOTIFY_SOCKET", "/nowhere");
    let agent = agent.env("WATCHDOG_USEC", "30000000").env("OF_THE_TEST", "stays").start();
    agent.wait_for_notice(0, "subscribed");
    folder.publish(&events(1));
    wait_until_handled(&folder, 1);
    let inherited = fs::read_to_string(environment).expect("the command has run");
    assert!(inherited.contains("OF_THE_TEST=stays"), "{inherited}");
    for taken_out in ["hunter2", "PASSWORD_OF_THE_TEST", "NOTIFY_SOCKET", "WATCHDOG_USEC"] {
        assert!(!inherited.contains(taken_out), "{inherited}");
    }
}

/// The processes whose parent is `parent`, with their states (proc_pid_stat(5)).
fn children(parent: i32) -> Vec<(i32, String)> {
    let entries = fs::read_dir("/proc").expect("Linux");
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    let of_parent = |pid: i32| {
        let stat = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
        let (_, rest) = stat.rsplit_once(')')?;
        let mut fields = rest.split_whitespace();
        let state = fields.next()?.to_owned();
        (fields.next()?.parse() == Ok(parent)).then_some((pid, state))
    };
    pids.filter_map(of_parent).collect()
}

fn number_of(program: &Program) -> i32 {
    program.pid().try_into().expect("a number")
}

#[test]
fn as_process_1_of_a_container_the_agent_reaps_orphans_of_handlers_and_keeps_the_status_of_each_handler() {
    const EVENTS: usize = 40;
    let folder = Folder::new();
    let service = folder.service();
    // Each run leaves two orphans, one of which ends later than the agent's look at its own child.
    let command = "cat > /dev/null; (sleep 0.2 & sleep 0 &)";
    let own = if geteuid().is_root() { vec!["--pid"] } else { vec!["--pid", "--user", "--map-root-user"] };
    let wrapper = [&own[..], &["--fork", "--mount-proc", "--kill-child"]].concat();
    let agent = folder.agent_launch("agent", service.address()).args(["--exec", command]);
    let agent = agent.under("unshare", &wrapper).start();
    agent.wait_for_notice(0, "subscribed");
    let (process_1, _) = until("the agent has a number", || children(number_of(&agent)).pop());
    folder.publish(&events(EVENTS));
    let status = wait_until_handled(&folder, EVENTS as u64);
    assert_eq!(counter(&status, "handlers", "events_failed"), 0, "{}", agent.stderr());
    until("nothing is left of what handlers started", || {
        let left = children(process_1);
        left.is_empty().then_some(())
    });
    let pid = Pid::from_raw(process_1).expect("a number");
    kill_process(pid, Signal::TERM).expect("it runs");
    until("it ends", || kill_process(pid, Signal::CONT).err());
}
