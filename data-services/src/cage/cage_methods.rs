use std::sync::Arc;

use pubsub_api::{Error, Result};
use serde_json::{Value as Json, json};

use super::{Cage, ServiceConfig, ServiceKind};
use crate::{Call, CallError, CallErrorKind, Node, ServiceId};

/// Starts the service by which others use the cage.
pub(super) async fn serve(node: &Node, cage: &Cage) -> Result<()> {
    // The methods do not keep the cage alive.
    let cage = Arc::downgrade(&cage.0);
    let with = move |call: Call| {
        let cage = cage.upgrade();
        async move {
            let gone = || CallError::new(CallErrorKind::Draining, "the cage of this node has ended");
            answer(&Cage(cage.ok_or_else(gone)?), &call).await
        }
    };
    let methods = ["create", "reload", "stop", "list", "kinds"].into_iter();
    let builder = methods.fold(node.service("_cage"), |builder, method| builder.method(method, with.clone()));
    builder.start().await.map(|_| ())
}

async fn answer(cage: &Cage, call: &Call) -> std::result::Result<Json, CallError> {
    let failed = |error: Error| CallError::new(CallErrorKind::Remote, error.to_string());
    match call.method.as_str() {
        "create" => cage.create(call.arguments::<ServiceConfig>()?).await.map(|_| Json::Null).map_err(failed),
        "reload" => {
            cage.reload(call.arguments::<ServiceConfig>()?).await.map(|()| Json::Null).map_err(failed)
        }
        "stop" => cage.stop(&call.arguments::<ServiceId>()?).await.map(|()| Json::Null).map_err(failed),
        "list" => Ok(json!(cage.list())),
        _ => Ok(ServiceKind::all()
            .iter()
            .map(|kind| json!({"kind": kind.name, "summary": kind.summary}))
            .collect()),
    }
}
