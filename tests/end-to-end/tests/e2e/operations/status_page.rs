//! The status page in a real Chromium.
#![expect(clippy::indexing_slicing, reason = "a test ends where an expectation fails")]

mod at_a_thousand;
mod contrast;
mod keyboard;
mod screenshot;

use end_to_end::{Folder, Service, Signal, event, fixed_port, until};

use super::browser::Browser;
use super::scene::{Scene, agent_launch, service_launch, wait_until_ready};
use super::stub_program::StubProgram;

/// Opens a page, and waits until it shows the program.
fn open(browser: &Browser, endpoint: &str) {
    browser.open(&format!("{endpoint}/"));
    browser.wait_for_text("#connection", "it is connected", |text| text.starts_with("Connected"));
}

#[test]
fn the_page_shows_both_ends_and_requests_nothing_from_any_other_origin() {
    let scene = Scene::new();
    let browser = Browser::start(&scene.folder);
    for (endpoint, title, peer) in [
        (&scene.at_service, "publisher-service", "live"),
        (&scene.at_agent, "subscriber-agent", scene.service.network()),
    ] {
        open(&browser, endpoint);
        assert_eq!(browser.text("#program"), title);
        browser.wait_for_text("#peers", "the other end is listed", |text| {
            text.contains("fine") && text.contains(peer)
        });
        browser.wait_for_text("#map-summary", "it is counted", |text| text.contains("1 fine"));
        browser.wait_for_text("#checks", "the checks are met", |text| {
            text.contains("is met: ") && !text.contains("is not met")
        });
        let requests = browser.requests();
        assert!(requests.iter().any(|url| url.ends_with("/events")), "{requests:?}");
        // Those of the empty tab with which the browser starts are its own.
        for url in requests.iter().filter(|url| !url.starts_with("chrome://")) {
            assert!(url.starts_with(endpoint.as_str()) || url.starts_with("data:"), "{url}");
        }
        assert_eq!(browser.console(), [""; 0], "no violation of the policy, no error");
    }
}

#[test]
fn a_refused_event_and_a_failing_handler_are_shown_with_their_cause() {
    let folder = Folder::with_settings("[agent]\non_failure = \"skip\"");
    let service = Service::ready(service_launch(&folder).start());
    let agent = agent_launch(&folder, service.address()).set("agent.name", "compute-7");
    let _agent = agent.args(["--exec", "echo broken >&2; exit 3"]).start();
    let (at_service, at_agent) = (folder.operations("service"), folder.operations("agent"));
    wait_until_ready(&at_agent);
    let browser = Browser::start(&folder);
    open(&browser, &at_service);
    assert_eq!(browser.text("#no-losses"), "None.");
    let publish = folder.skimmer(&["pub", "--table", "publisher", "--key", "stranger", "--action", "set"]);
    let _ = publish.args(["--value", "{}"]).run().expect(1);
    browser.wait_for_text("#losses", "the refused event is counted by its cause", |text| {
        text.contains("events dropped") && text.contains("cause reserved_table")
    });
    browser.wait_for_text("#notices", "it is a notice, with the reason", |text| {
        text.contains("refusal") && text.contains("only publisher services publish the directory")
    });
    folder.publish(&[event("lport", "port-1", "create", "{}", "D")]);
    browser.wait_for_text("#peers", "the agent is failing, with the error", |text| {
        text.contains("failing") && text.contains("compute-7") && text.contains("exit status: 3")
    });
    browser.wait_for_text("#notices", "it is a notice", |text| text.contains("compute-7 is failing"));
    open(&browser, &at_agent);
    browser.wait_for_text("#notices", "the agent has it, too", |text| {
        text.contains("handler") && text.contains("exit status: 3")
    });
}

#[test]
fn a_stopped_agent_comes_first_with_its_lag_behind_what_the_others_have_reported() {
    let folder = Folder::new();
    let service = Service::ready(service_launch(&folder).start());
    let agents = ["one", "two", "three"].map(|name| {
        let agent = folder.agent_launch(name, service.address()).args(["--pattern", "#"]);
        agent.set("agent.name", name).start()
    });
    let browser = Browser::start(&folder);
    open(&browser, &folder.operations("service"));
    browser.wait_for_text("#map-summary", "all are fine", |text| text.contains("3 fine"));
    folder.publish(&[event("lport", "port-1", "create", "{}", "D")]);
    until("each has reported the topic", || {
        let listed = folder.skimmer(&["agents", "--json"]);
        let listed =
            listed.set("state_dir", folder.state_dir("service.state").display()).run().expect(0).json();
        let agents = listed["agents"].as_array().cloned().unwrap_or_default();
        agents.iter().all(|agent| agent["topics"] == 1 && agent["lag_events"] == 0).then_some(())
    });
    agents[1].signal(Signal::STOP);
    let more: Vec<_> =
        (0..5).map(|number| event("lport", &format!("more-{number}"), "create", "{}", "D")).collect();
    folder.publish(&more);
    browser.wait_for_text("#peers tr", "the stopped one is first, five events behind", |text| {
        text.contains("two\tlive\t5")
    });
    browser.wait_for_text("#peers tr", "it is slow when reports stay out", |text| text.contains("slow\ttwo"));
    agents[1].signal(Signal::CONT);
    browser.wait_for_text("#map-summary", "all are fine again", |text| text.contains("3 fine"));
}

#[test]
fn the_page_says_that_the_service_is_gone_and_recovers_without_a_reload() {
    let folder = Folder::new();
    let (port, bind) = (fixed_port(), format!("127.0.0.1:{}", fixed_port()));
    let launch = || {
        let service = folder.launch("publisher-service", "service").set("publisher_port", port);
        Service::ready(service.set("service.operations_bind", &bind).start())
    };
    let mut service = launch();
    let agent = folder.agent_launch("agent", service.address()).set("agent.name", "compute-7");
    let _agent = agent.args(["--pattern", "#"]).start();
    let browser = Browser::start(&folder);
    open(&browser, &format!("http://{bind}"));
    browser.script("window.isSamePage = true;");
    browser.wait_for_text("#peers", "the agent is listed", |text| text.contains("compute-7"));
    let pid = format!("process {},", service.pid());
    assert!(browser.text("#identity").contains(&pid), "{}", browser.text("#identity"));

    service.kill();
    browser.wait_for_text("#connection", "it says since when there is no connection", |text| {
        text.contains("No connection to publisher-service since ") && text.contains(" s)")
    });
    assert_eq!(browser.script("return document.getElementById('connection-text').role"), "status");
    drop(service);
    let service = launch();
    browser.wait_for_text("#connection", "it is connected again", |text| text.starts_with("Connected"));
    browser.wait_for_text("#identity", "it shows the new process", |text| {
        text.contains(&format!("process {},", service.pid()))
    });
    browser.wait_for_text("#peers", "the agent reports again", |text| text.contains("compute-7"));
    assert_eq!(browser.script("return window.isSamePage"), true);
}

#[test]
fn names_that_are_markup_stay_text() {
    const NAME: &str = "<img src=x onerror=window.isHacked=1>";
    const TOPIC: &str = "<script>window.isHacked=1</script>";
    let folder = Folder::new();
    let service = Service::ready(service_launch(&folder).start());
    let agent = agent_launch(&folder, service.address()).set("agent.name", NAME).start();
    wait_until_ready(&folder.operations("agent"));
    let browser = Browser::start(&folder);
    let stub = StubProgram::start(1, 0);
    stub.notices.note("gap", &format!("events lost on {TOPIC}: {NAME}"), 3);
    open(&browser, stub.endpoint());
    browser
        .wait_for_text("#notices", "the topic is text", |text| text.contains(TOPIC) && text.contains(NAME));
    open(&browser, &folder.operations("service"));
    browser.wait_for_text("#peers", "the name is text", |text| text.contains(NAME));
    assert!(browser.script("return document.querySelector('#map [title]').title").to_string().contains(NAME));
    assert_eq!(
        browser.script("return document.images.length + document.querySelectorAll('main script').length"),
        0
    );
    assert!(browser.script("return window.isHacked").is_null());
    assert_eq!(browser.console(), [""; 0]);
    // The policy is what stops it, if a script of the page should ever try.
    let refused = browser.script(
        "try { document.body.innerHTML = '<b>x</b>'; return ''; } catch (error) { return error.name; }",
    );
    assert_eq!(refused, "TypeError");
    drop(agent);
}

#[test]
fn a_page_of_an_endpoint_with_a_token_asks_for_it_and_never_has_it_in_an_address() {
    const TOKEN: &str = "0123456789abcdef";
    let folder = Folder::new();
    let token = folder.path().join("token");
    std::fs::write(&token, TOKEN).unwrap_or_default();
    make_secret(&token);
    let service = service_launch(&folder).set("service.operations_token_file", token.display());
    let _service = Service::ready(service.start());
    let endpoint = folder.operations("service");
    let browser = Browser::start(&folder);
    browser.open(&format!("{endpoint}/"));
    let enter = |token: &str| {
        until("the page asks for the token", || {
            (browser.script("return document.activeElement.id") == "token").then_some(())
        });
        let keys: Vec<String> = token.chars().map(String::from).collect();
        browser.press(&keys.iter().map(String::as_str).collect::<Vec<_>>());
        browser.press(&[super::browser::keys::ENTER]);
    };
    enter("another-token-than");
    browser.wait_for_text("#connection", "it is refused", |text| text.contains("not the right one"));
    enter(TOKEN);
    browser.wait_for_text("#connection", "it is connected", |text| text.starts_with("Connected"));
    browser.open(&format!("{endpoint}/"));
    browser.wait_for_text("#connection", "the tab keeps it", |text| text.starts_with("Connected"));
    let requests = browser.requests();
    assert!(!requests.is_empty() && requests.iter().all(|url| !url.contains(TOKEN)), "{requests:?}");
    assert_eq!(browser.script("return localStorage.length"), 0);
}

fn make_secret(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    let made = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600));
    assert!(made.is_ok(), "{made:?}");
}
