//! What is computed from a frame, and the engine that computes it.
//!
//! An [`Analysis`] is a checked list of analyzers, small enough to be sent to every worker; an
//! [`Engine`] is a worker's own copy of them at work. Findings are lines of JSON, each analyzer's
//! under its name:
//!
//! ```
//! use framehaul::analysis::{Analysis, Engine};
//! use framehaul::frame::{Colour, FrameFormat, FrameView, Sample};
//!
//! let analysis = Analysis::parse("luma,motion")?;
//! let format = FrameFormat::new(2, 2, Colour::Gray, Sample::U8);
//! let mut engine = Engine::new(&analysis, format);
//!
//! let first = FrameView::new(format, &[1, 2, 3, 4])?;
//! assert_eq!(
//!     engine.analyze(0, first),
//!     r#"{"frame":0,"luma":{"min":1,"max":4,"mean":2.5},"motion":{"mean_abs_diff":0.0}}"#
//! );
//! let second = FrameView::new(format, &[5, 2, 3, 0])?;
//! assert_eq!(
//!     engine.analyze(1, second),
//!     r#"{"frame":1,"luma":{"min":0,"max":5,"mean":2.5},"motion":{"mean_abs_diff":2.0}}"#
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The same numbers everywhere
//!
//! Each finding is defined so that a well-known tool, given the same frames, finds the same: NumPy
//! and ffmpeg's `signalstats` for `luma`, `histogram` and `motion`, OpenCV's `Laplacian` for
//! `sharpness`, NumPy for `thumbnail`. Sums are exact integers and a mean is one division at the
//! end, so a finding does not depend on the processor, on its vector instructions, or on how a
//! stream is cut into jobs: whoever starts in the middle of a stream [primes](Engine::prime) the
//! engine with the frame before.
//!
//! The luma of a gray frame is its samples and of a YUV frame its Y plane; of an RGB frame it is
//! BT.709 in fixed point, `(13933·R + 46871·G + 4732·B + 32768) >> 16`, in the depth of the input.
//!
//! # Adding an analyzer
//!
//! One file here, with a finding that serialises and a `make` function, and its entry in
//! `registry.rs`, which also names the numbers of the finding that a [`Condition`] may compare.

mod analyzer;
pub(crate) mod burn;
mod condition;
mod engine;
mod histogram;
mod luma;
mod motion;
mod registry;
mod row;
mod sharpness;
mod thumbnail;

pub use condition::{Condition, Evaluation};
pub(crate) use condition::{Operator, quoted};
pub use engine::{Abandoned, Engine};
pub use histogram::HistogramFinding;
pub use luma::LumaFinding;
pub use motion::MotionFinding;
pub(crate) use registry::nearest;
pub use registry::{Entry, Parameter, Reads, registry};
pub use sharpness::SharpnessFinding;
pub use thumbnail::ThumbnailFinding;

use crate::error::{Error, Result};
use crate::frame::FrameFormat;
use analyzer::Setting;
use serde::{Deserialize, Serialize};

/// The analyzers of one run, checked: what `--analyze luma,motion` becomes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Sent>", into = "Vec<Sent>")]
pub struct Analysis {
    settings: Vec<Setting>,
}

/// A setting on its way to a worker: as typed, and its calibration.
type Sent = (String, Option<u64>);

impl Analysis {
    /// Parses a comma-separated list; duplicates count once, order is kept.
    ///
    /// ```
    /// use framehaul::analysis::Analysis;
    /// let analysis = Analysis::parse("motion,luma,motion,burn:5").unwrap();
    /// assert_eq!(analysis.names(), ["motion", "luma", "burn:5"]);
    ///
    /// let error = Analysis::parse("sharpnes").unwrap_err().to_string();
    /// assert!(error.contains("did you mean sharpness?"), "{error}");
    /// ```
    ///
    /// # Errors
    /// [`Error::Usage`] for an empty list, a name that is none, a parameter that is missing or
    /// makes no sense, and thumbnails of two sizes.
    pub fn parse(list: &str) -> Result<Self> {
        let mut settings = Vec::new();
        for typed in list
            .split(',')
            .map(str::trim)
            .filter(|typed| !typed.is_empty())
        {
            let setting = Setting::check(typed).map_err(Error::Usage)?;
            if settings.contains(&setting) {
                continue;
            }
            let same = |other: &&Setting| other.makes_thumbnails() && setting.makes_thumbnails();
            if let Some(other) = settings.iter().find(same) {
                return Err(Error::Usage(format!(
                    "{} and {}: a run makes thumbnails of one size",
                    other.typed, setting.typed
                )));
            }
            settings.push(setting);
        }
        if settings.is_empty() {
            let all: Vec<_> = registry().iter().map(Entry::usage).collect();
            let all = all.join(", ");
            return Err(Error::Usage(format!("name at least one analyzer: {all}")));
        }
        Ok(Self { settings })
    }

    /// As typed, one entry an analyzer: `luma`, `burn:5`.
    pub fn names(&self) -> Vec<String> {
        self.settings
            .iter()
            .map(|setting| setting.typed.clone())
            .collect()
    }

    /// Whether any analyzer needs the frame before.
    pub fn looks_back(&self) -> bool {
        let mut settings = self.settings.iter();
        settings.any(|setting| setting.entry().reads == Reads::LumaAndBefore)
    }

    /// Bytes of memory that an analysis of frames of `format` keeps from frame to frame, beside some
    /// rows: the luma of the one before, if any analyzer needs it.
    ///
    /// ```
    /// use framehaul::analysis::Analysis;
    /// use framehaul::frame::{Colour, FrameFormat, Sample};
    /// let frames = FrameFormat::new(3840, 2160, Colour::Rgb, Sample::U16);
    /// assert_eq!(Analysis::parse("luma").unwrap().memory(frames), 0);
    /// assert_eq!(Analysis::parse("motion").unwrap().memory(frames), 16_588_800);
    /// ```
    pub fn memory(&self, format: FrameFormat) -> u64 {
        match self.looks_back() {
            true => (format.pixels() * format.sample.bytes()) as u64,
            false => 0,
        }
    }

    /// The format of the thumbnails of frames of `format`, if any are made. They are at most as
    /// large as the frames and have their sample type; those of RGBA frames are RGB, those of
    /// planar YUV frames are gray, of the luma plane.
    ///
    /// ```
    /// use framehaul::analysis::Analysis;
    /// use framehaul::frame::{Colour, FrameFormat, Sample};
    /// let analysis = Analysis::parse("luma,thumbnail:64x36").unwrap();
    /// let frames = FrameFormat::new(3840, 20, Colour::Rgba, Sample::U16);
    /// let thumbnails = FrameFormat::new(64, 20, Colour::Rgb, Sample::U16);
    /// assert_eq!(analysis.thumbnail(frames), Some(thumbnails));
    /// ```
    pub fn thumbnail(&self, format: FrameFormat) -> Option<FrameFormat> {
        let mut settings = self.settings.iter();
        let setting = settings.find(|setting| setting.makes_thumbnails())?;
        Some(thumbnail::format_of(setting, format))
    }

    /// Measures, for the analyzers that need it, how much work this machine does in the time that
    /// they are to take, so that all workers do the same. It takes some milliseconds if there is a
    /// `burn`, and none otherwise; what is calibrated stays as it is.
    ///
    /// ```
    /// use framehaul::analysis::Analysis;
    /// let mut analysis = Analysis::parse("luma,burn:0.1").unwrap();
    /// analysis.calibrate();
    /// let [(name, iterations)] = analysis.calibrations()[..] else { panic!() };
    /// assert_eq!(name, "burn:0.1");
    /// assert!(iterations > 0);
    /// ```
    pub fn calibrate(&mut self) {
        for setting in &mut self.settings {
            let parameter = setting.entry().parameter.as_ref();
            if let Some(calibrate) = parameter.and_then(|parameter| parameter.calibrate)
                && setting.calibrated.is_none()
            {
                setting.calibrated = setting.parameter().map(calibrate);
            }
        }
    }

    /// The analyzers that have been calibrated, as typed, with the iterations that they make for
    /// each frame.
    pub fn calibrations(&self) -> Vec<(&str, u64)> {
        let settings = self.settings.iter();
        settings
            .filter_map(|setting| Some((setting.typed.as_str(), setting.calibrated?)))
            .collect()
    }
}

impl From<Analysis> for Vec<Sent> {
    fn from(analysis: Analysis) -> Self {
        let settings = analysis.settings.into_iter();
        settings
            .map(|setting| (setting.typed, setting.calibrated))
            .collect()
    }
}

impl TryFrom<Vec<Sent>> for Analysis {
    type Error = String;

    fn try_from(sent: Vec<Sent>) -> Result<Self, String> {
        let settings = sent.into_iter().map(|(typed, calibrated)| {
            let setting = Setting::check(&typed)?;
            Ok(Setting {
                calibrated,
                ..setting
            })
        });
        let settings = settings.collect::<Result<_, String>>()?;
        Ok(Self { settings })
    }
}

/// The line of `findings.jsonl` for a frame that could not be analysed.
pub fn failed_line(index: u64, why: &str) -> String {
    let why = serde_json::Value::from(why);
    format!(r#"{{"frame":{index},"error":{why}}}"#)
}

#[cfg(test)]
mod tests;
