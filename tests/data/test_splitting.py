from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedKFold

from handwriting_cnn.data.splitting import draw_folds, draw_part
from handwriting_cnn.errors import ConfigError, DataError

relaxed = settings(deadline=None, max_examples=60)  # other work shares the machine
groups = st.lists(st.integers(0, 5), min_size=2, max_size=80).map(np.array)
fractions = st.floats(0.01, 0.99)
seeds = st.integers(0, 2**32)


def part_or_none(labels, **settings):
    try:
        return draw_part(labels, settings.pop("count", None) or len(labels), **settings)
    except DataError:
        return None


@relaxed
@given(groups, fractions, seeds)
def test_a_stratified_part_has_each_classs_share(labels, fraction, seed):
    part = part_or_none(labels, fraction=fraction, whole=False, seed=seed)
    wanted = round(fraction * len(labels))
    assert (part is None) == (wanted in (0, len(labels)))
    if part is not None:
        assert len(part) == wanted
        assert (np.diff(part) > 0).all()
        for label in set(labels.tolist()):
            exact = Fraction(fraction) * int((labels == label).sum())
            assert abs((labels[part] == label).sum() - exact) < 1 + 1e-9


@relaxed
@given(groups, fractions, seeds)
def test_a_part_by_writer_holds_whole_writers(writers, fraction, seed):
    part = part_or_none(writers, fraction=fraction, whole=True, seed=seed)
    assert (part is None) == (len(set(writers.tolist())) == 1)
    if part is not None:
        rest = np.delete(np.arange(len(writers)), part)
        assert len(part)
        assert len(rest)
        assert not set(writers[part].tolist()) & set(writers[rest].tolist())


def test_a_part_by_writer_is_as_near_to_its_share_as_writers_allow():
    writers = np.repeat(np.arange(60), 224)
    assert len(draw_part(writers, len(writers), fraction=0.2, whole=True, seed=3)) == 12 * 224


@relaxed
@given(groups, st.integers(2, 6), seeds)
def test_stratified_folds_partition_evenly(labels, count, seed):
    if len(labels) < count:
        with pytest.raises(DataError, match="pictures"):
            draw_folds(labels, len(labels), folds=count, whole=False, seed=seed)
        return
    folds = draw_folds(labels, len(labels), folds=count, whole=False, seed=seed)
    assert sorted(np.concatenate(folds).tolist()) == list(range(len(labels)))
    assert np.ptp([len(fold) for fold in folds]) <= 1
    for label in set(labels.tolist()):
        assert np.ptp([(labels[fold] == label).sum() for fold in folds]) <= 1


@relaxed
@given(groups, st.integers(2, 6), seeds)
def test_folds_by_writer_keep_writers_whole(writers, count, seed):
    if len(set(writers.tolist())) < count:
        with pytest.raises(DataError, match="writers"):
            draw_folds(writers, len(writers), folds=count, whole=True, seed=seed)
        return
    folds = draw_folds(writers, len(writers), folds=count, whole=True, seed=seed)
    assert sorted(np.concatenate(folds).tolist()) == list(range(len(writers)))
    seen = [set(writers[fold].tolist()) for fold in folds]
    assert all(seen)
    assert sum(map(len, seen)) == len(set(writers.tolist()))


def test_stratified_folds_have_the_class_counts_of_scikit_learns():
    labels = np.random.default_rng(0).choice(4, 203, p=[0.5, 0.3, 0.15, 0.05])
    ours = draw_folds(labels, len(labels), folds=5, whole=False, seed=0)
    theirs = [test for _, test in StratifiedKFold(5, shuffle=True, random_state=0).split(labels, labels)]

    def counts(folds):
        return sorted(tuple(sorted(int((labels[fold] == label).sum()) for fold in folds)) for label in range(4))

    assert counts(ours) == counts(theirs)


@relaxed
@given(st.integers(2, 60), st.integers(2, 5), seeds)
def test_plain_draws_need_no_groups(count, folds, seed):
    if count >= folds:
        drawn = draw_folds(None, count, folds=folds, whole=False, seed=seed)
        assert sorted(np.concatenate(drawn).tolist()) == list(range(count))
    part = draw_part(None, count, fraction=0.5, whole=False, seed=seed)
    assert len(part) == round(count / 2)


def test_the_seed_decides_and_nothing_else():
    labels = np.arange(100) % 7
    first, again, other = (draw_part(labels, 100, fraction=0.3, whole=False, seed=seed) for seed in (1, 1, 2))
    assert first.tolist() == again.tolist() != other.tolist()


@pytest.mark.parametrize("fraction", [0, 1, 1.5, -0.1, float("nan"), "0.2", None, True])
def test_a_fraction_is_between_0_and_1(fraction):
    with pytest.raises(ConfigError, match="between 0 and 1"):
        draw_part(None, 10, fraction=fraction, whole=False, seed=0)


@pytest.mark.parametrize("seed", [-1, 0.5, "a", None])
def test_a_seed_is_a_whole_number_from_0(seed):
    with pytest.raises(ConfigError, match="seed"):
        draw_part(None, 10, fraction=0.5, whole=False, seed=seed)


@pytest.mark.parametrize("folds", [1, 0, 2.5])
def test_folds_are_2_or_more(folds):
    with pytest.raises(ConfigError, match="number of folds"):
        draw_folds(None, 10, folds=folds, whole=False, seed=0)


def test_an_empty_side_is_refused():
    with pytest.raises(DataError, match="leaves one side of the split empty"):
        draw_part(None, 10, fraction=0.01, whole=False, seed=0)
