//! `redis_nb_db_driver` against real servers.

#[cfg(test)]
mod announced;
#[cfg(test)]
mod cases;
#[cfg(test)]
mod cluster;
#[cfg(test)]
mod ends;
#[cfg(test)]
mod eviction;
#[cfg(test)]
mod layout;
#[cfg(test)]
mod on_valkey;
#[cfg(test)]
mod passwords;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod resharding;
#[cfg(test)]
mod restarts;
#[cfg(test)]
mod roles;
#[cfg(test)]
mod single;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod writers;
