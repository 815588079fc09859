#!/usr/bin/env python3
"""columns.py < DOCUMENT > LINES: reads the columns of batch.md, "Columns", without anything else of this project.

A payload with the codec br+columns is such a document once brotli has unpacked it (brotli -d).
"""
import sys
from itertools import accumulate


def column(row, length):
    kind, scale, values = row[:1], row[1:2], row[1:].split(b",")
    if kind == b"=":
        return [row[1:]] * length
    if kind == b"t":
        return values
    numbers = [int(each) for each in row[3:].split(b",")]
    return [decimal(each, int(scale)) for each in (accumulate(numbers) if kind == b"d" else numbers)]


def decimal(number, scale):
    digits = b"%0*d" % (scale + 1, number)
    whole, decimals = digits[: len(digits) - scale], digits[len(digits) - scale :].rstrip(b"0")
    return whole + b"." + decimals if decimals else whole


rows = iter(sys.stdin.buffer.read().split(b"\n"))
forms = [next(rows).split(b"\t") for _ in range(int(next(rows)))]
order = [int(each) for each in next(rows).split(b",") if each]
columns = [[iter(column(next(rows), order.count(i))) for _ in form[1:]] for i, form in enumerate(forms)]
for i in order:
    first, *parts = forms[i]
    line = first + b"".join(next(values) + part for values, part in zip(columns[i], parts))
    sys.stdout.buffer.write(line + b"\n")
