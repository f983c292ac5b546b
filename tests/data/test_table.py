import numpy as np
import pytest
from PIL import Image

from handwriting_cnn.data.alphabet import ARABIC, DIGITS
from handwriting_cnn.data.table import load_csv
from handwriting_cnn.errors import ConfigError, DataError, ImageDecodeError, ShapeMismatchError
from handwriting_cnn.imaging.preprocessing import PreprocessSpec, preprocess

RANDOM = np.random.default_rng(0)
PIXELS = RANDOM.integers(0, 100, (6, 4, 4), np.uint8)
LABELS = np.array([0, 1, 2, 0, 1, 2])


def rows(pixels=PIXELS, labels=LABELS, *, delimiter=","):
    flat = pixels.reshape(len(pixels), -1)
    columns = flat if labels is None else np.column_stack([np.asarray(labels, object), flat])
    return [delimiter.join(map(str, row)) for row in columns.tolist()]


def write(path, lines, *, encoding="utf-8", end="\n"):
    path.write_bytes((end.join(lines) + end).encode(encoding))
    return path


@pytest.fixture
def table(tmp_path):
    return tmp_path / "letters.csv"


NAMES = ",".join(f"pixel{n}" for n in range(16))
NUMBERED = ",".join(map(str, range(16)))


@pytest.mark.parametrize(
    ("lines", "settings"),
    [
        (rows(), {}),
        ([f"label,{NAMES}", *rows()], {}),
        ([f"label,{NUMBERED}", *rows()], {}),
        ([f"digit,{NAMES}", *rows()], {}),
        ([*rows(), "", ""], {}),
        ([row.replace(",", ", ") for row in rows()], {}),
        (rows(delimiter=";"), {}),
        ([f"label\t{NAMES}".replace(",", "\t"), *rows(delimiter="\t")], {}),
        ([",".join([*row.split(",")[1:], row.split(",")[0]]) for row in rows()], {"label_column": -1}),
        ([f"{NAMES},Label", *(",".join([*row.split(",")[1:], row.split(",")[0]]) for row in rows())], {}),
        ([f"a,b,{NAMES[7:]}", *rows()], {"label_column": "a"}),
        ([f"target,{NUMBERED}", *rows()], {}),
        ([f"target,{NUMBERED}", *rows()], {"label_column": "target"}),
        ([f"7,{NAMES}", *rows()], {"label_column": "7"}),
        (
            [f"{NUMBERED},target", *(",".join([*row.split(",")[1:], row.split(",")[0]]) for row in rows())],
            {"label_column": -1},
        ),
    ],
)
def test_pixel_tables(table, lines, settings):
    dataset = load_csv(write(table, lines), alphabet="012", **settings)
    assert (dataset.images[..., 0] == PIXELS).all()
    assert dataset.labels.tolist() == LABELS.tolist()
    assert dataset.name == "letters"
    assert dataset.preprocessing == PreprocessSpec(height=4, width=4)


@pytest.mark.parametrize(("encoding", "end"), [("utf-8-sig", "\n"), ("utf-8", "\r\n")])
def test_files_from_windows(table, encoding, end):
    assert (load_csv(write(table, rows(), encoding=encoding, end=end)).images[..., 0] == PIXELS).all()


@pytest.mark.parametrize(
    ("texts", "settings", "characters", "numbers"),
    [
        ("2 9 10 9 2 2", {}, ("2", "9", "10"), [0, 1, 2, 1, 0, 0]),
        ("b a c b a c", {}, ("a", "b", "c"), [1, 0, 2, 1, 0, 2]),
        ("b a c b a c", {"alphabet": "cba"}, ("c", "b", "a"), [1, 2, 0, 1, 2, 0]),
        ("3 2 1 3 2 1", {"alphabet": "abc", "first_label": 1}, ("a", "b", "c"), [2, 1, 0, 2, 1, 0]),
        ("2 1 0 2 1 0", {"alphabet": "210"}, ("2", "1", "0"), [0, 1, 2, 0, 1, 2]),
    ],
)
def test_labels(table, texts, settings, characters, numbers):
    dataset = load_csv(write(table, rows(labels=texts.split())), **settings)
    assert dataset.alphabet.characters == characters
    assert dataset.labels.tolist() == numbers


@pytest.mark.filterwarnings("ignore:letters has no picture")
@pytest.mark.parametrize("text", ["ا", "alef", "0"])
def test_a_label_is_a_character_a_name_or_a_number(table, text):
    assert load_csv(write(table, rows(labels=[text] * 6)), alphabet=ARABIC).labels.tolist() == [0] * 6


def test_numbers_are_class_numbers_only_where_no_character_says_otherwise(table):
    def read(labels, alphabet, **settings):
        return load_csv(write(table, rows(labels=labels)), alphabet=alphabet, **settings).labels.tolist()

    # As EMNIST's: the characters "0" and "1" are the classes 0 and 1.
    assert read(["0", "1", "2", "3", "a", "b"], "01ab") == [0, 1, 2, 3, 2, 3]
    assert read(["1", "2", "3", "4", "a", "b"], "12ab", first_label=1) == [0, 1, 2, 3, 2, 3]
    # "1" is the character of class 0: "0" would be a class number, and "1" a character.
    with pytest.raises(DataError, match=r"label '0' is no character or name of the alphabet \(1 2 3\)$"):
        read(["0", "1", "2", "0", "1", "2"], "123")


@pytest.mark.parametrize("heading", [[], ["label"]])
def test_labels_in_a_second_table(table, tmp_path, heading):
    second = write(tmp_path / "labels.csv", [*heading, "2", "1", "3", "1", "2", "3"])
    dataset = load_csv(write(table, rows(labels=None)), labels=second, alphabet="xyz", first_label=1)
    assert dataset.labels.tolist() == [1, 0, 2, 0, 1, 2]


def test_shape_and_transpose(table):
    tall = np.arange(2 * 3 * 5, dtype=np.uint8).reshape(2, 3, 5)
    write(table, rows(tall, [0, 1]))
    assert (load_csv(table, shape=(3, 5)).images[..., 0] == tall).all()
    write(table, rows(tall.transpose(0, 2, 1).copy(), [0, 1]))
    assert (load_csv(table, shape=(3, 5), transpose=True).images[..., 0] == tall).all()


def test_ink_on_light_paper_is_turned_over_for_all_pictures_at_once(table):
    mostly_ink = PIXELS.copy()
    mostly_ink[0] = 250
    assert (load_csv(write(table, rows(mostly_ink))).images[..., 0] == mostly_ink).all()
    assert (load_csv(write(table, rows(255 - mostly_ink))).images[..., 0] == mostly_ink).all()


def test_preprocessing_that_is_given_is_applied(table):
    spec = PreprocessSpec(height=8, width=6)
    dataset = load_csv(write(table, rows()), preprocessing=spec)
    assert (dataset.images == np.stack([preprocess(picture, spec) for picture in PIXELS])).all()
    assert dataset.preprocessing == spec


def changed(row, column, value):
    cells = [line.split(",") for line in rows()]
    cells[row][column] = value
    return [",".join(line) for line in cells]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            changed(2, 5, "256"),
            r"letters\.csv, row 3, column 6: expected a whole number from 0 to 255, but found '256'",
        ),
        (changed(2, 5, "-1"), r"row 3, column 6: .* found '-1'"),
        (changed(0, 1, "ink"), r"row 1, column 2: .* found 'ink'"),
        (changed(0, 1, "0.5"), r"row 1, column 2: .* found '0\.5'"),
        (changed(5, 16, ""), r"row 6, column 17: .* found ''"),
        ([f"label,{NAMES}", *changed(2, 5, "x")], r"row 4, column 6"),
        (
            [*rows()[:2], rows()[2] + ",7", *rows()[3:]],
            r"row 3: expected 17 columns, as in the first row, but found 18",
        ),
        ([*rows()[:2], rows()[2][:-5]], r"row 3: expected 17 columns"),
        (
            changed(1, 0, "10"),
            r"row 2, column 1: label '10' is no character or name of the alphabet \(0 1 2 \.\.\. 9\)",
        ),
        (changed(1, 0, "-1"), r"row 2, column 1: label '-1'"),
        (changed(1, 0, "q"), r"row 2, column 1: label 'q'"),
        (changed(1, 0, ""), r"row 2, column 1: the label is blank"),
        ([f"label,{NAMES}"], "no row of pixels"),
        (['label,"' + "9" * 200_000, "1,2"], "row 1"),
        ([""], "is empty"),
    ],
)
def test_bad_cells_are_named(table, lines, message):
    with pytest.raises(DataError, match=message) as caught:
        load_csv(write(table, lines), alphabet=DIGITS)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_counts_that_differ(table, tmp_path):
    second = write(tmp_path / "labels.csv", ["0", "1"])
    with pytest.raises(ShapeMismatchError, match=r"letters\.csv has 6 pictures, but there are 2 labels"):
        load_csv(write(table, rows(labels=None)), labels=second)


def test_a_second_table_with_more_columns(table, tmp_path):
    second = write(tmp_path / "labels.csv", ["0,1", "1,2"])
    with pytest.raises(DataError, match=r"labels\.csv, row 1: expected one label"):
        load_csv(write(table, rows(labels=None)), labels=second)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"label_column": 17}, "label_column 17 is none"),
        ({"label_column": -18}, "label_column -18 is none"),
        ({"label_column": "name"}, "label_column 'name' is no heading"),
        ({"shape": (3, 5)}, "16 pixels a row, which is not 3x5"),
        ({"shape": (-4, -4)}, "which is not -4x-4"),
        ({"shape": 28}, r"shape must be \(height, width\), but is 28"),
        ({"shape": (4, 4.0)}, "shape must be"),
    ],
)
def test_settings_that_do_not_fit(table, settings, message):
    with pytest.raises(ConfigError, match=message):
        load_csv(write(table, rows()), **settings)


def test_pixels_that_make_no_square(table):
    with pytest.raises(ConfigError, match=r"15 pixels a row, which is not a square: pass shape=\(height, width\)$"):
        load_csv(write(table, rows(PIXELS.reshape(6, 16)[:, :15])))
    numbered = [f"{index},{row}" for index, row in enumerate(rows())]  # as pandas writes them
    with pytest.raises(ConfigError, match="or take the column out that is one too many, such as an index"):
        load_csv(write(table, numbered))


def test_files_that_are_no_tables(tmp_path):
    with pytest.raises(DataError, match=r"nowhere\.csv cannot be read"):
        load_csv(tmp_path / "nowhere.csv")
    (tmp_path / "binary.csv").write_bytes(bytes(range(256)))
    with pytest.raises(DataError, match="no text in UTF-8"):
        load_csv(tmp_path / "binary.csv")
    (tmp_path / "nothing.csv").touch()
    with pytest.raises(DataError, match="is empty"):
        load_csv(tmp_path / "nothing.csv")


@pytest.fixture
def pictures(tmp_path):
    (tmp_path / "pages").mkdir()
    for index in range(4):
        picture = np.full((20, 20), 230, np.uint8)
        picture[4:16, 5 + index : 9 + index] = 20
        Image.fromarray(picture).save(tmp_path / "pages" / f"{index}.png")
    return [f"pages/{index}.png" for index in range(4)]


def test_a_table_of_picture_files(table, pictures, tmp_path):
    texts = ["б", "а", "б", "в"]
    lines = [
        "letter,label,file,background",
        *(f"{text},9,{name},0" for text, name in zip(texts, pictures, strict=True)),
    ]
    dataset = load_csv(write(table, lines))
    assert dataset.alphabet.characters == ("а", "б", "в")
    assert dataset.labels.tolist() == [1, 0, 1, 2]
    assert dataset.input_shape == (32, 32, 1)
    ink = [int((picture[..., 0] > 128).nonzero()[1].min()) for picture in dataset.images]
    assert ink == sorted(set(ink))


@pytest.mark.parametrize("names", ["file,label", "Filename,Class", "LABEL, Image", "path;character"])
def test_headings_of_picture_tables(table, pictures, names):
    parts = [part.strip().lower() for part in names.replace(";", ",").split(",")]
    cells = [(name, "x") if parts[0] in {"file", "filename", "path"} else ("x", name) for name in pictures]
    separator = ";" if ";" in names else ","
    assert len(load_csv(write(table, [names, *map(separator.join, cells)]))) == 4


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["file,foo", "pages/0.png,a"], "columns file, foo: none is named character or letter or label or class"),
        (["picture,writing", "pages/0.png,a"], "columns picture, writing: .* needs one named file or filename or"),
        (["<!DOCTYPE html>", "<p>,</p>"], "a web page or XML: it begins with '<!DOCTYPE html>'"),
    ],
)
def test_tables_without_the_headings_that_are_needed(table, pictures, lines, message):
    with pytest.raises(DataError, match=message) as caught:
        load_csv(write(table, lines))
    assert "\n" not in str(caught.value)


def test_blanks_around_cells_do_not_matter(table, pictures):
    assert load_csv(write(table, ["file , label", "pages/0.png , a", "pages/1.png ,b"])).alphabet.characters == (
        "a",
        "b",
    )


@pytest.mark.parametrize(
    ("line", "error", "message"),
    [
        ("a,missing.png", DataError, "row 3, column 2: there is no file .*missing.png"),
        ("a", DataError, "row 3: expected 2 columns"),
        ("z,pages/0.png", DataError, "row 3, column 1: label 'z'"),
        ("a,letters.csv", ImageDecodeError, "letters.csv"),
    ],
)
def test_bad_rows_of_picture_tables(table, pictures, line, error, message):
    with pytest.raises(error, match=message):
        load_csv(write(table, ["label,file", "a,pages/0.png", line]), alphabet="a")


def test_a_picture_table_without_rows(table):
    with pytest.raises(DataError, match="headings but no rows"):
        load_csv(write(table, ["label,file"]))


@pytest.mark.parametrize("name", ["x" * 5000, "a/" * 3000, "none\x01.png"])
def test_a_picture_whose_name_can_be_none_is_one_short_line(tmp_path, name):
    (tmp_path / "letters.csv").write_text(f"file,label\n{name},a\n", "utf-8")
    with pytest.raises(DataError, match=r"letters\.csv, row 2, column 1: there is no file") as caught:
        load_csv(tmp_path / "letters.csv")
    assert len(str(caught.value)) < 300


def test_labels_of_thousands_of_digits_are_texts(tmp_path):
    rows = "".join(f"{label}{',9' * 16}\n" for label in ("1" * 5000, "2", "1" * 5000))
    (tmp_path / "letters.csv").write_text(rows, "utf-8")
    assert load_csv(tmp_path / "letters.csv").labels.tolist() == [0, 1, 0]
