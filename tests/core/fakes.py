"""A driver library that says what it is told to say."""

from types import SimpleNamespace
from typing import Any, ClassVar

READINGS = {
    "nvmlDeviceGetName": "NVIDIA H200",
    "nvmlDeviceGetUUID": "GPU-1f00aa",
    "nvmlDeviceGetClockInfo": 1980,
    "nvmlDeviceGetMaxClockInfo": 1980,
    "nvmlDeviceGetTemperature": 41,
    "nvmlDeviceGetPowerUsage": 120_500,
    "nvmlDeviceGetEnforcedPowerLimit": 700_000,
    "nvmlDeviceGetTotalEnergyConsumption": 5_000_000,
    "nvmlDeviceGetCurrentClocksEventReasons": 0,
    "nvmlDeviceGetViolationStatus": SimpleNamespace(referenceTime=1_000, violationTime=0),
    "nvmlDeviceGetComputeRunningProcesses": [],
    "nvmlDeviceGetMigMode": (0, 0),
}


class NVMLError(Exception):
    """What the library raises; `value` is its code."""

    WORDS: ClassVar = {3: "Not Supported", 4: "Insufficient Permissions", 9: "Driver Not Loaded", 15: "GPU is lost"}

    def __init__(self, value: int) -> None:
        super().__init__(self.WORDS[value])
        self.value = value


class FakeNVML:
    """A driver library with GPUs that all say the same.

    readings: function of the library -> what it returns; an iterator is asked for its next value at each call, and
    what is an exception is raised.
    """

    NVMLError = NVMLError

    def __init__(self, count: int = 1, init: Exception | None = None, **readings: Any) -> None:
        self.count, self.init, self.readings = count, init, {**READINGS, **readings}
        self.sessions = 0

    def nvmlInit(self) -> None:  # noqa: N802 - the library's name
        if self.init:
            raise self.init
        self.sessions += 1

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.sessions -= 1

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return self.count

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlSystemGetDriverVersion(self) -> str:  # noqa: N802
        return "580.1"

    def __getattr__(self, function: str) -> Any:
        if function not in self.__dict__.get("readings", {}):
            raise AttributeError(function)

        def ask(handle: int, *args: Any) -> Any:
            said = self.readings[function]
            if hasattr(said, "__next__"):
                said = next(said)
            if isinstance(said, Exception):
                raise said
            return said

        return ask
