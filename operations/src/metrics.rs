//! The metrics: what is declared in the [catalog], read of the status, and written as OpenMetrics.

mod catalog;
mod exposition;
mod metric;
mod page;
mod scrape;
mod source;

pub use catalog::metrics;
pub(crate) use exposition::{MEDIA_TYPE, exposition};
pub use metric::{Metric, MetricKind};
pub use page::metrics_page;
pub(crate) use scrape::{Scrape, Values};

#[cfg(test)]
mod tests;
