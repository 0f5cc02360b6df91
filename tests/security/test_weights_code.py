"""Loading a program of others runs none of its code, unless the user trusts that very file."""

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner, Result

from mesorch_cli.cli.app import app
from mesorch_cli.errors import WeightsError
from mesorch_cli.inference.loading import open_exported
from mesorch_cli.network.header import read_passport
from mesorch_cli.network.trust import FILE_NAME, TrustedFiles
from mesorch_cli.offline import HOME_VARIABLE
from tests.security import programs
from tests.security.programs import CONSTANTS, MODEL, SAMPLES, WEIGHTS, Parts, in_json


@pytest.fixture(scope="module")
def honest(tiny_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("honest") / "honest.pt2"
    programs.write_honest(path, read_passport(tiny_weights))
    return path


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))


def test_a_part_that_is_encrypted_is_said_and_no_fault(honest: Path, tmp_path: Path) -> None:
    data = bytearray(honest.read_bytes())
    at = data.index(b"PK\x01\x02")  # the first entry of the archive's list
    data[at + 8] |= 1
    (tmp_path / "flagged.pt2").write_bytes(bytes(data))
    result = run("weights", "verify", tmp_path / "flagged.pt2")
    assert result.exit_code == 5
    assert "as a program of torch.export" in result.stderr


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def detect(weights: Path, photo: Path) -> Result:
    return run("detect", photo, "--weights", weights, "--no-artefacts", "--json")


def legacy(marker: Path) -> Callable[[Parts], None]:
    """The archive of PyTorch 2.7, which is read where that of today fails."""

    def apply(parts: Parts) -> None:
        model = parts[MODEL]
        parts.clear()
        parts.update(
            {
                "version": b"8.8",
                "serialized_exported_program.json": model,
                "serialized_state_dict.pt": programs.saved(programs.MakesFile(marker)),
                "serialized_constants.pt": b"",
                "serialized_example_inputs.pt": b"",
            }
        )

    return apply


def first_node(change: Callable[[Any], None]) -> Callable[[Parts], None]:
    return in_json(MODEL, lambda tree: change(tree["graph_module"]["graph"]["nodes"][0]))


def calls(target: str, *texts: str) -> Callable[[Parts], None]:
    """A call of a dotted name with texts, its result unused."""

    def apply(tree: Any) -> None:
        arguments = [{"name": "", "arg": {"as_string": text}, "kind": 1} for text in texts]
        node = {"target": target, "inputs": arguments, "outputs": [], "metadata": {}, "name": "call"}
        tree["graph_module"]["graph"]["nodes"].insert(0, node | {"is_hop_single_tensor_return": None})

    return in_json(MODEL, apply)


def sized(text: str) -> Callable[[Parts], None]:
    """An expression of a size, which PyTorch evaluates as Python."""

    def apply(tree: Any) -> None:
        values = tree["graph_module"]["graph"]["tensor_values"]
        values["tiles"]["sizes"][1] = {"as_expr": {"expr_str": text, "hint": None}}

    return in_json(MODEL, apply)


def nested(text: str) -> Callable[[Parts], None]:
    return in_json(MODEL, lambda tree: tree["graph_module"]["module_call_graph"][0]["signature"].update(in_spec=text))


def renamed(name: str) -> Callable[[Parts], None]:
    """The input of the graph under a name that is Python."""

    def apply(parts: Parts) -> None:
        parts[MODEL] = parts[MODEL].replace(b'"tiles"', json.dumps(name).encode())

    return apply


def pickled_weight(marker: Path) -> Callable[[Parts], None]:
    def apply(parts: Parts) -> None:
        config = json.loads(parts[WEIGHTS])
        (name,) = config["config"]
        config["config"][name] |= {"use_pickle": True, "path_name": "weight_0"}
        parts["data/weights/weight_0"] = programs.saved(programs.MakesFile(marker))
        parts[WEIGHTS] = json.dumps(config).encode()

    return apply


def attacks(marker: Path) -> dict[str, tuple[Callable[[Parts], None], str]]:
    """Return what a foreign archive may hold, and the words that it is refused with."""
    code = f"__import__('pathlib').Path({str(marker)!r}).touch()"
    kind = "[1, {}]".format(
        json.dumps(
            {"type": "collections.defaultdict", "context": '{"default_factory_module": "this"}', "children_spec": []}
        )
    )
    whole = programs.saved(programs.MakesFile(marker))
    return {
        "pickled weight": (pickled_weight(marker), "is pickled"),
        "pickled constant": (programs.pickled_constant("tensor_9", marker), "is pickled"),
        "custom object": (programs.pickled_constant("custom_obj_0", marker), "a pickled or custom object"),
        "opaque object": (programs.pickled_constant("opaque_obj_0", marker), "a pickled or custom object"),
        "older weights": (lambda parts: parts.update({"data/weights/model.pt": whole}), "a pickled or custom object"),
        "older constants": (
            lambda parts: parts.update({"data/constants/model.pt": whole}),
            "a pickled or custom object",
        ),
        "older archive": (legacy(marker), "run code"),
        "second program": (
            lambda parts: parts.update({"models/other.json": parts[MODEL]}),
            "no export of this program has",
        ),
        "compiled package": (lambda parts: parts.update({"data/aotinductor/model/x.so": b"\x7fELF"}), "compiled code"),
        "library": (lambda parts: parts.update({"data/weights/x.so": b"\x7fELF"}), "compiled code"),
        "function": (calls("torch.os.system", f"touch {marker}"), "it calls 'torch.os.system'"),
        "file operator": (calls("torch.ops.aten.from_file.default", str(marker)), "it calls 'torch.ops.aten.from_file"),
        "extension": (calls("#other:thing"), "it calls '#other:thing'"),
        "expression": (sized(code), "it has the expression"),
        "endless expression": (sized("Pow(Integer(9), Pow(Integer(9), Integer(999999999)))"), "it has the expression"),
        "powers of powers": (sized("Pow(" * 30 + "Integer(9)" + ", Integer(8))" * 30), "it has the expression"),
        "type of the inputs": (nested(kind), "inputs or outputs are of the type"),
        "name": (renamed(f"tiles\n    {code}\n    "), "it has the name"),
        "device": (in_json(CONSTANTS, lambda one: _device(one)), "it runs on 'cuda'"),
        "huge tensor": (in_json(CONSTANTS, lambda one: _huge(one)), "has the shape"),
        "huge output": (calling("full.default", {"as_ints": [10**6, 10**6]}, {"as_float": 0.0}), "makes more than"),
        "long range": (calling("arange.start_step", *(_scalar(n) for n in (0, 10**12, 1))), "makes more than"),
        "tiny steps": (calling("arange.start_step", *(_scalar(n) for n in (0, 9, 1e-30))), "makes more than"),
        "huge padding": (calling("constant_pad_nd.default", {"as_ints": [0, 10**9]}), "makes more than"),
        "huge picture": (calling("upsample_bilinear2d.vec", {"as_ints": [10**6, 10**6]}), "makes more than"),
        "unbacked symbols": (in_json(MODEL, _unbacked), "a range of"),
        "nesting": (lambda parts: parts.update({MODEL: b"[" * 100_000}), "nested more than"),
        "nothing": (lambda parts: parts.update({MODEL: b"{}"}), "not as PyTorch writes it"),
    }


def calling(operator: str, *arguments: dict[str, Any]) -> Callable[[Parts], None]:
    """Return a change that adds a call of an operator that is allowed."""
    inputs = [{"name": f"a{place}", "arg": argument, "kind": 1} for place, argument in enumerate(arguments)]
    node = {"target": f"torch.ops.aten.{operator}", "inputs": inputs, "outputs": [], "metadata": {}}
    return in_json(MODEL, lambda tree: tree["graph_module"]["graph"]["nodes"].append(node))


def _scalar(number: float) -> dict[str, Any]:
    return {"as_int": number} if isinstance(number, int) else {"as_float": number}


def _device(config: Any) -> None:
    next(iter(config["config"].values()))["tensor_meta"]["device"] = {"type": "cuda", "index": 0}


def _huge(config: Any) -> None:
    next(iter(config["config"].values()))["tensor_meta"]["sizes"] = [{"as_int": 10**12}]


def _unbacked(tree: Any) -> None:
    tree["range_constraints"]["u99999999999"] = {"min_val": 0, "max_val": 1}


NAMES = tuple(attacks(Path("marker")))


def test_an_honest_program_needs_no_trust(honest: Path, write_photo: Callable[..., Path]) -> None:
    result = detect(honest, write_photo("photo.png"))
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["analysis"]["backend"] == "torch.export"


def test_it_computes_what_pytorch_computes_of_the_whole_file(honest: Path) -> None:
    tiles = torch.randint(0, 256, (3, 64, 96, 3), dtype=torch.uint8)
    wanted = torch.export.load(honest).module(check_guards=False)(tiles)
    found = open_exported(honest).start("cpu", "fp32")(tiles.numpy())
    assert torch.equal(torch.from_numpy(found), wanted)


@pytest.mark.parametrize("name", NAMES)
def test_code_in_a_program_is_refused(
    name: str, honest: Path, tmp_path: Path, write_photo: Callable[..., Path]
) -> None:
    marker = tmp_path / "code-was-run"
    change, words = attacks(marker)[name]
    foreign = programs.rewrite(honest, tmp_path / "foreign.pt2", change)
    for result in (detect(foreign, write_photo("photo.png")), run("weights", "verify", foreign)):
        assert result.exit_code == 5, result.output
        assert words in result.stderr
        assert "mesorch weights trust" in result.stderr
    assert not marker.exists()


def test_pickled_samples_and_guards_are_never_looked_at(
    honest: Path, tmp_path: Path, write_photo: Callable[..., Path]
) -> None:
    marker = tmp_path / "code-was-run"

    def change(parts: Parts) -> None:
        parts[SAMPLES] = programs.saved(programs.MakesFile(marker))
        in_json(MODEL, lambda tree: tree.update(guards_code=[f"open({str(marker)!r}, 'w')"]))(parts)

    foreign = programs.rewrite(honest, tmp_path / "foreign.pt2", change)
    assert detect(foreign, write_photo("photo.png")).exit_code == 0
    assert not marker.exists()


def test_archives_that_two_readers_read_differently_are_refused(honest: Path, tmp_path: Path) -> None:
    parts, seal = programs.parts_of(honest)
    for name, compression, again in (("bomb", zipfile.ZIP_DEFLATED, False), ("twice", zipfile.ZIP_STORED, True)):
        path = tmp_path / f"{name}.pt2"
        with zipfile.ZipFile(path, "w", compression) as archive:
            for entry, data in parts.items():
                archive.writestr(f"archive/{entry}", data)
            if again:
                with pytest.warns(UserWarning, match="Duplicate"):
                    archive.writestr(f"archive/{MODEL}", parts[MODEL])
            archive.writestr("archive/extra/mesorch.export", seal.to_json())
        with pytest.raises(WeightsError, match="truncated, damaged or no such file"):
            open_exported(path)


def test_a_trusted_file_runs_its_code_and_no_other_does(
    honest: Path, tmp_path: Path, write_photo: Callable[..., Path]
) -> None:
    marker, photo = tmp_path / "code-was-run", write_photo("photo.png")
    change = programs.pickled_constant("opaque_obj_0", marker)
    foreign = programs.rewrite(honest, tmp_path / "foreign.pt2", change)
    told = run("weights", "trust", foreign)
    assert told.exit_code == 0, told.stderr
    assert "run code on this machine with your rights" in told.stderr
    assert not marker.exists()  # to trust it is not to load it
    detect(foreign, photo)
    assert marker.exists()
    marker.unlink()
    listed = run("weights", "trust", "--json")
    (entry,) = [json.loads(line) for line in listed.stdout.splitlines()]
    assert entry["name"] == "foreign.pt2"
    assert run("weights", "verify", foreign).stderr.count("because you trusted it") == 1
    other = programs.rewrite(
        honest, tmp_path / "other.pt2", lambda parts: (change(parts), parts.update(byteorder=b"little "))
    )
    assert detect(other, photo).exit_code == 5
    assert run("weights", "trust", "--remove", entry["sha256"]).exit_code == 0
    assert detect(foreign, photo).exit_code == 5
    assert not marker.exists()
    assert run("weights", "trust").stdout == ""
    assert run("weights", "trust", foreign, "--remove").exit_code == 2


@pytest.mark.parametrize(
    "text", ["", "{", '{"schema": "mesorch.trusted/9"}', '{"files": [{"sha256": "x"}]}', "[" * 9000]
)
def test_a_list_that_cannot_be_read_is_named(text: str, honest: Path, tmp_path: Path) -> None:
    change = programs.pickled_constant("opaque_obj_0", tmp_path / "marker")
    foreign = programs.rewrite(honest, tmp_path / "foreign.pt2", change)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / FILE_NAME).write_text(text)
    for words in (("weights", "verify", foreign), ("weights", "trust", foreign), ("weights", "trust")):
        result = run(*words)
        assert result.exit_code == 5, result.output
        assert str(tmp_path / "home" / FILE_NAME) in result.stderr
    assert (tmp_path / "home" / FILE_NAME).read_text() == text


def test_only_programs_can_be_trusted(tiny_weights: Path) -> None:
    result = run("weights", "trust", tiny_weights)
    assert result.exit_code == 2
    assert "needs no trust" in result.stderr


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="files have no owner here")
@pytest.mark.parametrize("kind", ["file", "folder", "owner"])
def test_a_list_that_others_can_write_trusts_nothing(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted = TrustedFiles(tmp_path / "home")
    trusted.add("0" * 64, "mine.pt2")
    assert trusted.find("0" * 64) is not None
    if kind == "owner":
        monkeypatch.setattr(os, "getuid", lambda: 12345)
        if trusted.path.stat().st_uid == 0:  # the administrator may write anything anyway
            os.chown(trusted.path, 54321, -1)
    else:
        place = trusted.path if kind == "file" else trusted.folder
        place.chmod(place.stat().st_mode | 0o002)
    with pytest.raises(WeightsError, match="only you can write"):
        trusted.find("0" * 64)
