mod bounds;
mod faults;
mod keys;
mod pair;
mod parts;
mod protocol;
mod simulation;
