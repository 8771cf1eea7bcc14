use bench_kit::failure;
use pubsub_api::Result;
use serde_json::{Value, json};

use crate::player::number;

/// What all nodes of a run report. The first node is the seed.
#[derive(Debug)]
pub(crate) struct Totals {
    pub(crate) nodes: usize,
    /// The time until the last node knew all others and their services.
    pub(crate) seconds: f64,
    members: Vec<Value>,
}

impl Totals {
    pub(crate) fn new(nodes: usize) -> Self {
        Self { nodes, seconds: 0.0, members: Vec::new() }
    }

    /// Adds what one process reports.
    pub(crate) fn add(&mut self, line: &Value) -> Result<()> {
        let Some(members) = line.get("complete").and_then(Value::as_array) else {
            return Err(failure(format!("no members in {line}")));
        };
        for member in members {
            self.seconds = self.seconds.max(number(member, "seconds")?);
            self.members.push(member.clone());
        }
        Ok(())
    }

    /// The mean of a figure over all nodes.
    pub(crate) fn mean(&self, figure: &str) -> f64 {
        self.of(figure).sum::<f64>() / self.nodes.max(1) as f64
    }

    /// The highest value of a figure.
    pub(crate) fn most(&self, figure: &str) -> f64 {
        self.of(figure).fold(0.0, f64::max)
    }

    fn of(&self, figure: &str) -> impl Iterator<Item = f64> {
        self.members.iter().filter_map(move |member| member.get(figure)?.as_f64())
    }

    /// The number of nodes that did not know all others in time.
    pub(crate) fn incomplete(&self) -> f64 {
        self.of("incomplete").sum()
    }

    pub(crate) fn to_json(&self) -> Value {
        let of_seed = |figure| self.of(figure).next();
        let figures = |figure| json!({"mean": self.mean(figure).round(), "most": self.most(figure), "seed": of_seed(figure)});
        json!({
            "nodes": self.nodes,
            "incomplete": self.incomplete(),
            "seconds": self.seconds,
            "seconds_mean": self.mean("seconds"),
            "bytes_sent": figures("sent"),
            "bytes_received": figures("received"),
            "packets_received": figures("packets"),
        })
    }
}
