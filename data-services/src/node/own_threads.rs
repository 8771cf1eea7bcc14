use std::io;
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
        let start = |name, run: Run| thread::Builder::new().name(name).spawn(run).map(drop);
        join_on(start, options, driver, is_broker).await
    }
}

/// What the first thread of a node does.
type Run = Box<dyn FnOnce() + Send>;

/// Joins on a thread that `start` starts under a name.
async fn join_on(
    start: impl FnOnce(String, Run) -> io::Result<()>,
    options: NodeOptions,
    driver: Arc<dyn PubSubApi>,
    is_broker: bool,
) -> Result<Node> {
    let name = format!("node {}", options.node);
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(THREADS).thread_name(&name).enable_all();
    let (joined, joining) = oneshot::channel();
    // The runtime is made in its thread: Tokio panics where one is dropped in async code.
    let run = move || match builder.build() {
        Ok(runtime) => run(&runtime, options, driver, is_broker, joined),
        Err(error) => drop(joined.send(Err(cannot_start(error)))),
    };
    start(name, Box::new(run)).map_err(cannot_start)?;
    joining.await.unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "the node panicked as it joined")))
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

fn cannot_start(error: io::Error) -> Error {
    Error::new(ErrorKind::Internal, "cannot start the threads of the node").with_source(error)
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;
    use std::thread;

    use drivers_memory as _;
    use pubsub_api::settings::PubSub;
    use pubsub_api::{ErrorKind, PubSubApi, Registry, Role};
    use settings::Sources;

    use super::{Run, join_on};
    use crate::NodeOptions;

    fn driver() -> Arc<dyn PubSubApi> {
        let registry = Registry::collect().unwrap();
        let sets = vec!["pub_sub_driver=memory_pubsub_driver".to_owned(), "publisher_port=0".to_owned()];
        let sources = Sources { sets, ..Sources::default() };
        let settings = settings::load(&sources, &[PubSub::TABLE], &registry.settings()).unwrap().0;
        registry.open(&settings, Role::Network).unwrap()
    }

    #[tokio::test]
    async fn a_thread_that_the_system_refuses_is_an_error_and_leaves_the_driver_unused() {
        let (options, driver) = (NodeOptions::new("node-1").unwrap(), driver());
        let refused = |_, _: Run| Err(io::Error::from(io::ErrorKind::WouldBlock));
        let error = join_on(refused, options.clone(), Arc::clone(&driver), false).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert!(error.to_string().starts_with("cannot start the threads of the node: "), "{error}");
        let started = |name, run: Run| thread::Builder::new().name(name).spawn(run).map(drop);
        let node = join_on(started, options, driver, false).await.unwrap();
        node.leave().await;
    }

    #[tokio::test]
    async fn a_thread_that_ends_before_it_has_joined_is_an_error() {
        let options = NodeOptions::new("node-1").unwrap();
        let ended = |_, run: Run| {
            drop(run);
            Ok(())
        };
        let error = join_on(ended, options, driver(), false).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string()),
            (ErrorKind::Internal, "the node panicked as it joined".to_owned())
        );
    }
}
