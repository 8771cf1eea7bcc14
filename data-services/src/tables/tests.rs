//! Tests of both ends together.

mod basics;
mod network;
mod replica;
mod world;
