use end_to_end::{Folder, until};

use super::open;
use crate::operations::browser::{Browser, keys};
use crate::operations::stub_program::StubProgram;

fn focused(browser: &Browser) -> String {
    let script = "const one = document.activeElement; return one.id || one.textContent || one.tagName";
    browser.script(script).as_str().unwrap_or_default().to_owned()
}

/// Presses Tab until the focus is there.
#[track_caller]
fn tab_to(browser: &Browser, wanted: &str) {
    let is_there = (0..40).any(|_| {
        browser.press(&[keys::TAB]);
        focused(browser) == wanted
    });
    assert!(is_there, "Tab does not lead to {wanted}: {}", focused(browser));
}

fn first_row(browser: &Browser) -> String {
    browser.text("#peers tr")
}

#[test]
fn everything_is_reached_sorted_filtered_and_looked_up_by_keyboard_alone() {
    let (folder, stub) = (Folder::new(), StubProgram::start(120, 2));
    let browser = Browser::start(&folder);
    open(&browser, stub.endpoint());
    until("slow ones are first", || first_row(&browser).contains("slow").then_some(()));
    stub.move_agents(0);
    until("all are fine", || first_row(&browser).contains("fine").then_some(()));

    browser.press(&[keys::TAB]);
    assert_eq!(focused(&browser), "Skip to the table of peers");
    browser.press(&[keys::ENTER]);
    browser.press(&[keys::TAB]);
    until("the link leads to the table", || (focused(&browser) == "peers-after").then_some(()));
    browser.press(&[keys::ENTER]);
    assert_eq!(browser.text("#peers-shown"), "51–100 of 120");

    tab_to(&browser, "condition ▼");
    browser.press(&[keys::RIGHT, keys::ENTER]);
    assert_eq!(focused(&browser), "name ▲");
    assert!(first_row(&browser).contains("compute-0"), "{}", first_row(&browser));
    browser.press(&[keys::ENTER]);
    assert!(
        first_row(&browser).contains("compute-119"),
        "numbers are compared as such: {}",
        first_row(&browser)
    );
    let sorted = browser.script("return document.querySelector('[aria-sort]').ariaSort");
    assert_eq!(sorted, "descending");
    browser.press(&[keys::LEFT, keys::ENTER]);
    assert_eq!(focused(&browser), "condition ▼");

    browser.script(
        "document.getElementById('upstream').tabIndex = -1; document.getElementById('upstream').focus()",
    );
    tab_to(&browser, "map");
    browser.press(&[keys::HOME, keys::RIGHT, keys::RIGHT]);
    let active = browser.script(
        "const map = document.getElementById('map'); \
         return document.getElementById(map.getAttribute('aria-activedescendant')).getAttribute('aria-label')",
    );
    assert_eq!(active, "compute-2: fine, live");
    assert_eq!(browser.text("#map-active"), "compute-2: fine, live");
    browser.press(&[keys::ENTER]);
    assert_eq!(focused(&browser), "peer-filter");
    assert_eq!(browser.script("return document.getElementById('peer-filter').value"), "compute-2");
    browser.press(&["0"]);
    browser.wait_for_text("#peers-shown", "one is called compute-20", |text| text == "1–1 of 1");
}
