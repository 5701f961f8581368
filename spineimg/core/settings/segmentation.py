"""Thresholds of the segmentation room, each with its reason."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SegmentationSettings:
    """Settings of segmentation: running the networks, finding, naming, pasting back."""

    threads: int = 0
    """Threads of the network; 0: the free cores of this process (more than that is four times slower)."""
    tile_overlap: float = 0.25
    """Share of a tile that the next one covers; the blend is Gaussian. 0.25 keeps seams below one voxel."""
    tiles_at_once: int = 2
    """Patches stacked in one pass; two avoid a slow path of the library at one thread."""

    body_probability: float = 0.3
    """A locate voxel votes for a body centre from here on (body plus half of posterior)."""
    vote_sigma_mm: float = 3.0
    """Smoothing of the vote histogram: about the scatter of the offsets on validation scans."""
    peak_share: float = 0.22
    """A peak counts from this share of the median peak's votes; lower ones are crumbs."""
    peak_votes_ml: float = 1.2
    """... and from this much voting bone, ml; a C3 body has about 4 ml."""
    merge_share: float = 0.55
    """Two centres nearer than this share of the expected spacing are one vertebra."""
    irregular_spacing: float = 0.12
    """Log spread of the steps between the voted bodies above which they are placed again by the pedicles'
    rhythm (ours: 0.07-0.10 on scans where the votes hold, 0.16-0.22 where they smear)."""
    pedicle_weight: float = 1.0
    """Weight of the bone beside the canal against the votes when bodies are placed along the column."""
    vote_weight: float = 0.7
    """Weight of the votes."""
    spacing_weight: float = 0.15
    """Weight of the distance to the neighbour."""
    spacing_spread: float = 0.2
    """Spread of the log of that distance about the region's mean (named points, split train: 0.1 to 0.2)."""
    body_price: float = 0.1
    """Least contrast that a body must bring; flat bone is no column of vertebrae."""
    chain_gap_mm: float = 130.0
    """Longest gap along a column that still joins two centres into one chain."""

    disc_price: float = 0.25
    """Least sign of a disc, where 1 is a usual disc of the scan (chosen on drawn and painted spines)."""
    disc_spacing_weight: float = 1.0
    """Weight of the distance to the next disc."""
    disc_spread: float = 0.25
    """Spread of the log of that distance about the region's mean in the patient's own size."""
    size_spread: float = 0.2
    """Spread of the log of a patient's size (adults 0.065, see `size_low`; children have more)."""
    disc_rounds: int = 2
    """How often bodies are placed between the discs; better patches show the discs better."""
    shared_share: float = 0.25
    """A body that shares more of its length with a neighbour's is no single body's mask."""
    tall_share: float = 1.3
    """... nor is one longer than so many spacings (bodies have 0.7 to 0.9 of it)."""
    disc_moved_share: float = 0.09
    """Bodies that the discs place farther from the first look's, in spacings, are tried again."""

    mr_bodies: int = 3
    """An MR shows a spine only where at least this many bodies have the canal behind them (ours)."""
    canal_min_ml: float = 0.5
    """A body has the canal behind it from this volume on, ml (ours; 20 mm of a narrow canal have 2 ml)."""
    canal_share: float = 0.5
    """... and so has at least this share of the column."""
    mr_body_ml: float = 4.0
    """A body on an MR that counts as proof has at least this refined volume (a C3 has about 4 ml)."""
    mr_body_ratio: float = 2.0
    """... and is no more than so many times larger or smaller than the column's median body (ours: a bladder,
    a bowel loop and fat in a row were taken for three bodies of 26, 8 and 26 ml)."""
    sacrum_sure_ml: float = 20.0
    """What the coarse network calls sacrum is one from this volume on (ours; a whole one has 100 to 150 ml,
    scans without one 0 to 1)."""
    below_sacrum_mm: float = 10.0
    """Bodies farther below the middle of the sacrum are coccyx or pelvis, no vertebrae (ours)."""

    settle_rounds: int = 2
    """How often centres are moved to the refined bodies; the second round moves few."""
    settled_mm: float = 2.5
    """A centre that moves less needs no new pass (the fine network was trained with 3 mm of jitter)."""
    settle_min_ml: float = 1.5
    """A refined body below this moves no centre (a C3 body has about 4 ml)."""

    name_certain: float = 0.95
    """A name is certain from this posterior on (chosen on the validation split of the naming data)."""
    name_possible: float = 0.02
    """A level stays among the possible names from this posterior on."""
    contradiction: float = 0.2
    """Where a vertebra's own region has less evidence than this (four to one against), the names of the
    region beside that border are in doubt whatever the count says."""
    contradicted_confidence: float = 0.5
    """Confidence of such names, at most: the count says one thing, the look another."""
    metal_hu: float = 2500.0
    """Metal from here on (acrylic cement has 1,000-2,500 HU, titanium more)."""
    metal_ml: float = 1.0
    """So much metal near the column is said: less than one screw in a pedicle (6 x 45 mm: 1.3 ml)."""
    metal_reach_mm: float = 20.0
    """How far beside the vertebrae metal is looked for: its streaks cross them."""
    size_steps: int = 3
    """Steps between whole neighbours from which the patient's size is taken."""
    size_low: float = 0.8
    """Steps below this share of the mean adult's are out of range: adults' log scale spreads by 0.065 (named
    points, split train), so this is 3.4 spreads away."""
    size_high: float = 1.25
    """... and above this."""
    volume_share_least: float = 0.2
    """Masks below this share of an adult's volume are hardly vertebrae (bodies alone have a half)."""
    split_share: float = 0.2
    """A body is called split when its second piece has this share of it; crumbs are dropped before."""
    second_overlap: float = 0.3
    """A second label map names a vertebra where one of its labels covers this share of it: bodies-only labels
    still do, a neighbour's border does not."""
    second_apart_mm: float = 0.5
    """Two label maps lie on one grid when their corners are no farther apart."""
    two_looks: float = 0.7
    """A vertebra looks thoracic and lumbar alike when the weaker evidence has this share of the stronger
    (chosen on the naming data, splits train and validation: two thirds of such scans are named right)."""
    transitional_possible: float = 0.10
    """The count is called unusual from this posterior of a T13, L6, missing T12 or L5 on."""

    border_soft_hu: float = 40.0
    """Soft tissue beside the vertebrae: muscle and disc have 30 to 90 HU, fat less."""
    border_rim_share: float = 0.75
    """The rim's HU at this quantile is a vertebra's own bone: the rest is marrow and partial volume (all of
    `border_` chosen on one validation and two training scans and a painted one)."""
    border_bone_hu: float = 300.0
    """... and this where no body is seen (C1)."""
    border_contrast_hu: float = 160.0
    """Own bone lies at least so far above soft tissue: where a tumour ate the cortex, no softer border."""
    border_body_weight: float = 3.0
    """Weight of a voxel's HU in the log odds of bone, bodies: at most 1.5 either way, so that the network's
    borders move where it gives 0.18 to 0.82, hardly a voxel of its own."""
    border_posterior_weight: float = 1.0
    """... and posterior elements: thin plates round marrow, where HU tells less."""
    border_lesion: float = 0.2
    """From this probability of a lesion on the network's border stays: its bone is none to measure by."""

    vessel_neck_mm: float = 7.0
    """A mask is cut at necks thinner than this to look for a vessel; bodies are 15 mm wide and more."""
    vessel_above_hu: float = 100.0
    """Blood with contrast is brighter than the body by at least this (on a validation scan 170-220) ..."""
    vessel_even_hu: float = 80.0
    """... and half of it lies within so many HU (there 47-64; bodies' cores 90-220)."""

    vertebra_probability: float = 0.5
    """Voxels of a vertebra: body plus posterior evidence from here on (the middle of the softmax)."""
    lytic_probability: float = 0.5
    """Lytic voxels from here on (the middle of the sigmoid)."""
    blastic_probability: float = 0.3
    """Blastic voxels from here on: lower, as validation scans bring hardly more false marks for it."""
    lesion_in_bone_share: float = 0.25
    """Least share of a mark inside the vertebrae: soft tissue beside a vertebra is none of its lesions."""
    lesion_fat_hu: float = 0.0
    """A lytic candidate's mean HU lies above this: a metastasis is soft tissue, what is darker is fat."""
    lesion_lytic_share: float = 0.6
    """... and is at most this share of the patient's own bone there (fat marrow of old age is not; chosen on
    validation scans without metastases)."""
    lesion_blastic_hu: float = 120.0
    """A blastic candidate's mean HU exceeds the patient's own bone by at least this."""
    lamina_ml: float = 1.0
    """A smaller lytic candidate mostly in posterior elements is marrow between two thin plates, ml (on 5 mm
    slices without metastases 0.4 to 0.8)."""
    joint_share: float = 0.5
    """A blastic candidate with more than this share in posterior elements may be a worn joint ..."""
    joint_ml: float = 5.0
    """... and is dropped below this volume, ml (facet sclerosis on scans without metastases was 0.3 to 4)."""
    lesion_min_ml: float = 0.3
    """Smallest lesion that is reported, ml (what issue 11 asks to be found)."""
    vertebra_min_ml: float = 0.5
    """A located vertebra with less mask than this counts as not segmented (a C1 arch has about 5 ml)."""
    crumb_share: float = 0.05
    """Pieces of a vertebra below this share of its largest piece are dropped."""
