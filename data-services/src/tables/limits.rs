//! Bounds and times of tables.

use std::time::Duration;

/// The largest row, key or raw value, in bytes of its JSON text. A packet has at most 512 KiB; one row and the names in the
/// packet must fit.
pub(super) const MAX_ROW_BYTES: usize = 256 * 1024;

/// A part of a change or a page of a snapshot is closed once it has this many bytes. With one row more it is still below
/// 512 KiB.
pub(super) const PART_BYTES: usize = 192 * 1024;

/// What a row or a key costs in addition to its text: in memory, and more than in a packet.
pub(super) const ROW_OVERHEAD: usize = 64;

/// The most tables of one commit: their names travel with each change.
pub(super) const MAX_COMMIT_TABLES: usize = 256;

/// The most tables of which a table remembers its last common commit: their names travel with each snapshot, and have 256 KiB.
pub(super) const MAX_PARTNERS: usize = 2048;

/// How much of the ring one `Open` is answered with. The follower asks for the rest after it has received this much.
pub(super) const REPLAY_BYTES: usize = 1024 * 1024;

/// A replay below this size is sent even if the table is smaller.
pub(super) const SMALL_REPLAY_BYTES: usize = 16 * 1024;

/// The most snapshots that a publisher keeps of one table while their pages are pulled.
pub(super) const MAX_SNAPSHOTS: usize = 2;

/// How much a peer may request at once, in bytes of the answers; a request itself counts [`REQUEST_BYTES`], and a row that is
/// split into pages for it 64 bytes.
pub(super) const REQUEST_BURST_BYTES: u64 = 256 * 1024 * 1024;

/// How much a peer may request per second on average.
pub(super) const REQUEST_BYTES_PER_SECOND: u64 = 64 * 1024 * 1024;

/// What a request counts, in addition to its answer.
pub(super) const REQUEST_BYTES: usize = 4 * 1024;

/// The most peers whose requests are counted; further ones are not answered while the counts of these are above 0.
pub(super) const MAX_BUDGETS: usize = 2_000;

/// The time between two log lines about one peer.
pub(super) const LOG_PAUSE: Duration = Duration::from_secs(10);

/// How long a snapshot is kept after the last request for one of its pages. Longer than the longest pause between two
/// requests of a follower ([`LONGEST_RETRY`]).
pub(super) const SNAPSHOT_IDLE: Duration = Duration::from_secs(30);

/// How long a follower whose entry in the registry does not list the stream counts as one after its `Open`: entries arrive
/// with the next heartbeats.
pub(super) const OPENED_LEASE: Duration = Duration::from_secs(10);

/// The shortest interval between two marks of a stream: a hundred followers that open it at once cause a few marks, not a
/// hundred.
pub(super) const MARK_INTERVAL: Duration = Duration::from_millis(50);

/// The most pages that a follower requests at a time: 2 MiB are on their way.
pub(super) const PAGE_WINDOW: usize = 8;

/// The most pages of a snapshot.
pub(super) const MAX_PAGES: u32 = 65_536;

/// The most changes of a stream of which some parts have arrived.
pub(super) const MAX_ASSEMBLIES: usize = 64;

/// How long the next part of a change may take before the change is requested again.
pub(super) const PART_GRACE: Duration = Duration::from_millis(500);

/// How long a sequence that is known from elsewhere (a heartbeat, a transaction) may take to arrive on the topic before it
/// counts as missing: topics may overtake each other.
pub(super) const CLAIM_GRACE: Duration = Duration::from_millis(200);

/// How long a change may wait for the others of its transaction before the stream counts as recovering.
pub(super) const HELD_GRACE: Duration = Duration::from_millis(500);

/// The first request for missing changes is sent after half of this to all of it: packets that overtook each other need no
/// request, and not all followers request at once.
pub(super) const FIRST_REQUEST: Duration = Duration::from_millis(60);

/// How long the first answer may take; doubles with each request without one.
pub(super) const FIRST_RETRY: Duration = Duration::from_millis(100);

/// The longest time between two requests. They are repeated for as long as the stream is followed.
pub(super) const LONGEST_RETRY: Duration = Duration::from_secs(5);

/// How long the first page may take; doubles with each request without one, up to [`LONGEST_RETRY`].
pub(super) const FIRST_PAGE_RETRY: Duration = Duration::from_secs(1);

/// After this time without a sign of the publisher of a live stream, its follower asks for one: three heartbeats.
pub(super) const PROBE_AFTER: Duration = Duration::from_secs(3);

/// After this time without a sign of its publisher a live stream is stale: five heartbeats.
pub(super) const STALE_AFTER: Duration = Duration::from_secs(5);
