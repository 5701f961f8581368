"""Limits that measuring and scoring share: each number stands here alone."""

LYTIC_PERCENT = 80.0
BLASTIC_PERCENT = 20.0
"""Lytic share from which a lesion is lytic, and up to which it is blastic (sins.md, ours: Fisher 2010 gives
none)."""
FRACTURE_PERCENT = 20.0
"""Height loss of a fracture: lower limit of grade 1 (Genant 1993, J Bone Miner Res 8:1137)."""

SAME = (
    ("scoring", "lytic_percent", "measurement", "lytic_share_percent"),
    ("scoring", "blastic_percent", "measurement", "blastic_share_percent"),
    ("scoring", "fracture_percent", "measurement", "fracture_loss_percent"),
)
"""Room and name of each pair; a profile that changes one of a pair changes both."""
