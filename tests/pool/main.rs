//! The process pool, with real processes that are killed at the worst moments.
//!
//! This executable is its own worker, so `main` is ours: the entry first, then the tests.

mod everywhere;
mod faults;
mod handles;
mod hang;
mod processes;
#[path = "../common/script.rs"]
mod script;
mod task;

use framehaul::pool::worker;
use libtest_mimic::{Arguments, Trial};

/// Trials named as their functions.
macro_rules! trials {
    ($($module:ident::$test:ident,)*) => {
        vec![$(Trial::test(stringify!($test), $module::$test)),*]
    };
}

fn main() {
    if std::env::args().nth(1).as_deref() == Some("receive-and-stop") {
        hang::receive_and_stop();
    }
    if std::env::var_os("FORGET_THE_ENTRY").is_some() {
        processes::start_a_pool_in_a_worker();
    }
    worker::enter::<task::Task>();
    if std::env::args().nth(1).as_deref() == Some("exit-amid-starts") {
        processes::exit_amid_starts();
    }
    if std::env::args().nth(1).as_deref() == Some("run-out-of-memory") {
        faults::run_out_of_memory();
    }
    if std::env::args().nth(1).as_deref() == Some("start-without-threads") {
        processes::start_without_threads();
    }
    let trials = trials![
        everywhere::every_job_ends_with_its_own_output,
        everywhere::an_error_comes_back_typed_and_a_panic_with_its_backtrace,
        handles::a_handle_can_be_asked_waited_for_and_called_back_from,
        handles::a_callback_may_submit_and_hold_the_last_of_the_pool,
        handles::a_callback_of_a_cancelled_job_may_wait_for_others,
        handles::what_waits_is_cancelled_at_once_and_what_runs_is_asked_to_stop,
        handles::handles_are_yielded_as_their_jobs_end,
        handles::handles_are_futures_under_any_runtime,
        everywhere::a_large_result_can_be_lent_and_outlives_its_worker,
        everywhere::what_was_lent_last_is_not_lost_when_workers_go_as_they_are_told,
        everywhere::a_long_job_holds_up_nothing_however_much_is_submitted_meanwhile,
        everywhere::a_job_may_drain_a_pool_of_its_own,
        everywhere::a_stream_is_lazy_ordered_and_bounded,
        everywhere::a_stream_that_is_dropped_leaves_no_work_behind,
        everywhere::draining_loses_nothing_and_a_closed_pool_refuses,
        everywhere::shutting_down_can_be_hurried,
        everywhere::recycled_workers_are_replaced_after_their_last_job,
        everywhere::bad_numbers_and_setups_are_refused_with_a_sentence,
        everywhere::what_cannot_be_turned_into_bytes_or_back_is_that_jobs_failure,
        processes::bulk_arrives_beside_its_job_byte_for_byte,
        processes::jobs_and_answers_may_be_larger_than_any_socket_buffer,
        processes::the_surroundings_of_a_worker_can_be_chosen,
        processes::idle_workers_are_let_go_and_called_back,
        processes::the_first_interrupt_drains_and_the_second_kills,
        processes::workers_that_cannot_start_end_the_pool_with_a_sentence,
        processes::a_pool_that_no_thread_can_be_had_for_ends_with_a_sentence,
        processes::a_worker_of_another_version_names_both,
        processes::a_program_that_forgets_the_entry_does_not_multiply,
        processes::a_pool_that_ends_leaves_no_process_descriptor_thread_or_file,
        processes::a_program_that_exits_while_workers_start_leaves_nothing,
        faults::workers_that_die_lose_no_job,
        faults::a_death_elsewhere_leaves_nobody_waiting_in_vain,
        faults::bytes_that_panic_or_abort_cost_their_job_alone,
        faults::a_job_that_kills_every_worker_is_given_up_and_named,
        faults::a_job_that_passes_its_deadline_is_asked_to_stop_and_then_killed,
        faults::a_worker_that_is_stopped_between_jobs_is_replaced_if_there_is_a_deadline,
        faults::a_job_that_eats_all_memory_costs_its_worker_alone,
        faults::an_endless_job_does_not_keep_a_pool_from_being_killed,
        faults::workers_killed_and_stopped_at_random_lose_no_job,
        faults::a_pool_can_be_killed_in_the_middle_of_a_large_send,
        hang::the_hang,
    ];
    // One after the other: the tests count this process's children, threads and descriptors.
    let mut args = Arguments::from_args();
    args.test_threads = Some(1);
    libtest_mimic::run(&args, trials).exit();
}
