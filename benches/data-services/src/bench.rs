use bench_kit::{Machine, cannot};
use pubsub_api::Result;
use serde_json::{Map, Value, json};
use service_kit::print_line;

use crate::options::{Arguments, Part};
use crate::{calls, crash, join, tables};

/// Measures what the arguments name, prints tables to stderr and the results as JSON to stdout, or to a file.
pub(crate) async fn run(arguments: Arguments) -> Result<()> {
    let mut results = Map::new();
    results.insert("machine".to_owned(), json!(Machine::this()));
    if arguments.has(Part::Calls) {
        results.insert("calls".to_owned(), calls::measure(&arguments).await?);
    }
    if arguments.has(Part::Join) {
        results.insert("join".to_owned(), join::measure(&arguments).await?);
    }
    if arguments.has(Part::Crash) {
        results.insert("crash".to_owned(), crash::measure(&arguments).await?);
    }
    if arguments.has(Part::Tables) {
        results.insert("tables".to_owned(), tables::measure(&arguments).await?);
    }
    let text = serde_json::to_string_pretty(&Value::Object(results)).map_err(cannot("write the results"))?;
    match &arguments.json {
        Some(file) => std::fs::write(file, text + "\n").map_err(cannot(format!("write {}", file.display()))),
        None => {
            print_line(text);
            Ok(())
        }
    }
}
