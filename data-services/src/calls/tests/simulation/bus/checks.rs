use serde_json::json;

use super::Bus;
use crate::calls::tests::simulation::call_record::CallRecord;

/// What is promised of every history.
impl Bus {
    /// Checks what is promised of every history.
    pub(in crate::calls::tests::simulation) fn check(&self) {
        let seed = self.seed;
        for (tag, call) in &self.calls {
            call.check(&format!("seed {seed}, call {tag}"), &json!(tag * 10));
        }
        self.check_memory();
    }

    fn check_memory(&self) {
        let seed = self.seed;
        for (place, node) in self.nodes.iter().enumerate() {
            assert!(node.caller.is_empty(), "seed {seed}: node {place} keeps {:?}", node.caller);
            assert!(node.callee.is_empty(), "seed {seed}: node {place} keeps {:?}", node.callee);
        }
    }

    /// Checks what is promised of calls with keys.
    pub(in crate::calls::tests::simulation) fn check_keys(&self) {
        for (tag, call) in &self.calls {
            let (name, first) = (format!("seed {}, call {tag}", self.seed), self.keys.first_of(*tag));
            call.check_keyed(&name, self.calls[&first].runs, &json!(first * 10));
        }
        self.check_memory();
    }

    /// The calls that had 14 s beyond the work of their methods and were not cancelled: whether each succeeded.
    pub(in crate::calls::tests::simulation) fn patient_calls(&self) -> Vec<bool> {
        self.calls.values().filter(|call| call.is_patient()).map(CallRecord::has_succeeded).collect()
    }
}
