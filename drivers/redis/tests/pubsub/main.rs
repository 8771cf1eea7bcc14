//! `redis_db_pubsub_driver` against real servers.

#[cfg(test)]
mod cluster;
#[cfg(test)]
mod ends;
#[cfg(test)]
mod links;
#[cfg(test)]
mod publishing;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod roles;
#[cfg(test)]
mod signs_of_life;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod topics;
