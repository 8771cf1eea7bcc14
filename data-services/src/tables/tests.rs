//! Tests of both ends together.

mod basics;
mod bounds;
mod catalogue;
mod chaos;
mod commits;
mod costs;
mod differences;
mod direct;
mod divergences;
mod model;
mod network;
mod pulls;
mod recovery;
mod replica;
mod requests;
mod snapshots;
mod world;
