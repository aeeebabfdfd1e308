#!/usr/bin/env python3
"""Songs a second of the 2016 model in PyTorch, for comparison with bench_bigram's seed2016/N12.

    bench/compare/bigram_torch.py [--songs 100] [--threads 1] [--seconds 5]

Two forms on the same work (batches of 512 frames, N = F = L = 12, no loss):
  eager   as the 2016 experiment writes it: a convolution with 12 taps a window over the events,
          zeros around, then a product with the events a window
  lags    the lag identity: one product of the events with their 7 shifted copies, windows after
Both are checked against a plain loop over the definition before they are timed. Prints a JSON line
for each figure: {"bench", "peer", "value", "unit"}; the value is the median of the repetitions, by
processor time with one thread (as bench_bigram's), else by the clock.
"""
import argparse
import json
import statistics
import time

import torch

FRAMES, N, F, L = 512, 12, 12, 12
LAGS = range(-5, 7)


def events(x, weight, bias):  # x [songs, T, 12] -> [songs, T, N]
    return torch.relu(x @ weight.T + bias)


def eager(x, weight, bias, windows):
    e = events(x, weight, bias).transpose(1, 2)  # [songs, N, T]
    songs, n, frames = e.shape
    padded = torch.nn.functional.pad(e.reshape(songs * n, 1, frames), (5, 6))
    windowed = torch.nn.functional.conv1d(padded, windows[:, None, :])  # [songs N, F, T]
    windowed = windowed.reshape(songs, n, F, frames).transpose(1, 2)  # [songs, F, N, T]
    return torch.tanh(windowed @ e[:, None].transpose(2, 3)).flatten(1)


def lags(x, weight, bias, windows):
    e = events(x, weight, bias)  # [songs, T, N]
    songs, frames, n = e.shape
    padded = torch.nn.functional.pad(e, (0, 0, 0, 6))
    # Rows that overlap: those of lags 0 .. 6 side by side, without a copy.
    shifted = padded.as_strided((songs, frames, 7 * n), (padded.stride(0), padded.stride(1), 1))
    c = (shifted.transpose(1, 2) @ e).reshape(songs, 7, n, n)  # C_k[i, j]
    later = torch.einsum("fl,slij->sfij", windows[:, 5:], c)
    earlier = torch.einsum("fl,slij->sfij", windows[:, :5].flip(1), c[:, 1:6])
    return torch.tanh(later + earlier.transpose(2, 3)).flatten(1)


def plain(x, weight, bias, windows):  # one song, double precision, the definition
    e = torch.relu(x.double() @ weight.double().T + bias.double())
    m = torch.zeros(F, N, N, dtype=torch.float64)
    for tap, lag in enumerate(LAGS):
        first, last = max(0, -lag), min(FRAMES, FRAMES - lag)
        product = e[first + lag:last + lag].T @ e[first:last]
        m += windows[:, tap, None, None].double() * product
    return torch.tanh(m).flatten()


def rate(work, songs, seconds):
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    work()
    taken, begin = [], time.perf_counter()
    while time.perf_counter() - begin < seconds or len(taken) < 3:
        start = clock()
        work()
        taken.append(clock() - start)
    return songs / statistics.median(taken)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--songs", type=int, default=100)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=5)
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(1)
    x = torch.rand(a.songs, FRAMES, 12)
    parameters = [0.1 * torch.randn(N, 12), 0.1 * torch.ones(N), 0.1 * torch.randn(F, L)]
    truth = plain(x[0], *parameters)
    for name, model in (("eager", eager), ("lags", lags)):
        error = (model(x[:1], *parameters)[0] - truth).abs().max().item()
        if not error < 1e-3:
            raise SystemExit(f"bigram_torch: {name}: expected an error below 1e-3, found {error}")
        peer = f"PyTorch {torch.__version__} {name}, {a.threads} thread(s)"
        with torch.no_grad():
            forward = rate(lambda: model(x, *parameters), a.songs, a.seconds)
        learned = [p.clone().requires_grad_() for p in parameters]
        gradient = torch.randn(a.songs, F * N * N)

        def both():
            for p in learned:
                p.grad = None
            model(x, *learned).backward(gradient)

        figures = (("forward", forward), ("forward+backward", rate(both, a.songs, a.seconds)))
        for bench, value in figures:
            print(json.dumps({"bench": f"seed2016/N12/{bench}", "peer": peer,
                              "value": round(value, 1), "unit": "songs/s"}), flush=True)


if __name__ == "__main__":
    main()
