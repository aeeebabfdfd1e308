"""Finds which tunes are versions of one work.

Two tunes are compared by local alignment of their melodies: pitch classes
sampled in even steps (eight to a bar in common time, six in 6/8), so that
durations count and octave and key do not.
"""

import re
import unicodedata
import zlib
from collections import defaultdict

import numba
import numpy as np

TYPE_WORDS = set("""reel reels jig jigs gigg hornpipe strathspey march quickstep quick step clog
    dance air slow highland fling minuet waltz set time version setting first second third 1st 2d 2nd
    3d 3rd the a an and of o in to with on for my favorite favourite celebrated new old variations
    slip double single polka quadrille country danced""".split())
# Titles that name a kind of tune, a place or a dedication rather than a tune.
GENERIC = set("""untitled irish scotch scots english french italian german american welsh gavotte
    allemand cotillion medley lesson duetto troop retreat tattoo reveille rondo rondeau presto andante
    allegro grand original no name lancashire planxty song lament lamentation farewell welcome
    concerto piece""".split())
SHARED_BY_MANY = 8          # a title on more tunes than this says nothing
HASHED_NGRAMS = 4096
MATCH, SEMITONE, MISMATCH, SKIP = 4, -1, -4, -1     # alignment scores, in quarters


def title_words(title):
    """The words of a title that may tell tunes apart, without plural or possessive s."""
    text = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", text.replace("'", "").replace("mac ", "mc"))
    return [word.rstrip("s") for word in words if word not in TYPE_WORDS]


def title_keys(titles):
    """The normalised forms under which a tune's titles are compared whole."""
    keys = set()
    for title in titles:
        for part in re.split(r"\bor\b|\baka\b|\(|\)|;|--", title, flags=re.IGNORECASE):
            words = title_words(part)
            if len(words) == 1 and words[0] in GENERIC:
                continue
            if len("".join(words)) > 3:
                keys.add("".join(words))
    return keys


def steps_per_bar(meter):
    """Even steps in which a bar is sampled."""
    return {"6/8": 6, "9/8": 9, "12/8": 12, "3/8": 3, "3/4": 6, "3/2": 12, "6/4": 12,
            "5/4": 10}.get(meter, 8)


def sampled_melody(tune):
    """Pitch classes of a tune in even steps, every strain once; rests hold the note before."""
    notes = tune.notes_once()
    ends = np.cumsum([float(note.length) for note in notes])
    step = float(tune.bar_length) / steps_per_bar(tune.meter)
    times = (np.arange(int(round(ends[-1] / step))) + 0.5) * step
    held, last = [], next(note.pitch for note in notes if note.pitch is not None)
    for note in notes:
        last = last if note.pitch is None else note.pitch
        held.append(last)
    index = np.minimum(np.searchsorted(ends, times), len(held) - 1)
    return (np.array(held)[index] % 12).astype(np.int8)


def interval_ngrams(tunes, length=5):
    """One row a tune: hashed counts of interval 5-grams, weighted by rarity, unit length."""
    counts = np.zeros((len(tunes), HASHED_NGRAMS), np.float32)
    for row, tune in zip(counts, tunes):
        pitches = [n.pitch for n in tune.notes_once() if n.pitch is not None and not n.tied]
        intervals = np.diff(pitches).astype(np.int8)
        for start in range(len(intervals) - length + 1):
            row[zlib.crc32(intervals[start:start + length].tobytes()) % HASHED_NGRAMS] += 1
    rarity = np.log(len(tunes) / (1 + (counts > 0).sum(axis=0)))
    weighted = np.sqrt(counts) * np.maximum(rarity, 0)
    return weighted / (np.linalg.norm(weighted, axis=1, keepdims=True) + 1e-9)


@numba.njit
def align(first, second, transposition):
    """Best local alignment score of two sampled melodies.

    A path advances by one step in both, or by two in one of them, so that a
    tune written in notes of half or double length still aligns.
    """
    score = np.zeros((3, len(second) + 2), np.int32)    # rolling rows i-2, i-1, i
    best = 0
    for i in range(len(first)):
        row, above, above2 = score[i % 3], score[(i - 1) % 3], score[(i - 2) % 3]
        pitch = (first[i] + transposition) % 12
        for j in range(len(second)):
            difference = abs(pitch - second[j])
            value = MATCH if difference == 0 else SEMITONE if difference in (1, 11) else MISMATCH
            before = max(above[j + 1], above[j] + SKIP, above2[j + 1] + SKIP)
            value = max(0, value + before)
            row[j + 2] = value
            best = max(best, value)
    return best


@numba.njit
def similarity(first, second, tonic_difference):
    """Alignment score over the best transpositions as a share of the shorter melody, 0..1."""
    shares = np.zeros((2, 12))
    for pitch in first:
        shares[0, pitch] += 1
    for pitch in second:
        shares[1, pitch] += 1
    fit = np.array([np.sum(np.roll(shares[0], k) * shares[1]) for k in range(12)])
    best = align(first, second, tonic_difference)
    for k in np.argsort(-fit)[:3]:
        best = max(best, align(first, second, k))
    return best / (MATCH * min(len(first), len(second)))


class Comparison:
    """Melodic similarity of any two of a list of tunes, remembered."""

    def __init__(self, tunes):
        self.tunes = tunes
        self.melodies = [sampled_melody(tune) for tune in tunes]
        self.known = {}

    def __call__(self, i, j):
        pair = (min(i, j), max(i, j))
        if pair not in self.known:
            i, j = pair
            difference = (self.tunes[j].tonic - self.tunes[i].tonic) % 12
            self.known[pair] = float(similarity(self.melodies[i], self.melodies[j], difference))
        return self.known[pair]


def pairs_sharing(keys_of, tunes, at_most):
    """Pairs of tunes with a common key, for keys that no more than `at_most` tunes have."""
    holders = defaultdict(list)
    for index, tune in enumerate(tunes):
        for key in keys_of(tune):
            holders[key].append(index)
    return {(a, b) for group in holders.values() if len(group) <= at_most
            for k, a in enumerate(group) for b in group[k + 1:]}


def same_title_pairs(tunes):
    """Pairs of tunes that share a title which is not generic."""
    return pairs_sharing(lambda tune: title_keys(tune.titles), tunes, SHARED_BY_MANY)


def kindred_title_pairs(tunes):
    """Pairs of tunes whose titles share a rare word: "Fasten the Leg", "Fasten the Wig"."""
    def rare_words(tune):
        return {word for title in tune.titles for word in title_words(title) if len(word) > 3}
    return pairs_sharing(rare_words, tunes, SHARED_BY_MANY)


def similar_ngram_pairs(tunes, neighbours=25):
    """Each tune with its nearest tunes by interval n-grams."""
    vectors = interval_ngrams(tunes)
    pairs = set()
    for start in range(0, len(tunes), 512):
        cosine = vectors[start:start + 512] @ vectors.T
        cosine[np.arange(len(cosine)), start + np.arange(len(cosine))] = -1
        for offset, near in enumerate(np.argpartition(-cosine, neighbours, axis=1)[:, :neighbours]):
            pairs.update((min(start + offset, int(j)), max(start + offset, int(j))) for j in near)
    return pairs


def without_near_copies(tunes, compare, threshold_within, threshold_across):
    """Indices of the tunes that stay, and {dropped index: kept index}.

    A near-copy repeats a tune that comes earlier: the same O'Neill number in
    overlapping files, or a melody that agrees from end to end.
    """
    by_number, copy_of = {}, {}
    for index, tune in enumerate(tunes):
        first = by_number.setdefault((tune.collection, tune.number), index)
        if first != index and compare(first, index) > .5:   # else a misprinted number
            copy_of[index] = first
    for a, b in sorted(same_title_pairs(tunes) | similar_ngram_pairs(tunes)):
        if a in copy_of or b in copy_of:
            continue
        lengths = sorted((len(compare.melodies[a]), len(compare.melodies[b])))
        whole = compare(a, b) * lengths[0] / lengths[1]
        same_book = tunes[a].collection == tunes[b].collection
        if whole >= (threshold_within if same_book else threshold_across):
            copy_of[b] = a
    return [i for i in range(len(tunes)) if i not in copy_of], copy_of


def random_similarities(compare, rng, pairs=4000):
    """Similarities of random pairs of tunes: what chance gives."""
    sample = rng.integers(0, len(compare.tunes), (pairs, 2))
    return np.array([compare(int(a), int(b)) for a, b in sample if a != b])


def group(tunes, compare, thresholds):
    """Works as lists of indices, and the doubtful tunes.

    `thresholds` holds the least similarity of versions with the same title
    (`same`), with a rare word in common (`kindred`) and with unlike titles
    (`unlike`). Pairs are taken from the most similar down, and two groups are
    joined only if their tunes are on average as similar as versions with the same
    title must be: one stray likeness does not chain two works together.

    A tune is doubtful if it stays alone though it is as similar to another as
    `doubtful`: it may or may not be a version.
    """
    same, kindred = same_title_pairs(tunes), kindred_title_pairs(tunes)
    pairs = [(compare(*pair), pair) for pair in same | kindred | similar_ngram_pairs(tunes)]

    def are_versions(score, pair):
        kind = "same" if pair in same else "kindred" if pair in kindred else "unlike"
        return score >= thresholds[kind]

    members = {index: [index] for index in range(len(tunes))}
    owner = list(range(len(tunes)))
    for score, (a, b) in sorted(pairs, key=lambda entry: (-entry[0], entry[1])):
        first, second = sorted((owner[a], owner[b]))
        if first == second or not are_versions(score, (a, b)):
            continue
        between = [compare(i, j) for i in members[first] for j in members[second]]
        if np.mean(between) < thresholds["same"]:
            continue
        for index in members[second]:
            owner[index] = first
        members[first] += members.pop(second)
    doubtful = {index for score, pair in pairs if score >= thresholds["doubtful"]
                for index in pair if len(members[owner[index]]) == 1}
    return [sorted(members[key]) for key in sorted(members) if key not in doubtful], doubtful
