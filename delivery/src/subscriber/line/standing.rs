use super::Line;

/// How it stands with the whole.
impl Line {
    /// How it stands with the whole, in a word.
    pub(in crate::subscriber) fn state(&self) -> &'static str {
        match (self.is_proved, self.told_live, self.behind.is_empty()) {
            (false, ..) => "stale",
            _ if self.overfull.is_some() => "overfull",
            (true, _, false) => "recovering",
            (true, true, true) => "live",
            (true, false, true) => "proving",
        }
    }

    /// Whether all its topics are followed and live.
    pub(in crate::subscriber) fn is_current(&self) -> bool {
        self.is_proved && self.unproved == 0 && self.overfull.is_none()
    }

    /// Whether something is to be told of the whole: that it is current, or that it has too many topics.
    #[inline]
    pub(in crate::subscriber) fn is_news(&self) -> bool {
        match &self.overfull {
            Some(overfull) => !overfull.is_told && self.is_proved,
            None => !self.told_live && self.is_current(),
        }
    }
}
