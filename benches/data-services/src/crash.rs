//! The end of a publisher by SIGKILL, and what its subscriber notices.

mod watcher;

use std::collections::BTreeMap;
use std::time::Instant;

use bench_kit::{Scratch, Spread, table};
use pubsub_api::Result;
use serde_json::{Value, json};
use service_kit::report;

pub(crate) use watcher::Watcher;

use crate::options::Arguments;
use crate::player::Player;

/// What the subscriber notices, in the order in which it does.
const NOTICES: [(&str, &str); 3] = [
    ("stale", "its rows are reported as stale"),
    ("unavailable", "a call to it that waits fails"),
    ("down", "its node is down"),
];

pub(crate) async fn measure(arguments: &Arguments) -> Result<Value> {
    let mut times: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for _ in 0..arguments.runs {
        for (notice, ms) in kill_one().await? {
            times.entry(notice).or_default().push(ms);
        }
    }
    let spread = |notice: &str| Spread::of(times.get(notice).cloned().unwrap_or_default());
    let rows = NOTICES.map(|(notice, what)| {
        let Spread { median, least, most } = spread(notice);
        let text = |ms: Option<f64>| format!("{:.0}", ms.unwrap_or_default());
        vec![what.to_owned(), text(median), text(least), text(most)]
    });
    report(format_args!(
        "{}",
        table(["ms after a SIGKILL of the publisher", "median", "least", "most"], rows, 0)
    ));
    let named = NOTICES.map(|(notice, _)| (notice.to_owned(), json!(spread(notice))));
    Ok(json!({"runs": arguments.runs, "ms": Value::Object(named.into_iter().collect())}))
}

/// Kills a publisher; returns the notices of its subscriber, each with the time since then in ms.
async fn kill_one() -> Result<BTreeMap<String, f64>> {
    let folder = Scratch::new("data-services-bench")?;
    let rows = [("rows", "1000".to_owned())];
    let mut publisher = Player::start("publisher", folder.path(), "publisher", &rows)?;
    let seed = publisher.text("ready").await?;
    let mut watcher = Player::start("watcher", folder.path(), "watcher", &[("seed", seed)])?;
    while watcher.text("notice").await? != "live" {}
    let killed = Instant::now();
    publisher.kill().await?;
    let mut notices = BTreeMap::new();
    while notices.len() < NOTICES.len() {
        let notice = watcher.text("notice").await?;
        notices.insert(notice, killed.elapsed().as_secs_f64() * 1000.0);
    }
    watcher.end().await?;
    Ok(notices)
}
