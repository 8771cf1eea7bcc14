use std::time::Duration;

use end_to_end::{Folder, Service, event, until};
use serde_json::json;

use super::open;
use crate::operations::agent_crowd::AgentCrowd;
use crate::operations::browser::Browser;
use crate::operations::scene::service_launch;

const IMAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/images");

/// The agents of the image.
const AGENTS: usize = 100;

/// The largest image, in bytes.
const MAX_IMAGE_BYTES: usize = 300_000;

#[test]
#[ignore = "it writes docs/images, and takes two minutes"]
fn the_screenshots_of_the_documentation_are_made_with_a_hundred_agents() {
    let folder = Folder::new();
    let service = service_launch(&folder).set("publisher_id", "api-1");
    let service = Service::ready(service.start());
    let crowd = AgentCrowd::start(&folder, &service, AGENTS);
    let browser = Browser::start(&folder);
    open(&browser, &folder.operations("service"));
    browser.wait_for_text("#map-summary", "all agents are fine", |text| {
        text.contains(&format!("{AGENTS} fine"))
    });
    crowd.end(33);

    let mut worker = folder.worker("worker");
    let mut number = 0;
    let mut publish = |times: usize| {
        for _ in 0..times {
            number += 1;
            let (table, key) = (if number % 40 == 0 { "alarm" } else { "lport" }, format!("port-{number}"));
            worker.write_line(&event(table, &key, "set", "{}", "D").to_string());
        }
    };
    until("the agent that has ended is silent", || {
        publish(3);
        browser.text("#map-summary").contains("1 stale").then_some(())
    });
    let reserved = folder.skimmer(&["pub", "--table", "publisher", "--key", "stranger", "--action", "set"]);
    let _ = reserved.args(["--value", "{}"]).run().expect(1);
    browser.wait_for_text("#losses", "a loss", |text| text.contains("reserved_table"));
    for seconds in 0..60 {
        publish(20 + 10 * (seconds % 7));
        #[expect(clippy::disallowed_methods, reason = "a plot of rates needs time")]
        std::thread::sleep(Duration::from_secs(1));
    }
    for scheme in ["light", "dark"] {
        browser.prefer(scheme);
        let height = browser.script("scrollTo(0, 0); return document.documentElement.scrollHeight");
        let clip = json!({ "x": 0, "y": 0, "width": 1280, "height": height, "scale": 0.75 });
        let taken = browser
            .devtools("Page.captureScreenshot", &json!({ "captureBeyondViewport": true, "clip": clip }));
        let image = decoded(taken["data"].as_str().unwrap_or_default());
        assert!((10_000..MAX_IMAGE_BYTES).contains(&image.len()), "{} bytes", image.len());
        let name = if scheme == "light" { "status-page.png" } else { "status-page-dark.png" };
        let written =
            std::fs::create_dir_all(IMAGES).and_then(|()| std::fs::write(format!("{IMAGES}/{name}"), image));
        assert!(written.is_ok(), "{written:?}");
    }
}

/// The bytes of base64 (RFC 4648) as the browser writes it.
fn decoded(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let value = |digit: &u8| {
        DIGITS.iter().position(|known| known == digit).and_then(|place| u32::try_from(place).ok())
    };
    let mut bytes = Vec::new();
    for four in text.as_bytes().chunks(4) {
        let bits = four.iter().fold(0, |bits, digit| bits << 6 | value(digit).unwrap_or(0));
        let padding = four.iter().filter(|digit| **digit == b'=').count();
        bytes.extend(bits.to_be_bytes().into_iter().skip(1).take(3 - padding));
    }
    bytes
}
