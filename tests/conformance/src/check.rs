/// Ends the case with a sentence unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($sentence:tt)+) => {
        if !$condition {
            return Err(format!($($sentence)+).into());
        }
    };
}

/// The row of the table for the function of that name.
macro_rules! case {
    ($roles:ident, $run:ident) => {
        case!($roles, $run, needs: [])
    };
    ($roles:ident, $run:ident, needs: $needs:expr) => {
        crate::Case {
            name: stringify!($run),
            roles: crate::Roles::$roles,
            needs: &$needs,
            run: |fixture| Box::pin($run(fixture)),
        }
    };
}

pub(crate) use {case, ensure};
