//! Sizes and durations as people read them.

/// A number of bytes: `999 B`, `1.2 kB`, `34 MB` (powers of 1000, as docker prints them).
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if count < 1000 {
        return format!("{count} B");
    }
    let mut divisor: u64 = 1000;
    let mut unit = "kB";
    for next in UNITS.iter().skip(1) {
        if count / divisor < 1000 {
            break;
        }
        divisor = divisor.saturating_mul(1000);
        unit = next;
    }
    let whole = count / divisor;
    if whole >= 100 { format!("{whole} {unit}") } else { format!("{whole}.{} {unit}", count % divisor * 10 / divisor) }
}

/// A duration in microseconds: `0.4 ms`, `87 ms`, `1.25 s`, `3 min 05 s`, `2 h 07 min`, `3 d 04 h`.
pub fn duration(micros: i64) -> String {
    const HOUR: i64 = 3_600_000_000;
    const DAY: i64 = 24 * HOUR;
    let micros = micros.max(0);
    match micros {
        0..10_000 => format!("{}.{} ms", micros / 1000, micros % 1000 / 100),
        10_000..1_000_000 => format!("{} ms", micros / 1000),
        1_000_000..60_000_000 => format!("{}.{:02} s", micros / 1_000_000, micros % 1_000_000 / 10_000),
        60_000_000..HOUR => format!("{} min {:02} s", micros / 60_000_000, micros / 1_000_000 % 60),
        HOUR..DAY => format!("{} h {:02} min", micros / HOUR, micros / 60_000_000 % 60),
        _ => format!("{} d {:02} h", micros / DAY, micros / HOUR % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_well() {
        let sizes = [(0, "0 B"), (999, "999 B"), (1234, "1.2 kB"), (999_999, "999 kB"), (1_073_741_824, "1.0 GB")];
        for (count, text) in sizes {
            assert_eq!(bytes(count), text);
        }
        let durations = [
            (-1, "0.0 ms"),
            (412, "0.4 ms"),
            (87_000, "87 ms"),
            (1_254_000, "1.25 s"),
            (185_000_000, "3 min 05 s"),
            (7_620_000_000, "2 h 07 min"),
            (10_155_391_000_000, "117 d 12 h"),
        ];
        for (micros, text) in durations {
            assert_eq!(duration(micros), text);
        }
    }
}
