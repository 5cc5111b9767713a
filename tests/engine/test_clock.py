"""The run clock: whose moment t = 0 is."""

from syntalos_miniscope.clock import RunClock


def test_time_stands_at_0_until_the_start_and_counts_whole_microseconds_from_it():
    moments_ns = iter([5_000_000, 5_000_999, 5_002_500])
    clock = RunClock(lambda: next(moments_ns))
    assert (clock.now_us(), clock.at_us(9_999_999)) == (0, 0)
    clock.start()
    assert [clock.now_us(), clock.now_us()] == [0, 2]
    assert clock.at_us(4_999_999) == -1


def test_a_start_that_another_process_has_told_is_kept_to_the_nanosecond():
    clock = RunClock(lambda: 9_000_000)
    clock.start(at_ns=1_000_000)
    assert (clock.zero_ns, clock.now_us()) == (1_000_000, 8_000)
