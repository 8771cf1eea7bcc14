use bench_kit::cannot;
use pubsub_api::Result;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, BufReader, Lines, Stdin};

/// What the bench orders a process of a run to do: JSON lines on its stdin. At their end, the process ends.
#[derive(Debug)]
pub(crate) struct Orders(Lines<BufReader<Stdin>>);

impl Orders {
    pub(crate) fn new() -> Self {
        Self(BufReader::new(tokio::io::stdin()).lines())
    }

    /// Waits for the next order; `None` at the end.
    ///
    /// # Errors
    /// If it is no order of this kind.
    pub(crate) async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>> {
        let line = self.0.next_line().await.map_err(cannot("read an order"))?;
        line.map(|line| serde_json::from_str(&line).map_err(cannot(format!("do {line}")))).transpose()
    }

    /// Waits for the end.
    pub(crate) async fn end(&mut self) -> Result<()> {
        while self.next::<serde_json::Value>().await?.is_some() {}
        Ok(())
    }
}
