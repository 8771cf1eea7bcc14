//! The end that takes events, against workers that speak the bytes by hand.

#[cfg(test)]
mod raw_worker;
#[cfg(test)]
mod service;

#[cfg(test)]
mod hostile_workers;
#[cfg(test)]
mod numbered;
#[cfg(test)]
mod rights;
#[cfg(test)]
mod serving;
#[cfg(test)]
mod socket_file;
