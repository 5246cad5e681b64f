"""Words that explain and name nothing: a sentence about a change may use them whether or not its evidence does."""

from __future__ import annotations

_GRAMMAR = """
a about above across after afterwards again against all almost alone along already also although always am among an and
another any anything are as at away back be became because become becomes been before began begins behind being below
beside best better between both but by came can come comes could did do does doing done down due during each earlier
early either else end ended ends enough even ever every everything except far few first following for former formerly
from further gave get gets give given gives go goes going gone got had has have having he hence her here him his how
however i if in indeed initial initially inside instead into is it its itself just keep keeps kept last late later
latter least less let lets like likely made mainly make makes making many may maybe might more moreover most mostly much
must near nearly need needed needs new newer newest next now of off often old older oldest on once one only onto or
original originally other others otherwise our out outside over own particular particularly per perhaps place possible
possibly presumably previous previously probably put quite rather really recent recently said same say saying says see
seem seemed seems seen several shall she should since so some something soon still such take taken takes than that the
their them then there therefore these they thing things this those though through throughout thus time to today together
too took toward towards under until up upon us use used uses using usually various very via want wanted wants was way we
well went were what when where whereas whether which while who whole whom whose why will with within would yet
"""
_CHANGE = """
accept accepted add added adding adds adjust adjusted adjusts affect affected affects aim aimed aims allow allowed
allows apparently appear appeared appears apply applied applies approach avoid avoided avoids base based behave
behaved behaves behavior behaviour body brief bring brings brought build call called calls care case cases cause
caused causes change changed changes changing clean cleaned cleanup code combine combined comment comments commit
commits committed complete completed concern concerns condition consequently consist consists contain contained
contains continue content contents continued convert converted copied copies copy correct corrected corrects cover
covered covers create created creates current currently decide decided declare declared declares default define
defined defines definition delete deleted depend depends describe described describes detail details differ different
direct directly drop dropped drops earliest effect effectively enable enabled ensure ensured ensures establish exact
exactly exist existed existing exists expand expanded expect expected explain explained explains explicit explicitly
express extend extended extends extra extract extracted fact file files final finally find fix fixed fixes fixing
follow followed follows form found function general generally goal group grouped grow grew handle handled handles
handling happen happened happens help helped helps hint history hold holds idea implement implemented implements imply
implied implies improve improved improves include included includes inferred instruct intend intended intends intent
intention introduce introduced introduces introducing introduction involve involved involves issue issues keep kind
lead leads led left line lines look looks mean meant means mention mentioned mentions merge merged merges message
messages method modified modifies modify motivated motivation move moved moves moving name named names necessary note
noted notes order origin originated originates part parts path piece point points present preserve preserved preserves
prevent prevented prevents problem problems produce produced provide provided provides purpose range rationale reason
reasons refactor refactored refer refers reflect reflects reformat reformatted regular related remain remained remains
removal remove removed removes removing rename renamed renames repair repaired replace replaced replaces replacement
report reported require required requires restore restored restores result resulted results return returned returns
revert reverted reverts rewrite rewritten rewrote rule separate separated serve serves set sets setting show showed
shown shows simple simpler simplified simplify simply situation small so-called solve solved solves special specific
specifically split start started starts state stated statement states step steps stop stopped stops support supported
supports symbol tell tells test tested testing tests text together tree turn turned turns type unchanged update
updated updates value values version versions word words work worked works write writes written wrote
"""
PLAIN = frozenset((_GRAMMAR + _CHANGE).split())

_NEGATIONS = "not no never none nothing neither nor cannot without nobody nowhere unable fails failed"
# What turns a statement round: it counts only where the evidence has such a word too.
NEGATIONS = frozenset(_NEGATIONS.split())

_NUMBERS = "two three four five six seven eight nine ten eleven twelve"
# Numbers in words; "one" is as often a pronoun.
NUMBERS = {name: str(number) for number, name in enumerate(_NUMBERS.split(), 2)} | {
    "dozen": "12",
    "twenty": "20",
    "fifty": "50",
    "hundred": "100",
    "thousand": "1000",
    "million": "1000000",
}

_REASONS = """
because since reason reasons why avoid avoids prevent prevents ensure ensures otherwise due cause caused causes purpose
motivated motivation rationale therefore hence thus
"""
# With these a sentence claims to know why.
REASONS = frozenset(_REASONS.split())
