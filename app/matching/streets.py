"""The words of a street: types, directions, ordinals, and the one form of a street's name that is compared."""

from functools import lru_cache

from app.matching.names import FREQUENT_KEPT, fold, listed

# USPS Publication 28, appendix C1: the standard abbreviation of each street type, with the spellings it goes by.
_TYPES = {
    "ALY": "ALLEY ALLEE ALLY", "ARC": "ARCADE", "AVE": "AVENUE AV AVEN AVENU AVN AVNUE", "BND": "BEND",
    "BLF": "BLUFF BLUF", "BLVD": "BOULEVARD BOUL BOULV BLV BVD BL BLVRD", "BR": "BRANCH BRNCH", "BRG": "BRIDGE",
    "BRK": "BROOK", "BYP": "BYPASS", "CYN": "CANYON CANYN CNYN", "CSWY": "CAUSEWAY", "CTR": "CENTER CENTRE CENT",
    "CIR": "CIRCLE CIRC CIRCL CRCL CRCLE", "CLB": "CLUB", "CMN": "COMMON", "COR": "CORNER", "CT": "COURT CRT",
    "CTS": "COURTS", "CV": "COVE", "CRK": "CREEK", "CRES": "CRESCENT CRSENT", "XING": "CROSSING CRSSNG",
    "DL": "DALE", "DR": "DRIVE DRIV DRV", "EST": "ESTATE", "ESTS": "ESTATES", "EXPY": "EXPRESSWAY EXPR EXPW",
    "EXT": "EXTENSION EXTN", "FLS": "FALLS", "FRY": "FERRY", "FLD": "FIELD", "FRST": "FOREST", "FRK": "FORK",
    "FWY": "FREEWAY FREEWY FRWY", "GDN": "GARDEN GARDN", "GDNS": "GARDENS", "GTWY": "GATEWAY", "GLN": "GLEN",
    "GRN": "GREEN", "GRV": "GROVE", "HBR": "HARBOR", "HVN": "HAVEN", "HTS": "HEIGHTS HT", "HWY": "HIGHWAY HIWAY HWAY",
    "HL": "HILL", "HLS": "HILLS", "HOLW": "HOLLOW", "IS": "ISLAND", "JCT": "JUNCTION", "KNL": "KNOLL", "LK": "LAKE",
    "LNDG": "LANDING", "LN": "LANE LA", "LOOP": "LOOPS", "MNR": "MANOR", "MDW": "MEADOW", "MDWS": "MEADOWS",
    "ML": "MILL", "MTN": "MOUNTAIN MNTN", "ORCH": "ORCHARD", "OVAL": "OVL", "PARK": "PRK PK",
    "PKWY": "PARKWAY PARKWY PKY",
    "PASS": "", "PATH": "PATHS", "PIKE": "PIKES", "PL": "PLACE PLC", "PLZ": "PLAZA PLZA", "PT": "POINT",
    "PROM": "PROMENADE", "RNCH": "RANCH", "RDG": "RIDGE RDGE", "RD": "ROAD", "ROW": "", "RUN": "", "SQ": "SQUARE SQR",
    "ST": "STREET STR STRT STREE", "TER": "TERRACE TERR", "TRCE": "TRACE", "TRL": "TRAIL TR", "TPKE": "TURNPIKE",
    "VLY": "VALLEY", "VW": "VIEW", "VLG": "VILLAGE", "VIS": "VISTA VIST VST", "WALK": "WALKS", "WAY": "WY", "WAYS": "",
}  # fmt: skip
STREET_TYPES: dict[str, str] = {
    spelling: short for short, spellings in _TYPES.items() for spelling in (short, *spellings.split())
}
DIRECTIONS: dict[str, str] = {
    spelling: short
    for short, spellings in {
        "N": "NORTH NO NTH", "S": "SOUTH SO STH", "E": "EAST", "W": "WEST", "NE": "NORTHEAST",
        "NW": "NORTHWEST", "SE": "SOUTHEAST", "SW": "SOUTHWEST",
    }.items()
    for spelling in (short, *spellings.split())
}  # fmt: skip
_UNITS = listed(
    "ZERO FIRST SECOND THIRD FOURTH FIFTH SIXTH SEVENTH EIGHTH NINTH TENTH ELEVENTH TWELFTH THIRTEENTH "
    "FOURTEENTH FIFTEENTH SIXTEENTH SEVENTEENTH EIGHTEENTH NINETEENTH TWENTIETH",
)
_TENS = {"TWENTY": 20, "THIRTY": 30, "FORTY": 40, "FIFTY": 50, "SIXTY": 60, "SEVENTY": 70, "EIGHTY": 80, "NINETY": 90}
ORDINALS: dict[str, str] = {word: str(n) for n, word in enumerate(_UNITS) if n} | {
    "THIRTIETH": "30", "FORTIETH": "40", "FIFTIETH": "50", "SIXTIETH": "60", "SEVENTIETH": "70", "EIGHTIETH": "80",
    "NINETIETH": "90", "HUNDREDTH": "100",
}  # fmt: skip
# Words inside a name that people and rolls abbreviate; long and short become the same word, the long one, so that a
# slip of the pen in it stays small (BIG DALTON CANYOM) and joined words stay the same (ROSEHAVEN).
_WHOLE_TYPES = frozenset(listed("LOOP OVAL PARK PASS PATH PIKE ROW RUN WALK WAY WAYS"))  # that nothing abbreviates
_LONG_TYPES = {short: short if short in _WHOLE_TYPES else spellings.split()[0] for short, spellings in _TYPES.items()}
_WORDS = {spelling: _LONG_TYPES[short] for spelling, short in STREET_TYPES.items()} | {
    "DR": "DR", "MT": "MOUNT", "MNT": "MOUNT", "FT": "FORT", "SAINT": "ST", "SNT": "ST", "STE": "ST", "STA": "SANTA",
    "DOCTOR": "DR", "JUNIOR": "JR", "SPGS": "SPRINGS", "SPRNGS": "SPRINGS", "SPG": "SPRING", "BCH": "BEACH",
    "RIV": "RIVER", "MTNS": "MOUNTAINS", "GRD": "GRAND", "INTL": "INTERNATIONAL",
    "NATL": "NATIONAL", "UNIV": "UNIVERSITY", "CO": "COUNTY", "ST": "ST", "LA": "LA", "NO": "NO", "AND": "",
    "THE": "", "MLK": "MARTINLUTHERKING", "RT": "ROUTE", "RTE": "ROUTE",
}  # fmt: skip
ORDINAL_ENDINGS = ("ST", "ND", "RD", "TH")


def ordinal_number(word: str) -> str:
    """Return the digits of an ordinal ("71ST", "FIRST" give "71", "1"), or '' for any other word."""
    if word[:-2].isdigit() and word[-2:] in ORDINAL_ENDINGS:
        return word[:-2].lstrip("0")
    return word.lstrip("0") if word.isdigit() else ORDINALS.get(word, "")


def _words(words: list[str]) -> list[str]:
    """Each word in its one form; TWENTY FIRST, two words, becomes 21."""
    result: list[str] = []
    for word in words:
        number = ordinal_number(word)
        if number and len(number) == 1 and result and result[-1] in _TENS:
            result[-1] = str(_TENS[result[-1]] + int(number))
        else:
            result.append(number or _WORDS.get(word, word))
    return result


@lru_cache(maxsize=FREQUENT_KEPT)
def street_token(name: str) -> str:
    """Return a street's name in its one form, without spaces: "Mt. Olive" MOUNTOLIVE, "71st" 71, "First" 1.

    `name` is the name alone, without type and direction, in any writing; '' gives ''.
    """
    words = fold(name).split()
    if len(words) > 1 and words[-1] in {"JR", "JUNIOR", "SR"}:
        words.pop()
    return "".join(_words(words))


@lru_cache(maxsize=1 << 12)
def way(street_type: str, direction: str) -> tuple[str, str]:
    """Return a roll's street type and direction as they are compared: "Street", "North" give ST, N."""
    kind, ahead = fold(street_type), fold(direction)
    return STREET_TYPES.get(kind, kind), DIRECTIONS.get(ahead, ahead)
