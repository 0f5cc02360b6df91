"""A strict check of the Huffman-coded scans of a JPEG: every code is valid, every block there, every bit accounted for.

It only counts and decodes no picture. It tells damage from a peculiarity after a faster parser refused the file.
"""

from typing import NamedTuple

from mesorch_cli.evidence.jpeg.structure import DHT, Component, JpegStructure, Scan

_WINDOW = 16  # bits: the longest code
MOST_STRAY = 2  # surplus bytes of any value, as cameras put one before a restart marker
ZERO_RUN = 256  # a run of zero bytes that the compressed data of a photo does not contain


class _BrokenError(Exception):
    """The data is not what the picture needs. The message says how."""


class Walk(NamedTuple):
    """The result of a check.

    problem: what is wrong, None if every block is there. surplus: bytes that belong to no block.
    """

    problem: str | None
    surplus: int = 0


class _Bits:
    """Reads one piece of a scan between two restart markers, without stuffed zeros."""

    def __init__(self, data: bytes) -> None:
        self._data = data.replace(b"\xff\0", b"\xff") + b"\xff" * 4
        self.at = 0
        self.end = 8 * (len(self._data) - 4)

    def symbol(self, table: list[int]) -> int:
        """Return the next symbol of a table of (length << 8 | symbol) by 16 bits of data."""
        place = self.at >> 3
        window = int.from_bytes(self._data[place : place + 3], "big") >> (8 - (self.at & 7)) & 0xFFFF
        entry = table[window]
        if not entry:
            raise _BrokenError("holds codes that do not decode")
        self.at += entry >> 8
        return entry & 0xFF

    def number(self, count: int) -> int:
        """Return the next `count` bits (0..16) as a number."""
        place = self.at >> 3
        window = int.from_bytes(self._data[place : place + 4], "big") >> (32 - (self.at & 7) - count)
        self.at += count
        return window & ((1 << count) - 1)

    def finish(self) -> int:
        """Return how many bytes follow that belong to no block.

        Codes that fell out of step leave bytes over, too. So the last byte used must end in ones, as encoders pad it,
        and the bytes after it must repeat one value (other than that byte) or be very few.
        """
        if self.at > self.end:
            raise _BrokenError("ends before the picture does")
        rest = self._data[-(-self.at // 8) : self.end // 8]
        if not rest:
            return 0
        last, unused = self._data[(self.at - 1) >> 3], (1 << (-self.at % 8)) - 1
        repeated = len(set(rest)) == 1 and rest[0] != last
        if last & unused != unused or not (repeated or len(rest) <= MOST_STRAY):
            raise _BrokenError("goes on after the picture is complete")
        return len(rest)


class _Parameters(NamedTuple):
    """What a scan header says: the band of coefficients, and the bit positions before and in this scan."""

    first: int
    last: int
    high: int


def walk_codes(data: bytes, structure: JpegStructure) -> Walk:
    """Check the scans of a Huffman-coded JPEG."""
    surplus = 0
    history: dict[int, list[int]] = {}  # for each component and block, the mask of nonzero coefficients
    for number, scan in enumerate(structure.scans):
        payload = data[scan.header.payload : scan.header.end]
        count = payload[0]
        selectors = {payload[1 + 2 * i]: payload[2 + 2 * i] for i in range(count)}
        parameters = _Parameters(payload[1 + 2 * count], payload[2 + 2 * count], payload[3 + 2 * count] >> 4)
        try:
            components = [next(c for c in structure.components if c.id == wanted) for wanted in scan.components]
            tables = _tables(data, structure, scan)
            pieces = _pieces(data[scan.start : scan.end])
            if not structure.progressive:
                pairs = [(tables[selectors[c.id] >> 4], tables[0x10 | selectors[c.id] & 15]) for c in components]
                surplus += _walk_sequential(pieces, components, pairs, structure, scan.interval)
            elif parameters.first == 0:
                chosen = [tables.get(selectors[c.id] >> 4, []) for c in components]
                surplus += _walk_dc(pieces, components, chosen, parameters, structure, scan.interval)
            else:
                (component,) = components
                blocks = _own_blocks(component, structure)
                masks = history.setdefault(component.id, [0] * (blocks[0] * blocks[1]))
                table = tables.get(0x10 | selectors[component.id] & 15, [])
                surplus += _walk_ac(pieces, masks, table, parameters, scan.interval)
        except _BrokenError as error:
            return Walk(f"scan {number + 1} of {len(structure.scans)} {error}")
        except (ValueError, StopIteration, LookupError):
            return Walk(f"scan {number + 1} of {len(structure.scans)} has a header that makes no sense")
    return Walk(None, surplus)


def zero_runs(data: bytes, structure: JpegStructure) -> list[tuple[int, bool]]:
    """Return the offset of the first long run of zeros in each scan, and whether no picture contains such codes.

    An unreadable sector is often copied as zeros. They may decode without an invalid code. But if the code of all zeros
    does not stand for an even block, a photo does not repeat it for thousands of blocks.
    """
    found = []
    for scan in structure.scans:
        at = data.find(bytes(ZERO_RUN), scan.start, scan.end)
        if at < 0:
            continue
        payload = data[scan.header.payload : scan.header.end]
        first = payload[1 + 2 * payload[0]] if structure.progressive else 0
        refines = structure.progressive and payload[3 + 2 * payload[0]] >> 4
        impossible = False
        if not refines and not (structure.progressive and first == 0):
            tables = _tables(data, structure, scan)
            symbols = [tables[0x10 | payload[2 + 2 * i] & 15][0] & 0xFF for i in range(payload[0]) if tables]
            ends = range(0x00, 0xF0, 0x10) if structure.progressive else (0x00,)
            impossible = bool(symbols) and not all(symbol in ends for symbol in symbols)
        found.append((at, impossible))
    return found


def _walk_dc(
    pieces: list[bytes],
    components: list[Component],
    tables: list[list[int]],
    parameters: _Parameters,
    structure: JpegStructure,
    interval: int,
) -> int:
    surplus = 0
    units, per_unit = _units(components, structure)
    for bits, share in _shares(pieces, units, interval):
        if parameters.high:
            bits.at += share * sum(per_unit)  # one bit for each block
        else:
            order = [table for table, blocks in zip(tables, per_unit, strict=True) for _ in range(blocks)]
            for _ in range(share):
                for table in order:
                    size = bits.symbol(table)
                    if size > 15:
                        raise _BrokenError("holds codes that do not decode")
                    bits.at += size
                if bits.at > bits.end:
                    break
        surplus += bits.finish()
    return surplus


def _walk_sequential(
    pieces: list[bytes],
    components: list[Component],
    tables: list[tuple[list[int], list[int]]],
    structure: JpegStructure,
    interval: int,
) -> int:
    surplus = 0
    units, per_unit = _units(components, structure)
    order = [pair for pair, blocks in zip(tables, per_unit, strict=True) for _ in range(blocks)]
    for bits, share in _shares(pieces, units, interval):
        symbol = bits.symbol
        for _ in range(share):
            for dc, ac in order:
                size = symbol(dc)  # read first, as it moves the position that the size is added to
                bits.at += size & 15
                place = 1
                while place < 64:
                    code = symbol(ac)
                    if code == 0:
                        break
                    place += (code >> 4) + 1
                    bits.at += code & 15
                if place > 64:
                    raise _BrokenError("holds a coefficient outside its block")
            if bits.at > bits.end:
                break
        surplus += bits.finish()
    return surplus


def _walk_ac(pieces: list[bytes], masks: list[int], table: list[int], parameters: _Parameters, interval: int) -> int:
    block = surplus = 0
    walk = _refined_block if parameters.high else _first_block
    for bits, share in _shares(pieces, len(masks), interval):
        run = 0  # blocks that the last end-of-band code still covers
        for index in range(block, block + share):
            if run:
                run -= 1
                if parameters.high:
                    bits.at += _band(masks[index], parameters.first, parameters.last).bit_count()
            else:
                masks[index], run = walk(bits, masks[index], table, parameters)
            if bits.at > bits.end:
                break
        block += share
        surplus += bits.finish()
        if run:
            raise _BrokenError("ends with a run that goes past the picture")
    return surplus


def _first_block(bits: _Bits, mask: int, table: list[int], parameters: _Parameters) -> tuple[int, int]:
    """Check one block of a first AC scan. Return its mask and the end-of-band run after it."""
    place = parameters.first
    while place <= parameters.last:
        symbol = bits.symbol(table)
        zeros, size = symbol >> 4, symbol & 15
        if size == 0:
            if zeros < 15:
                return mask, (1 << zeros) - 1 + bits.number(zeros)
            place += 16
            continue
        place += zeros
        if place > parameters.last:
            raise _BrokenError("holds a coefficient outside its block")
        bits.at += size
        mask |= 1 << place
        place += 1
    return mask, 0


def _refined_block(bits: _Bits, mask: int, table: list[int], parameters: _Parameters) -> tuple[int, int]:
    """Check one block of a refining AC scan, in which known coefficients take a bit each on the way to new ones."""
    place, last = parameters.first, parameters.last
    before = mask
    while place <= last:
        symbol = bits.symbol(table)
        zeros, size = symbol >> 4, symbol & 15
        if size == 0 and zeros < 15:
            run = (1 << zeros) - 1 + bits.number(zeros)
            bits.at += _band(before, place, last).bit_count()
            return mask, run
        if size > 1:
            raise _BrokenError("holds codes that do not decode")
        bits.at += size  # the sign of the new coefficient
        while place <= last:
            if before >> place & 1:
                bits.at += 1
            elif zeros == 0:
                break
            else:
                zeros -= 1
            place += 1
        if size:
            if place > last:
                raise _BrokenError("holds a coefficient outside its block")
            mask |= 1 << place
        place += 1
    return mask, 0


def _band(mask: int, first: int, last: int) -> int:
    return mask >> first & ((1 << (last - first + 1)) - 1)


def _units(components: list[Component], structure: JpegStructure) -> tuple[int, list[int]]:
    """Return the number of units in a scan, and the number of blocks per component in a unit."""
    if len(components) == 1:
        columns, rows = _own_blocks(components[0], structure)
        return columns * rows, [1]
    h_max, v_max = (max(c.h for c in structure.components), max(c.v for c in structure.components))
    units = -(-structure.width // (8 * h_max)) * -(-structure.height // (8 * v_max))
    return units, [c.h * c.v for c in components]


def _own_blocks(component: Component, structure: JpegStructure) -> tuple[int, int]:
    """Return the columns and rows of blocks that a scan of this component alone has."""
    h_max, v_max = (max(c.h for c in structure.components), max(c.v for c in structure.components))
    columns, rows = -(-structure.width * component.h // h_max), -(-structure.height * component.v // v_max)
    return -(-columns // 8), -(-rows // 8)


def _pieces(content: bytes) -> list[bytes]:
    """Split a scan at its restart markers."""
    for marker in range(0xD1, 0xD8):
        content = content.replace(bytes((0xFF, marker)), b"\xff\xd0")
    return content.split(b"\xff\xd0")


def _shares(pieces: list[bytes], units: int, interval: int) -> list[tuple[_Bits, int]]:
    """Pair each piece with the number of its units. Surplus restart markers leave empty pieces."""
    counts = [min(interval, units - first) for first in range(0, units, interval)] if interval else [units]
    contents = pieces if interval else pieces[:1]
    if len(contents) > len(counts):
        contents = [content for content in contents if content]
    if len(contents) != len(counts):
        raise _BrokenError(f"has {len(contents)} pieces between restart markers and needs {len(counts)}")
    return list(zip(map(_Bits, contents), counts, strict=True))


def _tables(data: bytes, structure: JpegStructure, scan: Scan) -> dict[int, list[int]]:
    """Return the Huffman tables in force for a scan, by class and number (0x10 | n for AC), as lists of 65,536."""
    defined: dict[int, bytes] = {}
    for segment in structure.segments:
        if segment.start > scan.header.start:
            break
        if segment.marker != DHT:
            continue
        at = segment.payload
        while at + 17 <= segment.end:
            size = sum(data[at + 1 : at + 17])
            defined[data[at]] = data[at + 1 : at + 17 + size]
            at += 17 + size
    return {name: _lookup(content) for name, content in defined.items()}


def _lookup(content: bytes) -> list[int]:
    table: list[int] = []
    symbols = iter(content[16:])
    for length, count in enumerate(content[:16], start=1):
        for _ in range(count):
            table += [length << 8 | next(symbols)] * (1 << (_WINDOW - length))
    if len(table) > 1 << _WINDOW:
        raise _BrokenError("has a Huffman table with too many codes")
    return table + [0] * ((1 << _WINDOW) - len(table))
