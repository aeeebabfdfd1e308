"""Renders a performance of a tune straight to chroma.

Every performance draws its own key, tempo, repeats, variations, ornaments,
accompaniment, timbre, tuning and noise from the generator it is given.
"""

from dataclasses import dataclass

import numpy as np

from works import steps_per_bar

FRAMES_PER_SECOND = 4.5
SUBFRAMES = 4                       # rendered finer, then averaged
LONGEST, SHORTEST = 105.0, 30.0     # seconds aimed at
LEVELS = 24                         # quantisation, so that the file compresses well

# Seconds an even step (an eighth of a bar in common time) lasts before the random factor.
STEP_SECONDS = {"reel": .27, "jig": .27, "hornpipe": .29, "strathspey": .31, "air": .36,
                "waltz": .31, "march": .29}

# How much more likely a chord is by its root's distance from the tonic.
ROOT_PRIOR = {0: 1.0, 7: .7, 5: .6, 10: .4, 9: .35, 2: .35, 3: .3, 8: .2, 4: .15}


@dataclass
class Sound:
    """One sounding pitch class: start and end in quarter notes from the start."""
    start: float
    end: float
    pitch: int
    level: float


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
                if not attack and sounds and sounds[-1].pitch == (pitch + shift) % 12:
                    sounds[-1].end = time + length
                else:
                    sounds.append(Sound(time, time + length, (pitch + shift) % 12, level))
                if thirds:
                    below = neighbour(neighbour(pitch, tune.scale, -1), tune.scale, -1)
                    sounds.append(Sound(time, time + length, (below + shift) % 12, level * thirds))
            time += length
    return sounds, starts, time


def accompaniment_sounds(order, starts, end, tune, rng):
    """Bass and chords, or a drone, or nothing."""
    style = rng.choice(["none", "drone", "pad", "boom-chuck", "arpeggio", "bass", "beats"],
                       p=[.24, .1, .15, .17, .11, .11, .12])
    if style == "none":
        return []
    level = rng.uniform(.15, .6)
    if style == "drone":
        fifth = rng.uniform(.2, 1)
        return [Sound(0, end, tune.tonic, .7 * level), Sound(0, end, (tune.tonic + 7) % 12, .7 * fifth * level)]
    bar_length = float(tune.bar_length)
    beat = bar_length / {"6/8": 2, "9/8": 3, "12/8": 4, "3/4": 3, "3/8": 1, "6/4": 2, "3/2": 3}.get(tune.meter, 4)
    window = bar_length if rng.random() < .5 or tune.meter in ("3/4", "9/8", "3/8") else bar_length / 2
    chords = harmonise(order, tune, window, rng)
    sevenths = rng.random() < .15
    sounds = []
    for (key, bar, shift), start in zip(order, starts):
        length = float(sum(note.length for note in bar))
        for number in range(max(1, int(np.ceil(length / window)))):
            begin, stop = start + number * window, start + min(length, (number + 1) * window)
            tones = [(tone + shift) % 12 for tone in chords[key, number]]
            if sevenths and rng.random() < .3:
                tones.append((tones[0] + 10) % 12)
            if style == "pad":
                sounds += [Sound(begin, stop, tone, .6 * level) for tone in tones]
                continue
            if style == "bass":
                sounds.append(Sound(begin, stop, tones[0], level))
                continue
            time, count = begin, 0
            while time < stop - 1e-6:
                until = min(stop, time + beat)
                if style == "arpeggio":
                    half = (time + until) / 2
                    sounds.append(Sound(time, half, tones[(2 * count) % len(tones)], level))
                    sounds.append(Sound(half, until, tones[(2 * count + 1) % len(tones)], level))
                elif style == "boom-chuck" and count % 2 == 0:
                    bass = tones[0] if count % 4 == 0 else tones[2]
                    sounds.append(Sound(time, until, bass, level))
                else:
                    sounds += [Sound(time, until, tone, .7 * level) for tone in tones]
                time, count = until, count + 1
    return sounds


# --- how it sounds --------------------------------------------------------

def timbre(rng):
    """What one pitch class leaks to the twelve: harmonics, tuning, neighbouring bins."""
    spread = np.zeros(12)
    spread[0], spread[7], spread[4], spread[10] = 1, rng.uniform(.03, .2), rng.uniform(0, .1), rng.uniform(0, .04)
    leak = rng.uniform(0, .03)
    return spread + leak * (np.roll(spread, 1) + np.roll(spread, -1))


def render_line(sounds, seconds_at, grid, rng):
    """Adds a line of sounds, with one instrument's envelope and timbre, to the fine grid."""
    if not sounds:
        return
    rate = FRAMES_PER_SECOND * SUBFRAMES
    decay, release = rng.uniform(.2, 2.0), rng.uniform(.02, .2)
    jitter = rng.normal(0, .015, len(sounds))
    starts = seconds_at([sound.start for sound in sounds]) + jitter
    ends = np.maximum(seconds_at([sound.end for sound in sounds]), starts + .05)
    line = np.zeros((12, len(grid)))
    tail = int(3 * release * rate) + 1
    for sound, start, end in zip(sounds, starts, ends):
        first, last = max(0, int(start * rate)), min(len(grid), int(end * rate) + 1 + tail)
        time = np.arange(first, last) / rate
        envelope = sound.level * np.exp(-(time - start) / decay)
        envelope *= np.exp(-np.maximum(0, time - end) / release)
        # The first and last cells are covered in part.
        envelope *= np.clip((time - start) * rate + 1, 0, 1)
        line[sound.pitch, first:last] += envelope
    spread = timbre(rng)
    grid += sum(np.roll(line, k, axis=0) * spread[k] for k in range(12) if spread[k]).T


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
    tones = [tune.tonic, scale[2], scale[4]]
    bar = float(tune.bar_length)
    return [Sound(number * bar, (number + 1) * bar, tone, rng.uniform(.3, 1))
            for number in range(bars) for tone in tones]


def moved(sounds, quarters):
    """The same sounds later."""
    return [Sound(s.start + quarters, s.end + quarters, s.pitch, s.level) for s in sounds]


def perform(tune, rng):
    """Chroma of one performance, uint8 [frames, 12], each sounding frame's maximum 255."""
    step = STEP_SECONDS[rhythm_of(tune)] * np.exp(rng.uniform(np.log(.7), np.log(1.4)))
    order = playing_order(tune, step, rng)
    melody, starts, end = melody_sounds(order, tune, rng)
    backing = accompaniment_sounds(order, starts, end, tune, rng)
    bar = float(tune.bar_length)
    intro = int(rng.integers(1, 5)) if rng.random() < .12 else 0
    outro = int(rng.integers(1, 4)) if rng.random() < .12 else 0
    backing = vamp(tune, intro, rng) + moved(backing, intro * bar) + moved(vamp(tune, outro, rng), intro * bar + end)
    melody = moved(melody, intro * bar)
    length = end + (intro + outro) * bar
    seconds_at = clock(tune, step, length, rng)

    frames = int((seconds_at(length) + rng.uniform(.3, 1.5)) * FRAMES_PER_SECOND)
    grid = np.zeros((frames * SUBFRAMES, 12))
    render_line(melody, seconds_at, grid, rng)
    if rng.random() < .15:      # a second player with the melody, a little behind
        late = rng.uniform(.02, .12)
        echo = [Sound(s.start, s.end, s.pitch, s.level * rng.uniform(.3, .6)) for s in melody]
        render_line(echo, lambda quarters: seconds_at(quarters) + late, grid, rng)
    render_line(backing, seconds_at, grid, rng)
    if rng.random() < .2:       # percussion
        beat = bar / (2 if tune.meter in ("6/8", "C|", "2/4") else 4)
        hits = seconds_at(np.arange(0, length, beat)) * FRAMES_PER_SECOND * SUBFRAMES
        grid[np.minimum(hits.astype(int), len(grid) - 1)] += rng.uniform(.1, .6)

    # One frame sees its own time and a little of its neighbours'.
    kernel = np.ones(SUBFRAMES // 2 + 1) / (SUBFRAMES // 2 + 1)
    smooth = np.apply_along_axis(np.convolve, 0, grid, kernel, "same")
    chroma = smooth.reshape(frames, SUBFRAMES, 12).mean(axis=1)
    detuned = rng.uniform(-.15, .15)
    chroma = (1 - abs(detuned)) * chroma + abs(detuned) * np.roll(chroma, int(np.sign(detuned)), axis=1)
    chroma += rng.uniform(.005, .03) * rng.exponential(1, chroma.shape)
    chroma = chroma ** rng.uniform(.7, 1.1)
    chroma /= chroma.max(axis=1, keepdims=True)
    chroma = np.roll(chroma, int(rng.integers(12)), axis=1)
    return np.rint(np.rint(chroma * (LEVELS - 1)) * (255 / (LEVELS - 1))).astype(np.uint8)
