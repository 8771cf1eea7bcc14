use std::time::Duration;

use bench_kit::ChildProcess;
use serde_json::Value as Json;
use tokio::io::{BufReader, Lines};
use tokio::process::ChildStdout;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::hosts::Rows;

/// The table that the lines of `skimmer dse subscribe` describe, and what was in them.
#[derive(Debug, Clone, Default)]
pub(super) struct Shown {
    pub(super) rows: Rows,
    pub(super) is_live: bool,
    pub(super) snapshots: usize,
    pub(super) changes: usize,
    pub(super) changed_rows: usize,
    /// Rows that were changed or removed and were not there, or were added and were there.
    pub(super) contradictions: usize,
}

/// Reads the output of the node that shows the table.
pub(super) struct Viewer {
    shown: watch::Receiver<Shown>,
    task: Option<JoinHandle<()>>,
}

impl Shown {
    fn apply(&mut self, line: &Json) {
        match line["event"].as_str().unwrap_or_default() {
            "snapshot" => {
                self.snapshots += 1;
                self.rows = list(line, "rows").iter().map(|row| (name(row), row.clone())).collect();
            }
            "change" => self.change(line),
            "live" => self.is_live = true,
            "stale" => self.is_live = false,
            "gone" => (self.rows, self.is_live) = (Rows::new(), false),
            _ => {}
        }
    }

    fn change(&mut self, line: &Json) {
        self.changes += 1;
        for row in list(line, "removed") {
            self.contradictions += usize::from(self.rows.remove(&name(row)).as_ref() != Some(row));
            self.changed_rows += 1;
        }
        for pair in list(line, "changed") {
            let before = self.rows.insert(name(&pair[1]), pair[1].clone());
            self.contradictions += usize::from(before.as_ref() != Some(&pair[0]));
            self.changed_rows += 1;
        }
        for row in list(line, "added") {
            self.contradictions += usize::from(self.rows.insert(name(row), row.clone()).is_some());
            self.changed_rows += 1;
        }
    }
}

impl Viewer {
    pub(super) fn start(viewer: &mut ChildProcess) -> Self {
        let (sender, shown) = watch::channel(Shown::default());
        let task = viewer.lines.take().map(|lines| tokio::spawn(read(lines, sender)));
        Self { shown, task }
    }

    /// Waits until the shown table is as wanted, and returns how long it took; `None` if it was not in time.
    pub(super) async fn wait_for(
        &mut self,
        patience: Duration,
        wanted: impl FnMut(&Shown) -> bool,
    ) -> Option<Duration> {
        let began = Instant::now();
        let waited = timeout(patience, self.shown.wait_for(wanted)).await;
        matches!(waited, Ok(Ok(_))).then(|| began.elapsed())
    }

    /// Waits until all output is read, and returns the table.
    pub(super) async fn end(self) -> Shown {
        if let Some(task) = self.task {
            // A panic of the reader leaves the table as it was: the comparison shows that.
            let _ = task.await;
        }
        self.shown.borrow().clone()
    }
}

async fn read(mut lines: Lines<BufReader<ChildStdout>>, shown: watch::Sender<Shown>) {
    while let Ok(Some(line)) = lines.next_line().await {
        if let Ok(line) = serde_json::from_str(&line) {
            shown.send_modify(|shown| shown.apply(&line));
        }
    }
}

fn list<'a>(line: &'a Json, what: &str) -> &'a [Json] {
    line.get(what).and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn name(row: &Json) -> String {
    row["name"].as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Shown;

    #[test]
    fn a_line_that_contradicts_the_rows_is_counted() {
        let mut shown = Shown::default();
        let row = |n| json!({"name": "a", "n": n});
        shown.apply(&json!({"event": "snapshot", "rows": [row(1)]}));
        shown.apply(&json!({"event": "change", "added": [], "changed": [[row(1), row(2)]], "removed": []}));
        assert_eq!((shown.contradictions, &shown.rows["a"]), (0, &row(2)));
        shown.apply(&json!({"event": "change", "added": [row(3)], "changed": [], "removed": []}));
        shown.apply(&json!({"event": "change", "added": [], "changed": [[row(1), row(4)]], "removed": []}));
        assert_eq!(shown.contradictions, 2);
    }
}
