//! A finished run, or several, to a terminal, JSON and interval logs. STUB.
