"""The corpus of bad input: every entry is a kind of its own, and where it is text it bears the canary.

Values are written as JSON text, so that what no JSON library would write can be sent as well.
"""

import json

CANARY = "QXCANARYZJ"
NAME = f"Maria {CANARY}"  # of an unknown field: only one that can be an identifier may be named in the answer
NUMBER = 8086420135  # the canary of numbers

_CONTROLS = [*range(0x20), 0x7F, 0x80, 0x85, 0x9F]
_TURNING = [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_NO_TEXT = [0x2028, 0x2029, 0xFFFE, 0xFFFF, 0xFDD0, 0x1FFFE, 0x10FFFF, 0x0378]


def _text(value: str) -> str:
    return json.dumps(CANARY + value)


# What no field takes, whatever it is.
ANYTHING = {
    "an object": f'{{"{NAME}": 1}}',
    "an empty object": "{}",
    "an array": f'["{CANARY}"]',
    "an empty array": "[]",
    "an array in an array": f'[["{CANARY}"]]',
    "a float": f"{NUMBER}.5",
    "a float that is whole": "1.0",
    "an exponent": "1e0",
    "a minus zero": "-0.0",
    "a number with 5,000 digits": "8" * 5000,
    "a number with 400 digits": f"{NUMBER}" + "7" * 390,
    "a number beyond 64 bits": "18446744073709551616",
    "a number beyond 63 bits": "9223372036854775808",
    "a number below 64 bits": "-9223372036854775809",
    "1e400": "1e400",
    "-1e400": "-1e400",
    "NaN": "NaN",
    "Infinity": "Infinity",
    "-Infinity": "-Infinity",
    "a key twice": f'{{"{NAME}": 1, "{NAME}": 2}}',
    "30 levels": "[" * 30 + "]" * 30,
    "900 levels": "[" * 900 + "]" * 900,
    "100,000 levels": "[" * 100_000 + "]" * 100_000,
    "900 levels of objects": '{"a":' * 900 + "1" + "}" * 900,
}
TEXT = {
    "true": "true",
    "false": "false",
    "a whole number": str(NUMBER),
    "a lone high surrogate": f'"{CANARY}\\ud800"',
    "a lone low surrogate": f'"{CANARY}\\udfff"',
    "surrogates the wrong way round": f'"{CANARY}\\udc00\\ud800"',
    "a surrogate in bytes": f'"{CANARY}\udcff"',
    "5,000 characters": _text("x" * 5000),
    "200,000 characters": _text("x" * 200_000),
    "5,000 wide characters": _text("\U0001f5f3" * 5000),
    **{f"U+{code:04X}": _text(chr(code)) for code in _CONTROLS + _TURNING + _NO_TEXT},
}
NUMBERS = {
    "a number": str(NUMBER),
    "a small number": "3",
}
PATTERN = {
    "empty": '""',
    "another form": _text(""),
    "upper case": json.dumps("A" * 64),
    "too short": json.dumps("a" * 63),
    "too long": json.dumps("a" * 65),
    "a line break behind": json.dumps("a" * 64 + "\n"),
    "full-width digits": json.dumps("\uff11" * 64),
}
CHOICE = {
    "empty": '""',
    "another": _text(""),
    "upper case": '"VALID"',
    "spaces around": '" valid "',
    "NUL behind": '"valid\\u0000"',
}
DATE = {
    "empty": '""',
    "null": "null",
    "no date": _text(""),
    "30 February": '"2022-02-30"',
    "29 February of no leap year": '"2022-02-29"',
    "month 13": '"2022-13-01"',
    "day 0": '"2022-01-00"',
    "year 0": '"0000-01-01"',
    "year 1": '"0001-01-01"',
    "year 9999": '"9999-12-31"',
    "year 10000": '"10000-01-01"',
    "a negative year": '"-2022-01-01"',
    "a time behind": '"2022-01-01T00:00:00"',
    "a time and zone": '"2022-01-01T00:00:00Z"',
    "no hyphens": '"20220101"',
    "a week": '"2022-W01-1"',
    "American": '"01/02/2022"',
    "a space before": '" 2022-01-01"',
    "a space behind": '"2022-01-01 "',
    "a line break behind": '"2022-01-01\\n"',
    "Arabic digits": '"\u0662\u0660\u0662\u0662-\u0660\u0661-\u0660\u0661"',
    "seconds": "1640995200",
    "true": "true",
    "40,000 digits": json.dumps("2" * 40_000),
}
WHOLE = {
    "zero": "0",
    "minus one": "-1",
    "a number as text": '"1"',
    "a number as canary": _text("1"),
    "empty": '""',
    "true": "true",
    "false": "false",
    "2^31": "2147483648",
    "a billion more": f"{NUMBER}",
    "2^63 - 1": "9223372036854775807",
    "hexadecimal text": '"0x10"',
    "full-width text": '"\uff11"',
    "underscored text": '"1_0"',
}
FLAG = {
    "zero": "0",
    "one": "1",
    "yes": '"yes"',
    "true as text": '"true"',
    "canary": _text(""),
    "null": "null",
}

MOST = 990_000  # bytes, a little less than a body may have


def _full(pattern: str, opened: str = "{", closed: str = "}") -> bytes:
    """An object, or what else is opened and closed, that is filled with a pattern of a counted number."""
    parts, size = list[str](), 0
    while size < MOST:
        parts.append(pattern.replace("#", str(len(parts))))
        size += len(parts[-1].encode()) + 1
    return f"{opened}{','.join(parts)}{closed}".encode()


# What costs the most to read, and is refused.
ALMOST_A_MEGABYTE: dict[str, bytes] = {
    "unknown fields": _full('"#":0'),
    "unknown fields of objects": _full('"#":{"a":{}}'),
    "one key": _full(f'"{NAME}":0'),
    "objects in a list": _full("{}", "[", "]"),
    "lists in a list": _full("[]", "[", "]"),
    "keys twice in a list": _full('{"a":1,"a":1}', "[", "]"),
    "floats": _full("1.5e300", "[", "]"),
    "integers of 4,000 digits": _full("7" * 4000, "[", "]"),
    "escapes": b'{"a": "' + b"\\u2603" * (MOST // 6) + b'"}',
    "wide characters": b'{"a": "' + "\U0001f5f3".encode() * (MOST // 4) + b'"}',
    "a key": b'{"' + b"k" * MOST + b'": 1}',
    "a fraction": b"[0." + b"7" * MOST + b"]",
    "an exponent": b"[1e" + b"0" * MOST + b"1]",
    "levels of 900": _full("[" * 900 + "]" * 900, "[", "]"),
}

# Whole bodies that no route takes.
BODIES: dict[str, bytes] = {
    "nothing": b"",
    "spaces": b" \n\t ",
    "a word": CANARY.encode(),
    "null": b"null",
    "true": b"true",
    "a number": str(NUMBER).encode(),
    "a string": f'"{CANARY}"'.encode(),
    "an array": f'["{CANARY}"]'.encode(),
    "an empty array": b"[]",
    "an empty object": b"{}",
    "an unknown field": f'{{"{NAME}": "{CANARY}"}}'.encode(),
    "a field that is empty": b'{"": 1}',
    "a field of a prototype": f'{{"__proto__": {{"{NAME}": 1}}, "__class__": "{CANARY}"}}'.encode(),
    "2,000 unknown fields": json.dumps({f"{NAME}{n}": n for n in range(2000)}).encode(),
    "a field with a surrogate": f'{{"\\ud800{CANARY}": 1}}'.encode(),
    "cut short": f'{{"{NAME}": '.encode(),
    "cut in a string": f'{{"{CANARY}'.encode(),
    "a comma too many": f'{{"{NAME}": 1,}}'.encode(),
    "single quotes": f"{{'{CANARY}': 1}}".encode(),
    "a comment": f'{{"{NAME}": 1}} // {CANARY}'.encode(),
    "two values": f'{{"{NAME}": 1}}{{"{NAME}": 2}}'.encode(),
    "a key twice": f'{{"{NAME}": 1, "{NAME}": 1}}'.encode(),
    "a NUL behind": f'{{"{NAME}": 1}}\0'.encode(),
    "only NULs": b"\0" * 50,
    "a byte order mark": b"\xef\xbb\xbf" + f'{{"{NAME}": 1}}'.encode(),
    "UTF-16 with a mark": f'{{"{NAME}": 1}}'.encode("utf-16"),
    "UTF-16": f'{{"{NAME}": 1}}'.encode("utf-16-le"),
    "UTF-32": f'{{"{NAME}": 1}}'.encode("utf-32"),
    "Latin-1": f'{{"{CANARY}\u00e9": 1}}'.encode("latin-1"),
    "an overlong encoding": b'{"\xc0\xaf": 1}',
    "a surrogate encoded": b'{"\xed\xa0\x80": 1}',
    "a byte beyond Unicode": b'{"\xf5\x80\x80\x80": 1}',
    "cut in a character": f'{{"{CANARY}'.encode() + b"\xe2\x82",
    "a raw control in a string": f'{{"{CANARY}\x01": 1}}'.encode(),
    "a raw line break in a string": f'{{"{CANARY}\n": 1}}'.encode(),
    "a bad escape": f'{{"{CANARY}\\x41": 1}}'.encode(),
    "a short escape": f'{{"{CANARY}\\u12": 1}}'.encode(),
    "NaN": b"NaN",
    "Infinity": b"-Infinity",
    "1e400": b"1e400",
    "a number with 5,000 digits": b"7" * 5000,
    "a leading zero": b"007",
    "a leading plus": b"+1",
    "a hexadecimal number": b"0x10",
    "100,000 brackets": b"[" * 100_000,
    "100,000 braces": b'{"a":' * 100_000,
    "100,000 levels, closed": b"[" * 100_000 + b"]" * 100_000,
    "950 levels": b"[" * 950 + b"]" * 950,
    "form data": f"{CANARY}={CANARY}".encode(),
    "XML": f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///{CANARY}">]><a>&b;</a>'.encode(),
    "gzip": b"\x1f\x8b\x08\x00" + CANARY.encode(),
    "more than a megabyte": b'{"a": "' + CANARY.encode() + b"x" * 1_000_000 + b'"}',
    "a megabyte of spaces": b" " * 1_000_001,
    **{f"as much as may be of {kind}": content for kind, content in ALMOST_A_MEGABYTE.items()},
}

MARKS = "\u0323\u0301"  # to be set above and below letters, in the order that must be changed
FIELDS = ("section", "page", "line", "printed_name", "residence_address", "city", "zip", "signed", "image_sha256")


def _thousand(fields: str) -> str:
    return f"[{', '.join([f'{{{fields}}}'] * 1000)}]"


# Batches whose list is wrong as a whole, or whose lines are no lines.
LISTS: dict[str, str] = {
    "no line": "[]",
    "1,001 lines": json.dumps([{}] * 1001),
    "an object": f'{{"0": "{CANARY}"}}',
    "null": "null",
    "a string": _text(""),
    "a number": str(NUMBER),
    **{f"as much as may be of {kind}": f"[{content.decode()}]" for kind, content in ALMOST_A_MEGABYTE.items()},
    "1,000 lines of unknown fields": _thousand(", ".join(f'"{n}{NAME}": 0' for n in range(40))),
    "1,000 lines of wrong types": _thousand(", ".join(f'"{name}": []' for name in FIELDS)),
    "1,000 lines of letters that no line has": _thousand(", ".join(f'"{name}": "\\u0001"' for name in FIELDS)),
    "1,000 lines of marks without letters": _thousand(", ".join(f'"{name}": "{MARKS * 55}"' for name in FIELDS[3:6])),
    "1,000 lines that are too long": _thousand(f'"printed_name": "{"x" * 900}"'),
}
LINES: dict[str, str] = {
    "a null": "null",
    "a number": str(NUMBER),
    "a string": _text(""),
    "a list": f'["{CANARY}"]',
    "an empty object": "{}",
    "an unknown field": f'{{"{NAME}": "{CANARY}"}}',
    "50 levels": "[" * 50 + "]" * 50,
    "800 levels": "[" * 800 + "]" * 800,
    "a surrogate for a key": f'{{"\\ud800{CANARY}": 1}}',
    "both names": f'{{"section":1,"page":1,"line":1,"printed_name":"{CANARY}","name":{{}},"residence_address":"",'
    '"city":"","zip":""}',
    "no name": '{"section":1,"page":1,"line":1,"residence_address":"","city":"","zip":""}',
    "an unknown part of a name": f'{{"section":1,"page":1,"line":1,"name":{{"{NAME}":"{CANARY}"}},'
    '"residence_address":"","city":"","zip":""}',
    "200 unknown fields": json.dumps({f"{NAME}{n}": CANARY for n in range(200)}),
}

CONTENT_TYPES = {
    "none": None,
    "empty": b"",
    "text": b"text/plain",
    "form": b"application/x-www-form-urlencoded",
    "multipart": b"multipart/form-data; boundary=" + CANARY.encode(),
    "other JSON": b"application/ld+json",
    "UTF-16": b"application/json; charset=utf-16",
    "Latin-1": b"application/json; charset=iso-8859-1",
    "canary": b"application/json; " + CANARY.encode() + b"=1",
    "two in one": b"application/json, text/plain",
    "bytes": b"application/json\xff\xfe",
    "10,000 long": b"application/json" + b";a=b" * 2500,
}

# In the place of a petition's id.
PETITION_IDS = {
    "a word": CANARY,
    "nothing": "",
    "a number": str(NUMBER),
    "one character more": "01890a5d-ac96-774b-bcce-b302099a80570",
    "not hexadecimal": "01890a5d-ac96-774b-bcce-b302099a805z",
    "unknown": "01890a5d-ac96-774b-bcce-b302099a8057",
    "nil": "00000000-0000-0000-0000-000000000000",
    "max": "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "NUL": f"%00{CANARY}",
    "bytes": f"%ff%fe{CANARY}",
    "dots": f"..%2f..%2f{CANARY}",
    "an encoded percent": f"%25{CANARY}",
    "a quote": f"%27%20OR%201%3D1--{CANARY}",
    "a line break": f"%0d%0aX-{CANARY}:%201",
    "a bidi override": f"%E2%80%AE{CANARY}",
    "9,000 long": CANARY * 900,
}
PLACES = {
    "a word": CANARY,
    "two numbers": "1-1",
    "four numbers": "1-1-1-1",
    "zero": "0-1-1",
    "minus": "-1-1-1",
    "beyond an integer": "1-1-9999999999",
    "2^31": "2147483648-1-1",
    "5,000 digits": "1-1-" + "8" * 5000,
    "a leading zero": "01-1-1",
    "points": "1.0-1-1",
    "spaces": "1-1-%201",
    "a line break behind": "1-1-1%0A",
    "full-width digits": "%EF%BC%91-1-1",
    "underscores": "1_0-1-1",
    "NUL": f"1-1-1%00{CANARY}",
    "unknown": "2147483647-2147483647-2147483647",
    "dots": "..%2f1-1-1",
    "a slash": "1-1-1%2f",
}
QUERIES = {
    "unknown": f"Maria+{CANARY}=1",
    "unknown and empty": f"Maria+{CANARY}",
    "only an ampersand": f"&&={CANARY}",
    "a limit of 0": "limit=0",
    "a limit of -1": "limit=-1",
    "a limit of 1,001": "limit=1001",
    "a limit with 5,000 digits": "limit=" + "8" * 5000,
    "a limit as float": "limit=1.0",
    "a limit with an exponent": "limit=1e2",
    "a limit with a plus": "limit=%2B5",
    "a limit with a space": "limit=%205",
    "a limit with an underscore": "limit=1_0",
    "a limit in full width": "limit=%EF%BC%95",
    "a limit in hexadecimal": "limit=0x10",
    "a limit that is true": "limit=true",
    "an empty limit": "limit=",
    "a limit twice": "limit=1&limit=2",
    "a limit as a list": "limit[]=1",
    "a limit of canary": f"limit={CANARY}",
    "a status of canary": f"status={CANARY}",
    "an empty status": "status=",
    "a status in upper case": "status=VALID",
    "a status with NUL": "status=valid%00",
    "a ruleset with NUL": "ruleset=x%00",
    "a reason of canary": f"reason={CANARY}",
    "a reason in bytes": "reason=%ff%fe",
    "a section of 0": "section=0",
    "a section of 2^31": "section=2147483648",
    "a section of 2^64": "section=18446744073709551616",
    "a section of canary": f"section={CANARY}",
    "a cursor of canary": f"cursor={CANARY}",
    "a cursor of nothing": "cursor=",
    "a cursor of spaces": "cursor=%20%20",
    "a cursor of bytes": "cursor=%ff%00",
    "a cursor of zeros": "cursor=MC0wLTA",
    "a cursor below": "cursor=LTEtMS0x",
    "a cursor beyond": "cursor=OTk5OTk5OTk5OS0xLTE",
    "a cursor of two": "cursor=MS0x",
    "a cursor with a sign": "cursor=KzEtMS0x",
    "a cursor that is padded": "cursor=MS0xLTE%3D",
    "a cursor of 9,000": "cursor=" + "A" * 9000,
    "a quote": f"status=%27%20OR%201%3D1--{CANARY}",
    "10,000 parameters": "&".join(f"Maria+{CANARY}{n}=1" for n in range(10_000)),
}
KEYS_OF_REQUESTS = {
    "empty": b"",
    "a space": b"a b " + CANARY.encode(),
    "a control": b"\x01" + CANARY.encode(),
    "a tab": b"a\t" + CANARY.encode(),
    "a byte": b"\xff" + CANARY.encode(),
    "UTF-8": "ключ".encode() + CANARY.encode(),
    "201 characters": CANARY.encode() + b"x" * 191,
    "60,000 characters": CANARY.encode() * 6000,
    "NUL": b"\x00" + CANARY.encode(),
}
CREDENTIALS = {
    "empty": b"",
    "only the scheme": b"Bearer",
    "the scheme and a space": b"Bearer ",
    "another scheme": b"Basic " + CANARY.encode(),
    "no scheme": CANARY.encode(),
    "a word": b"Bearer " + CANARY.encode(),
    "two words": b"Bearer a " + CANARY.encode(),
    "empty parts": b"Bearer rpk...",
    "an unknown county": b"Bearer rpk." + CANARY.encode() + b".00000000.x",
    "an unknown prefix": b"Bearer rpk.sample." + CANARY.encode() + b".x",
    "NUL": b"Bearer rpk.sam\x00ple.00000000." + CANARY.encode(),
    "bytes": b"Bearer rpk.sample.\xff\xfe." + CANARY.encode(),
    "a quote": b"Bearer rpk.' OR 1=1--.00000000." + CANARY.encode(),
    "five parts": b"Bearer rpk.sample.00000000.x." + CANARY.encode(),
    "60,000 characters": b"Bearer rpk.sample.00000000." + CANARY.encode() * 6000,
    "a token of JSON": b"Bearer eyJhbGciOiJub25lIn0.e30." + CANARY.encode(),
}
METHODS = ("PUT", "PATCH", "TRACE", "CONNECT", "PROPFIND", CANARY, "get", "")

TABLES = (ANYTHING, TEXT, PATTERN, CHOICE, DATE, WHOLE, FLAG, BODIES, LISTS, LINES, CONTENT_TYPES)
TABLES_OF_REQUESTS = (PETITION_IDS, PLACES, QUERIES, KEYS_OF_REQUESTS, CREDENTIALS, dict.fromkeys(METHODS))
KINDS = sum(len(table) for table in TABLES) + sum(len(table) for table in TABLES_OF_REQUESTS)
