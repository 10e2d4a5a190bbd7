//! Videos, with the real ffmpeg: the same frames as by way of a y4m, at the video's own times, and
//! what goes wrong costs no more than it has to.
//!
//! `scripts/test` fetches ffmpeg and a video and runs these tests; without them they fail.

#[path = "../common/mod.rs"]
mod common;
mod decoding;
mod faults;
mod program;
mod scripts;
mod studio;
