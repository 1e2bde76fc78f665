"""The one way from a value to bytes (RFC 8785), from bytes to a digest, and back to what can be judged.

Guarantees:
  1. Equal bytes if and only if equal values: two different argument sets never share a digest.
  2. For what JSON can say exactly the bytes are those of RFC 8785: members sorted by UTF-16 units,
     ECMAScript numbers, UTF-8 without escapes that are not needed.
  3. What JSON cannot say has a tagged form, an object with one member such as {"$permit0:int": "…"}: big
     integers, Decimals, dates, bytes, UUIDs, paths, sets, enumerations, dataclasses, pydantic models (the
     table is docs/canonical.md). A name of the caller's that starts with "$permit0:" is refused, so nobody
     can forge one. The bytes are RFC 8785 all the same.
  4. 1 and 1.0 are one number, as in JSON and ECMAScript; True is not 1. A list and a tuple are one array.
  5. An instance of a subclass of str, int or float (a NumPy scalar, a StrEnum) is its plain value,
     whatever its own methods say. A subclass of any other type here is refused, or read without its methods.
  6. `thaw` gives what policy can judge: a tagged value as the plain one that it stands for, so that an
     amount, a recipient, a path or a command in another type is seen as if it were spelled plainly.
  7. `snapshot` gives a copy that holds what its bytes say and nothing else, and that nobody else holds.
Refuses, naming the path: every other type, hidden state, two members of one name, NaN and infinities, names
that are no text, lone surrogates, more than MAX_BYTES, more than MAX_DEPTH levels.
Does not: understand the arguments (normalize). Classes are the program's own and are taken at their word:
two classes of one module and name are one type.

scalars   text of strings and numbers         leaves    Decimals, dates, bytes, UUIDs, paths
records   named tuples, dataclasses, models   enums     members of enumerations
writer    freeze        reader  thaw          copier    snapshot
"""

from permit0.canonical.copier import snapshot
from permit0.canonical.forms import MAX_BYTES, MAX_DEPTH, MAX_SAFE_INT, Json, Unordered
from permit0.canonical.reader import thaw
from permit0.canonical.writer import digest, freeze, number_text

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_SAFE_INT",
    "Json",
    "Unordered",
    "digest",
    "freeze",
    "number_text",
    "snapshot",
    "thaw",
]
