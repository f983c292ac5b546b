import pytest

from handwriting_cnn.data.catalog import CATALOG, list_datasets
from handwriting_cnn.data.loading import _OPENERS, load_dataset
from handwriting_cnn.errors import ConfigError, UnknownNameError


@pytest.mark.parametrize("info", list_datasets(), ids=lambda info: info.name)
def test_every_row_is_complete(info):
    assert info.title
    assert info.licence
    assert info.citation
    assert info.source.startswith("https://")
    assert info.protocols
    assert len({protocol.name for protocol in info.protocols}) == len(info.protocols)
    assert info.num_train + info.num_test >= len(info.alphabet)
    for file in info.files:
        assert file.path.startswith(f"{info.name}/")
        assert len(file.sha256) == 64
        assert int(file.sha256, 16)
        assert file.max_bytes > 0
        assert file.urls
        assert all(url.startswith("https://") and " " not in url for url in file.urls)


def test_every_row_has_a_reader():
    assert set(_OPENERS) == set(CATALOG) == {info.name for info in list_datasets()}


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("digit", {}, "unknown dataset 'digit'; did you mean 'digits'"),
        ("ahcd", {"protocol": "unseen"}, "did you mean 'unseen-writers'"),
        ("digits", {"protocol": "official"}, "unknown protocol of digits 'official'"),
    ],
)
def test_unknown_names(name, settings, message):
    with pytest.raises(UnknownNameError, match=message):
        load_dataset(name, **settings)


@pytest.mark.parametrize(
    ("name", "protocol", "fold", "message"),
    [
        ("digits", None, 1, "has one split, fold 0, not 1"),
        ("ahcd", "unseen-writers", 5, r"folds 0\.\.4, not 5"),
        ("ahcd", "unseen-writers", -1, r"not -1"),
        ("ahcd", "unseen-writers", "1", r"not '1'"),
    ],
)
def test_unknown_folds(name, protocol, fold, message):
    with pytest.raises(ConfigError, match=message):
        load_dataset(name, protocol=protocol, fold=fold)
