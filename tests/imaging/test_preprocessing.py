import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from handwriting_cnn.errors import ConfigError, DataError, UnknownNameError
from handwriting_cnn.imaging.preprocessing import PreprocessSpec, median, preprocess, quantile

SPECS = st.builds(
    PreprocessSpec,
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    polarity=st.sampled_from(["auto", "dark-on-light", "light-on-dark"]),
    background=st.sampled_from(["subtract", "keep"]),
    crop=st.booleans(),
    margin=st.floats(0, 0.45),
)


def stroke(height=64, width=64, paper=230, ink=40):
    picture = np.full((height, width), paper, np.uint8)
    picture[height // 4 : 3 * height // 4, width // 2 - 3 : width // 2 + 3] = ink
    return picture


@settings(deadline=None, max_examples=150)
@given(image=hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=50)), spec=SPECS)
def test_any_picture_becomes_the_square(image, spec):
    before = image.copy()
    result = preprocess(image, spec)
    assert (result.shape, result.dtype) == ((spec.height, spec.width, 1), np.uint8)
    np.testing.assert_array_equal(image, before)
    assert PreprocessSpec.from_json(spec.to_json()) == spec


@pytest.mark.parametrize("polarity", ["auto", "dark-on-light"])
def test_dark_ink_on_light_paper_becomes_bright_on_black(polarity):
    result = preprocess(stroke(), PreprocessSpec(polarity=polarity))[..., 0]
    assert result[0].max() == 0
    assert result.max() == 255
    assert result[16, 16] == 255


def test_light_and_dark_pictures_of_one_stroke_agree():
    dark, light = stroke(), 255 - stroke()
    np.testing.assert_array_equal(preprocess(dark, PreprocessSpec()), preprocess(light, PreprocessSpec()))


def test_what_has_the_form_already_is_not_changed():
    picture = ndimage.gaussian_filter(255 - stroke(32, 32, paper=255, ink=0), 1)
    result = preprocess(picture, PreprocessSpec())
    np.testing.assert_array_equal(result[..., 0], picture)
    np.testing.assert_array_equal(preprocess(result[..., 0], PreprocessSpec()), result)


def test_blank_paper_stays_blank():
    noise = np.random.default_rng(0).integers(200, 220, (50, 50)).astype(np.uint8)
    assert preprocess(noise, PreprocessSpec()).max() == 0
    assert preprocess(np.full((9, 9), 255, np.uint8), PreprocessSpec(crop=True)).max() == 0


def photograph(*, ink, seed=0):
    """Grey paper, shaded and grainy, of 900x900 pixels, with one thin stroke."""
    rows, columns = np.mgrid[:900, :900]
    paper = 210 - rows / 30 - columns / 22 + np.random.default_rng(seed).normal(0, 5, (900, 900))
    paper[200:700, 440:449] = ink
    return np.clip(paper, 0, 255).astype(np.uint8)


def test_a_thin_stroke_on_shaded_paper_is_bright_on_black():
    result = preprocess(photograph(ink=50), PreprocessSpec())[..., 0]
    assert result.max() == 255
    assert (result[8:24, 15:17].max(axis=1) > 127).all()
    away = np.delete(result, range(13, 19), axis=1)
    assert away.max() <= 8


def test_a_speck_of_dust_is_no_letter():
    picture = np.full((300, 300), 220, np.uint8)
    picture[150, 150] = 90
    assert preprocess(picture, PreprocessSpec()).max() < 32


@pytest.mark.parametrize(("height", "width"), [(64, 32), (32, 64), (100, 10), (5, 50)])
def test_the_aspect_is_kept_and_the_ink_centred(height, width):
    kept = PreprocessSpec(polarity="light-on-dark", background="keep")
    result = preprocess(np.full((height, width), 200, np.uint8), kept)
    assert result.min() == 200  # the paper of a kept background goes on around it
    picture = np.full((height, width), 255, np.uint8)
    picture[height // 5 : -height // 5, width // 5 : -width // 5] = 0
    ink = preprocess(picture, PreprocessSpec())[..., 0] > 127
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    scale = 32 / max(height, width)
    inked = np.argwhere(picture == 0)
    sides = (inked.max(axis=0) - inked.min(axis=0) + 1) * scale
    assert abs(len(rows) - sides[0]) <= 2
    assert abs(len(columns) - sides[1]) <= 2


def test_crop_and_margin():
    picture = np.full((80, 80), 240, np.uint8)
    picture[10:20, 50:70] = 20
    ink = preprocess(picture, PreprocessSpec(crop=True, margin=0.125))[..., 0] > 127
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    assert (columns[0], columns[-1]) == (4, 27)
    assert (rows[0], rows[-1]) == (10, 21)


def test_shrinking_weighs_by_area():
    picture = np.zeros((64, 64), np.uint8)
    picture[:, ::2] = 200  # a pattern that picking single pixels would turn into all or nothing
    result = preprocess(picture, PreprocessSpec(polarity="light-on-dark", background="keep"))[8:-8, 8:-8]
    np.testing.assert_allclose(result, 100, atol=3)


@pytest.mark.parametrize(
    ("settings_", "error"),
    [
        ({"height": 0}, ConfigError),
        ({"width": 5000}, ConfigError),
        ({"height": 32.0}, ConfigError),
        ({"polarity": "dark"}, UnknownNameError),
        ({"background": "remove"}, UnknownNameError),
        ({"crop": 1}, ConfigError),
        ({"margin": 0.5}, ConfigError),
        ({"margin": True}, ConfigError),
    ],
)
def test_settings_outside_their_range_are_refused(settings_, error):
    with pytest.raises(error, match=next(iter(settings_))):
        PreprocessSpec(**settings_)


def test_unknown_settings_and_other_arrays_are_refused():
    with pytest.raises(UnknownNameError, match="did you mean 'margin'"):
        PreprocessSpec.from_json({"margn": 0.1})
    for image in (np.zeros((4, 4)), np.zeros((4, 4, 1), np.uint8), np.zeros((0, 3), np.uint8)):
        with pytest.raises(DataError, match="uint8 of shape"):
            preprocess(image, PreprocessSpec())


@pytest.mark.parametrize("crop", [False, True])
@pytest.mark.parametrize("background", ["subtract", "keep"])
def test_a_large_picture_in_bands_is_as_in_one_piece(monkeypatch, background, crop):
    image = np.random.default_rng(0).integers(200, 240, (90, 70)).astype(np.uint8)
    image[30:60, 20:40] = 30
    spec = PreprocessSpec(background=background, crop=crop)
    whole = preprocess(image, spec).astype(int)
    monkeypatch.setattr("handwriting_cnn.imaging.preprocessing._BAND_PIXELS", 300)
    assert np.abs(preprocess(image, spec) - whole).max() <= 1  # floats are added in another order


def test_a_large_picture_takes_little_memory_beside_its_own():
    image = np.full((3000, 3000), 240, np.uint8)
    image[1000:2000, 1000:1200] = 20
    tracemalloc.start()
    preprocess(image, PreprocessSpec(crop=True))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * image.nbytes


FLOATS = st.floats(-1e3, 1e3, width=32, allow_subnormal=False)


@given(values=hnp.arrays(np.float32, hnp.array_shapes(max_dims=2, max_side=9), elements=FLOATS), share=st.floats(0, 1))
def test_quantiles_are_numpys(values, share):
    assert median(values) == np.median(values)
    assert quantile(values, share) == pytest.approx(np.quantile(values, share), rel=1e-5, abs=1e-3)
