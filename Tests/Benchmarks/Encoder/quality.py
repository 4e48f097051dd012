#!/usr/bin/env python3
"""How near decoded speech is to what was encoded.

Argument: a file with JSON, a list of [reference, decoded, delay], files of s16le mono 16 kHz sound and the codec's delay in
samples. Standard output: JSON, a list of [pesq, distortion] in the same order.

pesq        ITU-T P.862.2 (wide band), MOS-LQO, 1.0 to 4.64; aligns by itself.
distortion  root mean square difference of the levels of Bark bands, decibels, over 20 ms frames within 40 dB of the
            loudest: a cross-check that shares nothing with PESQ. Smaller is better.
"""

import json
import sys
from multiprocessing import Pool

import numpy
from pesq import pesq

RATE = 16_000
FRAME = 320
# Zwicker's critical bands up to 7.7 kHz; G.722, which the recordings come in, ends at 7 kHz.
EDGES = [20, 100, 200, 300, 400, 510, 630, 770, 920, 1080, 1270, 1480, 1720, 2000, 2320, 2700, 3150, 3700, 4400, 5300,
         6400, 7000]


def read(path):
    return numpy.fromfile(path, dtype="<i2").astype(numpy.float64)


def levels(sound):
    count = len(sound) // FRAME - 1
    window = numpy.hanning(2 * FRAME)
    frames = numpy.stack([sound[i * FRAME:i * FRAME + 2 * FRAME] * window for i in range(count)])
    power = numpy.abs(numpy.fft.rfft(frames)) ** 2
    frequencies = numpy.fft.rfftfreq(2 * FRAME, 1 / RATE)
    bands = [power[:, (frequencies >= low) & (frequencies < high)].sum(axis=1) for low, high in zip(EDGES, EDGES[1:])]
    return 10 * numpy.log10(numpy.stack(bands, axis=1) + 1.0)


def distortion(reference, decoded):
    length = min(len(reference), len(decoded))
    ours, theirs = levels(reference[:length]), levels(decoded[:length])
    loudness = ours.max(axis=1)
    speech = loudness > loudness.max() - 40
    # What lies 60 dB under the loudest is not heard.
    floor = ours.max() - 60
    difference = numpy.maximum(ours, floor)[speech] - numpy.maximum(theirs, floor)[speech]
    return float(numpy.sqrt((difference ** 2).mean()))


def judge(job):
    reference, decoded = read(job[0]), read(job[1])
    score = pesq(RATE, reference / 32768, decoded / 32768, "wb")
    return [round(float(score), 4), round(distortion(reference, decoded[job[2]:]), 4)]


if __name__ == "__main__":
    with Pool(2) as pool:
        with open(sys.argv[1], encoding="utf-8") as jobs:
            json.dump(pool.map(judge, json.load(jobs), chunksize=8), sys.stdout)
