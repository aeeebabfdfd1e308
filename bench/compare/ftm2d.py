#!/usr/bin/env python3
"""Other ways to compute 2DFTM as the 2016 experiment does: 512 frames, the mean magnitude of 8 patches of
64 frames. Prints one line of JSON for each figure."""

import json
import os
import statistics
import time

import numpy as np
import pyfftw
import scipy.fft

SONGS, FRAMES, PATCH = 200, 512, 64


def report(bench, peer, threads, work):
    clock = time.process_time if threads == 1 else time.perf_counter  # as bench/compare/run says
    work()
    rates = []
    while len(rates) < 7:
        start = clock()
        work()
        rates.append(SONGS / (clock() - start))
    print(json.dumps({"bench": bench, "peer": peer, "threads": threads, "value": statistics.median(rates),
                      "unit": "songs/s", "spread": statistics.pstdev(rates) / statistics.mean(rates)}),
          flush=True)


def seed(songs):
    """A transform for each patch, as the 2016 experiment's program has it."""
    return [np.mean([np.abs(np.fft.fft2(song[t:t + PATCH])) for t in range(0, FRAMES, PATCH)], axis=0)
            for song in songs]


def main():
    songs = np.random.default_rng(1).random((SONGS, FRAMES, 12), dtype=np.float32)
    patches = songs.reshape(SONGS, -1, PATCH, 12)
    bench = "2DFTM, 8 patches of 64"
    report(bench, f"NumPy {np.__version__}, patch by patch", 1, lambda: seed(songs))
    for threads in sorted({1, os.cpu_count()}):
        report(bench, "pocketfft (SciPy), real input, one batch", threads,
               lambda t=threads: np.abs(scipy.fft.rfft2(patches, axes=(3, 2), workers=t)).mean(axis=1))
        source = pyfftw.empty_aligned(patches.shape, "float32")
        target = pyfftw.empty_aligned((SONGS, FRAMES // PATCH, PATCH // 2 + 1, 12), "complex64")
        plan = pyfftw.FFTW(source, target, axes=(3, 2), threads=threads, flags=("FFTW_MEASURE",))
        source[:] = patches
        report(bench, "FFTW, real input, one batch, measured plan", threads,
               lambda: np.abs(plan()).mean(axis=1))
        report("2DFTM, 8 patches of 64, transforms alone", "FFTW, real input, one batch, measured plan",
               threads, plan)


if __name__ == "__main__":
    main()
