"""What a file says of itself about AI: each kind is found at its place, and what only looks like it is not."""

import json
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

from mesorch_cli.evidence import ReadOptions, read_photo
from mesorch_cli.evidence.metadata.declared import Declared, declared_in
from tests.evidence.samples import encoded, picture, png_chunk
from tests.evidence.signing import Authority

IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"
AIGC = (
    '{"Label":"1","ContentProducer":"maker","ProduceID":"7","ReservedCode1":"","ContentPropagator":"","PropagateID":""}'
)
PARAMETERS = (
    "a <b>red</b> house\nNegative prompt: blur\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512"
)
NODES = '{"3": {"inputs": {"seed": 1, "text": "<script>x</script>"}, "class_type": "KSampler"}}'
JOB = "a red house --v 6 Job ID: 01234567-89ab-cdef-0123-456789abcdef"


def declared(data: bytes, trust: str | None = None) -> Declared:
    photo = read_photo("-", data=data, options=ReadOptions(provenance=True, trust_list=trust))
    json.dumps(photo.metadata, allow_nan=False)
    return declared_in(photo.metadata, photo.provenance)


def said(data: bytes) -> list[tuple[str, str]]:
    return [(one.kind, one.where) for one in declared(data).statements]


def xmp(*properties: str) -> bytes:
    spaces = (
        'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:TC260="http://www.tc260.org.cn/ns/AIGC/1.0/"'
    )
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f"<rdf:Description {spaces}>{''.join(properties)}</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def source(value: str) -> str:
    return f"<Iptc4xmpExt:DigitalSourceType>{value}</Iptc4xmpExt:DigitalSourceType>"


def with_xmp(format_name: str, packet: bytes) -> bytes:
    return encoded(picture(), format_name, xmp=packet)


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    data = encoded(picture(), "PNG")
    return data[:33] + b"".join(png_chunk(kind, content) for kind, content in chunks) + data[33:]


def text(key: str, value: str) -> bytes:
    return png((b"tEXt", key.encode() + b"\0" + value.encode("latin-1")))


def with_exif(format_name: str, main: dict[int, str], comment: bytes | None = None) -> bytes:
    exif = Image.Exif()
    for tag, value in main.items():
        exif[tag] = value
    if comment is not None:
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = comment
    return encoded(picture(), format_name, exif=exif.tobytes())


def samsung(content: bytes, name: bytes = b"PhotoEditor_Re_Edit_Data", back: int | None = None) -> bytes:
    part = struct.pack("<HHI", 0, 0x0BA1, len(name)) + name + content
    head = b"SEFH" + struct.pack("<II", 107, 1)
    head += struct.pack("<HHII", 0, 0x0BA1, len(part) if back is None else back, len(part))
    return encoded(picture(), "JPEG") + part + head + struct.pack("<I", len(head)) + b"SEFT"


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("form", [IPTC + "{}", "digsrctype:{}", "{}"])
def test_digital_source_types_in_xmp(format_name: str, form: str) -> None:
    if format_name == "PNG":
        packet = xmp(source(form.format("trainedAlgorithmicMedia")))
        data = png((b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet))
    else:
        data = with_xmp(format_name, xmp(source(form.format("trainedAlgorithmicMedia"))))
    assert said(data) == [("generated", "XMP, Iptc4xmpExt:DigitalSourceType")]
    assert declared(data).statements[0].signed == "no"


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        (source("compositeWithTrainedAlgorithmicMedia"), [("edited", "XMP, Iptc4xmpExt:DigitalSourceType")]),
        (f'<Iptc4xmpExt:DigitalSourceType rdf:resource="{IPTC}trainedAlgorithmicMedia"/>',
         [("generated", "XMP, Iptc4xmpExt:DigitalSourceType")]),
        ("<photoshop:Credit>Edited with Google AI</photoshop:Credit>", [("edited", "XMP, photoshop:Credit")]),
        ("<photoshop:Credit>Made with Google AI</photoshop:Credit>", [("generated", "XMP, photoshop:Credit")]),
        ("<Iptc4xmpExt:AISystemUsed>a system</Iptc4xmpExt:AISystemUsed>", [("involved", "XMP, Iptc4xmpExt:AISystemUsed")]),
        (f"<TC260:AIGC>{AIGC}</TC260:AIGC>", [("generated", "XMP, TC260:AIGC")]),
        (f"<dc:description>{JOB}</dc:description>", [("generator", "XMP, dc:description")]),
        (source(IPTC + "algorithmicMedia"), []),
        (source(IPTC + "digitalCapture"), []),
        ("<dc:description>the prompt was late</dc:description>", []),
        ("<photoshop:Credit>A photographer, not edited with Google AI</photoshop:Credit>", []),
    ],
)  # fmt: skip
def test_fields_of_xmp(properties: str, expected: list[tuple[str, str]]) -> None:
    assert said(with_xmp("JPEG", xmp(properties))) == expected


def test_a_field_that_contradicts_itself_is_told_with_both_values() -> None:
    packet = xmp(source("digitalCapture"), source("trainedAlgorithmicMedia"))
    (one,) = declared(with_xmp("JPEG", packet)).statements
    assert one.text == "trainedAlgorithmicMedia (the same field also says: digitalCapture)"


@pytest.mark.parametrize(
    ("key", "value", "kind"),
    [
        ("parameters", PARAMETERS, "generator"),
        ("prompt", NODES, "generator"),
        ("workflow", '{"last_node_id": 9, "nodes": []}', "generator"),
        ("Dream", '"a red house" -s 50 -S 1 -W 512', "generator"),
        ("sd-metadata", '{"model": "x"}', "generator"),
        ("invokeai_metadata", '{"positive_prompt": "x"}', "generator"),
        ("Software", "NovelAI", "generator"),
        ("Comment", '{"prompt": "x", "uc": "y", "steps": 28}', "generator"),
        ("Description", JOB, "generator"),
        ("AIGC", AIGC, "generated"),
        ("AIGC", AIGC.replace('"1"', '"2"'), "involved"),
        ("parameters", "exposure 1/125, f 8", None),
        ("prompt", "a reminder to be prompt", None),
        ("workflow", "scan, crop, print", None),
        ("Dream", "a dream I had", None),
        ("Description", "Job ID: 17", None),
        ("Comment", "made with GIMP", None),
        ("AIGC", '{"Label": "1"}', None),
    ],
)
def test_texts_of_png(key: str, value: str, kind: str | None) -> None:
    assert said(text(key, value)) == ([(kind, f"PNG text, {key}")] if kind else [])


def test_compressed_and_international_texts_of_png() -> None:
    long = ("word " * 500 + PARAMETERS).encode()
    for kind, content in (
        (b"zTXt", b"parameters\0\0" + zlib.compress(long)),
        (b"iTXt", b"parameters\0\1\0\0\0" + zlib.compress(long)),
        (b"iTXt", b"parameters\0\0\0\0\0" + long),
    ):
        (one,) = declared(png((kind, content))).statements
        assert one.text.startswith("word")
        assert "Steps: 20, Sampler: Euler a" in one.text
        assert len(one.text) <= 512


def test_a_text_of_50_mb_is_read_in_part() -> None:
    data = text("parameters", PARAMETERS + " " * 50_000_000)
    assert said(data) == [("generator", "PNG text, parameters")]


@pytest.mark.parametrize("format_name", ["JPEG", "WEBP", "PNG"])
def test_exif_comments(format_name: str) -> None:
    for comment in (
        b"UNICODE\0" + ("long " * 200 + PARAMETERS).encode("utf-16-be"),
        b"UNICODE\0" + PARAMETERS.encode("utf-16-le"),
        b"ASCII\0\0\0" + PARAMETERS.encode(),
    ):
        assert said(with_exif(format_name, {}, comment)) == [("generator", "EXIF, UserComment")]
    label = b"ASCII\0\0\0" + f'{{"AIGC":{AIGC}}}'.encode()
    assert said(with_exif(format_name, {}, label)) == [("generated", "EXIF, UserComment")]
    assert said(with_exif(format_name, {ExifTags.Base.ImageDescription: JOB})) == [
        ("generator", "EXIF, ImageDescription")
    ]


def test_exif_of_comfyui_and_the_signature_pair() -> None:
    made = {ExifTags.Base.Make: 'workflow:{"last_node_id": 2}', ExifTags.Base.Model: f"prompt:{NODES}"}
    assert said(with_exif("WEBP", made)) == [("generator", "EXIF, Make"), ("generator", "EXIF, Model")]
    pair = {ExifTags.Base.ImageDescription: "Signature: " + "Ab1/" * 20, ExifTags.Base.Artist: JOB[-36:]}
    assert said(with_exif("JPEG", pair)) == [("generator", "EXIF, ImageDescription and Artist")]
    assert said(with_exif("JPEG", {ExifTags.Base.ImageDescription: "Signature: " + "Ab1/" * 20})) == []


def test_a_camera_photo_says_nothing_and_what_was_looked_at() -> None:
    data = with_exif(
        "JPEG", {ExifTags.Base.Make: "Maker", ExifTags.Base.ImageDescription: "a prompt reply"}, b"ASCII\0\0\0hello"
    )
    assert declared(data) == Declared(("C2PA", "EXIF", "XMP", "IPTC", "texts", "trailer"), ())
    unread = declared(with_xmp("JPEG", b"<broken"))
    assert "XMP" not in unread.looked_at


def test_the_trailer_of_samsung() -> None:
    place = "Samsung trailer, PhotoEditor_Re_Edit_Data"
    assert said(samsung(b'{"genAIType":1}')) == [("edited", place)]
    assert said(samsung(rb'{"a":"{\"genAIType\":3}"}')) == [("edited", place)]
    for content in (b'{"genAIType":0}', b"{}", b""):
        assert said(samsung(content)) == []
    assert said(samsung(b'{"genAIType":1}', name=b"Other")) == []
    for back in (0, 1, 1 << 31):
        assert said(samsung(b'{"genAIType":1}', back=back)) == []


def test_what_a_manifest_says_and_who_signed_it() -> None:
    authority = Authority("Test")
    data = authority.sign(encoded(picture(), "JPEG"))
    place = "C2PA, action c2pa.created"
    assert [tuple(one) for one in declared(data).statements] == [
        ("generated", place, IPTC + "trainedAlgorithmicMedia", "valid")
    ]
    assert declared(data, authority.root_pem).statements[0].signed == "trusted"
    changed = bytearray(data)
    changed[-300] ^= 4
    assert declared(bytes(changed)).statements[0].signed == "invalid"


@pytest.mark.parametrize(
    "value", [None, 3, [], "x", {"statements": 4}, {"statements": [{"kind": []}, 3], "looked_at": [{}]}]
)
def test_answers_of_any_shape_are_no_fault(value: Any) -> None:
    for metadata, provenance in (({"declared": value}, {}), ({}, {"source_types": [value], "state": value})):
        assert declared_in(metadata, provenance).statements == ()


def test_the_pixels_are_the_same_with_and_without_a_statement() -> None:
    plain, stated = encoded(picture(), "PNG"), text("parameters", PARAMETERS)
    assert np.array_equal(read_photo("-", data=plain).pixels, read_photo("-", data=stated).pixels)
