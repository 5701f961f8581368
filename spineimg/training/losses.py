"""Losses with unknown regions left out."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

POSITIVE_WEIGHT = (4.0, 1.0)
"""Extra weight of lytic and blastic voxels: lytic ones are harder to see."""
ALARM_VOXELS = 300.0
"""Marked voxels of a vertebra without lesion that cost half of the penalty (1 ml at 1.5 mm)."""
FULL_VOXELS = 90.0
"""Lesions of fewer voxels (0.3 ml at 1.5 mm) weigh less in the Dice: they are not asked for."""


def region_loss(
    logits: Tensor, target: Tensor, merged: int, weight: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Cross entropy plus soft Dice over foreground classes.

    Parameters
    ----------
    logits
        (n, classes, a, b, c).
    target
        (n, a, b, c) long; 255 is left out; ``merged`` means class 1 or class 2.
    merged
        Code of "body or posterior, not known which".
    weight
        Class weights of the cross entropy, or None.

    Returns
    -------
    tuple
        The loss, and the Dice per foreground class present (detached; nan if absent).
    """
    classes = logits.shape[1]
    log_p = functional.log_softmax(logits, dim=1)
    known = (target < classes) & (target != merged)
    safe = torch.where(known, target, torch.zeros_like(target))
    picked = log_p.gather(1, safe[:, None])[:, 0]
    w = known.float()
    if weight is not None:
        w = w * weight[safe]
    either = target == merged
    total = -(picked * w).sum()
    mass = w.sum()
    if bool(either.any()):
        both = torch.logsumexp(log_p[:, 1:3], dim=1)
        total = total - (both * either).sum() * 2.0
        mass = mass + either.sum() * 2.0
    ce = total / mass.clamp(min=1.0)
    p = log_p.exp()
    dices = []
    for k in range(1, classes):
        truth = (safe == k) & known
        count = truth.sum()
        if int(count) == 0:
            dices.append(torch.full((), float("nan")))
            continue
        pk = p[:, k] * known
        dices.append((2 * (pk * truth).sum() + 1) / (pk.sum() + count + 1))
    dice = torch.stack(dices)
    present = ~torch.isnan(dice)
    soft = (1 - dice[present]).mean() if bool(present.any()) else logits.new_zeros(())
    return ce + soft, dice.detach()


def field_losses(
    fields: Tensor, offset: Tensor, known: Tensor, level: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Offset, group and level losses on vertebra voxels of the half-resolution grid.

    Parameters
    ----------
    fields
        (n, 8, a, b, c): offset (3), group logits (4), level / 26.
    offset, known
        Targets and where they hold.
    level
        (n, a, b, c) level ids, 0 none.

    Returns
    -------
    tuple
        The three losses.
    """
    flat = fields.permute(0, 2, 3, 4, 1)
    zero = fields.sum() * 0.0
    offset_loss = zero
    if bool(known.any()):
        got = flat[known][:, :3]
        want = offset.permute(0, 2, 3, 4, 1)[known]
        offset_loss = functional.smooth_l1_loss(got, want, beta=0.3)
    spine = level > 0
    if not bool(spine.any()):
        return offset_loss, zero, zero
    ids = level[spine]
    group = (ids > 7).long() + (ids > 19).long() + (ids > 25).long()
    chosen = flat[spine]
    group_loss = functional.cross_entropy(chosen[:, 3:7], group)
    vertebra = ids < 26
    level_loss = zero
    if bool(vertebra.any()):
        level_loss = functional.smooth_l1_loss(
            chosen[vertebra][:, 7], ids[vertebra].float() / 26.0, beta=0.05
        )
    return offset_loss, group_loss, level_loss


def lesion_loss(logits: Tensor, truth: Tensor, own: Tensor, ignore: Tensor) -> tuple[Tensor, Tensor]:
    """Cross entropy about the vertebra, soft Dice where lesions are, a price for false alarms.

    The price counts squared probabilities: linear ones cost more at zero than a half sure
    lesion can win, and the lytic ones, hard to see, were never marked.

    Parameters
    ----------
    logits, truth
        (n, 2, a, b, c).
    own
        (n, a, b, c) voxels of the vertebra; within three voxels of it or of a lesion the
        voxels count fully, elsewhere little.
    ignore
        (n, a, b, c) voxels left out.

    Returns
    -------
    tuple
        The loss and the Dice per channel (detached; nan where absent).
    """
    keep = (~ignore)[:, None].float()
    bce = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    zone = torch.maximum(own[:, None].float(), truth.amax(1, keepdim=True))
    zone = functional.max_pool3d(zone, 7, stride=1, padding=3)
    extra = truth.new_tensor(POSITIVE_WEIGHT).view(1, 2, 1, 1, 1)
    weight = keep * (0.02 + zone + extra * truth)
    loss = (bce * weight).sum() / weight.sum().clamp(min=1.0)
    p = torch.sigmoid(logits) * keep * zone
    losses, dices, alarms = [], [], []
    for n in range(logits.shape[0]):
        for channel in range(2):
            t = truth[n, channel]
            count = t.sum()
            if int(count) == 0:
                marked = (p[n, channel] ** 2).sum()
                alarms.append(marked / (marked + ALARM_VOXELS))
                continue
            dice = (2 * (p[n, channel] * t).sum() + 1) / (p[n, channel].sum() + count + 1)
            losses.append((1 - dice) * (count / FULL_VOXELS).clamp(max=1.0))
            dices.append(dice.detach())
    if alarms:
        loss = loss + 0.5 * torch.stack(alarms).mean()
    if dices:
        return loss + torch.stack(losses).mean(), torch.stack(dices).mean()
    return loss, torch.full((), float("nan"))
