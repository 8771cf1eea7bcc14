//! The kind `filter`: rows of another table that fulfil conditions.

mod column;
mod condition;
mod filter_options;
mod filter_service;
mod row_filter;

use data_services::ServiceKind;

use filter_options::FilterOptions;
use filter_service::FilterService;

inventory::submit! {
    ServiceKind {
        name: "filter",
        summary: "publishes the rows of another table that fulfil conditions, those of all its publishers as one table",
        options: &[
            ("address", "the address of the services that publish the other table"),
            ("table", "the name of the other table"),
            ("where", "conditions, which all must hold: `field`, and any of `equals`, `not`, `above`, `below`, `contains`"),
            ("columns", "the columns to publish; default all"),
            ("publisher_column", "a column to add with the publisher, as \"SERVICE on NODE\"; by default none"),
            ("publish_as", "the name of the table; by default that of the other"),
            ("key", "the key columns of the table; by default the whole row is the key"),
        ],
        create: |config| Ok(Box::new(FilterService::new(config.options::<FilterOptions>()?)?)),
    }
}
