//! The façade, the directory, the monitors and the report, over the memory database and a scripted publisher.

#[cfg(test)]
#[path = "northbound/database.rs"]
mod database;
#[cfg(test)]
#[path = "northbound/directory.rs"]
mod directory;
#[cfg(test)]
#[path = "northbound/facade.rs"]
mod facade;
#[cfg(test)]
#[path = "northbound/monitor.rs"]
mod monitor;
#[cfg(test)]
#[path = "northbound/publisher.rs"]
mod publisher;
#[cfg(test)]
#[path = "northbound/report.rs"]
mod report;
#[cfg(test)]
#[path = "northbound/scene.rs"]
mod scene;

use drivers_memory as _;
