//! A table with subscribers: what a changed row costs its publisher, and how long a further subscriber takes.

mod publisher;
mod rows;
mod size;
mod subscribers;
mod work;

use bench_kit::{grouped, table};
use pubsub_api::Result;
use serde_json::{Value, json};
use service_kit::report;

pub(crate) use publisher::Publisher;
use size::Size;
pub(crate) use subscribers::Subscribers;

use crate::options::Arguments;

pub(crate) async fn measure(arguments: &Arguments) -> Result<Value> {
    let mut sizes = Vec::new();
    for rows in &arguments.rows {
        sizes.push(Size::measure(*rows, arguments.subscribers).await?);
    }
    let cells = |size: &Size| {
        vec![
            grouped(size.rows as f64, 0),
            grouped(size.per_cent.bytes, 0),
            grouped(size.polled_bytes_per_row(), 0),
            grouped(size.polled_bytes_per_row() / size.per_cent.bytes, 0),
            format!("{:.2}", size.same_changes.cpu_us),
            format!("{:.2}", size.per_cent.cpu_us),
            format!("{:.2}", size.published.cpu_us),
            grouped(size.joining.since_subscription_ms, 0),
            grouped(size.joining.since_start_ms, 0),
        ]
    };
    let header = [
        "rows",
        "bytes for each changed row",
        "with whole tables",
        "ratio",
        "CPU µs, 1,000 rows/s",
        "CPU µs, 1 %/s",
        "CPU µs, `publish`",
        "ms, one more subscriber",
        "ms, with its join",
    ];
    report(format_args!("{}", table(header, sizes.iter().map(cells), 0)));
    Ok(json!(sizes))
}
