"""Training files that build on others: what is joined, what is refused, and that the run keeps what came out of it."""

from pathlib import Path

import pytest

from mesorch_cli.errors import UsageError
from mesorch_cli.training.checkpoint import FILE_NAME, load_checkpoint
from mesorch_cli.training.config import read_config
from mesorch_cli.training.extends import MOST_FILES, read_values
from mesorch_cli.training.trainer import Trainer
from tests.training.runs import values, write_toml


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_file_states_what_differs(tmp_path: Path, photos: Path) -> None:
    base = values(photos, seed=1, batch=8)
    (tmp_path / "shared").mkdir()
    write_toml(tmp_path / "shared" / "base.toml", base)
    text = 'extends = "shared/base.toml"\nseed = 7\n[schedule]\nsteps = 9\n[[data.photos]]\nfolder = "elsewhere"\n'
    found = read_config(write(tmp_path / "leg.toml", text))
    assert (found.seed, found.batch, found.side) == (7, 8, 64)
    assert (found.schedule.steps, found.schedule.learning_rate) == (9, 1e-3)  # of one table, from either file
    assert [str(one.folder) for one in found.data.photos] == ["elsewhere"]  # lists are taken whole
    assert found.data.validation_count == 3


def test_the_order_of_several_files(tmp_path: Path) -> None:
    write(tmp_path / "a.toml", "seed = 1\nside = 64\nbatch = 2\n")
    write(tmp_path / "b.toml", 'extends = "a.toml"\nseed = 2\nside = 128\n')
    found, files = read_values(write(tmp_path / "c.toml", 'extends = "b.toml"\nseed = 3\n'))
    assert found == {"seed": 3, "side": 128, "batch": 2}
    assert [path.name for path in files] == ["c.toml", "b.toml", "a.toml"]


def test_circles_and_towers_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.toml", 'extends = "b.toml"\n')
    write(tmp_path / "b.toml", 'extends = "a.toml"\n')
    write(tmp_path / "self.toml", 'extends = "self.toml"\n')
    for name in ("a", "self"):
        with pytest.raises(UsageError, match="in a circle"):
            read_values(tmp_path / f"{name}.toml")
    for number in range(MOST_FILES + 1):
        write(tmp_path / f"{number}.toml", f'extends = "{number + 1}.toml"\n' if number < MOST_FILES else "seed = 1\n")
    assert read_values(tmp_path / "1.toml")[0] == {"seed": 1}
    with pytest.raises(UsageError, match="more than 7 other files"):
        read_values(tmp_path / "0.toml")


@pytest.mark.parametrize(
    "name", ["'/etc/base.toml'", "'../base.toml'", "'a/../../base.toml'", "'/etc/passwd'", "'base'", "3", "['a.toml']"]
)
def test_only_files_beside_or_below_are_opened(tmp_path: Path, name: str) -> None:
    write(tmp_path / "base.toml", "seed = 1\n")
    with pytest.raises(UsageError, match="in the same folder or below"):
        read_values(write(tmp_path / "within" / "leg.toml", f"extends = {name}\n"))


def test_what_is_wrong_is_named_with_its_file(tmp_path: Path, photos: Path) -> None:
    leg = write(tmp_path / "leg.toml", 'extends = "base.toml"\n')
    with pytest.raises(UsageError, match=r"leg.toml extends .*base.toml, which does not exist"):
        read_config(leg)
    write(tmp_path / "base.toml", "seed = \n")
    with pytest.raises(UsageError, match=r"base.toml is not TOML"):
        read_config(leg)
    write_toml(tmp_path / "base.toml", values(photos, side=65))
    with pytest.raises(UsageError, match=r"leg.toml with .*base.toml, at side: .*multiple of 32 \(got 65\)"):
        read_config(leg)


def test_the_run_keeps_the_settings_that_came_out(tmp_path: Path, photos: Path) -> None:
    write_toml(tmp_path / "base.toml", values(photos))
    found = read_config(write(tmp_path / "leg.toml", 'extends = "base.toml"\nseed = 5\n'))
    trainer = Trainer(found, tmp_path / "run")
    trainer.save()
    (leg,) = load_checkpoint(tmp_path / "run" / FILE_NAME).legs
    assert leg["config"] == found.model_dump(mode="json")
    assert (leg["config"]["seed"], leg["config"]["side"]) == (5, 64)


def test_terms_of_the_loss_that_were_taken_out(tmp_path: Path, photos: Path) -> None:
    """At 0 they asked for the loss of today: such files are read, and such runs go on without a new leg."""
    path = write_toml(tmp_path / "run.toml", values(photos, focal_gamma=0.0, edge_weight=0))
    assert read_config(path) == read_config(write_toml(tmp_path / "without.toml", values(photos)))
    with pytest.raises(UsageError, match=r"edge_weight = 2\.0: this term of the loss was removed"):
        read_config(write_toml(path, values(photos, edge_weight=2.0)))
    trainer = Trainer(read_config(tmp_path / "without.toml"), tmp_path / "run")
    for gamma, changed in ((0.0, []), (2.0, ["focal_gamma"])):
        trainer.legs[-1]["config"]["focal_gamma"] = gamma
        trainer.save()
        assert Trainer(trainer.config, tmp_path / "run").changed == changed
