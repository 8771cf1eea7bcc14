//! The two ends that connect, before peers that speak ZMTP by hand.

#[cfg(test)]
mod ends;
#[cfg(test)]
mod peer;

#[cfg(test)]
mod push;
#[cfg(test)]
mod sub;
