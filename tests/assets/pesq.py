"""Scores voices: reads lines "REFERENCE HEARD" (files of raw 16 bit samples, mono 16 kHz), answers one PESQ each (P.862.2, wideband)."""

import sys

import numpy
from pesq import NoUtterancesError, pesq

for line in sys.stdin:
    reference, heard = (numpy.fromfile(path, dtype="<i2") for path in line.split())
    try:
        print(f"{pesq(16000, reference, heard, 'wb'):.3f}", flush=True)
    except NoUtterancesError:
        # Nothing of a voice is left: the floor of the scale.
        print("1.04", flush=True)
