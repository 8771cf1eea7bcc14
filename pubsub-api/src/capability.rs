use serde::Serialize;

/// What a driver promises, as data: the command line, the table in the README and the conformance suite read it.
///
/// `false` is a warning to the operator, not a detail: [`limits`](Capabilities::limits) describes what it means.
///
/// ```
/// use pubsub_api::Capabilities;
///
/// const CAPABILITIES: Capabilities = Capabilities {
///     across_processes: true,
///     bounded: true,
///     limits: &["No authentication: every host that reaches the port can subscribe."],
///     ..Capabilities::NONE
/// };
/// assert!(CAPABILITIES.flags().contains(&("bounded", true)));
/// assert!(CAPABILITIES.flags().contains(&("replay", false)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Capabilities {
    /// Connects processes; a driver without this works within one process.
    pub across_processes: bool,
    /// A broker is between publisher and subscriber: no publisher service is needed, and workers publish to the
    /// broker whatever `pub_sub_use_multiproc` states ([`Route`](crate::Route)).
    pub broker: bool,
    /// `flush` waits until the other side has confirmed every accepted event. Without this, `flush` means only that
    /// the events have left the process.
    pub confirms_publish: bool,
    /// The other side confirms a subscription; without this, only the next `$hello` does, which follows within a
    /// second.
    pub confirms_subscribe: bool,
    /// The publisher sees the subscriptions of its peers, and can send to one peer
    /// ([`Publisher::subscribers_seen`](crate::Publisher::subscribers_seen)).
    pub sees_subscribers: bool,
    /// The transport filters by pattern; without this, the subscriber does.
    pub native_patterns: bool,
    /// A subscriber can request missed events ([`Subscriber::requester`](crate::Subscriber::requester)); without
    /// this, missed events are reported as missing.
    pub replay: bool,
    /// Every queue is actually bounded, those of a library included.
    pub bounded: bool,
    /// A subscriber that does not read slows no other subscriber and costs the publisher a bounded amount of memory.
    pub isolated: bool,
    /// A peer that sends invalid data affects only itself.
    pub survives_hostile_peers: bool,
    /// Peers prove their identity.
    pub authenticated: bool,
    /// What the driver cannot promise, in sentences for operators.
    pub limits: &'static [&'static str],
}

impl Capabilities {
    /// A driver that promises nothing: a driver starts from this and names what it promises.
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

    /// Returns every promise with its name, for tables.
    ///
    /// The names are those of the fields with spaces, in the order of the fields. `limits` is not among them.
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
