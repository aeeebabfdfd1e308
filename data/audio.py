"""Plays performances through FluidSynth with General MIDI instruments, and writes them as WAV files."""

import sys
import wave
from pathlib import Path

import fluidsynth
import numpy as np

from perform import DRUMS

RATE = 22050                # samples a second
SOUNDFONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")    # Debian package fluid-soundfont-gm, MIT licence
GAIN = .4
BEND_RANGE = 200            # cents, of a whole pitch bend in General MIDI


class Player:
    """A synthesiser, reset before every performance."""

    def __init__(self, soundfont=SOUNDFONT):
        if not soundfont.exists():
            sys.exit(f"audio: {soundfont} is missing: apt-get install fluid-soundfont-gm libfluidsynth3")
        self.synth = fluidsynth.Synth(gain=GAIN, samplerate=RATE)
        self.synth.setting("synth.chorus.active", 0)
        self.font = self.synth.sfload(str(soundfont))

    def play(self, performance, rng):
        """int16 [samples], one channel."""
        synth = self.synth
        synth.system_reset()
        synth.set_reverb(*performance.room)
        bend = int(round(performance.cents * 8192 / BEND_RANGE))
        for part, (program, pan) in enumerate(zip(performance.programs, performance.pans)):
            synth.program_select(part, self.font, 0, program)
            synth.cc(part, 10, pan)
            synth.pitch_bend(part, bend)
        synth.program_select(DRUMS, self.font, 128, 0)

        events, struck = [], {}
        for note in sorted(performance.notes, key=lambda note: note.start, reverse=True):
            again = struck.get((note.part, note.pitch), np.inf)     # a key is released before it is struck again
            struck[note.part, note.pitch] = note.start
            events.append((int(min(note.end, again - .005) * RATE), 0, note.part, note.pitch, 0))
            events.append((int(note.start * RATE), 1, note.part, note.pitch, note.velocity))
        events.sort()
        blocks, now = [], 0
        for time, on, part, pitch, velocity in events:
            if time > now:
                blocks.append(synth.get_samples(time - now))
                now = time
            if on:
                synth.noteon(part, pitch, velocity)
            else:
                synth.noteoff(part, pitch)
        blocks.append(synth.get_samples(max(1, int(performance.seconds * RATE) - now)))
        sound = np.concatenate(blocks).reshape(-1, 2).mean(axis=1)
        return self.recorded(sound, performance, rng)

    @staticmethod
    def recorded(sound, performance, rng):
        """What a microphone of some quality makes of it."""
        if performance.muffle > 1:
            sound = np.convolve(sound, np.ones(performance.muffle) / performance.muffle, "same")
        sound /= np.abs(sound).max() + 1e-9
        sound += 10 ** (-performance.noise / 20) * rng.standard_normal(len(sound), dtype=np.float32)
        return np.rint(sound * (29000 / np.abs(sound).max())).astype(np.int16)


def write_wav(path, samples):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
