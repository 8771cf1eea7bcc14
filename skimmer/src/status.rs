use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args;
use comfy_table::Table;
use pubsub_api::{Error, ErrorKind, LatencyReading, NamedValue, RefusalReading, Registry, Result};
use service_kit::{
    SettingsArguments, StatusDocument, block_on, print_line, report, request_status, status_sockets,
};

/// The arguments of `skimmer status`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    settings: SettingsArguments,

    /// Print one JSON array with a document per program
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let registry = Registry::collect()?;
    let (settings, _) = arguments.settings.load(&registry)?;
    let state_dir = &settings.pubsub().state_dir;
    let mut documents = Vec::new();
    for socket in status_sockets(state_dir)? {
        match block_on(request_status(&socket)) {
            Ok(document) => documents.push(document),
            Err(error) => report(format_args!("warning: {error}")),
        }
    }
    if documents.is_empty() {
        let text = format!(
            "no publisher-service, subscriber-agent or data-services-node replies in state_dir {}",
            state_dir.display()
        );
        return Err(Error::new(ErrorKind::Unavailable, text));
    }
    if arguments.json {
        let text = serde_json::to_string(&documents)
            .map_err(|error| Error::new(ErrorKind::Internal, "cannot encode JSON").with_source(error))?;
        print_line(text);
    } else {
        documents.iter().for_each(show);
    }
    unreachable(&documents)
}

/// Fails if a publisher does not reply to an agent: the programs run, but events are missing.
fn unreachable(documents: &[StatusDocument]) -> Result<()> {
    let statuses = documents.iter().flat_map(|document| document.parts.values());
    let peers = statuses.flat_map(|status| &status.peers).filter(|peer| peer.state == "unreachable");
    let endpoints: BTreeSet<&str> = peers.map(|peer| peer.endpoint.as_str()).collect();
    if endpoints.is_empty() {
        return Ok(());
    }
    let endpoints: Vec<&str> = endpoints.into_iter().collect();
    let text =
        format!("no reply from {} (publishers_ips): its events are not received", endpoints.join(", "));
    Err(Error::new(ErrorKind::Unavailable, text))
}

fn show(document: &StatusDocument) {
    let StatusDocument { program, version, pid, uptime_seconds, .. } = document;
    print_line(format!("{program} {version}, pid {pid}, up {uptime_seconds} s"));
    for (hop, endpoint) in &document.endpoints {
        if let Some(endpoint) = endpoint {
            print_line(format!("  {hop}: {endpoint}"));
        }
    }
    if let Some(outcome) = &document.last_reload {
        print_line(format!("  last reload: {outcome}"));
    }
    print_line(format!("{}\n", details(document)));
}

fn details(document: &StatusDocument) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["part", "what", "value", ""]);
    for (part, status) in &document.parts {
        for counter in &status.counters {
            let cause = counter.cause.as_deref().unwrap_or_default();
            table.add_row([part, counter.name.as_str(), counter.value.to_string().as_str(), cause]);
        }
        for named in &status.named {
            for NamedValue { of, value } in &named.values {
                let of = format!("{} {of}", named.by);
                table.add_row([part, named.name.as_str(), value.to_string().as_str(), of.as_str()]);
            }
        }
        for latency in status.latencies.iter().filter(|latency| latency.count() > 0) {
            let half = format!("half {}", up_to(latency, 2));
            let most = format!("99 % {}, of {} events", up_to(latency, 100), latency.count());
            table.add_row([part, latency.name.as_str(), half.as_str(), most.as_str()]);
        }
        for queue in &status.queues {
            let fill = format!("{} of {} {}", queue.depth, queue.bound, queue.unit);
            let full = format!("when full, {}", queue.when_full);
            table.add_row([part, queue.name.as_str(), fill.as_str(), full.as_str()]);
        }
        for peer in &status.peers {
            table.add_row([part, "peer", peer.endpoint.as_str(), peer.state.as_str()]);
        }
        for refusal in &status.refusals {
            let RefusalReading { cause, who, reason, times, seconds_ago } = refusal;
            let text = format!("{reason} ({cause}, {times} times, last {seconds_ago} s ago)");
            table.add_row([part, "refused", who.as_str(), text.as_str()]);
        }
    }
    table
}

/// The bound under which all latencies are but one of `parts` equal parts of them.
fn up_to(latency: &LatencyReading, parts: u64) -> String {
    let wanted = latency.count() - latency.count() / parts;
    let bucket = latency.buckets.iter().find(|bucket| bucket.count >= wanted);
    match bucket.and_then(|bucket| bucket.le_us) {
        Some(le_us) => format!("within {:?}", Duration::from_micros(le_us)),
        None => "above a minute".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use pubsub_api::LatencyCounter;

    use super::up_to;

    #[test]
    fn a_share_of_the_latencies_is_within_the_bound_of_its_bucket() {
        let histogram = LatencyCounter::new("receive_latency");
        histogram.add(80, 98);
        histogram.add(3_000, 1);
        histogram.add(90_000_000, 1);
        let reading = histogram.read();
        assert_eq!(up_to(&reading, 2), "within 100µs");
        assert_eq!(up_to(&reading, 100), "within 5ms");
        assert_eq!(up_to(&reading, 1000), "above a minute");
    }
}
