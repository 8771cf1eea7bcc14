use std::sync::Arc;
use std::thread;

use pubsub_api::{Error, ErrorKind, PubSubApi, Result};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use super::Node;
use crate::NodeOptions;

/// The threads of a node that has its own: one for its protocols, and one for its driver beside them.
const THREADS: usize = 2;

/// A node on threads of its own.
impl Node {
    /// Joins as [`join`](Self::join) does, on a Tokio runtime of the node's own. Services run on the runtimes on which they are
    /// started. So whatever blocks those, the node sends its heartbeats, acknowledges calls, ends them at their deadlines, and
    /// publishes and follows tables. Only prepush hooks run on the threads of the node.
    ///
    /// The threads end with the node.
    ///
    /// # Errors
    /// As `join`; [`ErrorKind::Internal`] if a thread cannot be started.
    ///
    /// # Cancel safety
    /// If the future is dropped, the node leaves as soon as it has joined.
    pub async fn join_on_own_threads(
        options: NodeOptions,
        driver: Arc<dyn PubSubApi>,
        is_broker: bool,
    ) -> Result<Self> {
        let name = format!("node {}", options.node);
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(THREADS).thread_name(&name).enable_all();
        let (joined, joining) = oneshot::channel();
        // The runtime is made in its thread: Tokio panics where one is dropped in async code.
        let run = move || match builder.build() {
            Ok(runtime) => run(&runtime, options, driver, is_broker, joined),
            Err(error) => drop(joined.send(Err(cannot_start(error)))),
        };
        thread::Builder::new().name(name).spawn(run).map_err(cannot_start)?;
        joining
            .await
            .unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "the node panicked as it joined")))
    }
}

/// Runs a node to its end.
fn run(
    runtime: &Runtime,
    options: NodeOptions,
    driver: Arc<dyn PubSubApi>,
    is_broker: bool,
    joined: oneshot::Sender<Result<Node>>,
) {
    runtime.block_on(async {
        match Node::join(options, driver, is_broker).await {
            Ok(node) => {
                let mut ended = node.0.ended.clone();
                if let Err(Ok(node)) = joined.send(Ok(node)) {
                    node.leave().await;
                }
                // An error means that the task of the node has ended too.
                let _ = ended.wait_for(Option::is_some).await;
            }
            Err(error) => drop(joined.send(Err(error))),
        }
    });
}

fn cannot_start(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Internal, "cannot start the threads of the node").with_source(error)
}
