"""Analysis on a Ray cluster: bytes go out, records and pictures come back, and nothing is written there."""

import logging
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import ray
import torch

from mesorch_cli.case.pipeline import one_photo
from mesorch_cli.errors import UsageError
from mesorch_cli.examination.spec import ExaminerSpec
from mesorch_cli.examination.stages import Composed
from mesorch_cli.files.reading import opened_below

MOST_LOSSES = 3  # workers that may die on a photo before it counts as the cause
PATIENCE_S = 600.0  # seconds without any worker
LOOPBACK = "127.0.0.1"  # otherwise Ray would open a socket to an outside host to find the machine's address
POLL_S = 0.5  # how soon a request to stop is noticed


class Worker:
    """One process of the cluster. It loads its network once and then analyses photo after photo."""

    def __init__(self, spec: ExaminerSpec, device: str, threads: int) -> None:
        torch.set_num_threads(threads)  # another number changes the last bits of a result
        self._examiner = spec.examiner(device)

    def versions(self) -> dict[str, str]:
        """Return the versions that the worker's results depend on."""
        return self._examiner.tool

    def photo(self, evidence: Path, path: str, place: str, data: bytes) -> Composed:
        """Return the record and pictures of a photo from its bytes."""
        composed = one_photo(self._examiner, lambda: nullcontext(self._examiner), evidence, path, place, data=data)
        assert composed is not None
        return composed


class Cluster:
    """The engine for many machines. Another worker redoes the photo of a lost one."""

    def __init__(
        self,
        spec: ExaminerSpec,
        evidence: Path,
        place: Callable[[str], str],
        *,
        address: str | None = None,
        workers: int | None = None,
        device: str = "auto",
    ) -> None:
        """Join the cluster at an address, or start one on this machine. Workers start as it has room for them.

        workers: None for as many as the cluster has room for. Raises UsageError if there is no cluster.
        """
        self._local = spec.examiner("cpu")
        self._evidence = evidence
        self._place = place
        self._versions = self._local.tool
        join(address)
        threads, wants_gpu = torch.get_num_threads(), spec_wants_gpu(device)
        cpus = 1 if wants_gpu else threads
        self._arguments = (ray.put(spec), device, threads)
        self._actor: Any = ray.remote(num_cpus=cpus, num_gpus=int(wants_gpu), max_restarts=0)(Worker)
        self._idle: deque[Any] = deque()
        self._starting: dict[Any, Any] = {}
        for _ in range(workers or room("GPU" if wants_gpu else "CPU", 1 if wants_gpu else cpus)):
            self._start()

    def close(self) -> None:
        """Leave the cluster, which ends its workers."""
        ray.shutdown()

    def results(self, paths: Iterator[str], stop: Callable[[], bool]) -> Iterator[tuple[str, Composed]]:
        """Yield records as they come. A photo whose worker died goes to another one."""
        under: dict[Any, tuple[str, Any]] = {}  # (path, worker) by Ray's promise of the result
        again: deque[str] = deque()
        losses: dict[str, int] = {}
        exhausted = False
        last_worker = time.monotonic()
        while True:
            while self._idle and not stop() and (again or not exhausted):
                path = again.popleft() if again else next(paths, None)
                if path is None:
                    exhausted = True
                    break
                data = self._bytes(path)
                if data is None:
                    yield path, self._unreadable(path)
                    continue
                worker = self._idle.popleft()
                under[worker.photo.remote(*self._named(path), data)] = (path, worker)
            if not under and (stop() or (exhausted and not again)):
                return
            if under or self._idle:
                last_worker = time.monotonic()
            elif time.monotonic() - last_worker > PATIENCE_S:
                raise UsageError(
                    f"No worker of the Ray cluster started within {PATIENCE_S:.0f} s. Expected free CPUs (or GPUs) "
                    "for one: see `ray status`, then give the same command again."
                )
            done, _ = ray.wait([*under, *self._starting], num_returns=1, timeout=POLL_S)
            for promise in done:
                if promise in self._starting:
                    self._welcome(promise)
                    continue
                path, worker = under.pop(promise)
                try:
                    composed = ray.get(promise)
                except ray.exceptions.RayTaskError as error:
                    raise error.cause from error
                except ray.exceptions.RayError as error:
                    losses[path] = losses.get(path, 0) + 1
                    self._replace(worker)
                    self._ask_the_idle()
                    if losses[path] < MOST_LOSSES:
                        again.append(path)
                    else:
                        yield path, self._lost(path, error)
                else:
                    self._idle.append(worker)
                    yield path, composed

    def _start(self) -> None:
        worker = self._actor.remote(*self._arguments)
        self._starting[worker.versions.remote()] = worker

    def _welcome(self, promise: Any) -> None:
        worker = self._starting.pop(promise)
        try:
            versions = ray.get(promise)
        except ray.exceptions.RayTaskError as error:
            raise error.cause from error
        except ray.exceptions.RayActorError as error:
            if error.actor_init_failed:
                raise UsageError(f"A worker of the cluster could not start: {error}. See `ray logs`.") from error
            self._start()  # its node died meanwhile
            return
        other = [f"{name} {versions.get(name)}" for name, own in self._versions.items() if versions.get(name) != own]
        if other:
            own = ", ".join(f"{name} {self._versions[name]}" for name in (text.split()[0] for text in other))
            raise UsageError(
                f"A node of the cluster has {', '.join(other)}. Expected {own}, as here: install the same versions "
                "there."
            )
        self._idle.append(worker)

    def _replace(self, worker: Any) -> None:
        ray.kill(worker)
        self._start()

    def _ask_the_idle(self) -> None:
        """After a worker died, check the idle ones before using them: their node may be gone as well."""
        while self._idle:
            worker = self._idle.popleft()
            self._starting[worker.versions.remote()] = worker

    def _named(self, path: str) -> tuple[Path, str, str]:
        return self._evidence, path, self._place(path)

    def _bytes(self, path: str) -> bytes | None:
        try:
            with opened_below(self._evidence, path) as stream:
                return stream.read()
        except (OSError, ValueError):
            return None

    def _unreadable(self, path: str) -> Composed:
        """Return the record of an unreadable file. Reading it here gives the reason."""
        composed = one_photo(self._local, lambda: nullcontext(self._local), *self._named(path))
        assert composed is not None
        return composed

    def _lost(self, path: str, error: Exception) -> Composed:
        evidence, _, place = self._named(path)
        lost = self._local.fault(str(evidence / path), path, None, error, evidence)
        return self._local.compose(lost, place)


def join(address: str | None) -> None:
    """Become a driver of a cluster, without usage reports. Raises UsageError if there is no cluster at the address."""
    wanted = address or os.environ.get("RAY_ADDRESS") or "local"
    is_main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)
    try:
        own: dict[str, Any] = {"include_dashboard": False, "_node_ip_address": LOOPBACK} if wanted == "local" else {}
        ray.init(address=wanted, log_to_driver=False, logging_level=logging.ERROR, **own)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise UsageError(f"No Ray cluster at {wanted!r}: {error}. Start one with `ray start --head`.") from error
    finally:
        if is_main:
            signal.signal(signal.SIGTERM, before)  # Ray's own handler would end the run at once


def spec_wants_gpu(device: str) -> bool:
    """Return whether workers should use GPUs: if asked for, or if available."""
    return device.startswith("cuda") or (device == "auto" and room("GPU", 1, least=0) > 0)


def room(resource: str, each: float, *, least: int = 1) -> int:
    """Return how many workers the nodes have room for, at least `least`, as a node that joins later may take one."""
    nodes = [node["Resources"].get(resource, 0.0) for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
    return max(least, sum(int(amount // each) for amount in nodes))
