use end_to_end::{Folder, Program};

use crate::python;

/// libzmq's own device between publishers and nodes: an XSUB that connects to publishers, and an XPUB that nodes connect to.
#[derive(Debug)]
pub struct Proxy {
    _program: Program,
    endpoint: String,
}

impl Proxy {
    /// Starts a proxy in front of publishers at these endpoints.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    #[track_caller]
    pub fn before(folder: &Folder, publishers: &[&str]) -> Self {
        let program = python::start(folder, "proxy", "proxy.py", publishers);
        let ready = program.wait_for("its endpoint", |line| line["endpoint"].is_string());
        let endpoint = ready["endpoint"].as_str().expect("it is text").to_owned();
        Self { _program: program, endpoint }
    }

    /// The address for nodes, as an entry of `publishers_ips`.
    #[must_use]
    pub fn address(&self) -> &str {
        self.endpoint.split_once("://").map_or("", |(_, address)| address)
    }
}
