//! Links every driver of this build; the only place that names them.
//!
//! A program writes `use drivers as _;`, and [`pubsub_api::Registry::collect`] finds them all. Without that line the
//! linker drops the drivers' crates, without a word.

use drivers_memory as _;
use drivers_redis as _;
use drivers_sqlite as _;
use drivers_zeromq as _;
use drivers_zmtp as _;
use pubsub_api as _;
