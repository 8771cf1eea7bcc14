use std::future::pending;
use std::sync::Arc;
use std::time::Instant;

use sealing::Keyring;

/// Reads the file of a keyring again whenever it changes; never returns.
///
/// # Cancel safety
/// If the future is dropped, the keyring keeps its keys.
pub(crate) async fn watch(keyring: Option<Arc<Keyring>>) {
    let Some(keyring) = keyring else { return pending().await };
    loop {
        tokio::time::sleep(Keyring::LOOK).await;
        keyring.refresh(Instant::now());
    }
}
