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
