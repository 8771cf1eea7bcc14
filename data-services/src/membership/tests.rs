//! Many memberships on a simulated network, in virtual time.

mod network;
mod simulation;
mod up;
