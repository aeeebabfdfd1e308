"""Decides how a tune is performed: which notes, on which instruments, when.

Every performance draws its own key, tempo, repeats, variations, ornaments,
accompaniment, instruments, tuning, room and noise from the generator it is
given. audio.py plays what comes out.
"""

from dataclasses import dataclass

import numpy as np

from works import steps_per_bar

LONGEST, SHORTEST = 105.0, 30.0     # seconds aimed at

# Seconds an even step (an eighth of a bar in common time) lasts before the random factor.
STEP_SECONDS = {"reel": .27, "jig": .27, "hornpipe": .29, "strathspey": .31, "air": .36,
                "waltz": .31, "march": .29}

# How much more likely a chord is by its root's distance from the tonic.
ROOT_PRIOR = {0: 1.0, 7: .7, 5: .6, 10: .4, 9: .35, 2: .35, 3: .3, 8: .2, 4: .15}


# General MIDI programs (from 0) that play the melody, with the octaves they move it by.
MELODY = {"violin": (40, 0), "flute": (73, 0), "piccolo": (72, 1), "whistle": (78, 1), "recorder": (74, 1),
          "accordion": (21, 0), "harmonica": (22, 0), "bagpipe": (109, 0), "banjo": (105, 0),
          "nylon guitar": (24, 0), "steel guitar": (25, 0), "piano": (0, 0), "harpsichord": (6, 0),
          "dulcimer": (15, 0), "clarinet": (71, 0), "oboe": (68, 0), "trumpet": (56, -1), "cello": (42, -2),
          "viola": (41, -1), "voice": (53, 0), "organ": (19, 0), "harp": (46, 0), "reed organ": (20, 0),
          "electric guitar": (27, -1), "soprano sax": (64, 0)}
PLUCKED_CHORDS = [0, 1, 4, 6, 24, 25, 26, 46, 15]       # pianos, harpsichord, guitars, harp, dulcimer
HELD_CHORDS = [19, 20, 21, 48, 49, 50, 52, 16]          # organs, accordion, strings, choir
BASSES = [32, 33, 43, 42, 58, 0, 24]                    # double and electric bass, cello, tuba, piano, guitar
DRONES = [109, 21, 20, 42, 48]                          # bagpipe, accordion, reed organ, cello, strings
DRUMS = 9                                               # the channel that General MIDI keeps for drums
KICK, SNARE, HAT, TAMBOURINE = 36, 38, 42, 54


@dataclass
class Sound:
    """One note: start and end in quarter notes from the start, MIDI pitch, loudness around 1."""
    start: float
    end: float
    pitch: int
    level: float


@dataclass
class Note:
    """One note as it is played: seconds, MIDI pitch, velocity, and the number of its part."""
    start: float
    end: float
    pitch: int
    velocity: int
    part: int


@dataclass
class Performance:
    """All that a synthesiser needs to know."""
    notes: list         # of Note, in no order
    programs: list      # General MIDI program of each part; None is the drums
    pans: list          # MIDI pan of each part
    seconds: float
    cents: float        # tuning against 440 Hz
    room: tuple         # size, damping, width and level of the reverberation
    noise: float        # decibels below the loudest sample
    muffle: int         # samples that a cheap recording averages; 1 is none


def rhythm_of(tune):
    """The kind of tune, from its R: field, title or meter."""
    text = (tune.fields.get("R", "") + " " + " ".join(tune.titles)).lower()
    tempo = tune.fields.get("N", "").lower()
    if any(word in tempo for word in ("slow", "feeling", "tender", "plaintive")):
        return "air"
    for kind in ("strathspey", "hornpipe", "reel", "waltz", "march", "air"):
        if kind in text.split() or kind + "." in text.split():
            return kind
    return {"6/8": "jig", "9/8": "jig", "12/8": "jig", "3/4": "waltz", "2/4": "march"}.get(tune.meter, "reel")


# --- what is played -------------------------------------------------------

def playing_order(tune, step, rng):
    """Bars in the order played, as (key of the bar, its notes, transposition)."""
    strains = list(range(len(tune.strains)))
    if len(strains) > 2 and rng.random() < .15:
        strains.remove(int(rng.integers(1, len(strains))))
    repeats = rng.random() < .5
    seconds_per_quarter = step * steps_per_bar(tune.meter) / float(tune.bar_length)
    once = []
    for number in strains:
        strain = tune.strains[number]
        times = 2 if repeats and (strain.repeated or rng.random() < .2) else 1
        for time in range(times):
            last = time == times - 1
            once += [((number, index, last), bar) for index, bar in enumerate(strain.once(last))]
    seconds = seconds_per_quarter * float(sum(note.length for _, bar in once for note in bar))
    most = max(1, min(3, int(LONGEST / seconds)))
    least = max(1, min(most, int(np.ceil(SHORTEST / seconds))))
    times = int(rng.integers(least, most + 1))
    shift = int(rng.choice([2, 5, 7])) if times > 1 and rng.random() < .05 else 0
    order = [(key, bar, shift if time == times - 1 else 0) for time in range(times) for key, bar in once]
    limit, length = LONGEST / seconds_per_quarter, 0.0
    for count, (_, bar, _) in enumerate(order):
        length += float(sum(note.length for note in bar))
        if length > limit:
            return order[:count + 1]
    return order


def neighbour(pitch, scale, direction):
    """The next pitch of the scale above (+1) or below (-1)."""
    pitch += direction
    while pitch % 12 not in scale:
        pitch += direction
    return pitch


def varied(bar, tune, amount, rng):
    """One bar as a player might vary it: [(pitch, length, new attack?)], same total length."""
    step = float(tune.bar_length) / steps_per_bar(tune.meter)
    notes = []
    for place, note in enumerate(bar):
        pitch, length = note.pitch, float(note.length)
        chance = rng.random(5)
        if pitch is None:
            notes.append((None, length, False))
            continue
        short = length <= step
        if notes and short and chance[0] < .05 * amount:
            notes[-1] = (notes[-1][0], notes[-1][1] + length, notes[-1][2])    # left out
        elif place and short and chance[1] < .05 * amount:
            notes.append((neighbour(pitch, tune.scale, int(rng.choice([-1, 1]))), length, True))
        elif length >= 2 * step and chance[2] < .2 * amount:        # a turn
            turn = neighbour(pitch, tune.scale, int(rng.choice([-1, 1])))
            notes += [(pitch, length / 2, not note.tied), (turn, length / 4, True), (pitch, length / 4, True)]
        elif length >= 2 * step and chance[3] < .15 * amount:       # struck again
            notes += [(pitch, length / 2, not note.tied), (pitch, length / 2, True)]
        elif chance[4] < .08 * amount:                              # a grace note
            grace = min(.2 * step, length / 3)
            notes += [(neighbour(pitch, tune.scale, 1), grace, True), (pitch, length - grace, True)]
        else:
            notes.append((pitch, length, not note.tied))
    return notes


def harmonise(bars, tune, window, rng):
    """A triad for every window of every distinct bar: {(bar key, window): root and tones}."""
    roots = [root for root in tune.scale]
    scale = sorted(tune.scale, key=lambda pitch: (pitch - tune.tonic) % 12)
    triads = {root: (root, scale[(scale.index(root) + 2) % 7], scale[(scale.index(root) + 4) % 7])
              for root in roots}
    weight_of_prior = rng.uniform(.3, 1.2)
    taste = {root: rng.normal(0, .15) for root in roots}
    chords, last = {}, tune.tonic
    for key, bar, _ in bars:
        if (key, 0) in chords:
            continue
        time, content = 0.0, {}
        for note in bar:
            if note.pitch is not None:
                share = content.setdefault(int(time / window), np.zeros(12))
                share[note.pitch % 12] += float(note.length) * (1.4 if time % window < .01 else 1)
            time += float(note.length)
        for number in range(max(1, int(np.ceil(time / window)))):
            share = content.get(number, np.zeros(12))
            share = share / (share.sum() + 1e-9)

            def fitness(root):
                prior = ROOT_PRIOR.get((root - tune.tonic) % 12, .05)
                return (2 * share[list(triads[root])].sum() + weight_of_prior * prior
                        + taste[root] + .15 * (root == last))
            last = max(sorted(roots), key=fitness)
            chords[key, number] = triads[last]
    return chords


def melody_sounds(order, tune, rng):
    """The melody line of a whole performance, and the start of every bar."""
    amount = rng.uniform(.05, .7)
    thirds = rng.uniform(.2, .5) if rng.random() < .05 else 0
    sounds, starts, time = [], [], 0.0
    for _, bar, shift in order:
        starts.append(time)
        for pitch, length, attack in varied(bar, tune, amount, rng):
            if pitch is not None:
                level = float(np.exp(rng.normal(0, .15)))
                if not attack and sounds and sounds[-1].pitch == pitch + shift:
                    sounds[-1].end = time + length
                else:
                    sounds.append(Sound(time, time + length, pitch + shift, level))
                if thirds:
                    below = neighbour(neighbour(pitch, tune.scale, -1), tune.scale, -1)
                    sounds.append(Sound(time, time + length, below + shift, level * thirds))
            time += length
    return sounds, starts, time


def bass(tone):
    """A pitch class in the octave of a bass, from A1 up."""
    return 33 + (tone - 9) % 12


def middle(tone):
    """A pitch class in the octave where chords are held, from G3 up."""
    return 55 + (tone - 7) % 12


def accompaniment_sounds(order, starts, end, tune, rng):
    """Chords and bass, or a drone, or nothing: {"bass" | "chords" | "held" | "drone": sounds}."""
    style = rng.choice(["none", "drone", "pad", "boom-chuck", "arpeggio", "bass", "beats"],
                       p=[.24, .1, .15, .17, .11, .11, .12])
    lines = {}
    if style == "none":
        return lines
    level = rng.uniform(.4, 1)
    if style == "drone":
        fifth = rng.uniform(.4, 1)
        breath = 4 * float(tune.bar_length)
        lines["drone"] = [Sound(time, min(end, time + breath), pitch, loudness * level)
                          for time in np.arange(0, end, breath)
                          for pitch, loudness in ((bass(tune.tonic) + 12, 1), (middle(tune.tonic + 7), fifth))]
        return lines
    bar_length = float(tune.bar_length)
    beat = bar_length / {"6/8": 2, "9/8": 3, "12/8": 4, "3/4": 3, "3/8": 1, "6/4": 2, "3/2": 3}.get(tune.meter, 4)
    window = bar_length if rng.random() < .5 or tune.meter in ("3/4", "9/8", "3/8") else bar_length / 2
    chords = harmonise(order, tune, window, rng)
    sevenths = rng.random() < .15
    with_bass = rng.random() < .5

    def add(line, start, stop, pitch, loudness=1.0):
        lines.setdefault(line, []).append(Sound(start, stop, pitch, loudness * level))

    for (key, bar, shift), start in zip(order, starts):
        length = float(sum(note.length for note in bar))
        for number in range(max(1, int(np.ceil(length / window)))):
            begin, stop = start + number * window, start + min(length, (number + 1) * window)
            tones = [tone + shift for tone in chords[key, number]]
            if sevenths and rng.random() < .3:
                tones.append(tones[0] + 10)
            if style == "bass" or (with_bass and style in ("pad", "beats", "arpeggio")):
                add("bass", begin, stop, bass(tones[0]))
            if style == "pad":
                for tone in tones:
                    add("held", begin, stop, middle(tone), .8)
            if style in ("pad", "bass"):
                continue
            time, count = begin, 0
            while time < stop - 1e-6:
                until = min(stop, time + beat)
                if style == "arpeggio":
                    half = (time + until) / 2
                    add("chords", time, half, middle(tones[(2 * count) % len(tones)]))
                    add("chords", half, until, middle(tones[(2 * count + 1) % len(tones)]))
                elif style == "boom-chuck" and count % 2 == 0:
                    add("bass", time, until, bass(tones[0] if count % 4 == 0 else tones[2]))
                else:
                    for tone in tones:
                        add("chords", time, until, middle(tone), .8)
                time, count = until, count + 1
    return lines


# --- how it sounds --------------------------------------------------------

def clock(tune, step, length, rng):
    """A function from quarter notes to seconds: slow drift and swing."""
    quarter = step * steps_per_bar(tune.meter) / float(tune.bar_length)
    knots = np.arange(0, length + 8, 4.0)
    drift = np.convolve(np.cumsum(rng.normal(0, .02, len(knots))), np.ones(3) / 3, "same")
    seconds = np.concatenate([[0], np.cumsum(4 * quarter * np.exp(np.clip(drift, -.2, .2)))[:-1]])
    lead_in = rng.uniform(.1, 1.5)
    pair = 2 * float(tune.bar_length) / steps_per_bar(tune.meter)
    swing = rng.uniform(0, .17) if tune.meter in ("C", "C|", "2/4", "4/4") and rng.random() < .5 else 0

    def seconds_at(quarters):
        quarters = np.asarray(quarters, float)
        whole, part = np.divmod(quarters / pair, 1)
        part = np.interp(part, [0, .5, 1], [0, .5 + swing, 1])
        return lead_in + np.interp((whole + part) * pair, knots, seconds)
    return seconds_at


def vamp(tune, bars, rng):
    """An introduction or close on the home chord."""
    scale = sorted(tune.scale, key=lambda pitch: (pitch - tune.tonic) % 12)
    bar = float(tune.bar_length)
    return [Sound(number * bar, (number + 1) * bar, middle(tone), rng.uniform(.4, 1))
            for number in range(bars) for tone in (tune.tonic, scale[2], scale[4])]


def moved(sounds, quarters):
    """The same sounds later."""
    return [Sound(s.start + quarters, s.end + quarters, s.pitch, s.level) for s in sounds]


def drum_sounds(tune, length, rng):
    """A simple beat for the whole performance."""
    bar = float(tune.bar_length)
    beat = bar / (2 if tune.meter in ("6/8", "C|", "2/4") else 3 if tune.meter in ("3/4", "9/8") else 4)
    high = int(rng.choice([HAT, TAMBOURINE]))
    sounds = []
    for count, time in enumerate(np.arange(0, length, beat)):
        sounds.append(Sound(time, time + beat / 2, KICK if count % 2 == 0 else SNARE, 1.0))
        sounds.append(Sound(time + beat / 2, time + beat, high, .7))
    return sounds


def perform(tune, rng):
    """One performance of a tune."""
    step = STEP_SECONDS[rhythm_of(tune)] * np.exp(rng.uniform(np.log(.7), np.log(1.4)))
    order = playing_order(tune, step, rng)
    melody, starts, end = melody_sounds(order, tune, rng)
    lines = accompaniment_sounds(order, starts, end, tune, rng)
    bar = float(tune.bar_length)
    intro = int(rng.integers(1, 5)) if rng.random() < .12 else 0
    outro = int(rng.integers(1, 4)) if rng.random() < .12 else 0
    lines = {line: moved(sounds, intro * bar) for line, sounds in lines.items()}
    melody = moved(melody, intro * bar)
    vamps = vamp(tune, intro, rng) + moved(vamp(tune, outro, rng), intro * bar + end)
    if vamps:
        lines["held"] = lines.get("held", []) + vamps
    length = end + (intro + outro) * bar
    seconds_at = clock(tune, step, length, rng)
    transposition = int(rng.integers(-6, 6))

    programs, pans, notes = [], [], []

    def play(sounds, program, octaves=0, loudness=1.0, late=0.0):
        """Adds a part; players are human to a few milliseconds and a few per cent."""
        part = len(programs)
        if program is None:
            part = DRUMS
        else:
            programs.append(program)
            pans.append(int(rng.integers(34, 95)))
        jitter = rng.normal(late, .012, len(sounds))
        held = rng.uniform(.75, 1)
        begin = np.maximum(0, seconds_at([sound.start for sound in sounds]) + jitter)
        stop = seconds_at([sound.end for sound in sounds]) + late
        for sound, first, last in zip(sounds, begin, stop):
            pitch = sound.pitch
            if program is not None:
                pitch = int(np.clip(pitch + transposition + 12 * octaves, 24, 108))
            velocity = int(np.clip(84 * loudness * sound.level * np.exp(rng.normal(0, .08)), 12, 127))
            notes.append(Note(first, max(first + .06, first + held * (last - first)), pitch, velocity, part))

    names = sorted(MELODY)
    program, octaves = MELODY[str(rng.choice(names))]
    play(melody, program, octaves)
    if rng.random() < .15:      # a second player with the melody, a little behind
        other, other_octaves = MELODY[str(rng.choice(names))]
        play(melody, other, other_octaves, rng.uniform(.5, .9), rng.uniform(.01, .06))
    for line, choices in (("bass", BASSES), ("chords", PLUCKED_CHORDS), ("held", HELD_CHORDS), ("drone", DRONES)):
        if line in lines:
            play(lines[line], int(rng.choice(choices)), 0, rng.uniform(.6, .95))
    if rng.random() < .2:
        play(drum_sounds(tune, length, rng), None, 0, rng.uniform(.4, 1))
    return Performance(notes, programs, pans, float(seconds_at(length) + rng.uniform(.8, 2.0)),
                       cents=float(np.clip(rng.normal(0, 15), -45, 45)),
                       room=(rng.uniform(.1, .9), rng.uniform(0, .8), rng.uniform(.1, 1), rng.uniform(.1, .9)),
                       noise=float(rng.uniform(30, 60)), muffle=int(rng.choice([1, 1, 1, 3, 5])))
