import dataclasses
import io
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageDraw

from handwriting_cnn.data.alphabet import Alphabet
from handwriting_cnn.errors import ConfigError, DataError, ImageDecodeError, ModelFileError
from handwriting_cnn.evaluation.evaluator import Evaluator
from handwriting_cnn.recognition.recognizer import Recognizer

sys.path.insert(0, str(Path(__file__).parent))
from pages import draw_page


@pytest.fixture(scope="module")
def page(digits):
    rows = np.random.default_rng(3).permutation(len(digits.test))[:60]
    return draw_page(digits.test.take(rows), digits.test.labels[rows], seed=3)


@pytest.fixture(scope="module")
def read(reader, page):
    return reader.recognize(page.image)


def test_digits_of_a_page_are_read(reader, digits, page, read):
    assert len(read) == 60
    expected = [digits.test.alphabet.characters[label] for label in page.labels]
    # A small network, trained for seconds on pictures of 8x8 pixels: it never saw an edge as sharp as those of a page.
    assert np.mean([one.candidates[0].text == text for one, text in zip(read, expected, strict=True)]) >= 0.75
    assert np.mean([one.text == text for one, text in zip(read, expected, strict=True)]) >= 0.65
    assert Evaluator().evaluate(reader, digits.test).accuracy > 0.9
    for one in read:
        assert one.text in {"", one.candidates[0].text}
        assert one.confidence == one.candidates[0].confidence
        assert [each.confidence for each in one.candidates] == sorted(
            (each.confidence for each in one.candidates), reverse=True
        )


def test_what_no_font_can_draw_stands_on_a_picture_by_its_code_point(reader, page):
    alphabet = Alphabet.of([chr(0x0915 + number) for number in range(10)])  # the first letters of Devanagari
    indic = Recognizer(dataclasses.replace(reader.saved, alphabet=alphabet), threshold=0)
    (one, *_) = indic.recognize(page.image)
    drawn = {text: indic.annotate(page.image, [dataclasses.replace(one, text=text)]) for text in "कख"}
    assert drawn["क"] != drawn["ख"]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_cameras_orientation_changes_nothing(orientation, reader, page, read):
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    image = Image.fromarray(page.image)
    stored = image.transpose(turns[orientation]) if orientation in turns else image
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = io.BytesIO()
    stored.save(data, "PNG", exif=exif)
    assert reader.recognize(data.getvalue()) == read


def test_an_inverted_page_gives_the_same_text(reader, page, read):
    assert [one.text for one in reader.recognize(255 - page.image)] == [one.text for one in read]


def test_a_single_character_and_a_blank(reader, digits):
    picture = 255 - np.kron(digits.test.images[0, ..., 0], np.ones((8, 8), np.uint8))
    picture = np.pad(picture, 30, constant_values=255)
    one = reader.recognize_single(picture)
    assert one.candidates[0].text == digits.test.alphabet.characters[digits.test.labels[0]]
    blank = reader.recognize_single(np.full((50, 70), 255, np.uint8))
    assert (blank.text, blank.confidence, blank.box, blank.candidates) == ("", 0.0, (0, 0, 70, 50), ())
    assert reader.recognize(np.full((500, 700), 255, np.uint8)) == []


class _KnowsPairs:
    """A network that knows two upright strokes beside each other, and perhaps one."""

    def __init__(self, *, one_too):
        self._one_too = one_too

    def __call__(self, images):
        answers = np.full((len(images), 10), 0.1, np.float32)
        for answer, image in zip(answers, images, strict=True):
            strokes = scipy.ndimage.label(image[..., 0] > 60)[1]
            if strokes == 2 or self._one_too:
                answer[:] = 0
                answer[strokes] = 1
        return answers


@pytest.mark.parametrize(("apart", "one_too", "expected"), [(34, False, "2"), (34, True, "11"), (150, False, "")])
def test_parts_that_are_known_together_alone_are_one_character(apart, one_too, expected, reader):
    rules = dataclasses.replace(reader.saved.reading, temperature=1.0, profiles=(), threshold=0.5)
    saved = dataclasses.replace(reader.saved, reading=rules)
    image = Image.new("L", (400, 200), 240)
    for left in (100, 100 + apart):
        ImageDraw.Draw(image).line([left, 70, left, 130], fill=40, width=8)
    read = Recognizer(saved, classifier=_KnowsPairs(one_too=one_too)).recognize(np.asarray(image))
    assert "".join(one.text for one in read) == expected
    assert len(read) == (1 if expected == "2" else 2)


def test_arrays_in_the_networks_form(reader, digits):
    images = digits.test.images[:50]
    probabilities = reader.predict_proba(images)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(probabilities, reader.predict_proba(images[..., 0]))
    best = [digits.test.alphabet.characters[number] for number in probabilities.argmax(axis=1)]
    assert all(text in {"", other} for text, other in zip(reader.predict(images), best, strict=True))
    for wrong in (images.astype(float), images[:, :14], images[0]):
        with pytest.raises(DataError, match="pictures must be uint8"):
            reader.predict_proba(wrong)


def test_what_lies_below_the_threshold_is_not_recognised(trained, page):
    strict = Recognizer(trained, threshold=1.0, candidates=1)
    read = strict.recognize(page.image)
    assert {one.text for one in read if one.confidence < 1} == {""}
    assert {len(one.candidates) for one in read} == {1}


def test_a_result_a_saved_model_and_a_file_read_alike(trained, reader, page, read, tmp_path):
    path = trained.save(tmp_path / "digits.safetensors")
    assert Recognizer.load(path).recognize(page.image) == read
    assert Recognizer(trained.to_saved_model()).recognize(page.image) == read


def test_annotations_leave_the_picture_and_mark_the_characters(reader, page, read):
    drawn = np.asarray(reader.annotate(page.image, read))
    assert drawn.shape == page.image.shape
    changed = (drawn != page.image).any(axis=2)
    assert 0.005 < changed.mean() < 0.3
    left, top, right, _ = read[0].box
    assert changed[top - 1, left:right].all()
    np.testing.assert_array_equal(np.asarray(reader.annotate(np.full((9, 9), 255, np.uint8))), 255)


@pytest.mark.parametrize("options", [{"threshold": 2}, {"candidates": 0}, {"max_pixels": 0.5}])
def test_settings_outside_their_range_are_refused(options, trained):
    with pytest.raises(ConfigError, match=next(iter(options))):
        Recognizer(trained, **options)


def test_pictures_and_names_that_are_none_are_refused(reader, tmp_path):
    broken = tmp_path / "letter.png"
    broken.write_bytes(b"no picture")
    with pytest.raises(ImageDecodeError, match=r"letter\.png"):
        reader.recognize(broken)
    with pytest.raises(DataError, match="an array of pixels must be uint8"):
        reader.recognize(np.full((9, 9), np.nan))
    with pytest.raises(ModelFileError, match="'cyrillic' is neither a model file nor a pretrained model"):
        Recognizer.load("cyrillic")


@st.composite
def drawings(draw):
    """Pictures of any size with a few rectangles of any level, or noise."""
    height, width = draw(st.integers(1, 160)), draw(st.integers(1, 160))
    colour = draw(st.sampled_from([(), (1,), (3,), (4,)]))
    random = np.random.default_rng(draw(st.integers(0, 99)))
    if draw(st.booleans()):
        return random.integers(0, 256, (height, width, *colour), dtype=np.uint8)
    picture = np.full((height, width, *colour), draw(st.integers(0, 255)), np.uint8)
    for _ in range(draw(st.integers(0, 8))):
        top, left = random.integers(height), random.integers(width)
        picture[top : top + random.integers(1, 40), left : left + random.integers(1, 40)] = random.integers(256)
    return picture


@settings(max_examples=80)
@given(picture=drawings(), layout=st.sampled_from(["auto", "single", "line", "page", "grid"]))
def test_any_picture_is_read_with_boxes_inside_it(small_model, picture, layout):
    reader = Recognizer(small_model)
    height, width = picture.shape[:2]
    for one in [*reader.recognize(picture, layout=layout), reader.recognize_single(picture)]:
        left, top, right, bottom = one.box
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        assert 0 <= one.confidence <= 1
        assert one.text in {"", *"abc"}
        assert one.line >= 0


@settings(max_examples=60)
@given(
    images=hnp.arrays(
        st.sampled_from([np.uint8, np.float32, np.int64, "U1"]),
        st.sampled_from([(0, 8, 8), (2, 8, 8), (1, 8, 8, 1), (1, 8, 8, 3), (8, 8), (), (2, 8, 9, 1), (1, 8, 8, 1, 1)]),
    )
)
def test_any_array_is_answered_or_refused(small_model, images):
    reader = Recognizer(small_model)
    try:
        answers = reader.predict_proba(images)
    except DataError:
        return
    assert answers.shape == (len(images), 3)
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-5)
    assert len(reader.predict(images)) == len(images)
