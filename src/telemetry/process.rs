//! What the operating system knows of this process.

use std::fmt;

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::gauge::ConstGauge,
};

/// The memory that this process holds, read when somebody asks.
#[derive(Debug)]
pub(super) struct Memory;

impl Collector for Memory {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        // Elsewhere than on Linux there is nothing to read, and nothing is said.
        let Some(bytes) = std::fs::read_to_string("/proc/self/status").ok().and_then(|text| resident(&text)) else {
            return Ok(());
        };
        let gauge = ConstGauge::new(bytes);
        let help = "Memory that the process holds";
        let metric = encoder.encode_descriptor("process_resident_memory_bytes", help, None, gauge.metric_type())?;
        gauge.encode(metric)
    }
}

/// Resident memory in bytes, from what `/proc/self/status` says.
fn resident(status: &str) -> Option<i64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::resident;

    #[test]
    fn resident_memory_is_read_in_bytes() {
        assert_eq!(resident("Name:\tx\nVmRSS:\t    1234 kB\nThreads:\t2\n"), Some(1_263_616));
        assert_eq!(resident("Name:\tx\n"), None);
    }
}
