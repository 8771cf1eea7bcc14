//! The two ends that connect, before peers that speak ZMTP by hand.

#[cfg(test)]
mod ends;
#[cfg(test)]
mod peer;
#[cfg(test)]
mod router;

#[cfg(test)]
mod ask;
#[cfg(test)]
mod dealer;
#[cfg(test)]
mod push;
#[cfg(test)]
mod sub;
