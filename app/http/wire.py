"""Reading a request's body, and the types of fields that routes share. No error repeats what was sent."""

import json
import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Generic, Literal, TypeVar
from uuid import UUID

from fastapi import Depends, Path, Query, Request
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    create_model,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from app.access import principals
from app.examination import note_queries
from app.http.problems import Problem, field_error, field_errors, invalid
from app.law import defect, line, queues, raw_count, reasons, registration, ruleset, section, signatures, withdrawals
from app.law.line import LARGEST_NUMBER, Place
from app.ledger import entries
from app.roll import queries

Model = TypeVar("Model", bound="RequestModel")
Item = TypeVar("Item")
Key = TypeVar("Key")

MAX_BATCH: Final = 1_000_000  # bytes: enough for 1,000 lines
MAX_VALUES: Final = 40_000  # values and names of fields, about: reading them blocks every other request
MAX_DEPTH: Final = 16  # levels of objects and lists: what is documented has four

_JSON: Final = re.compile(r'\s*application/json\s*(;\s*charset="?utf-8"?\s*)?', re.IGNORECASE)
_MOST_DIGITS: Final = 640  # of an integer: parsing one takes time by the square of its length


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError
    return result


def _integer(number: str) -> int:
    if len(number) > _MOST_DIGITS:
        raise ValueError
    return int(number)


def _finite(number: str) -> float:
    """A decimal number; also the constants NaN and Infinity come here, to be refused."""
    value = float(number)
    if not math.isfinite(value):
        raise ValueError
    return value


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_no_duplicates, parse_constant=_finite, parse_float=_finite, parse_int=_integer
)
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_ONE_KIND: Final = bytes.maketrans(b"{}", b"[]")


def _is_flat(raw: bytes) -> bool:
    """Whether JSON has at most `MAX_DEPTH` levels; false also for JSON with unbalanced brackets."""
    outside_strings = raw.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')[::2]
    brackets = b"".join(outside_strings).translate(_ONE_KIND, _NO_BRACKETS)
    for _ in range(MAX_DEPTH):
        brackets = brackets.replace(b"[]", b"")
    return not brackets


def decode(raw: bytes) -> Any:  # noqa: ANN401  # any JSON value
    """The JSON value of a body: UTF-8, no NaN or infinity, no duplicate key, and no more than can be read at once."""
    if sum(map(raw.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise Problem(413, "content_too_large", f"A body has at most {MAX_VALUES} values.")
    if not _is_flat(raw):
        raise Problem(400, "malformed_json", f"The body is not JSON, or has more than {MAX_DEPTH} levels.")
    try:
        return _DECODER.decode(raw.decode("utf-8"))
    except ValueError as error:
        at = f" (at byte {error.pos})" if isinstance(error, json.JSONDecodeError) else ""
        raise Problem(400, "malformed_json", f"The body is not valid UTF-8 JSON with distinct keys{at}.") from None


async def read_body(request: Request, most: int) -> bytes:
    """The body, refused as soon as it is longer than `most` bytes, whatever length it declared."""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > most:
            detail = f"The body has at most {most} bytes here."
            raise Problem(413, "content_too_large", detail, headers={"Connection": "close"})
    return bytes(raw)


def check_file_type(request: Request, *allowed: str) -> None:
    """Refuse an upload of another media type."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in allowed or "content-encoding" in request.headers:
        detail = f"Send the file as one of {', '.join(allowed)}, without a content encoding."
        raise Problem(415, "unsupported_media_type", detail)


def check(model: type[Model], value: Any) -> Model:  # noqa: ANN401  # any JSON value
    """The value as the model. The refusal (422) names each wrong field."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise invalid(*field_errors(error.errors())) from None


class RequestModel(BaseModel, strict=True, extra="forbid", frozen=True, hide_input_in_errors=True):
    """What comes in: strict types, and no unknown field."""

    max_bytes: ClassVar[int] = 65_536  # of a body
    added: ClassVar[frozenset[str]] = frozenset()  # optional fields that a later version of the program brought

    def meaning(self) -> dict[str, Any]:
        """What it says, as plain JSON data: a request that was made before a field was added still means the same."""
        return self.model_dump(mode="json")

    @model_serializer(mode="wrap")
    def _without_what_was_added(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        said: dict[str, Any] = dump(self)
        return {name: value for name, value in said.items() if value is not None or name not in self.added}

    @model_validator(mode="before")
    @classmethod
    def _without_excess(cls, value: object) -> object:
        """Keep one unknown field of an object that has more fields than the model: one is enough to refuse it."""
        if not isinstance(value, dict) or len(value) <= len(cls.model_fields):
            return value
        unknown = next(name for name in value if name not in cls.model_fields)
        return {name: value[name] for name in [*(n for n in cls.model_fields if n in value), unknown]}


@dataclass(eq=False)
class BodyReader(Generic[Model]):
    """A dependency that reads one model from the body. It runs after the guard, so only with a good key."""

    model: type[Model]  # the OpenAPI document finds it here

    async def __call__(self, request: Request) -> Model:
        """Read and check the body: 415 for another content type, 413 for too much, 400 for bad JSON, 422 otherwise."""
        kinds = request.headers.getlist("content-type")
        if len(kinds) != 1 or not _JSON.fullmatch(kinds[0]) or "content-encoding" in request.headers:
            raise Problem(415, "unsupported_media_type", "Send application/json in UTF-8, not compressed.")
        return check(self.model, decode(await read_body(request, self.model.max_bytes)))


if TYPE_CHECKING:
    Body = Annotated[Model, Depends()]
else:

    class Body:
        """`Body[FindingIn]` is the type of the parameter that is the request's body. Declare it after the principal."""

        def __class_getitem__(cls, model: type[RequestModel]) -> object:
            """The model, read by a dependency."""
            return Annotated[model, Depends(BodyReader(model))]


class ResponseModel(BaseModel, from_attributes=True):
    """What goes out, made from keywords or from the attributes of a value."""


def wrong(code: Literal["unsafe_text", "wrong_format", "out_of_range", "contradiction"]) -> PydanticCustomError:
    """The error that a validator raises for one of our codes."""
    return PydanticCustomError(code, "refused")


_BIDI: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_NOT_TEXT: Final = ("Cc", "Cs", "Cn", "Zl", "Zp")  # controls, surrogates, unassigned, line and paragraph breaks


def safe_text(text: str) -> str:
    """Text that a page, a log and a database can hold: no controls, surrogates or characters that reverse direction."""
    if not text.isprintable():  # rare: joiners between letters are text, and not printable to Python
        for character in text:
            if character in _BIDI or unicodedata.category(character) in _NOT_TEXT:
                raise wrong("unsafe_text")
    return text


_SAFE: Final = AfterValidator(safe_text)
Text20 = Annotated[str, Field(max_length=20), _SAFE]
Text30 = Annotated[str, Field(max_length=30), _SAFE]
Text100 = Annotated[str, Field(max_length=100), _SAFE]
Text200 = Annotated[str, Field(max_length=200), _SAFE]
Text300 = Annotated[str, Field(max_length=300), _SAFE]
Note = Annotated[str, Field(max_length=2000), _SAFE]
RequiredNote = Annotated[Note, Field(min_length=1)]
Title = Annotated[Text200, Field(min_length=1)]
Name = Annotated[Text100, Field(min_length=1)]
VoterId = Annotated[str, Field(min_length=1, max_length=40), _SAFE]
Whole = Annotated[int, Field(ge=1, le=LARGEST_NUMBER)]
DecidedStatus = Literal["valid", "invalid", "review"]

# Values that several models share have one schema with a name, for which a generator makes one type.
Status = TypeAliasType("Status", reasons.Status)
LineKind = TypeAliasType("LineKind", line.LineKind)
LookedAt = TypeAliasType("LookedAt", line.LookedAt)
Characteristic = TypeAliasType("Characteristic", signatures.Characteristic)
Standard = TypeAliasType("Standard", signatures.Standard)
RawCountStage = TypeAliasType("RawCountStage", line.RawCountStage)
DeclarationFault = TypeAliasType("DeclarationFault", section.DeclarationFault)
Difference = TypeAliasType("Difference", section.Difference)
DefectCode = TypeAliasType("DefectCode", defect.DefectCode)
DefectActKind = TypeAliasType("DefectActKind", defect.DefectActKind)
ProposalKind = TypeAliasType("ProposalKind", raw_count.ProposalKind)
Day = TypeAliasType("Day", ruleset.Day)
SigningDay = TypeAliasType("SigningDay", ruleset.SigningDay)
UndatedCancellation = TypeAliasType("UndatedCancellation", ruleset.UndatedCancellation)
Reason = TypeAliasType("Reason", reasons.Reason)
LineReason = TypeAliasType("LineReason", Literal[reasons.Reason, reasons.ReviewCause])
Role = TypeAliasType("Role", principals.Role)
RollState = TypeAliasType("RollState", queries.RollState)
RollFormat = TypeAliasType("RollFormat", Literal["canonical", "california", "north-carolina"])
Standing = TypeAliasType("Standing", registration.Eligibility)
RegistrationStatus = TypeAliasType("RegistrationStatus", registration.RegistrationStatus)
Queue = TypeAliasType("Queue", queues.Queue)
NoteKind = TypeAliasType("NoteKind", note_queries.NoteKind)
EntryType = TypeAliasType("EntryType", entries.EntryType)
Outlook = TypeAliasType("Outlook", line.Outlook)
ReceivedBy = TypeAliasType("ReceivedBy", withdrawals.ReceivedBy)
Requirement = TypeAliasType("Requirement", withdrawals.Requirement)
WithdrawalState = TypeAliasType("WithdrawalState", withdrawals.WithdrawalState)
WithdrawalReason = TypeAliasType("WithdrawalReason", withdrawals.WithdrawalReason)

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT: Final = re.compile(r"[0-9-]{10}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})")
_UUID: Final = re.compile("[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_DIGITS: Final = re.compile(r"[0-9]{1,20}")
_YEARS: Final = range(1900, 3000)


def _spelled(pattern: re.Pattern[str], parse: Callable[[str], object]) -> BeforeValidator:
    """Text in exactly one spelling; what is not text is left for the type to refuse."""

    def read(value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            if not pattern.fullmatch(value):
                raise wrong("wrong_format")
            result = parse(value)
        except ValueError:
            raise wrong("wrong_format") from None
        if isinstance(result, date) and result.year not in _YEARS:
            raise wrong("out_of_range")
        return result

    return BeforeValidator(read)


IsoDate = Annotated[date, _spelled(_DATE, date.fromisoformat)]
Instant = Annotated[datetime, _spelled(_INSTANT, datetime.fromisoformat)]
Uuid = Annotated[UUID, _spelled(_UUID, UUID)]
DIGITS: Final = _spelled(_DIGITS, str)
"""A number in a path or query as documented: digits, without sign, space, point or underscore."""
Number = Annotated[Whole, DIGITS]

Flag = Annotated[bool, _spelled(re.compile("true|false"), "true".__eq__)]
"""A parameter that is `true` or `false`."""

PLACE_PATTERN: Final = "[1-9][0-9]{0,8}-[1-9][0-9]{0,8}-[1-9][0-9]{0,8}"  # each number up to LARGEST_NUMBER
PlaceText = Annotated[str, Field(pattern=f"^{PLACE_PATTERN}$")]


def place_of(text: str) -> Place:
    """The place that a text such as `12-3-4` names; otherwise ValueError."""
    if not re.fullmatch(PLACE_PATTERN, text):
        raise ValueError
    return Place(*map(int, text.split("-")))


def number_of(text: str) -> int:
    """A number that a column of 64 bits holds; otherwise ValueError."""
    if not re.fullmatch("[0-9]{1,18}", text):
        raise ValueError
    return int(text)


async def _place(place: Annotated[str, Path(pattern=f"^{PLACE_PATTERN}$")]) -> Place:
    return place_of(place)


PathPlace = Annotated[Place, Depends(_place)]
DecidersQueue = Literal["to_decide", "to_confirm", "to_compare"]
Limit = Annotated[int, Query(ge=1, le=1000), DIGITS]
_Cursor = Annotated[str | None, Query(pattern="^[A-Za-z0-9_-]{1,100}$")]


@dataclass(frozen=True, slots=True)
class Paging:
    """Which page of a list is asked for. A cursor is the key of the last item of the page before."""

    cursor: str | None
    limit: int  # the largest number of items

    def after(self, parse: Callable[[str], Key]) -> Key | None:
        """The key behind which the page begins; None for the first page. A cursor that no list gave is refused."""
        try:
            return None if self.cursor is None else parse(self.cursor)
        except ValueError:
            error = field_error("query.cursor", "wrong_format")
            raise invalid(error, detail="The cursor is not one that a list gave.") from None

    def page(
        self, items: str, found: Sequence[Item], key: Callable[[Item], object], *, more: bool = False
    ) -> dict[str, Any]:
        """The page, with its list under the name `items`.

        Args:
            items: that name.
            found: the query asks for one more than the limit.
            key: of an item, for the cursor.
            more: whether there are others, also where fewer were found.
        """
        shown = found[: self.limit]
        return {items: shown, "next_cursor": str(key(shown[-1])) if more or len(found) > self.limit else None}

    def page_of_all(self, items: str, every: Sequence[Item], key: Callable[[Item], object]) -> dict[str, Any]:
        """A page of a list that is short enough to be read whole."""
        keys = [str(key(item)) for item in every]
        start = self.after(lambda last: keys.index(last) + 1) or 0
        return self.page(items, every[start:], key)


def paging(limit: int = 100, most: int = 1000) -> Any:  # noqa: ANN401  # a dependency marker
    """The parameters of a list: the cursor, and how many items, where the request does not say and at most."""

    async def read(cursor: _Cursor = None, limit: Annotated[int, Query(ge=1, le=most), DIGITS] = limit) -> Paging:
        return Paging(cursor, limit)

    return Depends(read)


def page_of(name: str, description: str, **items: type) -> type[ResponseModel]:
    """The model of a page: a list of this type under this name, and the cursor of the next page."""
    fields: dict[str, Any] = {key: list[item] for key, item in items.items()}  # type: ignore[valid-type]  # made here
    return create_model(name, __base__=ResponseModel, __doc__=description, **fields, next_cursor=str | None)


ListPaging = Annotated[Paging, paging()]
