//! Catching a job's panic with its message and backtrace, without printing it.

use super::outcome::Panic;
use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    static IN_JOB: Cell<bool> = const { Cell::new(false) };
    static LAST: RefCell<Option<Panic>> = const { RefCell::new(None) };
}

/// Runs `work`; a panic in it is returned instead of printed. Panics elsewhere are reported as the
/// program wants.
pub(super) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, Panic> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let other = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !IN_JOB.get() {
                return other(info);
            }
            let message = info.payload_as_str().unwrap_or("no message");
            let place = info
                .location()
                .map_or(String::new(), |at| format!(" ({at})"));
            let panic = Panic {
                message: format!("{message}{place}"),
                backtrace: Backtrace::force_capture().to_string(),
            };
            LAST.set(Some(panic));
        }));
    });
    // Jobs may run jobs, in a pool that is inline.
    let outer = IN_JOB.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    IN_JOB.set(outer);
    result.map_err(|_| {
        LAST.take().unwrap_or_else(|| Panic {
            message: "no message".into(),
            backtrace: String::new(),
        })
    })
}

/// Runs what is a user's in a thread that serves others too: its panic, which the program's own
/// panic hook has reported, ends here.
pub(super) fn contain(work: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(work));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_says_what_where_and_how_it_came_there() {
        let panic = catch(|| panic!("out of {}", "luck")).unwrap_err();
        assert!(
            panic
                .message
                .starts_with("out of luck (src/pool/panics.rs:"),
            "{}",
            panic.message
        );
        assert!(panic.backtrace.contains("panics"), "{}", panic.backtrace);
        assert_eq!(catch(|| 3), Ok(3));
        let nested = catch(|| catch(|| panic!("inner")).unwrap_err()).unwrap();
        assert!(nested.message.starts_with("inner"));
    }
}
