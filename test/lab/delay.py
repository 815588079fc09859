#!/usr/bin/python3
"""delay.py MILLISECONDS: holds every packet of netfilter queue 1 that long, in order, then lets it go on.

Latency where the kernel has no netem. Speaks nfnetlink_queue over a raw netlink socket, without any library.
"""
import collections, select, socket, struct, sys, time

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


def packet_ids(message):
    at = 0
    while at + 20 <= len(message):
        length, kind = struct.unpack_from("=IH", message, at)
        if length < 20:
            return
        inner = at + 20
        while kind == QUEUE and inner + 4 <= at + length:
            size, name = struct.unpack_from("=HH", message, inner)
            if name & 0x7FFF == 1:
                yield struct.unpack_from(">I", message, inner + 4)[0]
            inner += max(4, (size + 3) & ~3)
        at += (length + 3) & ~3


tell(CONFIG, attribute(1, struct.pack(">BBH", 1, 0, 0)))  # bind
tell(CONFIG, attribute(2, struct.pack(">IB", 0, 1)))  # numbers only, no payload
tell(CONFIG, attribute(3, struct.pack(">I", 10000)))  # room for a burst
queue.setblocking(False)
print("ready", flush=True)
held = collections.deque()
while True:
    now = time.monotonic()
    while held and held[0][0] <= now:
        tell(VERDICT, attribute(2, struct.pack(">II", 1, held.popleft()[1])))
    wait = max(0.0, held[0][0] - now) if held else None
    if not select.select([queue], [], [], wait)[0]:
        continue
    try:
        message = queue.recv(1 << 16)
    except OSError:  # the kernel's queue ran over: packets are lost, as on a full line
        continue
    due = time.monotonic() + delay
    held.extend((due, number) for number in packet_ids(message))
