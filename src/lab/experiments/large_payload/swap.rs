//! What the machine, all of its processes together, writes to its swap.

/// What became of memory while it was short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Swapped {
    /// So many pages were written to it.
    Out(u64),
    /// There is nothing to swap to.
    Nowhere,
    /// The kernel does not say.
    Untold,
}

/// What is written from now on.
#[derive(Debug)]
pub(super) struct Watch {
    before: Option<u64>,
}

impl Watch {
    pub(super) fn start() -> Self {
        Self {
            before: pages_out(&read("/proc/vmstat")),
        }
    }

    pub(super) fn finish(&self) -> Swapped {
        swapped(
            &read("/proc/swaps"),
            self.before,
            pages_out(&read("/proc/vmstat")),
        )
    }
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn pages_out(vmstat: &str) -> Option<u64> {
    let count = |line: &str| line.strip_prefix("pswpout ")?.trim().parse().ok();
    vmstat.lines().find_map(count)
}

/// `swaps` has a line for the header and one for each file or partition.
fn swapped(swaps: &str, before: Option<u64>, after: Option<u64>) -> Swapped {
    match (swaps.lines().count(), before, after) {
        (1, ..) => Swapped::Nowhere,
        (2.., Some(before), Some(after)) => Swapped::Out(after.saturating_sub(before)),
        _ => Swapped::Untold,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_pages_that_went_out_meanwhile_if_there_is_anywhere_to_go() {
        let header = "Filename Type Size Used Priority\n";
        let some = format!("{header}/dev/sda2 partition 1000 0 -2\n");
        assert_eq!(swapped(&some, Some(5), Some(5)), Swapped::Out(0));
        assert_eq!(swapped(&some, Some(5), Some(12)), Swapped::Out(7));
        assert_eq!(swapped(header, Some(5), Some(5)), Swapped::Nowhere);
        assert_eq!(swapped(&some, None, Some(5)), Swapped::Untold);
        assert_eq!(swapped("", Some(5), Some(5)), Swapped::Untold);
    }

    #[test]
    fn the_counter_is_found_by_its_whole_name() {
        let vmstat = "pswpin 3\npswpout 42\npswpout_more 7\n";
        assert_eq!(pages_out(vmstat), Some(42));
        assert_eq!(pages_out("pswpin 3\n"), None);
    }
}
