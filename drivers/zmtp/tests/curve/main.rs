//! CURVE between the ends of this driver, and at a publisher against peers that do not keep to it.

#[cfg(test)]
mod fleet;
#[cfg(test)]
mod raw_client;

#[cfg(test)]
mod agents;
#[cfg(test)]
mod greedy_clients;
#[cfg(test)]
mod hostile_clients;
#[cfg(test)]
mod older_peers;
#[cfg(test)]
mod rights;
