"""The engines that a command line asks for: devices of this machine, or a Ray cluster."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from mesorch_cli.case.mirror import Mirror
from mesorch_cli.case.pipeline import Engine, Pipeline
from mesorch_cli.cli.reading import Reading
from mesorch_cli.cli.streams import data_of_this_thread_alone
from mesorch_cli.errors import UsageError
from mesorch_cli.examination.examiner import Examiner
from mesorch_cli.examination.spec import ExaminerSpec
from mesorch_cli.inference.analysis import Analysis
from mesorch_cli.inference.loading import pytorch_for
from mesorch_cli.inference.runtime import Runtime
from mesorch_cli.inference.settings import Overrides


@dataclass(frozen=True)
class Engines:
    """The options for engines. Raises UsageError for options that contradict each other."""

    device: str
    devices: str | None
    engine: str
    address: str | None
    workers: int | None
    runtime: Runtime = "auto"

    def __post_init__(self) -> None:
        if self.devices is not None and self.device != "auto":
            raise UsageError("--device and --devices were both given. Expected only one of them.")
        if self.engine == "ray" and self.devices is not None:
            raise UsageError(
                "--devices applies to one machine only; a Ray cluster gives each worker its own GPU. Leave it out."
            )
        if self.engine != "ray" and (self.address is not None or self.workers is not None):
            raise UsageError("--address and --workers apply to a Ray cluster. Add --engine ray.")

    def runtime_for(self, weights: str | None, explain: bool) -> Runtime:
        """Return the runtime of a run. Explanations need PyTorch, and all machines of a cluster need the same one.

        Raises UsageError for explanations with another runtime.
        """
        if explain and self.runtime == "onnx":
            raise UsageError("--explain with --runtime onnx: only PyTorch gives what a map was made of. Leave one out.")
        return pytorch_for(weights) if self.runtime == "auto" and (explain or self.engine == "ray") else self.runtime

    @property
    def names(self) -> list[str]:
        """Return the devices on this machine. In a list, a bare number means a CUDA device."""
        if self.devices is None:
            return [self.device]
        names = [name.strip() for name in self.devices.split(",")]
        return [f"cuda:{name}" if name.isdigit() else name for name in names]

    def spec(
        self,
        weights: str | None,
        overrides: Overrides,
        calibration: Path | None,
        accept_damaged: bool,
        how: Reading,
        public_key: Path | None = None,
        explain: bool = False,
    ) -> ExaminerSpec:
        """Load the weights and settings for the examiners."""
        return ExaminerSpec(
            Analysis.load(
                weights,
                overrides,
                calibration=calibration,
                public_key=public_key,
                runtime=self.runtime_for(weights, explain),
            ),
            tuple(sys.argv[1:]),
            accept_damaged,
            previews=True,
            explain=explain,
            reading=how.options(),
            limits=how.limits(),
        )

    def examiners(self, spec: ExaminerSpec) -> list[Examiner]:
        """Return one examiner per device of this machine. For a cluster there are none: its workers make their own."""
        return [] if self.engine == "ray" else [spec.examiner(name) for name in self.names]

    @contextmanager
    def started(
        self, spec: ExaminerSpec, examiners: list[Examiner], evidence: Path, mirror: Mirror
    ) -> Iterator[Engine]:
        """Start the engine, and release its resources at the end."""
        if self.engine != "ray":
            yield Pipeline(examiners, evidence, mirror.place)
            return
        try:
            from mesorch_cli.case.cluster import Cluster
        except ImportError as error:
            raise UsageError(f"--engine ray needs Ray: {error}. Install mesorch with the extra `cluster`.") from error
        with data_of_this_thread_alone():  # Ray reports lost nodes on stdout
            cluster = Cluster(
                spec, evidence, mirror.place, address=self.address, workers=self.workers, device=self.device
            )
            try:
                yield cluster
            finally:
                with redirect_stdout(sys.stderr):  # Ray also prints while it shuts down
                    cluster.close()
