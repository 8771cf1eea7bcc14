//! Links the drivers of this build, each a feature of the same name; the only place that names them.
//!
//! A program writes `use drivers as _;`, and [`pubsub_api::Registry::collect`] finds them all. Without that line the
//! linker drops the drivers' crates, without a message.
//!
//! ```
//! use drivers as _;
//! use pubsub_api::{Registry, Role};
//!
//! # #[cfg(feature = "memory")] {
//! let registry = Registry::collect()?;
//! let memory = registry.find("memory_pubsub_driver", Role::Network)?;
//! assert!(!memory.capabilities.across_processes);
//! # }
//! # Ok::<(), pubsub_api::Error>(())
//! ```
//!
//! A driver whose feature is off is known by its aliases only: settings that select it are refused with the name of the
//! feature.

#[cfg(feature = "memory")]
use drivers_memory as _;
#[cfg(feature = "redis")]
use drivers_redis as _;
#[cfg(feature = "sqlite")]
use drivers_sqlite as _;
#[cfg(feature = "zeromq")]
use drivers_zeromq as _;
#[cfg(feature = "zmtp")]
use drivers_zmtp as _;
use pubsub_api as _;

#[cfg(not(feature = "memory"))]
inventory::submit! {
    pubsub_api::UnlinkedDriver { section: "drivers.memory", aliases: &["memory_pubsub_driver"], feature: "memory" }
}
#[cfg(not(feature = "redis"))]
inventory::submit! {
    pubsub_api::UnlinkedDriver {
        section: "drivers.redis",
        aliases: &["redis_db_pubsub_driver", "redis_nb_db_driver"],
        feature: "redis",
    }
}
#[cfg(not(feature = "sqlite"))]
inventory::submit! {
    pubsub_api::UnlinkedDriver { section: "drivers.sqlite", aliases: &["sqlite_nb_db_driver"], feature: "sqlite" }
}
#[cfg(not(feature = "zeromq"))]
inventory::submit! {
    pubsub_api::UnlinkedDriver {
        section: "drivers.zeromq",
        aliases: &["zmq_pubsub_driver", "zmq_pubsub_multiproc_driver"],
        feature: "zeromq",
    }
}
#[cfg(not(feature = "zmtp"))]
inventory::submit! {
    pubsub_api::UnlinkedDriver {
        section: "drivers.zmtp",
        aliases: &["zmtp_pubsub_driver", "zmtp_pubsub_multiproc_driver"],
        feature: "zmtp",
    }
}
