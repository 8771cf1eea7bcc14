use end_to_end::Program;

/// The events of libzmq's monitor about a peer's connections so far, such as `HANDSHAKE_SUCCEEDED` and `DISCONNECTED`. The peer
/// must be started with `--monitor`. Events before the handshake are omitted.
#[must_use]
pub fn monitored(peer: &Program) -> Vec<String> {
    let lines = peer.lines();
    let names = lines.iter().filter_map(|line| line["monitor"].as_str());
    names.filter(|name| name.starts_with("HANDSHAKE") || *name == "DISCONNECTED").map(str::to_owned).collect()
}
