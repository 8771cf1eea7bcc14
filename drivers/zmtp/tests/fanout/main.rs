//! The publishing end against subscribers that speak the bytes by hand.

#[cfg(test)]
mod ends;
#[cfg(test)]
mod raw_subscriber;

#[cfg(test)]
mod asking;
#[cfg(test)]
mod hostile_peers;
#[cfg(test)]
mod serving;
#[cfg(test)]
mod slow_subscribers;
