use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use data_services::{
    Call, CallError, CallErrorKind, KeyColumns, Service, ServiceBuilder, ServiceHandle, StopSignal, TableId,
};
use pubsub_api::Result;
use tokio::sync::watch;

use super::push_calls::{ChangeCall, LoadCall, PushCall, rows_of_part};
use super::pushed_options::PushedOptions;
use super::pushed_tables::PushedTables;
use super::state_file::StateFile;
use crate::status_board::StatusBoard;

/// A service of the kind `pushed`.
#[derive(Debug)]
pub(super) struct PushedService {
    tables: Arc<PushedTables>,
    board: StatusBoard,
    /// The service, once its rows are restored.
    ready: watch::Sender<Option<ServiceHandle>>,
}

/// What a method needs.
#[derive(Debug, Clone)]
struct Pushing {
    tables: Arc<PushedTables>,
    ready: watch::Receiver<Option<ServiceHandle>>,
}

impl PushedService {
    pub(super) fn new(options: PushedOptions) -> Result<Self> {
        let keys: BTreeMap<TableId, KeyColumns> =
            options.tables.into_iter().map(|(table, key)| (table, key.into())).collect();
        let board = StatusBoard::default();
        let file = options.file.map(StateFile::new).transpose()?;
        let tables = Arc::new(PushedTables::new(keys, file, board.clone()));
        Ok(Self { tables, board, ready: watch::channel(None).0 })
    }
}

impl Pushing {
    async fn push(mut self, call: Call) -> Result<usize, CallError> {
        let push: PushCall = call.arguments()?;
        self.tables.key(&push.table)?;
        let service = self.service().await?;
        let (table, rows) = (push.table.clone(), push.rows()?);
        uninterrupted(async move { self.tables.push(&service, &table, rows, call.trace).await }).await
    }

    async fn load(mut self, call: Call) -> Result<usize, CallError> {
        let LoadCall { table } = call.arguments()?;
        self.tables.key(&table)?;
        let service = self.service().await?;
        let (mut rows, mut bytes) = (Vec::new(), 0);
        while let Some(part) = call.next_part().await? {
            let more = rows_of_part(part)?;
            bytes += more.iter().map(|row| row.as_json().len()).sum::<usize>();
            if bytes > MAX_LOAD_BYTES {
                let text = format!("the rows have more than {MAX_LOAD_BYTES} bytes: nothing was changed");
                return Err(CallError::new(CallErrorKind::BadArguments, text));
            }
            rows.extend(more);
        }
        uninterrupted(async move { self.tables.push(&service, &table, rows, call.trace).await }).await
    }

    async fn change(mut self, call: Call) -> Result<usize, CallError> {
        let change: ChangeCall = call.arguments()?;
        let table = change.table.clone();
        let (put, deleted) = change.change(self.tables.key(&table)?)?;
        let service = self.service().await?;
        uninterrupted(async move { self.tables.change(&service, &table, (put, deleted), call.trace).await })
            .await
    }

    /// Waits until the rows are restored.
    async fn service(&mut self) -> Result<ServiceHandle, CallError> {
        let ready = self.ready.wait_for(Option::is_some).await;
        let stopped =
            || CallError::new(CallErrorKind::Draining, "the service stopped; call again when it runs");
        ready.ok().and_then(|service| service.clone()).ok_or_else(stopped)
    }
}

/// The maximum size of the rows of one `load`, in bytes of JSON: that of a table that subscribers accept.
const MAX_LOAD_BYTES: usize = 256 * 1024 * 1024;

/// Publishes and saves also if the call is cancelled in between.
async fn uninterrupted(
    work: impl Future<Output = Result<usize>> + Send + 'static,
) -> Result<usize, CallError> {
    let failed =
        |error| CallError::new(CallErrorKind::Remote, format!("the task of the push failed: {error}"));
    Ok(tokio::spawn(work).await.map_err(failed)??)
}

#[async_trait]
impl Service for PushedService {
    fn declare(&self, service: ServiceBuilder) -> ServiceBuilder {
        let pushing = Pushing { tables: Arc::clone(&self.tables), ready: self.ready.subscribe() };
        let (loading, changing, board) = (pushing.clone(), pushing.clone(), self.board.clone());
        service
            .keep_tables()
            .method("push", move |call| pushing.clone().push(call))
            .method_with_parts("load", move |call| loading.clone().load(call))
            .method("change", move |call| changing.clone().change(call))
            .method("status", move |_| {
                let board = board.clone();
                async move { Ok(board.report().await?) }
            })
    }

    async fn run(&mut self, service: ServiceHandle, mut stop: StopSignal) -> Result<()> {
        self.board.attach(&service);
        self.tables.begin(&service).await?;
        self.ready.send_replace(Some(service));
        stop.stopped().await;
        Ok(())
    }
}
