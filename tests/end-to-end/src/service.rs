use std::ops::{Deref, DerefMut};

use serde_json::Value;

use crate::Program;

/// A publisher service that is ready.
#[derive(Debug)]
pub struct Service {
    program: Program,
    network: String,
}

impl Service {
    /// Waits for the line `{"ready":true,…}` of a service that was just started.
    ///
    /// # Panics
    /// If it does not arrive.
    #[must_use]
    #[track_caller]
    pub fn ready(program: Program) -> Self {
        let ready = program.wait_for("the ready line", |line| line["ready"] == true);
        let network = ready["network"].as_str().expect("a service publishes somewhere").to_owned();
        Self { program, network }
    }

    /// Its network address: `tcp://127.0.0.1:4711`.
    #[must_use]
    pub fn network(&self) -> &str {
        &self.network
    }

    /// The same as an entry of `publishers_ips`: `127.0.0.1:4711`.
    #[must_use]
    pub fn address(&self) -> &str {
        self.network.split_once("://").map_or(&self.network, |(_, address)| address)
    }
}

impl Deref for Service {
    type Target = Program;

    fn deref(&self) -> &Program {
        &self.program
    }
}

impl DerefMut for Service {
    fn deref_mut(&mut self) -> &mut Program {
        &mut self.program
    }
}

/// The sum of a counter over all causes, in one part of a status document.
#[must_use]
pub fn counter(status: &Value, part: &str, name: &str) -> u64 {
    counters(status, part, name).into_iter().map(|(_, value)| value).sum()
}

/// A counter by cause, in one part of a status document.
#[must_use]
pub fn counters(status: &Value, part: &str, name: &str) -> Vec<(String, u64)> {
    let all = status["parts"][part]["counters"].as_array().cloned().unwrap_or_default();
    let of_name = all.iter().filter(|counter| counter["name"] == name);
    let reading = |counter: &Value| {
        let cause = counter["cause"].as_str().unwrap_or_default().to_owned();
        (cause, counter["value"].as_u64().unwrap_or_default())
    };
    of_name.map(reading).collect()
}
