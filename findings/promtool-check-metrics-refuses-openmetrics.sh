#!/usr/bin/env bash
# One would expect: `promtool check metrics` accepts what Prometheus itself scrapes and stores.
#
# promtool 2.42.0 (Debian 12) reads the older text format, whatever its input is. In OpenMetrics the type and the help of a
# counter stand under its name without `_total`, and the text ends with `# EOF`. Prometheus, told by the media type, stores the
# counter; promtool takes it for an untyped metric without help, refuses it, and exits with 3. So a program that writes OpenMetrics
# cannot use this check: the test of Skimmer's metrics asks a Prometheus that has scraped them.
#
# Output seen:
#   OpenMetrics:      exit status 3: x_events_total no help text
#   the older format: exit status 0
# Exits 1 if that changes. Needs promtool, which tests/setup puts into target/prometheus.
set -euo pipefail

promtool=$(command -v promtool || echo "$(dirname "$0")/../target/prometheus/promtool")

check() {
    local status=0 said
    said=$("$promtool" check metrics 2>&1) || status=$?
    echo "exit status $status${said:+: $said}" | head -n 1
}

open=$(printf '# HELP x_events Events\n# TYPE x_events counter\nx_events_total 1.0\n# EOF\n' | check)
older=$(printf '# HELP x_events_total Events\n# TYPE x_events_total counter\nx_events_total 1.0\n' | check)
echo "OpenMetrics:      $open"
echo "the older format: $older"
[[ $open == "exit status 3: x_events_total no help text"* && $older == "exit status 0" ]]
