use pubsub_api::settings::Settings;
use uuid::Uuid;

/// The identity of the publisher that these settings describe.
///
/// `publisher_id` if it is set, else uuid5 of host name, bind address and port: the same after a restart, and two on
/// one host differ (DESIGN 5; Dragonflow's was the same for both, defect D11).
#[must_use]
pub fn publisher_id(settings: &Settings) -> String {
    let pubsub = settings.pubsub();
    if let Some(id) = &pubsub.publisher_id {
        return id.clone();
    }
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let name = format!("{host}/{}:{}", pubsub.publisher_bind_address, pubsub.publisher_port);
    Uuid::new_v5(&Uuid::NAMESPACE_DNS, name.as_bytes()).to_string()
}

/// What stamps call the publisher of this id: the first eight bytes of the UUID (DESIGN 5). An id that is no UUID counts
/// as its uuid5.
///
/// ```
/// assert_eq!(delivery::publisher_key("5f1c0b5e-2a9d-4c11-8000-0123456789ab"), 0x5f1c_0b5e_2a9d_4c11);
/// assert_ne!(delivery::publisher_key("api-1"), delivery::publisher_key("api-2"));
/// ```
#[must_use]
pub fn publisher_key(publisher_id: &str) -> u64 {
    let hashed = || Uuid::new_v5(&Uuid::NAMESPACE_DNS, publisher_id.as_bytes());
    Uuid::parse_str(publisher_id).unwrap_or_else(|_| hashed()).as_u64_pair().0
}
