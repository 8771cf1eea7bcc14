//! The adapter on the drivers: memory, ZeroMQ over TCP, Redis.

mod buses;
mod closing;
mod connections;
mod delivery;
mod input;
mod place;
mod sealed;
