//! The database cases: each tests one line of the contract of [`DbApi`](pubsub_api::database::DbApi), and every registered
//! database driver runs them.

mod calls;
mod database_case;
mod database_fixture;
mod database_place;
mod expectation;
mod place_kind;
mod shared_cluster;

mod rows;

mod topics;

mod tables;

mod names;

mod values;

mod comparisons;

mod unique_keys;

mod batches;

mod lifecycle;

mod instances;

mod watching;

pub use database_case::DatabaseCase;
pub use database_fixture::DatabaseFixture;
pub use database_place::DatabasePlace;
pub use place_kind::{PLACES, PlaceKind};
pub use shared_cluster::SharedCluster;

/// The table: every case, by group.
pub const DATABASE_CASES: &[&[DatabaseCase]] = &[
    rows::CASES,
    topics::CASES,
    tables::CASES,
    names::CASES,
    values::CASES,
    comparisons::CASES,
    unique_keys::CASES,
    batches::CASES,
    lifecycle::CASES,
    watching::CASES,
    instances::CASES,
];
