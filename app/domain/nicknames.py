"""Which given names are forms of one another: CHARLES and CHUCK, ELIZABETH and LIZ, FRANCISCO and PACO."""

from importlib.resources import files
from typing import Final

# Spanish short forms, which the list of English ones lacks.
_SPANISH: Final = (
    "FRANCISCO PACO PANCHO FRANK CISCO", "JOSE PEPE JOE JOEY CHEPE", "GUADALUPE LUPE LUPITA", "JESUS CHUY CHUCHO",
    "IGNACIO NACHO", "GUILLERMO MEMO WILLIAM BILL", "ENRIQUE QUIQUE KIKE HENRY RICK", "ALBERTO BETO AL ALBERT",
    "ROBERTO BETO BOB ROBERT ROB", "EDUARDO LALO EDDIE ED EDWARD", "MANUEL MANNY MANOLO",
    "ANTONIO TONY TONO ANTHONY", "RAFAEL RAFA RALPH", "CONCEPCION CONCHA CONNIE", "ROSARIO CHAYO ROSIE",
    "DOLORES LOLA", "ISABEL CHABELA BELA IZZY ELIZABETH", "CONSUELO CHELO", "GRACIELA CHELA GRACE",
    "MERCEDES MECHE", "REFUGIO CUCA", "SOCORRO COCO", "JUAN JOHN JOHNNY", "MARIA MARY", "MIGUEL MIKE MICHAEL",
    "RICARDO RICK RICHARD RICKY", "CARLOS CHARLES CHARLIE", "JORGE GEORGE", "PEDRO PETE PETER", "LUIS LOUIS LOUIE",
    "JAVIER XAVIER", "ALEJANDRO ALEX ALEXANDER", "ALEJANDRA ALEX ALEXANDRA", "ERNESTO ERNIE ERNEST NETO",
    "FERNANDO FERNIE NANDO", "ARTURO ART ARTHUR TURO", "RAYMUNDO RAY MUNDO", "RAMON RAY MONCHO",
    "VICENTE VINCE VINCENT CHENTE", "GABRIEL GABE", "SALVADOR SAL CHAVA", "TERESA TERE TERRY", "LETICIA LETY LETTY",
    "PATRICIA PATTY PATI", "MARGARITA MAGGIE MARGIE", "ESPERANZA HOPE", "CATALINA CATHY KATIE", "BEATRIZ BETTY BEA",
    "SUSANA SUSIE SUSAN", "VERONICA VERO RONNIE", "DANIEL DANNY",
)  # fmt: skip


def _forms() -> dict[str, frozenset[str]]:
    """Each name with the names it is a form of, or has for forms, one step away."""
    listed = (files("app.domain") / "data" / "nicknames.txt").read_text(encoding="ascii").splitlines()
    forms: dict[str, set[str]] = {}
    for line in (*listed, *_SPANISH):
        full, *shorts = line.split()
        if full == "#":
            continue
        forms.setdefault(full, set()).update(shorts)
        for short in shorts:
            forms.setdefault(short, set()).add(full)
    return {name: frozenset(related) for name, related in forms.items()}


_FORMS: Final = _forms()


def name_forms(name: str) -> tuple[str, ...]:
    """Return the other names that a bearer of `name` may be registered or write under, in alphabetical order."""
    return tuple(sorted(_FORMS.get(name, ())))


def is_form(one: str, other: str) -> bool:
    """Whether one of two given names is the other's short form, or the same name in another language."""
    return other in _FORMS.get(one, ())
