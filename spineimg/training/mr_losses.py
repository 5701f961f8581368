"""Region loss where some voxels are known only not to be body (masks of bodies alone)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from spineimg.training.losses import region_loss

RIM_WEIGHT = 3.0
"""Extra weight of such voxels within three of a body: there the border is drawn."""
NOT_BODY = 9
"""Target code: any class but body (of this vertebra)."""


def partial_region_loss(
    logits: Tensor, target: Tensor, merged: int, weight: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """`region_loss`, plus what is known of `NOT_BODY` voxels: class 1 is wrong there.

    Parameters and returns as `region_loss`; the Dice of class 1 counts these voxels too.
    """
    loss, dices = region_loss(logits, target, merged, weight)
    partial = target == NOT_BODY
    if not bool(partial.any()):
        return loss, dices
    log_p = functional.log_softmax(logits, dim=1)
    others = [k for k in range(logits.shape[1]) if k != 1]
    log_not = torch.logsumexp(log_p[:, others], dim=1)
    body = target == 1
    near = functional.max_pool3d(body[:, None].float(), 7, stride=1, padding=3)[:, 0]
    weight_not = partial * (1.0 + RIM_WEIGHT * near)
    loss = loss - (log_not * weight_not).sum() / weight_not.sum()
    if bool(body.any()):
        p = log_p[:, 1].exp() * ((target < logits.shape[1]) | partial)
        dice = (2 * (p * body).sum() + 1) / (p.sum() + body.sum() + 1)
        loss = loss + 1 - dice
        dices = dices.clone()
        dices[0] = dice.detach()
    return loss, dices
