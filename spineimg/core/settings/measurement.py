"""Thresholds of the measurement room, each with its reason.

"ours" marks a choice where no source gives a number (see docs/sins.md); everything else is cited.
"""

from dataclasses import dataclass

from spineimg.core.settings.clinical_limits import BLASTIC_PERCENT, FRACTURE_PERCENT, LYTIC_PERCENT


@dataclass(frozen=True, slots=True)
class MeasurementSettings:
    """Settings of measurement; lengths mm, angles degrees, fractions 0-1, densities HU."""

    # Points of a mask
    point_step_mm: float = 1.0
    """Voxels are subdivided to this step before shapes are fitted, so that thick slices leave no gaps."""
    smallest_vertebra_ml: float = 1.0
    """Less mask than this is a fragment: no frame, no measurement (a C3 body alone has about 3 ml)."""
    smallest_body_ml: float = 0.8

    # Frame of a vertebra
    endplate_disagreement_deg: float = 15.0
    """Endplates further apart than this: cranial axis from the column's tangent alone (sins.md, ours)."""
    endplate_weight: float = 0.35
    """Share of the caudal endplate's normal in the cranial axis at steps up to 1 mm, less at thicker
    slices; the
    rest is the tangent (sins.md, ours)."""
    endplate_footprint: float = 0.7
    """Inner share of the body's footprint that the endplate planes are fitted to: rims stay out (ours)."""
    border_voxels: int = 1
    """A mask this near to the edge of the field of view is cut (ours)."""

    # Canal
    canal_smallest_mm2: float = 40.0
    """Smaller holes of the projected ring are transverse foramina or gaps (canal areas 170-400 mm2)."""
    canal_widest_mm: float = 34.0
    canal_closing_mm: float = 4.0
    """Open rings (destroyed laminae, 5 mm slices) are closed by up to this radius."""
    canal_default_half_width_mm: float = 10.0
    canal_default_half_depth_mm: float = 7.5
    """Half axes where no ring closes; canal about 20-28 by 15-17 mm (Clouthier 2023, Cook 2021)."""

    # Division of a vertebra (all geometry, never intensity; ours)
    wall_slab_share: float = 0.35
    """Half width of the slab, in canal half widths, in which the posterior wall is fitted."""
    wall_tolerance_mm: float = 0.5
    rim_flare_mm: float = 3.0
    """Between the pedicles the rims of the body may reach so far behind the straight wall."""
    pedicle_inner_share: float = 0.7
    """Pedicles start at this share of the canal's half width from its middle."""
    pedicle_back_share: float = 0.45
    """Pedicles end behind the posterior wall at this share of the canal's depth."""
    process_from_mm: tuple[float, float, float] = (6.0, 7.0, 10.0)
    """Transverse processes start so far lateral of the canal's edge: cervical, thoracic, lumbar (pedicle
    widths
    4-16 mm: Cook 2021, Kaur 2016)."""
    facet_inner_share: float = 0.45
    facet_behind_mm: tuple[float, float, float] = (4.0, 5.0, 9.0)
    """Articular processes reach from this share of the canal's half width to the processes, and so far behind
    the canal's back: cervical, thoracic, lumbar."""
    sacrum_top_mm: float = 28.0
    """S1 is sought in so much of the sacrum next to the lowest vertebra."""
    sacral_body_mm: float = 18.0
    """So much of the sacrum under its upper endplate gives the frame of S1 (ours)."""
    s1_height_mm: float = 29.0
    s1_height_sd_mm: float = 2.5
    """Depth under S1's endplate at which S2 begins, along the endplate's normal, and its spread between
    people (ours: S1 is about as high as L5, 26-32 mm)."""
    s1_share: float = 0.05
    """A lesion of the sacrum with this share in S1 lies in S1 too (ours)."""
    sacrum_half_width_mm: float = 26.0
    """The sacrum's body ends here, the alae begin (S1 endplate 46-54 mm wide)."""

    # Endplates and heights
    slab_width_share: float = 0.2
    """Mid-sagittal slab, share of the body width (sins.md, ours)."""
    point_depths: tuple[float, float, float] = (0.1, 0.5, 0.9)
    """Readers' six-point morphometry inside the rims (sins.md, ours)."""
    edge_search_mm: float = 2.5
    """The image's edge is looked for within this distance of the mask's border (brief, ours)."""
    endplate_thickness_mm: float = 0.8
    """Bony endplate 0.6-1 mm thick: the middle (landmarks/INDEX.md; Edwards 2001, Spine 26:E61)."""
    edge_smallest_hu: float = 60.0
    """A fall smaller than this (or than three noise SDs) is no edge: the mask's surface stands in."""
    search_per_spacing: float = 0.2
    """Added to the search per mm of slice step: a thick mask's border is off by more."""
    inside_mm: float = 3.0
    """The edge is fitted on the image up to so far inside the search."""
    ragged_share: float = 0.35
    """Rows of the mask thinner than this share of the median are rags."""
    shared_levels: float = 0.7
    """Weight of the levels shared along an edge against each row's own (ours)."""
    plate_spread: float = 0.12
    """Relative SD of the plate's brightness about the scan's median (ours)."""
    coarse_from_mm: float = 1.6
    """From this slice step on the scan's typical plate is used."""
    plane_reach_deg: float = 4.0
    """On thick slices an endplate's plane may leave its two lines by so much (ours, drawn spines)."""
    plane_search_mm: float = 2.0
    plane_search_per_spacing: float = 0.9
    """Voxels so near to the plane are fitted: constant, and share of the slice step (ours)."""
    plane_footprint: float = 0.8
    """Share of the footprint whose voxels give the plane: rims stay out (ours)."""
    plane_sd_deg: tuple[float, float, float] = (1.2, 0.25, 0.06)
    """SD of the tilt of such a plane, degrees: constant, for no endplate is flat, and added to it in squares
    what grows with the slice step and with its square, mm (drawn spines and painted label maps)."""
    chord_sd_shares: tuple[float, float] = (0.65, 0.7)
    """Both ends of an endplate err alike in part, which leaves the slope of its chord alone: share of the SD
    that is left, sagittal and coronal (drawn spines and painted label maps)."""
    uncinate_free_share: float = 0.45
    """Middle share of a cervical body's width between its uncinate processes (ours, drawn spines)."""
    edge_gain: float = 0.3
    """The edge must explain so many times the variance that it leaves; else the mask's surface stands in."""
    kernel_sds_mm: tuple[float, ...] = (0.4, 0.65, 1.0)
    """Blur of the kernel that is tried; a scan does not tell its own."""
    row_sd_mm: float = 1.0
    """Voxels count for a row of the endplate with this Gaussian weight."""
    mask_trust_mm: float = 1.0
    """SD of the mask's border about the true edge, to which 0.3 of the slice step is added (ours)."""
    cost_cap: float = 12.0
    """No row may pull harder than this: destroyed places must not bend the line (ours)."""
    step_cost: float = 0.08
    """Cost of a step of 0.25 mm between neighbouring rows, squared."""
    stiffening: float = 2.0
    """Both costs grow with this power of the slice step in mm."""
    jump_cost: float = 1.5
    """Largest cost of a jump between neighbouring columns: fractures may step, noise may not (ours)."""
    coarsest_mm: float = 6.0
    """Slices from this thickness on along the body axis give no heights (sins.md)."""
    osteophyte_mm: float = 3.0
    """Rims further out than this beyond the waist are osteophytes and left out (ours)."""
    depth_clear_mm: float = 3.0
    """The depth of an endplate is taken so far inside the body, where the mask is whole."""
    edge_sd_mm: float = 0.2
    edge_sd_per_square: float = 0.031
    """SD of one endplate point found on the image: constant, and so much for each mm2 of the slice step's
    square (measured on drawn spines: 0.2 mm at 1 mm, 0.45 at 3, 0.95 at 5)."""
    ends_sd_mm: float = 0.7
    """SD of an endplate's front and back end: moves the three points along a steep plate (drawn spines)."""
    rim_sd_mm: float = 0.2
    rim_sd_per_spacing: float = 0.1
    """What the raised rims of real endplates add to the SD of the outer points: constant, and share of the
    slice step (measured on real label maps painted with a lesion or fracture)."""
    mask_sd_mm: float = 0.35
    mask_sd_per_spacing: float = 0.28
    """SD of one endplate point where the mask's surface stands in (ours, wider)."""
    destroyed_reach_mm: float = 2.5
    """An endplate point with a lesion within this depth below it has lost its plate (ours)."""
    destroyed_sd_mm: float = 4.0
    """SD of a height through a destroyed endplate, by which the mask's border is a guess (ours)."""
    blastic_reach_mm: float = 5.0
    blastic_plate_sd_mm: float = 1.5
    """A dense lesion so near below an endplate hides the plate in its own brightness (ours)."""
    wall_lesion_mm: float = 3.0
    wall_lesion_sd_mm: float = 1.5
    """SD of a shift whose wall corner has a lesion so near (ours: one grown 3 mm behind the wall was
    taken for it)."""
    low_body_steps: float = 4.0
    """A body lower than so many slice steps shows both plates in one blur: its SD grows by the same ratio
    (ours)."""
    step_rows: int = 5
    """Rows (1 mm) on each side of a break whose levels are compared, the slope left out (ours)."""
    step_rim_share: float = 0.08
    """Share of the depth at both ends where rims are rounded and no break is sought (ours)."""

    # Expected heights
    neighbours_each_side: int = 3
    neighbour_reach: int = 5
    """Unaffected neighbours are sought at most so many levels away (ours)."""
    level_spread: float = 0.045
    """SD of one healthy height about the person's own trend, as a share: 0.035 in 3,393 reader-measured
    vertebrae (reader_sixpoint_heights_ct, Zakharov 2023: spread of neighbouring ratios), widened for the
    worst of three sites (ours, painted label maps)."""
    slope_spread: float = 0.01
    """SD of the drift of the ratio to the normal height per level (ours)."""
    unaffected_loss: float = 0.15
    """A neighbour lower than its own neighbours by this share is no reference (below Genant's 0.20; ours)."""
    lesion_share_affected: float = 0.25
    """A neighbour with this share of its body in a lesion is no reference (ours)."""
    fracture_loss_percent: float = FRACTURE_PERCENT
    """Genant 1993, J Bone Miner Res 8:1137: lower limit of grade 1."""
    genant_borders_percent: tuple[float, float, float] = (20.0, 25.0, 40.0)
    shape_share: float = 0.6
    """Heights that lost less than this share of the worst loss count as kept in the shape's name (ours)."""
    shape_tolerance_percent: float = 15.0
    """A height lost by less than this counts as kept when the shape is named (Eastell 1991: 15 %)."""

    overlap_mm: float = 2.0
    """Endplates of neighbours that cross by more than this are a fault of the masks (ours: above the error of
    an endplate on thick slices; discs are 2 mm and more)."""
    bulge_mm: float = 3.5
    """A network's body that bulges by more between its endplates has one of them wrong (ours; painted real
    label maps, tuning seeds: up to 2.5 in truth, 3.6 to 14 where a height was off by 3 mm and more)."""
    tall_share: float = 0.2
    """... and so has one that stands out above what its neighbours let expect (ours: `level_spread` is
    0.035)."""
    machine_height_sd_mm: float = 0.6
    machine_angle_sd_deg: tuple[float, float] = (4.0, 1.0)
    """SD that a network's masks add to a height, a kyphosis and a scoliosis (what 95 % intervals lacked on
    thirteen tuning cases by place, drawn and painted)."""
    scheuermann_deg: float = 5.0
    scheuermann_levels: int = 3
    """So many neighbours in a row wedged by so much: Scheuermann's (Sorensen 1964, Scheuermann's juvenile
    kyphosis)."""
    node_reach_mm: tuple[float, float] = (5.0, 8.0)
    """A Schmorl's node is a dent against the plate so far in front and behind; the bow of a fish vertebra is
    wider (ours)."""

    # Healthy bone and lesions (CT)
    working_mm: float = 1.45
    """Finer voxels are averaged up to this length before densities are compared: noise and time."""
    lesion_thickness_mm: float = 2.4
    """A group thinner than twice this is partial volume along a surface (ours)."""
    erosion_mm: float = 2.5
    """Trabecular bone lies so far inside the mask: cortex and partial volume stay out."""
    smoothing_mm: float = 1.2
    """Gaussian SD before voxels are compared with healthy bone: noise down, lesions of 8 mm kept."""
    smallest_reference_voxels: int = 200
    healthy_spread_floor_hu: float = 18.0
    """Least SD of healthy trabecular bone on a smoothed image (texture; Hendrickson 2018: 42 between
    persons)."""
    lytic_below_sd: float = 3.0
    lytic_below_hu: float = 60.0
    blastic_above_sd: float = 4.0
    blastic_above_hu: float = 130.0
    """A voxel is lytic or blastic beyond both distances from the reference (ours)."""
    smallest_lesion_ml: float = 0.35
    """Smaller groups are texture, veins or partial volume (a ball of 8.7 mm; ours)."""
    fill_mm: float = 1.5
    """Lesion groups are closed and grown by this much towards the cortex that the erosion took away."""
    lytic_share_percent: float = LYTIC_PERCENT
    blastic_share_percent: float = BLASTIC_PERCENT
    """Lytic share from which a lesion is lytic, and up to which it is blastic (sins.md, ours)."""
    share_sd_percent: float = 8.0
    """SD of the lytic share where a finder typed the voxels, half of them lytic (ours)."""
    density_share_sd_percent: tuple[float, float] = (4.0, 1.2)
    """The same where each voxel's density tells: constant, and for each mm of the slice step (drawn spines
    and painted label maps)."""
    pure_share_sd_percent: float = 1.5
    """What is left of it in a lesion of one kind (ours)."""
    surface_sd_mm: float = 0.25
    """SD of a lesion's outline: its volume's interval is surface times this (ours)."""
    surface_sd_per_spacing: float = 0.05
    drawn_surface_sd_mm: tuple[float, float] = (0.02, 0.03)
    """The same of a reader's outline: constant, and for each mm of the slice step (what sampling by voxels
    costs on drawn spines and painted label maps)."""
    body_volume_sd: float = 0.04
    """Relative SD of a body's volume from its mask (body split against the template's: 4 %)."""
    contact_mm: float = 1.5
    """Nearer than this to a wall or endplate is contact (ours)."""
    cortex_hu: float = 200.0
    cortex_broken_mm2: float = 12.0
    """Cortex is broken where so much surface over a lesion is below the density of cortical bone (ours)."""
    cement_hu: float = 1500.0
    metal_hu: float = 2500.0
    implant_ml: float = 0.3
    """More than so much of it: cement or an implant (acrylic cement 1,000-2,500 HU, titanium above)."""
    osteoporosis_hu: float = 60.0
    """Trabecular reference below this: lytic typing by density is doubtful (Pickhardt 2013: 110 HU
    specific)."""
    marrow_below_hu: float = 35.0
    marrow_below_sd: float = 2.0
    """A lytic mark inside a body is clearly below the patient's marrow from both distances on, against the
    same place of the other bodies and against the spread of all their marrow; else it is doubtful (ours:
    drawn lesions lie 45 HU and more below marrow of 90 HU)."""
    marrow_thin_hu: float = 135.0
    """... where that marrow is thin (Pickhardt 2013: 135 HU balanced between sensitive and specific) ..."""
    marrow_deep_share: float = 0.75
    """... if so much of it lies deep in the body: nearer to the surface lost cortex shows it (ours)."""
    marrow_vertebrae: int = 3
    """Fewer other bodies tell nothing of what is this patient's marrow (ours)."""
    enostosis_largest_ml: float = 1.2
    enostosis_hu: float = 885.0
    """Mean attenuation above 885 HU favours an enostosis (Ulano 2016, AJR 207:362)."""
    vein_half_width_mm: float = 6.0
    vein_height_share: float = 0.25
    vein_largest_ml: float = 1.2
    schmorl_largest_ml: float = 2.0
    schmorl_dent_mm: float = 3.0
    schmorl_deep_mm: float = 9.0
    """A Schmorl's node lies under a dent deeper than normal concavity (1.5-2.5 mm) and reaches no deeper
    (ours)."""
    sclerosis_depth_mm: float = 7.0
    rim_mm: float = 5.0
    bridge_largest_share: float = 0.25
    """A dense find from endplate to endplate in less than this share of the body's box is a bridging
    osteophyte (DISH runs along the front; a metastasis so long fills more; ours)."""
    likely_from_ml: float = 1.0
    """A machine's find below this is doubtful: nothing smaller was shown to be found reliably (ours)."""
    rim_deep_share: float = 0.2
    rim_largest_ml: float = 3.5
    """Dense bone of which less than this share lies deeper than 5 mm under the body's surface is doubtful: on
    real chest and abdominal CT without known disease all four such finds were worn rims (0.07-0.17); lesions
    inside a body have 0.6 and more (ours)."""
    fat_hu: float = 0.0
    """Mean below this inside a lytic-looking group is fat: haemangioma or fatty marrow, not tumour (ours)."""

    # Posterolateral
    structure_share_sd_percent: float = 7.0
    """SD of a share whose border cuts the structure in halves (ours)."""
    drawn_share_sd_percent: tuple[float, float] = (2.2, 0.8)
    """The same where a reader drew the lesion: constant, and for each mm of the slice step (drawn spines and
    painted label maps)."""
    structure_smallest_ml: float = 0.15
    bone_hu: float = 150.0
    """Denser than any soft tissue or tumour without calcium: what counts as bone of a structure (ours)."""
    missing_spread: float = 0.15
    """Least SD (log) between the bone of left and right, and of neighbours (drawn spines; ours)."""

    # Alignment
    wall_span_share: tuple[float, float] = (0.12, 0.38)
    """Part of the body height next to an endplate in which its posterior corner is sought (ours)."""
    translation_sd_mm: float = 0.32
    sacral_hollow_mm: float = 1.2
    """Posterior walls of bodies are hollow and S1's is straight: so much of L5's shift onto S1 is shape
    (drawn spines: 1.3-1.5 mm, spread 0.2)."""
    sacral_shift_sd_mm: float = 0.8
    """The same onto S1, which has no lower endplate to hold the ruler upright."""
    sacral_wall_mm: tuple[float, float] = (3.0, 13.0)
    """Stretch of S1's posterior wall under its endplate whose line holds the ruler (ours)."""
    lateral_span_mm: tuple[float, float] = (2.0, 10.0)
    """Rows of a body, from its endplate, whose middle gives the lateral shift (ours)."""
    translation_sd_per_spacing: float = 0.12
    lateral_sd_per_spacing: float = 0.16
    """SD of a shift: constant, and share of the slice step, or of the voxel to the side (drawn spines)."""
    ruler_sd_deg: float = 3.0
    """Largest SD of an endplate's tilt that may set the ruler for shifts (ours)."""
    ruler_own_sd_deg: tuple[float, float] = (1.0, 0.4)
    """SD of the ruler itself: constant, and for each mm of the slice step (drawn spines)."""
    short_body_mm: float = 20.0
    """Height taken where only one endplate of a body is found (S1)."""
    angle_sd_deg: float = 0.5
    """What else differs between two endplates' angles (ours)."""
    dens_mm: float = 12.0
    dens_half_width_mm: float = 3.0
    """Height of the dens, and half of the midline in which its gap to the arch of C1 is read (ours)."""

    # Signs of another cause of a slip (CT)
    slip_from_mm: float = 2.5
    """Smaller shifts are none by every limit, so their cause is not asked (White & Panjabi 1990: 2.5 mm)."""
    narrow_disc_share: float = 0.6
    narrow_disc_mm: tuple[float, float] = (2.0, 5.0)
    """A disc is narrowed below this share of the region's other discs, or below this (cervical and thoracic,
    lumbar; ours: whole lumbar discs have 8-12 mm, cervical and thoracic ones 4-6)."""
    gas_hu: float = -150.0
    gas_sds: float = 5.0
    disc_gas_ml: float = 0.05
    """So much darker than fat, and by so many SDs of the disc's noise, is a vacuum (fat: -120 HU; ours)."""
    disc_inner_share: float = 0.7
    """Gas is sought in this inner share of the disc's width (ours)."""
    facet_sclerosis_hu: float = 150.0
    """Articular processes denser than the region's median by this are arthropathic (ours)."""
    spur_mm: float = 5.0
    """A rim that stands so far out beyond the waist carries an osteophyte (normal flare 1-3 mm; ours)."""
    wide_canal_ratio: float = 1.25
    """Canal depth over that at L1 from which both pars are defective: the wide canal sign (Ulmer 1994, AJR
    163:411)."""
