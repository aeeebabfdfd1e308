#!/usr/bin/env python3
"""Chroma of audio beside librosa's, and beside the notes that were played.

Pieces with melody, chords, bass and drums are made from a seed, played by FluidSynth with General MIDI
instruments, read by `reprise import audio` and by librosa, and compared frame by frame (cosine; librosa's
frames averaged to ours). The same pieces are played out of tune for the table of tunings.

    apt-get install fluidsynth fluid-soundfont-gm
    python3 -m venv venv && venv/bin/pip install librosa h5py
    venv/bin/python bench/compare/chroma.py --reprise build/release/bin/reprise
"""

import argparse
import re
import struct
import subprocess
import tempfile
from pathlib import Path

import h5py
import librosa
import numpy as np

RATE = 44100
SOUNDFONT = "/usr/share/sounds/sf2/FluidR3_GM.sf2"
DRUMS = 9
BEND_RANGE = 200            # cents, of a whole pitch bend in General MIDI
INSTRUMENTS = [0, 4, 11, 21, 24, 32, 40, 42, 48, 52, 56, 66, 71, 73, 80]
CHORDS = {"major": (0, 4, 7), "minor": (0, 3, 7), "seventh": (0, 4, 7, 10)}


def piece(seed, bars=12):
    """[(part, pitch, start, end, velocity)], times in seconds, and the parts' programs."""
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
    return notes, [int(program) for program in rng.choice(INSTRUMENTS, 3)]


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


def play(folder, name, notes, programs, cents):
    score, sound = folder / f"{name}.mid", folder / f"{name}.wav"
    score.write_bytes(midi(notes, programs, cents))
    subprocess.run(["fluidsynth", "-ni", "-q", "-F", sound, "-r", str(RATE), "-O", "s16", SOUNDFONT, score],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return sound


def read(reprise, folder, *settings):
    """{name: chroma [frames, 12]}, frames a second, {name: tuning in cents}."""
    out = folder / "songs.h5"
    text = subprocess.run([reprise, "import", "audio", folder, "--out", out, "--verbose", *settings], check=True,
                          capture_output=True, text=True).stdout
    tunings = dict(re.findall(r"([^/\t\n]+)\t\d+ frames\t([-+]\d+) cents", text))
    with h5py.File(out) as file:
        offsets, chroma = file["offsets"][:], file["chroma"][:] / 255
        return ({name: chroma[offsets[i]:offsets[i + 1]] for i, name in enumerate(file["song_id"].asstr()[:])},
                float(file.attrs["frames_per_second"]), {name: int(cents) for name, cents in tunings.items()})


def averaged(chroma, times, frames, rate):
    """Frames [12, n] at `times`, averaged into ours: [frames, 12]."""
    at = np.minimum((times * rate).astype(int), frames - 1)
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


def likeness(a, b):
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return (a * b).sum(axis=1)[lengths > 0] / lengths[lengths > 0]


def librosa_chroma(sound, tuning):
    x, _ = librosa.load(sound, sr=22050)
    hop = 512
    yield "chroma_cqt", librosa.feature.chroma_cqt(y=x, hop_length=hop, tuning=tuning, norm=None), hop / 22050
    yield "chroma_cens", librosa.feature.chroma_cens(y=x, hop_length=hop, tuning=tuning), hop / 22050
    yield "chroma_stft", librosa.feature.chroma_stft(y=x, n_fft=4096, hop_length=hop, tuning=tuning, norm=None), hop / 22050


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--reprise", required=True, type=Path)
    parser.add_argument("--pieces", type=int, default=12)
    options = parser.parse_args()
    pieces = {f"{seed:03}.wav": piece(seed) for seed in range(options.pieces)}

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name, (notes, programs) in pieces.items():
            play(folder, name[:-4], notes, programs, 0)
        ours, rate, _ = read(options.reprise, folder)
        plain, _, _ = read(options.reprise, folder, "--set", "harmonics=0")
        scores = {}
        for name, (notes, _) in pieces.items():
            frames = len(ours[name])
            truth = played(notes, frames, rate)
            features = {"reprise": ours[name], "reprise, harmonics=0": plain[name]}
            for kind, chroma, step in librosa_chroma(folder / name, 0.0):
                times = np.arange(chroma.shape[1]) * step
                features["librosa " + kind] = averaged(chroma, times, frames, rate)
            for kind, chroma in features.items():
                scores.setdefault(kind, []).append(
                    [likeness(chroma, other).mean() for other in
                     (truth, features["librosa chroma_cqt"], features["librosa chroma_cens"],
                      features["librosa chroma_stft"])])
        print(f"mean cosine a frame, {options.pieces} pieces\n")
        print(f"{'':<24}{'notes played':>14}{'cqt':>10}{'cens':>10}{'stft':>10}")
        for kind, rows in scores.items():
            values = np.mean(rows, axis=0)
            print(f"{kind:<24}{values[0]:>14.3f}" + "".join(f"{value:>10.3f}" for value in values[1:]))

    print("\ntuning, cents\n\nplayed    reprise (mean, worst error)    librosa (mean, worst error)    reprise, cosine with the notes")
    for cents in range(-50, 51, 10):
        with tempfile.TemporaryDirectory() as scratch:
            folder, theirs = Path(scratch), []
            few = dict(list(pieces.items())[:4])
            for name, (notes, programs) in few.items():
                sound = play(folder, name[:-4], notes, programs, cents)
                theirs.append(100 * librosa.estimate_tuning(y=librosa.load(sound, sr=22050)[0], sr=22050))
            chroma, rate, tunings = read(options.reprise, folder)
            found = list(tunings.values())
            cosines = []
            for name, (notes, _) in few.items():
                truth = played(notes, len(chroma[name]), rate)
                # half a semitone off may be read as the next note
                cosines.append(max(likeness(np.roll(chroma[name], roll, axis=1), truth).mean() for roll in (-1, 0, 1)))
            error = lambda values: max(abs((value - cents + 50) % 100 - 50) for value in values)
            print(f"{cents:>6}    {np.mean(found):>10.1f} {error(found):>10.1f}          {np.mean(theirs):>10.1f} "
                  f"{error(theirs):>10.1f}          {np.mean(cosines):>10.3f}")


if __name__ == "__main__":
    main()
