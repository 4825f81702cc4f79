"""The pairs of verbs that race for one voter."""

from datetime import date

from app.law.line import Place
from app.law.reasons import VALID
from app.law.review import PersonFinding
from tests.races.acts import signature
from tests.races.schedules import Act, Pair
from tests.rulesets import CALIFORNIA_DUPLICATES

LOW, MIDDLE, HIGH = Place(1, 1, 1), Place(1, 1, 2), Place(2, 1, 1)
SAME_HAND, OF_ANOTHER = PersonFinding(VALID), PersonFinding(VALID, "V2", "the evidence names another voter")
DECLARED: tuple[Act, ...] = (lambda acts: acts.declare(1, date(2022, 3, 1), date(2022, 3, 5)),)
DEFECTIVE = {LOW: ("invalid", "section_defect")}
NO_DATES = {LOW: ("review", "section_dates")}


def submit(place: Place, number: int = 1) -> Act:
    return lambda acts: acts.submit(signature(number, place))


def nothing_before(first: Act, second: Act) -> Pair:
    return Pair((), first, second)


PAIRS = {
    "submit low, submit high": nothing_before(submit(LOW), submit(HIGH)),
    "submit high, submit low": nothing_before(submit(HIGH), submit(LOW)),
    "submit, submit at one place": nothing_before(submit(LOW), submit(LOW, 2)),
    "submit, the same submit": nothing_before(submit(LOW), submit(LOW)),
    "submit high, reject low": Pair((submit(LOW),), submit(HIGH), lambda a: a.reject(LOW)),
    "reject low, submit high": Pair((submit(LOW),), lambda a: a.reject(LOW), submit(HIGH)),
    "reject low, reject high": Pair((submit(LOW), submit(HIGH)), lambda a: a.reject(LOW), lambda a: a.reject(HIGH)),
    "reject, reinstate": Pair(
        (submit(LOW), submit(HIGH), lambda a: a.reject(HIGH)),
        lambda a: a.reject(LOW),
        lambda a: a.reinstate(HIGH),
    ),
    "reinstate, reject": Pair(
        (submit(LOW), submit(HIGH), lambda a: a.reject(LOW)),
        lambda a: a.reinstate(LOW),
        lambda a: a.reject(HIGH),
    ),
    "two findings on one line": Pair((submit(LOW),), lambda a: a.reject(LOW), lambda a: a.reinstate(LOW)),
    "withdraw, submit": Pair((submit(HIGH),), lambda a: a.withdraw(), submit(LOW)),
    "submit, withdraw": Pair((submit(HIGH),), submit(LOW), lambda a: a.withdraw()),
    "withdraw, withdraw": Pair((submit(HIGH),), lambda a: a.withdraw(), lambda a: a.withdraw()),
    "accept a request, submit": Pair((submit(HIGH), lambda a: a.request()), lambda a: a.accept(), submit(LOW)),
    "submit, accept a request": Pair((submit(LOW), lambda a: a.request()), submit(HIGH), lambda a: a.accept()),
    "accept a request, withdraw": Pair(
        (submit(LOW), lambda a: a.request()), lambda a: a.accept(), lambda a: a.withdraw()
    ),
    "accept two requests of one voter": Pair(
        (submit(LOW), lambda a: a.request(), lambda a: a.request()), lambda a: a.accept(), lambda a: a.accept(at=1)
    ),
    "accept a request for two voters": Pair(
        (submit(LOW), submit(HIGH, 2), lambda a: a.request()), lambda a: a.accept(), lambda a: a.accept("V2")
    ),
    "revoke, submit": Pair((submit(HIGH), lambda a: a.withdraw()), lambda a: a.revoke(), submit(LOW)),
    "correct, submit": Pair((submit(LOW, 2),), lambda a: a.correct(signature(1, LOW)), submit(HIGH)),
    "submit, correct": Pair((submit(LOW),), submit(HIGH), lambda a: a.correct(signature(2, LOW))),
    "correct, correct": Pair(
        (submit(LOW),), lambda a: a.correct(signature(2, LOW)), lambda a: a.correct(signature(3, LOW))
    ),
    "submit, section dates": Pair((), submit(LOW), lambda a: a.declare(1, None, None), NO_DATES),
    "section dates, submit": Pair((submit(HIGH),), lambda a: a.declare(1, None, None), submit(LOW), NO_DATES),
    "section dates, section dates": Pair(
        (submit(LOW),), lambda a: a.declare(1, None, None), lambda a: a.declare(1, date(2022, 3, 1), date(2022, 3, 2))
    ),
    "compare a duplicate, reject low": Pair(
        (submit(LOW), submit(HIGH)),
        lambda a: a.find(HIGH, SAME_HAND),
        lambda a: a.reject(LOW),
        {HIGH: ("valid", None)},
        CALIFORNIA_DUPLICATES,
    ),
    "submit low, compare what becomes a duplicate": Pair(
        (submit(HIGH),),
        submit(LOW),
        lambda a: a.find(HIGH, SAME_HAND),
        {LOW: ("valid", None), HIGH: ("invalid", "duplicate")},
        CALIFORNIA_DUPLICATES,
    ),
    "a duplicate is another voter's, submit that voter's": Pair(
        (submit(LOW), submit(HIGH)),
        lambda a: a.find(HIGH, OF_ANOTHER),
        submit(MIDDLE, 2),
        {LOW: ("valid", None), MIDDLE: ("valid", None), HIGH: ("invalid", "duplicate")},
        CALIFORNIA_DUPLICATES,
    ),
    "submit, section defect": Pair(DECLARED, submit(LOW), lambda a: a.find_defect(1), DEFECTIVE),
    "section defect, submit": Pair((*DECLARED, submit(HIGH)), lambda a: a.find_defect(1), submit(LOW), DEFECTIVE),
    "section defect, reinstate": Pair(
        (*DECLARED, submit(LOW), submit(HIGH), lambda a: a.reject(LOW)),
        lambda a: a.find_defect(1),
        lambda a: a.reinstate(LOW),
        DEFECTIVE | {HIGH: ("valid", None)},
    ),
    "reject, section defect": Pair(
        (*DECLARED, submit(LOW), submit(HIGH)),
        lambda a: a.reject(LOW),
        lambda a: a.find_defect(1),
        {HIGH: ("valid", None)},
    ),
    "correct, section defect": Pair(
        (*DECLARED, submit(LOW, 2)), lambda a: a.correct(signature(1, LOW)), lambda a: a.find_defect(1), DEFECTIVE
    ),
    "section dates, section defect": Pair(
        (*DECLARED, submit(LOW)), lambda a: a.declare(1, None, None), lambda a: a.find_defect(1), DEFECTIVE
    ),
    "defect taken back, submit": Pair(
        (*DECLARED, submit(HIGH), lambda a: a.find_defect(1)),
        lambda a: a.end_defect(1),
        submit(LOW),
        {LOW: ("valid", None), HIGH: ("invalid", "duplicate")},
    ),
    "withdraw, defect taken back": Pair(
        (*DECLARED, submit(LOW), lambda a: a.find_defect(1)),
        lambda a: a.withdraw(),
        lambda a: a.end_defect(1),
        {LOW: ("invalid", "withdrawn")},
    ),
    "crossing voters": Pair(
        (submit(LOW), submit(HIGH, 2)),
        lambda a: a.correct(signature(2, LOW)),
        lambda a: a.correct(signature(1, HIGH)),
    ),
}
