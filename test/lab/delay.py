#!/usr/bin/python3
"""delay.py MILLISECONDS: holds every packet of netfilter queue 1 that long, then lets it go on.

What a policy has marked is held more, by the milliseconds in the upper half of the mark. Latency where the kernel has no netem. Speaks nfnetlink_queue over a raw netlink socket, without any library.
"""
import heapq, itertools, select, socket, struct, sys, time

NETLINK_NETFILTER, QUEUE = 12, 3 << 8
VERDICT, CONFIG = QUEUE | 1, QUEUE | 2
delay = float(sys.argv[1]) / 1000
queue = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
queue.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
queue.bind((0, 0))


def attribute(kind, value):
    return struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


def tell(kind, body):
    queue.send(struct.pack("=IHHII", 20 + len(body), kind, 1, 0, 0) + struct.pack(">BBH", 0, 0, 1) + body)


def packets(message):
    """The number of each packet, and its mark."""
    at = 0
    while at + 20 <= len(message):
        length, kind = struct.unpack_from("=IH", message, at)
        if length < 20:
            return
        inner, packet, mark = at + 20, None, 0
        while kind == QUEUE and inner + 4 <= at + length:
            size, name = struct.unpack_from("=HH", message, inner)
            if name & 0x7FFF == 1:
                packet = struct.unpack_from(">I", message, inner + 4)[0]
            if name & 0x7FFF == 3:
                mark = struct.unpack_from(">I", message, inner + 4)[0]
            inner += max(4, (size + 3) & ~3)
        if packet is not None:
            yield packet, mark
        at += (length + 3) & ~3


tell(CONFIG, attribute(1, struct.pack(">BBH", 1, 0, 0)))  # bind
tell(CONFIG, attribute(2, struct.pack(">IB", 0, 1)))  # numbers only, no payload
tell(CONFIG, attribute(3, struct.pack(">I", 10000)))  # room for a burst
queue.setblocking(False)
print("ready", flush=True)
held, order = [], itertools.count()  # what is due at once goes in the order in which it came
while True:
    now = time.monotonic()
    while held and held[0][0] <= now:
        tell(VERDICT, attribute(2, struct.pack(">II", 1, heapq.heappop(held)[2])))
    wait = max(0.0, held[0][0] - now) if held else None
    if not select.select([queue], [], [], wait)[0]:
        continue
    try:
        message = queue.recv(1 << 16)
    except OSError:  # the kernel's queue ran over: packets are lost, as on a full line
        continue
    now = time.monotonic()
    for number, mark in packets(message):
        heapq.heappush(held, (now + delay + (mark >> 16) / 1000, next(order), number))
