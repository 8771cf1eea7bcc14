use end_to_end::Program;

/// What libzmq's monitor said of a peer's connections so far, such as `HANDSHAKE_SUCCEEDED` and `DISCONNECTED`; the peer
/// must have been asked for `--monitor`. What comes and goes below a handshake is left out.
#[must_use]
pub fn monitored(peer: &Program) -> Vec<String> {
    let lines = peer.lines();
    let names = lines.iter().filter_map(|line| line["monitor"].as_str());
    names.filter(|name| name.starts_with("HANDSHAKE") || *name == "DISCONNECTED").map(str::to_owned).collect()
}
