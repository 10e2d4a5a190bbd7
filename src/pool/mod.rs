//! Worker processes as a library. STUB.
