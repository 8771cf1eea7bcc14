mod bounds;
mod faults;
mod pair;
mod protocol;
mod simulation;
