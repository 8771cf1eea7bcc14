//! The receiving ends: SUB, which connects to publishers, and PULL, which binds and takes from workers.

mod intake;
mod pull_subscriber;
mod sub_addresses;
mod sub_ask_connection;
mod sub_ask_link;
mod sub_asking;
mod sub_connection;
mod sub_filters;
mod sub_inbound;
mod sub_link;
mod sub_link_state;
mod sub_links;
mod sub_lives;
mod sub_name;
mod sub_queue;
mod sub_replies;
mod sub_requester;
mod sub_requests;
mod sub_shared;
mod sub_subscriber;
mod sub_vigil;

pub use pull_subscriber::PullSubscriber;
pub use sub_subscriber::SubSubscriber;
