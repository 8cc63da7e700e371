"""EfficientNet: its paddings, its strides, and the units in which the semantic head reads maps."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

pytest.importorskip(
    "torch", reason="torch is not installed: pip install -r training/requirements.txt"
)

import torch  # noqa: E402

from aims.config import manifest  # noqa: E402
from aims.efficient_net import EfficientNet  # noqa: E402
from aims.layers import Depthwise  # noqa: E402
from aims.semantic import SemanticConfig, SemanticHead  # noqa: E402
from data.standard import Standard  # noqa: E402

WEIGHTS = Path(__file__).resolve().parents[1] / "weights/aims-base-efficient-net.safetensors"
# height / stride, width / stride and channels of each map, as in `Maps.semantic`.
SHAPES = (
    (16, 32, 32),
    (8, 16, 64),
    (2, 4, 768),
    (4, 8, 256),
    (4, 8, 120),
    (2, 4, 352),
)


@pytest.mark.parametrize("kernel, stride, padding", [(3, 1, 1), (3, 2, 1), (5, 1, 2), (5, 2, 2)])
def test_even_padding_is_that_of_pytorch(kernel, stride, padding):
    torch.manual_seed(0)
    layer = Depthwise(6, stride, kernel, padding)
    x = torch.randn(2, 9, 7, 6)
    weight = layer.weight.t().reshape(6, 1, kernel, kernel)
    theirs = torch.nn.functional.conv2d(
        x.permute(0, 3, 1, 2), weight, None, stride, padding, groups=6
    )
    assert torch.allclose(layer(x), theirs.permute(0, 2, 3, 1), atol=1e-5)


def test_maps_have_the_strides_16_and_32():
    family = manifest("aims-base")
    network = EfficientNet.read(family, WEIGHTS)
    with torch.no_grad():
        stride16, stride32 = network(torch.zeros(1, 64, 128, 3))
    assert stride16.shape == (1, 4, 8, 120) and stride32.shape == (1, 2, 4, 352)


def test_a_head_without_efficient_net_reads_the_same_photos():
    torch.manual_seed(0)
    head = SemanticHead(SemanticConfig(parts=3, entities=4, width=32, fine=16))
    maps = [torch.randn(shape) for shape in SHAPES]
    assert torch.equal(head(maps), head(maps[:4]))


def test_units_are_folded_into_the_head_that_reads_the_maps():
    torch.manual_seed(0)
    head = SemanticHead(
        SemanticConfig(parts=3, entities=4, width=32, fine=16, efficient=(120, 352))
    )
    maps = [3 * torch.randn(shape) + 1 for shape in SHAPES]
    standard = Standard.of([maps, [2 * x for x in maps]])
    wanted, weights = head(standard(maps)), head.state_dict()
    head.load_state_dict(standard.folded(weights))
    assert torch.allclose(head(maps), wanted, atol=1e-4)
    again = standard.unfolded(standard.folded(weights))
    assert all(torch.allclose(again[name], x, atol=1e-5) for name, x in weights.items())


def test_units_have_no_mean_and_deviations_of_one():
    torch.manual_seed(0)
    maps = [torch.randn(shape) * torch.arange(1, shape[2] + 1) - 5 for shape in SHAPES]
    changed = Standard.of([maps])(maps)
    for x in changed[2:]:  # of larger maps only some cells count
        assert x.mean((0, 1)).abs().max() < 1e-4
        assert (x.std((0, 1)) - 1).abs().max() < 1e-4
