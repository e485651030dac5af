"""The Ray that does the work: one that runs, or one that is started for it on this machine."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fwi.config import MachineConfig, check_address
from fwi.physics.kernel.threads import available_threads

# What Ray reads when it is imported. Nothing is reported to its makers; no word is said on a
# default that will change, nor, in twenty lines, on every worker that was lost.
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",
}
_SECONDS = 5.0  # in which a machine answers


@dataclass(frozen=True)
class Places:
    """Where tasks run, each on one machine.

    Attributes:
        threads: processors of a task.
        gpus: of a task.
        stays: whether this process stays connected afterwards.
    """

    threads: int
    gpus: int
    stays: bool

    def count(self) -> int:
        """Count the tasks that run at once on the machines that are there now."""
        return sum(
            int(min(has("CPU") // self.threads, has("GPU") // self.gpus if self.gpus else 1e9))
            for has in _resources()
        )


@contextmanager
def connected(machine: MachineConfig, networks: bool) -> Iterator[Places]:
    """Connect to the Ray of the config, and leave or stop it in the end.

    One that this process is connected to already is used, and stays.

    Args:
        machine: reads `address`, `threads` and `device`.
        networks: whether a task takes a GPU where there is one.

    Raises:
        ModuleNotFoundError: if Ray is not installed.
        ValueError: if no machine has the processors, or the GPU, that a task takes.
        ConnectionError: if there is no Ray at the address.
    """
    ray = library()
    ours = not ray.is_initialized()
    if ours:
        _connect(ray, machine.address)
    elif machine.address is not None:
        raise ValueError(
            f"machine.address must be left out in a process that is connected to a Ray already, "
            f"got {machine.address!r}; or call ray.shutdown() before"
        )
    try:
        yield _places(machine, networks, stays=not ours)
    finally:
        if ours:
            ray.shutdown()


def library() -> Any:
    """Import Ray.

    Raises:
        ModuleNotFoundError: if it is not installed, with what to install.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "machine.engine=ray needs ray, which is not installed; pip install 'fwi[ray]'"
        ) from None
    return ray


def _connect(ray: Any, asked: str | None) -> None:
    address = asked or os.environ.get("RAY_ADDRESS") or "local"
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address == "local":
        options |= {"num_cpus": available_threads(), "include_dashboard": False}
    else:
        _check_answer(address)
    logging.getLogger("ray").setLevel(logging.ERROR)
    try:
        with _own_signals():
            ray.init(address, **options)
    except (ConnectionError, RuntimeError) as error:
        said = " ".join(str(error).split())[:300]
        raise ConnectionError(
            f"there must be a Ray of this version at {address}, got none ({said}); where ray "
            "start said that tokens are asked for, set RAY_AUTH_MODE=token"
        ) from error


def _check_answer(address: str) -> None:
    """Ask for an answer before Ray does, which would try for a minute."""
    try:
        check_address(address)
    except ValueError as error:
        raise ValueError(f"RAY_ADDRESS {error}, got {address!r:.60}") from None
    host, _, port = address.rpartition(":")
    try:
        if port != "auto":
            socket.create_connection((host.strip("[]"), int(port)), _SECONDS).close()
    except OSError as error:
        raise ConnectionError(
            f"there must be a Ray at {address}, got no answer ({error.strerror or error}); start "
            "one with ray start --head, or leave machine.address out"
        ) from None


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep what SIGTERM does, which Ray changes."""
    main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if main:
            signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def _places(machine: MachineConfig, networks: bool, *, stays: bool) -> Places:
    gpu = networks and (
        machine.device.startswith("cuda")
        or (machine.device == "auto" and any(has("GPU") for has in _resources()))
    )
    places = Places(machine.task_threads or 1, int(gpu), stays)
    if not places.count():
        largest = max((int(has("CPU")) for has in _resources()), default=0)
        raise ValueError(
            f"a machine of Ray must have {places.threads} processors{' and a GPU' * gpu} for a "
            f"task, got {largest} at most; ask for fewer machine.threads, or add machines with "
            "ray start"
        )
    return places


def _resources() -> list[Any]:
    """Give what each machine has, as functions of the resource's name."""
    import ray

    def has(node: dict[str, Any]) -> Any:
        return lambda name: node["Resources"].get(name, 0.0)

    return [has(node) for node in ray.nodes() if node["Alive"]]
