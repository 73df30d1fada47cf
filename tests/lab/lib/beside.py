# SPDX-License-Identifier: BSD-3-Clause
"""What goes on while a test does something else."""
import threading


class Beside:
    """Does once() again and again, in threads of its own, while a `with` lasts; what fails there fails the test. Whoever
    derives from it sets what once() needs before it calls this __init__."""

    def __init__(self, threads=1):
        self.failures, self._stop = [], threading.Event()
        self._threads = [threading.Thread(target=self._go, args=(n,), daemon=True) for n in range(threads)]
        for thread in self._threads:
            thread.start()

    def once(self, number):
        raise NotImplementedError

    def _go(self, number):
        try:
            while not self._stop.is_set():
                self.once(number)
        except Exception as error:
            self.failures.append(f"{number}: {error!r}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(30)
        assert not any(thread.is_alive() for thread in self._threads), "something beside waits for ever"
        assert not self.failures, f"beside: {self.failures}"
