#!/usr/bin/env python3
"""Composes the waiting music and writes it as WAV (8 kHz, mono, 16 bit): music.py OUT.wav

Eight bars of 3 s at 80 beats a minute, C major with sevenths: a soft bass, a broken chord of bell-like
notes, and a sparse melody over it. Notes that ring past the end are folded into the beginning, so the loop
has no seam. Nothing lies below 120 Hz or above 3 kHz: a telephone would not carry it.
"""
import math
import struct
import sys
import wave

RATE, BEAT, BARS = 8000, 0.75, 8
LENGTH = int(RATE * BEAT * 4 * BARS)
NAMES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}

# Bass, the four notes of the broken chord, and the melody as (beat, note, beats).
SONG = [
    ("C3", "E4 G4 B4 G4", [(0, "E5", 2), (2, "G5", 2)]),
    ("A3", "E4 G4 C5 G4", [(0, "C5", 3), (3, "D5", 1)]),
    ("F3", "A4 C5 E5 C5", [(0, "E5", 2), (2, "A5", 1), (3, "G5", 1)]),
    ("G3", "B4 D5 F5 D5", [(0, "D5", 4)]),
    ("E3", "G4 B4 D5 B4", [(0, "B4", 2), (2, "D5", 2)]),
    ("A3", "G4 C5 E5 C5", [(0, "C5", 1), (1, "E5", 1), (2, "A5", 2)]),
    ("D3", "F4 A4 C5 A4", [(0, "F5", 2), (2, "E5", 1), (3, "D5", 1)]),
    ("G3", "F4 A4 B4 D5", [(0, "B4", 2), (2, "D5", 2)]),
]


def hertz(name):
    return 440 * 2 ** ((NAMES[name[0]] - 9 + 12 * (int(name[1]) - 4)) / 12)


def note(out, name, beat, beats, gain, fade, overtones, attack=0.01):
    """Adds one note: a quick swell, then an exponential fall; it rings 1.5 s past its beats."""
    start, f = int(RATE * BEAT * beat), hertz(name)
    length = int(RATE * (BEAT * beats + 1.5))
    for n in range(length):
        t = n / RATE
        rise = 1 - math.exp(-t / attack)
        end = min(1.0, (length - n) / (0.3 * RATE))
        tone = sum(a * math.exp(-t * fade * (k - 1)) * math.sin(2 * math.pi * f * k * t) for k, a in overtones if f * k < 3000)
        out[(start + n) % LENGTH] += gain * rise * end * math.exp(-t * fade) * tone


def main(path):
    out = [0.0] * LENGTH
    bell = [(1, 1.0), (2, 0.35), (3, 0.1)]
    for bar, (bass, chord, melody) in enumerate(SONG):
        at = 4 * bar
        note(out, bass, at, 4, 0.55, 0.5, [(1, 1.0), (2, 0.5), (3, 0.15)], attack=0.06)
        for i, name in enumerate(chord.split() * 2):
            note(out, name, at + i / 2, 0.5, 0.22, 2.2, bell)
        for beat, name, beats in melody:
            note(out, name, at + beat, beats, 0.4, 1.1, bell, attack=0.02)
    top = max(map(abs, out))
    with wave.open(path, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(RATE)
        wav.writeframes(b"".join(struct.pack("<h", int(20000 * x / top)) for x in out))


main(sys.argv[1])
