//! How a frame reaches a worker. STUB.
