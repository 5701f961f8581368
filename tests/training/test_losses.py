"""Losses leave the unknown out; networks keep their shapes."""

from __future__ import annotations

import pytest
import torch

from spineimg.segmentation.networks import FoldedUNet, build_network, depth_to_space, space_to_depth
from spineimg.training.loop import learning_rate
from spineimg.training.losses import field_losses, lesion_loss, region_loss

MERGED = 8


def _logits(winner: torch.Tensor, classes: int = 8) -> torch.Tensor:
    return 12.0 * torch.nn.functional.one_hot(winner, classes).permute(0, 4, 1, 2, 3).float()


def test_ignored_voxels_do_not_count() -> None:
    target = torch.zeros(1, 4, 4, 4, dtype=torch.long)
    target[:, :2] = 1
    right, _ = region_loss(_logits(target), target, MERGED)
    wrong = target.clone()
    wrong[:, 3] = 5
    masked = target.clone()
    masked[:, 3] = 255
    loss, _ = region_loss(_logits(wrong), masked, MERGED)
    assert float(loss) == pytest.approx(float(right), abs=1e-3)
    full, _ = region_loss(_logits(wrong), target, MERGED)
    assert float(full) > float(right) + 1.0


@pytest.mark.parametrize("guess", [1, 2])
def test_merged_voxels_accept_body_and_posterior(guess: int) -> None:
    target = torch.zeros(1, 4, 4, 4, dtype=torch.long)
    target[:, 0] = 1
    target[:, 2:] = MERGED
    answer = target.clone()
    answer[:, 2:] = guess
    good, _ = region_loss(_logits(answer), target, MERGED)
    answer[:, 2:] = 0
    bad, _ = region_loss(_logits(answer), target, MERGED)
    assert float(good) < 0.1
    assert float(bad) > 3.0


def test_field_losses_look_at_vertebrae_only() -> None:
    fields = torch.zeros(1, 8, 2, 2, 2)
    level = torch.zeros(1, 2, 2, 2, dtype=torch.long)
    known = torch.zeros(1, 2, 2, 2, dtype=torch.bool)
    offset = torch.full((1, 3, 2, 2, 2), 9.0)
    assert [float(v) for v in field_losses(fields, offset, known, level)] == [0.0, 0.0, 0.0]
    level[0, 0, 0, 0] = 13
    known[0, 0, 0, 0] = True
    fields[0, :3, 0, 0, 0] = 9.0
    fields[0, 4, 0, 0, 0] = 20.0  # thoracic
    fields[0, 7, 0, 0, 0] = 13 / 26
    assert [round(float(v), 5) for v in field_losses(fields, offset, known, level)] == [0.0, 0.0, 0.0]


def test_lesion_loss_falls_with_the_right_answer() -> None:
    truth = torch.zeros(1, 2, 8, 8, 8)
    truth[:, 0, 2:5, 2:5, 2:5] = 1
    own = torch.zeros(1, 8, 8, 8, dtype=torch.bool)
    own[:, 1:7, 1:7, 1:7] = True
    nothing = torch.zeros(1, 8, 8, 8, dtype=torch.bool)
    good, dice = lesion_loss(20 * truth - 10, truth, own, nothing)
    none, _ = lesion_loss(torch.full_like(truth, -10.0), truth, own, nothing)
    assert float(good) < 0.05 < float(none)
    assert float(dice) > 0.95


def test_a_hardly_sure_lesion_pays_though_alarms_cost() -> None:
    """From "nothing", the marks rise where six voxels of ten are lesion, without and with the price."""
    truth = torch.zeros(2, 2, 16, 16, 16)
    truth[:, 0, 4:12, 4:12, 4:9] = 1
    own = torch.ones(2, 16, 16, 16, dtype=torch.bool)
    nothing = torch.zeros_like(own)
    logits = torch.full_like(truth, -5.0, requires_grad=True)
    healthy = torch.zeros_like(truth)
    with_lesion, _ = lesion_loss(logits, truth, own, nothing)
    without, _ = lesion_loss(logits, healthy, own, nothing)
    (0.6 * with_lesion + 0.4 * without).backward()
    assert logits.grad is not None
    assert float(logits.grad[:, 0, 4:12, 4:12, 4:9].sum()) < 0.0


def test_folding_is_undone_by_unfolding() -> None:
    x = torch.arange(2 * 16 * 6 * 4 * 2.0).reshape(2, 16, 6, 4, 2)
    torch.testing.assert_close(space_to_depth(depth_to_space(x)), x)
    y = torch.zeros(1, 1, 4, 4, 4)
    y[0, 0, 2:, :2, :2] = 1.0
    assert space_to_depth(y)[0, :, 1, 0, 0].tolist() == [1.0] * 8


def test_network_gives_every_channel_at_full_size() -> None:
    torch.manual_seed(0)
    net = build_network(
        "FoldedUNet",
        {"channels_in": 2, "classes": 8, "fields": 8, "widths": [8, 8, 8, 8], "blocks": [1, 1, 1, 1]},
    )
    net.eval()
    with torch.no_grad():
        x = torch.zeros(1, 2, 32, 16, 48)
        assert net(x).shape == (1, 16, 32, 16, 48)
        logits, fields = net.forward_parts(x)
    assert logits.shape == (1, 8, 32, 16, 48)
    assert fields is not None
    assert fields.shape == (1, 8, 16, 8, 24)
    assert isinstance(net, FoldedUNet)
    assert net.size_multiple == 16


def test_unknown_architecture_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown network"):
        build_network("ResNet", {})


def test_learning_rate_warms_up_and_ends_low() -> None:
    assert learning_rate(0.0, 0, 1e-3) < 1e-4
    assert learning_rate(0.0, 100, 1e-3) == pytest.approx(1e-3)
    assert learning_rate(1.0, 5000, 1e-3) == pytest.approx(2e-5)
