use std::collections::BTreeMap;

use end_to_end::{Folder, until};
use serde_json::json;

use super::open;
use crate::operations::browser::Browser;
use crate::operations::stub_program::StubProgram;

const AGENTS: usize = 1000;

/// The agents that differ at each reading.
const MOVING: usize = 10;

/// The readings that are looked at.
const UPDATES: u64 = 5;

/// What the browser has counted since the page was opened.
fn counts(browser: &Browser) -> BTreeMap<String, f64> {
    browser.devtools("Performance.enable", &json!({}));
    let metrics = browser.devtools("Performance.getMetrics", &json!({}));
    let metrics = metrics["metrics"].as_array().cloned().unwrap_or_default();
    let one = |metric: &serde_json::Value| {
        (metric["name"].as_str().unwrap_or_default().to_owned(), metric["value"].as_f64().unwrap_or_default())
    };
    metrics.iter().map(one).collect()
}

/// The changes of the document under an element over some updates, for each of them.
fn changes_per_update(browser: &Browser, stub: &StubProgram, element: &str) -> f64 {
    browser.script(&format!(
        "window.changes = 0; window.observer?.disconnect();
         window.observer = new MutationObserver((list) => window.changes += list.length); window.observer.observe(
             document.querySelector({element:?}), {{ subtree: true, childList: true, attributes: true, characterData: true }});"
    ));
    let before = stub.readings();
    until("some updates have arrived", || (stub.readings() >= before + UPDATES).then_some(()));
    let updates = stub.readings() - before;
    let changes = browser.script("return window.changes").as_f64().unwrap_or(f64::INFINITY);
    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    let updates = updates as f64;
    changes / updates
}

#[test]
fn at_a_thousand_agents_an_update_changes_only_what_differs() {
    let (folder, stub) = (Folder::new(), StubProgram::start(AGENTS, MOVING));
    let browser = Browser::start(&folder);
    open(&browser, stub.endpoint());
    let cells = || browser.script("return document.getElementById('map').children.length");
    until("all agents are in the map", || (cells() == AGENTS).then_some(()));
    assert_eq!(
        browser.script("return document.querySelectorAll('#peers tr').length"),
        50,
        "a page of the table"
    );
    assert!(browser.text("#map-summary").contains("990 fine"), "{}", browser.text("#map-summary"));

    let first = counts(&browser);
    // Two numbers of each, and its place does not change.
    let in_table = changes_per_update(&browser, &stub, "#peers");
    assert!(in_table > 0.0, "the numbers of the slow ones are updated");
    assert!(in_table <= (4 * MOVING) as f64, "{in_table} changes of the table at each update");
    let in_map = changes_per_update(&browser, &stub, "#map");
    assert_eq!(in_map, 0.0, "a cell has no numbers");
    let whole = changes_per_update(&browser, &stub, "main");
    assert!(whole <= 200.0, "{whole} changes of the page at each update");

    let last = counts(&browser);
    let grown = |name: &str| last[name] - first[name];
    assert!(grown("Nodes") < 2000.0, "{} more nodes", grown("Nodes"));
    // At most one layout and one calculation of styles for each change of the document that was looked at, and not one for each agent.
    assert!(grown("LayoutCount") < 200.0, "{} layouts", grown("LayoutCount"));
    assert!(grown("RecalcStyleCount") < 400.0, "{} calculations of styles", grown("RecalcStyleCount"));

    stub.move_agents(0);
    browser.wait_for_text("#map-summary", "all are fine again", |text| text.contains("1000 fine"));
}
