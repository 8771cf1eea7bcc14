//! TCP listeners that a service manager passed to this process (sd_listen_fds(3)): of a socket unit, or kept over a restart by
//! `FileDescriptorStoreMax=`. The kernel goes on accepting connections for them while no process runs, so a restart refuses none.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use listenfd::ListenFd;

/// Those that nobody has claimed yet.
static PASSED: Mutex<Vec<TcpListener>> = Mutex::new(Vec::new());

/// Called with each TCP listener of this process that is bound or claimed.
static KEEPER: OnceLock<fn(&TcpListener)> = OnceLock::new();

/// Takes the TCP listeners that a service manager passed to this process; [`tcp`](crate::tcp) then returns the one of an
/// address instead of binding it. `keep` is called with each TCP listener of this process from now on, so that it can be given to the
/// service manager.
///
/// Call it once, before the process has threads: it removes `LISTEN_FDS` and `LISTEN_PID` from the environment. Descriptors that
/// are no TCP sockets stay as they are.
pub fn take_passed_listeners(keep: fn(&TcpListener)) {
    let mut passed = ListenFd::from_env();
    let taken = (0..passed.len()).filter_map(|number| passed.take_tcp_listener(number).ok().flatten());
    listeners().extend(taken);
    // A second call changes nothing.
    let _ = KEEPER.set(keep);
}

/// Closes the passed listeners that nobody claimed, and returns their addresses. Call it when the program has bound everything:
/// clients of an address that it no longer uses would otherwise wait for ever.
pub fn close_unclaimed_listeners() -> Vec<SocketAddr> {
    listeners().drain(..).filter_map(|listener| listener.local_addr().ok()).collect()
}

/// Claims the passed listener of this address.
pub(crate) fn claim(address: SocketAddr) -> Option<TcpListener> {
    let mut listeners = listeners();
    let place = listeners.iter().position(|listener| is_at(listener, address))?;
    Some(listeners.swap_remove(place))
}

/// Whether a listener of this address was passed and not claimed.
pub(crate) fn has(address: SocketAddr) -> bool {
    listeners().iter().any(|listener| is_at(listener, address))
}

pub(crate) fn keep(listener: &TcpListener) {
    if let Some(keep) = KEEPER.get() {
        keep(listener);
    }
}

fn is_at(listener: &TcpListener, address: SocketAddr) -> bool {
    address.port() != 0 && listener.local_addr().is_ok_and(|local| local == address)
}

fn listeners() -> MutexGuard<'static, Vec<TcpListener>> {
    PASSED.lock().unwrap_or_else(PoisonError::into_inner)
}
