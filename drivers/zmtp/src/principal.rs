use std::str::FromStr;

/// A user or group of this host, as `ipc_allow` names it: `uid:1000`, `gid:42`.
///
/// Names are refused, because the kernel reports numbers (SO_PEERCRED, unix(7)).
///
/// ```
/// use drivers_zmtp::Principal;
///
/// assert_eq!("uid:1000".parse(), Ok(Principal::User(1000)));
/// assert!("uid:root".parse::<Principal>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Principal {
    /// A user, by number.
    User(u32),
    /// A group, by number.
    Group(u32),
}

impl FromStr for Principal {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a user or group; write it as uid:1000 or gid:42");
        let (kind, number) = text.split_once(':').ok_or_else(wrong)?;
        let number = number.parse().map_err(|_| wrong())?;
        match kind {
            "uid" => Ok(Self::User(number)),
            "gid" => Ok(Self::Group(number)),
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Principal;

    #[test]
    fn users_and_groups_are_named_by_number() {
        assert_eq!("uid:1000".parse(), Ok(Principal::User(1000)));
        assert_eq!("gid:0".parse(), Ok(Principal::Group(0)));
        for wrong in ["1000", "uid:root", "uid:-1", "user:1", ""] {
            assert!(wrong.parse::<Principal>().unwrap_err().contains("uid:1000"), "{wrong}");
        }
    }
}
