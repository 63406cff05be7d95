"""The closed classes of words, English and German, that decide what a sentence claims.

Kept as words, not stems: they are looked up as written, in lower case.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = [
    "ABSOLUTES",
    "ACRONYMS",
    "ATTRIBUTION",
    "CONNECTORS",
    "DENIALS",
    "EXCEPTIONS",
    "HARMLESS",
    "MODALS",
    "NEGATIONS",
    "NO_NAME",
    "OPPOSITES",
    "STOP_WORDS",
    "SYNONYMS",
    "TENTATIVE",
]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STOP_WORDS = _words(
    "a an the this that these those it its they them their there here he she his her him we us our you "
    "your i my me "
    "is are was were be been being am do does did has have had having will would shall "
    "of to in on at by for from with as into onto about per than then so such and or but if when while "
    "where which who "
    "whom whose what how why also just only very both each any some all s t d ll re ve m "
    "der die das den dem des ein eine einen einem einer eines und oder aber wenn als wie zu zum zur im in "
    "am an auf aus "
    "bei mit nach von vom für um über unter ist sind war waren wird werden wurde wurden hat haben hatte "
    "hatten sein "
    "seine seinen seiner ihr ihre ihren ihrem ihrer es er sie wir uns unser man sich so dass daß auch nur "
    "noch durch "
    "dieser diese dieses jeder jede jedes was wer wo welche welcher welches pro je sowie ins dort hier da "
    "du dein deine "
    "because since weil therefore yourself themselves itself selbst yes ja please bitte according laut up "
    "out off over et must should may might can could muss müssen "
    "soll sollte "
    "sollten sollen darf dürfen kann können könnte könnten"
)
NEGATIONS = _words(
    "not never no none nobody nothing neither nor without cannot nowhere nicht nie niemals nichts niemand "
    "ohne weder "
    "kein keine keinen keinem keiner keines keinerlei"
)
EXCEPTIONS = _words(
    "except excepting unless excluding besides ausgenommen außer ausser sofern ausnahme ausschließlich"
)
ABSOLUTES = _words(
    "all always every everyone everybody entire entirely alle allen aller immer jeder jede jedes stets "
    "only nur"
)
ACRONYMS = _words("us it who")
CONNECTORS = _words("and but or while whereas und aber oder sondern während wohingegen sowie")

DENIALS = _words(
    "prohibition prohibited prohibits forbidden banned unable refuse refuses refused lack lacks lacking "
    "fails failed "
    "avoid instead rather optional impossible exempt excluded ineligible verboten untersagt unzulässig "
    "freiwillig"
)
"""Words that a sentence with a negation may stand for."""

MODALS: Mapping[str, str] = {
    **dict.fromkeys(
        _words(
            "must required mandatory obliged obligatory compulsory muss müssen musst verpflichtet pflicht"
        ),
        "must",
    ),
    **dict.fromkeys(
        _words("should recommended advised ought soll sollte sollten sollen empfohlen"), "should"
    ),
    **dict.fromkeys(
        _words(
            "may might can could optional allowed permitted darf dürfen kann können könnte könnten erlaubt"
        ),
        "may",
    ),
}
"""What a word obliges to. "have to" and "need to" are found as phrases."""

TENTATIVE = _words(
    "might could perhaps possibly probably likely considering supposedly allegedly reportedly könnte könnten "
    "vielleicht möglicherweise voraussichtlich wahrscheinlich geplant vorgesehen beabsichtigt angeblich "
    "vermutlich"
)
ATTRIBUTION = _words(
    "said says claimed stated believes believed argued argues suggested suggests alleged alleges reportedly "
    "allegedly thinks according sagt sagte behauptet behauptete erklärt erklärte meint meinte glaubt zufolge "
    "angeblich berichtete"
)
NO_NAME = _words("i ok okay mr mrs ms dr prof sir herr frau st")

_PAIRS = (
    "more/less,fewer most/least,fewest higher,greater,larger,bigger/lower,smaller,lesser longer/shorter "
    "older/younger "
    "earlier/later before/after above/below over/under increase,increased,increases,increasing,rise,rises,"
    "rose,risen,rising,"
    "grew,grow,grows,grown,growing,gained,climbed/decrease,decreased,decreases,decreasing,fall,falls,fell,"
    "fallen,falling,"
    "decline,declined,declines,declining,dropped,drop,shrank,reduced first/last maximum,max/minimum,min "
    "always/never,sometimes,rarely all/none,some allowed,permitted,allow,allows,permit,permits/forbidden,"
    "prohibited,banned,"
    "forbid,forbids,prohibit,prohibits,disallowed required,mandatory,compulsory,must/optional,voluntary "
    "include,includes,included,including/exclude,excludes,excluded,excluding accept,accepted,accepts,"
    "approve,approved/"
    "reject,rejected,rejects,refuse,refused open,opened,opens,opening/close,closed,closes,closing "
    "start,started,starts,begin,begins,began,beginning/end,ended,ends,finish,finished,stop,stopped "
    "won,win,wins/lost,lose,loses succeed,succeeded/fail,failed true/false same/different with/without "
    "public/private internal,inside/external,outside north,northern/south,southern east,eastern/west,western "
    "left/right hot,warm,warmer/cold,cool,colder,cooler strong,stronger,strongest/weak,weaker,weakest "
    "fast,faster,fastest,quick,quicker/slow,slower,slowest early/late high,highest/low,lowest large,"
    "largest,big,biggest/"
    "small,smallest,smallest long,longest/short,shortest old,oldest/young,new,newest,youngest best,"
    "better/worst,worse "
    "possible/impossible legal/illegal positive/negative buy,bought,buys/sell,sold,sells male/female man,"
    "men/woman,women "
    "many/few,little frequently,often/rarely,seldom everyone,everybody/nobody upper/lower inner/outer "
    "paid/unpaid "
    "full/empty,half permanent/temporary successful,successfully/unsuccessful,unsuccessfully "
    "mehr/weniger höher,größer/niedriger,kleiner,geringer länger/kürzer älter/jünger früher/später "
    "vor/nach über/unter "
    "steigt,stieg,gestiegen,erhöht,erhöhte,zugenommen,wuchs/sinkt,sank,gesunken,verringert,gesenkt,"
    "abgenommen,fiel,gefallen "
    "mindestens/höchstens,maximal immer/nie,niemals,selten alle/keine erlaubt,zulässig,gestattet/verboten,"
    "unzulässig,untersagt "
    "verpflichtend,pflicht/freiwillig,optional erste,erster,erstes,ersten/letzte,letzter,letztes,letzten "
    "beginnt,begann,beginn/endet,endete,ende gewann,gewonnen/verlor,verloren mit/ohne innen/außen groß,"
    "größte,größten/klein,kleinste,kleinsten "
    "viele/wenige hoch/niedrig lang/kurz alt/neu,jung nördlich,norden/südlich,süden östlich,"
    "osten/westlich,westen öffentlich/privat "
    "stark/schwach schnell/langsam früh/spät meisten/wenigsten"
)


def _opposites() -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for pair in _PAIRS.split():
        left, right = (frozenset(side.split(",")) for side in pair.split("/"))
        for one, other in ((left, right), (right, left)):
            for word in one:
                found[word] = found.get(word, frozenset()) | other
    return found


OPPOSITES: Mapping[str, frozenset[str]] = _opposites()
"""Words that cannot both be true of the same thing, by each of them."""

HARMLESS = (
    STOP_WORDS
    | _words(
        "note again including includes well such like number lot indeed too furthermore moreover however "
        "therefore thus"
    )
) - (frozenset(OPPOSITES) | frozenset(MODALS) | TENTATIVE | _words("only nur never if when unless both"))
"""Words that may come, go and change without a sentence saying something else."""

_GROUPS = (
    "about approximately roughly around circa ca some almost nearly ungefähr etwa rund circa|begin start "
    "commence launch|end finish conclude|"
    "big large|small little|get receive obtain earn gain|many numerous|often frequently|buy purchase|help "
    "assist support|"
    "need require must necessary|use utilize employ apply|show display demonstrate|make create produce "
    "build construct|"
    "located situated based|called named known|people person persons individual individuals|employee "
    "employees staff worker workers colleague colleagues|"
    "pay reimburse reimbursed paid|allow allowed permit permitted may can|keep retain|give provide grant "
    "offer|ask request|tell inform notify|"
    "choose select pick|hand submit send|cost price|trip travel journey|car vehicle|home house|job "
    "position role|company firm business|"
    "boss manager supervisor|max maximum most|min minimum least|year annual annually yearly|month monthly|"
    "week weekly|day daily|"
    "fast quick rapid|hard difficult|easy simple|important significant|also too|but however|because since|"
    "therefore so thus|"
    "main primary principal chief|whole entire|rest remainder|happen occur|live reside|die died death|"
    "born birth|"
    "mitarbeiter mitarbeitende beschäftigte angestellte|oft häufig|beginnen anfangen starten|erhalten "
    "bekommen|verwenden benutzen nutzen|"
    "firma unternehmen betrieb|kosten preis|auto fahrzeug pkw|reise dienstreise"
)


def _synonyms() -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for group in _GROUPS.split("|"):
        words = frozenset(group.split())
        for word in words:
            found[word] = found.get(word, frozenset()) | words
    return found


SYNONYMS: Mapping[str, frozenset[str]] = _synonyms()
"""Words that may stand for one another, by each of them."""
