"""How often the room on a disk is looked at."""

from syntalos_miniscope.recording import disk


def test_the_disk_is_looked_at_once_a_second_of_a_run(tmp_path, monkeypatch):
    looks = []
    monkeypatch.setattr(disk, "free_bytes", lambda path: looks.append(path) or 10**12)
    guard = disk.DiskGuard(tmp_path, print)
    looks.clear()
    for time_us in range(0, 3_000_000, 10_000):
        guard.check(time_us)
    assert looks == [tmp_path] * 3
