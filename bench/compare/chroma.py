#!/usr/bin/env python3
"""Chroma of audio beside librosa's and beside the notes that were played; tuning; beats.

Pieces with melody, chords, bass and drums are made from a seed, played by FluidSynth with General MIDI
instruments, and read by `reprise import audio` and by librosa. Three tables come out:

    chroma   cosine a frame (librosa's frames averaged to ours), means over all frames of all pieces
    tuning   the same pieces, played out of tune: what is found
    beats    F-measure of the beats, 70 ms either way; needs bench_beats

    apt-get install fluidsynth fluid-soundfont-gm
    python3 -m venv venv && venv/bin/pip install librosa h5py
    venv/bin/python bench/compare/chroma.py [--beats build/release/bin/bench_beats]
"""

import argparse
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import librosa
import numpy as np

RATE = 44100                # of the recordings
LOW_RATE, HOP = 22050, 512  # what librosa works at, its defaults
SOUNDFONT = "/usr/share/sounds/sf2/FluidR3_GM.sf2"
DRUMS = 9
BEND_RANGE = 200            # cents, of a whole pitch bend in General MIDI
INSTRUMENTS = [0, 4, 11, 21, 24, 32, 40, 42, 48, 52, 56, 66, 71, 73, 80]
CHORDS = {"major": (0, 4, 7), "minor": (0, 3, 7), "seventh": (0, 4, 7, 10)}


def piece(seed, bars):
    """[(part, pitch, start, end, velocity)] and the beats, in seconds, and the parts' programs."""
    rng = np.random.default_rng(seed)
    beat, key, notes, now = rng.uniform(.4, .75), rng.integers(12), [], 0
    for _ in range(bars):
        root = key + rng.choice([0, 2, 4, 5, 7, 9])
        chord = CHORDS[rng.choice(list(CHORDS))]
        for step in chord:
            notes.append((1, 55 + (root + step - 55) % 12, now, now + 4 * beat, 60))
        for half in range(2):
            notes.append((2, 36 + root % 12, now + 2 * half * beat, now + (2 * half + 1.8) * beat, 90))
        time = 0
        while time < 4:
            length = rng.choice([.5, 1, 1, 2])
            notes.append((0, 67 + (root + rng.choice(chord) - 67) % 12 + 12 * rng.integers(2), now + time * beat,
                          now + min(4, time + .95 * length) * beat, 100))
            time += length
        for quarter in range(4):
            notes.append((DRUMS, 36 if quarter % 2 == 0 else 38, now + quarter * beat, now + (quarter + .5) * beat, 70))
        now += 4 * beat
    return notes, np.arange(4 * bars) * beat, [int(program) for program in rng.choice(INSTRUMENTS, 3)]


def variable_length(value):
    groups = [value & 127]
    while value := value >> 7:
        groups.insert(0, value & 127 | 128)
    return bytes(groups)


def midi(notes, programs, cents):
    """A MIDI file of one track, a thousand ticks a second."""
    bend = 8192 + round(cents * 8192 / BEND_RANGE)
    events = []
    for part, program in enumerate(programs):
        events += [(0, 0, bytes([0xC0 | part, program])), (0, 0, bytes([0xE0 | part, bend & 127, bend >> 7]))]
    for part, pitch, start, end, velocity in notes:
        events += [(round(start * 1000), 2, bytes([0x90 | part, pitch, velocity])),
                   (round(end * 1000), 1, bytes([0x80 | part, pitch, 0]))]
    track, now = b"", 0
    for time, _, event in sorted(events):
        track += variable_length(time - now) + event
        now = time
    track += variable_length(500) + b"\xff\x2f\x00"
    tempo = b"\x00\xff\x51\x03" + (500000).to_bytes(3, "big")
    return (b"MThd" + struct.pack(">IHHH", 6, 0, 1, 500) +
            b"MTrk" + struct.pack(">I", len(tempo + track)) + tempo + track)


def run(*command):
    try:
        return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout
    except FileNotFoundError:
        sys.exit(f"chroma: {command[0]} is missing")
    except subprocess.CalledProcessError as error:
        sys.exit(f"chroma: {' '.join(error.cmd)}: {error.stderr.strip()}")


def play(folder, pieces, cents):
    """Writes NAME.wav of every piece."""
    for name, (notes, _, programs) in pieces.items():
        score = folder / f"{name}.mid"
        score.write_bytes(midi(notes, programs, cents))
        run("fluidsynth", "-ni", "-q", "-F", folder / f"{name}.wav", "-r", RATE, "-O", "s16", SOUNDFONT, score)


def read(reprise, folder, *settings):
    """{name: chroma [frames, 12]}, frames a second, {name: tuning in cents}."""
    out = folder / "songs.h5"
    text = run(reprise, "import", "audio", folder, "--out", out, "--jobs", 1, "--verbose", *settings)
    tunings = dict(re.findall(r"^imported\t([^\t]+)\.wav\t[^\t]*\t\d+ frames, ([-+]\d+) cents", text, re.MULTILINE))
    with h5py.File(out) as file:
        offsets, chroma = file["offsets"][:], file["chroma"][:] / 255
        return ({name[:-4]: chroma[offsets[i]:offsets[i + 1]] for i, name in enumerate(file["song_id"].asstr()[:])},
                float(file.attrs["frames_per_second"]), {name: int(cents) for name, cents in tunings.items()})


def averaged(chroma, hop, frames, rate):
    """librosa's frames [12, n], `hop` seconds apart, averaged into ours: [frames, 12]."""
    at = np.minimum((np.arange(chroma.shape[1]) * hop * rate).astype(int), frames - 1)
    out = np.zeros((frames, 12))
    np.add.at(out, at, chroma.T)
    return out


def played(notes, frames, rate):
    """How long each pitch class sounded in each frame, weighted by velocity; no drums."""
    out = np.zeros((frames, 12))
    for part, pitch, start, end, velocity in notes:
        if part == DRUMS:
            continue
        for frame in range(int(start * rate), min(frames, int(end * rate) + 1)):
            out[frame, pitch % 12] += velocity * max(0, min(end, (frame + 1) / rate) - max(start, frame / rate))
    return out


def cosines(a, b):
    """Of the frames in which both have something."""
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return (a * b).sum(axis=1)[lengths > 0] / lengths[lengths > 0]


def librosa_chroma(x):
    """Three kinds, [12, n] every HOP / LOW_RATE seconds, told that A is 440 Hz as ours found it to be."""
    settings = {"sr": LOW_RATE, "hop_length": HOP, "tuning": 0.0}
    return {"chroma_cqt": librosa.feature.chroma_cqt(y=x, norm=None, **settings),
            "chroma_cens": librosa.feature.chroma_cens(y=x, **settings),
            "chroma_stft": librosa.feature.chroma_stft(y=x, n_fft=4096, norm=None, **settings)}


def f_measure(found, true):
    """2 TP / (found + true); each true beat is found once, by what lies within 70 ms (Davies et al. 2009)."""
    left, hits = list(found), 0
    for beat in true:
        near = [time for time in left if abs(time - beat) <= .07]
        if near:
            left.remove(min(near, key=lambda time: abs(time - beat)))
            hits += 1
    return 2 * hits / max(1, len(found) + len(true))


def row(name, *values):
    print("| " + " | ".join([name, *values]) + " |")


def compare_chroma(options, pieces, folder):
    play(folder, pieces, 0)
    ours, rate, _ = read(options.reprise, folder)
    plain, _, _ = read(options.reprise, folder, "--set", "harmonics=0")
    kinds = {}
    for name, (notes, _, _) in pieces.items():
        x, _ = librosa.load(folder / f"{name}.wav", sr=LOW_RATE)
        frames = len(ours[name])
        features = {"notes played": played(notes, frames, rate), "Reprise": ours[name],
                    "Reprise, `harmonics=0`": plain[name]}
        for kind, chroma in librosa_chroma(x).items():
            features[f"librosa {kind}"] = averaged(chroma, HOP / LOW_RATE, frames, rate)
        for kind, chroma in features.items():
            kinds.setdefault(kind, []).append(chroma)
    names = list(kinds)
    kinds = {kind: np.concatenate(chromas) for kind, chromas in kinds.items()}
    print(f"{len(pieces)} pieces, {len(kinds['Reprise'])} frames\n")
    row("mean cosine a frame", *names)
    row("---", *["---"] * len(names))
    for kind in names[1:]:
        row(kind, *[f"{cosines(kinds[kind], kinds[other]).mean():.3f}" for other in names])


def compare_tuning(options, pieces):
    print()
    row("played, cents", "Reprise: mean, worst error", "librosa: mean, worst error", "Reprise: cosine with the notes")
    row("---", "---", "---", "---")
    off = lambda found, cents: (found - cents + 50) % 100 - 50      # half a semitone up and down are the same
    worst = {}
    for cents in (-50, -40, -30, -20, -10, 0, 10, 20, 30, 40, 50):
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            play(folder, pieces, cents)
            chroma, rate, tunings = read(options.reprise, folder)
            theirs = [100 * librosa.estimate_tuning(y=librosa.load(folder / f"{name}.wav", sr=LOW_RATE)[0], sr=LOW_RATE)
                      for name in pieces]
        likeness = []
        for name, (notes, _, _) in pieces.items():
            truth = played(notes, len(chroma[name]), rate)
            # half a semitone off may be read as the next note
            likeness.append(max(cosines(np.roll(chroma[name], roll, axis=1), truth).mean() for roll in (-1, 0, 1)))
        found = []
        for who, values in (("Reprise", [tunings[name] for name in pieces]), ("librosa", theirs)):
            errors = np.array([off(value, cents) for value in values])
            worst[who] = max(worst.get(who, 0), np.abs(errors).max())
            found.append(f"{cents + errors.mean():+.1f}, {np.abs(errors).max():.1f}")
        row(f"{cents:+}", *found, f"{np.mean(likeness):.3f}")
    print("\nworst error, cents: " + ", ".join(f"{who} {error:.1f}" for who, error in worst.items()))


def compare_beats(options, pieces, folder):
    print()
    row("beats a minute", "Reprise, F", "librosa, F")
    row("---", "---", "---")
    text = run(options.beats, *[folder / f"{name}.wav" for name in pieces])
    scores = []
    for line, (name, (_, true, _)) in zip(text.splitlines(), pieces.items(), strict=True):
        ours = [float(time) for time in line.split("\t")[1:]]
        x, _ = librosa.load(folder / f"{name}.wav", sr=LOW_RATE)
        theirs = librosa.beat.beat_track(y=x, sr=LOW_RATE, units="time", trim=False)[1]
        scores.append([f_measure(found, true) for found in (ours, theirs)])
        row(f"{60 / (true[1] - true[0]):.0f}", *[f"{score:.2f}" for score in scores[-1]])
    row("mean", *[f"{score:.2f}" for score in np.mean(scores, axis=0)])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--reprise", type=Path, default=Path("build/release/bin/reprise"))
    parser.add_argument("--beats", type=Path, help="the program bench_beats, for the table of beats")
    parser.add_argument("--pieces", type=int, default=12)
    parser.add_argument("--bars", type=int, default=8, help="of each piece: 13 to 24 seconds")
    options = parser.parse_args()
    if not Path(SOUNDFONT).exists():
        sys.exit(f"chroma: {SOUNDFONT} is missing: apt-get install fluid-soundfont-gm")
    pieces = {f"{seed:03}": piece(seed, options.bars) for seed in range(options.pieces)}
    with tempfile.TemporaryDirectory() as scratch:
        compare_chroma(options, pieces, Path(scratch))
        if options.beats:
            compare_beats(options, pieces, Path(scratch))
    compare_tuning(options, dict(list(pieces.items())[:6]))


if __name__ == "__main__":
    main()
