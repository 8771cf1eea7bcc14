//! Numbers as people read them at a glance.

use std::time::Duration;

/// A rate or a count with about three digits: `7.5`, `840`, `12.3k`, `1.25M`.
pub(super) fn short(number: f64) -> String {
    match number {
        number if number < 10.0 && number.fract() > 0.0 => format!("{number:.1}"),
        number if number < 10_000.0 => format!("{number:.0}"),
        number if number < 1e6 => format!("{:.1}k", number / 1e3),
        number if number < 1e9 => format!("{:.2}M", number / 1e6),
        number => format!("{:.2}G", number / 1e9),
    }
}

/// A count of events or rows.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub(super) fn short_count(count: u64) -> String {
    short(count as f64)
}

/// A number of bytes: `512B`, `1.5KiB`, `64MiB`.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub(super) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut number = count as f64;
    if number < 1024.0 {
        return format!("{count}B");
    }
    let mut unit = "";
    for next in UNITS {
        if number < 1024.0 {
            break;
        }
        (number, unit) = (number / 1024.0, next);
    }
    if number < 10.0 && number.fract() >= 0.05 {
        format!("{number:.1}{unit}")
    } else {
        format!("{number:.0}{unit}")
    }
}

/// A time with its two largest units: `45s`, `3m07s`, `2h05m`, `4d02h`.
pub(super) fn ago(time: Duration) -> String {
    let seconds = time.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{minutes}m{:02}s", seconds % 60),
        3600..86_400 => format!("{hours}h{:02}m", minutes % 60),
        _ => format!("{days}d{:02}h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{ago, bytes, short};

    #[test]
    fn numbers_have_about_three_digits_and_a_unit() {
        let shown = [0.0, 7.5, 9.0, 840.4, 9999.0, 12_300.0, 1_250_000.0, 2e9].map(short);
        assert_eq!(shown, ["0", "7.5", "9", "840", "9999", "12.3k", "1.25M", "2.00G"]);
        let sizes = [0, 512, 1536, 64 << 20, (64 << 20) + 1, 3 << 30].map(bytes);
        assert_eq!(sizes, ["0B", "512B", "1.5KiB", "64MiB", "64MiB", "3GiB"]);
        let times = [45, 187, 7500, 4 * 86_400 + 7200].map(|seconds| ago(Duration::from_secs(seconds)));
        assert_eq!(times, ["45s", "3m07s", "2h05m", "4d02h"]);
    }
}
