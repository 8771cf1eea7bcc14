//! Claims addresses.
