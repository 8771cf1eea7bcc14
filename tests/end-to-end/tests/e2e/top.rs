//! `skimmer top` in a terminal, and as text.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test ends where an expectation fails")]

mod screen;
mod terminal;

use end_to_end::{Folder, Launch, Program, Service, Signal, event, fixed_port, until};

use terminal::Terminal;

/// An agent that is live, and applies everything.
fn agent(folder: &Folder, service: &Service) -> Program {
    let launch = folder.agent_launch("agent", service.address()).args(["--pattern", "#"]);
    let agent = launch.set("agent.name", "compute-7").start();
    agent.wait_for_notice(0, "live");
    agent
}

fn top(folder: &Folder) -> Launch {
    folder
        .skimmer(&["top", "--interval", "200ms"])
        .set("state_dir", folder.state_dir("service.state").display())
}

/// The row that begins with this word.
fn row(lines: &[String], word: &str) -> Option<Vec<String>> {
    let line = lines.iter().find(|line| line.starts_with(word))?;
    Some(line.split_whitespace().map(str::to_owned).collect())
}

#[test]
fn an_agent_that_is_stopped_is_shown_as_slow_and_the_terminal_is_restored() {
    let folder = Folder::new();
    let service = folder.service();
    let agent = agent(&folder, &service);
    let mut terminal = Terminal::start(top(&folder), (80, 24));
    let live = terminal.wait_for("the agent", |lines| row(lines, "compute-7").filter(|row| row[1] == "live"));
    assert_eq!(live[2..4], ["0", "0s"], "{live:?}");
    folder.publish(&[event("lport", "port-1", "set", "1", "D")]);
    // Events count as missing on the topics that an agent has reported.
    until("the agent has reported the topic", || {
        let agents = folder.skimmer(&["agents", "--json"]);
        let agents = agents.set("state_dir", folder.state_dir("service.state").display()).run().expect(0);
        (agents.json()["agents"][0]["topics"] == 1).then_some(())
    });
    agent.signal(Signal::STOP);
    folder.publish(&[event("lport", "port-1", "set", "2", "D")]);
    terminal.wait_for("an agent that is behind for longer and longer", |lines| {
        let row = row(lines, "compute-7")?;
        (row[2] == "1" && !["0s", "1s", "2s"].contains(&row[3].as_str())).then_some(())
    });
    terminal.wait_for("the rates", |lines| row(lines, "publisher-service").filter(|row| row[1] == "runs"));
    agent.signal(Signal::CONT);
    terminal.wait_for("an agent that applies everything", |lines| {
        row(lines, "compute-7").filter(|row| row[2..4] == ["0", "0s"])
    });
    terminal.type_keys("h");
    terminal
        .wait_for("the help", |lines| lines.iter().any(|line| line.contains("sort agents by")).then_some(()));
    terminal.type_keys("q");
    terminal.assert_restored();
}

#[test]
fn a_service_that_goes_away_and_comes_back_is_shown_and_a_signal_restores_the_terminal() {
    let (folder, port) = (Folder::new(), fixed_port());
    let mut service = folder.service_at(port);
    let mut terminal = Terminal::start(top(&folder), (80, 24));
    let state = |lines: &[String], word: &str| {
        row(lines, "publisher-service").filter(|row| row[1] == word).map(|_| ())
    };
    terminal.wait_for("a service that runs", |lines| state(lines, "runs"));
    service.kill();
    terminal.wait_for("a service that is gone", |lines| state(lines, "gone"));
    let _service = folder.service_at(port);
    terminal.wait_for("a service that runs again", |lines| state(lines, "runs"));
    terminal.signal(Signal::TERM);
    terminal.assert_restored();
}

#[test]
fn a_screen_that_becomes_smaller_is_drawn_again() {
    let folder = Folder::new();
    let _service = folder.service();
    let mut terminal = Terminal::start(top(&folder), (100, 30));
    terminal.wait_for("the keys", |lines| lines.first()?.contains("q quit").then_some(()));
    terminal.resize((40, 8));
    terminal.wait_for("a narrow title", |lines| (!lines.first()?.contains("q quit")).then_some(()));
    terminal.type_keys("\u{3}");
    terminal.assert_restored();
}

#[test]
fn without_a_terminal_one_frame_is_printed_as_text() {
    let folder = Folder::new();
    let service = folder.service();
    let _agent = agent(&folder, &service);
    let frame = until("the agent has reported", || {
        let frame = top(&folder).run().expect(0).stdout;
        frame.contains("compute-7").then_some(frame)
    });
    assert!(frame.contains("publisher-service") && frame.contains("no losses"), "{frame}");
    assert!(!frame.contains('\u{1b}'), "{frame:?}");
    let nobody = folder.skimmer(&["top", "--once", "--interval", "100ms"]).run().expect(69);
    let _ = nobody.says(&["replies in state_dir"]);
}
