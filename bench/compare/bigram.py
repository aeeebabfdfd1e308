#!/usr/bin/env python3
"""The bigrams of the 2016 model in other programs, on the work of bench_bigram: batches of 100 songs of 512 frames,
N = F = L = 12, float32, fingerprints and the gradient of the weights, no loss.

    bench/compare/bigram.py [--songs 100] [--seconds 3]

Each program that Python can import, from where this runs or from what a virtual environment was made of (Debian's
python3-torch), is measured in a process of its own, on one core and on all:
    NumPy     forward only
    JAX       compiled, on the CPU
    PyTorch   eager
in two forms:
    as published   as the 2016 experiment writes it: every window's weighted sum of shifted events (a convolution along
                   time), and a product of it with the events
    lag identity   one product of the events with their 7 shifted copies, windows after
All are checked against a plain loop over the definition before they are timed. Prints one line of JSON for each
figure (see run).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

import numpy as np

FRAMES, N, F, L = 512, 12, 12, 12
LAGS = range(-5, 7)
PLAIN, IDENTITY = "as published", "lag identity"


def definition(x, weight, bias, windows):
    """One song, in double precision."""
    e = np.maximum(x.astype(float) @ weight.T.astype(float) + bias, 0)
    m = np.zeros((F, N, N))
    for tap, lag in enumerate(LAGS):
        first, last = max(0, -lag), min(FRAMES, FRAMES - lag)
        m += windows[:, tap, None, None] * (e[first + lag:last + lag].T @ e[first:last])
    return np.tanh(m).ravel()


def mixed(xp, c, windows):
    """Windows over C_k [songs, 7, N, N] of the lags from 0 up; C_-k is the transpose of C_k."""
    later = xp.einsum("fl,slij->sfij", windows[:, 5:], c)
    earlier = xp.einsum("fl,slij->sfji", xp.flip(windows[:, :5], (1,)), c[:, 1:6])
    return xp.tanh(later + earlier).reshape(len(c), -1)


def of_numpy(x, parameters, out_gradient, threads):
    def events(x, weight, bias):
        return np.maximum(x @ weight.T + bias, 0)  # [songs, T, N]

    def plain(x, weight, bias, windows):
        e = events(x, weight, bias)
        padded = np.pad(e, ((0, 0), (5, 6), (0, 0)))
        shifted = np.stack([padded[:, k:k + FRAMES] for k in range(L)])  # [L, songs, T, N]
        windowed = np.tensordot(windows, shifted, 1)  # [F, songs, T, N]
        return np.tanh(windowed.transpose(1, 0, 3, 2) @ e[:, None]).reshape(len(x), -1)

    def identity(x, weight, bias, windows):
        padded = np.pad(events(x, weight, bias), ((0, 0), (0, 6), (0, 0)))
        shifted = np.concatenate([padded[:, k:k + FRAMES] for k in range(7)], axis=2)
        c = shifted.transpose(0, 2, 1) @ padded[:, :FRAMES]
        return mixed(np, c.reshape(len(x), 7, N, N), windows)

    for form, model in ((PLAIN, plain), (IDENTITY, identity)):
        yield f"NumPy {np.__version__}, {form}", lambda: model(x, *parameters), None


def of_jax(x, parameters, out_gradient, threads):
    import jax
    import jax.numpy as jnp

    def events(x, weight, bias):
        return jax.nn.relu(x @ weight.T + bias)

    def plain(x, weight, bias, windows):
        e = events(x, weight, bias).transpose(0, 2, 1)  # [songs, N, T]
        windowed = jax.lax.conv_general_dilated(e.reshape(-1, 1, FRAMES), windows[:, None], (1,), [(5, 6)])
        windowed = windowed.reshape(-1, N, F, FRAMES).transpose(0, 2, 1, 3)  # [songs, F, N, T]
        return jnp.tanh(windowed @ e[:, None].swapaxes(2, 3)).reshape(len(x), -1)

    def identity(x, weight, bias, windows):
        padded = jnp.pad(events(x, weight, bias), ((0, 0), (0, 6), (0, 0)))
        shifted = jnp.concatenate([padded[:, k:k + FRAMES] for k in range(7)], axis=2)
        c = shifted.swapaxes(1, 2) @ padded[:, :FRAMES]
        return mixed(jnp, c.reshape(len(x), 7, N, N), windows)

    x, out_gradient, *parameters = (jnp.asarray(a) for a in (x, out_gradient, *parameters))
    for form, model in ((PLAIN, plain), (IDENTITY, identity)):
        forward = jax.jit(model)
        both = jax.jit(lambda x, g, *p: jax.vjp(lambda *p: model(x, *p), *p)[1](g))
        yield (f"JAX {jax.__version__}, {form}", lambda: jax.block_until_ready(forward(x, *parameters)),
               lambda: jax.block_until_ready(both(x, out_gradient, *parameters)))


def of_torch(x, parameters, out_gradient, threads):
    import torch

    def events(x, weight, bias):
        return torch.relu(x @ weight.T + bias)

    def plain(x, weight, bias, windows):
        e = events(x, weight, bias).transpose(1, 2)  # [songs, N, T]
        padded = torch.nn.functional.pad(e.reshape(-1, 1, FRAMES), (5, 6))
        windowed = torch.nn.functional.conv1d(padded, windows[:, None])
        windowed = windowed.reshape(-1, N, F, FRAMES).transpose(1, 2)  # [songs, F, N, T]
        return torch.tanh(windowed @ e[:, None].transpose(2, 3)).flatten(1)

    def identity(x, weight, bias, windows):
        padded = torch.nn.functional.pad(events(x, weight, bias), (0, 0, 0, 6))
        # Rows that overlap: those of lags 0 .. 6 side by side, without a copy.
        shifted = padded.as_strided((len(x), FRAMES, 7 * N), (padded.stride(0), padded.stride(1), 1))
        c = shifted.transpose(1, 2) @ padded[:, :FRAMES]
        return mixed(torch, c.reshape(-1, 7, N, N), windows)

    torch.set_num_threads(threads)
    x, out_gradient, *parameters = (torch.from_numpy(a) for a in (x, out_gradient, *parameters))
    learned = [p.requires_grad_() for p in parameters]

    def forward(model):
        with torch.no_grad():
            return model(x, *learned)

    def both(model):
        for p in learned:
            p.grad = None
        model(x, *learned).backward(out_gradient)

    for form, model in ((PLAIN, plain), (IDENTITY, identity)):
        yield f"PyTorch {torch.__version__}, {form}", lambda: forward(model), lambda: both(model)


PEERS = {"numpy": of_numpy, "jax": of_jax, "torch": of_torch}


def report(bench, peer, threads, songs, seconds, work):
    clock = time.process_time if threads == 1 else time.perf_counter  # as bench/compare/run says
    work()
    rates, begin = [], time.perf_counter()
    while len(rates) < 5 or time.perf_counter() - begin < seconds:
        start = clock()
        work()
        rates.append(songs / (clock() - start))
    print(json.dumps({"bench": f"bigrams, seed2016, {bench}", "peer": peer, "threads": threads,
                      "value": statistics.median(rates), "unit": "songs/s",
                      "spread": statistics.pstdev(rates) / statistics.mean(rates)}), flush=True)


def measure(peer, threads, songs, seconds):
    random = np.random.default_rng(1)
    x = random.random((songs, FRAMES, 12), np.float32)
    parameters = [(.1 * random.standard_normal((N, 12))).astype(np.float32), np.full(N, .1, np.float32),
                  (.1 * random.standard_normal((F, L))).astype(np.float32)]
    out_gradient = random.standard_normal((songs, F * N * N), np.float32)
    truth = definition(x[0], *parameters)
    for name, forward, both in PEERS[peer](x, parameters, out_gradient, threads):
        error = np.abs(np.asarray(forward()[0]) - truth).max()
        if not error < 1e-3:
            sys.exit(f"bigram: {name}: expected an error below 0.001, found {error}")
        report("forward", name, threads, songs, seconds, forward)
        if both:
            report("forward + backward", name, threads, songs, seconds, both)


def interpreter_of(peer):
    """The first Python that has the peer and NumPy, or none."""
    for python in (sys.executable, f"{sys.base_prefix}/bin/python3"):
        if subprocess.run([python, "-c", f"import numpy, {peer}"], stderr=subprocess.DEVNULL).returncode == 0:
            return python


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=3, help="of each figure")
    parser.add_argument("--peer", choices=PEERS, help="in this process; for this program itself")
    parser.add_argument("--threads", type=int, help="of --peer")
    a = parser.parse_args()
    if a.peer:
        return measure(a.peer, a.threads, a.songs, a.seconds)
    cores = sorted(os.sched_getaffinity(0))
    for peer in PEERS:
        python = interpreter_of(peer)
        if python is None:
            print(f"bigram: {peer} is not installed and not measured", file=sys.stderr)
            continue
        for used in (cores[:1], cores) if len(cores) > 1 else (cores,):
            # Libraries read their threads from the environment when they start; XLA takes the cores that it may use.
            threads = str(len(used))
            environment = os.environ | {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads,
                                        "JAX_PLATFORMS": "cpu"}
            if len(used) == 1:
                environment["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
            subprocess.run([python, __file__, "--peer", peer, "--threads", threads, "--songs", str(a.songs), "--seconds",
                            str(a.seconds)], env=environment, check=True,
                           preexec_fn=lambda: os.sched_setaffinity(0, used))


if __name__ == "__main__":
    main()
