"""Reads tunes in ABC notation (one voice), strain by strain.

Handles what the three collections use: several tunes a file, modal key
signatures, accidentals to the end of the bar, tuplets, broken rhythm, ties,
chords (their top note counts), repeats with and without an opening ``|:``,
first and second endings, key and unit changes inside a tune. Grace notes,
decorations, annotations and further voices are dropped.
"""

import re
from dataclasses import dataclass, field
from fractions import Fraction

NATURAL = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
SHARP_ORDER = "FCGDAEB"
# Position of each mode's tonic on the circle of fifths, relative to major ("Bn" is a misprint of "Bm").
MODE_SHIFT = {"ion": 0, "maj": 0, "": 0, "mix": -1, "dor": -2, "m": -3, "min": -3,
              "aeo": -3, "n": -3, "phr": -4, "loc": -5, "lyd": 1}
ACCIDENTAL = {"^": 1, "^^": 2, "=": 0, "_": -1, "__": -2}

TOKEN = re.compile(r"""
    (?P<annotation>"[^"\n]*"|![A-Za-z0-9.()<>+^]+!|\+[a-z]+\+)
  | (?P<grace>\{[^}]*\})
  | (?P<inline>\[[A-Za-z]:[^\]]*\])
  | (?P<ending>(?:\[|[:|\]]*\|[:|\[\]]*)[ ]*[1-9](?![0-9/]))
  | (?P<bar>:*\|[|\]:]*|::|\[\||:\]|\]|:)
  | \((?P<tuplet>[2-9])(?::(?P<tuplet_time>[0-9]?))?(?::(?P<tuplet_notes>[0-9]?))?
  | (?P<chord>\[(?=[^|\]]*[A-Ga-g])[^\]|]*\])(?P<chord_length>[0-9]*/*[0-9]*)
  | (?P<note>[_^=]{0,2}[A-Ga-gxzZ][,']*)(?P<length>[0-9]*/*[0-9]*)
  | (?P<broken>>+|<+)
  | (?P<tie>-)
""", re.VERBOSE)
NOTE_IN_CHORD = re.compile(r"([_^=]{0,2}[A-Ga-g][,']*)([0-9]*/*[0-9]*)")
FIELD = re.compile(r"^([A-Z]):(?![|:])\s*(.*)$")


@dataclass
class Note:
    """A pitch (MIDI number, None for a rest) and a length in quarter notes."""
    pitch: int | None
    length: Fraction
    tied: bool = False      # goes on from the note before, without a new attack


@dataclass
class Strain:
    """A part of a tune: bars, and the endings of its first and second time."""
    bars: list = field(default_factory=list)
    endings: dict = field(default_factory=dict)
    repeated: bool = False

    def once(self, last_time=True):
        """The bars of one time through."""
        if not self.endings:
            return self.bars
        number = max(self.endings) if last_time else min(self.endings)
        return self.bars + self.endings[number]


@dataclass
class Tune:
    """One transcription of one printed tune."""
    x_field: str
    titles: list
    fields: dict
    tonic: int = 0                      # pitch class
    scale: tuple = (0, 2, 4, 5, 7, 9, 11)   # pitch classes of the key signature
    minor: bool = False
    meter: str = "C|"
    strains: list = field(default_factory=list)
    # Set by the reader of a collection:
    collection: str = ""
    number: int = 0
    id: str = ""
    title: str = ""
    artist: str = ""

    @property
    def bar_length(self):
        """Length of a full bar in quarter notes."""
        return meter_length(self.meter) * 4

    def notes_once(self):
        """All notes with every strain played once, in its last ending."""
        return [note for strain in self.strains for bar in strain.once() for note in bar]


def meter_length(meter):
    """A bar as a fraction of a whole note."""
    fraction = re.match(r"(\d+)/(\d+)", meter)
    return Fraction(int(fraction[1]), int(fraction[2])) if fraction else Fraction(1)


def parse_length(text):
    """``3/2``, ``/``, ``//``, ``2`` ... as a multiple of the unit."""
    numerator, slashes, denominator = re.match(r"(\d*)(/*)(\d*)", text).groups()
    value = Fraction(int(numerator or 1))
    if slashes:
        value /= int(denominator) if denominator else 2 ** len(slashes)
    return value


def parse_key(text):
    """Key signature as ({letter: alteration}, tonic pitch class, minor third?)."""
    text = text.split("%")[0].strip()
    if text.lower().startswith("hp"):
        text = "D"      # Highland pipes: F sharp and C sharp, written without signature
    match = re.match(r"([A-G])([#b]?)\s*([A-Za-z]*)", text)
    if not match:
        return {}, 0, False
    letter, accidental, word = match.groups()
    # "M" is major, "m" is minor: the only case that matters.
    mode = "" if word == "M" else "m" if word == "m" else word.lower()[:3]
    shift = MODE_SHIFT.get(mode, 0)
    sharps = "FCGDAEB".index(letter) - 1 + 7 * {"#": 1, "b": -1, "": 0}[accidental] + shift
    alterations = {}
    if sharps > 0:
        alterations = {name: 1 for name in SHARP_ORDER[:sharps]}
    elif sharps < 0:
        alterations = {name: -1 for name in SHARP_ORDER[::-1][:-sharps]}
    tonic = (NATURAL[letter] + {"#": 1, "b": -1, "": 0}[accidental]) % 12
    return alterations, tonic, shift in (-2, -3, -4, -5)


class _Body:
    """Collects the notes of a tune's body into bars and strains."""

    def __init__(self, tune, unit, key):
        self.tune, self.unit, self.key = tune, unit, key
        self.strain, self.bar = Strain(), []
        self.ending = 0                 # number of the ending being read, 0 = none
        self.first_ending_done = False  # its repeat sign was read, the second may follow
        self.accidentals = {}           # in force until the end of the bar
        self.tuplet = (0, Fraction(1))  # notes left, factor
        self.broken = Fraction(1)       # factor for the next note
        self.tie_from = None
        self.voice, self.first_voice = None, None

    def pitch_of(self, text):
        """MIDI pitch of a note written like ``^f'``; remembers its accidental."""
        sign, letter, octave = re.match(r"([_^=]*)([A-Ga-g])([,']*)", text).groups()
        name = letter.upper()
        if sign in ACCIDENTAL:
            self.accidentals[name] = ACCIDENTAL[sign]
        alteration = self.accidentals.get(name, self.key.get(name, 0))
        octaves = octave.count("'") - octave.count(",") + letter.islower()
        return 60 + NATURAL[name] + alteration + 12 * octaves

    def add_note(self, pitch, length):
        if self.first_ending_done:
            self.end_strain()
        left, factor = self.tuplet
        length = length * self.unit * 4 * self.broken
        self.broken = Fraction(1)
        if left:
            length *= factor
            self.tuplet = (left - 1, factor)
        tied = pitch is not None and self.tie_from == pitch
        self.tie_from = None
        if length > 0:
            self.bar.append(Note(pitch, length, tied))

    def add_broken(self, marks):
        """``a>b``: the first note longer, the second shorter (``<`` the reverse)."""
        if not self.bar:
            return
        short = Fraction(1, 2 ** len(marks))
        first, second = (2 - short, short) if marks[0] == ">" else (short, 2 - short)
        self.bar[-1].length *= first
        self.broken = second

    def end_bar(self):
        self.accidentals = {}
        if self.bar:
            target = self.strain.endings.setdefault(self.ending, []) if self.ending else self.strain.bars
            target.append(self.bar)
            self.bar = []
        endings = self.strain.endings
        # A second ending without a closing double bar is as long as the first.
        if self.ending > 1 and len(endings.get(self.ending, [])) >= len(endings.get(1, [])) > 0:
            self.end_strain()

    def end_strain(self):
        if self.bar:
            self.end_bar()
        if self.strain.bars or self.strain.endings:
            self.tune.strains.append(self.strain)
        self.strain, self.ending, self.first_ending_done = Strain(), 0, False

    def bar_line(self, text):
        """A bar line, double bar or repeat sign."""
        closes = text.startswith(":") and text != ":"
        opens = text.endswith(":") and len(text) > 1
        self.end_bar()
        if closes:
            self.strain.repeated = True
            if self.ending == 1:
                self.first_ending_done = True
            else:
                self.end_strain()
        elif self.ending and (opens or text in ("||", "|]")):
            self.end_strain()
        elif opens or text in ("||", "|]", "[|"):
            self.end_strain()

    def start_ending(self, text):
        """``|1``, ``:|2``, ``[2`` ..."""
        if text[0] != "[":
            self.end_bar()
        if text[0] == ":":
            self.strain.repeated = True
        if text[-1] == "1" and self.ending:
            self.end_strain()
        self.ending, self.first_ending_done = int(text[-1]), False

    def change_field(self, name, value):
        """A field inside the body."""
        if name == "K":
            self.key = parse_key(value)[0]
        elif name == "L":
            self.unit = Fraction(value.split("%")[0].strip())
        elif name == "P":
            self.end_strain()
        elif name == "V":
            self.voice = value.split()[0]
            self.first_voice = self.first_voice or self.voice

    def read(self, line):
        for token in TOKEN.finditer(line):
            kind = token.lastgroup
            if token["inline"]:
                name, value = token["inline"][1:-1].split(":", 1)
                self.change_field(name, value.strip())
            elif self.voice != self.first_voice or token["annotation"] or token["grace"]:
                continue
            elif token["ending"]:
                self.start_ending(token["ending"])
            elif token["bar"]:
                if token["bar"] not in ("]", ":"):
                    self.bar_line(token["bar"])
            elif token["tuplet"]:
                self.start_tuplet(int(token["tuplet"]), token["tuplet_time"], token["tuplet_notes"])
            elif token["chord"]:
                notes = NOTE_IN_CHORD.findall(token["chord"])
                top = max(notes, key=lambda note: self.pitch_of(note[0]))
                length = parse_length(top[1]) * parse_length(token["chord_length"] or "")
                self.add_note(self.pitch_of(top[0]), length)
            elif token["note"]:
                length = parse_length(token["length"])
                if token["note"] in ("x", "z"):
                    self.add_note(None, length)
                elif token["note"] == "Z":
                    self.add_note(None, length * meter_length(self.tune.meter) / self.unit)
                elif token["note"][-1] not in "xzZ":
                    self.add_note(self.pitch_of(token["note"]), length)
            elif token["broken"]:
                self.add_broken(token["broken"])
            elif kind == "tie" and self.bar:
                self.tie_from = self.bar[-1].pitch

    def start_tuplet(self, count, time, notes):
        compound = self.tune.meter in ("6/8", "9/8", "12/8", "3/8")
        usual = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}.get(count, 3 if compound else 2)
        self.tuplet = (int(notes or count), Fraction(int(time or usual), count))


def parse_tune(block):
    """One tune from the text that follows ``X:``; None if it holds no notes."""
    lines = block.replace("\r", "").split("\n")
    tune = Tune(x_field=lines[0].strip(), titles=[], fields={})
    unit, body = None, None
    for line in lines[1:]:
        line = re.sub(r"(?<!\\)%.*", "", line).rstrip().rstrip("\\").replace("`", "")
        match = FIELD.match(line)
        if not match:
            if body:
                body.read(line)
            continue
        name, value = match.groups()
        if body:
            body.change_field(name, value)
        elif name == "T":
            tune.titles.append(value)
        elif name == "M":
            tune.meter = value.replace(" ", "")
        elif name == "L":
            unit = Fraction(value)
        elif name == "K":
            key, tune.tonic, tune.minor = parse_key(value)
            tune.scale = tuple((NATURAL[n] + key.get(n, 0)) % 12 for n in "CDEFGAB")
            default = Fraction(1, 16) if meter_length(tune.meter) < Fraction(3, 4) else Fraction(1, 8)
            body = _Body(tune, unit or default, key)
        else:
            tune.fields.setdefault(name, value)
    if body:
        body.end_strain()
    sounding = [note for note in tune.notes_once() if note.pitch is not None]
    return tune if sounding else None


def parse_file(text):
    """All tunes of an ABC file."""
    tunes = (parse_tune(block) for block in re.split(r"(?m)^X:", text)[1:])
    return [tune for tune in tunes if tune]
