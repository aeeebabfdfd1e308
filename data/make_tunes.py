#!/usr/bin/env python3
"""Builds tunes.h5, a song set of traditional tunes, performed as audio and read back.

Reads three printed collections from the corpus of the music21 package, drops
near-copies, finds which tunes are versions of one work, splits by work, plays
performances through a synthesiser and reads the recordings with `reprise import
audio`. Same package versions and seed: same data. See README.md beside this script.
"""

import argparse
import hashlib
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import h5py
import numpy as np

import abc_notation
from audio import Player, write_wav
from perform import perform
from works import Comparison, group, random_similarities, without_near_copies

SEED = 1850
LEVELS = 24         # quantisation of chroma, so that the file compresses well
BATCH = 100         # songs played by one synthesiser, and read back together: 300 MB
# Folder of the music21 corpus, short name, name shown, SHA-256 of its ABC files.
COLLECTIONS = [
    ("airdsAirs", "aird", "Aird's Airs",
     "940919dee46610624ebde2486e6b7e8f2c4ce428d59e12130f4799722113423d"),
    ("oneills1850", "oneill", "O'Neill's 1850",
     "c93dd38dbcd1f40ed5cb08ecc799b16b751bd3dec28d5b05f6a023e8b082d8dc"),
    ("ryansMammoth", "ryan", "Ryan's Mammoth Collection",
     "799227c55ef88f758947b10a1af6ca66c1aa7a6a4901716d6e2e900e7192e61e"),
]
NEAR_COPY_WITHIN, NEAR_COPY_ACROSS = .90, .995   # similarity over the whole of the longer tune
RANDOM_PERCENTILE = 99          # versions with the same title are more similar than this share of random pairs
KINDRED_VERSION = .44           # versions whose titles share a rare word lie above this
UNLIKE_VERSION = .55            # versions with unlike titles lie above this
DOUBTFUL = .46                  # single tunes this similar to another are left out
SPLIT_SHARES = {"train": .5, "validation": .2, "test": .3}
SPLITS = ["train", "validation", "test", "noise"]
SMALL_WORDS = {"the", "a", "an", "and", "or", "of", "o", "in", "on", "to", "with", "for", "at", "by", "from"}


def corpus_folder():
    """The music21 corpus, found without importing the package."""
    spec = importlib.util.find_spec("music21")
    if spec is None:
        sys.exit("make_tunes: music21 is not installed: pip install -r requirements.txt")
    return Path(spec.origin).parent / "corpus"


def read_collection(folder, name, shown, digest):
    """All tunes of one collection, after checking that its files are the known ones."""
    files = sorted(folder.glob("*.abc"))
    found = hashlib.sha256(b"".join(path.name.encode() + path.read_bytes() for path in files)).hexdigest()
    if found != digest:
        sys.exit(f"make_tunes: {folder}: expected files with SHA-256 {digest}, found {found}")
    tunes = []
    for place, path in enumerate(files, start=1):
        for tune in abc_notation.parse_file(path.read_text(encoding="latin-1")):
            tune.collection = name
            number = int(re.sub(r"\D", "", tune.x_field) or 0)
            if name == "ryan":          # one tune a file; its X: numbers mean nothing
                number = place
                tune.id, tune.artist = f"ryan-{number:04d}", f"{shown}, file no. {number}"
            elif name == "aird":
                book = path.stem[-1]
                tune.id, tune.artist = f"aird-{book}-{number:04d}", f"{shown}, book {book}, no. {number}"
            else:
                stated = re.search(r"O'Neill's (\d+)", tune.fields.get("B", ""))
                number = int(stated[1]) if stated else number
                tune.id, tune.artist = f"oneill-{number:04d}", f"{shown}, no. {number}"
            tune.number = number
            tune.title = tidy_title(tune.titles[0] if tune.titles else "Untitled")
            tunes.append(tune)
    return tunes


def tidy_title(title):
    """``NIGHT OF FUN -- JIG., THE`` as ``The Night of Fun``."""
    title = re.sub(r"(?<=[a-z]):(?=[a-z])", "", title)      # stray colons of the encoding
    title = re.sub(r"\s+--?\s+[^,]*", "", title).strip(" .")
    title = re.sub(r"^(.*?),\s*(The|An|A)$", r"\2 \1", title, flags=re.IGNORECASE)
    title = re.sub(r"\s+", " ", title).strip(" .,")
    if title.isupper():
        words = [word if word in SMALL_WORDS else word[:1].upper() + word[1:] for word in title.lower().split()]
        title = " ".join([words[0][:1].upper() + words[0][1:]] + words[1:])
    return title or "Untitled"


def make_ids_unique(tunes):
    """Appends "x" where two different tunes carry one number by mistake."""
    taken = set()
    for tune in tunes:
        while tune.id in taken:
            tune.id += "x"
        taken.add(tune.id)


def split_works(works, rng):
    """{work number: split}: works with versions by share, single tunes to train and noise."""
    split = {}
    versions = [number for number, work in enumerate(works) if len(work) > 1]
    singles = [number for number, work in enumerate(works) if len(work) == 1]
    order = rng.permutation(versions)
    train = round(SPLIT_SHARES["train"] * len(order))
    validation = train + round(SPLIT_SHARES["validation"] * len(order))
    for place, number in enumerate(order):
        split[int(number)] = "train" if place < train else "validation" if place < validation else "test"
    for place, number in enumerate(rng.permutation(singles)):
        split[int(number)] = "train" if place < len(singles) // 2 else "noise"
    return split


def songs_of(tunes, works, split, compare):
    """One dictionary a song, in file order: by split, then by song id."""
    songs = []
    for number, work in enumerate(works):
        for index in work:
            tune = tunes[index]
            closest = max((compare(index, other) for other in work if other != index), default=np.nan)
            times = 2 if split[number] == "train" else 1
            for performance in range(times):
                songs.append({"song_id": tune.id + ("-b" if performance else ""), "tune": tune,
                              "tune_id": tune.id, "work_id": "work-" + tunes[work[0]].id,
                              "split": split[number], "title": tune.title, "artist": tune.artist,
                              "melodic_similarity": closest})
    return sorted(songs, key=lambda song: (SPLITS.index(song["split"]), song["song_id"]))


def play(songs, folder):
    """Writes the recordings that are not there yet; each song has a generator of its own, seeded by its id."""
    missing = [song for song in songs if not (folder / (song["song_id"] + ".wav")).exists()]
    player = Player() if missing else None
    for song in missing:
        rng = np.random.default_rng([SEED, zlib.crc32(song["song_id"].encode())])
        partial = folder / (song["song_id"] + ".partial")
        write_wav(partial, player.play(perform(song["tune"], rng), rng))
        os.replace(partial, folder / (song["song_id"] + ".wav"))


def listen(songs, folder, reprise):
    """{song id: chroma, uint8 [frames, 12]} of recorded songs, its frame rate and its description."""
    with tempfile.TemporaryDirectory() as scratch:
        table, out = Path(scratch) / "songs.csv", Path(scratch) / "songs.h5"
        table.write_text("song_id,work_id,path\n" + "".join(
            f"{song['song_id']},{song['work_id']},{folder.resolve() / (song['song_id'] + '.wav')}\n" for song in songs))
        subprocess.run([reprise, "import", "audio", "--list", table, "--jobs", "1", "--out", out],
                       check=True, stdout=subprocess.DEVNULL)
        with h5py.File(out) as file:
            ids, offsets, chroma = file["song_id"].asstr()[:], file["offsets"][:], file["chroma"][:]
            found = {name: chroma[offsets[i]:offsets[i + 1]] for i, name in enumerate(ids)}
            return found, float(file.attrs["frames_per_second"]), file.attrs["chroma"]


def quantised(chroma):
    """To LEVELS values, still from 0 to 255."""
    return np.rint(np.rint(chroma / 255 * (LEVELS - 1)) * (255 / (LEVELS - 1))).astype(np.uint8)


def record_batch(songs, folder, reprise):
    """What listen() finds, after the songs were played into `folder`, or into one that goes again."""
    if folder:
        play(songs, folder)
        return listen(songs, folder, reprise)
    with tempfile.TemporaryDirectory() as scratch:
        play(songs, Path(scratch))
        return listen(songs, Path(scratch), reprise)


def record(songs, folder, reprise):
    """The chroma of every song in order, the frame rate, and the description of the chroma."""
    found, rate, description, start = {}, 0, "", time.time()
    batches = [songs[first:first + BATCH] for first in range(0, len(songs), BATCH)]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for chromas, rate, description in pool.map(record_batch, batches, [folder] * len(batches),
                                                   [reprise] * len(batches)):
            found.update(chromas)
            print(f"  recorded {len(found)} of {len(songs)} songs, {time.time() - start:.0f} s", flush=True)
    return [quantised(found[song["song_id"]]) for song in songs], rate, description


def write(path, songs, chromas, rate, description):
    """The song set, written beside its final name and renamed when complete."""
    partial = path.with_name(path.name + ".partial")
    offsets = np.concatenate([[0], np.cumsum([len(chroma) for chroma in chromas])]).astype(np.int64)
    packed = {"compression": "gzip", "compression_opts": 9, "shuffle": True}
    with h5py.File(partial, "w") as file:
        file.create_dataset("chroma", data=np.concatenate(chromas), chunks=(4096, 12), **packed)
        file.create_dataset("offsets", data=offsets, **packed)
        for name in ("song_id", "work_id", "tune_id", "split", "title", "artist"):
            texts = [song[name].encode() for song in songs]
            kind = h5py.string_dtype("utf-8", max(map(len, texts)))
            file.create_dataset(name, data=np.array(texts, dtype=kind), **packed)
        similarity = np.array([song["melodic_similarity"] for song in songs], np.float32)
        file.create_dataset("melodic_similarity", data=similarity, **packed)
        file.attrs["format"] = "reprise-songs"
        file.attrs["version"] = np.int64(1)
        file.attrs["frames_per_second"] = np.float64(rate)
        file.attrs["chroma"] = description
        file.attrs["source"] = (
            "Traditional tunes from Aird's Airs, Ryan's Mammoth Collection and O'Neill's Music of "
            "Ireland (ABC files of the music21 corpus); performances played by make_tunes.py, seed "
            f"{SEED}")
    os.replace(partial, path)


def report(songs, works, chromas, rate):
    """Counts by split and collection."""
    print(f"{'split':<12}{'songs':>7}{'works':>7}{'tunes':>7}{'queries':>9}{'hours':>7}")
    for split in SPLITS:
        chosen = [i for i, song in enumerate(songs) if song["split"] == split]
        sizes = Counter(songs[i]["work_id"] for i in chosen)
        queries = sum(size for size in sizes.values() if size > 1) if split != "noise" else 0
        hours = sum(len(chromas[i]) for i in chosen) / rate / 3600
        tunes = {songs[i]["tune_id"] for i in chosen}
        books = Counter(tune.split("-")[0] for tune in tunes)
        print(f"{split:<12}{len(chosen):>7}{len(sizes):>7}{len(tunes):>7}{queries:>9}{hours:>7.1f}  "
              + ", ".join(f"{book} {count}" for book, count in sorted(books.items())))
    print("tunes a work:", dict(sorted(Counter(map(len, works)).items())))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("tunes.h5"))
    parser.add_argument("--collections", nargs="+", default=[entry[1] for entry in COLLECTIONS],
                        choices=[entry[1] for entry in COLLECTIONS], help="build from these only")
    parser.add_argument("--reprise", type=Path, help="the program that reads the recordings",
                        default=Path(__file__).parents[1] / "build/release/bin/reprise")
    parser.add_argument("--audio", type=Path,
                        help="keep the recordings in this folder (17 GB), and use those that are there")
    options = parser.parse_args()
    if not options.reprise.exists():
        sys.exit(f"make_tunes: {options.reprise} is missing: build the program, or name it with --reprise")
    if options.audio:
        options.audio.mkdir(parents=True, exist_ok=True)

    everything = []
    for folder, name, shown, digest in COLLECTIONS:
        if name in options.collections:
            tunes = read_collection(corpus_folder() / folder, name, shown, digest)
            print(f"{shown}: {len(tunes)} transcriptions")
            everything += tunes

    compare = Comparison(everything)
    kept, copy_of = without_near_copies(everything, compare, NEAR_COPY_WITHIN, NEAR_COPY_ACROSS)
    print(f"{len(copy_of)} near-copies dropped, {len(kept)} tunes left")
    tunes = [everything[index] for index in kept]
    make_ids_unique(tunes)
    compare = Comparison(tunes)
    rng = np.random.default_rng(SEED)
    titled = float(np.percentile(random_similarities(compare, rng), RANDOM_PERCENTILE))
    print(f"similarity of random pairs, {RANDOM_PERCENTILE}th percentile: {titled:.3f}")
    works, doubtful = group(tunes, compare, {"same": titled, "kindred": KINDRED_VERSION,
                                             "unlike": UNLIKE_VERSION, "doubtful": DOUBTFUL})
    print(f"{len(doubtful)} doubtful single tunes left out")
    songs = songs_of(tunes, works, split_works(works, rng), compare)
    chromas, rate, description = record(songs, options.audio, options.reprise)
    write(options.out, songs, chromas, rate, description)
    report(songs, works, chromas, rate)
    print(f"{options.out}: {options.out.stat().st_size:,} bytes, SHA-256 "
          f"{hashlib.sha256(options.out.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
