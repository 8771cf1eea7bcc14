use clap::Args;
use pubsub_api::{Error, ErrorKind, Result};
use serde_json::json;
use service_kit::print_line;

/// The page that lists every id; a test compares it with the code.
const PAGE: &str = include_str!("../../docs/log-events.md");

/// The arguments of `skimmer explain`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    /// The id in the log line, such as SK0501; without one, all are listed
    id: Option<String>,

    /// Print JSON documents, one per line
    #[arg(long)]
    json: bool,
}

/// One entry of the page.
#[derive(Debug, PartialEq, Eq)]
struct LogEvent<'a> {
    id: &'a str,
    title: &'a str,
    cause: &'a str,
    effect: &'a str,
    remedy: &'a str,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let events = entries(PAGE);
    let Some(wanted) = &arguments.id else {
        for event in &events {
            print_line(if arguments.json {
                document(event)
            } else {
                format!("{} {}", event.id, event.title)
            });
        }
        return Ok(());
    };
    let event = events.iter().find(|event| event.id.eq_ignore_ascii_case(wanted)).ok_or_else(|| {
        let text = format!(
            "{wanted} is no id of a log line: ids are SK and four digits; `skimmer explain` lists them"
        );
        Error::new(ErrorKind::Unsupported, text)
    })?;
    if arguments.json {
        print_line(document(event));
        return Ok(());
    }
    print_line(format!("{}: {}", event.id, event.title));
    for (name, text) in [("cause", event.cause), ("effect", event.effect), ("remedy", event.remedy)] {
        print_line(format!("  {name:<7} {text}"));
    }
    Ok(())
}

fn document(event: &LogEvent<'_>) -> String {
    let LogEvent { id, title, cause, effect, remedy } = event;
    json!({ "id": id, "title": title, "cause": cause, "effect": effect, "remedy": remedy }).to_string()
}

fn entries(page: &str) -> Vec<LogEvent<'_>> {
    let sections = page.split("\n### ").skip(1);
    sections.filter_map(entry).collect()
}

fn entry(section: &str) -> Option<LogEvent<'_>> {
    let mut lines = section.lines();
    let (id, title) = lines.next()?.split_once(": ")?;
    let mut next = |name: &str| lines.find_map(|line| line.strip_prefix(name));
    let (cause, effect, remedy) = (next("- Cause: ")?, next("- Effect: ")?, next("- Remedy: ")?);
    Some(LogEvent { id, title, cause, effect, remedy })
}

#[cfg(test)]
mod tests {
    use super::{PAGE, entries};

    #[test]
    fn every_section_of_the_page_is_an_entry() {
        let entries = entries(PAGE);
        assert_eq!(entries.len(), PAGE.matches("\n### ").count());
        assert!(entries.iter().any(|event| event.id == "SK0501" && event.title == "a link was lost"));
        assert!(entries.is_sorted_by_key(|event| event.id), "they are in the order of their ids");
    }
}
