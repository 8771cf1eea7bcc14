use pubsub_api::{Batch, Counter};

/// Lends a batch to the network's driver, and counts what left it when that is over, however it ends: events that were
/// accepted before a defect are published and counted.
#[derive(Debug)]
pub(super) struct Accepted<'a> {
    pub(super) batch: &'a mut Batch,
    before: usize,
    published: &'a Counter,
}

impl<'a> Accepted<'a> {
    pub(super) fn of(batch: &'a mut Batch, published: &'a Counter) -> Self {
        let before = batch.len();
        Self { batch, before, published }
    }
}

impl Drop for Accepted<'_> {
    fn drop(&mut self) {
        let accepted = self.before.saturating_sub(self.batch.len());
        self.published.add(u64::try_from(accepted).unwrap_or(u64::MAX));
    }
}
