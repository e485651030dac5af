"""Which device multiplies matrices and which one runs waves, and refinement on a GPU."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

import fwi
from fwi.geometry import AcquisitionGeometry
from fwi.inversion import devices, refine
from fwi.inversion.devices import devices_of

SMALL = AcquisitionGeometry(
    nz=26, nx=30, nt=420, sponge_width=60,
    source_x=(0.0, 100.0, 200.0, 290.0), receiver_x=tuple(np.arange(0.0, 300.0, 10.0)),
)  # fmt: skip


@pytest.mark.parametrize(
    ("capability", "expected"),
    [
        pytest.param((7, 5), ("cuda", "cpu"), id="T4"),
        pytest.param((8, 0), ("cuda", "cuda"), id="A100"),
        pytest.param((9, 0), ("cuda", "cuda"), id="H100"),
    ],
)
def test_waves_run_where_memory_is_fast(
    capability: tuple[int, int], expected: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "choose_device", lambda asked: torch.device(asked))
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert tuple(device.type for device in devices_of("cuda")) == expected


def test_the_processor_does_both_without_an_nvidia_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {device.type for device in devices_of("cpu")} == {"cpu"}
    monkeypatch.setattr(devices, "choose_device", lambda asked: torch.device(asked))
    assert {device.type for device in devices_of("mps")} == {"cpu"}


def test_a_device_that_is_not_there_is_named() -> None:
    with pytest.raises(ValueError, match="device must be auto, cpu or a GPU that is there"):
        refine(np.ones((1, *SMALL.gather_shape), np.float32), geometry=SMALL, device="cuda:99")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
@pytest.mark.filterwarnings("ignore:TensorFloat32")
@pytest.mark.parametrize("capability", [(7, 5), (9, 0)])
def test_every_cell_is_found_on_a_gpu(
    capability: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waves on the processor, and on the GPU: the same layers as there, and a deviation."""
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    z, x = np.indices((26, 30))
    depth = z + 2 * np.sin(x / 6)
    layers = np.select([depth < 8, depth < 17], [1800.0, 2500.0], 3300.0).astype(np.float32)
    gathers = fwi.simulate(layers[None], SMALL).astype(np.float16)
    start = gaussian_filter(layers, 3.0, mode="nearest")
    how = {"geometry": SMALL, "device": "cuda", "draws": 2}
    exact = refine(gathers, start, "CurveVel_A", **how).samples[0]
    assert exact.exact
    np.testing.assert_array_equal(exact.velocity, layers)
    smooth = refine(gathers, start, "smooth", **how).samples[0]
    assert smooth.std is not None
    assert np.isfinite(smooth.std).all()
    assert smooth.draws is not None
    assert smooth.draws.shape == (2, 26, 30)
