use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use bench_kit::failure;
use pubsub_api::Result;

/// Scrapes the metrics of one of our servers every second, as Prometheus does, until it is ended.
#[derive(Debug)]
pub(crate) struct Scraper {
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<std::io::Result<u32>>>,
}

/// The interval of the scrapes.
const INTERVAL: Duration = Duration::from_secs(1);

/// The setting by which a server is scraped.
const SETTING: &str = "service.operations_bind=";

impl Scraper {
    /// Starts one, if the arguments of the server's command have its address.
    pub(crate) fn of<'a>(arguments: impl IntoIterator<Item = &'a std::ffi::OsStr>) -> Option<Self> {
        let address =
            arguments.into_iter().find_map(|argument| argument.to_str()?.strip_prefix(SETTING))?.to_owned();
        let (stop, stopped) = sync_channel(1);
        let thread = std::thread::spawn(move || scrape_all(&address, &stopped));
        Some(Self { stop: Some(stop), thread: Some(thread) })
    }

    /// Ends it.
    ///
    /// # Errors
    /// If a scrape failed, or none was made: then the run measures something else.
    pub(crate) fn end(&mut self) -> Result<()> {
        drop(self.stop.take());
        let Some(thread) = self.thread.take() else { return Ok(()) };
        match thread.join() {
            Ok(Ok(0)) | Err(_) => Err(failure("the metrics of the server were not scraped")),
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(failure(format!("cannot scrape the metrics of the server: {error}"))),
        }
    }
}

fn scrape_all(address: &str, stopped: &Receiver<()>) -> std::io::Result<u32> {
    let mut scrapes = 0;
    loop {
        scrape(address)?;
        scrapes += 1;
        match stopped.recv_timeout(INTERVAL) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ok(scrapes),
        }
    }
}

fn scrape(address: &str) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: bench\r\n\r\n")?;
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply)?;
    match reply.starts_with(b"HTTP/1.1 200 ") && reply.ends_with(b"# EOF\n") {
        true => Ok(()),
        false => Err(std::io::Error::other(String::from_utf8_lossy(&reply).into_owned())),
    }
}
