use std::path::Path;

use bench_kit::{ChildProcess, cannot, failure};
use pubsub_api::Result;
use serde::Serialize;
use serde_json::Value;
use tokio::io::AsyncWriteExt;

/// A process of a run, which plays a [role](crate::role::Role): this program, started again.
#[derive(Debug)]
pub(crate) struct Player(ChildProcess);

impl Player {
    /// Starts a role with its arguments. `name` is unique within a run.
    pub(crate) fn start(name: &str, folder: &Path, role: &str, arguments: &[(&str, String)]) -> Result<Self> {
        let named = arguments.iter().flat_map(|(name, value)| [format!("--{name}"), value.clone()]);
        let arguments: Vec<String> = std::iter::once(role.to_owned()).chain(named).collect();
        ChildProcess::start_own(name, folder, &arguments).map(Self)
    }

    /// Waits at most 20 s for the line with this field, and returns the line.
    pub(crate) async fn line(&mut self, field: &str) -> Result<Value> {
        self.0.expect_line(|line| line.get(field).is_some()).await
    }

    /// Waits for the line with this field, and returns that as text.
    pub(crate) async fn text(&mut self, field: &str) -> Result<String> {
        let line = self.line(field).await?;
        let text = line.get(field).and_then(Value::as_str).map(str::to_owned);
        text.ok_or_else(|| failure(format!("{field} is not text: {line}")))
    }

    /// Orders something.
    pub(crate) async fn order(&mut self, order: &impl Serialize) -> Result<()> {
        let line = serde_json::to_string(order).map_err(cannot("write an order"))?;
        let Some(stdin) = self.0.stdin.as_mut() else { return Err(failure("the stdin of a role is closed")) };
        stdin.write_all(format!("{line}\n").as_bytes()).await.map_err(cannot("order something"))?;
        stdin.flush().await.map_err(cannot("order something"))
    }

    /// Kills it with SIGKILL.
    pub(crate) async fn kill(self) -> Result<()> {
        self.0.kill().await
    }

    /// Waits until it has ended, after the end of its orders.
    pub(crate) async fn end(mut self) -> Result<()> {
        self.0.ended().await
    }
}

/// The number in a field of a line.
pub(crate) fn number(line: &Value, field: &str) -> Result<f64> {
    let number = line.get(field).and_then(Value::as_f64);
    number.ok_or_else(|| failure(format!("a line lacks the number {field}: {line}")))
}
