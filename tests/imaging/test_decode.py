import io
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from handwriting_cnn.errors import DataError, ImageDecodeError
from handwriting_cnn.imaging.decode import decode_colours, decode_image

RAMP = np.arange(0, 240, dtype=np.uint8).reshape(12, 20)


def encoded(image, form, **options):
    data = io.BytesIO()
    image.save(data, form, **options)
    return data.getvalue()


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF", "GIF", "PPM", "WEBP"])
def test_lossless_formats_come_back(form):
    options = {"lossless": True} if form == "WEBP" else {}
    np.testing.assert_allclose(decode_image(encoded(Image.fromarray(RAMP), form, **options)), RAMP, atol=1)


def test_sources_of_every_kind_are_one(tmp_path):
    data = encoded(Image.fromarray(RAMP), "PNG")
    path = tmp_path / "ramp.png"
    path.write_bytes(data)
    sources = [str(path), path, data, io.BytesIO(data), Image.fromarray(RAMP), RAMP, RAMP[..., np.newaxis]]
    for source in sources:
        np.testing.assert_array_equal(decode_image(source), RAMP)


def test_colour_is_bt601_luma():
    colours = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    luma = colours @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(decode_image(colours), luma, atol=1)


def test_transparency_lies_on_white_paper():
    picture = np.zeros((4, 4, 4), np.uint8)
    picture[:2, :, 3] = 255
    picture[2, :, 3] = 128
    np.testing.assert_allclose(decode_image(picture)[:, 0], [0, 0, 127, 255], atol=1)
    palette = Image.fromarray(RAMP).convert("P")
    assert decode_image(encoded(palette, "PNG", transparency=int(np.array(palette)[0, 0])))[0, 0] == 255


def test_sixteen_bits_one_bit_cmyk_and_bool():
    wide = RAMP.astype(np.uint16) * 257
    np.testing.assert_array_equal(decode_image(encoded(Image.fromarray(wide), "PNG")), RAMP)
    bits = RAMP > 100
    np.testing.assert_array_equal(decode_image(bits), bits * 255)
    np.testing.assert_array_equal(decode_image(encoded(Image.fromarray(bits), "PNG")), bits * 255)
    cmyk = Image.fromarray(RAMP).convert("RGB").convert("CMYK")
    np.testing.assert_allclose(decode_image(encoded(cmyk, "TIFF")), RAMP, atol=1)


def test_a_file_of_floats_is_0_to_1_and_no_other():
    ramp = np.linspace(0, 1, 240, dtype=np.float32).reshape(12, 20)
    np.testing.assert_array_equal(decode_image(encoded(Image.fromarray(ramp), "TIFF")), np.rint(ramp * 255))
    for bad in (ramp * 255, np.full((2, 2), np.nan, np.float32)):
        with pytest.raises(ImageDecodeError, match=r"pixels outside 0\.\.1$"):
            decode_image(encoded(Image.fromarray(bad), "TIFF"))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_a_truncated_file_is_refused_also_as_an_opened_image(form):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8)
    data = encoded(Image.fromarray(noise), form)
    data = data[: len(data) // 2]
    with pytest.raises(ImageDecodeError):
        decode_image(data)
    if form in {"PNG", "JPEG"}:  # formats whose pixels Pillow decodes later than their header
        with pytest.raises(ImageDecodeError, match="damaged"):
            decode_image(Image.open(io.BytesIO(data)))


def test_a_picture_of_too_many_pixels_for_pillow_is_one_line(monkeypatch):
    data = encoded(Image.fromarray(np.zeros((30, 30), np.uint8)), "PNG")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)  # 900 pixels: a warning, and from 1,000 an error
    assert decode_image(data).shape == (30, 30)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ImageDecodeError, match="the picture is too large"):
        decode_image(data)


def test_an_open_file_is_named(tmp_path):
    (tmp_path / "notes.txt").write_bytes(b"text")
    with (tmp_path / "notes.txt").open("rb") as file, pytest.raises(ImageDecodeError, match=r"notes\.txt"):
        decode_image(file)


def test_a_cameras_orientation_is_applied():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 90 degrees to see it upright
    data = encoded(Image.fromarray(RAMP), "PNG", exif=exif)
    np.testing.assert_array_equal(decode_image(data), np.rot90(RAMP, -1))


def test_of_several_frames_the_first_is_taken():
    frames = [Image.fromarray(RAMP), Image.fromarray(255 - RAMP)]
    data = encoded(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(decode_image(data), RAMP)


def test_the_cap_is_decided_before_decoding(monkeypatch, tmp_path):
    path = tmp_path / "large.png"
    path.write_bytes(encoded(Image.fromarray(np.zeros((100, 101), np.uint8)), "PNG"))
    monkeypatch.setattr(Image.Image, "load", lambda *_: pytest.fail("pixels were decoded"))
    with pytest.raises(ImageDecodeError, match=r"large\.png has 101x100 pixels; 1 to 10,000 are allowed"):
        decode_image(path, max_pixels=10_000)


@pytest.mark.parametrize("data", [b"", b"text", b"\x89PNG\r\n\x1a\n", b"<html></html>"])
def test_what_is_no_picture_is_refused_by_name(tmp_path, data):
    path = tmp_path / "no picture.png"
    path.write_bytes(data)
    with pytest.raises(ImageDecodeError, match=r"no picture\.png"):
        decode_image(path)
    with pytest.raises(ImageDecodeError, match="the picture"):
        decode_image(data)


def test_missing_files_folders_and_other_formats(tmp_path):
    with pytest.raises(ImageDecodeError, match="absent"):
        decode_image(tmp_path / "absent.png")
    with pytest.raises(ImageDecodeError, match="cannot be read"):
        decode_image(tmp_path)
    with pytest.raises(ImageDecodeError, match="format"):
        decode_image(encoded(Image.fromarray(RAMP), "ICO"))


@settings(max_examples=60, deadline=None)
@given(place=st.integers(0, 500), value=st.integers(0, 255), kept=st.integers(20, 600))
def test_damaged_files_decode_or_are_refused(place, value, kept):
    data = bytearray(encoded(Image.fromarray(RAMP), "PNG"))[:kept]
    data[place % len(data)] = value
    try:
        decoded = decode_image(bytes(data))
    except ImageDecodeError:
        return
    assert decoded.dtype == np.uint8


@pytest.mark.parametrize(
    "array", [RAMP.astype(np.float32), RAMP[0], np.zeros((4, 4, 2), np.uint8), np.zeros((0, 4), np.uint8), 3]
)
def test_other_arrays_and_objects_are_refused(array):
    with pytest.raises(DataError):
        decode_image(array)


def test_only_regular_files_are_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "dangling.png").symlink_to(tmp_path / "nothing.png")
    for path, words in (("pipe.png", "no regular file"), (".", "no regular file"), ("dangling.png", "No such file")):
        with pytest.raises(ImageDecodeError, match=words):
            decode_image(tmp_path / path)
    with pytest.raises(ImageDecodeError, match="/dev/zero cannot be read: it is no regular file"):
        decode_image("/dev/zero")


ANYTHING = hnp.arrays(
    st.sampled_from([np.uint8, np.bool_, np.uint16, np.float32, "U2"]),
    hnp.array_shapes(min_dims=0, min_side=0, max_side=4),
)


@settings(max_examples=150)
@given(array=ANYTHING)
def test_any_array_is_decoded_or_refused(array):
    try:
        grey, colours = decode_image(array), decode_colours(array)
    except DataError:
        assert not (array.dtype == np.uint8 and array.ndim == 2 and array.size)
        return
    assert grey.dtype == colours.dtype == np.uint8
    assert grey.shape == colours.shape[:2] == array.shape[:2]
    if array.ndim == 2 and array.dtype == np.uint8:
        np.testing.assert_array_equal(grey, array)


@pytest.mark.parametrize("progressive", [False, True])
def test_what_follows_a_jpeg_counts_for_nothing(progressive):
    data = io.BytesIO()
    Image.fromarray(np.arange(6400, dtype=np.uint8).reshape(80, 80)).save(data, "JPEG", progressive=progressive)
    film = np.random.default_rng(0).integers(0, 256, 3 << 20, dtype=np.uint8).tobytes()  # such as some phones append
    assert film.count(b"\xff\xda") > 40
    np.testing.assert_array_equal(decode_image(data.getvalue() + film), decode_image(data.getvalue()))
