//! omq at its own speed: PULL on a Unix socket, PUB over TCP, joined by its proxy.
//!
//! Argument: the path of the socket. Prints its address on stdout, and works until it is ended. A full queue makes the proxy
//! wait, so that nothing is dropped; queues have the largest size that omq allocates.

use omq_tokio::{Context, ContextConfig, Options, Proxy, SocketType};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// As many as omq allocates for one queue.
const QUEUE: u32 = 1 << 20;

fn main() -> Result<(), Failure> {
    let path = std::env::args().nth(1).ok_or("expected the path of a socket")?;
    if path == "--version" {
        println!("omq-tokio 0.33.0");
        return Ok(());
    }
    let io_threads = std::thread::available_parallelism()?.get();
    let context = Context::with_config(ContextConfig { io_threads });
    let of_sockets = context.clone();
    context.block_on(async move {
        let context = of_sockets;
        let pull = context.socket(SocketType::Pull, Options::default().recv_hwm(QUEUE));
        pull.bind(format!("ipc://{path}").as_str()).await?;
        let lossless = Options { xpub_nodrop: true, ..Options::default().send_hwm(QUEUE) };
        let publisher = context.socket(SocketType::Pub, lossless);
        let address = publisher.bind("tcp://127.0.0.1:0").await?;
        println!("{{\"ready\":true,\"network\":\"{address}\"}}");
        Proxy::new(pull, publisher).run().await?;
        Ok(())
    })
}
