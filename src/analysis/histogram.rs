//! `histogram`: how the brightness is spread.

use super::analyzer::{Analyzer, Setting, json};
use super::row::{Row, Samples};
use crate::frame::FrameView;
use crate::sys::simd::{Kernel, vectorised};
use serde::{Deserialize, Serialize};

/// The finding of `histogram`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistogramFinding {
    /// 256 counts of the luma samples by their 8 most significant bits; samples above the range
    /// that the format's depth allows are counted in the last.
    pub bins: Vec<u64>,
    /// The first bin at which the count from the darkest up reaches a tenth of the pixels.
    pub p10: u8,
    /// The first bin at which it reaches nine tenths.
    pub p90: u8,
}

pub(super) fn make(_: &Setting) -> Box<dyn Analyzer> {
    Box::new(Histogram {
        tables: [[0; 256]; TABLES],
        uncounted: 0,
        bins: [0; 256],
        shift: 0,
        pixels: 0,
    })
}

/// Neighbouring samples are counted in different tables: neighbours are often alike, and adding
/// twice to one counter takes as long as the processor needs to store and load it.
const TABLES: usize = 8;

/// Samples turned into bins at a time.
const BLOCK: usize = 2048;

/// Samples after which the tables are emptied, long before a counter of theirs is full.
const TABLE_LIMIT: usize = 1 << 30;

struct Histogram {
    tables: [[u32; 256]; TABLES],
    /// Samples that are in the tables and not yet in the bins.
    uncounted: usize,
    bins: [u64; 256],
    /// Bits of a sample beyond the 8 that make its bin.
    shift: u32,
    pixels: u64,
}

impl Analyzer for Histogram {
    fn begin(&mut self, _: u64, frame: FrameView<'_>) {
        self.tables = [[0; 256]; TABLES];
        self.uncounted = 0;
        self.bins = [0; 256];
        self.shift = u32::from(frame.format().depth.saturating_sub(8));
        self.pixels = frame.format().pixels() as u64;
    }

    fn row(&mut self, row: &Row<'_>) {
        match row.luma {
            Samples::U8(luma) => luma.chunks(TABLE_LIMIT).for_each(|part| self.count(part)),
            Samples::U16(luma) => {
                let mut bins = [0; BLOCK];
                for block in luma.chunks(BLOCK) {
                    let bins = &mut bins[..block.len()];
                    vectorised(Bin {
                        luma: block,
                        shift: self.shift,
                        bins,
                    });
                    self.count(bins);
                }
            }
        }
    }

    fn finish(&mut self) -> Option<String> {
        self.empty_tables();
        Some(json(&HistogramFinding {
            bins: self.bins.to_vec(),
            p10: self.percentile(10),
            p90: self.percentile(90),
        }))
    }
}

impl Histogram {
    fn count(&mut self, bins: &[u8]) {
        if self.uncounted + bins.len() > TABLE_LIMIT {
            self.empty_tables();
        }
        self.uncounted += bins.len();
        let (eights, rest) = bins.as_chunks::<8>();
        for eight in eights {
            // One load, and shifts: the processor has few load units and needs them to count.
            let eight = u64::from_le_bytes(*eight);
            for (lane, table) in self.tables.iter_mut().enumerate() {
                table[usize::from((eight >> (8 * lane)) as u8)] += 1;
            }
        }
        for &bin in rest {
            self.tables[0][usize::from(bin)] += 1;
        }
    }

    fn empty_tables(&mut self) {
        for table in &mut self.tables {
            for (bin, count) in self.bins.iter_mut().zip(table) {
                *bin += u64::from(std::mem::take(count));
            }
        }
        self.uncounted = 0;
    }

    /// The first bin up to which there are so many per cent of the pixels, their number rounded to
    /// the nearest integer, halves to even.
    fn percentile(&self, percent: u64) -> u8 {
        let (whole, rest) = (self.pixels * percent / 100, self.pixels * percent % 100);
        let round_up = rest > 50 || rest == 50 && whole % 2 == 1;
        let wanted = whole + u64::from(round_up);
        let mut count = 0;
        let reached = self.bins.iter().position(|bin| {
            count += bin;
            count >= wanted
        });
        reached.expect("all pixels are in some bin") as u8
    }
}

struct Bin<'a> {
    luma: &'a [u16],
    shift: u32,
    bins: &'a mut [u8],
}

impl Kernel for Bin<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (&luma, bin) in self.luma.iter().zip(self.bins) {
            *bin = (luma >> self.shift).min(255) as u8;
        }
    }
}
