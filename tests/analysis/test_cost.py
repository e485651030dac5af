"""Costs of networks: counts against closed forms, memory against known tensors."""

import re
import sys
from collections.abc import Callable

import polars as pl
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from fwi.analysis import cost, speed
from fwi.analysis.cost import cost_table
from fwi.analysis.multiply_adds import count_multiply_adds
from fwi.analysis.speed import measure, peak_memory
from fwi.cli import main
from fwi.models import count_parameters, model_names, register_model
from fwi.registry import Registry

CPU = torch.device("cpu")


def count(build: Callable[[], nn.Module], *shape: int) -> int:
    """Count on a network built without memory."""
    with torch.device("meta"):
        model = build().eval()
    return count_multiply_adds(model, shape)


def test_linear_layer_counts_as_its_matrix() -> None:
    assert count(lambda: nn.Linear(30, 7), 5, 30) == 5 * 30 * 7


@pytest.mark.parametrize(
    ("options", "out", "per_cell"),
    [
        ({}, 18 * 10, 4 * 3 * 3),
        ({"stride": (2, 1), "padding": 1}, 10 * 12, 4 * 3 * 3),
        ({"groups": 4}, 18 * 10, 3 * 3),
    ],
)
def test_convolution_counts_every_output_cell(
    options: dict[str, int], out: int, per_cell: int
) -> None:
    assert count(lambda: nn.Conv2d(4, 8, 3, **options), 1, 4, 20, 12) == 8 * out * per_cell


def test_transposed_convolution_counts_every_input_cell() -> None:
    def build() -> nn.Module:
        return nn.ConvTranspose2d(4, 6, 4, 2, 1)

    assert count(build, 1, 4, 9, 5) == 9 * 5 * 4 * 6 * 4 * 4


class Attention(nn.Module):
    """Four fused heads of 16 channels, each token with each."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, 4, N, 16) -> the same."""
        return F.scaled_dot_product_attention(x, x, x)


def test_fused_attention_counts_scores_and_sums() -> None:
    assert count(Attention, 2, 4, 50, 16) == 2 * (2 * 4 * 50 * 50 * 16)


def test_transformer_layer_counts_on_its_fast_path_too() -> None:
    def build() -> nn.Module:
        return nn.TransformerEncoderLayer(64, 4, 256, batch_first=True)

    projections = 4 * 50 * 64 * 64
    attention = 2 * 50 * 50 * 64
    assert count(build, 2, 50, 64) == 2 * (projections + attention + 2 * 50 * 64 * 256)


def test_stack_of_an_inversion_network_counts_as_by_hand() -> None:
    def build() -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(5, 32, (7, 1), (2, 1), (3, 0)),  # 1000 x 70 -> 500 x 70
            nn.BatchNorm2d(32),
            nn.LeakyReLU(0.2),
            nn.Conv2d(32, 64, (3, 1), (2, 1), (1, 0)),  # -> 250 x 70
            nn.Conv2d(64, 128, 3, 2, 1),  # -> 125 x 35
            nn.Conv2d(128, 256, (125, 35)),  # -> 1 x 1
            nn.ConvTranspose2d(256, 128, 5),  # -> 5 x 5
            nn.ConvTranspose2d(128, 64, 4, 2, 1),  # -> 10 x 10
            nn.Conv2d(64, 1, 3, 1, 1),
        )

    encoder = [
        500 * 70 * 5 * 32 * 7,
        250 * 70 * 32 * 64 * 3,
        125 * 35 * 64 * 128 * 9,
        128 * 256 * 125 * 35,
    ]
    decoder = [1 * 256 * 128 * 25, 5 * 5 * 128 * 64 * 16, 10 * 10 * 64 * 9]
    assert count(build, 1, 5, 1000, 70) == sum(encoder) + sum(decoder)


def test_counting_leaves_the_fast_path_of_attention_as_it_was() -> None:
    assert torch.backends.mha.get_fastpath_enabled()
    count(Attention, 1, 4, 3, 16)
    assert torch.backends.mha.get_fastpath_enabled()


def chain() -> None:
    """Hold 4, then 16, then 12, then 14 kB."""
    first, second = torch.empty(1000), torch.empty(3000)
    del first
    third = torch.empty(500)
    del second, third


def test_peak_memory_is_the_most_held_at_once() -> None:
    before = torch.ones(10_000)
    assert peak_memory(chain, CPU) == 16_000
    assert peak_memory(lambda: before.sum(), CPU) == 4
    assert peak_memory(lambda: None, CPU) == 0


class Wide(nn.Module):
    """Layers with many weights and hardly an activation."""

    n_shots = 5

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*(nn.Linear(1000, 1000, bias=False) for _ in range(layers)))

    def forward(self, gathers: torch.Tensor) -> torch.Tensor:
        """(B, S, 1000, 70) -> (B, 1, 70, 70)."""
        row = self.layers(gathers.mean((1, 3)))
        return row[:, None, :70, None].expand(-1, -1, -1, 70)


@pytest.fixture
def probes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register nothing but networks whose costs are known; only the last is small."""
    monkeypatch.setattr("fwi.models.registry._models", Registry("model"))
    monkeypatch.setattr(speed, "choose_device", lambda asked: CPU)
    monkeypatch.setattr(speed, "choose_precision", lambda *_: "float32")
    monkeypatch.setattr(cost, "LARGE", 5_000_000)
    variants = {"ten": {"layers": 10}, "twenty": {"layers": 20}}
    register_model("wide", variants, "a paper", {"ten": 12.5})(Wide)
    register_model("slim", {"two": {"layers": 2}})(Wide)


@pytest.mark.usefixtures("probes")
def test_a_weight_costs_sixteen_bytes_in_training() -> None:
    more, fewer = (measure("wide", variant)["memory_mb"] for variant in ("twenty", "ten"))
    # Weight, gradient and two moments of float32. A layer's activations are 16 kB of its 16 MB;
    # whatever is held for one layer alone cancels.
    assert more - fewer == pytest.approx(16 * 10, rel=5e-3)


@pytest.mark.usefixtures("probes")
def test_measuring_leaves_the_random_numbers_alone() -> None:
    before = torch.random.get_rng_state()
    measured = measure("slim", "two")
    assert torch.equal(torch.random.get_rng_state(), before)
    assert measured["forward_samples_s"] > 0
    assert measured["train_samples_s"] > 0


@pytest.mark.usefixtures("probes")
def test_a_network_too_large_for_the_memory_has_no_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(speed, "peak_memory", fail)
    row = cost_table(["slim"]).table.row(0, named=True)
    assert row["parameters_m"] == 2
    assert [row["memory_mb"], row["forward_samples_s"], row["train_samples_s"]] == 3 * [None]


@pytest.mark.usefixtures("probes")
def test_table_measures_large_networks_where_they_are_named() -> None:
    everything = cost_table().table
    assert everything["variant"].to_list() == ["ten", "twenty", "two"]
    assert everything["memory_mb"].is_null().to_list() == [True, True, False]
    named = cost_table(["wide"]).table
    assert named["variant"].to_list() == ["ten", "twenty"]
    assert named["memory_mb"].null_count() == named["train_samples_s"].null_count() == 0


@pytest.mark.usefixtures("probes")
def test_table_hands_on_what_the_registry_says() -> None:
    table = cost_table(speed=False).table
    assert table["parameters_m"].to_list() == [10, 20, 2]
    assert table["multiply_adds_g"].to_list() == [0.01, 0.02, 0.002]
    assert table["source"].to_list() == ["a paper", "a paper", None]
    assert table["published_mae"].to_list() == [12.5, None, None]
    assert table["memory_mb"].null_count() == 3
    assert table.schema == cost_table(["slim"]).table.schema


def test_table_agrees_with_the_registry_on_a_real_network() -> None:
    table = cost_table(["unet"], speed=False).table
    assert [("unet", v) for v in table["variant"]] == [x for x in model_names() if x[0] == "unet"]
    parameters = [count_parameters("unet", variant) / 1e6 for variant in table["variant"]]
    assert table["parameters_m"].to_list() == parameters
    assert table.select((pl.col("multiply_adds_g") > 0).all()).item()


@pytest.mark.usefixtures("probes")
def test_command_prints_a_row_a_variant_and_how_to_measure_the_large(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["fwi", "models"])
    with pytest.raises(SystemExit) as stopped:
        main()
    said = capsys.readouterr().out
    assert stopped.value.code == 0
    assert re.search(r"wide +ten +10\.0 +0\.01 +- +- +- +12\.5", said)
    assert re.search(r"slim +two +2\.0 +0\.00 +\d+ +[\d.]+ +[\d.]+ +-", said)
    assert "wide: a paper" in said
    assert "batches of 4 in float32 on the CPU" in said
    assert "above 5 M parameters, measured where named (fwi models NAME), or too large" in said


def test_command_names_the_nearest_model(refused: Callable[..., str]) -> None:
    assert "unknown model 'unett'; did you mean 'unet'" in refused("models", "unett")


def test_unknown_model_is_refused_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(cost, "measure")
    with pytest.raises(KeyError, match="unknown model 'unett'; did you mean 'unet'"):
        cost_table(["unet", "unett"])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_peak_memory_of_a_gpu_is_that_of_its_allocator() -> None:
    gpu = torch.device("cuda")
    kept = torch.ones(1 << 20, device=gpu)

    def work() -> None:
        first, second = (torch.empty(1 << 22, device=gpu) for _ in range(2))
        del first, second
        torch.empty(1 << 20, device=gpu)

    assert peak_memory(work, gpu) == 2 * 4 << 22  # a whole number of its blocks of 512 bytes
    assert float(kept.sum()) == 1 << 20
