"""Loads plain forms with OONI's own models and compares what they hold with what the line says.

    load.py FILE...

The models pass over what they do not know and take nearly anything for nearly anything, so that a record loads says
little. Here every field that both have must be equal, and every list must have as many entries: those that the model of
the nettest has, and those of its five lists that it leaves out, by the model of their entries.

Ends with 1 when a record does not load or a field differs; each kind of fault is told once, with its first place.
"""

import dataclasses
import json
import sys
from collections import Counter

from oonidata.models import dataformats
from oonidata.models.nettests import NETTEST_MODELS
from oonidata.models.nettests.base_measurement import BaseMeasurement
from oonidata.models.nettests.http_invalid_request_line import HTTPInvalidRequestLineTestKeys

ENTRIES = {
    "queries": dataformats.DNSQuery,
    "tcp_connect": dataformats.TCPConnect,
    "tls_handshakes": dataformats.TLSHandshake,
    "requests": dataformats.HTTPTransaction,
    "network_events": dataformats.NetworkEvent,
}

# Declared as text by the models, where OONI's own probe writes numbers and binary data: the models make text of them.
MADE_TEXT = {
    (dataformats.NetworkEvent, "transaction_id"),
    (HTTPInvalidRequestLineTestKeys, "sent"),
    (HTTPInvalidRequestLineTestKeys, "received"),
}

# Where whole groups of the five lists stand beside OONI's own.
OUR_LISTS = ("x_sonde_other_resolvers", "x_sonde_follow_ups")


class Fault(Exception):
    def __init__(self, path, ours, theirs):
        super().__init__(path)
        self.path, self.ours, self.theirs = path, ours, theirs


def same_value(ours, theirs):
    """Equal, and no truth value for a number."""
    if isinstance(ours, bool) != isinstance(theirs, bool):
        return False
    if (ours is None) != (theirs is None):
        return False
    return ours == theirs


def compare(ours, theirs, path):
    """Returns how many fields were compared. Raises Fault at the first that differs."""
    if dataclasses.is_dataclass(theirs):
        return compare_object(ours, theirs, path)
    if isinstance(ours, list):
        if not isinstance(theirs, (list, tuple)) or len(ours) != len(theirs):
            raise Fault(path, ours, theirs)
        return sum(compare(one, two, f"{path}[{i}]") for i, (one, two) in enumerate(zip(ours, theirs)))
    if isinstance(ours, dict):
        if not isinstance(theirs, dict) or list(ours) != list(theirs):
            raise Fault(path, ours, theirs)
        return sum(compare(ours[key], theirs[key], f"{path}.{key}") for key in ours)
    if not same_value(ours, theirs):
        raise Fault(path, ours, theirs)
    return 1


def compare_object(ours, theirs, path):
    if not isinstance(ours, dict):
        raise Fault(path, ours, theirs)
    known = [field.name for field in dataclasses.fields(theirs)]
    both = [name for name in known if name in ours]
    compared = sum(
        compare(expected(type(theirs), ours, name), getattr(theirs, name), f"{path}.{name}") for name in both
    )
    left_out = [name for name in ENTRIES if name in ours and name not in known]
    return compared + sum(load_entries(ours[name], name, f"{path}.{name}") for name in left_out)


def expected(model, ours, name):
    """What the model makes of our field, where that is not the field itself."""
    value = ours[name]
    if (model, name) in MADE_TEXT and value is not None:
        return [str(each) for each in value] if isinstance(value, list) else str(value)
    # Filled from `headers` when it is empty.
    if name == "headers_list" and not value and ours.get("headers"):
        return [[key, each] for key, each in ours["headers"].items()]
    return value


def load_entries(entries, name, path):
    """A list that the model of the nettest does not have: entry by entry."""
    return sum(
        compare(entry, ENTRIES[name].from_dict(entry), f"{path}[{i}]") for i, entry in enumerate(entries or [])
    )


def parts_left_out(keys, model):
    """Objects inside the test keys that hold some of the five lists, and that the model does not have."""
    known = {field.name for field in dataclasses.fields(model)}
    for name, value in keys.items():
        holds = isinstance(value, dict) and any(isinstance(value.get(each), list) for each in ENTRIES)
        if name in OUR_LISTS or (holds and name not in known and not name.startswith("x_sonde_")):
            yield name, value


def check(record):
    model = NETTEST_MODELS.get(record["test_name"], BaseMeasurement)
    loaded = model.from_dict(record)
    compared = compare(record, loaded, "")
    for part, lists in parts_left_out(record["test_keys"], loaded.test_keys):
        for name in ENTRIES:
            compared += load_entries(lists.get(name), name, f".test_keys.{part}.{name}")
    return compared


def short(value):
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}…"


def kind_of(test_name, path):
    """Without the numbers of entries: one fault of a program is one kind, however many records have it."""
    return test_name, "".join("" if part.isdigit() else part for part in path.replace("]", "[").split("["))


def main(paths):
    all_of, loaded, fields, faults = Counter(), Counter(), Counter(), {}
    for path in paths:
        with open(path, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                record = json.loads(line)
                name = record["test_name"]
                all_of[name] += 1
                place = f"{path}:{number}"
                try:
                    fields[name] += check(record)
                    loaded[name] += 1
                except Fault as fault:
                    told = f"{fault.path.lstrip('.')}: ours {short(fault.ours)}, theirs {short(fault.theirs)}"
                    faults.setdefault(kind_of(name, fault.path), f"{place}: {name}: {told}")
                except Exception as error:  # Whatever their loader throws is what we want to see.
                    told = f"{type(error).__name__}: {str(error)[:200]}"
                    faults.setdefault((name, type(error).__name__), f"{place}: {name}: did not load: {told}")
    for name in sorted(all_of):
        print(f"{name}: loaded {loaded[name]} of {all_of[name]}, compared {fields[name]} fields")
    for told in faults.values():
        print(told, file=sys.stderr)
    total, good = sum(all_of.values()), sum(loaded.values())
    print(f"OONI's models: {good} of {total} records loaded and equal, {sum(fields.values())} fields compared")
    return 0 if total > 0 and good == total else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
