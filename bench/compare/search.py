#!/usr/bin/env python3
"""Other engines on the work of bench_search: the ten best of 100,000 unit vectors of 256 dimensions.

A song is asked in 12 keys, and a candidate's score is the best of them: the engines get the 12 keys as 12
queries, and merging their answers is not counted. Prints one line of JSON for each figure (see run).
"""

import json
import os
import statistics
import sys
import time

import faiss
import hnswlib
import numpy as np
import usearch.index

CANDIDATES, DIMS, BEST = 100_000, 256, 10
SHAPES = {"1 vector": 1, "1 song in 12 keys": 12, "100 songs in 12 keys": 1200}


def unit(rng, count):
    x = rng.standard_normal((count, DIMS), dtype=np.float32)
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def report(shape, peer, threads, work):
    clock = time.process_time if threads == 1 else time.perf_counter  # as bench/compare/run says
    work()
    times = []
    while len(times) < 5 or (sum(times) < .5 and len(times) < 50):
        start = clock()
        work()
        times.append(1e3 * (clock() - start))
    print(json.dumps({"bench": f"search 100k x 256, {shape}", "peer": peer, "threads": threads,
                      "value": statistics.median(times), "unit": "ms",
                      "spread": statistics.pstdev(times) / statistics.mean(times)}), flush=True)


def recall(found, truth):
    return np.mean([len(set(a) & set(b)) / BEST for a, b in zip(found, truth)])


def main():
    cores = os.cpu_count()
    rng = np.random.default_rng(1)
    vectors, queries = unit(rng, CANDIDATES), unit(rng, 1200)
    flat = faiss.IndexFlatIP(DIMS)
    flat.add(vectors)
    truth = flat.search(queries, BEST)[1]
    shipped = faiss.cvar.distance_compute_blas_threshold
    for threads in sorted({1, cores}):
        faiss.omp_set_num_threads(threads)
        for name, threshold in (("as shipped", shipped), ("tuned: BLAS from one query on", 1)):
            faiss.cvar.distance_compute_blas_threshold = threshold
            for shape, rows in SHAPES.items():
                report(shape, f"FAISS {faiss.__version__} flat, {name}", threads,
                       lambda rows=rows: flat.search(queries[:rows], BEST))

    graph = hnswlib.Index("ip", DIMS)
    graph.init_index(CANDIDATES, M=16, ef_construction=100)
    graph.set_num_threads(cores)
    graph.add_items(vectors)
    dense = usearch.index.Index(ndim=DIMS, metric="ip", dtype="f32", connectivity=16, expansion_add=100)
    dense.add(np.arange(CANDIDATES), vectors, threads=cores)
    for ef in (100, 1000):
        graph.set_ef(ef)
        dense.expansion_search = ef
        for threads in sorted({1, cores}):
            graph.set_num_threads(threads)
            found = graph.knn_query(queries, BEST)[0]
            for shape, rows in SHAPES.items():
                report(shape, f"hnswlib, ef {ef}, recall {recall(found, truth):.3f}", threads,
                       lambda rows=rows: graph.knn_query(queries[:rows], BEST))
            found = dense.search(queries, BEST, threads=threads).keys
            for shape, rows in SHAPES.items():
                report(shape, f"usearch, expansion {ef}, recall {recall(found, truth):.3f}", threads,
                       lambda rows=rows, t=threads: dense.search(queries[:rows], BEST, threads=t))


if __name__ == "__main__":
    sys.exit(main())
