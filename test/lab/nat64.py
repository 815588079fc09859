#!/usr/bin/python3
"""nat64.py INTERFACE PREFIX DEVICE POOL: translates what DEVICE sends to PREFIX::/96 to IPv4, from POOL, and what comes back.

For one device, so that ports stay as they are and nothing is remembered. TCP, UDP, and the errors of ICMP that end a connect (RFC 7915).
Beside the path: it reads along, and the kernel here lets nothing pass. No fragments: a segment for IPv6 fits into IPv4.
"""
import socket, struct, sys

interface, prefix, device, pool = sys.argv[1:5]
IPV4, IPV6, EVERY = 0x0800, 0x86DD, 0x0003
ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
PREFIX = socket.inet_pton(socket.AF_INET6, prefix)[:12]
DEVICE, POOL = socket.inet_pton(socket.AF_INET6, device), socket.inet_aton(pool)
# Codes of "unreachable" (type 3, and 1 in ICMPv6) that a connect tells apart.
UNREACHABLE = {0: 0, 1: 3, 3: 4, 9: 1, 10: 1, 13: 1}
tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(EVERY))
tap.bind((interface, EVERY))
four = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
six = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)


def checksum(data):
    total = sum(struct.unpack(">%dH" % ((len(data) + 1) // 2), data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def summed(source, target, protocol, body):
    """The body with the checksum for its new addresses."""
    at = {TCP: 16, UDP: 6, ICMPV6: 2}[protocol]
    body = body[:at] + b"\0\0" + body[at + 2:]
    value = checksum(source + target + struct.pack(">II", len(body), protocol) + body)
    return body[:at] + struct.pack(">H", value or 0xFFFF) + body[at + 2:]


def out(packet):
    source, target, protocol, ttl = packet[8:24], packet[24:40], packet[6], packet[7]
    if source != DEVICE or target[:12] != PREFIX or protocol not in (TCP, UDP) or ttl < 2:
        return
    body = packet[40:40 + struct.unpack(">H", packet[4:6])[0]]
    target = target[12:]
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0x4000, ttl - 1, protocol, 0) + POOL + target
    four.sendto(header + summed(POOL, target, protocol, body), (socket.inet_ntoa(target), 0))


def back(packet):
    start, end, protocol = (packet[0] & 15) * 4, struct.unpack(">H", packet[2:4])[0], packet[9]
    source, target, body = packet[12:16], packet[16:20], packet[start:end]
    if target != POOL:
        return
    if protocol == ICMP:
        # What was sent and came to nothing stands in it, with its addresses.
        lost = body[8:]
        if body[0] != 3 or body[1] not in UNREACHABLE or len(lost) < 28 or lost[12:16] != POOL:
            return
        inner = struct.pack(">IHBB", 6 << 28, len(lost) - 20, lost[9], 64) + DEVICE + PREFIX + lost[16:20] + lost[20:]
        protocol, body = ICMPV6, struct.pack(">BBHI", 1, UNREACHABLE[body[1]], 0, 0) + inner
    if protocol not in (TCP, UDP, ICMPV6):
        return
    source = PREFIX + source
    header = struct.pack(">IHBB", 6 << 28, len(body), protocol, max(1, packet[8] - 1)) + source + DEVICE
    six.sendto(header + summed(source, DEVICE, protocol, body), (socket.inet_ntop(socket.AF_INET6, DEVICE), 0))


print("ready", flush=True)
while True:
    packet, (_, kind, direction, *_) = tap.recvfrom(65535)
    if direction == socket.PACKET_OUTGOING:
        continue
    if kind == IPV6:
        out(packet)
    if kind == IPV4:
        back(packet)
