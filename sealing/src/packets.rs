//! Sealed packets: bytes that one process sends to many on a topic, encrypted, authenticated, and accepted once.

mod packet_opener;
mod packet_refusal;
mod packet_sealer;
mod packet_sealing;
mod replay_window;

pub use packet_opener::PacketOpener;
pub use packet_refusal::PacketRefusal;
pub use packet_sealer::PacketSealer;
pub use packet_sealing::{PacketSealing, PacketsToSend};

#[cfg(test)]
mod tests;
