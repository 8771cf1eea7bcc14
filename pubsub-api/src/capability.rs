use serde::Serialize;

/// What a driver promises, as data: the command line, the table in the README and the conformance suite read this.
///
/// `false` is a warning to the operator, not a detail: [`limits`](Capabilities::limits) says in words what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Capabilities {
    /// Joins processes; a driver that does not works within one.
    pub across_processes: bool,
    /// A broker stands between publisher and subscriber: no publisher service is needed.
    pub broker: bool,
    /// `flush` waits until the other side has confirmed.
    pub confirms_publish: bool,
    /// A subscription is confirmed by the other side, not only by the next `$hello`.
    pub confirms_subscribe: bool,
    /// The publisher sees who subscribes, and can send to one peer
    /// ([`Publisher::subscribers_seen`](crate::Publisher::subscribers_seen)).
    pub sees_subscribers: bool,
    /// The transport itself filters by pattern; if not, the subscriber does.
    pub native_patterns: bool,
    /// Missed events can be asked for again.
    pub replay: bool,
    /// Every queue has a bound in truth.
    pub bounded: bool,
    /// A subscriber that does not read slows no other and costs the publisher a bounded amount of memory.
    pub isolated: bool,
    /// A peer that speaks nonsense harms nobody but itself.
    pub survives_hostile_peers: bool,
    /// Peers prove who they are.
    pub authenticated: bool,
    /// What the driver cannot promise, in sentences for operators.
    pub limits: &'static [&'static str],
}

impl Capabilities {
    /// A driver that promises nothing: start from here and name what it does promise.
    pub const NONE: Self = Self {
        across_processes: false,
        broker: false,
        confirms_publish: false,
        confirms_subscribe: false,
        sees_subscribers: false,
        native_patterns: false,
        replay: false,
        bounded: false,
        isolated: false,
        survives_hostile_peers: false,
        authenticated: false,
        limits: &[],
    };

    /// Every promise with its name, for tables.
    #[must_use]
    pub fn flags(&self) -> [(&'static str, bool); 11] {
        [
            ("across processes", self.across_processes),
            ("broker", self.broker),
            ("confirms publish", self.confirms_publish),
            ("confirms subscribe", self.confirms_subscribe),
            ("sees subscribers", self.sees_subscribers),
            ("native patterns", self.native_patterns),
            ("replay", self.replay),
            ("bounded", self.bounded),
            ("isolated", self.isolated),
            ("survives hostile peers", self.survives_hostile_peers),
            ("authenticated", self.authenticated),
        ]
    }
}
