"""Fitting: in step with torch, in pieces as in one, stopped and gone on with."""

from __future__ import annotations

import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fwi.core.activations import Dropout, ReLU
from fwi.core.batches import shuffled, steps_in_epoch
from fwi.core.clipping import clip_by_norm
from fwi.core.containers import Sequential
from fwi.core.layer import Layer
from fwi.core.linear import Linear
from fwi.core.losses import cross_entropy, mse
from fwi.core.network import Network
from fwi.core.normalisation import BatchNorm
from fwi.core.optimizers import SGD, Adam, Momentum
from fwi.schedules import one_cycle, one_cycle_momentum

Array = Any


def make_network(dropout: float = 0.0, dtype: str = "float64") -> Network:
    rng = np.random.default_rng(5)
    return Network(
        Linear(6, 8, rng=rng, dtype=dtype),
        BatchNorm(8, dtype=dtype),
        ReLU(),
        Dropout(dropout, rng=3),
        Linear(8, 3, rng=rng, dtype=dtype),
    )


@pytest.fixture
def samples() -> tuple[Array, Array]:
    """Twenty-two points of three classes: batches of 8 leave a last one of 6."""
    rng = np.random.default_rng(1)
    return rng.normal(size=(22, 6)), rng.integers(0, 3, 22)


def weights(network: Network) -> dict[str, Array]:
    entries = [e for which in ("params", "state") for e in network.layer.entries(which)]
    return {path: np.asarray(arrays[name]) for path, arrays, name in entries}


def assert_equal_runs(one: Network, other: Network) -> None:
    expected = weights(other)
    for path, value in weights(one).items():
        np.testing.assert_array_equal(value, expected[path], err_msg=path)
    # Seconds are the clock's and nobody's else.
    assert one.history.drop("seconds").equals(other.history.drop("seconds"))


def interrupting(loss: Callable[..., Any], at: int) -> Callable[..., Any]:
    """A loss during whose call number `at` Ctrl-C is pressed."""
    calls = 0

    def pressed(prediction: Array, target: Array) -> Any:
        nonlocal calls
        calls += 1
        if calls == at:
            signal.raise_signal(signal.SIGINT)
        return loss(prediction, target)

    return pressed


def test_fit_follows_torch(samples: tuple[Array, Array]) -> None:
    x, y = samples
    network = Network(Linear(6, 8, dtype="float64"), ReLU(), Linear(8, 3, dtype="float64"))
    oracle = torch.nn.Sequential(
        torch.nn.Linear(6, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3)
    ).double()
    for ours, theirs in ((0, oracle[0]), (2, oracle[2])):
        for key, value in network.layer.layers[ours].params.items():
            getattr(theirs, key).data = torch.tensor(value)
    optimizer = torch.optim.SGD(oracle.parameters(), lr=0.1, momentum=0.9)
    losses = []
    for epoch in range(5):
        total = 0.0
        for part in shuffled(22, 8, 0, epoch):
            loss = torch.nn.functional.cross_entropy(
                oracle(torch.tensor(x[part])), torch.tensor(y[part])
            )
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(oracle.parameters(), 0.5)
            optimizer.step()
            total += float(loss.detach()) * len(part)
        losses.append(total / 22)
    history = network.fit(
        x, y, cross_entropy, Momentum(0.1), 5, 8, clip=partial(clip_by_norm, limit=0.5)
    )
    # Fifteen steps on values of order 1.
    np.testing.assert_allclose(history["loss"], losses, rtol=1e-12)
    np.testing.assert_allclose(
        network.layer.layers[0].params["weight"], oracle[0].weight.detach(), rtol=0, atol=1e-12
    )


def test_a_fit_cycles_the_momentum_that_it_is_given(samples: tuple[Array, Array]) -> None:
    cycle = partial(one_cycle_momentum, total=9, low=0.8, high=0.95)
    optimizer, seen = Momentum(0.05), list[float]()

    def schedule(step: int) -> float:
        seen.append(optimizer.momentum)  # of the step before: the rate comes first
        return 0.05

    make_network().fit(*samples, cross_entropy, optimizer, 3, 8, schedule=schedule, momentum=cycle)
    assert optimizer.momentum == cycle(8)
    assert {cycle(step) for step in range(9)} == {*seen[1:], optimizer.momentum}


def test_two_fits_of_n_epochs_are_one_of_2n(samples: tuple[Array, Array]) -> None:
    def schedule(step: int) -> float:
        return one_cycle(step, 18, peak=0.05, warmup=0.3)

    runs = []
    for pieces in ([6], [3, 3], [1, 2, 3]):
        network, optimizer = make_network(dropout=0.3), Adam()
        for epochs in pieces:
            network.fit(
                *samples,
                cross_entropy,
                optimizer,
                epochs,
                8,
                validation=samples,
                schedule=schedule,
                rng=4,
            )
        runs.append(network)
    assert_equal_runs(runs[1], runs[0])
    assert_equal_runs(runs[2], runs[0])


@pytest.mark.parametrize("at", [1, 2, 3, 5, 9])
def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(
    samples: tuple[Array, Array], at: int
) -> None:
    straight, stopped = make_network(dropout=0.3), make_network(dropout=0.3)
    straight.fit(*samples, cross_entropy, Adam(0.02), 4, 8)
    optimizer = Adam(0.02)
    history = stopped.fit(*samples, interrupting(cross_entropy, at), optimizer, 4, 8)
    assert optimizer.steps == at
    # Three steps an epoch; an epoch counts when its row is written, after its last step.
    finished = (at - 1) // 3
    assert history["epoch"].to_list() == list(range(1, finished + 1))
    stopped.fit(*samples, cross_entropy, optimizer, 4 - finished, 8)
    assert_equal_runs(stopped, straight)


def test_ctrl_c_leaves_the_weights_of_the_last_finished_step(
    samples: tuple[Array, Array],
) -> None:
    x, y = samples
    one, stopped = make_network(), make_network()
    one.fit(x, y, cross_entropy, SGD(0.1), 1, 22)
    stopped.fit(x, y, interrupting(cross_entropy, 1), SGD(0.1), 5, 22)
    for path, value in weights(one).items():
        np.testing.assert_array_equal(weights(stopped)[path], value)


def test_ctrl_c_twice_stops_at_once(samples: tuple[Array, Array]) -> None:
    def impatient(prediction: Array, target: Array) -> Any:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("not reached")

    with pytest.raises(KeyboardInterrupt):
        make_network().fit(*samples, impatient, SGD(), 1)


def test_ctrl_c_is_python_s_again_after_a_fit(samples: tuple[Array, Array]) -> None:
    before = signal.getsignal(signal.SIGINT)
    make_network().fit(*samples, cross_entropy, SGD(), 1)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_thread_that_never_gets_ctrl_c_can_fit(samples: tuple[Array, Array]) -> None:
    network, other = make_network(), make_network()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(network.fit, *samples, cross_entropy, SGD(0.1), 2, 8).result()
    other.fit(*samples, cross_entropy, SGD(0.1), 2, 8)
    assert_equal_runs(network, other)


def test_fits_in_torch_tensors_are_those_in_numpy(samples: tuple[Array, Array]) -> None:
    x, y = samples
    ours, theirs = make_network(), make_network()
    theirs.layer.convert(torch.from_numpy)
    expected = ours.fit(x, y, cross_entropy, Adam(0.02), 4, 8)
    got = theirs.fit(torch.tensor(x), torch.tensor(y), cross_entropy, Adam(0.02), 4, 8)
    assert isinstance(theirs.layer.layers[0].params["weight"], torch.Tensor)
    # The libraries add in another order; Adam's quotients magnify that in small gradients.
    np.testing.assert_allclose(got["loss"], expected["loss"], rtol=1e-9)
    assert got["accuracy"].to_list() == expected["accuracy"].to_list()


def test_history_of_classes(samples: tuple[Array, Array]) -> None:
    network = make_network()
    history = network.fit(*samples, cross_entropy, SGD(0.1, decay=0.5), 3, 8, validation=samples)
    assert history.columns == [
        "epoch", "loss", "accuracy", "validation_loss", "validation_accuracy", "rate", "seconds",
    ]  # fmt: skip
    assert history["epoch"].to_list() == [1, 2, 3]
    # Of the last of three steps an epoch.
    np.testing.assert_allclose(history["rate"], [0.1 / (1 + 0.5 * t) for t in (2, 5, 8)])
    assert (history["seconds"] > 0).all()
    assert history["accuracy"].is_between(0, 1).all()
    scores = network.layer.forward(samples[0])
    right = float((scores.argmax(1) == samples[1]).mean())
    assert history["validation_accuracy"][-1] == pytest.approx(right, rel=1e-15)
    expected = float(cross_entropy(scores, samples[1])[0])
    # A mean of means by batch, against the mean of all.
    assert history["validation_loss"][-1] == pytest.approx(expected, rel=1e-13)


def test_history_of_numbers_has_no_accuracy() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(9, 6)), rng.normal(size=(9, 3))
    history = make_network().fit(x, y, mse, SGD(), 2, 4)
    assert history["accuracy"].null_count() == 2
    assert history["validation_loss"].null_count() == 2
    assert history.schema["accuracy"] == pl.Float64


def test_a_network_that_was_never_fitted_has_an_empty_history() -> None:
    assert make_network().history.shape == (0, 7)


@pytest.mark.parametrize("library", [np.asarray, torch.from_numpy])
@pytest.mark.parametrize("batch_size", [1, 5, 22, 100])
def test_predictions_do_not_depend_on_the_batch_size(
    samples: tuple[Array, Array], batch_size: int, library: Any
) -> None:
    network = make_network(dropout=0.5)
    expected = network.layer.forward(samples[0])
    network.layer.convert(library)
    got = network.predict(library(samples[0]), batch_size)
    # A product of other shape may add in another order.
    np.testing.assert_allclose(np.asarray(got), expected, rtol=0, atol=1e-13)


def test_float32_stays_float32(samples: tuple[Array, Array]) -> None:
    x, y = samples[0].astype(np.float32), samples[1]
    network = make_network(dtype="float32")
    network.fit(x, y, cross_entropy, Adam(), 1, 8, schedule=lambda step: np.float64(0.01))
    assert {w.dtype for path, w in weights(network).items() if "weight" in path} == {
        np.dtype(np.float32)
    }
    assert network.predict(x).dtype == np.float32


def test_one_layer_is_a_network_itself_and_several_are_a_sequence() -> None:
    layer: Layer = Linear(2, 2)
    assert Network(layer).layer is layer
    assert isinstance(Network(layer, ReLU()).layer, Sequential)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_is_an_error_and_moves_nothing(
    samples: tuple[Array, Array], value: float
) -> None:
    x, y = samples
    network = Network(Linear(6, 3, dtype="float64"))
    before = weights(network)

    def spoiled(prediction: Array, target: Array) -> Any:
        return value, np.zeros_like(prediction)

    with pytest.raises(FloatingPointError, match=f"loss must be finite, got {value} at step 0"):
        network.fit(x, y, spoiled, Adam(), 3, 8)
    for path, kept in weights(network).items():
        np.testing.assert_array_equal(kept, before[path])


def test_samples_that_are_not_finite_leave_the_network_as_it_was(
    samples: tuple[Array, Array],
) -> None:
    x, y = samples
    network = make_network()
    before, judged = weights(network), network.predict(x)
    with pytest.raises(FloatingPointError, match="loss must be finite, got nan at step 0"):
        network.fit(np.where(x > 1, np.nan, x), y, cross_entropy, Adam(), 3, 22)
    for path, kept in weights(network).items():  # batch norm's running statistics too
        np.testing.assert_array_equal(kept, before[path])
    np.testing.assert_array_equal(network.predict(x), judged)


def test_targets_of_another_precision_are_refused_before_anything_moves() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 4)).astype(np.float32), rng.normal(size=(8, 2))
    network = Network(Linear(4, 2))
    before = weights(network)
    with pytest.raises(TypeError, match="target must be float32 as the prediction is, got float64"):
        network.fit(x, y, mse, SGD(), 1)
    for path, kept in weights(network).items():
        np.testing.assert_array_equal(kept, before[path])


def test_samples_and_targets_that_do_not_fit_are_refused(samples: tuple[Array, Array]) -> None:
    x, y = samples
    network = make_network()
    with pytest.raises(ValueError, match="same number of samples, at least 1, got 22 and 21"):
        network.fit(x, y[1:], cross_entropy, SGD(), 1)
    with pytest.raises(ValueError, match="x must hold a sample or more, got none"):
        network.predict(x[:0])
    with pytest.raises(ValueError, match="at least 1, got 22 and 3"):
        network.fit(x, y, cross_entropy, SGD(), 1, validation=(x, y[:3]))
    with pytest.raises(TypeError, match=r"epochs must be a whole number, got 2\.5"):
        network.fit(x, y, cross_entropy, SGD(), 2.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="epochs must be at least 0, got -1"):
        network.fit(x, y, cross_entropy, SGD(), -1)
    assert network.history.is_empty()
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        network.fit(x, y, cross_entropy, SGD(), 1, 0)


@given(n=st.integers(1, 60), batch_size=st.integers(1, 20), data=st.data())
def test_batches_of_an_epoch_are_of_their_size_and_can_be_taken_up_anywhere(
    n: int, batch_size: int, data: st.DataObject
) -> None:
    batches = shuffled(n, batch_size, 0, 0)
    assert len(batches) == steps_in_epoch(n, batch_size)
    assert all(len(batch) == batch_size for batch in batches[:-1])
    assert n == 1 or batch_size == 1 or 2 <= len(batches[-1]) <= batch_size + 1
    done = data.draw(st.integers(0, len(batches)))
    left = shuffled(n, batch_size, 0, 0, sum(map(len, batches[:done])))
    assert [b.tolist() for b in left] == [b.tolist() for b in batches[done:]]


def test_every_epoch_shows_every_sample_once_in_another_order() -> None:
    epochs = [np.concatenate(shuffled(50, 7, 3, epoch)) for epoch in range(3)]
    for order in epochs:
        np.testing.assert_array_equal(np.sort(order), np.arange(50))
    assert not np.array_equal(epochs[0], epochs[1])
    assert not np.array_equal(epochs[0], np.concatenate(shuffled(50, 7, 4, 0)))
