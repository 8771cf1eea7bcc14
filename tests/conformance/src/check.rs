/// Ends the case with a sentence if the condition does not hold.
macro_rules! ensure {
    ($condition:expr, $($sentence:tt)+) => {
        if !$condition {
            return Err(format!($($sentence)+).into());
        }
    };
}

/// The table entry for the function of that name.
macro_rules! case {
    ($roles:ident, $run:ident) => {
        case!($roles, $run, needs: [], unless: [])
    };
    ($roles:ident, $run:ident, needs: $needs:expr) => {
        case!($roles, $run, needs: $needs, unless: [])
    };
    ($roles:ident, $run:ident, unless: $unless:expr) => {
        case!($roles, $run, needs: [], unless: $unless)
    };
    ($roles:ident, $run:ident, needs: $needs:expr, unless: $unless:expr) => {
        crate::Case {
            name: stringify!($run),
            roles: crate::Roles::$roles,
            needs: &$needs,
            unless: &$unless,
            run: |fixture| Box::pin($run(fixture)),
        }
    };
}

pub(crate) use {case, ensure};
