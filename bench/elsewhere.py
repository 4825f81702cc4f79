"""A county of another population and its petition, in a third hand: shares no list and no code with the other two.

    python bench/elsewhere.py --out DIR [--seed 1] [--registrations 60000] [--lines 20000] [--adopted 0.005]

Families of a dozen languages, households of several generations, streets with numbers and trees. Slips come by the
word, in the shares of Pollock and Zamora's study of 50,000 misspellings (1984): a letter left out 34 %, added 27 %,
another one 19 %, two exchanged 12.5 %, several at once 7.5 %; the first letter is seldom wrong. With --adopted such a
share of voters sign with a given name of their sex that has nothing to do with the registered one, as HYUN KIM who
signs KEVIN KIM.
"""

import argparse
import csv
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any, Final

Row = dict[str, str]


def _words(text: str) -> list[str]:
    return text.split()


_WORD_ERROR: Final = ((0.005, 55), (0.03, 28), (0.09, 12), (0.2, 5))  # share of words with a slip, and of lines
_SLIPS: Final = (("omit", 34.0), ("insert", 27.0), ("replace", 19.0), ("swap", 12.5), ("several", 7.5))
_CLASSES: Final = (
    ("valid", 76), ("relative", 4), ("housemate", 2), ("stranger", 8), ("moved", 7), ("gone", 2), ("ooc", 1),
)  # fmt: skip
_FAMILY: Final = _words("""
NGUYEN PARK CHOI TRAN SINGH PATEL KHAN WONG HERRERA SANTOS REYES OKAFOR PETROSYAN HAKOBYAN GRIGORYAN KAUR SHAH MEHTA
RAHMAN ALI HASSAN IBRAHIM TANAKA SATO YAMAMOTO WATANABE PHAM VU DINH LAM CHEUNG LEUNG TSANG HSU YEH JUNG KWON
BAUTISTA MANALO DIZON OCAMPO AQUINO PINEDA ZAMORA CORTEZ VILLALOBOS QUIROZ BARRIOS ZEPEDA MAGANA OROZCO CISNEROS
TREJO KOWALSKI NOWAK WOZNIAK SCHNEIDER BECKER HOFFMANN KELLER LINDQVIST JOHANSSON HANSEN VANDERBERG DEGROOT ROSSI
BIANCHI FERRARI MORETTI PAPADOPOULOS KARAGIANNIS DUBOIS LAURENT FONTAINE OCONNELL MCALLISTER MACDONALD FITZPATRICK
OSULLIVAN WHITAKER HOLLOWAY PRESTON BRADSHAW LANGSTON KINGSLEY WINSLOW STANTON MERCER HARGROVE ADEYEMI MENSAH
TESFAYE HAILE GEBRE ABEBE AZIZI FARAHANI MOHAMMADI KARIMI TEHRANI HOSSEINI COHEN LEVY FRIEDMAN SHAPIRO IVANOV PETROV
SOKOLOV KUZNETSOV MELNIK BONDAR SAELEE XIONG VANG MOUA KEO CHHIM PHAN TRUONG HUYNH DOAN NAKAGAWA FUJIMOTO INOUE
GARZA ELIZONDO TAMEZ CANTU VILLARREAL
""")
_STEMS: Final = _words("""
ASH BRAD CLAY DUN EAST FAIR GREN HART KIRK LANG MARSH NOR OAK PEM RAD STAN THORN UPT WAL YAR
""")
_ENDS: Final = _words("""
BURY FORD GATE HURST LAND LEY MAN MORE NER RIDGE SHAW SON STON TON WELL WICK WOOD WORTH
""")
_WOMEN: Final = _words("""
LINH MEI YUKI SOOJIN PRIYA FATIMA ANAHIT SVITLANA OLUCHI ESPERANZA MARICEL ROSARIO GRACIELA INGRID GRETA CHIARA
SOFIA ELENI CAMILLE SIOBHAN FIONA HANNAH REBECCA DIANE PAULINE JOYCE LORRAINE CARLA MARTA IRENE VERA NADIA LEILA
SHIRIN PARISA MIRIAM ESTHER RUTH JUDITH ALICE CLARA EDITH FLORENCE HELENA IDA JULIA KATARZYNA LUCIA MARGARITA NORA
OLIVIA PAULA REGINA SILVIA TERESA URSULA VALERIA WANDA YOLANDA ZOE AMINA BEATRIZ CECILIA DELIA EUGENIA FELICITAS
GUADALUPE
""")
_MEN: Final = _words("""
MINH WEI KENJI HYUN RAJESH AHMED TIGRAN OLEKSANDR CHIDI ERNESTO ROGELIO DANILO LARS OTTO MARCO NIKOS LUC SEAMUS
DECLAN AARON JOSHUA DENNIS ROGER WAYNE CARL PETER SIMON IVAN PAVEL DARIUSH REZA DAVID SAMUEL ISAAC ALBERT BRUNO
CONRAD EDMUND FELIX GUSTAVO HENRY IGNACIO JULIAN KRZYSZTOF LEONARDO MAURICE NATHAN OSCAR PATRICK QUENTIN RAFAEL
STEFAN THEODORE ULYSSES VICTOR WALTER XAVIER YUSUF ZACHARY ARTURO BENITO CLEMENT DOMINGO ELIAS FRANCISCO GERARDO
HUGO
""")
_ADOPTED: Final = {
    "F": ["KELLY", "AMY", "TINA", "JENNY", "GRACE", "WENDY", "SUSIE", "EMILY", "NANCY", "CINDY", "VIVIAN", "JOANNE"],
    "M": ["KEVIN", "DANNY", "ERIC", "TONY", "ANDY", "JASON", "STEVE", "BRIAN", "RAYMOND", "JIMMY", "ALAN", "GARY"],
}
_SHORT: Final = dict(
    pair.split(":")
    for pair in _words("""
REBECCA:BECCA/BECKY FRANCISCO:PACO/FRANK GUADALUPE:LUPE/LUPITA THEODORE:TED/THEO HENRY:HANK SAMUEL:SAM DAVID:DAVE
MARGARITA:RITA TERESA:TERRY/TERE IGNACIO:NACHO ROGELIO:ROGER LEONARDO:LEO GUSTAVO:GUS/TAVO JOSHUA:JOSH NATHAN:NATE
ZACHARY:ZACK PATRICK:PAT/RICK OLEKSANDR:SASHA/ALEX SVITLANA:LANA KRZYSZTOF:CHRIS/KRIS KATARZYNA:KASIA NIKOS:NICK
PAVEL:PASHA/PAUL IVAN:VANYA RAJESH:RAJ VICTOR:VIC ALBERT:AL/BERT EUGENIA:GENIE GERARDO:JERRY FLORENCE:FLO
JUDITH:JUDY YUSUF:JOE ESPERANZA:HOPE STEFAN:STEVE
""")
)
_TREES: Final = _words("""
ALDERWOOD BAYLEAF CHESTNUT DOGROSE ELDERBERRY FIGTREE GINKGO HAZELNUT IRONWOOD JUNIPER KAURI LINDENTREE MULBERRY
NUTMEG OLEASTER PERSIMMON QUINCE ROWAN SPRUCE TAMARIND UMBRELLA VIBURNUM WILLOWHERB YEWTREE ZELKOVA
""")
_PLACES: Final = (
    ("CONCORD", "94518"), ("CONCORD", "94520"), ("ANTIOCH", "94509"), ("PITTSBURG", "94565"), ("RICHMOND", "94801"),
)  # fmt: skip
_AWAY: Final = (("SACRAMENTO", "95814"), ("PORTLAND", "97205"), ("STOCKTON", "95202"), ("SAN JOSE", "95112"))
_KINDS: Final = ("ST", "AVE", "CT", "DR", "LN", "WAY")
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Elsewhere:
    """A county's households, and the lines that its people write."""

    def __init__(self, seed: int, registrations: int, adopted: float) -> None:
        """Make the households up."""
        self._dice, self._adopted = Random(f"elsewhere {seed}"), adopted  # noqa: S311 - made up, not secret
        self._families = [*_FAMILY, *(stem + end for stem in _STEMS for end in _ENDS)]
        self._shares = list(accumulate(1 / (10 + rank) for rank in range(len(self._families))))
        self._streets = self._made_streets(max(30, registrations // 120))
        self.rows: list[Row] = []
        self._home: dict[tuple[str, ...], list[Row]] = defaultdict(list)
        while len(self.rows) < registrations:
            self._household()
        self._voters = [row for row in self.rows if row["status"] == "active"]
        self._gone = [row for row in self.rows if row["status"] == "canceled"]

    def _made_streets(self, count: int) -> list[Row]:
        names = [f"{one} {two}" for one in _TREES for two in ("GROVE", "HEIGHTS", "LANDING", "")]
        names += [f"{number}TH" for number in range(4, 10)] + [f"{number}TH" for number in range(24, 31)]
        streets = []
        for _ in range(count):
            city, code = self._dice.choice(_PLACES)
            name, kind = self._dice.choice(names).strip(), self._dice.choice(_KINDS)
            way = self._dice.choice(("", "", "N", "S"))
            streets.append({"pre_direction": way, "street_name": name, "street_type": kind, "city": city, "zip": code})
        return streets

    def _family(self) -> str:
        name = self._dice.choices(self._families, cum_weights=self._shares)[0]
        return f"{name}-{self._dice.choice(_FAMILY)}" if self._dice.random() < 0.03 else name  # noqa: PLR2004 - share

    def _person(self, family: str, sex: str = "") -> Row:
        names = _WOMEN if (sex or self._dice.choice("FM")) == "F" else _MEN
        first, middle = self._dice.choice(names), self._dice.choice(names)
        kept = self._dice.choices((middle, middle[0], ""), (40, 25, 35))[0]
        sex = "F" if names is _WOMEN else "M"
        return {"last_name": family, "first_name": first, "middle_name": kept, "suffix": "", "sex": sex}

    def _household(self) -> None:
        street = self._dice.choice(self._streets)
        home = street | {"house_number": str(self._dice.randrange(12, 9_900)), "unit_number": ""}
        if self._dice.random() < 0.25:  # noqa: PLR2004 - share
            home["unit_number"] = str(self._dice.randrange(1, 40))
        family = self._family()
        for at in range(self._dice.choices((1, 2, 3, 4, 5), (30, 34, 18, 12, 6))[0]):
            person = self._person(self._family() if at and self._dice.random() < 0.25 else family)  # noqa: PLR2004 - share
            if any(person["first_name"] == other["first_name"] for other in self._home[_home(home)]):
                continue
            gone, number = self._dice.random() < 0.06, len(self.rows) + 1  # noqa: PLR2004 - share
            state = {"status": "canceled" if gone else "active", "status_reason": "deceased" if gone else ""}
            dates = {"affidavit_signed": "2012-03-04", "affidavit_received": "2012-03-09",
                     "effective_to": "2021-05-06" if gone else ""}  # fmt: skip
            month, day = self._dice.randrange(1, 13), self._dice.randrange(1, 29)
            born = f"{self._dice.randrange(1930, 2003)}-{month:02}-{day:02}"
            row = {"voter_id": f"E{number}", "birth_date": born} | person | home | state | dates
            self.rows.append(row)
            self._home[_home(home)].append(row)

    def lines(self, count: int) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """So many lines, each with its truth."""
        for index in range(count):
            kind = self._dice.choices([kind for kind, _ in _CLASSES], [share for _, share in _CLASSES])[0]
            place = (index // 40 + 1, index // 10 % 4 + 1, index % 10 + 1)
            text, truth = self._line(kind)
            line = dict(zip(("section", "page", "line"), place, strict=True)) | text | {"signed": True}
            yield line, {"place": "-".join(map(str, place)), **truth}

    def _line(self, kind: str) -> tuple[dict[str, str], dict[str, Any]]:
        row, tags = self._dice.choice(self._gone if kind == "gone" else self._voters), [kind]
        person, home, ok, truth = row, row, [row["voter_id"]], {"gone": "cancelled"}.get(kind, kind)
        if kind == "valid":
            ok = [o["voter_id"] for o in self._home[_home(row)] if _same(o, row)]
            person = self._signer(row, tags)
        elif kind in {"moved", "stranger", "ooc"}:
            home = self._empty(self._dice.choice(self._voters))  # in another street
        if kind in {"relative", "housemate", "stranger", "ooc"}:
            person, ok, truth = self._other(row, kind), [], "ooc" if kind == "ooc" else "notreg"
        if kind == "ooc":
            home = home | dict(zip(("city", "zip"), self._dice.choice(_AWAY), strict=True))
        rate = self._dice.choices([rate for rate, _ in _WORD_ERROR], [share for _, share in _WORD_ERROR])[0]
        text = {name: self._slipped(value, rate) for name, value in self._written(person, home).items()}
        return text, {"class": truth, "ok": ok, "character_error": rate, "tags": " ".join(tags)}

    def _signer(self, row: Row, tags: list[str]) -> Row:
        """The voter, as the voter's own hand writes the name: never as another resident is called."""
        at_home = {o["first_name"] for o in self._home[_home(row)]}
        shorts = [short for short in _SHORT.get(row["first_name"], "").split("/") if short and short not in at_home]
        adopted = self._dice.choice(_ADOPTED[row["sex"]])
        if adopted not in at_home and self._dice.random() < self._adopted:
            tags.append("adopted")
            return row | {"first_name": adopted}
        if shorts and self._dice.random() < 0.12:  # noqa: PLR2004 - share
            tags.append("nick")
            return row | {"first_name": self._dice.choice(shorts)}
        return row

    def _other(self, row: Row, kind: str) -> Row:
        """A person who is not registered, and whose given name is no resident's."""
        taken = {name[:3] for o in self._home[_home(row)] for name in (o["first_name"], o["middle_name"])}
        while True:
            person = self._person(row["last_name"] if kind == "relative" else self._family())
            other_family = kind == "relative" or person["last_name"] != row["last_name"]
            if other_family and person["first_name"][:3] not in taken:
                return person

    def _empty(self, row: Row) -> Row:
        while True:
            home = row | {"house_number": str(self._dice.randrange(12, 9_900)), "unit_number": ""}
            if _home(home) not in self._home:
                return home

    def _written(self, person: Row, home: Row) -> dict[str, str]:
        first, middle, last = (person[f"{part}_name"] for part in ("first", "middle", "last"))
        middle = self._dice.choices(("", middle[:1], middle), (55, 30, 15))[0]
        form = self._dice.choices(("{f} {m} {l}", "{l}, {f} {m}", "{l} {f}"), (94, 4, 2))[0]
        kind = "" if self._dice.random() < 0.1 else home["street_type"]  # noqa: PLR2004 - share
        unit = f"#{home['unit_number']}" if home["unit_number"] and self._dice.random() < 0.8 else ""  # noqa: PLR2004
        parts = (home["house_number"], home["pre_direction"], home["street_name"], kind, unit)
        name = " ".join(form.format(f=first, m=middle, l=last.replace("-", self._dice.choice("- "))).split())
        return {
            "printed_name": name, "residence_address": " ".join(filter(None, parts)),
            "city": "" if self._dice.random() < 0.04 else home["city"],  # noqa: PLR2004 - share
            "zip": "" if self._dice.random() < 0.06 else home["zip"],  # noqa: PLR2004 - share
        }  # fmt: skip

    def _slipped(self, text: str, rate: float) -> str:
        return " ".join(self._slip(word) if self._dice.random() < rate else word for word in text.split())

    def _slip(self, word: str) -> str:
        kind = self._dice.choices([kind for kind, _ in _SLIPS], [share for _, share in _SLIPS])[0]
        if kind == "several":
            return self._slip(self._slip(word))
        at = 0 if len(word) < 2 or self._dice.random() < 0.08 else self._dice.randrange(1, len(word))  # noqa: PLR2004
        other = self._dice.choice("0123456789" if word[at : at + 1].isdigit() else _LETTERS)
        if kind == "omit":
            return word[:at] + word[at + 1 :] if len(word) > 1 else word
        if kind == "insert":
            return word[:at] + other + word[at:]
        if kind == "swap" and at:
            return word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :]
        return word[:at] + other + word[at + 1 :]


def _home(row: Row) -> tuple[str, ...]:
    return tuple(row[column] for column in ("house_number", "street_name", "street_type", "zip"))


def _same(one: Row, other: Row) -> bool:
    return (one["first_name"], one["last_name"]) == (other["first_name"], other["last_name"])


COLUMNS: Final = _words("""
voter_id last_name first_name middle_name suffix birth_date house_number house_fraction pre_direction street_name
street_type post_direction unit_type unit_number city zip status status_reason affidavit_signed affidavit_received
effective_to confidential
""")


def make(out: Path, seed: int, registrations: int, lines: int, adopted: float = 0.0) -> None:
    """Write roll.csv, petition.ndjson and truth.ndjson into a folder."""
    county = Elsewhere(seed, registrations, adopted)
    out.mkdir(parents=True, exist_ok=True)
    with (out / "roll.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(county.rows)
    with (
        (out / "petition.ndjson").open("w", encoding="utf-8") as petition,
        (out / "truth.ndjson").open("w", encoding="utf-8") as truths,
    ):
        for line, truth in county.lines(lines):
            petition.write(json.dumps(line) + "\n")
            truths.write(json.dumps(truth) + "\n")


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the arguments and write the files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--registrations", type=int, default=60_000)
    parser.add_argument("--lines", type=int, default=20_000)
    parser.add_argument("--adopted", type=float, default=0.0, help="share of the voters who sign with an adopted name")
    make(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    main()
