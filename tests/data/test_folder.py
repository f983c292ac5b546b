import unicodedata

import numpy as np
import pytest
from PIL import Image

from handwriting_cnn.data.alphabet import ARABIC, Alphabet
from handwriting_cnn.data.folder import load_folder
from handwriting_cnn.errors import DataError, ImageDecodeError
from handwriting_cnn.imaging.decode import decode_image
from handwriting_cnn.imaging.preprocessing import PreprocessSpec, preprocess


def draw(path, *, level=0, size=(20, 28), mode="L"):
    """A dark bar of a given level on white paper."""
    picture = np.full(size, 255, np.uint8)
    picture[5:15, 8:12] = level
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).convert(mode).save(path)
    return path


@pytest.fixture
def letters(tmp_path):
    root = tmp_path / "letters"
    for folder, count in {"b": 3, "a": 2, "c": 1}.items():
        for index in range(count):
            draw(root / folder / f"{index}.png", level=index * 10, size=(20 + index, 40 - index))
    return root


def test_a_folder_becomes_a_data_set(letters):
    dataset = load_folder(letters)
    assert dataset.alphabet.characters == ("a", "b", "c")
    assert dataset.labels.tolist() == [0, 0, 1, 1, 1, 2]
    assert dataset.name == "letters"
    assert dataset.preprocessing == PreprocessSpec()
    files = [letters / name for name in ("a/0.png", "a/1.png", "b/0.png", "b/1.png", "b/2.png", "c/0.png")]
    expected = np.stack([preprocess(decode_image(file), PreprocessSpec()) for file in files])
    assert (dataset.images == expected).all()
    assert dataset.images.max() == 255
    assert np.median(dataset.images) == 0


def test_preprocessing_decides_the_size(letters):
    spec = PreprocessSpec(height=16, width=24)
    dataset = load_folder(str(letters), preprocessing=spec)
    assert dataset.input_shape == (16, 24, 1)
    assert dataset.preprocessing == spec


@pytest.mark.parametrize(
    ("suffix", "mode"), [("jpg", "RGB"), ("png", "RGBA"), ("png", "1"), ("bmp", "L"), ("webp", "RGB")]
)
def test_any_format_and_colour(tmp_path, suffix, mode):
    for letter in "xy":
        draw(tmp_path / letter / f"0.{suffix}", mode=mode)
    dataset = load_folder(tmp_path)
    assert dataset.images[0, :3].max() < 40
    assert dataset.images[0].max() == 255


def test_hidden_files_and_files_beside_the_classes_are_passed_over(letters):
    for hidden in ("a/.DS_Store", ".DS_Store", "README.txt", ".git/config"):
        (letters / hidden).parent.mkdir(exist_ok=True)
        (letters / hidden).write_text("no picture")
    assert len(load_folder(letters)) == 6


def test_what_would_be_lost_without_a_word_is_refused(letters, tmp_path):
    draw(letters / "a" / "more" / "7.png")
    with pytest.raises(DataError, match=r"more is a folder inside a class folder"):
        load_folder(letters)
    (tmp_path / "links" / "a").mkdir(parents=True)
    (tmp_path / "links" / "b").mkdir()
    (tmp_path / "links" / "a" / "0.png").symlink_to(tmp_path / "nowhere.png")
    with pytest.raises(DataError, match=r"0\.png is a link to nothing"):
        load_folder(tmp_path / "links")


def test_one_class_is_not_enough_unless_the_alphabet_has_more(tmp_path):
    draw(tmp_path / "alef" / "0.png")
    with pytest.raises(DataError, match="has one class folder, alef: two or more"):
        load_folder(tmp_path)
    with pytest.warns(UserWarning, match="has no picture of"):
        assert len(load_folder(tmp_path, alphabet=ARABIC)) == 1


def test_blank_pictures_earn_a_warning(letters):
    strokes = np.zeros((20, 20, 4), np.uint8)
    strokes[5:15, 8:12] = 255  # white on what is transparent: white on white
    Image.fromarray(strokes, "RGBA").save(letters / "b" / "1.png")
    with pytest.warns(UserWarning, match=r"1 of 6 pictures are blank, the first is .*1\.png"):
        load_folder(letters)


def test_whole_numbers_are_ordered_by_value(tmp_path):
    for number in (10, 9, 1):
        draw(tmp_path / str(number) / "0.png")
    assert load_folder(tmp_path).alphabet.characters == ("1", "9", "10")


@pytest.mark.parametrize("folders", [("ا", "ب"), ("alef", "beh"), ("alef", "ب")])
def test_folders_are_named_by_character_or_name(tmp_path, folders):
    for folder in folders:
        draw(tmp_path / folder / "0.png")
    with pytest.warns(UserWarning, match="has no picture of ت, ث"):
        dataset = load_folder(tmp_path, alphabet=ARABIC)
    assert dataset.labels.tolist() == [0, 1]
    assert dataset.num_classes == 28


def test_a_given_alphabet_gives_the_order(letters):
    dataset = load_folder(letters, alphabet="cba")
    assert dataset.labels.tolist() == [0, 1, 1, 1, 2, 2]


def test_decomposed_folder_names_meet_composed_characters(tmp_path):
    for letter in "йк":
        draw(tmp_path / unicodedata.normalize("NFD", letter) / "0.png")
    assert load_folder(tmp_path).alphabet == load_folder(tmp_path, alphabet="йк").alphabet == Alphabet.of("йк")


def remove(folder):
    for file in folder.iterdir():
        file.unlink()


@pytest.mark.parametrize(
    ("prepare", "error", "message"),
    [
        (lambda root: remove(root / "b"), DataError, "letters/b has no pictures"),
        (lambda root: (root / "b" / "notes.png").write_text("hi"), ImageDecodeError, "b/notes.png"),
        (lambda root: (root / "b" / "empty.png").touch(), ImageDecodeError, "b/empty.png"),
        (
            lambda root: (root / "b" / "0.png").write_bytes((root / "b" / "0.png").read_bytes()[:60]),
            ImageDecodeError,
            "0.png",
        ),
    ],
    ids=["empty class", "text", "empty file", "truncated picture"],
)
def test_a_bad_folder_is_named(letters, prepare, error, message):
    prepare(letters)
    with pytest.raises(error, match=message) as caught:
        load_folder(letters)
    assert "\n" not in str(caught.value)


def test_a_folder_of_no_character_is_named(letters):
    with pytest.raises(DataError, match="letters/c is named after no character of the alphabet"):
        load_folder(letters, alphabet="abd")


def test_a_path_that_is_no_folder(tmp_path):
    with pytest.raises(DataError, match="nowhere cannot be read as a folder"):
        load_folder(tmp_path / "nowhere")
    with pytest.raises(DataError, match="cannot be read as a folder"):
        load_folder(draw(tmp_path / "picture.png"))
    (tmp_path / "flat").mkdir()
    with pytest.raises(DataError, match="flat has no subfolders"):
        load_folder(tmp_path / "flat")
