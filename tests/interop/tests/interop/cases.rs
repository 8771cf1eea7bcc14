use libtest_mimic::Trial;

use crate::drivers::Drivers;

/// A test that every pair of drivers has to pass.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) run: fn(Drivers),
}

/// The table of these functions. One that no table names is dead code, which the lints refuse.
macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        &[$($crate::cases::Case { name: stringify!($name), run: $name }),*]
    };
}

pub(crate) use cases;

/// The trials of a table, named `drivers::module::case`.
pub(crate) fn trials<'a>(
    drivers: &'a [Drivers],
    module: &'a str,
    cases: &'static [Case],
) -> impl Iterator<Item = Trial> + 'a {
    drivers.iter().flat_map(move |drivers| {
        cases.iter().map(move |case| {
            let (drivers, run) = (*drivers, case.run);
            Trial::test(format!("{}::{module}::{}", drivers.name(), case.name), move || {
                run(drivers);
                Ok(())
            })
        })
    })
}
